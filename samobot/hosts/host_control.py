"""What holds for all hosts, read from the server before anything is started: emergency stop, money, usage limit."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from samobot.fleet.fleet import Fleet
from samobot.hosts import nats_streams, subjects
from samobot.hosts.connection import Connection
from samobot.hosts.control_values import DaySpending, Panic, SharedLimit
from samobot.hosts.link import FOLDER
from samobot.hosts.machine_limits import MachineLimits
from samobot.session.files import make_folder, read_bytes, write_atomic
from samobot.session.gate import Person
from samobot.system.threads import Threads

FILE_NAME = "control.json"


class ControlReader:
    """Carries out each change of the emergency stop of all hosts once, and takes over what all machines share.

    The stop of this machine alone, pulled in its terminal, stays as it is: only a change counts.

    Args:
        connection: The connection to the server.
        fleet: The sessions of this machine.
        state_dir: The state folder; `hosts/control.json` holds the number of the last change.
        machine: This machine's part in what is shared.
        threads: Where files are read and written.
    """

    def __init__(
        self,
        connection: Connection,
        fleet: Fleet,
        state_dir: Path,
        machine: MachineLimits,
        threads: Threads,
    ) -> None:
        self._connection = connection
        self._fleet = fleet
        self._file = state_dir / FOLDER / FILE_NAME
        self._machine = machine
        self._threads = threads
        self._obeying = asyncio.Lock()
        known = read_bytes(self._file)
        self.panic = _number(known) if known is not None else 0

    async def obey(self) -> None:
        """Read the values, and carry out what has changed.

        Raises:
            NotStoredError: They cannot be read now; nothing may be started.
            HostAwayError: There is no connection.
            StorageError: The disk refused.
        """
        async with self._obeying:
            account = await self._threads.run(self._machine.account)
            panic, spending, limit = await asyncio.gather(
                self._read("panic"),
                self._read(f"spent.{self._machine.day}"),
                self._read(f"limit.{account}") if account else _nothing(),
            )
            await self._obey_panic(panic)
            shared = DaySpending.model_validate_json(spending) if spending else None
            known = SharedLimit.model_validate_json(limit) if limit else None
            await self._threads.run(lambda: self._machine.adopt(shared, known))

    async def obey_panic(self) -> None:
        """The same for the emergency stop alone, before a decision: what else is shared comes with its hint.

        Raises:
            NotStoredError: As `obey`.
            HostAwayError: As `obey`.
            StorageError: As `obey`.
        """
        async with self._obeying:
            await self._obey_panic(await self._read("panic"))

    async def _read(self, name: str) -> bytes:
        """Return a value; empty if it was never set."""
        answer = await self._connection.request(subjects.control_read(name), b"", nats_streams.ACK_SECONDS)
        return answer.data

    async def _obey_panic(self, content: bytes) -> None:
        panic = Panic.model_validate_json(content) if content else None
        if panic is None or panic.n <= self.panic:
            return
        if panic.on:
            await self._fleet.panic(Person(panic.who, panic.via))
        else:
            await self._fleet.lift_emergency_stop()
        make_folder(self._file.parent, 0o700)
        write_atomic(self._file, json.dumps({"panic": panic.n}), mode=0o600)
        self.panic = panic.n


async def _nothing() -> bytes:
    return b""


def _number(content: bytes) -> int:
    try:
        return int(json.loads(content)["panic"])
    except (ValueError, KeyError, TypeError):
        return 0
