"""The hub's decisions on their way to the hosts: each is kept until its receipt."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta

from nats.aio.msg import Msg

from samobot.errors import SavedForHostError
from samobot.fleet.results import FleetEvent, FleetEventKind
from samobot.hosts import nats_streams, subjects
from samobot.hosts.connection import Connection, ThereAlreadyError, cancellable
from samobot.hosts.fleet_calls import text_of
from samobot.hosts.hub_messages import (
    CallOutcome,
    DecisionReceipt,
    Fetch,
    HostDecision,
    decode_receipt,
    split,
)
from samobot.hosts.hub_store import HubStore, StoredDecision
from samobot.hosts.known_hosts import KnownHosts

log = logging.getLogger(__name__)

DECISION_SECONDS = 10.0
"""How long a call waits for its receipt while its host is reachable; then it is kept, as for one that is not."""
SLOW_SECONDS = 120.0
"""The same for calls that prepare a worktree, push, or wait for processes to end."""
_SLOW = frozenset({"start", "stop", "land", "clean", "recreate_worktree", "add_files"})

_WORDS = {
    "recreate_worktree": "new worktree for",
    "set_budget": "budget for",
    "raise_daily_budget": "more for today for",
    "accept_suggestions": "accept the suggestions of",
    "reject": "request changes to",
    "add_guidance": "message to",
    "add_files": "files for",
    "action_done": "done for",
    "decide_ask": "permission for",
    "withdraw_permission": "withdraw a permission of",
    "follow_up": "follow-up of",
    "clean": "clean up",
}
"""What calls are named for users, if not by their own names."""


class DecisionSender:
    """Sends what hosts have to carry out, and takes their receipts.

    Args:
        connection: The connection to the server.
        store: The hub's database.
        known: The hosts.
    """

    def __init__(self, connection: Connection, store: HubStore, known: KnownHosts) -> None:
        self._connection = connection
        self._store = store
        self._known = known
        self._waiting: dict[str, asyncio.Future[DecisionReceipt]] = {}
        self._kicks: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._pumps: dict[str, asyncio.Task[None]] = {}
        self._group: asyncio.TaskGroup | None = None

    async def decide(self, host: str, decision: HostDecision, arguments: str) -> DecisionReceipt:
        """Keep a decision, send it, and wait for its receipt while the host can be reached.

        Raises:
            SavedForHostError: It is kept; the receipt will be news.
            StorageError: It could not be kept.
        """
        stored = self._store.add(StoredDecision(host, decision, arguments))
        if stored.receipt is not None:
            return stored.receipt
        waiting = self._waiting.setdefault(decision.id, asyncio.get_running_loop().create_future())
        self._kicks[host].set()
        known = self._known
        seconds = SLOW_SECONDS if decision.call in _SLOW else DECISION_SECONDS
        if await known.has_answered(host, waiting, seconds):
            return waiting.result()
        self._store.mark_saved(decision.id)
        why = "It has not answered yet." if known.is_online(host) else known.away(host)
        raise SavedForHostError(f"Saved for {host}: {_what(decision)}. {why}", decision.id)

    @contextlib.contextmanager
    def sending(self, group: asyncio.TaskGroup) -> Iterator[None]:
        """Send to all hosts, by tasks of this group, until this connection ends."""
        self._group, self._pumps = group, {}
        try:
            for name in self._known.hosts:
                self.send_to(name)
            yield
        finally:
            self._group = None

    def send_to(self, host: str) -> None:
        """Begin to send to a host, unless that has begun."""
        if self._group is not None and host not in self._pumps:
            self._pumps[host] = self._group.create_task(cancellable(self._send_decisions(host)))

    def stop_sending_to(self, host: str) -> None:
        """Send nothing more to a host that was removed."""
        pump = self._pumps.pop(host, None)
        if pump is not None:
            pump.cancel()

    async def _send_decisions(self, host: str) -> None:
        """Send what a host may carry out now, as long as this connection lasts."""
        await nats_streams.set_up_host(self._connection.client, host)
        sent: set[str] = set()
        while True:
            self._kicks[host].clear()
            for stored in self._store.next_decisions(host):
                decision = stored.decision
                if decision.id in sent:
                    continue
                parts = split(stored.arguments)
                content = (
                    decision.model_copy(update={"arguments": stored.arguments})
                    if len(parts) == 1
                    else decision.model_copy(update={"parts": len(parts)})
                )
                with contextlib.suppress(ThereAlreadyError):
                    await self._connection.store(subjects.decide(host, decision.id), content.encode())
                sent.add(decision.id)
            await self._kicks[host].wait()

    async def on_fetch(self, message: Msg) -> None:
        """Answer a host that asks for a part of a decision's arguments."""
        fetch = Fetch.model_validate_json(message.data)
        stored = self._store.decision(fetch.id)
        if stored is None or subjects.fetch(stored.host) != message.subject:
            return
        parts = split(stored.arguments)
        if 0 <= fetch.part < len(parts):
            await self._connection.publish(message.reply, CallOutcome(result=parts[fetch.part]).encode())

    async def on_receipt(self, message: Msg) -> None:
        """Keep a host's receipt, and only then let the server forget it."""
        host = message.subject.rpartition(".")[2]
        try:
            receipt = decode_receipt(message.data)
        except Exception as error:  # whatever a host sends: unconfirmed, it would come again and again
            log.error("a receipt of %s cannot be read and is left out: %s", host, error)
            await self._connection.publish(message.reply, b"+TERM")
            return
        self._known.note_outcome(host, receipt.outcome)
        if self._store.finish(host, receipt):
            waiting = self._waiting.pop(receipt.id, None)
            if waiting is not None and not waiting.done():
                waiting.set_result(receipt)
            self._known.changed.set()
        await self._connection.publish(message.reply, b"+ACK")
        self._kicks[host].set()


def ended_event(stored: StoredDecision, ahead: timedelta) -> FleetEvent:
    """Return the news that a decision which was kept for its host has its receipt.

    Args:
        stored: The decision.
        ahead: How far the host's clock is ahead.
    """
    receipt = stored.receipt
    assert receipt is not None
    what = _what(stored.decision)
    if receipt.outcome.error:
        kind, end = FleetEventKind.REFUSED, f" was not carried out. {text_of(receipt.outcome)}"
    else:
        kind, end = FleetEventKind.DELIVERED, ""
    text = f"on {stored.host} {(receipt.at - ahead).astimezone():%H:%M}: {what}{end}"
    return FleetEvent(ref=None, key=stored.decision.id, kind=kind, text=text, host=stored.host)


def _what(decision: HostDecision) -> str:
    """Name a decision for users: `approve greet`."""
    words = _WORDS.get(decision.call, decision.call.replace("_", " "))
    return f"{words} {decision.about.rpartition(':')[2]}".strip()
