"""What a wanted run needs: to be started, started again, given up, or nothing. Pure."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from samobot.fleet.desired_runs import DesiredRun
from samobot.fleet.models import SessionView
from samobot.session.status import SessionState

MAX_RESTARTS = 3
"""How often in ten minutes a worker that died is started again before a person is asked."""

FIRST_RESTART_DELAY = 2.0
"""Seconds before a worker that died is started again for the second time; each further time four times that."""


class RunAction(StrEnum):
    """What is to be done about a wanted run."""

    NOTHING = "nothing"
    START = "start"
    RESTART = "restart"
    REST = "rest"
    GIVE_UP = "give_up"
    DROP = "drop"


def next_action(view: SessionView, run: DesiredRun, now: datetime, *, idle: bool = False) -> RunAction:
    """Say what a wanted run needs, by where its session stands.

    Args:
        view: The session, as its files say: not as the queue shows it.
        run: The run.
        now: The present.
        idle: Whether the last start led to nothing: no iteration, and no word of a person since.
    """
    if view.has_worker or view.state is SessionState.RUNNING:
        return RunAction.NOTHING
    match view.state:
        case SessionState.STOPPED if view.end is not None and not view.end.by_person:
            # The service or the machine went down: nobody wanted this run to end.
            return _again(run, now) if idle else RunAction.START
        case SessionState.DONE | SessionState.STOPPED | SessionState.BLOCKED:
            # Also where the worker died before it could say so: a person is asked, and nothing is left to do.
            return RunAction.DROP
        case SessionState.WAITING if not view.lost:
            return RunAction.NOTHING
        case SessionState.PARKED if view.parked_until is not None and now < view.parked_until:
            return RunAction.NOTHING
        case _:
            # A dead worker's agent may still be at work: only another worker cleans up, also before a gate.
            return _again(run, now) if view.lost or idle else RunAction.START


def _again(run: DesiredRun, now: datetime) -> RunAction:
    if not run.restarts:
        return RunAction.RESTART
    if len(run.restarts) >= MAX_RESTARTS:
        return RunAction.GIVE_UP
    wait = FIRST_RESTART_DELAY * 4.0 ** (len(run.restarts) - 1)
    since = now.timestamp() - run.restarts[-1]
    # A clock that was set back must not make it wait for ever.
    return RunAction.RESTART if since >= wait or since < 0 else RunAction.REST
