"""Every kind of message says what is needed in few lines, and Telegram takes it whatever the agent wrote."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from samobot.fleet.models import GuidanceView, PlanPhaseView, RemarkView, SessionRef, SessionView
from samobot.fleet.results import ChangedFile, DiffView, Document, FleetEvent, FleetEventKind
from samobot.phases import BlockCause, Phase, WaitingFor
from samobot.sandbox.botapi.entities import tidy, utf16_length
from samobot.sandbox.botapi.keyboards import read_markup
from samobot.sandbox.botapi.parse_mode import parse_html
from samobot.session.journal import RunEndReason
from samobot.session.question import Option
from samobot.session.signal import SuiteResult
from samobot.session.status import SessionState
from samobot.telegram.markup.html import to_plain
from samobot.telegram.markup.split import split_html
from samobot.telegram.notify.limit_notices import resumed_notice, waiting_notice
from samobot.telegram.notify.messages import closed, messages
from samobot.telegram.notify.notification import ExtraContent, Notification, NotificationInput
from samobot.telegram.notify.reminders import PendingNeed, reminder, reminders
from samobot.telegram.notify.state import LiveMessage, NotifiedState, advance, fingerprint, first_sight
from samobot.telegram.store.bot_store import Store
from samobot.telegram.views.actions import ActionKind
from samobot.telegram.views.blocked import FOR_TODAY, obstacle
from samobot.telegram.views.buttons import LABEL_CHARACTERS, MessageView, keyboard
from samobot.telegram.views.card import card
from samobot.telegram.views.completion import done, stopped, summary_text
from samobot.telegram.views.events import fleet_news, iteration_over, money_spent, new_phase
from samobot.telegram.views.pending import NeedKind, need_of
from samobot.telegram.views.plan_view import changes, decided_plan, open_plan, plan_file
from samobot.telegram.views.questions import answered_question, answers_receipt, open_question
from samobot.telegram.views.wording import Recipient
from tests.support import nasty
from tests.support.examples import examples
from tests.support.views import AT, asking, at_rest, blocked, ended, plan, planned, question, session

HERE = Recipient(1, zone=UTC)
GROUP = Recipient(-1, zone=UTC, alone=False)
NOW = AT + timedelta(minutes=14)


def labels(shown: MessageView) -> list[str]:
    return [button.label for row in shown.buttons for button in row]


def told(
    view: SessionView, before: NotifiedState | None = None, extras: ExtraContent | None = None
) -> list[Notification]:
    memory = before or first_sight(view, NOW, AT - timedelta(days=1))
    return messages(
        NotificationInput(view, memory, advance(view, memory, NOW), extras or ExtraContent(), NOW), HERE
    )


# What they say -----------------------------------------------------------------------------------------------


def test_a_question_can_be_read_in_full_above_its_buttons() -> None:
    view = asking(question(), question(1), question(2))
    shown = open_question(view, view.questions[0], HERE, NOW)
    text = to_plain(shown.text)
    assert text.startswith("❓ greet asks · 1 of 3\n\nWhich greeting should it print?")
    assert "B  good day, with the name argument shown in bold" in text
    assert "💡 It suggests B: polite, and it takes a name" in text
    assert labels(shown) == ["A", "B ★", "C", "✍️ Other", "Accept all 3 suggestions"]


def test_only_the_first_open_question_offers_to_take_all_suggestions() -> None:
    view = asking(question(answer="A) hello"), question(1), question(2))
    assert "Accept all 2 suggestions" in labels(open_question(view, view.questions[1], HERE, NOW))
    assert "Accept all 2 suggestions" not in labels(open_question(view, view.questions[2], HERE, NOW))


def test_question_without_options_is_answered_by_text() -> None:
    view = asking(question(options=(), suggestion=None, reason=""))
    assert labels(open_question(view, view.questions[0], HERE, NOW)) == ["✍️ Answer"]


def test_question_with_a_suggestion_and_no_options_is_accepted_with_a_tap() -> None:
    reason = "use `argparse`: it is in the standard library and reads as the rest does"
    view = asking(
        question(options=(), suggestion=None, reason=reason), question(1, options=(), suggestion=None)
    )
    first, second = (open_question(view, each, HERE, NOW) for each in view.questions)
    assert labels(first) == [
        "✅ Accept “use argparse: it is in the s…”",
        "✍️ Answer",
        "Accept all 2 suggestions",
    ]
    assert labels(second) == ["✅ Accept “polite, and it takes a name”", "✍️ Answer"]
    tapped = first.buttons[0][0]
    assert (tapped.action.do, tapped.action.text, tapped.once) == (ActionKind.ANSWER, reason, True)
    assert len(tapped.label) <= LABEL_CHARACTERS


def test_single_suggestion_that_names_an_option_has_no_button_besides_the_option() -> None:
    view = asking(question())
    assert labels(open_question(view, view.questions[0], HERE, NOW)) == ["A", "B ★", "C", "✍️ Other"]


@pytest.mark.parametrize(
    ("values", "place", "who"),
    [
        ({"by": "Ann", "via": "telegram", "at": NOW}, HERE, "you, 14:14"),
        ({"by": "Ann", "via": "telegram", "at": NOW}, GROUP, "Ann, 14:14"),
        ({"by": "ann", "via": "terminal", "at": NOW}, HERE, "from the terminal, 14:14"),
        ({"by": "ann", "via": "terminal", "at": NOW}, GROUP, "ann, from the terminal, 14:14"),
        ({"by": "samobot", "via": "auto", "at": NOW}, HERE, "automatically, 14:14"),
        ({}, HERE, "by hand"),
    ],
)
def test_answered_question_reports_who_chose_what_and_when(
    values: dict[str, Any], place: Recipient, who: str
) -> None:
    view = asking(
        question(answer="B) good day, with the name argument shown in **bold**", **values), question(1)
    )
    shown = answered_question(view, view.questions[0], place, AT, changeable=True)
    assert to_plain(shown.text).split("\n") == [
        "✅ greet · question 1",
        "Which greeting should it print?",
        "→ B  good day, with the name argument shown in bold",
        who,
    ]
    assert labels(shown) == ["Change"]


def test_an_answer_of_ones_own_is_shown_as_it_was_written() -> None:
    view = asking(question(answer="Print `**hi**`\n<b>loud</b>"), question(1))
    shown = answered_question(view, view.questions[0], HERE, AT, changeable=False)
    assert "→ Print `**hi**`\n<b>loud</b>" in to_plain(shown.text)
    assert not labels(shown)


def test_a_plan_comes_with_its_phases_and_what_changed() -> None:
    changed = changes("# Plan\n- [ ] use click\n- [ ] test it", "# Plan\n* [x] use argparse\n* [x] test it")
    shown = open_plan(planned(plan()), plan(), 2, changed, HERE, NOW)
    assert to_plain(shown.text).split("\n") == [
        "📋 greet has a plan · version 2",
        "Greeting script: 3 phases, 11 steps",
        "",
        "1  Script · 4 steps",
        "2  Tests · 5 steps",
        "3  Docs · 2 steps",
        "",
        "Since version 1:",
        "− use click",
        "+ use argparse",
    ]
    assert labels(shown) == ["✅ Approve", "✏️ Request changes", "📄 Show plan"]
    approve = shown.buttons[0][0].action
    assert (approve.do, approve.identity) == (ActionKind.APPROVE, plan().sha256)


def test_a_plan_shows_the_profiles_that_it_names_and_which_do_not_exist() -> None:
    phases = [PlanPhaseView(title="A", steps=1, profile=name) for name in ("strong", "", "<huge>", "max")]
    text = to_plain(open_plan(planned(plan()), plan(phases=tuple(phases)), 1, "", HERE, NOW).text)
    assert "\nProfiles: phase 1 strong, phase 4 max" in text
    assert text.endswith(
        "\nNot a profile, so without effect: “<huge>” (phase 3). There are light, standard, strong, max."
    )
    many = plan(phases=tuple(phases[:1] * 6))
    assert "phase 4 strong and 2 more" in open_plan(planned(many), many, 1, "", HERE, NOW).text


def test_what_changed_in_a_plan_is_shown_without_marks() -> None:
    before = "# Plan\n- [ ] use click"
    after = "# Plan\n- [ ] use `argparse`\n\n**Hello**, and *world* & <you>\n> 1. a [link](https://example.org)\n```\n---\n"
    assert changes(before, after).split("\n") == [
        "− use click",
        "+ use argparse",
        "+ Hello, and world &amp; &lt;you&gt;",
        "+ a link (https://example.org)",
    ]


def test_new_phase_reports_the_last_action_without_the_marks_of_its_lost_lines() -> None:
    flat = "> quote > > nested 1. one - sub a - [ ] todo"
    view = session(phase=Phase.TESTING, last_action=flat, summary="")
    memory = NotifiedState(phase=Phase.IMPLEMENTATION)
    scene = NotificationInput(view, memory, advance(view, memory, NOW), ExtraContent(), NOW)
    (message,) = [each for each in messages(scene, HERE) if each.kind == "phase"]
    assert to_plain(message.shown.text).split("\n")[-1] == "quote nested 1. one · sub a · todo"


def test_a_short_plan_can_be_read_in_the_chat_and_a_long_one_is_named() -> None:
    view = planned(plan())
    assert "hello" in plan_file(view, Document(name="p.md", text="# Plan\nhello"), 1).text
    long = plan_file(view, Document(name="p.md", text="# Plan\n" + "hello\n" * 900), 1)
    assert "hello" not in long.text
    assert long.attachment is not None
    assert long.attachment.data.endswith(b"hello\n")


def test_requested_changes_keep_the_users_text() -> None:
    sent_back = plan(
        verdict="rejection", by="Ann", via="telegram", at=NOW, feedback="Use *argparse* & <click>"
    )
    shown = decided_plan(planned(sent_back), sent_back, 1, HERE, AT, approved=False)
    assert "→ Changes requested · you, 14:14\nUse *argparse* & <click>" in to_plain(shown.text)


@pytest.mark.parametrize("cause", list(BlockCause))
def test_every_block_reports_what_happened_and_offers_a_way_out(cause: BlockCause) -> None:
    view = blocked("The reason in words.", end=ended(RunEndReason.BLOCKED, cause=cause))
    shown = obstacle(view, NeedKind.BLOCK, "What it said last.", HERE, NOW)
    text = to_plain(shown.text)
    assert text.startswith("⛔ greet is blocked in testing\nThe reason in words.")
    assert cause is BlockCause.AGENT or len(text.split("\n\n")[-1]) > 20
    assert labels(shown) == ["💬 Guidance", "🔁 Retry", "📄 Log", "⏹ Stop"]


def test_a_block_that_asks_offers_to_answer() -> None:
    assert labels(obstacle(blocked("Mock the API?"), NeedKind.BLOCK, "", HERE, NOW))[0] == "✍️ Answer…"


def test_a_need_is_whole_and_apart_however_long_the_reason_is() -> None:
    reason = (
        "The service does not answer, and I have tried this:\n\n" + "- another port, and the old one\n" * 50
    )
    view = blocked(reason, needs="**Should** I mock `x`?")
    shown = obstacle(view, NeedKind.BLOCK, "What it said last.", HERE, NOW)
    assert shown.text.endswith(
        "</blockquote>\n\n<b>It needs:</b>\n<blockquote><b>Should</b> I mock <code>x</code>?</blockquote>"
    )
    # The reason is folded: a phone shows three lines of it.
    assert shown.text.count("\n", 0, shown.text.index("<blockquote expandable>")) == 1
    assert labels(shown)[0] == "✍️ Answer…"


def test_reason_and_need_are_distinguished_by_their_labels() -> None:
    shown = obstacle(blocked("No network", needs="A key"), NeedKind.BLOCK, "", HERE, NOW)
    assert to_plain(shown.text) == "⛔ greet is blocked in testing\nWhy:\nNo network\n\nIt needs:\nA key"


def test_the_question_in_a_long_reason_is_not_folded_away() -> None:
    reason = "I have tried this. " * 60 + "Should I mock the API? Then I go on."
    shown = obstacle(blocked(reason), NeedKind.BLOCK, "", HERE, NOW)
    assert to_plain(shown.text).endswith("It needs:\nShould I mock the API?")


@pytest.mark.parametrize(
    ("reason", "needs"), [("Plug in the cable", "cable"), ("cable", "Plug in the cable")]
)
def test_a_need_that_the_reason_names_already_is_not_said_twice(reason: str, needs: str) -> None:
    view = blocked(reason, needs=needs)
    assert to_plain(obstacle(view, NeedKind.ACTION, "", HERE, NOW).text) == (
        "✋ greet needs you\nPlug in the cable\n\nThen tap Done to continue."
    )


@pytest.mark.slow
def test_a_need_of_many_lines_fits_a_message() -> None:
    view = blocked("No keys.", needs="- one more key\n" * 400)
    shown = obstacle(view, NeedKind.BLOCK, "", HERE, NOW)
    assert shown.text.count("\n") <= 14
    assert shown.text.endswith("…</blockquote>")


def test_the_days_budget_is_raised_for_today_and_not_for_the_session() -> None:
    end = ended(RunEndReason.BUDGET, text="The day's budget is used up.").model_copy(update={"of_day": True})
    shown = obstacle(at_rest(SessionState.BLOCKED, end=end), NeedKind.BUDGET, "", HERE, NOW)
    assert "The day's budget is used up." in shown.text
    assert labels(shown) == ["+$5 for today", "⏹ Stop"]
    action = shown.buttons[0][0].action
    assert (action.do, action.text, action.usd) == (ActionKind.ADD_BUDGET, FOR_TODAY, 5.0)


@pytest.mark.parametrize("unpriced", [0, 1])
def test_every_display_of_a_sessions_cost_shows_at_least_if_a_part_has_no_price(
    unpriced: int,
) -> None:
    done_view = at_rest(SessionState.DONE, phase=Phase.DONE, end=ended(RunEndReason.DONE), unpriced=unpriced)
    halted = at_rest(SessionState.STOPPED, end=ended(RunEndReason.STOPPED), unpriced=unpriced)
    poor = at_rest(SessionState.BLOCKED, end=ended(RunEndReason.BUDGET), budget_usd=1.0, unpriced=unpriced)
    busy = session(unpriced=unpriced, budget_usd=2.0)
    said = [
        card(busy, HERE, NOW),
        done(done_view, "", None),
        stopped(halted, ""),
        obstacle(poor, NeedKind.BUDGET, "", HERE, NOW),
        money_spent(busy, 80),
        new_phase(busy, Phase.REQUIREMENTS),
        iteration_over(busy),
    ]
    for shown in said:
        assert "$1.84" in shown.text
        assert ("at least $1.84" in shown.text.lower()) == bool(unpriced)


def test_what_the_agent_said_last_is_not_said_twice() -> None:
    shown = obstacle(blocked("No network here. What now?"), NeedKind.BLOCK, "No network here.", HERE, NOW)
    assert to_plain(shown.text).count("No network here.") == 1


def test_end_shows_what_was_done_and_what_it_took() -> None:
    view = at_rest(
        SessionState.DONE, phase=Phase.DONE, duration_s=4320.0, waited_s=540.0, iteration=11, cost_usd=4.31,
        tests=SuiteResult(12, 0),
    )  # fmt: skip
    files = tuple(ChangedFile(path=f"f{number}", added=1, removed=0) for number in range(5))
    extras = ExtraContent(
        summary=Document(name="s.md", text="# Done\n\nAdded greet.py with argparse.\n\nAll 12 tests pass, quality is clean."),
        diff=DiffView(branch="greet", commits=4, files=files, added=182, removed=7, uncommitted=0, text=""),
    )  # fmt: skip
    (message,) = told(view, NotifiedState(phase=Phase.QUALITY), extras)
    assert to_plain(message.shown.text).split("\n") == [
        "🏁 greet is done",
        "Added greet.py with argparse.",
        "",
        "All 12 tests pass, quality is clean.",
        "",
        "⎇ greet · 4 commits · 5 files, +182 −7",
        "✓ 12 tests",
        "1 h 12 min, of which 9 min waiting for you · 11 iterations · $4.31",
    ]
    assert labels(message.shown) == ["🔀 Land", "± Diff", "PR text", "Timeline", "🔁 Follow up", "📦 Archive"]


def test_the_end_of_a_long_summary_is_in_the_document_and_the_message_stays_short() -> None:
    view = at_rest(SessionState.DONE, phase=Phase.DONE)
    points = "\n".join(f"- part {number}" for number in range(1, 8))
    shown, file = (
        message.shown
        for message in told(view, NotifiedState(), ExtraContent(summary=Document(name="s.md", text=points)))
    )
    assert "part 5" in shown.text
    assert "part 7" not in shown.text
    assert file.attachment is not None
    assert file.attachment.data == points.encode()


def test_without_a_repository_nothing_of_one_is_offered() -> None:
    (message,) = told(at_rest(SessionState.DONE, phase=Phase.DONE), NotifiedState(), ExtraContent())
    assert labels(message.shown) == ["Timeline", "🔁 Follow up", "📦 Archive"]


def test_failing_tests_are_not_shown_as_passing() -> None:
    view = at_rest(SessionState.DONE, phase=Phase.DONE, tests=SuiteResult(10, 2))
    (message,) = told(view, NotifiedState(), ExtraContent())
    assert "✗ 2 of 12 tests failing" in message.shown.text
    assert "✓" not in message.shown.text


def test_figures_of_tests_are_not_read_out_of_a_summary() -> None:
    extras = ExtraContent(summary=Document(name="s.md", text="10 passed, 2 failed. All 12 tests pass."))
    (message,) = told(at_rest(SessionState.DONE, phase=Phase.DONE), NotifiedState(), extras)
    assert "✗" not in message.shown.text
    assert "✓" not in message.shown.text


def test_only_what_changed_between_two_plans_is_shown() -> None:
    before = "# Plan\n" + "\n".join(f"- [ ] step {number}" for number in range(20))
    assert changes(before, before.replace("[ ]", "[x]")) == "only its layout changed"
    many = changes(before, "# Plan\n" + "\n".join(f"- other {number}" for number in range(20)))
    assert many.split("\n")[-1] == "… and 37 more lines"


def test_a_long_plan_and_what_changed_in_it_fit_a_phone() -> None:
    long = plan(
        phases=tuple(
            PlanPhaseView(title="Move a part of the checkout to the new service", steps=12) for _ in range(9)
        )
    )
    changed = changes("", "\n".join(f"- step {number}" for number in range(20)))
    for shown in (
        open_plan(planned(long), long, 2, changed, HERE, NOW),
        open_plan(planned(long), long, 1, "", HERE, NOW),
    ):
        assert screen_lines(to_plain(shown.text)) <= 12


def test_a_summary_of_long_lines_leaves_room_for_the_facts() -> None:
    text = "\n".join(
        "- moved a caller to the new service, with its tests, and a flag to go back" for _ in range(9)
    )
    assert screen_lines(to_plain(summary_text(text))) <= 9


def screen_lines(text: str) -> int:
    return sum(max(1, -(-len(line) // 40)) for line in text.split("\n"))


# Telegram takes it, whatever is in it ---------------------------------------------------------------------------


TEXTS = st.one_of(
    st.sampled_from(nasty.texts()),
    st.text(st.characters(), max_size=60),
    st.sampled_from(["<&>\"'", "👩‍👩‍👧‍👦" * 40, "\ud800", "n" * 10_000, "?", "\x00\x1b[31m", "a\nb\n\nc", "| a |\n|---|\n| b |"]),
)  # fmt: skip


@st.composite
def views(draw: st.DrawFn) -> SessionView:
    text = draw(st.lists(TEXTS, min_size=4, max_size=4))
    one, two, three, four = text
    options = tuple(
        Option(letter=letter, text=draw(TEXTS)) for letter in draw(st.sampled_from(["", "AB", "ABCDEFGHIJ"]))
    )
    asked = question(
        text=one, options=options, suggestion=draw(st.sampled_from([None, "A"])), reason=two,
        answer=draw(st.sampled_from([None, three or "x", "A) " + four])), by=two, via=draw(st.sampled_from([None, "telegram", "x"])),
        at=draw(st.sampled_from([None, NOW])), label=one[:20],
    )  # fmt: skip
    phases = tuple(PlanPhaseView(title=each, steps=3) for each in text * draw(st.integers(0, 3)))
    shown = plan(
        title=one, phases=phases, verdict=draw(st.sampled_from([None, "approval", "rejection"])), by=two,
        via="telegram", at=NOW, feedback=three,
    )  # fmt: skip
    remarks = tuple(RemarkView(at=NOW, kind=kind, text=each) for kind in ("void", "notice") for each in text)
    return session(
        ref=SessionRef(project=two, folder=one, name=one),
        state=draw(st.sampled_from(SessionState)), phase=draw(st.sampled_from([None, *Phase])),
        waiting_for=(waiting_for := draw(st.sampled_from([None, *WaitingFor]))),
        gate=None if waiting_for is None else "gate", reason=three, needs=four, summary=four, questions=(asked, question(1)),
        plan=shown, guidance=tuple(GuidanceView(who=one, text=each, given=draw(st.booleans())) for each in text),
        activity=one, limit=two, parked_until=draw(st.sampled_from([None, NOW])), lost=draw(st.booleans()),
        end=draw(st.sampled_from([None, *(ended(r, text=three, cause=c) for r in RunEndReason for c in (None, *BlockCause))])),
        remarks=remarks, last_action=two, next=three, problems=(four,), budget_usd=2.0, auto=draw(st.booleans()),
        iterations_by_phase={"planning": 2, one: 3}, run=one,
    )  # fmt: skip


def accepted(shown: MessageView, store: Store) -> None:
    parts = [shown.text] if shown.attachment else split_html(shown.text)
    assert parts
    for part in parts:
        formatted = tidy(parse_html(part))
        assert formatted.text.strip()
        assert utf16_length(formatted.text) <= (1024 if shown.attachment else 4096)
        assert len(formatted.entities) <= 100
    with store.transaction(durable=False):
        made = keyboard(store.callbacks, shown.buttons, "scope")
    if made is not None:
        assert read_markup(made) is not None


@pytest.mark.slow
@examples(60, HealthCheck.function_scoped_fixture)
@given(view=views(), words=TEXTS)
def test_every_kind_of_message_is_taken_by_telegram(view: SessionView, words: str, store: Store) -> None:
    document = Document(name=words, text=words)
    file = ChangedFile(path=words, added=None, removed=None)
    diff = DiffView(branch=words, commits=1, files=(file,), added=1, removed=0, uncommitted=1, text=words)
    extras = ExtraContent(plan=document, said=words, summary=document, diff=diff)
    before = NotifiedState(
        remarks_at=AT,
        budget_usd=2.0,
        pending=tuple(map(fingerprint, view.guidance)),
        plans=("b" * 64,),
        plan_open=True,
    )
    after = advance(view, before, NOW)
    posted = LiveMessage(key="k", kind="question", at=AT)
    known = after.model_copy(
        update={"posted": {"question:0:identity-0": posted, "plan:1": posted, "plan:2": posted}}
    )
    found = [message.shown for message in messages(NotificationInput(view, before, known, extras, NOW), HERE)]
    found += [
        message.shown for message in messages(NotificationInput(view, before, after, extras, NOW), HERE)
    ]
    found += [
        card(view, HERE, NOW),
        open_question(view, view.questions[0], HERE, NOW, auto_at=NOW),
        answers_receipt(view, view.questions * 6, 3, over=True),
        waiting_notice([view] * 3, HERE, NOW),
        waiting_notice([view] * 9, HERE, NOW),
        resumed_notice([view]),
    ]
    found += [obstacle(view, kind, words, HERE, NOW) for kind in NeedKind]
    found += [fleet_news(FleetEvent(ref=ref, key="a:b", kind=kind, text=words), words) for kind in FleetEventKind for ref in (None, view.ref)]  # fmt: skip
    need = need_of(view)
    if need is not None:
        waiting = PendingNeed(view, need, AT, 0)
        found += [reminder(waiting, NOW), reminders([waiting] * 10, NOW)]
    for message in messages(NotificationInput(view, before, after, extras, NOW), HERE):
        texts = {HERE.chat_id: message.shown.text}
        over = LiveMessage(key="k", kind="block", at=AT, texts=texts)
        found.append(
            MessageView(closed(NotificationInput(view, before, after, extras, NOW), over, HERE, None))
        )
    for shown in found:
        accepted(shown, store)


def test_an_option_is_written_in_one_way_wherever_its_choice_is_shown() -> None:
    answered = question(answer="B) good day, with the name argument shown in **bold**")
    view = asking(answered, question(1, answer="B is my own word"))
    option = "B  good day, with the name argument shown in bold"
    assert option in to_plain(open_question(view, answered, HERE, NOW).text)
    assert f"→ {option}" in to_plain(answered_question(view, answered, HERE, AT, changeable=False).text)
    receipt = to_plain(answers_receipt(view, view.questions, None, over=False).text)
    assert receipt.split("\n")[1:3] == [f"Q1  {option}", "Q2  B is my own word"]


def test_a_message_stays_within_twelve_lines_where_the_agent_is_brief() -> None:
    for view in (session(), asking(question()), planned(plan()), blocked(), at_rest(SessionState.DONE)):
        for message in told(view, NotifiedState(phase=Phase.REQUIREMENTS)):
            assert to_plain(message.shown.text).count("\n") < 12


def test_a_time_of_another_day_comes_with_its_date() -> None:
    answered = question(
        answer="A) hello", by="Ann", via="telegram", at=datetime(2026, 1, 18, 9, 5, tzinfo=UTC)
    )
    shown = answered_question(asking(answered, question(1)), answered, HERE, AT, changeable=False)
    assert shown.text.endswith("you, Sun 09:05")


def test_what_was_landed_from_a_terminal_is_reported_once_and_silently() -> None:
    view = at_rest(SessionState.DONE, phase=Phase.DONE)
    before = NotifiedState(phase=Phase.DONE, done="x", remarks_at=NOW)
    remark = RemarkView(
        at=NOW + timedelta(seconds=1), kind="landing", text="greet is pushed (ann, from the terminal)"
    )
    landed = view.model_copy(update={"remarks": (remark,)})
    (message,) = [each for each in told(landed, before, ExtraContent()) if each.kind == "landing"]
    assert "greet is pushed (ann, from the terminal)" in to_plain(message.shown.text)
    assert not [each for each in told(view, before, ExtraContent()) if each.kind == "landing"]
