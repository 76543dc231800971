"""What a run was asked for is not lost on the way through the questions and buttons before it starts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import pytest

from samobot.errors import StorageError
from samobot.fleet.models import SessionView
from samobot.fleet.results import StartResult
from samobot.fleet.start_request import StartRequest
from samobot.money import spending
from samobot.session.folder import SessionFolder
from samobot.session.gate import Person
from samobot.telegram.markup.html import to_plain
from samobot.telegram.store.bot_store import Store
from samobot.telegram.store.outbox_rows import Op
from samobot.telegram.store.sent import MessageSubject, SentMessage
from tests.support.phone import CHAT, Phone, open_phone


@pytest.fixture
async def phone(tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Phone]:
    async for made in open_phone(tmp_path, store, monkeypatch):
        yield made


async def _started(phone: Phone, name: str) -> SessionView:
    await phone.context.background.finish(20)
    (view,) = [view for view in await phone.context.fleet.sessions() if view.ref.name == name]
    return view


def _is_auto(phone: Phone, view: SessionView) -> bool:
    """Whether its worker will be started so."""
    (run,) = [run for run in phone.desired_runs.all() if run.session == view.ref.key]
    return run.options.get("auto") is True


@pytest.mark.parametrize(
    "said",
    [
        "/run repo:greet --budget 5 --auto",
        "/run --budget 5 --auto repo:greet",
        "/run --auto repo:greet —budget $5",
    ],
)
async def test_flags_survive_the_question_for_the_task(phone: Phone, said: str) -> None:
    assert "What should be done?" in (await phone.say(said))[0]
    await phone.say("fix it")
    view = await _started(phone, "greet")
    assert (view.budget_usd, _is_auto(phone, view)) == (5.0, True)
    assert "fix it\n" in (phone.root / "sessions-repo" / view.ref.folder / "_overview.md").read_text()


async def test_flags_survive_the_questions_for_the_name_the_project_and_the_task(phone: Phone) -> None:
    await phone.say("/run --budget 5 --auto")
    await phone.say("greet")
    await phone.tap(phone.last("Which project"), "shop")
    await phone.say("fix it")
    view = await _started(phone, "greet")
    assert (view.ref.project, view.budget_usd, _is_auto(phone, view)) == ("shop", 5.0, True)


async def test_what_is_to_be_investigated_is_a_task_and_survives_the_question_for_the_project(
    phone: Phone,
) -> None:
    await phone.say('/run --dive "the printing" --budget 5')
    await phone.tap(phone.last("Which project?"), "repo")
    view = await _started(phone, "printing")
    assert view.budget_usd == 5.0
    assert "the printing" in (phone.root / "sessions-repo" / view.ref.folder / "_overview.md").read_text()


async def test_flags_survive_the_choice_of_a_new_name_near_an_old_one(phone: Phone) -> None:
    phone.session("greet")
    await phone.say("/run repo:greet2 --budget 5 --auto")
    await phone.tap(phone.last("Did you mean greet?"), "New: greet2")
    await phone.say("fix it")
    view = await _started(phone, "greet2")
    assert (view.budget_usd, _is_auto(phone, view)) == (5.0, True)


async def test_flags_survive_the_choice_of_an_old_name_near_a_new_one(phone: Phone) -> None:
    folder = phone.session("greet")
    SessionFolder(folder).prepare()
    await phone.say("/run repo:gret --budget 5 --auto")
    await phone.tap(phone.last("Did you mean greet?"), "▶️ Continue greet")
    view = await _started(phone, "greet")
    assert (view.budget_usd, _is_auto(phone, view)) == (5.0, True)


async def test_flags_of_a_run_in_reply_to_a_session_are_for_that_session(phone: Phone) -> None:
    folder = phone.session("greet")
    SessionFolder(folder).prepare()
    phone.store.sent.put(
        SentMessage(CHAT, 60, "card", MessageSubject("repo:26-01-31-greet", "card"), None, "", 0.0)
    )
    await phone.say('/run --dive "the printing" --budget 5', reply_to=60)
    view = await _started(phone, "greet")
    assert (view.budget_usd, view.wanted) == (5.0, True)
    assert "the printing" in (folder / "_guidance.md").read_text()


@pytest.mark.parametrize("task", ["", "add a second greeting", 'say "hi" -- and <bye>'])
async def test_a_run_of_a_done_session_gets_no_receipt_but_a_button_for_what_is_next(
    phone: Phone, task: str
) -> None:
    phone.session("greet", phase="done", signal='{"status": "done"}')
    (said,) = await phone.say(f"/run greet: {task}" if task else "/run greet")
    assert "greet is done. Follow up on its branch, or start a new session?" in said
    assert not [row for row in phone.store.outbox.waiting(CHAT) if row.op is Op.REACT]
    await phone.tap(phone.last("or start a new session?"), "▶️ New: greet-2")
    if task != "add a second greeting":
        assert "greet-2 is new. What should be done?" in to_plain(
            phone.last("What should be done?").post.text
        )
        await phone.say("something else")
    view = await _started(phone, "greet-2")
    overview = (phone.root / "sessions-repo" / view.ref.folder / "_overview.md").read_text()
    assert ("add a second greeting" if task == "add a second greeting" else "something else") in overview


async def test_a_run_that_is_refused_gets_no_receipt(phone: Phone) -> None:
    await phone.say("/panic")
    await phone.context.background.finish(20)
    phone.new()
    await phone.say("/run repo:greet add a greeting")
    await phone.context.background.finish(20)
    rows = list(phone.store.outbox.waiting(CHAT))
    assert "nothing starts until /resume" in to_plain(phone.last("emergency stop is on").post.text)
    assert [row.post.text for row in rows if row.op is Op.REACT] == ["👌"], "that of /panic alone"


async def test_a_colon_after_the_name_is_no_project_without_a_name(phone: Phone) -> None:
    await phone.say("/run greet: add a script")
    await phone.tap(phone.last("Which project"), "repo")
    assert await _asked_for(phone) == ("repo", "add a script")


@pytest.mark.parametrize("said", ["/run repo: greet: add a script", "/run repo:greet add a script"])
async def test_a_space_after_the_colon_of_a_project_changes_nothing(phone: Phone, said: str) -> None:
    await phone.say(said)
    assert await _asked_for(phone) == ("repo", "add a script")


async def test_no_word_of_a_task_behind_a_project_is_lost(phone: Phone) -> None:
    await phone.say("/run repo: greet add a script")
    view = await _started(phone, "greet-add-script")
    overview = (phone.root / "sessions-repo" / view.ref.folder / "_overview.md").read_text()
    assert "Task: greet add a script" in overview


async def _asked_for(phone: Phone) -> tuple[str, str]:
    """Project and task of the session `greet`."""
    view = await _started(phone, "greet")
    overview = phone.root / f"sessions-{view.ref.project}" / view.ref.folder / "_overview.md"
    (task,) = [line.removeprefix("Task: ") for line in overview.read_text().splitlines() if "Task: " in line]
    return view.ref.project, task


@pytest.mark.parametrize("flags", ["", "--budget 5"])
async def test_guidance_for_a_session_over_the_days_budget_is_kept_and_one_tap_starts_it(
    phone: Phone, monkeypatch: pytest.MonkeyPatch, flags: str
) -> None:
    state_dir = phone.root / "state"

    def day_is_over(_: Path, now: datetime, daily_usd: float | None) -> str | None:
        return None if spending.allowed_today(state_dir, now) else "The day's budget is used up."

    monkeypatch.setattr(spending, "day_is_over", day_is_over)
    folder = phone.session("demo")
    await phone.say(f"/run demo: and in blue {flags}")
    await phone.context.background.finish(20)
    told = phone.last("demo is paused")
    text = to_plain(told.post.text)
    assert "The day's budget is used up. Your message is kept for its next iteration." in text
    assert ("flags" in text) == bool(flags)
    assert "and in blue" in (folder / "_guidance.md").read_text()
    assert phone.desired_runs.all() == ()
    await phone.tap(told, "▶️ Resume")
    assert "The day's budget is used up." in phone.toasts[-1][0], "not yet; the buttons stay"
    assert phone.desired_runs.all() == ()
    await phone.tap(told, "+$5 for today")
    (run,) = phone.desired_runs.all()
    assert run.session == "repo:26-01-31-demo"


@pytest.mark.parametrize(
    "said", ["/run --from base repo:more", "/run repo:more —from base", "/run repo:more --from=base"]
)
async def test_session_to_begin_on_survives_the_question_for_the_task(
    phone: Phone, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    begun: list[StartRequest] = []

    async def start(request: StartRequest, by: Person, *, request_id: str | None = None) -> StartResult:
        begun.append(request)
        return StartResult(ref=None, project=request.project, name=request.session, place=None, created=True)

    monkeypatch.setattr(phone.context.fleet, "start", start)
    await phone.say(said)
    await phone.say("fix it")
    await phone.context.background.finish(20)
    assert [(each.session, each.task, each.base) for each in begun] == [("more", "fix it", "base")]


async def test_session_to_begin_on_has_to_be_there(phone: Phone) -> None:
    await phone.say("/run repo:more fix it --from gone")
    await phone.context.background.finish(20)
    assert any("no session “gone” in repo" in to_plain(row.post.text) for row in phone.new())
    assert [view for view in await phone.context.fleet.sessions() if view.ref.name == "more"] == []


@pytest.mark.parametrize("is_begun", [False, True])
async def test_a_full_disk_offers_another_try_that_starts_it_once_with_its_task(
    phone: Phone, monkeypatch: pytest.MonkeyPatch, is_begun: bool
) -> None:
    """Whether the disk was full before the session was made, or between that and its place in the queue."""
    fleet = phone.context.fleet
    start = fleet.start

    async def start_on_a_full_disk(
        request: StartRequest, by: Person, *, request_id: str | None
    ) -> StartResult:
        if is_begun:
            await start(request, by, request_id=request_id)
        raise StorageError("Cannot write x: the disk is full; free some space and try again.")

    with monkeypatch.context() as patch:
        patch.setattr(fleet, "start", start_on_a_full_disk)
        await phone.say("/run repo:greet say hello --budget 5")
        await phone.context.background.finish(20)
    refusal = phone.last("greet has not started. Cannot write x: the disk is full")
    await phone.tap(refusal, "🔁 Try again")
    view = await _started(phone, "greet")
    folder = phone.root / "sessions-repo" / view.ref.folder
    assert view.wanted
    assert view.budget_usd == 5.0
    assert (folder / "_overview.md").read_text().count("say hello") == 1
    assert not (folder / "_guidance.md").exists()
