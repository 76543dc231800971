"""Requests to a living worker: pause after this iteration, continue, another budget.

They wait in the vault's `control.json`, oldest first, until the worker takes them: an agent asks for nothing in a
person's name. A missing file costs the worker one `stat`. Stopping is no request: it is a signal to the process, and cannot be left lying about.
"""

from __future__ import annotations

import json
from dataclasses import field, replace
from enum import StrEnum
from math import isfinite

from samobot.frozen import frozen
from samobot.session.files import read_text, remove, write_atomic
from samobot.session.folder import SessionFolder
from samobot.session.lock import holder


class RequestKind(StrEnum):
    """What the user can ask of a running worker."""

    PAUSE = "pause"
    RESUME = "resume"
    BUDGET = "budget"
    INTERRUPT = "interrupt"
    """The guidance that follows is for now: it interrupts what the agent is doing."""
    STOP = "stop"
    """Announces that the user sends the signal that follows: a bare SIGTERM is the machine going down."""


@frozen
class WorkerRequest:
    """One request.

    Attributes:
        kind: What is asked.
        who: The user's name, for display.
        usd: The session's new budget in US dollars, for `BUDGET`.
        worker: Process id of the worker that held the session then; None if there was none, or it is unknown.
    """

    kind: RequestKind
    who: str
    usd: float | None = None
    worker: int | None = field(default=None, compare=False)


def request(folder: SessionFolder, wanted: WorkerRequest) -> None:
    """Leave a request for the worker, in place of an earlier one of its kind; it is on disk when this returns.

    A budget replaces none: each is in the journal.

    Raises:
        StorageError: The disk refused.
    """
    held = holder(folder)
    wanted = replace(wanted, worker=held.pid if held is not None else None)
    with folder.vault.locked():
        waiting = [known for known in map(_parse, _read(folder)) if known is not None]
        if wanted.kind is not RequestKind.BUDGET:
            # Asked for twice, by a double tap or a bot that died meanwhile, it is to happen once.
            about = (wanted.kind, wanted.worker)
            waiting = [known for known in waiting if (known.kind, known.worker) != about]
        _write(folder, [*waiting, wanted])


def take_kind(folder: SessionFolder, kind: RequestKind) -> WorkerRequest | None:
    """Take the oldest request of a kind, or None; those of other kinds stay. What is no request is dropped.

    Raises:
        StorageError: The disk refused.
    """
    if not folder.vault.control.exists():
        return None
    with folder.vault.locked():
        entries = _read(folder)
        waiting = [wanted for wanted in map(_parse, entries) if wanted is not None]
        found = next((wanted for wanted in waiting if wanted.kind is kind), None)
        if found is not None:
            waiting.remove(found)
        if found is not None or len(waiting) != len(entries):
            _write(folder, waiting)
        return found


def is_pause_asked(folder: SessionFolder, worker: int | None) -> bool:
    """Whether this worker is to pause after its iteration.

    Raises:
        StorageError: The disk refused.
    """
    if not folder.vault.control.exists():
        return False
    waiting = map(_parse, _read(folder))
    return any(
        each is not None and each.kind is RequestKind.PAUSE and each.worker in (worker, None)
        for each in waiting
    )


class WakeResult(StrEnum):
    """The effect of a resume on a living worker."""

    UNPARKED = "unparked"
    """It rested, and does no longer."""
    PAUSE_LIFTED = "pause_lifted"
    """It was to pause after its iteration, and no longer is."""
    RUNNING = "running"
    """It was at work anyway."""


def wake(folder: SessionFolder, who: str) -> WakeResult:
    """Let a living worker continue: cancel a pause, and end the wait for a limit.

    Args:
        folder: The session.
        who: The user's name, for display.

    Raises:
        StorageError: The disk refused.
    """
    lifted = False
    while take_kind(folder, RequestKind.PAUSE):
        lifted = True
    held = holder(folder)
    # Left for a worker that does not rest, it would end its next rest as soon as that begins.
    if held is not None and (held.parked or held.parked_until is not None):
        request(folder, WorkerRequest(RequestKind.RESUME, who))
        return WakeResult.UNPARKED
    return WakeResult.PAUSE_LIFTED if lifted else WakeResult.RUNNING


def take_up(folder: SessionFolder, worker: int) -> None:
    """Forget what was asked of others: a worker that starts has nothing to do with requests to its predecessor.

    Those to itself stay: it may be asked for something as soon as it holds the session.

    Args:
        folder: The session.
        worker: Process id of the worker that holds it now.

    Raises:
        StorageError: The disk refused.
    """
    if not folder.vault.control.exists():
        return
    with folder.vault.locked():
        found = [wanted for wanted in map(_parse, _read(folder)) if wanted is not None]
        _write(folder, [wanted for wanted in found if wanted.worker == worker])


def clear(folder: SessionFolder) -> None:
    """Forget all requests.

    Raises:
        StorageError: The disk refused.
    """
    remove(folder.vault.control)


def _read(folder: SessionFolder) -> list[object]:
    try:
        found = json.loads(read_text(folder.vault.control) or "[]")
    except (ValueError, RecursionError):
        return []
    return found if isinstance(found, list) else []


def _write(folder: SessionFolder, waiting: list[WorkerRequest]) -> None:
    if waiting:
        entries = [
            {"kind": each.kind.value, "who": each.who, "usd": each.usd, "worker": each.worker}
            for each in waiting
        ]
        write_atomic(folder.vault.control, json.dumps(entries) + "\n", mode=0o600)
    else:
        clear(folder)


def _parse(entry: object) -> WorkerRequest | None:
    if not isinstance(entry, dict):
        return None
    try:
        kind = RequestKind(str(entry.get("kind")))
    except ValueError:
        return None
    usd = _money(entry.get("usd"))
    if kind is RequestKind.BUDGET and usd is None:
        return None
    worker = entry.get("worker")
    known = worker if isinstance(worker, int) and not isinstance(worker, bool) else None
    return WorkerRequest(kind, str(entry.get("who", "")), usd, known)


def _money(value: object) -> float | None:
    if isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value) and value > 0:
        return float(value)
    return None
