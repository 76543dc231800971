"""Every kind of message that the bot writes, made up: for a look at them all, and for what must hold of each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import Any

from samobot.fleet.landing_models import Leftover
from samobot.fleet.models import GuidanceView, PlanPhaseView, RemarkView, SessionRef, SessionView
from samobot.fleet.results import ChangedFile, DiffView, Document, FleetEvent, FleetEventKind
from samobot.phases import BlockCause, Phase, WaitingFor
from samobot.session.gate import Person
from samobot.session.journal import RunEndReason
from samobot.session.question import Option
from samobot.session.status import SessionState
from samobot.telegram.notify.limit_notices import closed_notice, resumed_notice, waiting_notice
from samobot.telegram.notify.messages import closed, messages
from samobot.telegram.notify.notification import ExtraContent, NotificationInput
from samobot.telegram.notify.reminders import PendingNeed, reminder, reminders
from samobot.telegram.notify.state import LiveMessage, NotifiedState, advance
from samobot.telegram.views.blocked import obstacle
from samobot.telegram.views.buttons import MessageView
from samobot.telegram.views.card import card, farewell
from samobot.telegram.views.clean_message import clean_message, removal_message
from samobot.telegram.views.completion import stopped
from samobot.telegram.views.events import (
    fleet_news,
    guidance_given,
    iteration_over,
    money_spent,
    new_phase,
    noticed,
    revert,
)
from samobot.telegram.views.pending import Need, NeedKind, need_of
from samobot.telegram.views.plan_view import changes, decided_plan, open_plan, past_plan, plan_file
from samobot.telegram.views.questions import answered_question, answers_receipt, open_question
from samobot.telegram.views.wording import Recipient
from tests.support.views import AT, asking, at_rest, blocked, ended, plan, planned, question, session

HERE = Recipient(1, zone=UTC)
NOW = AT + timedelta(minutes=14)

_API = SessionRef(project="shop", folder="26-01-15-payments-api", name="payments-api")
_LONG = SessionRef(
    project="monorepo-of-the-platform-team",
    folder="26-01-15-move-the-checkout-to-the-new-address-service-step-2",
    name="move-the-checkout-to-the-new-address-service-step-2",
)
_ANSWERED: dict[str, Any] = {"by": "Ann", "via": "telegram", "at": NOW}
_LIMIT = AT.replace(hour=15, minute=47)

# What loops say today where they block; the agent's own words are made up.
_BLOCKS = {
    BlockCause.AGENT: ("3 of 12 tests fail: no network here.\nShould I mock the API, or skip these?", ""),
    BlockCause.ILLEGAL_MOVE: ("The agent wanted to go from planning to testing; from planning it may go to implementation.", ""),
    BlockCause.ILLEGAL_SIGNAL: ("The agent asked for input (“waiting”) during testing, which isn't allowed in that phase.", ""),
    BlockCause.GATE: (
        "The agent wanted to start implementing, but the plan is not approved.",
        "The plan is small, so I start with **phase 1** and the `parser`.",
    ),
    BlockCause.NO_SIGNAL: (
        "Two iterations in a row ended without saying how they ended.",
        "I have run the tests:\n\n- `test_greet` passes\n- `test_name` fails\n\nNext I look at the second one, "
        "which needs a name with an umlaut, and at how the shell hands that on.\n\nThen the docs.",
    ),
    BlockCause.ITERATION_LIMIT: ("The testing phase has had its 20 iterations without finishing.", ""),
    BlockCause.STAGNATION: ("Three iterations in a row changed nothing and said the same.", ""),
    BlockCause.FAILURES: ("4 attempts in a row failed, the last with: API error 529, the service is overloaded.", ""),
    BlockCause.ACCOUNT: ("Claude is not logged in on this machine. Run claude there and log in.", ""),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sheet:
    """Messages that are looked at together.

    Attributes:
        name: Of the picture.
        shown: The messages, in order.
        brief: Whether each has to be short: at most twelve lines, as written.
        silent: Whether they come without a sound.
    """

    name: str
    shown: tuple[MessageView, ...]
    brief: bool = True
    silent: bool = False


def sheets() -> list[Sheet]:
    """All that the bot says by itself about sessions; its answers to commands are in `tests.support.answers`."""
    return [
        Sheet("cards-at-work", tuple(card(view, HERE, NOW) for view in _at_work()), silent=True),
        Sheet("cards-waiting", tuple(card(view, HERE, NOW) for view in _waiting()), silent=True),
        Sheet("cards-at-rest", tuple(card(view, HERE, NOW) for view in _at_rest()), silent=True),
        Sheet("questions", _questions()),
        Sheet("questions-long", _long_questions(), brief=False),
        Sheet("questions-answered", _answered(), silent=True),
        Sheet("plans", _plans()),
        Sheet("plans-decided", _decided(), silent=True),
        Sheet("plan-long", _long_plan()),
        *(Sheet(f"blocks-{number}", found) for number, found in enumerate(_blocks(), 1)),
        Sheet("obstacles", _obstacles()),
        Sheet("limits", _limits()),
        Sheet("ends", _ends()),
        Sheet("end-long", _long_end()),
        Sheet("in-passing", _in_passing(), silent=True),
        Sheet("fleet", _fleet()),
        Sheet("reminders", _reminders()),
        Sheet("left-over", _left_over(), silent=True),
    ]


def _at_work() -> list[SessionView]:
    words = GuidanceView(who="Ann", text="Use argparse, and keep the old flags working", given=False)
    return [
        session(),
        session(phase=Phase.INVESTIGATION, iteration=1, cost_usd=0.0, started=NOW, activity=None,
                last_action=None, next=None),
        session(guidance=(words, words, words), budget_usd=5.0),
        session(ref=_LONG, activity="Running npm run test:integration -- --filter=@platform/checkout --reporter=dot --bail and more",
                last_action="moved the address lookup behind an interface and wrote the adapter for the new service with its retries",
                next="phase 3 of 7, the feature flag, and the tests of the fallback to the old service", cost_usd=1234.5, iteration=1042),
    ]  # fmt: skip


def _waiting() -> list[SessionView]:
    return [
        asking(question(), question(1)),
        planned(plan()),
        blocked(),
        _waits_for_action(),
        at_rest(SessionState.BLOCKED, end=ended(RunEndReason.BUDGET), budget_usd=5.0, cost_usd=5.02),
    ]


def _at_rest() -> list[SessionView]:
    return [
        at_rest(SessionState.QUEUED, place=2, wanted=True, phase=None, visited=(), iteration=0, cost_usd=0.0,
                last_action=None, next=None, started=None),
        session(state=SessionState.PARKED, parked_until=_LIMIT, limit="5-hour limit"),
        at_rest(SessionState.STOPPED, end=ended(RunEndReason.PAUSED)),
        at_rest(SessionState.STOPPED, end=ended(RunEndReason.STOPPED)),
        at_rest(SessionState.DONE, phase=Phase.DONE, end=ended(RunEndReason.DONE), duration_s=4320.0),
        at_rest(SessionState.DONE, phase=Phase.DONE, end=ended(RunEndReason.DONE), archived=True),
        at_rest(SessionState.IDLE, problems=("_overview.md, line 4: “Phase: testng” is no phase; did you mean testing?",)),
    ]  # fmt: skip


def _questions() -> tuple[MessageView, ...]:
    view = asking(question(), question(1, text="Which Python versions?", suggestion=None, reason="", options=(
        Option(letter="A", text="3.11 and newer"), Option(letter="B", text="3.9 and newer"))), question(2))  # fmt: skip
    words = asking(question(options=(), suggestion=None, reason="", text="What shall the command be called?"))
    free = asking(question(options=(), suggestion=None, reason="greet", text="What shall it be called?"))
    return (
        open_question(view, view.questions[0], HERE, NOW),
        open_question(view, view.questions[1], HERE, NOW),
        open_question(words, words.questions[0], HERE, NOW),
        open_question(free, free.questions[0], HERE, NOW),
        open_question(view, view.questions[0], HERE, NOW, auto_at=NOW + timedelta(minutes=10)),
    )


def _long_questions() -> tuple[MessageView, ...]:
    options = tuple(
        Option(letter=letter, text=f"{verb} the old endpoint, and answer its callers with a `410` after two releases, as the **policy** says")
        for letter, verb in zip("ABCDEFGH", ("Keep", "Hide", "Move", "Split", "Proxy", "Drop", "Freeze", "Copy"), strict=True)
    )  # fmt: skip
    text = (
        "The address service has **two versions** in use:\n\n- `v1`, called by the shop and by three batch jobs\n"
        "- `v2`, called by the app\n\n```python\ndef lookup(address: Address, *, version: Literal[1, 2] = 1, timeout: float = 2.0) -> Place | None:\n"
        '    """Look an address up."""\n```\n\nWhat shall happen to `v1`?'
    )
    view = asking(
        question(text=text, options=options, suggestion="C", reason="least work for its callers"), ref=_LONG
    )
    return (open_question(view, view.questions[0], HERE, NOW),)


def _answered() -> tuple[MessageView, ...]:
    done = question(answer="B) good day, with the name argument shown in **bold**", **_ANSWERED)
    own = question(1, text="How loud?", answer="As loud as `--volume` says,\nat most 11", **_ANSWERED)
    hand = question(2, text="Which licence?", answer="MIT")
    again = question(3, text="What about umlauts?", round="Round 2", options=(), suggestion=None, reason="")
    view, second = asking(done, own, hand), asking(done, own, hand, again)
    return (
        answered_question(view, done, HERE, AT, changeable=True),
        answered_question(view, own, HERE, AT, changeable=False),
        answered_question(view, hand, HERE, AT, changeable=False),
        answers_receipt(view, view.questions, None, over=False),
        answers_receipt(view, view.questions, 4, over=True),
        open_question(second, again, HERE, NOW),
    )


def _plans() -> tuple[MessageView, ...]:
    changed = changes(
        "# Plan\n- [ ] use click\n- [ ] test it",
        "# Plan\n- [ ] use argparse\n- [ ] test it\n- [ ] test umlauts",
    )
    text = "# Greeting script\n\n## Phase 1: Script\n- [ ] write `greet.py`\n- [ ] try it\n\n## Phase 2: Tests\n- [ ] test **everything**\n"
    return (
        plan_file(planned(plan()), Document(name="plan.md", text=text), 1),
        open_plan(planned(plan()), plan(), 1, "", HERE, NOW),
        open_plan(planned(plan()), plan(), 2, changed, HERE, NOW),
        open_plan(planned(plan()), plan(), 2, "", HERE, NOW, again=True),
        open_plan(planned(plan()), plan(), 1, "", HERE, NOW, auto_at=NOW + timedelta(minutes=10)),
    )  # fmt: skip


def _decided() -> tuple[MessageView, ...]:
    back = plan(
        verdict="rejection", feedback="Use *argparse* & keep the <old> flags.\nTests first.", **_ANSWERED
    )
    good = plan(verdict="approval", **_ANSWERED)
    auto = plan(verdict="approval", by="samobot", via="auto", at=NOW)
    return (
        decided_plan(planned(good), good, 1, HERE, AT, approved=True),
        decided_plan(planned(auto), auto, 2, HERE, AT, approved=True),
        decided_plan(planned(back), back, 1, HERE, AT, approved=False),
        past_plan(planned(good), 1, replaced=True),
        past_plan(planned(good), 2, replaced=False),
    )  # fmt: skip


def _long_plan() -> tuple[MessageView, ...]:
    phases = tuple(
        PlanPhaseView(title=f"Move **part {number}** of the checkout to the new address service and its retries", steps=number)
        for number in range(1, 15)
    )  # fmt: skip
    long = plan(
        title="Move the checkout to the new address service, one caller at a time, with a fallback",
        phases=phases,
    )
    view = planned(long, ref=_LONG)
    return (
        plan_file(view, Document(name="plan.md", text="# Plan\n" + "- [ ] a step\n" * 600), 3),
        open_plan(view, long, 3, "", HERE, NOW),
    )  # fmt: skip


def _blocks() -> list[tuple[MessageView, ...]]:
    shown = [
        obstacle(blocked(asked, end=ended(RunEndReason.BLOCKED, cause=cause)), NeedKind.BLOCK, said, HERE, NOW)
        for cause, (asked, said) in _BLOCKS.items()
    ]  # fmt: skip
    return [tuple(shown[:5]), tuple(shown[5:])]


def _waits_for_action(kind: WaitingFor = WaitingFor.HUMAN_ACTION) -> SessionView:
    asked = "Create an API key for the **test** account and put it into `config/local.env`."
    return at_rest(
        SessionState.WAITING, waiting_for=kind, gate="action:1", needs=asked, end=ended(RunEndReason.WAITING)
    )


def _obstacles() -> tuple[MessageView, ...]:
    budget = at_rest(SessionState.BLOCKED, end=ended(RunEndReason.BUDGET), budget_usd=5.0, cost_usd=5.02)
    rests = at_rest(
        SessionState.STOPPED,
        end=ended(RunEndReason.ITERATIONS, text="The 3 iterations that were asked for have run."),
    )
    failed = blocked("The worktree is gone: worktrees/greet.", end=ended(RunEndReason.FAILED))
    before = LiveMessage(
        key="k", kind="block", at=AT, texts={1: obstacle(blocked(), NeedKind.BLOCK, "", HERE, NOW).text}
    )
    view = session()
    memory = NotifiedState(phase=Phase.TESTING)
    scene = NotificationInput(view, memory, advance(view, memory, NOW), ExtraContent(), NOW)
    return (
        obstacle(_waits_for_action(), NeedKind.ACTION, "", HERE, NOW),
        obstacle(_waits_for_action(WaitingFor.FILE_UPDATE), NeedKind.ACTION, "", HERE, NOW),
        obstacle(budget, NeedKind.BUDGET, "", HERE, NOW),
        obstacle(rests, NeedKind.ITERATIONS, "", HERE, NOW),
        obstacle(failed, NeedKind.FAILED, "", HERE, NOW),
        obstacle(session(lost=True), NeedKind.LOST, "", HERE, NOW),
        MessageView(closed(scene, before, HERE, Person("Ann", "telegram"))),
    )  # fmt: skip


def _limits() -> tuple[MessageView, ...]:
    one = session(state=SessionState.PARKED, parked_until=_LIMIT, limit="5-hour limit reached")
    two = one.model_copy(update={"ref": _API})
    long = one.model_copy(update={"ref": _LONG, "parked_until": AT + timedelta(days=4)})
    return (
        waiting_notice([one], HERE, NOW),
        waiting_notice([one.model_copy(update={"parked_until": None})], HERE, NOW),
        waiting_notice([one, two], HERE, NOW),
        waiting_notice([one, two, long], HERE, NOW),
        waiting_notice([one, two, long, one, two, long, one], HERE, NOW),
        MessageView(closed_notice(waiting_notice([one, two], HERE, NOW).text, HERE, AT, NOW)),
        resumed_notice([one, two]),
    )


def _done(view: SessionView, extras: ExtraContent) -> tuple[MessageView, ...]:
    memory = NotifiedState(phase=Phase.QUALITY)
    scene = NotificationInput(view, memory, advance(view, memory, NOW), extras, NOW)
    return tuple(message.shown for message in messages(scene, HERE))


def _ends() -> tuple[MessageView, ...]:
    view = at_rest(
        SessionState.DONE, phase=Phase.DONE, duration_s=4320.0, waited_s=540.0, iteration=11, cost_usd=4.31,
        end=ended(RunEndReason.DONE),
    )  # fmt: skip
    files = tuple(ChangedFile(path=f"f{number}", added=1, removed=0) for number in range(5))
    diff = DiffView(branch="greet", commits=4, files=files, added=182, removed=7, uncommitted=0, text="")
    summary = Document(
        name="s.md",
        text="# Done\n\nAdded `greet.py` with argparse and 12 tests; all 12 tests pass, quality is clean.",
    )
    failing = Document(name="s.md", text="The script works; 10 passed, 2 failed: they need the network.")
    paused = at_rest(SessionState.STOPPED, end=ended(RunEndReason.PAUSED))
    halted = at_rest(SessionState.STOPPED, end=ended(RunEndReason.STOPPED))
    return (
        *_done(view, ExtraContent(summary=summary, diff=diff)),
        *_done(view, ExtraContent(summary=failing, diff=diff.model_copy(update={"uncommitted": 2}))),
        *_done(view.model_copy(update={"summary": "Wrote the report into report.md"}), ExtraContent()),
        stopped(paused, ""),
        stopped(halted, "No processes left."),
    )  # fmt: skip


def _long_end() -> tuple[MessageView, ...]:
    text = "# Summary\n\n" + "\n".join(
        f"- **Part {number}**: moved a caller to the new service, with its tests, and `flag_{number}` to go back"
        for number in range(1, 30)
    )
    view = at_rest(
        SessionState.DONE, ref=_LONG, phase=Phase.DONE, duration_s=90_000.0, iteration=1042, cost_usd=1234.5
    )
    diff = DiffView(
        branch="feature/move-the-checkout-to-the-new-address-service-step-2", commits=140, files=(),
        added=18_200, removed=7_100, uncommitted=3, text="",
    )  # fmt: skip
    return _done(view, ExtraContent(summary=Document(name="s.md", text=text), diff=diff))


def _in_passing() -> tuple[MessageView, ...]:
    given = GuidanceView(who="Ann", text="use `argparse`, and keep the <old> flags", given=True)
    remark = RemarkView(at=NOW, kind="void", text="An answer to Q1 appeared while no person wrote one.")
    view = session()
    return (
        new_phase(session(phase=Phase.TESTING), Phase.IMPLEMENTATION),
        iteration_over(view),
        guidance_given(view, (given, given)),
        revert(view, (remark, remark.model_copy(update={"text": "The plan was marked as approved by the agent."}))),
        noticed(view, (remark.model_copy(update={"text": "Half of what this machine may spend today is spent."}),)),
        money_spent(session(budget_usd=4.0, cost_usd=2.1), 50),
        money_spent(session(budget_usd=4.0, cost_usd=3.3), 80),
        farewell(view, HERE, NOW),
    )  # fmt: skip


def _fleet() -> tuple[MessageView, ...]:
    ref = session().ref
    why = {
        FleetEventKind.STARTED: "A place is free.",
        FleetEventKind.RESTARTED: "It goes on where it was.",
        FleetEventKind.GAVE_UP: "It died 3 times within 10 minutes; the log says more.",
        FleetEventKind.FAILED_TO_START: "The worktree could not be made: the branch greet is checked out elsewhere.",
        FleetEventKind.DELIVERED: "on studio 14:02: approve greet",
        FleetEventKind.REFUSED: "on studio 14:02: answer greet was not carried out. Q1 has changed since it was shown; look at it again.",
    }
    return tuple(
        fleet_news(FleetEvent(ref=where, key="demo:greet", kind=kind, text=why[kind], host="studio"), "greet")
        for kind in FleetEventKind
        for where in (ref, None)
        if where is not None or kind is FleetEventKind.FAILED_TO_START
    )


def _left_over() -> tuple[MessageView, ...]:
    merged = Leftover(
        session=session().ref, archived=False, branch="greet", merged=True, commits=0, uncommitted=0,
        size=412_000_000, identity="0" * 64,
    )  # fmt: skip
    kept = merged.model_copy(
        update={
            "session": _LONG,
            "archived": True,
            "merged": False,
            "commits": 3,
            "uncommitted": 2,
            "size": 93_000,
        }
    )
    return clean_message([merged, kept]), clean_message([kept]), removal_message(kept)


def _reminders() -> tuple[MessageView, ...]:
    waits = [asking(question()), planned(plan(), ref=_API), blocked(ref=_LONG), _waits_for_action()]
    due = [PendingNeed(view, _need(view), AT - timedelta(hours=4), 1) for view in waits]
    return (*(reminder(each, NOW) for each in due), reminders(due, NOW), reminders(due * 3, NOW))


def _need(view: SessionView) -> Need:
    need = need_of(view)
    assert need is not None
    return need
