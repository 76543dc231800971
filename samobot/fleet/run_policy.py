"""The restart policy of desired runs: start, restart, give up, or wait. Pure."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from samobot.fleet.desired_runs import DesiredRun
from samobot.fleet.models import SessionView
from samobot.session.status import SessionState

MAX_RESTARTS = 3
"""How often in ten minutes a crashed worker is restarted before the user is asked."""

FIRST_RESTART_DELAY = 2.0
"""Seconds before a crashed worker is restarted for the second time; each further time four times that."""


class RunAction(StrEnum):
    """The next action for a desired run."""

    NOTHING = "nothing"
    START = "start"
    RESTART = "restart"
    REST = "rest"
    GIVE_UP = "give_up"
    DROP = "drop"


def next_action(view: SessionView, run: DesiredRun, now: datetime, *, idle: bool = False) -> RunAction:
    """Return the next action for a desired run, from its session's state.

    Args:
        view: The session as read from its files, without the queue's additions.
        run: The run.
        now: The present.
        idle: Whether the last start led to nothing: no iteration, and no decision since.
    """
    if view.has_worker or view.state is SessionState.RUNNING:
        return RunAction.NOTHING
    match view.state:
        case SessionState.STOPPED if view.end is not None and not view.end.by_person:
            # The service or the machine went down: the user did not end this run.
            return _again(run, now) if idle else RunAction.START
        case SessionState.DONE | SessionState.STOPPED | SessionState.BLOCKED:
            # Also if the worker died before it could record the gate: the user is asked, and nothing is left to do.
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
    # A clock that was set back must not make it wait forever.
    return RunAction.RESTART if since >= wait or since < 0 else RunAction.REST
