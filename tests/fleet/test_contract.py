"""The contract of `Fleet`, held against each implementation, with every value through JSON."""

from __future__ import annotations

import asyncio
import inspect
import itertools
import json
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import ValidationError

from samobot.config.settings_loader import load_settings
from samobot.errors import ConflictError, NotFoundError, SamobotError, UsageError, WorktreeGoneError
from samobot.fleet.fleet import Fleet
from samobot.fleet.forge import CheckState, CheckView, WorkSource
from samobot.fleet.landing_models import LandingStep
from samobot.fleet.local_fleet import LocalFleet
from samobot.fleet.models import SessionRef
from samobot.fleet.results import QuestionAnswer, ResumeKind
from samobot.fleet.start_request import StartRequest, UserFile
from samobot.fleet.worker_processes import WorkerProcesses
from samobot.session.asks import Ask, save_asks
from samobot.session.decisions import DecisionKind
from samobot.session.folder import SessionFolder
from samobot.session.gate import Person
from samobot.session.status import SessionState
from samobot.session.tool_call import ToolCall
from samobot.session.vault import vault_of
from tests.support.claude_cli import cli_environment
from tests.support.hosts import remote_host
from tests.support.json_fleet import METHODS, through_json
from tests.support.nats import NatsServer, nats_server
from tests.support.workshop import Workshop, make_workshop

ANNA = Person("anna", "telegram")
QA = """# Q&A

### Q1: Which greeting?
A) hello
B) good day

**Suggestion:** B - polite

**Answer:** _waiting_

### Q2: Which language?
A) Python
B) shell

**Suggestion:** A - it is there

**Answer:** _waiting_
"""
PLAN = "# Plan: greet\n\n## Phase 1: Write\n- [ ] write greet.py\n"


@dataclass
class Host:
    """A machine with sessions, and the fleet that reaches them.

    Attributes:
        shop: The project on disk.
        fleet: Under test.
        called: Calls that have returned.
        looked: Lets the fleet see what was changed on the disk, as a poll would.
    """

    shop: Workshop
    fleet: Fleet
    called: set[str]
    looked: Callable[[], Awaitable[None]]

    async def session(self, name: str, *, stopped: bool = True, **status: str) -> SessionRef:
        """Create a session that no worker has taken up; one that is `stopped` has that in its journal."""
        started = await self.fleet.start(
            StartRequest(project="demo", session=name, task="Add a greeting"), ANNA
        )
        assert started.ref is not None
        await self.fleet.wait_for_starts()
        await (self.fleet.stop if stopped else self.fleet.pause)(started.ref, ANNA)
        overview = self.shop.session(name) / "_overview.md"
        text = overview.read_text()
        for key, value in status.items():
            lines = [f"{key}: {value}" if line.startswith(f"{key}:") else line for line in text.split("\n")]
            text = "\n".join(lines)
        overview.write_text(text)
        return started.ref

    def write(self, name: str, file: str, text: str) -> None:
        (self.shop.session(name) / file).write_text(text)

    def asks(self, name: str, what: str) -> None:
        """Let the agent wait for a user."""
        self.write(name, "_signal.json", json.dumps({"status": "waiting", "for": what, "summary": "asked"}))


Reached = tuple[Fleet, Callable[[], Awaitable[None]]]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    with nats_server(tmp_path_factory.mktemp("nats")) as running:
        yield running


@asynccontextmanager
async def local(shop: Workshop, _: pytest.FixtureRequest) -> AsyncIterator[Reached]:
    async def looked() -> None:
        """It looks at the disk for each list."""

    fleet = LocalFleet(load_settings(shop.environment), environ=shop.environment, watch_files=True)
    try:
        yield fleet, looked
    finally:
        await fleet.close()


@asynccontextmanager
async def remote(shop: Workshop, request: pytest.FixtureRequest) -> AsyncIterator[Reached]:
    url = request.getfixturevalue("server").url
    async with remote_host(shop, url, f"host-{next(NUMBERS)}") as reached:
        yield reached.fleet, reached.looked


NUMBERS = itertools.count(1)
FLEETS: dict[str, Callable[[Workshop, pytest.FixtureRequest], AbstractAsyncContextManager[Reached]]] = {
    "local": local,
    "remote": remote,
}


@pytest.fixture(params=sorted(FLEETS))
async def host(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Host]:
    async def start(*_: object) -> int:
        return os.getpid()

    monkeypatch.setattr(WorkerProcesses, "start", start)
    shop = make_workshop(tmp_path, cli_environment(tmp_path / "home", "http://127.0.0.1:9"))
    shop.environment["SAMOBOT_PROJECTS"] = str(shop.repo)
    async with FLEETS[request.param](shop, request) as (fleet, looked):
        called: set[str] = set()
        yield Host(shop, through_json(fleet, called), called, looked)


def test_every_call_is_documented_and_asynchronous() -> None:
    for name, method in METHODS.items():
        assert inspect.iscoroutinefunction(method), name
        assert inspect.getdoc(method), name


@pytest.mark.slow
async def test_every_call_survives_json(host: Host) -> None:
    fleet = host.fleet
    ref = await host.session("greet", Phase="requirements", Blocked="waiting_human")
    host.write("greet", "_qa.md", QA)
    host.asks("greet", "qa_answers")
    await host.looked()

    assert all(each.is_online for each in await fleet.hosts())
    assert [each.name for each in await fleet.projects()] == ["demo"]
    assert [view.ref for view in await fleet.sessions()] == [ref]
    assert await fleet.mark_past([ref.key]) == await fleet.past() == []  # it asks, and just now
    asking = await fleet.view(ref)
    assert (asking.state, asking.has_worker) == (SessionState.WAITING, False)
    assert [question.label for question in asking.questions] == ["Q1", "Q2"]
    assert await fleet.find("demo:greet") == [ref]
    assert await fleet.nearest("gret") == "greet"
    assert not await fleet.is_archived(ref)
    assert await fleet.free_name("demo", "greet") == "greet-2"
    await fleet.refuse_in_panic()
    assert await fleet.emergency_stop() is None

    receipt = await fleet.answer(
        ref, [QuestionAnswer(index=1, text="A", identity=asking.questions[1].identity)], ANNA
    )
    assert ([each.label for each in receipt.answered], receipt.open) == (["Q2"], 1)
    with pytest.raises(ConflictError):
        await fleet.accept_suggestions(ref, ANNA, expected=[asking.questions[1].identity])
    shown = [question.identity for question in asking.questions]
    assert (await fleet.accept_suggestions(ref, ANNA, expected=shown)).open == 0
    await fleet.add_guidance(ref, "Keep it short", ANNA)
    assert [each.text for each in (await fleet.view(ref)).guidance] == ["Keep it short"]
    (saved,) = await fleet.add_files(ref, [UserFile(name="a b.png", data=b"\x89PNG\xff")], "Like this", ANNA)
    assert saved.endswith("-from-you-a-b.png")
    assert await fleet.file(ref, saved) == b"\x89PNG\xff"
    assert (await fleet.view(ref)).guidance[-1].text.startswith("Like this\n\nI have sent you this file")

    host.write("greet", "01-15-10:30-plan-greet.md", PLAN)
    overview = host.shop.session("greet") / "_overview.md"
    lines = overview.read_text().split("\n")
    overview.write_text("\n".join("Phase: planning" if line.startswith("Phase:") else line for line in lines))
    host.asks("greet", "plan_approval")
    planned = await fleet.view(ref)
    assert planned.plan is not None
    assert (await fleet.plan_text(ref)).text == PLAN
    with pytest.raises(ConflictError):
        await fleet.approve(ref, ANNA, expected="0" * 64)
    await fleet.reject(ref, "Shorter, please", ANNA, expected=planned.plan.sha256)
    host.write("greet", "01-15-10:31-plan-greet.md", PLAN.replace("write greet.py", "write greet.py, short"))
    host.asks("greet", "plan_approval")
    again = await fleet.view(ref)
    assert again.plan is not None
    await fleet.approve(ref, ANNA, expected=again.plan.sha256)

    assert await fleet.summary_text(ref) is None
    assert (await fleet.diff(ref)).branch == "greet"
    review = await fleet.review(ref)
    assert (review.name, review.parts[0].steps > 0) == ("greet", True)
    assert review.change is not None
    assert review.change.branch == "greet"
    assert await fleet.pictures(ref) == []
    host.write("greet", "_learned.md", "- tests need a database\n")
    lessons = await fleet.lessons(ref)
    assert lessons.new == ("tests need a database",)
    assert await fleet.keep_lessons(ref, ANNA, expected=lessons.sha256) == lessons.new
    assert (await fleet.lessons(ref)).new == ()
    servers = host.shop.worktrees / "greet" / ".mcp.json"
    servers.write_text('{"mcpServers": {"x": {"command": "node"}}}')
    (untrusted,) = await fleet.untrusted(ref)
    assert "  mcpServers.x.command = node" in untrusted.lines
    with pytest.raises(ConflictError):
        await fleet.decide_trust(ref, "0" * 64, ANNA, accept=True)
    await fleet.decide_trust(ref, untrusted.sha256, ANNA, accept=False)
    assert [each.left_out for each in await fleet.untrusted(ref)] == [True]
    await fleet.decide_trust(ref, untrusted.sha256, ANNA, accept=True)
    assert await fleet.untrusted(ref) == []
    servers.unlink()
    assert await fleet.log_lines(ref, 3) == []
    assert await fleet.last_message(ref) == ""
    names = [each.name for each in await fleet.files(ref)]
    assert "_qa.md" in names
    assert b"hello" in await fleet.file(ref, "_qa.md")
    costs = await fleet.costs(30)
    assert costs.costs.total.iterations == 0
    await fleet.set_budget(ref, 5.0, ANNA)
    assert (await fleet.view(ref)).budget_usd == 5.0
    assert (await fleet.timeline(ref, "dark")).startswith(b"\x89PNG")

    finished = await host.session("finish", Phase="done")
    host.write("finish", "_signal.json", json.dumps({"status": "done"}))
    tree = host.shop.worktrees / "finish"
    (tree / "finish.py").write_text("pass\n")
    host.shop.git("add", "finish.py", cwd=tree)
    host.shop.git("commit", "--quiet", "-m", "Finish", cwd=tree)
    landing = await fleet.landing(finished)
    assert (landing.base, landing.ahead, landing.subjects) == ("main", 1, ("Finish",))
    with pytest.raises(ConflictError):
        await fleet.land(finished, LandingStep.MERGE, ANNA, expected="0" * 64)
    offer = landing.offer(LandingStep.MERGE)
    assert offer is not None
    landed = await fleet.land(finished, LandingStep.MERGE, ANNA, expected=offer.identity)
    assert (landed.commit, landed.repeated) == (landing.head, False)
    assert "at no forge" in (await fleet.pull_request(finished)).problem_text
    assert "at no forge" in (await fleet.work(finished.project, WorkSource.ISSUE, "samobot")).problem_text
    assert await fleet.pull_request_diff(finished.project, 1) == ""
    assert await fleet.check_log(finished, CheckView(name="lint", state=CheckState.RED)) == ""

    assert (await fleet.follow_up(finished, "Add a flag", ANNA)).kind is ResumeKind.RUNNING
    assert (await fleet.view(finished)).phase == "requirements"
    await fleet.wait_for_starts()
    await fleet.stop(finished, ANNA)

    await fleet.poll()
    blocked = await host.session("block", Blocked="yes - no key")
    host.write("block", "_signal.json", json.dumps({"status": "blocked", "reason": "no key"}))
    shutil.rmtree(host.shop.worktrees / "block")
    for refused in (fleet.retry(blocked, ANNA), fleet.resume(blocked, ANNA)):
        with pytest.raises(WorktreeGoneError):
            await refused
    notes = await fleet.recreate_worktree(blocked, ANNA)
    assert notes[0] == "The worktree of block was recreated from its branch block."
    assert (host.shop.worktrees / "block" / ".git").is_file()
    with pytest.raises(ConflictError, match="is there"):
        await fleet.recreate_worktree(blocked, ANNA)
    await fleet.retry(blocked, ANNA)
    acting = await host.session("act", Phase="implementation", Blocked="waiting_human")
    host.asks("act", "human_action")
    await fleet.action_done(acting, ANNA)
    call = ToolCall("Bash", {"command": "git push"})
    host.shop.vault("act")
    asked = Ask("a1b2c3", call, call.sha256, datetime.now(UTC), 1, where="/work", said="Pushing.")
    save_asks(SessionFolder(host.shop.session("act")), [asked])
    (waits,) = (await fleet.view(acting)).asks
    assert (waits.waiting, waits.text, (await fleet.ask_text(acting, "a1b2c3")).text) == (
        True,
        "git push",
        "git push",
    )
    with pytest.raises(ConflictError, match="another call"):
        await fleet.decide_ask(acting, "a1b2c3", DecisionKind.DENY, ANNA, expected="0" * 64)
    await fleet.decide_ask(acting, "a1b2c3", DecisionKind.ALLOW_SESSION, ANNA, expected=call.sha256)
    assert [each.rule for each in (await fleet.view(acting)).permissions] == [call.rule]
    await fleet.withdraw_permission(acting, call.rule, ANNA)
    assert (await fleet.view(acting)).permissions == ()
    await fleet.raise_daily_budget(acting, 10.0, ANNA)
    await fleet.resume(acting, ANNA, budget_usd=7.0)
    await fleet.wait_for_starts()
    await fleet.pause(acting, ANNA)
    assert not (await fleet.view(acting)).wanted
    assert (await fleet.stop(acting, ANNA)).clean
    await fleet.archive(acting)
    assert await fleet.is_archived(acting)
    assert await fleet.archived() == [acting]
    assert (await fleet.archived_view(acting)).archived
    await fleet.restore(acting)
    assert not await fleet.is_archived(acting)
    await fleet.archive(acting)
    left = {each.session: each for each in await fleet.leftovers()}[acting]
    assert (await fleet.clean(acting, ANNA, expected=left.identity, anyway=True)).step is LandingStep.DISCARD
    await fleet.poll()
    assert all(report.clean for report in await fleet.panic(ANNA))
    with pytest.raises(ConflictError, match="emergency stop"):
        await fleet.resume(ref, ANNA)
    assert await fleet.lift_emergency_stop()
    assert not await fleet.lift_emergency_stop()
    assert (await fleet.resume(ref, ANNA)).kind is ResumeKind.RUNNING
    await asyncio.wait_for(fleet.wait_for_change(), 60)
    assert host.called | {"close"} == set(METHODS)


async def test_a_past_session_is_listed_and_read_only_when_it_is_asked_for(host: Host) -> None:
    fleet = host.fleet
    ref = await host.session("greet", stopped=False, Phase="done")
    folder = host.shop.session("greet")
    records = vault_of(folder).path
    old = datetime.now(UTC).timestamp() - 2 * 3600
    for path in (*folder.rglob("*"), folder, *records.rglob("*"), records):
        os.utime(path, (old, old))
    await host.looked()
    (before,) = await fleet.sessions()  # it may be from before the files became old: that is no event
    marked = await fleet.mark_past([ref.key])
    aged = datetime.fromtimestamp(old, UTC)
    assert [(each.key, each.state) for each in marked] == [(ref.key, before.state)]
    assert marked[0].updated is not None
    assert abs(marked[0].updated - aged).total_seconds() < 1
    assert (await fleet.sessions(), await fleet.past()) == ([], marked)
    view = await fleet.view(ref)
    assert (view.ref, view.state, view.updated) == (ref, before.state, marked[0].updated)
    assert await fleet.past() == marked
    assert [await fleet.find("greet"), await fleet.nearest("gret")] == [[ref], "greet"]
    overview = folder / "_overview.md"
    overview.write_text(overview.read_text().replace("Blocked: no", "Blocked: yes - the key is missing"))
    assert (await fleet.view(ref)).state is not before.state
    assert ([view.ref for view in await fleet.sessions()], await fleet.past()) == ([ref], [])


async def test_a_session_that_is_gone_is_not_found_by_any_call(host: Host) -> None:
    gone = SessionRef(project="demo", folder="26-01-15-gone", name="gone")
    fleet = host.fleet
    calls: list[Awaitable[object]] = [
        fleet.view(gone), fleet.resume(gone, ANNA), fleet.pause(gone, ANNA), fleet.stop(gone, ANNA),
        fleet.archive(gone), fleet.restore(gone), fleet.set_budget(gone, 1.0, ANNA),
        fleet.answer(gone, [QuestionAnswer(index=0, text="A")], ANNA), fleet.accept_suggestions(gone, ANNA),
        fleet.approve(gone, ANNA), fleet.reject(gone, "no", ANNA), fleet.add_guidance(gone, "x", ANNA),
        fleet.action_done(gone, ANNA), fleet.retry(gone, ANNA), fleet.plan_text(gone), fleet.ask_text(gone, "a"),
        fleet.decide_ask(gone, "a", DecisionKind.DENY, ANNA), fleet.withdraw_permission(gone, "a", ANNA),
        fleet.summary_text(gone), fleet.diff(gone), fleet.review(gone), fleet.lessons(gone), fleet.pictures(gone), fleet.keep_lessons(gone, ANNA), fleet.untrusted(gone), fleet.decide_trust(gone, "a", ANNA, accept=True), fleet.log_lines(gone), fleet.last_message(gone),
        fleet.files(gone), fleet.file(gone, "_qa.md"), fleet.timeline(gone),
    ]  # fmt: skip
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert {type(result) for result in results} == {NotFoundError}
    assert await fleet.find("gone") == []


async def test_an_index_is_never_taken_for_a_number(host: Host) -> None:
    ref = await host.session("greet", Phase="requirements", Blocked="waiting_human")
    host.write("greet", "_qa.md", QA)
    host.asks("greet", "qa_answers")
    receipt = await host.fleet.answer(ref, [QuestionAnswer(index=1, text="A")], ANNA)
    assert [each.label for each in receipt.answered] == ["Q2"]
    receipt = await host.fleet.answer(ref, [QuestionAnswer(label="1", text="A")], ANNA)
    assert [each.label for each in receipt.answered] == ["Q1"]


async def test_two_answers_to_one_question_are_refused(host: Host) -> None:
    ref = await host.session("greet", Phase="requirements", Blocked="waiting_human")
    host.write("greet", "_qa.md", QA)
    host.asks("greet", "qa_answers")
    twice = [QuestionAnswer(label="Q1", text="A"), QuestionAnswer(label="Q1", text="B")]
    with pytest.raises(UsageError):
        await host.fleet.answer(ref, twice, ANNA)
    assert len((await host.fleet.view(ref)).open_questions) == 2


@pytest.mark.parametrize("fields", [{"text": "A"}, {"text": "A", "index": 0, "label": "Q1"}])
def test_an_answer_names_its_question_once(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        QuestionAnswer.model_validate(fields)


async def test_projects_are_the_last_known_when_they_cannot_be_read(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = await host.fleet.projects()
    assert known

    async def away(_: object) -> object:
        raise SamobotError("The disk is away.")

    monkeypatch.setattr("samobot.fleet.session_reader.SessionReader.projects", away)
    assert await host.fleet.projects() == known


async def test_a_call_takes_times_that_are_aware(host: Host) -> None:
    ref = await host.session("greet")
    await host.fleet.set_budget(ref, 2.0, ANNA)
    view = await host.fleet.view(ref)
    assert view.started is not None
    assert view.started.tzinfo is not None
    assert view.started <= datetime.now(UTC)
