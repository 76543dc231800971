"""The hub's decisions as they arrive on their host, and the receipts that it sends."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any

from nats.aio.msg import Msg
from pydantic import ValidationError

from samobot.errors import HostAwayError, SamobotError
from samobot.fleet.models import SessionRef
from samobot.hosts import nats_streams, subjects
from samobot.hosts.applier import Applier
from samobot.hosts.connection import Connection, NotStoredError
from samobot.hosts.fleet_calls import named_call
from samobot.hosts.hub_messages import (
    CallOutcome,
    DecisionReceipt,
    Fetch,
    HostDecision,
    SessionSnapshot,
    join,
)

log = logging.getLogger(__name__)


_WORKING_SHARE = 1 / 3
"""Of `ACK_SECONDS`: how often the server is informed that a decision is being worked on."""
_RETRY_NS = 2_000_000_000
_FETCH_SECONDS = 30.0


class DecisionReceiver:
    """Has decisions carried out, and sends their receipts.

    Args:
        host: The host's name.
        connection: The connection to the server.
        applier: Carries them out.
        obey: Reads the emergency stop of all hosts, and carries that out first.
        snapshots: Returns sessions as they are now.
        spawn: Begins a task that may outlive the connection.
    """

    def __init__(
        self,
        host: str,
        connection: Connection,
        applier: Applier,
        obey: Callable[[], Awaitable[None]],
        snapshots: Callable[[Iterable[SessionRef]], Awaitable[tuple[SessionSnapshot, ...]]],
        spawn: Callable[[Coroutine[Any, Any, Any]], asyncio.Task[Any]],
    ) -> None:
        self._name = host
        self._connection = connection
        self._applier = applier
        self._obey = obey
        self._snapshots = snapshots
        self._spawn = spawn
        self._work: dict[str, asyncio.Task[DecisionReceipt]] = {}

    async def on_decision(self, message: Msg) -> None:
        """Carry out a decision that the server has sent."""
        # Another host could make the server put its answer to some request here; that has no such reply subject.
        if not message.reply.startswith(subjects.decision_acks(self._name).removesuffix(">")):
            log.error("a message that is no decision of the hub was ignored")
            return
        try:
            decision = HostDecision.model_validate_json(message.data)
        except ValidationError as error:
            log.error("a decision cannot be read and waits for a newer samobot here: %s", error)
            return
        self._spawn(self._carry_out(decision, message))

    async def _carry_out(self, decision: HostDecision, message: Msg) -> None:
        """Carry out a decision, store its receipt, and only then let the server forget the decision.

        After any failure on the way the decision comes again, and the ledger knows how far it got.
        """
        working = asyncio.create_task(self._keep_working(message))
        try:
            task = self._work.get(decision.id)
            if task is None:
                task = self._work[decision.id] = self._spawn(self._apply(decision))
                task.add_done_callback(lambda _: self._work.pop(decision.id, None))
            receipt = await asyncio.shield(task)  # it ends also when the connection does not last
            await self._connection.store(subjects.receipt(self._name), receipt.encode())
            await self._connection.publish(message.reply, b"+ACK")
        except (NotStoredError, SamobotError) as error:
            log.warning("decision %s (%s) comes again: %s", decision.id, decision.call, error)
            with contextlib.suppress(HostAwayError):
                nak = b"-NAK " + json.dumps({"delay": _RETRY_NS}).encode()
                await self._connection.publish(message.reply, nak)
        finally:
            working.cancel()

    async def _keep_working(self, message: Msg) -> None:
        while True:
            await asyncio.sleep(nats_streams.ACK_SECONDS * _WORKING_SHARE)
            with contextlib.suppress(HostAwayError):
                await self._connection.publish(message.reply, b"+WPI")

    async def _apply(self, decision: HostDecision) -> DecisionReceipt:
        await self._obey()
        arguments = decision.arguments or await self._fetch(decision)
        receipt = await self._applier.apply(decision, arguments)
        snapshots = await self._snapshots(_refs_of(decision.call, arguments, receipt.outcome))
        return receipt.model_copy(
            update={"outcome": receipt.outcome.model_copy(update={"snapshots": snapshots})}
        )

    async def _fetch(self, decision: HostDecision) -> str:
        parts = []
        for part in range(decision.parts):
            fetch = Fetch(id=decision.id, part=part)
            answer = await self._connection.request(
                subjects.fetch(self._name), fetch.encode(), _FETCH_SECONDS
            )
            parts.append(CallOutcome.model_validate_json(answer.data).result)
        return join(parts)


def _refs_of(name: str, arguments: str, outcome: CallOutcome) -> list[SessionRef]:
    """The sessions that a decision was about, which it may have begun."""
    try:
        ref = named_call(name).decode(arguments).get("ref")
    except SamobotError:  # a call of a newer version, which was refused
        return []
    if isinstance(ref, SessionRef):
        return [ref]
    if outcome.result and not outcome.error:
        found = json.loads(outcome.result)
        if isinstance(found, dict) and found.get("ref"):
            return [SessionRef.model_validate(found["ref"])]
    return []
