"""How a session's last run ended, and whether that still holds."""

from __future__ import annotations

from datetime import timedelta
from typing import Protocol

from samobot.phases import Phase, SignalStatus, WaitingFor
from samobot.session.decisions import DecisionKind
from samobot.session.folder import SessionFolder
from samobot.session.gate_state import GateState, written_at
from samobot.session.journal import Journal, Release, RunEnd, RunEndReason
from samobot.session.signal import Signal

_CLOCK_GRAIN = timedelta(milliseconds=2)

TASKS_OF_USER = (WaitingFor.HUMAN_ACTION, WaitingFor.FILE_UPDATE)
"""Gates at which the user has something to do outside samobot."""


class EndedRun(Protocol):
    """The end of a run, as the journal has it or as it is shown."""

    @property
    def reason(self) -> RunEndReason:
        """Why."""

    @property
    def by_person(self) -> bool:
        """Whether the user stopped it, if it was stopped."""

    @property
    def paused(self) -> bool:
        """Whether the user had asked for a pause."""


def is_done(standing: GateState, journal: Journal) -> bool:
    """Whether the work is finished: in the last phase, and the signal, the journal or the overview confirms it.

    Meant for a session that no worker holds.
    """
    if standing.overview.phase not in (Phase.DONE, None):
        return False
    if isinstance(standing.signal, Signal):
        return standing.signal.status is SignalStatus.DONE
    run = journal.run
    if run is not None:
        return run.end is not None and run.end.reason is RunEndReason.DONE
    return standing.overview.phase is Phase.DONE and standing.block is None


def is_stopped(end: EndedRun | None) -> bool:
    """Whether the user has stopped it: only an explicit resume lifts that."""
    return end is not None and end.reason is RunEndReason.STOPPED and end.by_person


def holds(end: EndedRun | None) -> bool:
    """Whether the user has stopped or paused it, whatever is decided at its gates meanwhile."""
    return is_stopped(end) or (end is not None and end.paused)


def standing_end(folder: SessionFolder, journal: Journal) -> RunEnd | None:
    """Return how the last run ended, unless something since has lifted that: a decision, or work by hand."""
    end = journal.run.end if journal.run else None
    if end is None or (journal.resolved is not None and journal.resolved > end.at):
        return None
    signalled = written_at(folder.signal)
    return None if signalled is not None and signalled > end.at + _CLOCK_GRAIN else end


def unlifted_end(folder: SessionFolder, journal: Journal, standing: GateState) -> RunEnd | None:
    """Return the end of a run that a recorded decision lifts, while its block is still on disk.

    Between the two, also after a crash or on a full disk, it is the same block and not another one.
    """
    end = journal.run.end if journal.run else None
    if end is None or journal.resolved is None or end.reason is not RunEndReason.BLOCKED:
        return None
    if standing.block is None:
        return None
    signalled, edited = written_at(folder.signal), written_at(folder.overview)
    by_hand = (signalled is not None and signalled > end.at + _CLOCK_GRAIN) or (
        edited is not None and edited > journal.resolved + _CLOCK_GRAIN
    )
    return None if by_hand else end


def unlifted_release(folder: SessionFolder, journal: Journal, standing: GateState) -> Release | None:
    """Return the recorded decision whose effect is still missing, after a crash or on a full disk.

    Only while nothing has run since it was recorded, and what it is about is as it was: what the agent or the user asks
    for afterwards is something else.
    """
    release = journal.released
    if release is None:
        return None
    if release.kind == DecisionKind.RETRY:
        stands = standing.block is not None
    else:
        stands = standing.open_gate in TASKS_OF_USER
    # The overview is written first: with a signal still there, it may be our own half of the effect.
    asked = written_at(folder.signal) or written_at(folder.overview)
    return release if stands and asked is not None and asked <= release.at + _CLOCK_GRAIN else None
