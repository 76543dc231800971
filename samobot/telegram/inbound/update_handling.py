"""Handling journaled updates: each once, and what fails is set aside and reported."""

from __future__ import annotations

import asyncio
import enum
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

from telegram import Bot, Update

from samobot.errors import StorageError
from samobot.frozen import frozen
from samobot.telegram.store.update_journal import JournaledUpdate, UpdateJournal

log = logging.getLogger(__name__)

HANDLING_SECONDS = 30.0
"""A handler returns at once; one that takes longer is cancelled."""

STALE_AFTER = timedelta(minutes=10)
MAX_TRIES = 2
"""An update during whose handling the process died so many times is set aside."""


class ProblemKind(enum.StrEnum):
    """What the user has to be notified of."""

    UNREADABLE = "unreadable"
    FAILED = "failed"
    TOO_SLOW = "too_slow"
    CRASHED = "crashed"
    CONFLICT = "conflict"


@frozen
class Problem:
    """An error with an update or the polling; the bot continues.

    Attributes:
        kind: What.
        text: The message.
        update: The update as Telegram sent it, if it is about one; it may be a stranger's.
    """

    kind: ProblemKind
    text: str
    update: dict[str, Any] | None = None


def is_outdated(update: Update, now: datetime) -> bool:
    """Whether a message is so old that a command in it has to be confirmed.

    Args:
        update: The update.
        now: The time, aware.
    """
    message = update.message
    return message is not None and now - message.date > STALE_AFTER


class UpdateHandling:
    """Handles updates one by one, and notes in the journal how that ended.

    Args:
        bot: The bot, initialised.
        journal: Where updates are kept.
        process: Handles one update; an exception is logged and reported, and stops nothing.
        on_problem: Called with what the user has to be notified of.
        seconds: Seconds after which the handling of one update is cancelled.
    """

    def __init__(
        self,
        bot: Bot,
        journal: UpdateJournal,
        process: Callable[[Update], Awaitable[None]],
        on_problem: Callable[[Problem], None],
        seconds: float = HANDLING_SECONDS,
    ) -> None:
        self._bot = bot
        self._journal = journal
        self._process = process
        self._on_problem = on_problem
        self._seconds = seconds
        self._unwritten: dict[int, Callable[[int], int | None]] = {}

    async def handle(self, journaled: JournaledUpdate) -> None:
        """Handle an update, note how that ended, and report what went wrong."""
        self.write_late_notes()
        number = journaled.update_id
        tries = journaled.tries if journaled.begun else self.note(self._journal.begin, number) or 1
        if tries > MAX_TRIES:
            self._set_aside(
                journaled,
                ProblemKind.CRASHED,
                f"The bot died {tries - 1} times while it handled update {number}; it is left alone now.",
            )
            return
        try:
            update = Update.de_json(journaled.raw, self._bot)
        except Exception as error:
            log.debug("update %d", number, exc_info=True)
            self._set_aside(
                journaled,
                ProblemKind.UNREADABLE,
                f"Update {number} from Telegram cannot be read ({type(error).__name__}).",
            )
            return
        limit = asyncio.timeout(self._seconds)
        try:
            async with limit:
                await self._process(update)
        except asyncio.CancelledError:
            self.note(self._journal.revert, number)
            raise
        except Exception as error:
            if limit.expired():
                text = f"Update {number} was cancelled after {self._seconds:.0f} s of handling."
                self._set_aside(journaled, ProblemKind.TOO_SLOW, text)
                return
            log.exception("handling of update %d", number)
            self._set_aside(
                journaled, ProblemKind.FAILED, f"Handling of update {number} failed ({type(error).__name__})."
            )
        else:
            self.note(self._journal.done, number)

    def give_back(self, journaled: JournaledUpdate) -> None:
        """Note that an update is not handled now, as the bot ends in an orderly way."""
        if journaled.begun:
            self.note(self._journal.revert, journaled.update_id)

    def _set_aside(self, journaled: JournaledUpdate, kind: ProblemKind, text: str) -> None:
        self.note(lambda number: self._journal.quarantine(number, text), journaled.update_id)
        log.error("%s", text)
        self.report(Problem(kind, text, journaled.raw))

    def report(self, problem: Problem) -> None:
        """Report to the user; polling outlives it if that fails."""
        try:
            self._on_problem(problem)
        except Exception:
            log.exception("a problem could not be reported: %s", problem.text)

    def note(self, write: Callable[[int], int | None], number: int) -> int | None:
        """Write to the journal; a full disk must not keep a `/stop` from being handled.

        How an update ended is written later instead: the user was answered, and repeats what was refused.
        """
        try:
            result = write(number)
        except StorageError as error:
            log.error("update %d: %s", number, error)
            self._unwritten[number] = write
            return None
        self._unwritten.pop(number, None)
        return result

    def write_late_notes(self) -> None:
        """Write what the disk has refused, as soon as it accepts it again."""
        for number, write in tuple(self._unwritten.items()):
            self.note(write, number)
            if number in self._unwritten:
                return
