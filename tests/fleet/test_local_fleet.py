"""The fleet over real workers (`samobot run`), real git repositories and the scripted agent."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import psutil
import pytest

from samobot.config.settings import Settings
from samobot.config.settings_loader import load_settings
from samobot.errors import ConflictError, DayOverError, NotFoundError, StorageError, UsageError
from samobot.fleet.local_fleet import LocalFleet
from samobot.fleet.models import SessionRef, SessionView
from samobot.fleet.results import FleetEvent, FleetEventKind, QuestionAnswer, ResumeKind
from samobot.fleet.start_request import StartRequest
from samobot.phases import Phase, SignalStatus, WaitingFor
from samobot.sandbox.agent.journeys import greeting
from samobot.sandbox.agent.scenario import Scenario, install, read_runs
from samobot.sandbox.agent.steps import (
    Children,
    Cost,
    PlanPhaseStep,
    PlanStep,
    Questions,
    QuestionStep,
    SignalStep,
    Step,
    WaitFor,
)
from samobot.session.folder import SessionFolder
from samobot.session.gate import Person
from samobot.session.journal import RunEndReason
from samobot.session.lock import holder
from samobot.session.status import SessionState
from tests.support.claude_cli import cli_environment
from tests.support.workshop import Workshop, make_workshop

pytestmark = pytest.mark.slow

ANNA = Person("anna", "telegram")
PATIENCE = 60.0

GO_ON = SignalStep(status=SignalStatus.CONTINUE, summary="went on")
FINISH = SignalStep(status=SignalStatus.BLOCKED, reason="that is all")
ASK = (
    Questions(questions=(QuestionStep(text="Which greeting?", options=("hello", "good day")),)),
    SignalStep(status=SignalStatus.WAITING, wait=WaitingFor.QA_ANSWERS, summary="asked"),
)


def asks(*iterations: Sequence[Step]) -> Scenario:
    """An agent that looks around, and in requirements does what is given for each iteration."""
    looked = [SignalStep(status=SignalStatus.CONTINUE, phase=Phase.REQUIREMENTS)]
    return Scenario(phases={Phase.INVESTIGATION: [looked], Phase.REQUIREMENTS: iterations})


class Port:
    """A workshop with a fleet, as the bot would have it; `restart` is what a bot's restart is to the fleet."""

    def __init__(self, shop: Workshop, scenario: Scenario, **environment: str) -> None:
        self.shop = shop
        self.agent = install(shop.root / "agent", scenario).parent / "scenario.json"
        shop.environment |= {
            "CLAUDE_PATH": str(shop.root / "agent" / "claude"),
            "SAMOBOT_PROJECTS": str(shop.repo),
            "XDG_CONFIG_HOME": str(shop.root / "config"),
            **environment,
        }
        self.settings: Settings = load_settings(shop.environment)
        self.news: list[FleetEvent] = []
        self.fleet: LocalFleet
        self.open()

    def open(self) -> None:
        self.fleet = LocalFleet(self.settings, environ=self.shop.environment)
        self.wanted = self.fleet.desired_runs

    async def close(self) -> None:
        await self.fleet.close()

    async def restart(self) -> None:
        await self.close()
        self.open()

    async def start(self, name: str, task: str = "Add a greeting script") -> SessionRef:
        started = await self.fleet.start(StartRequest(project="demo", session=name, task=task), ANNA)
        assert started.ref is not None
        return started.ref

    async def until(self, ref: SessionRef, holds: Callable[[SessionView], object]) -> SessionView:
        """Poll as the bot does until something holds."""
        async with asyncio.timeout(PATIENCE):
            while True:
                self.news += (await self.fleet.poll()).events
                view = await self.fleet.view(ref)
                if holds(view):
                    return view
                await self.pause()

    def worker_pid(self, ref: SessionRef) -> int:
        """The process that holds a session's lock."""
        found = holder(SessionFolder(self.shop.sessions / ref.folder))
        assert found is not None
        assert found.pid is not None
        return found.pid

    async def pause(self) -> None:
        try:
            await asyncio.wait_for(self.fleet.wait_for_change(), 0.05)
        except TimeoutError:
            pass

    def touch(self, name: str) -> None:
        (self.shop.root / name).touch()

    def runs(self, name: str) -> int:
        """How many workers have taken up a session."""
        return len(self.shop.journal(name, "run_start"))

    def kinds(self) -> list[FleetEventKind]:
        return [each.kind for each in self.news]


Harbour = Callable[..., Port]


@pytest.fixture
async def harbour(tmp_path: Path) -> AsyncIterator[Harbour]:
    ports: list[Port] = []

    def build(scenario: Scenario, **environment: str) -> Port:
        base = cli_environment(tmp_path / "home", "http://127.0.0.1:9")
        ports.append(Port(make_workshop(tmp_path, base), scenario, **environment))
        return ports[-1]

    yield build
    for port in ports:
        await port.fleet.panic(ANNA)
        async with asyncio.timeout(PATIENCE):
            while port.shop.processes():  # workers on their way out
                await port.pause()
        await port.close()


def waits(shop: Path, name: str, *then: Step) -> list[Step]:
    return [WaitFor(path=str(shop / name)), *then]


def is_dead(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def one_phase(*iterations: Sequence[Step]) -> Scenario:
    return Scenario(phases={Phase.INVESTIGATION: list(iterations)})


async def test_a_session_goes_from_nothing_to_done_by_decisions_alone(harbour: Harbour) -> None:
    port = harbour(greeting())
    ref = await port.start("greet")
    asked = await port.until(ref, lambda view: view.waiting_for)
    assert asked.wanted
    assert asked.waiting_for is WaitingFor.QA_ANSWERS
    for question in asked.questions:
        assert (await port.fleet.view(ref)).state is SessionState.WAITING
        await port.fleet.answer(
            ref, [QuestionAnswer(index=question.index, text="A", identity=question.identity)], ANNA
        )
    planned = await port.until(ref, lambda view: view.waiting_for)
    assert planned.plan is not None
    with pytest.raises(ConflictError):
        await port.fleet.approve(ref, ANNA, expected="another")
    await port.fleet.reject(ref, "shorter", ANNA, expected=planned.plan.sha256)
    again = await port.until(ref, lambda view: view.waiting_for and view.gate != planned.gate)
    assert again.plan is not None
    await port.fleet.approve(ref, ANNA, expected=again.plan.sha256)
    done = await port.until(ref, lambda view: view.state is SessionState.DONE)
    assert not done.has_worker
    summary = await port.fleet.summary_text(ref)
    assert summary is not None
    assert summary.text.startswith("# Summary")
    assert "greet.py" in [file.path for file in (await port.fleet.diff(ref)).files]
    assert port.news == []
    await port.until(ref, lambda view: not view.wanted)
    with pytest.raises(ConflictError, match="is done"):
        await port.fleet.start(StartRequest(project="demo", session="greet"), ANNA)


async def test_whatever_polls_and_decisions_come_together_one_worker_starts(
    harbour: Harbour, tmp_path: Path
) -> None:
    port = harbour(one_phase(waits(tmp_path, "go", FINISH)))
    started = await asyncio.gather(*(port.start("greet") for _ in range(3)), return_exceptions=True)
    ref = next(each for each in started if isinstance(each, SessionRef))
    await asyncio.gather(*(port.fleet.poll() for _ in range(10)), port.fleet.resume(ref, ANNA))
    await port.until(ref, lambda view: view.has_worker and view.iteration == 1)
    await asyncio.gather(*(port.fleet.poll() for _ in range(10)))
    port.touch("go")
    await port.until(ref, lambda view: view.state is SessionState.BLOCKED)
    assert port.runs("greet") == 1
    assert port.news == []


async def test_a_terminals_worker_is_adopted_and_followed_by_one_of_ours(
    harbour: Harbour, tmp_path: Path
) -> None:
    port = harbour(asks(waits(tmp_path, "ask", *ASK), waits(tmp_path, "finish", FINISH)))
    terminal = port.shop.start("run", "--session", "greet", "--task", "greet somebody")
    try:
        async with asyncio.timeout(PATIENCE):
            while not (views := await port.fleet.sessions()) or not views[0].has_worker:
                await port.pause()
        ref = views[0].ref
        assert port.worker_pid(ref) == terminal.pid
        assert not views[0].wanted
        assert (await port.fleet.resume(ref, ANNA)).kind is ResumeKind.WOKEN
        port.touch("ask")
        await port.until(ref, lambda view: view.state is SessionState.WAITING and not view.has_worker)
        assert terminal.wait(PATIENCE) == 10
    finally:
        terminal.communicate()
    assert port.runs("greet") == 1
    await port.fleet.answer(ref, [QuestionAnswer(index=0, text="B")], ANNA)
    await port.until(ref, lambda view: view.has_worker)
    assert port.worker_pid(ref) != terminal.pid
    port.touch("finish")
    await port.until(ref, lambda view: view.state is SessionState.BLOCKED)
    assert port.runs("greet") == 2


async def test_answer_from_the_terminal_continues_a_desired_run_automatically(harbour: Harbour) -> None:
    port = harbour(asks(ASK, [FINISH]))
    ref = await port.start("greet")
    await port.until(ref, lambda view: view.state is SessionState.WAITING)
    with pytest.raises(ConflictError, match="waits for your answers"):
        await port.fleet.resume(ref, ANNA)
    done = await asyncio.to_thread(port.shop.samobot, "answer", "greet", "Q1=A")
    assert done.returncode == 0, done.stderr
    await port.until(ref, lambda view: view.state is SessionState.BLOCKED)
    assert port.runs("greet") == 2
    assert port.news == []


@pytest.mark.parametrize("where", ["chat", "terminal"])
async def test_stop_while_it_waits_holds_until_the_user_resumes_it(harbour: Harbour, where: str) -> None:
    port = harbour(asks(ASK, [FINISH]))
    ref = await port.start("greet")
    await port.until(ref, lambda view: view.state is SessionState.WAITING and not view.has_worker)
    if where == "chat":
        assert (await port.fleet.stop(ref, ANNA)).clean
    else:
        done = await asyncio.to_thread(port.shop.samobot, "stop", "greet")
        assert done.returncode == 0, done.stderr
    await port.fleet.poll()
    stopped = await port.fleet.view(ref)
    assert (stopped.state, stopped.wanted) == (SessionState.STOPPED, False)
    assert not (port.shop.session("greet") / "_signal.json").exists()
    assert "Stopped by the user" in (port.shop.session("greet") / "_overview.md").read_text()
    await port.fleet.answer(ref, [QuestionAnswer(label="Q1", text="A")], ANNA)
    await port.fleet.poll()
    answered = await port.fleet.view(ref)
    assert (answered.state, answered.wanted) == (SessionState.STOPPED, False)
    assert answered.questions[0].answer is not None
    assert port.runs("greet") == 1
    await port.fleet.resume(ref, ANNA)
    await port.until(ref, lambda view: view.state is SessionState.BLOCKED)
    assert port.runs("greet") == 2


async def test_a_killed_worker_is_started_again_and_nothing_of_it_is_left(
    harbour: Harbour, tmp_path: Path
) -> None:
    port = harbour(one_phase(waits(tmp_path, "never"), [FINISH]))
    ref = await port.start("greet")
    await port.until(ref, lambda view: view.has_worker and read_runs(port.agent))
    orphan = read_runs(port.agent)[0].pid
    os.kill(port.worker_pid(ref), signal.SIGKILL)
    await port.until(ref, lambda view: view.state is SessionState.BLOCKED)
    assert port.kinds() == [FleetEventKind.RESTARTED]
    assert port.runs("greet") == 2
    assert is_dead(orphan)


async def test_the_end_of_a_worker_is_noticed_before_the_next_poll(harbour: Harbour, tmp_path: Path) -> None:
    port = harbour(one_phase(waits(tmp_path, "go", FINISH)))
    ref = await port.start("greet")
    view = await port.until(ref, lambda view: view.has_worker)
    await port.restart()  # also one that is not our child any more
    await port.fleet.poll()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(port.fleet.wait_for_change(), 0.01)  # what was noticed so far
    port.touch("go")
    async with asyncio.timeout(PATIENCE):
        await port.fleet.wait_for_change()
    assert view.has_worker
    assert not (await port.fleet.view(ref)).has_worker


async def test_a_worker_outlives_the_bot_and_is_found_again(tmp_path: Path, harbour: Harbour) -> None:
    port = harbour(one_phase(waits(tmp_path, "go", FINISH)))
    ref = await port.start("greet")
    await port.until(ref, lambda view: view.has_worker and view.iteration == 1)
    before = port.worker_pid(ref)
    for _ in range(3):
        await port.restart()
        assert (await port.fleet.poll()).events == []
        assert (await port.fleet.view(ref)).has_worker
        assert port.worker_pid(ref) == before
    port.touch("go")
    await port.until(ref, lambda view: view.state is SessionState.BLOCKED)
    assert port.runs("greet") == 1


async def test_desired_runs_are_reconciled_after_the_bot_was_down(harbour: Harbour, tmp_path: Path) -> None:
    port = harbour(one_phase(waits(tmp_path, "never"), [FINISH]))
    ref = await port.start("greet")
    await port.until(ref, lambda view: view.has_worker and read_runs(port.agent))
    worker = psutil.Process(port.worker_pid(ref))
    await port.close()
    worker.kill()
    worker.wait(PATIENCE)
    port.open()
    await port.until(ref, lambda view: view.state is SessionState.BLOCKED)
    assert port.kinds() == [FleetEventKind.RESTARTED]


def test_worker_continues_when_the_event_loop_is_closed(tmp_path: Path) -> None:
    async def start() -> tuple[Port, int]:
        base = cli_environment(tmp_path / "home", "http://127.0.0.1:9")
        port = Port(make_workshop(tmp_path, base), one_phase(waits(tmp_path, "go", FINISH)))
        ref = await port.start("greet")
        await port.until(ref, lambda view: view.has_worker and view.iteration == 1)
        pid = port.worker_pid(ref)
        await port.close()
        return port, pid

    port, pid = asyncio.run(start())
    worker = psutil.Process(pid)
    assert worker.status() != psutil.STATUS_ZOMBIE
    port.touch("go")
    worker.wait(PATIENCE)
    (end,) = port.shop.journal("greet", "run_end")
    assert end["reason"] == RunEndReason.BLOCKED


async def test_stopping_a_session_that_is_just_starting_leaves_nothing(
    harbour: Harbour, tmp_path: Path
) -> None:
    port = harbour(one_phase(waits(tmp_path, "never")))
    ref = await port.start("greet")
    report = await port.fleet.stop(ref, ANNA)
    assert report.clean
    await port.fleet.poll()
    await port.fleet.wait_for_starts()
    assert port.shop.processes() == []
    view = await port.fleet.view(ref)
    assert not view.has_worker
    assert view.state is SessionState.STOPPED
    assert port.wanted.all() == ()


async def test_a_session_that_is_stopped_before_its_worker_exists_is_shown_as_stopped(
    harbour: Harbour, tmp_path: Path
) -> None:
    port = harbour(one_phase(waits(tmp_path, "never")), SAMOBOT_MAX_PARALLEL="1")
    first, second = await port.start("first"), await port.start("second")
    await port.until(first, lambda view: view.iteration == 1)

    async def stop_in_chat() -> None:
        assert (await port.fleet.stop(second, ANNA)).clean

    async def stop_from_terminal() -> None:
        stopped = await asyncio.to_thread(port.shop.samobot, "stop", "second")
        assert stopped.returncode == 0, stopped.stdout + stopped.stderr

    for stop in (stop_in_chat, stop_in_chat, stop_from_terminal):
        assert (await port.fleet.view(second)).state is SessionState.QUEUED
        await stop()
        await port.fleet.poll()
        assert (await port.fleet.view(second)).state is SessionState.STOPPED
        assert port.wanted.get(second.key) is None
        assert (await port.fleet.resume(second, ANNA)).kind is ResumeKind.QUEUED
    assert port.runs("second") == 0


async def test_a_stop_that_cannot_be_written_down_stops_all_the_same(
    harbour: Harbour, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = harbour(one_phase([Children(kind="setsid"), *waits(tmp_path, "never")]))
    ref = await port.start("greet")
    await port.until(ref, lambda view: view.iteration == 1)

    def refuse(session: str) -> None:
        raise StorageError("The disk is full.")

    with monkeypatch.context() as patch:
        patch.setattr(port.wanted, "drop", refuse)
        with pytest.raises(StorageError, match=r"nothing of the session is running.*full"):
            await port.fleet.stop(ref, ANNA)
        await port.fleet.poll()
        await port.fleet.wait_for_starts()
    assert port.shop.processes() == []
    await port.fleet.poll()
    assert port.wanted.all() == ()


async def test_runs_beyond_the_most_wait_in_a_queue_that_is_seen(harbour: Harbour, tmp_path: Path) -> None:
    port = harbour(one_phase(waits(tmp_path, "go", FINISH)), SAMOBOT_MAX_PARALLEL="1")
    first = await port.start("first")
    second, third = await port.start("second"), await port.start("third")
    assert (await port.fleet.view(first)).place is None
    views = {view.ref.name: view for view in await port.fleet.sessions()}
    assert (views["second"].state, views["second"].place) == (SessionState.QUEUED, 1)
    assert (views["third"].state, views["third"].place) == (SessionState.QUEUED, 2)
    assert {view.ref.name: view for view in await port.fleet.sessions()}["second"] is views["second"]
    await port.restart()
    resumed = await port.fleet.resume(third, ANNA)
    assert (resumed.kind, resumed.place) == (ResumeKind.QUEUED, 2)
    await port.fleet.pause(second, ANNA)
    assert (await port.fleet.view(third)).place == 1
    port.touch("go")
    await port.until(third, lambda view: view.state is SessionState.BLOCKED)
    assert port.kinds() == [FleetEventKind.STARTED]
    assert not (port.shop.session("second") / "_logs" / "journal.jsonl").exists()


async def test_pause_takes_hold_after_the_iteration_and_resume_continues(
    harbour: Harbour, tmp_path: Path
) -> None:
    port = harbour(one_phase(waits(tmp_path, "go", GO_ON), [FINISH]))
    ref = await port.start("greet")
    await port.until(ref, lambda view: view.iteration == 1)
    await port.fleet.pause(ref, ANNA)
    port.touch("go")
    await port.until(ref, lambda view: view.state is SessionState.STOPPED)
    assert (await port.fleet.resume(ref, ANNA)).kind is ResumeKind.RUNNING
    await port.until(ref, lambda view: view.state is SessionState.BLOCKED)


@pytest.mark.parametrize("resumed", ["before the answer", "after the answer"])
async def test_pause_of_an_iteration_that_asks_holds_until_the_user_resumes_it(
    harbour: Harbour, tmp_path: Path, resumed: str
) -> None:
    port = harbour(asks(waits(tmp_path, "ask", *ASK), [FINISH]))
    ref = await port.start("greet")
    await port.until(ref, lambda view: view.has_worker and view.iteration == 2)
    await port.fleet.pause(ref, ANNA)
    port.touch("ask")
    await port.until(ref, lambda view: view.state is SessionState.WAITING and not view.has_worker)
    if resumed == "before the answer":
        with pytest.raises(
            ConflictError, match="waits for your answers; it continues automatically after that"
        ):
            await port.fleet.resume(ref, ANNA)
        await port.fleet.answer(ref, [QuestionAnswer(index=0, text="A")], ANNA)
    else:
        await port.fleet.answer(ref, [QuestionAnswer(index=0, text="A")], ANNA)
        await port.until(ref, lambda view: not view.wanted)
        rests = await port.fleet.view(ref)
        assert (rests.state, rests.paused, port.runs("greet")) == (SessionState.STOPPED, True, 1)
        await port.fleet.resume(ref, ANNA)
    await port.until(ref, lambda view: view.state is SessionState.BLOCKED)
    assert port.runs("greet") == 2


async def test_nothing_is_announced_as_continuing_on_a_day_whose_budget_is_used_up(harbour: Harbour) -> None:
    port = harbour(one_phase([Cost(usd=2.0), GO_ON], [FINISH]), SAMOBOT_DAILY_BUDGET_USD="1")
    ref = await port.start("greet")
    spent = await port.until(ref, lambda view: view.state is SessionState.BLOCKED)
    assert spent.end is not None
    assert spent.end.of_day
    for again in (
        port.fleet.resume(ref, ANNA),
        port.fleet.start(StartRequest(project="demo", session="greet"), ANNA),
    ):
        with pytest.raises(ConflictError, match=r"The day's budget of \$1\.00 over all sessions is used up"):
            await again
    after = await port.fleet.view(ref)
    assert (after.state, after.end) == (spent.state, spent.end), "its gate stands as it was"
    with pytest.raises(DayOverError, match="Your message is kept"):
        await port.fleet.start(StartRequest(project="demo", session="greet", task="and in blue"), ANNA)
    await port.fleet.raise_daily_budget(ref, 5.0, ANNA)
    went_on = await port.until(ref, lambda view: view.asked == "that is all" and not view.has_worker)
    assert [(item.text, item.given) for item in went_on.guidance] == [("and in blue", True)]


async def test_starting_a_session_that_waits_for_a_decision_reports_what_it_waits_for(
    harbour: Harbour,
) -> None:
    port = harbour(asks(ASK))
    ref = await port.start("greet")
    await port.until(ref, lambda view: view.state is SessionState.WAITING)
    with pytest.raises(ConflictError, match=r"greet waits for your answers.*Your message is kept"):
        await port.fleet.start(StartRequest(project="demo", session="greet", task="and in blue"), ANNA)
    assert "and in blue" in (port.shop.session("greet") / "_guidance.md").read_text()


async def test_budget_that_is_raised_continues_it_and_stays_raised(harbour: Harbour) -> None:
    port = harbour(one_phase([Cost(usd=2.0), GO_ON], [Cost(usd=2.0), GO_ON], [FINISH]))
    with pytest.raises(UsageError):
        await port.fleet.start(
            StartRequest(project="demo", session="greet", task="x", budget_usd=float("nan")), ANNA
        )
    started = await port.fleet.start(StartRequest(project="demo", session="greet", budget_usd=1.0), ANNA)
    ref = started.ref
    assert ref is not None
    spent = await port.until(ref, lambda view: view.state is SessionState.BLOCKED)
    assert spent.end is not None
    assert spent.end.reason is RunEndReason.BUDGET
    await port.fleet.set_budget(ref, 3.0, ANNA)
    again = await port.until(ref, lambda view: view.state is SessionState.BLOCKED and view.iteration == 2)
    assert again.budget_usd == 3.0
    await port.fleet.resume(ref, ANNA, budget_usd=9.0)
    done = await port.until(ref, lambda view: view.state is SessionState.BLOCKED and view.iteration == 3)
    assert done.budget_usd == 9.0
    assert done.asked == "that is all"


async def test_the_emergency_stop_stops_all_and_nothing_starts_until_it_is_lifted(
    harbour: Harbour, tmp_path: Path
) -> None:
    port = harbour(one_phase(waits(tmp_path, "go", FINISH)), SAMOBOT_MAX_PARALLEL="1")
    first, second = await port.start("first"), await port.start("second")
    await port.until(first, lambda view: view.iteration == 1)
    reports = await port.fleet.panic(ANNA)
    assert [report.clean for report in reports] == [True]
    assert port.shop.processes() == []
    assert (await port.fleet.view(second)).state is SessionState.STOPPED
    await port.restart()
    with pytest.raises(ConflictError, match=r"emergency stop is on \(anna\)"):
        await port.fleet.resume(second, ANNA)
    assert (await port.fleet.poll()).events == []
    assert not (await port.fleet.view(second)).has_worker
    assert await port.fleet.lift_emergency_stop()
    assert (await port.fleet.resume(second, ANNA)).kind is ResumeKind.RUNNING
    port.touch("go")
    await port.until(second, lambda view: view.state is SessionState.BLOCKED)


async def test_decision_during_the_emergency_stop_starts_nothing_automatically_after_it(
    harbour: Harbour,
) -> None:
    port = harbour(asks(ASK, [FINISH]))
    ref = await port.start("greet")
    await port.until(ref, lambda view: view.state is SessionState.WAITING)
    await port.fleet.panic(ANNA)
    await port.fleet.answer(ref, [QuestionAnswer(index=0, text="A")], ANNA)
    assert not (await port.fleet.view(ref)).wanted
    assert await port.fleet.lift_emergency_stop()
    await port.fleet.poll()
    assert port.runs("greet") == 1
    await port.fleet.resume(ref, ANNA)
    await port.until(ref, lambda view: view.asked == "that is all")


async def test_session_without_a_usable_claude_reports_it_and_is_not_retried(harbour: Harbour) -> None:
    port = harbour(one_phase([FINISH]), CLAUDE_PATH="/nowhere/claude")
    ref = await port.start("greet")
    await port.fleet.wait_for_starts()
    await port.until(ref, lambda view: not view.wanted)
    assert port.kinds() == [FleetEventKind.FAILED_TO_START]
    assert "/nowhere/claude" in port.news[0].text


async def test_an_archived_session_is_gone_and_a_deleted_one_is_said(harbour: Harbour) -> None:
    port = harbour(Scenario(phases={Phase.INVESTIGATION: [[FINISH]]}))
    ref = await port.start("greet")
    await port.until(ref, lambda view: view.state is SessionState.BLOCKED)
    await port.fleet.archive(ref)
    assert await port.fleet.sessions() == []
    with pytest.raises(NotFoundError, match="is gone"):
        await port.fleet.view(ref)
    port.wanted.want(ref.key, {})
    async with asyncio.timeout(PATIENCE):
        while port.wanted.all():
            port.news += (await port.fleet.poll()).events
            await port.pause()
    assert port.kinds() == [FleetEventKind.FAILED_TO_START]
    assert "folder is gone" in port.news[0].text


async def test_nothing_is_left_open_however_many_workers_come_and_go(harbour: Harbour) -> None:
    port = harbour(one_phase([FINISH]))
    # Other tests of the same process may have left a browser's driver or the like.
    others = set(psutil.Process().children())
    counts = []
    for number in range(4):
        ref = await port.start(f"s{number}")
        await port.until(ref, lambda view: view.state is SessionState.BLOCKED and not view.wanted)
        async with asyncio.timeout(PATIENCE):
            while set(psutil.Process().children()) - others:
                await port.pause()
                await port.fleet.poll()
        counts.append(len(os.listdir("/proc/self/fd")))
    assert counts[-1] == counts[-2]


async def test_a_state_folder_that_cannot_be_written_is_said_in_one_sentence(harbour: Harbour) -> None:
    port = harbour(one_phase([FINISH]))
    workers = port.settings.samobot_state_dir / "workers"
    workers.write_text("in the way")
    ref = await port.start("greet")
    await port.fleet.wait_for_starts()
    await port.until(ref, lambda view: not view.wanted)
    assert port.kinds() == [FleetEventKind.FAILED_TO_START]
    assert str(workers) in port.news[0].text
    workers.unlink()
    assert (await port.fleet.resume(ref, ANNA)).kind is ResumeKind.RUNNING
    await port.until(ref, lambda view: view.state is SessionState.BLOCKED)


async def test_a_plan_that_was_changed_is_not_approved_by_accident(harbour: Harbour) -> None:
    plan = PlanStep(title="P", slug="p", phases=(PlanPhaseStep(title="one", steps=("a",)),))
    wait = SignalStep(status=SignalStatus.WAITING, wait=WaitingFor.PLAN_APPROVAL)
    scenario = greeting().model_copy(update={"phases": {**greeting().phases, Phase.PLANNING: [[plan, wait]]}})
    port = harbour(scenario)
    ref = await port.start("greet")
    await port.until(ref, lambda view: view.waiting_for is WaitingFor.QA_ANSWERS)
    await port.fleet.answer(ref, [QuestionAnswer(index=at, text="A") for at in range(3)], ANNA)
    shown = await port.until(ref, lambda view: view.waiting_for is WaitingFor.PLAN_APPROVAL)
    assert shown.plan is not None
    with (port.shop.session("greet") / shown.plan.name).open("a") as file:
        file.write("- [ ] one more\n")
    with pytest.raises(ConflictError, match="changed"):
        await port.fleet.approve(ref, ANNA, expected=shown.plan.sha256)
