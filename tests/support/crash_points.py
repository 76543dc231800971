"""The points of a decision at which its host may die; each is reached after what its name says is on disk."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Any

import pytest

from samobot.hosts import subjects
from samobot.hosts.connection import Connection
from samobot.hosts.fleet_calls import DECISIONS, FleetCall


class CrashPoint(StrEnum):
    """Where a host is in carrying out a decision."""

    BEFORE_EFFECT = "before_effect"
    AFTER_EFFECT = "after_effect"
    AFTER_LEDGER = "after_ledger"
    BEFORE_ACKNOWLEDGEMENT = "before_acknowledgement"


def at_point(point: CrashPoint, act: Callable[[], Awaitable[None]], patch: pytest.MonkeyPatch) -> None:
    """Let a host of this process act whenever a decision reaches a point.

    Args:
        point: The point.
        act: What to do there; the decision continues when it returns.
        patch: Undoes it.
    """
    succeed, store, publish = FleetCall.succeed, Connection.store, Connection.publish

    async def succeed_there(call: FleetCall[Any], *args: Any) -> str:
        is_meant = call.name in DECISIONS
        if is_meant and point is CrashPoint.BEFORE_EFFECT:
            await act()
        result = await succeed(call, *args)
        if is_meant and point is CrashPoint.AFTER_EFFECT:
            await act()
        return result

    async def store_there(connection: Connection, subject: str, *args: Any) -> int:
        if point is CrashPoint.AFTER_LEDGER and subject.startswith("samobot.receipt."):
            await act()
        return await store(connection, subject, *args)

    async def publish_there(connection: Connection, subject: str, content: bytes = b"") -> None:
        is_meant = content == b"+ACK" and f".{subjects.DECISIONS}." in subject
        if is_meant and point is CrashPoint.BEFORE_ACKNOWLEDGEMENT:
            await act()
        await publish(connection, subject, content)

    patch.setattr(FleetCall, "succeed", succeed_there)
    patch.setattr(Connection, "store", store_there)
    patch.setattr(Connection, "publish", publish_there)
