"""Guidance for the iteration that runs: from the vault to the CLI's next request."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import Iterable

from samobot.claude.evidence import Evidence
from samobot.claude.records import Assistant, Record, TakenUp
from samobot.claude.stream import Tail
from samobot.claude.turn_input import TurnInput
from samobot.errors import StorageError
from samobot.session.baseline import counting_guidance, load
from samobot.session.file_marks import stat_keys
from samobot.session.files import is_regular
from samobot.session.folder import SessionFolder
from samobot.session.guidance import GuidanceItem, parse_guidance
from samobot.session.requests import RequestKind, take_kind
from samobot.session.signal import Signal
from samobot.session.turn import Turn, load_turn, save_turn
from samobot.worker.session_files import SessionFiles

POLL_SECONDS = 0.1
"""Between two looks at the guidance, each one `stat`."""

_LEAD = "Guidance from the user:\n"
_LEAD_AFTER_INTERRUPTION = (
    "The user interrupted your last step with this guidance. Act on it, then carry on with the iteration:\n"
)


class Steering:
    """Delivers what the user sends while an iteration runs, and follows what becomes of it.

    Args:
        folder: The session.
        session_id: The CLI's session.
        prompt: The guidance that the iteration's prompt holds; on record before the CLI starts.
        number: The iteration's number in the session.
        log: The name of its log.

    Raises:
        StorageError: The vault cannot be written.
    """

    def __init__(
        self,
        folder: SessionFolder,
        session_id: str,
        prompt: Iterable[GuidanceItem],
        *,
        number: int,
        log: str,
    ) -> None:
        self._folder = folder
        self._turn = Turn(session_id, tuple(prompt), number=number, log=log)
        self._has_answered = False
        save_turn(folder, self._turn)
        take_kind(folder, RequestKind.INTERRUPT)  # one that came too late for the last iteration

    @property
    def received(self) -> tuple[GuidanceItem, ...]:
        """The guidance that the iteration has worked with."""
        return self._turn.received

    async def follow(self, turn_input: TurnInput) -> None:
        """Deliver new guidance until the input is closed."""
        path = str(self._folder.vault.guidance)
        seen: object = None
        while turn_input.is_open:
            found = stat_keys((path,))
            if found != seen:
                # What cannot be read or recorded now is tried again, and else in the next iteration's prompt.
                with contextlib.suppress(StorageError):
                    self.deliver(turn_input)
                    seen = found
            await asyncio.sleep(POLL_SECONDS)

    def deliver(self, turn_input: TurnInput) -> None:
        """Send the guidance that the iteration has not been sent.

        Raises:
            StorageError: It cannot be read, or its delivery not be recorded: nothing was sent then.
        """
        folder = self._folder
        new = self._turn.undelivered(parse_guidance(counting_guidance(folder, load(folder)) or ""))
        if not new:
            return
        # Before the first answer nothing could be interrupted, and the prompt itself might be.
        interrupts = take_kind(folder, RequestKind.INTERRUPT) is not None and self._has_answered
        named = [(str(uuid.uuid4()), item) for item in new]
        turn = self._turn
        for key, item in named:
            turn = turn.deliver(item, key)
        save_turn(folder, turn)
        self._turn = turn
        if interrupts:
            turn_input.interrupt()
        for key, item in named:
            turn_input.send((_LEAD_AFTER_INTERRUPTION if interrupts else _LEAD) + item.text, key)

    def record(self, record: Record) -> None:
        """Take a record of the CLI's output into account."""
        if isinstance(record, Assistant) and not record.error:
            self._has_answered = True
        turn = _after(self._turn, record)
        if turn != self._turn:
            self._turn = turn
            if isinstance(record, TakenUp):
                with contextlib.suppress(StorageError):  # for display; what counts is in the log
                    save_turn(self._folder, turn)


def settle_guidance(files: SessionFiles) -> None:
    """Tick the guidance of the last iteration if that ended well and its worker was killed before it could. Repeatable.

    Call it when nothing of that iteration runs, and before its log is tidied up.

    Raises:
        StorageError: The disk refused.
    """
    folder = files.folder
    turn = load_turn(folder)
    if turn is None or not (turn.signaled or isinstance(files.signal(), Signal)):
        return
    evidence = Evidence()
    for log in (folder.vault.streams / turn.log, folder.logs / turn.log):
        if not is_regular(log):
            continue
        # Without a log nothing shows that what was sent later was answered: it is open then, and given again.
        with contextlib.suppress(OSError), Tail(log) as tail:
            for record in tail.finish():
                evidence.add(record)
                turn = _after(turn, record)
        if evidence.records:
            break
    if evidence.result is None or not evidence.result.unreported_agents:
        files.guidance_given(turn.received, turn.number)


def _after(turn: Turn, record: Record) -> Turn:
    match record:
        case TakenUp(uuid=key):
            return turn.take_up(key)
        case Assistant(error="", sub_agent=""):
            return turn.answer()
        case _:
            return turn
