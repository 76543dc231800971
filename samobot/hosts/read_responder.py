"""A host's answers to the hub's reads."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any
from uuid import uuid4

from nats.aio.msg import Msg

from samobot.errors import HostAwayError, SamobotError, StorageError
from samobot.fleet.fleet import Fleet
from samobot.fleet.models import SessionRef
from samobot.hosts.connection import Connection
from samobot.hosts.fleet_calls import CONTROLS, READS, failure, named_call
from samobot.hosts.hub_messages import LARGEST, CallOutcome, Read, SessionSnapshot, split

log = logging.getLogger(__name__)

_TICKETS = 4
"""Large answers that are kept until the hub has fetched their parts."""


class ReadResponder:
    """Makes the calls that change nothing, and sends what they return.

    Args:
        connection: The connection to the server.
        fleet: The sessions of this machine.
        look: Looks at all sessions, after the emergency stop was pulled or lifted.
        snapshots: Returns sessions as they are now.
        spawn: Begins a task that may outlive the connection.
    """

    def __init__(
        self,
        connection: Connection,
        fleet: Fleet,
        look: Callable[[], Awaitable[None]],
        snapshots: Callable[[Iterable[SessionRef]], Awaitable[tuple[SessionSnapshot, ...]]],
        spawn: Callable[[Coroutine[Any, Any, Any]], asyncio.Task[Any]],
    ) -> None:
        self._connection = connection
        self._fleet = fleet
        self._look = look
        self._snapshots = snapshots
        self._spawn = spawn
        self._tickets: OrderedDict[str, list[str]] = OrderedDict()

    async def on_read(self, message: Msg) -> None:
        """Answer a read that the hub has sent."""
        self._spawn(self._answer(message))

    async def _answer(self, message: Msg) -> None:
        try:
            outcome = await self._read(Read.model_validate_json(message.data))
        except SamobotError as error:
            outcome = failure(error)
        except Exception:
            log.exception("a read: %s", message.data[:200])
            outcome = failure(SamobotError("Internal error on the host; details are in its log."))
        with contextlib.suppress(HostAwayError):
            await self._connection.publish(message.reply, outcome.encode())

    async def _read(self, read: Read) -> CallOutcome:
        if not read.call:
            parts = self._tickets.get(read.ticket, [])
            if read.part >= len(parts):
                raise StorageError("The answer is no longer kept on the host; ask again.")
            return CallOutcome(result=parts[read.part])
        if read.call not in READS | CONTROLS:
            raise SamobotError(f"“{read.call}” is unknown on this host; update its samobot.")
        call = named_call(read.call)
        arguments = call.decode(read.arguments)
        result = await call.succeed(self._fleet, arguments)
        if read.call in CONTROLS:
            await self._look()
        refs: list[SessionRef] = []
        if read.call == "mark_past":
            refs = [SessionRef.from_key(key) for key in arguments["keys"]]
        elif read.call == "view":
            refs = [arguments["ref"]]
        return self._bounded(result, await self._snapshots(refs) if refs else ())

    def _bounded(self, result: str, snapshots: tuple[SessionSnapshot, ...]) -> CallOutcome:
        if len(result) + sum(len(each.encode()) for each in snapshots) < LARGEST:
            return CallOutcome(result=result, snapshots=snapshots)
        ticket = uuid4().hex
        self._tickets[ticket] = split(result)
        while len(self._tickets) > _TICKETS:
            self._tickets.popitem(last=False)
        return CallOutcome(result=ticket, parts=len(self._tickets[ticket]))
