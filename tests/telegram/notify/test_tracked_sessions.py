from __future__ import annotations

from datetime import timedelta

from samobot.phases import Phase
from samobot.session.status import SessionState
from samobot.telegram.notify.state import NotifiedState
from samobot.telegram.notify.tracked_sessions import CARD_EVERY, PAST_AFTER, TrackedSessions
from tests.support.views import AT, REF, at_rest, session

SECOND = timedelta(seconds=1)


def tracked(view_state: SessionState = SessionState.RUNNING, *, card_shown: bool = True) -> TrackedSessions:
    sessions = TrackedSessions()
    view = session() if view_state is SessionState.RUNNING else at_rest(view_state)
    sessions.note(view, NotifiedState(), AT, card_shown=card_shown)
    return sessions


def test_unknown_session_is_due() -> None:
    assert TrackedSessions().is_due(session(), AT)


def test_running_session_is_due_again_as_its_card_shows_the_elapsed_time() -> None:
    sessions = tracked()
    assert not sessions.due_keys(AT + CARD_EVERY - SECOND)
    assert sessions.due_keys(AT + CARD_EVERY) == {REF.key}


def test_session_at_rest_is_due_only_when_it_changes() -> None:
    sessions = tracked(SessionState.STOPPED)
    assert not sessions.due_keys(AT + timedelta(days=1))
    assert not sessions.is_due(at_rest(SessionState.STOPPED), AT + timedelta(days=1))
    assert sessions.is_due(at_rest(SessionState.STOPPED, iteration=7), AT)


def test_card_follows_a_phase_at_once_and_activity_at_the_pace_of_the_chat() -> None:
    sessions = tracked()
    active = session(activity="Reading main.py")
    assert not sessions.card_is_due(active, AT)
    assert sessions.card_is_due(active, AT + SECOND)
    assert sessions.card_is_due(session(phase=Phase.TESTING), AT)


def test_failed_session_is_due_at_once_and_a_forgotten_one_is_not() -> None:
    sessions = tracked(SessionState.STOPPED)
    sessions.mark_failed(REF.key, AT)
    sessions.mark_failed("demo:unknown", AT)
    assert sessions.due_keys(AT) == {REF.key}
    sessions.forget(REF.key)
    assert not sessions.due_keys(AT)


def test_session_is_past_once_nothing_has_happened_for_long() -> None:
    sessions = tracked(SessionState.STOPPED)
    quiet = at_rest(SessionState.STOPPED)
    assert quiet.updated is not None
    assert not sessions.is_past(quiet, quiet.updated + PAST_AFTER)
    assert sessions.is_past(quiet, quiet.updated + PAST_AFTER + SECOND)
