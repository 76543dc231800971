"""A card says where a session is, in few lines, and never more than was seen."""

from __future__ import annotations

from datetime import UTC, timedelta

import pytest

from samobot.fleet.models import GuidanceView, SessionView
from samobot.phases import Phase
from samobot.session.journal import RunEndReason
from samobot.session.status import SessionState
from samobot.telegram.markup.html import to_plain
from samobot.telegram.views.buttons import MessageView
from samobot.telegram.views.card import card, farewell
from samobot.telegram.views.wording import Recipient
from tests.support.views import AT, asking, at_rest, blocked, ended, plan, planned, question, session

HERE = Recipient(1, zone=UTC)
NOW = AT + timedelta(minutes=14)


def labels(shown: MessageView) -> list[str]:
    return [button.label for row in shown.buttons for button in row]


def shown_lines(view: SessionView) -> list[str]:
    return to_plain(card(view, HERE, NOW).text).split("\n")


def test_a_running_session_shows_where_it_is_and_what_it_does() -> None:
    shown = card(session(), HERE, NOW)
    assert to_plain(shown.text).split("\n") == [
        "▶️ greet · demo",
        "●●●◉○○○ implementation",
        "Iteration 6 · 14 min · $1.84",
        "Editing src/greet.py",
        "Last: wrote the parser",
        "Next: phase 2 of 3, tests",
    ]
    assert labels(shown)[:3] == ["⏸ Pause", "⏹ Stop", "📄 Log"]


def test_card_of_a_fenced_agent_says_so() -> None:
    assert shown_lines(session(fenced=True))[2] == "Iteration 6 · 14 min · $1.84 · fenced"
    limited = shown_lines(session(fenced=True, network="allowlist"))[2]
    assert limited == "Iteration 6 · 14 min · $1.84 · fenced, network: allowlist"
    assert "fenced" not in "\n".join(shown_lines(session(fenced=False)))


OUTSIDE = ended(RunEndReason.STOPPED).model_copy(update={"by_person": False})


@pytest.mark.parametrize(
    ("view", "sign", "words"),
    [
        (asking(question(), question(1)), "❓", "Waits for you: 2 questions, since 14:00"),
        (planned(plan()), "📋", "Waiting for plan approval since 14:00"),
        (blocked(), "⛔", "Blocked since 14:00"),
        (at_rest(SessionState.STOPPED, end=ended(RunEndReason.STOPPED)), "⏹", "Stopped since 14:00"),
        (at_rest(SessionState.STOPPED, end=ended(RunEndReason.PAUSED)), "⏸", "Paused since 14:00"),
        (
            at_rest(SessionState.STOPPED, end=OUTSIDE, wanted=True),
            "⏳",
            "Interrupted from outside since 14:00; it continues automatically",
        ),
        (
            at_rest(SessionState.STOPPED, end=OUTSIDE),
            "⏹",
            "Interrupted from outside since 14:00; Resume continues it",
        ),
        (
            at_rest(SessionState.DONE, phase=Phase.DONE, end=ended(RunEndReason.DONE)),
            "🏁",
            "Done since 14:00",
        ),
        (
            at_rest(SessionState.BLOCKED, end=ended(RunEndReason.BUDGET)),
            "💰",
            "Its budget is used up since 14:00",
        ),
        (at_rest(SessionState.BLOCKED, end=ended(RunEndReason.FAILED)), "⚠️", "Failed since 14:00"),
        (at_rest(SessionState.IDLE, lost=True), "⚠️", "Its worker died since 14:00"),
        (at_rest(SessionState.IDLE, wanted=True), "⏳", "Starts in a moment"),
        (at_rest(SessionState.QUEUED, place=2), "⏳", "Number 2 in line"),
        (at_rest(SessionState.QUEUED, place=1), "⏳", "Next in line"),
        (
            session(state=SessionState.PARKED, parked_until=AT + timedelta(minutes=107)),
            "🌙",
            "Waiting for a usage limit, resumes at 15:47",
        ),
    ],
)
def test_each_state_has_its_sign_and_its_text(view: SessionView, sign: str, words: str) -> None:
    lines = shown_lines(view)
    assert lines[0].startswith(sign)
    assert words in lines
    assert len(lines) <= 12


@pytest.mark.parametrize("state", [state for state in SessionState if state is not SessionState.RUNNING])
def test_card_without_a_worker_never_shows_work(state: SessionState) -> None:
    lines = shown_lines(
        at_rest(state, activity="Editing src/greet.py", lost=True, wanted=state is SessionState.IDLE)
    )
    assert not any("Editing" in line or "Working" in line or line.startswith("▶️") for line in lines)


def test_minutes_of_an_idle_card_stand_still() -> None:
    view = at_rest(SessionState.STOPPED, duration_s=840.0, end=ended(RunEndReason.STOPPED))
    assert card(view, HERE, NOW) == card(view, HERE, NOW + timedelta(hours=3))


def test_card_reports_that_its_session_will_pause_and_offers_to_continue() -> None:
    view = session(pausing=True)
    assert "⏸ Pauses after this iteration" in shown_lines(view)
    assert labels(card(view, HERE, NOW)) == ["▶️ Resume", "⏹ Stop", "📄 Log", "💬 Guidance"]
    assert "⏸ Pause" in labels(card(session(), HERE, NOW))


def test_guidance_that_waits_is_shown_as_the_user_wrote_it() -> None:
    view = session(
        guidance=(
            GuidanceView(who="Ann", text="done already", given=True),
            GuidanceView(who="Ann", text="mind the docs", given=False, at_work=True),
            GuidanceView(who="Ann", text="use `argparse`,\nnot click", given=False),
        )
    )
    lines = shown_lines(view)
    assert "💬 The agent has: “mind the docs”" in lines
    assert "💬 For the next iteration: “use `argparse`, not click”" in lines
    assert not any("done already" in line for line in lines)


@pytest.mark.parametrize(
    ("values", "where"),
    [
        ({}, "For the next iteration"),
        ({"delivered": True}, "Sent to the agent"),
        ({"steered": True}, "The agent has"),
        ({"at_work": True}, "The agent has"),
    ],
)
def test_card_shows_how_far_guidance_has_come(values: dict[str, bool], where: str) -> None:
    item = GuidanceView(who="Ann", text="one", given=False, **values)
    assert f"💬 {where}: “one”" in shown_lines(session(steerable=True, guidance=(item,)))


def test_card_offers_to_interrupt_an_agent_that_can_be() -> None:
    buttons = ["⏸ Pause", "⏹ Stop", "📄 Log", "💬 Guidance"]
    assert labels(card(session(steerable=True), HERE, NOW)) == [*buttons, "⚡ Interrupt"]
    assert labels(card(session(), HERE, NOW)) == buttons


def test_card_shows_its_time_when_the_bot_goes_offline() -> None:
    assert "offline since 14:14" in farewell(session(), HERE, NOW).text


def test_a_done_session_offers_a_diff_only_where_it_worked_in_a_repository() -> None:
    done = at_rest(SessionState.DONE, phase=Phase.DONE, end=ended(RunEndReason.DONE))
    assert labels(card(done, HERE, NOW)) == ["± Diff", "📁 Files", "📦 Archive"]
    elsewhere = done.model_copy(update={"repository": False})
    assert labels(card(elsewhere, HERE, NOW)) == ["📁 Files", "📦 Archive"]
