"""What holds for all hosts, read from the server before anything is started: the emergency stop."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from samobot.fleet.fleet import Fleet
from samobot.hosts import nats_streams, subjects
from samobot.hosts.connection import Connection
from samobot.hosts.hub_messages import Panic
from samobot.hosts.link import FOLDER
from samobot.session.files import make_folder, read_bytes, write_atomic
from samobot.session.gate import Person

FILE_NAME = "control.json"


class ControlReader:
    """Carries out each change of the emergency stop of all hosts once.

    The stop of this machine alone, pulled in its terminal, stays as it is: only a change counts.

    Args:
        connection: The connection to the server.
        fleet: The sessions of this machine.
        state_dir: The state folder; `hosts/control.json` holds the number of the last change.
    """

    def __init__(self, connection: Connection, fleet: Fleet, state_dir: Path) -> None:
        self._connection = connection
        self._fleet = fleet
        self._file = state_dir / FOLDER / FILE_NAME
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
            answer = await self._connection.request(
                subjects.control_read("panic"), b"", nats_streams.ACK_SECONDS
            )
            if not answer.data:
                return  # never pulled
            panic = Panic.model_validate_json(answer.data)
            if panic.n <= self.panic:
                return
            if panic.on:
                await self._fleet.panic(Person(panic.who, panic.via))
            else:
                await self._fleet.lift_emergency_stop()
            make_folder(self._file.parent, 0o700)
            write_atomic(self._file, json.dumps({"panic": panic.n}), mode=0o600)
            self.panic = panic.n


def _number(content: bytes) -> int:
    try:
        return int(json.loads(content)["panic"])
    except (ValueError, KeyError, TypeError):
        return 0
