"""Requests to a living worker: pause after this iteration, go on, another budget.

They wait in `_logs/control.json`, oldest first, until the worker takes them; a missing file costs it one
`stat`. Stopping is no request: it is a signal to the process, and cannot be left lying about.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from math import isfinite
from typing import Any

from samobot.session.files import edit_lock, read_text, write_atomic
from samobot.session.folder import SessionFolder


class RequestKind(StrEnum):
    """What a person can ask of a running worker."""

    PAUSE = "pause"
    RESUME = "resume"
    BUDGET = "budget"


@dataclass(frozen=True, slots=True)
class Request:
    """One request.

    Attributes:
        kind: What is asked.
        who: Who asks, as a person would be named.
        usd: The session's new budget in US dollars, for `BUDGET`.
    """

    kind: RequestKind
    who: str
    usd: float | None = None


def request(folder: SessionFolder, wanted: Request) -> None:
    """Leave a request for the worker; it is on disk when this returns.

    Raises:
        StorageError: The disk refused.
    """
    folder.prepare()
    with edit_lock(folder.path):
        waiting = _read(folder)
        entry: dict[str, Any] = {"kind": wanted.kind.value, "who": wanted.who}
        if wanted.usd is not None:
            entry["usd"] = wanted.usd
        _write(folder, [*waiting, entry])


def take(folder: SessionFolder) -> Request | None:
    """Take the oldest request, or None. What is not a request is dropped.

    Raises:
        StorageError: The disk refused.
    """
    if not folder.control.exists():
        return None
    with edit_lock(folder.path):
        waiting = _read(folder)
        found: Request | None = None
        while waiting and found is None:
            found = _parse(waiting.pop(0))
        _write(folder, waiting)
        return found


def clear(folder: SessionFolder) -> None:
    """Forget all requests: a worker that starts has nothing to do with those to its predecessor."""
    folder.control.unlink(missing_ok=True)


def _read(folder: SessionFolder) -> list[object]:
    try:
        found = json.loads(read_text(folder.control) or "[]")
    except (ValueError, RecursionError):
        return []
    return found if isinstance(found, list) else []


def _write(folder: SessionFolder, waiting: list[object] | list[dict[str, Any]]) -> None:
    if waiting:
        write_atomic(folder.control, json.dumps(waiting) + "\n")
    else:
        clear(folder)


def _parse(entry: object) -> Request | None:
    if not isinstance(entry, dict):
        return None
    try:
        kind = RequestKind(str(entry.get("kind")))
    except ValueError:
        return None
    usd = entry.get("usd")
    good = isinstance(usd, int | float) and not isinstance(usd, bool) and isfinite(usd) and usd > 0
    if kind is RequestKind.BUDGET and not good:
        return None
    return Request(kind, str(entry.get("who", "")), float(usd) if good else None)
