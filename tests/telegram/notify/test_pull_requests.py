"""News of a watched pull request in the chat: once each, over restarts; fixed after a tap, or automatically in bounds."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from samobot.errors import ConflictError
from samobot.fleet.forge import CheckState, CheckView
from samobot.fleet.landing_models import LandingResult, LandingStep, LandingView, PullRequestReport
from samobot.fleet.models import SessionRef
from samobot.fleet.pull_request_watch import KeepFixing
from samobot.fleet.results import ResumeResult
from samobot.session.folder import SessionFolder
from samobot.session.gate import Person
from samobot.session.journal import EventName, append
from samobot.telegram.handlers.context import HandlerContext
from samobot.telegram.notify.publisher import Publisher
from samobot.telegram.notify.pull_requests import PullRequestWatcher
from samobot.telegram.store.bot_store import Store
from tests.fleet.test_pull_request_watch import BOB, GREEN, NEXT, QUEUED, RED, UNQUEUED, gone, report
from tests.support.phone import Phone, open_phone

REF = SessionRef.from_key("repo:26-01-31-greet")
SECOND = RED.model_copy(update={"url": "https://ci/2"})


class Forge:
    """Answers the fleet's questions about the pull request of `greet`.

    Attributes:
        report: What it answers.
        pushes: The identities that were pushed, and by whom.
    """

    def __init__(self) -> None:
        self.report = report()
        self.pushes: list[tuple[str, str]] = []
        self.landed: Callable[[Person], None] = lambda by: None

    async def pull_request(self, ref: SessionRef) -> PullRequestReport:
        return self.report

    async def landing(self, ref: SessionRef) -> LandingView:
        return self.report.landing

    async def check_log(self, ref: SessionRef, check: CheckView) -> str:
        return "step one\nE501 line too long"

    async def land(self, ref: SessionRef, step: LandingStep, by: Person, *, expected: str) -> LandingResult:
        assert step is LandingStep.PUSH
        self.pushes.append((expected, by.via))
        self.landed(by)
        return LandingResult(step=step, text="greet is pushed to origin.", commit=NEXT)


@pytest.fixture
def forge(phone: Phone, monkeypatch: pytest.MonkeyPatch) -> Forge:
    made = Forge()
    for name in ("pull_request", "landing", "check_log", "land"):
        monkeypatch.setattr(phone.context.fleet, name, getattr(made, name))
    return made


@pytest.fixture
async def phone(tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Phone]:
    async for made in open_phone(tmp_path, store, monkeypatch):
        made.session("greet", phase="done", signal='{"status": "done"}')
        made.context.pull_requests.watch(REF)
        yield made


def restart(context: HandlerContext) -> None:
    """What a new process of the bot has: the same store, nothing in memory."""
    publisher = Publisher(context.store, context.outbox)
    context.pull_requests = PullRequestWatcher(
        context.fleet, context.store, publisher, context.places, context.now
    )


async def look(phone: Phone, found: PullRequestReport, forge: Forge) -> list[str]:
    """The texts that one look sends, the bot being restarted before and after it."""
    forge.report = found
    restart(phone.context)
    phone.context.pull_requests.watch(REF)
    phone.new()
    await phone.context.pull_requests.look()
    sent = [row.post.text for row in phone.new()]
    restart(phone.context)
    return sent


def overview(phone: Phone) -> str:
    return (phone.root / "sessions-repo" / "26-01-31-greet" / "_overview.md").read_text()


async def test_red_check_and_comment_come_in_one_message_and_once(phone: Phone, forge: Forge) -> None:
    found = report(RED, comments=(BOB,))
    (text,) = await look(phone, found, forge)
    assert "1 check failed and 1 new comment" in text
    assert "<blockquote>step one\nE501 line too long</blockquote>" in text
    assert "<b>bob</b> on <code>src/x.py</code>, line 12:" in text
    assert await look(phone, found, forge) == []


async def test_edited_comment_comes_once_more_and_says_so(phone: Phone, forge: Forge) -> None:
    await look(phone, report(comments=(BOB,)), forge)
    edited = BOB.model_copy(update={"text": "Please delete it."})
    (text,) = await look(phone, report(comments=(edited, BOB.model_copy(update={"id": "c2"}))), forge)
    assert "1 new comment and 1 edited comment" in text
    assert "<b>bob</b> edited on <code>src/x.py</code>, line 12:" in text
    assert await look(phone, report(comments=(edited,)), forge) == []


async def test_removal_from_the_merge_queue_is_reported_and_the_merge_offered_anew(
    phone: Phone, forge: Forge
) -> None:
    await look(phone, report(GREEN), forge)
    assert await look(phone, report(GREEN, queue=QUEUED), forge) == []
    removal, offer = await look(phone, report(GREEN, queue=UNQUEUED), forge)
    assert (
        "was removed from the merge queue by <b>github-merge-queue</b>: failed checks. Nothing was merged."
        in removal
    )
    assert "is open, at" in offer
    assert await look(phone, report(GREEN, queue=UNQUEUED), forge) == []


async def test_news_waits_for_the_receipt_of_a_step(phone: Phone, forge: Forge) -> None:
    with phone.context.pull_requests.held(REF):
        forge.report = report(RED)
        await phone.context.pull_requests.look()
        assert phone.new() == []
        assert phone.context.store.pull_requests.all()[REF.key] <= phone.now.timestamp()
    await phone.context.pull_requests.look()
    assert "1 check failed" in phone.new()[0].post.text


async def test_tap_begins_a_round_in_planning_with_exactly_what_was_shown(
    phone: Phone, forge: Forge, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks: list[str] = []
    begin = phone.context.fleet.follow_up

    async def follow_up(ref: SessionRef, text: str, by: Person, **options: Any) -> ResumeResult:
        tasks.append(text)
        return await begin(ref, text, by, **options)

    monkeypatch.setattr(phone.context.fleet, "follow_up", follow_up)
    await look(phone, report(RED, comments=(BOB,)), forge)
    await phone.tap(phone.last("1 check failed"), "🔁 Let it fix")
    assert "Phase: planning" in overview(phone)
    (task,) = tasks
    assert "Comment by bob on src/x.py, line 12:\n> Please rename it." in task
    assert "> E501 line too long" in task


async def test_ignored_news_begin_nothing(phone: Phone, forge: Forge) -> None:
    await look(phone, report(RED), forge)
    before = overview(phone)
    await phone.tap(phone.last("1 check failed"), "Ignore")
    assert overview(phone) == before
    assert await look(phone, report(RED), forge) == []


async def test_commits_of_a_round_wait_for_a_tap_before_they_are_pushed(phone: Phone, forge: Forge) -> None:
    await look(phone, report(RED), forge)
    (text,) = await look(phone, report(RED, here=NEXT), forge)
    assert "which is not pushed yet" in text
    assert forge.pushes == []


@pytest.mark.parametrize("red_again", [False, True])
async def test_keep_fixing_pushes_and_stops_at_its_last_round(
    phone: Phone, forge: Forge, monkeypatch: pytest.MonkeyPatch, red_again: bool
) -> None:
    rounds: list[str] = []

    async def follow_up(ref: SessionRef, text: str, by: Person, **options: object) -> None:
        rounds.append(f"{by.via} {options['budget_usd']}")
        if by.via == "auto" and red_again:
            raise ConflictError("The emergency stop is on.")

    await look(phone, report(RED), forge)
    shown = phone.last("1 check failed")

    # The rounds themselves are begun and ended elsewhere; here the session is done at every look.
    async def begin_round(
        context: object, request: object, ref: object, text: str, **options: object
    ) -> None:
        rounds.append("tap")

    monkeypatch.setattr("samobot.telegram.handlers.watch_handlers.begin_round", begin_round)
    monkeypatch.setattr(phone.context.fleet, "follow_up", follow_up)
    await phone.tap(shown, "Keep fixing")
    await phone.context.notifier.refresh(REF)
    monkeypatch.setattr(forge, "landed", lambda by: land_elsewhere(phone, LandingStep.PUSH, by))
    phone.now += timedelta(minutes=1)
    assert await look(phone, report(RED, here=NEXT), forge) == []
    await phone.context.notifier.refresh(REF)
    assert sum("(Ann, keep fixing, automatically)" in row.post.text for row in phone.new()) == 1
    assert forge.pushes == [("p", "auto")]
    await look(phone, report(head=NEXT, here=NEXT), forge)
    (again,) = await look(phone, report(SECOND, head=NEXT, here=NEXT), forge)
    assert "Another round begins automatically, as Ann chose; 1 more round may follow" in again
    begun = await look(phone, report(SECOND, head=NEXT, here=NEXT), forge)
    assert rounds == ["tap", "auto 10.0"]
    assert len(begun) == red_again  # a round that cannot begin is reported, and nothing further begins
    if red_again:
        assert "The emergency stop is on." in begun[0]
        await look(phone, report(SECOND.model_copy(update={"url": "3"}), head=NEXT, here=NEXT), forge)
        assert len(rounds) == 2


async def test_comments_alone_never_begin_a_round(
    phone: Phone, forge: Forge, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def follow_up(*_: object, **__: object) -> None:
        raise AssertionError("nobody tapped")

    monkeypatch.setattr(phone.context.fleet, "follow_up", follow_up)
    await look(phone, report(GREEN), forge)
    choice = KeepFixing(who="Ann", rounds_left=2, limit_usd=10)
    phone.context.pull_requests.keep_fixing(REF, choice)
    (text,) = await look(phone, report(GREEN, comments=(BOB,)), forge)
    assert "1 new comment" in text
    assert await look(phone, report(GREEN, comments=(BOB,)), forge) == []


async def test_watch_ends_with_the_request_and_by_a_tap(phone: Phone, forge: Forge) -> None:
    await look(phone, report(GREEN.model_copy(update={"state": CheckState.PENDING})), forge)
    (text,) = await look(phone, gone(), forge)
    assert "renamed or deleted there" in text
    phone.context.pull_requests.unwatch(REF)
    await phone.context.pull_requests.look()
    assert phone.new() == []
    assert phone.context.store.pull_requests.all() == {}


async def test_look_before_its_time_asks_nothing(phone: Phone, forge: Forge) -> None:
    await look(phone, report(), forge)
    forge.report = report(RED)
    await phone.context.pull_requests.look()
    assert phone.new() == []


def set_phase(phone: Phone, before: str, after: str) -> None:
    folder = SessionFolder(phone.root / "sessions-repo" / REF.folder)
    text = folder.overview.read_text()
    assert f"Phase: {before}" in text
    folder.overview.write_text(text.replace(f"Phase: {before}", f"Phase: {after}"))
    folder.signal.unlink(missing_ok=True)
    if after == "done":
        folder.signal.write_text('{"status": "done"}')


def land_elsewhere(phone: Phone, step: LandingStep, by: Person) -> None:
    folder = SessionFolder(phone.root / "sessions-repo" / REF.folder)
    append(
        folder,
        EventName.LANDING,
        phone.now,
        id="1",
        step=step,
        branch="greet",
        text="Done.",
        who=by.who,
        via=by.via,
    )


async def test_pull_request_opened_in_a_terminal_is_watched_at_once(phone: Phone, forge: Forge) -> None:
    phone.context.pull_requests.unwatch(REF)
    await phone.context.notifier.refresh(REF)
    phone.now += timedelta(seconds=1)
    land_elsewhere(phone, LandingStep.PUSH, Person("ann", "terminal"))
    await phone.context.notifier.refresh(REF)
    assert phone.context.store.pull_requests.all() == {}
    phone.now += timedelta(seconds=1)
    land_elsewhere(phone, LandingStep.OPEN_DRAFT, Person("ann", "terminal"))
    await phone.context.notifier.refresh(REF)
    assert phone.context.store.pull_requests.all() == {REF.key: 0.0}


async def test_end_of_a_round_makes_its_pull_request_due(phone: Phone, forge: Forge) -> None:
    await phone.context.notifier.refresh(REF)
    await phone.context.pull_requests.look()
    assert phone.context.store.pull_requests.all()[REF.key] > phone.now.timestamp()
    set_phase(phone, "done", "testing")
    await phone.context.notifier.refresh(REF)
    assert phone.context.store.pull_requests.all()[REF.key] > phone.now.timestamp()
    set_phase(phone, "testing", "done")
    await phone.context.notifier.refresh(REF)
    assert phone.context.store.pull_requests.all()[REF.key] == 0.0


async def test_session_is_not_read_before_its_pull_request_is_due(
    phone: Phone, forge: Forge, monkeypatch: pytest.MonkeyPatch
) -> None:
    await phone.context.pull_requests.look()

    async def read(ref: SessionRef) -> None:
        raise AssertionError("the session was read")

    monkeypatch.setattr(phone.context.fleet, "view", read)
    before = phone.context.store.pull_requests.all()
    await phone.context.pull_requests.look()
    assert phone.context.store.pull_requests.all() == before


async def test_choice_during_a_look_makes_it_due_once_more(
    phone: Phone, forge: Forge, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def report_slowly(ref: SessionRef) -> PullRequestReport:
        phone.context.store.pull_requests.hurry(REF.key)  # a round ends just then
        return forge.report

    monkeypatch.setattr(phone.context.fleet, "pull_request", report_slowly)
    phone.context.pull_requests.watch(REF)
    await phone.context.pull_requests.look()
    assert phone.context.store.pull_requests.all()[REF.key] <= phone.now.timestamp()
