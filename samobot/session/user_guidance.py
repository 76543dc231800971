"""The user's guidance for the agent. Part of `gate`."""

from __future__ import annotations

from datetime import datetime

from samobot.session.baseline import counting_guidance, edit_guidance, load
from samobot.session.folder import SessionFolder
from samobot.session.gate_effects import refuse_if_done
from samobot.session.guidance import add_guidance, parse_guidance
from samobot.session.lock import holder
from samobot.session.requests import RequestKind, WorkerRequest, request
from samobot.session.tamper import revert_and_log
from samobot.session.vault import edit_lock


def tell(
    folder: SessionFolder,
    words: str,
    who: str,
    now: datetime,
    *,
    once: bool = False,
    interrupt: bool = False,
    repeated: bool = False,
) -> None:
    """Leave guidance for the iteration that runs, if that can take it up, or else for the next one.

    Args:
        folder: The session.
        words: The guidance.
        who: Who gives it.
        now: The time, aware.
        once: Whether the same guidance that waits already is enough.
        interrupt: Whether it interrupts what the agent is doing.
        repeated: Whether an earlier attempt, with the same time, may have left it already.

    Raises:
        SessionDoneError: There is no next iteration.
        UsageError: The text is empty.
        StorageError: The disk refused.
    """
    with edit_lock(folder.path):
        refuse_if_done(folder)
        revert_and_log(folder, now)
        if repeated and _has_guidance(folder, who, words, now):
            return
        if interrupt and holder(folder) is not None:
            _check_guidance(folder, who, words, now)  # what is refused interrupts nothing
            # Before the guidance: that is what the worker looks for.
            request(folder, WorkerRequest(RequestKind.INTERRUPT, who))
        add(folder, who, words, now, once=once)


def add(folder: SessionFolder, who: str, words: str, now: datetime, *, once: bool) -> None:
    """Add guidance. The caller holds the folder's edit lock.

    Args:
        folder: The session.
        who: Who gives it.
        words: The guidance.
        now: The time, aware.
        once: Whether the same guidance that waits already is enough.

    Raises:
        UsageError: The text is empty.
        StorageError: The disk refused.
    """
    known = parse_guidance(counting_guidance(folder, load(folder)) or "")
    if once and any(not item.done and item.text == words for item in known):
        return
    edit_guidance(folder, lambda text: add_guidance(text, who, words, now.astimezone()))


def _check_guidance(folder: SessionFolder, who: str, words: str, now: datetime) -> None:
    add_guidance(counting_guidance(folder, load(folder)) or "", who, words, now.astimezone())


def _has_guidance(folder: SessionFolder, who: str, words: str, now: datetime) -> bool:
    """Whether this item is there, taken up or not."""
    (new,) = parse_guidance(add_guidance("", who, words, now.astimezone()))
    known = parse_guidance(counting_guidance(folder, load(folder)) or "")
    return any((item.when, item.who, item.text) == (new.when, new.who, new.text) for item in known)
