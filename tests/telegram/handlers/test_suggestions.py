"""What can be done now."""

from __future__ import annotations

import pytest

from samobot.fleet.models import SessionRef, SessionView
from samobot.phases import Phase, WaitingFor
from samobot.session.journal import RunEndReason
from samobot.session.status import SessionState
from samobot.telegram.handlers.command_table import COMMANDS
from samobot.telegram.handlers.suggestions import MAX_SUGGESTIONS, Suggestion, suggest
from tests.support.views import asking, at_rest, blocked, ended, plan, planned, question, session

API = SessionRef(project="shop", folder="26-01-15-api", name="api")


def said(*views: SessionView) -> list[str]:
    return [each.command for each in suggest(views, [view.ref.name for view in views])]


@pytest.mark.parametrize(
    ("view", "first"),
    [
        (asking(question()), "answer B"),
        (planned(plan()), "approve"),
        (blocked(), "tell …"),
        (at_rest(SessionState.WAITING, waiting_for=WaitingFor.HUMAN_ACTION, gate="g"), "tell …"),
        (at_rest(SessionState.BLOCKED, end=ended(RunEndReason.BUDGET)), "resume"),
        (session(lost=True, state=SessionState.IDLE), "tell …"),
    ],
)
def test_what_a_session_waits_for_comes_first(view: SessionView, first: str) -> None:
    assert said(view)[0] == first
    assert "status" in said(view)


def test_running_session_can_be_watched_guided_paused_or_stopped() -> None:
    assert said(session())[:5] == ["status", "log", "tell …", "pause", "stop"]


def test_of_a_done_session_its_work_is_looked_at() -> None:
    view = at_rest(SessionState.DONE, phase=Phase.DONE)
    assert said(view)[:3] == ["status", "diff", "archive"]
    assert "diff" not in said(view.model_copy(update={"repository": False}))


def test_missing_value_starts_a_new_one() -> None:
    assert said() == ["run Add a greeting script", "projects"]


def test_several_sessions_are_named_and_the_most_urgent_comes_first() -> None:
    views = (session(), blocked(ref=API), asking(question()))
    assert said(*views)[:2] == ["answer greet B", "tell api …"]


def test_the_advice_is_short_and_made_of_commands_that_there_are() -> None:
    views = (session(), blocked(ref=API), asking(question()), planned(plan()), at_rest(SessionState.DONE))
    found: list[Suggestion] = suggest(views, ["a", "b", "c", "d", "e"])
    names = [each.command.split()[0] for each in found]
    assert len(found) == MAX_SUGGESTIONS
    assert len(set(names)) == len(names)
    assert set(names) <= {command.name for command in COMMANDS}
