"""The emergency stop of all hosts, as the hub keeps and publishes it."""

from __future__ import annotations

import contextlib

from samobot.errors import ConflictError, HostAwayError
from samobot.hosts import subjects
from samobot.hosts.connection import Connection, NotStoredError
from samobot.hosts.control_values import Panic
from samobot.hosts.hub_store import HubStore
from samobot.hosts.known_hosts import KnownHosts

_NAME = "panic"


class HubPanic:
    """The emergency stop of all hosts; hosts that are away find it when they are back.

    Args:
        connection: The connection to the server.
        store: The hub's database, which nobody else writes to.
        known: The hosts.
    """

    def __init__(self, connection: Connection, store: HubStore, known: KnownHosts) -> None:
        self._connection = connection
        self._store = store
        self._known = known
        kept = store.state(_NAME)
        self._panic = Panic.model_validate_json(kept) if kept is not None else None

    @property
    def who(self) -> str | None:
        """Who pulled it; None if it is not on."""
        return self._panic.who if self._panic is not None and self._panic.on else None

    async def set(self, who: str, via: str, *, on: bool) -> Panic:
        """Pull or lift it.

        Raises:
            StorageError: The disk refused; nothing has changed.
        """
        counts = [state.beat.panic for state in self._known.hosts.values() if state.beat is not None]
        before = self._panic.n if self._panic is not None else 0
        panic = Panic(n=max([*counts, before]) + 1, on=on, who=who, via=via)
        self._store.set_state(_NAME, panic.encode().decode())
        self._panic = panic
        with contextlib.suppress(NotStoredError, HostAwayError):
            await self.publish()
        return panic

    async def publish(self) -> None:
        """Let the hosts know.

        Raises:
            NotStoredError: The server did not confirm it.
            HostAwayError: There is no connection.
        """
        panic = self._panic or Panic(n=0, on=False, who="", via="")
        await self._connection.store(subjects.control(_NAME), panic.encode())
        await self._connection.publish(subjects.CONTROL_HINT)

    def refuse_start(self) -> None:
        """Refuse a start while it is on.

        Raises:
            ConflictError: It is.
        """
        if self.who is not None:
            raise ConflictError(
                f"The emergency stop is on ({self.who}): nothing starts until /resume turns it off."
            )
