"""The way in: updates are journaled, then acknowledged, then handled, one by one.

The next getUpdates acknowledges what the previous one returned, so an update is on disk before Telegram may
forget it. Receiving and handling are two tasks: a slow handler does not keep updates from being safe.

No offset is kept across restarts: Telegram knows what was acknowledged, sends the rest again, and
the journal recognises what it has. (It may also start its numbers over after a week without updates.)
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

from telegram import Bot, Update
from telegram.error import Conflict, EndPointNotFound, InvalidToken, RetryAfter, TelegramError

from samobot.backoff import backoff
from samobot.errors import StorageError
from samobot.telegram.inbound.update_handling import (
    HANDLING_SECONDS,
    Problem,
    ProblemKind,
    UpdateHandling,
)
from samobot.telegram.outbound.bot_client import TokenRejectedError, error_text, retry_seconds
from samobot.telegram.store.update_journal import JournaledUpdate, UpdateJournal

log = logging.getLogger(__name__)

ALLOWED_UPDATES = ("message", "edited_message", "callback_query", "my_chat_member")
"""The kinds of update asked for; what is not asked for cannot do anything."""

LONG_POLL_SECONDS = 25
HANDLED_FIRST_SECONDS = 0.05
"""For how long an acknowledgement waits for handling, which the user waits for."""

_READ_MARGIN_SECONDS = 10.0
_REPLY_FIRST_SECONDS = 0.005
"""For how long it lets what was answered go out after that."""

_FIRST_BACKOFF = 1.0
_LONGEST_BACKOFF = 30.0
_CONFLICT_SECONDS = 15.0
_CONFLICTS_TO_SAY = 3
_DISK_SECONDS = 5.0


class Poller:
    """Takes updates from Telegram and hands each to `process`, exactly once unless something crashes.

    Args:
        bot: The bot, initialised.
        journal: Where updates are kept.
        process: Handles one update; an exception is logged and reported, and stops nothing.
        on_problem: Called with what the user has to be notified of.
        monotonic: A monotonic clock in seconds.
        backoff: Seconds after the first failed getUpdates; each further one waits twice as long, up to 30.
        long_poll: Seconds for which Telegram keeps a getUpdates open.
        handling: Seconds after which the handling of one update is cancelled.
        handled_first: Seconds for which an acknowledgement waits for the handling at most.
    """

    def __init__(
        self,
        bot: Bot,
        journal: UpdateJournal,
        process: Callable[[Update], Awaitable[None]],
        *,
        on_problem: Callable[[Problem], None],
        monotonic: Callable[[], float] = time.monotonic,
        backoff: float = _FIRST_BACKOFF,
        long_poll: int = LONG_POLL_SECONDS,
        handling: float = HANDLING_SECONDS,
        handled_first: float = HANDLED_FIRST_SECONDS,
    ) -> None:
        self._bot = bot
        self._journal = journal
        self._now = monotonic
        self._backoff = backoff
        self._long_poll = long_poll
        self._handling = UpdateHandling(bot, journal, process, on_problem, handling)
        self._handled_first = handled_first
        self._last_good = monotonic()
        self._queue: asyncio.Queue[JournaledUpdate] = asyncio.Queue()
        self._idle = False
        self._loose: set[int] = set()
        """Ids of updates that were handled although the disk did not take them."""

    @property
    def age(self) -> float:
        """Seconds since Telegram last answered getUpdates (or since the start); above 60 the bot is deaf."""
        return self._now() - self._last_good

    @property
    def backlog(self) -> int:
        """How many updates are safe but not handled yet."""
        return self._queue.qsize()

    async def catch_up(self) -> None:
        """Handle again what was being handled when the process died; for before `run`, and before anybody looks.

        It may stand half done in a session's files, where a look would take it for something of long ago.
        """
        for update in self._journal.unfinished():
            if update.tries:
                await self._handling.handle(update)

    async def run(self) -> None:
        """Poll until cancelled; the update being handled then is handled again at the next start.

        Raises:
            TokenRejectedError: Telegram does not know the token.
        """
        for update in self._journal.unfinished():
            self._queue.put_nowait(update)
        if self.backlog:
            log.info("%d updates are left from last time", self.backlog)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._receive(), name="polling: receive")
                group.create_task(self._handle_all(), name="polling: handle")
        except BaseExceptionGroup as errors:
            # The caller expects the error itself, not a group.
            raise errors.exceptions[0] from None
        finally:
            while not self._queue.empty():
                self._handling.give_back(self._queue.get_nowait())
                self._queue.task_done()

    # Receiving -------------------------------------------------------------------------------------------

    async def _receive(self) -> None:
        offset: int | None = None
        failures = conflicts = 0
        while True:
            try:
                raws = await self._get_updates(offset)
            except (InvalidToken, EndPointNotFound) as error:
                await self._confirm_rejection(error)
                failures += 1
                await asyncio.sleep(self._delay(failures))
            except Conflict as error:
                conflicts += 1
                if conflicts == _CONFLICTS_TO_SAY:
                    self._log_conflict(error)
                await asyncio.sleep(min(_CONFLICT_SECONDS, self._delay(conflicts)))
            except RetryAfter as error:
                seconds = retry_seconds(error)
                log.warning("Telegram wants no getUpdates for %.0f s", seconds)
                await asyncio.sleep(seconds)
            except (TelegramError, TimeoutError) as error:
                failures += 1
                log.log(
                    logging.WARNING if failures in (1, 5) or failures % 20 == 0 else logging.DEBUG,
                    "getUpdates failed %d times in a row: %s",
                    failures,
                    error_text(error),
                )
                await asyncio.sleep(self._delay(failures))
            else:
                if failures or conflicts:
                    log.info("getUpdates works again")
                failures = conflicts = 0
                self._last_good = self._now()
                if self._take_in(raws):
                    # An empty answer means that everything before `offset` is acknowledged: none is needed then.
                    offset = max(raw["update_id"] for raw in raws) + 1 if raws else None
                    await self.wait_until_handled(self._handled_first)
                    await asyncio.sleep(_REPLY_FIRST_SECONDS)
                else:
                    await asyncio.sleep(_DISK_SECONDS)

    def _take_in(self, raws: list[dict[str, Any]]) -> bool:
        """Journal updates and queue the new ones; returns whether they may be acknowledged.

        If the disk refuses, they are handled all the same (one may be `/stop`), but stay with Telegram, which
        hands them over again until they are on disk.
        """
        try:
            new = self._journal.record(raws, begin=self._idle)
        except StorageError as error:
            log.error("updates cannot be kept and stay with Telegram: %s", error)
            new = tuple(JournaledUpdate(raw["update_id"], raw) for raw in raws)
            kept = False
        else:
            kept = True
            self._handling.write_late_notes()
        for update in new:
            if update.update_id not in self._loose:
                self._queue.put_nowait(update)
            elif kept:
                self._handling.note(self._journal.done, update.update_id)
        if kept:
            self._loose.clear()
        else:
            self._loose.update(update.update_id for update in new)
        return kept

    async def wait_until_handled(self, timeout: float) -> bool:
        """Wait until everything that has come is handled, at most so many seconds; whether anything was left to handle."""
        if self._idle and self._queue.empty():
            return False
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._queue.join()
        return True

    async def _get_updates(self, offset: int | None) -> list[dict[str, Any]]:
        arguments: dict[str, Any] = {"timeout": self._long_poll, "allowed_updates": list(ALLOWED_UPDATES)}
        if offset is not None:
            arguments["offset"] = offset
        limit = self._long_poll + _READ_MARGIN_SECONDS
        async with asyncio.timeout(2 * limit):  # in case the library's own timeouts are defeated
            # Spelled like that, or the library warns at each call that it has a method, which parses, for it.
            result = await self._bot.do_api_request("get_Updates", api_kwargs=arguments, read_timeout=limit)
        raws = [raw for raw in result if _is_update(raw)] if isinstance(result, list) else []
        if not isinstance(result, list) or len(raws) != len(result):
            log.error("getUpdates returned something that is no update")
            if not raws:
                raise TelegramError("nothing in the answer is an update")
        return raws

    async def _confirm_rejection(self, error: TelegramError) -> None:
        """Ask a second method before ending: a proxy's 404 must not stop the bot forever."""
        try:
            await self._bot.get_me()
        except InvalidToken:
            raise TokenRejectedError from None
        except (TelegramError, TimeoutError):
            pass
        log.warning("getUpdates was refused, but the token is not: %s", error)

    def _log_conflict(self, error: Conflict) -> None:
        text = (
            "Another program polls with this bot's token (409 Conflict): a second samobot on another machine, "
            "or a webhook. Both lose messages to each other until one is stopped."
        )
        log.error("%s Telegram reports: %s", text, error)
        self._handling.report(Problem(ProblemKind.CONFLICT, text))

    def _delay(self, failures: int) -> float:
        return backoff(failures, self._backoff, _LONGEST_BACKOFF)

    # Handling --------------------------------------------------------------------------------------------

    async def _handle_all(self) -> None:
        while True:
            self._idle = self._queue.empty()
            update = await self._queue.get()
            self._idle = False
            await self._handling.handle(update)
            self._queue.task_done()


def _is_update(raw: object) -> bool:
    if not isinstance(raw, dict):
        return False
    number = raw.get("update_id")
    return isinstance(number, int) and 0 <= number < 2**63
