"""The hub's side of joining: admits a machine that holds an invitation, and its server with it."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from datetime import datetime

from nats.aio.msg import Msg

from samobot.errors import SamobotError
from samobot.hosts import subjects
from samobot.hosts.connection import Connection
from samobot.hosts.hub_registry import HubRegistry
from samobot.hosts.hub_server import HubServer
from samobot.hosts.link import Link

log = logging.getLogger(__name__)

_FLUSH_SECONDS = 5
_HOUSEKEEPING_SECONDS = 20.0


class Enrollment:
    """Answers machines that join, and ends invitations in time.

    A machine is admitted in this order: its key is on disk, the server has it, the machine is answered, and only then
    is the invitation's own key cut. After a crash in between, the machine finds that its key works.

    Args:
        registry: The hub's folder.
        server: Its server.
        link: How this process reaches it.
        now: The clock, aware.
    """

    def __init__(
        self, registry: HubRegistry, server: HubServer, link: Link, now: Callable[[], datetime]
    ) -> None:
        self._registry = registry
        self._server = server
        self._now = now
        self._connection = Connection(link, self._serve)

    async def run(self) -> None:
        """Serve until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._answer())
            group.create_task(self._keep_house())

    async def _answer(self) -> None:
        await self._server.is_ready.wait()
        await self._connection.run()

    async def _serve(self) -> None:
        await self._connection.subscribe(subjects.ALL_ENROLLMENTS, self._on_request)
        self._connection.established()
        await asyncio.Event().wait()

    async def _on_request(self, message: Msg) -> None:
        host = message.subject.rpartition(".")[2]
        try:
            key = str(json.loads(message.data)["key"])
            self._registry.admit(host, key, self._now())
            await self._server.reload()
        except (ValueError, KeyError, TypeError):
            answer = {"error": "That is no request to join."}
        except SamobotError as error:
            log.warning("%s was not admitted: %s", host, error.message)
            answer = {"error": error.message}
        else:
            log.info("%s joined", host)
            answer = {}
        await message.respond(json.dumps(answer).encode())
        await self._connection.client.flush(_FLUSH_SECONDS)
        if not answer:
            self._registry.close(host)
            await self._server.reload()

    async def _keep_house(self) -> None:
        while True:
            try:
                if self._registry.close_ended(self._now()) or self._registry.renew_certificate(self._now()):
                    await self._server.reload()
            except SamobotError as error:
                log.error("%s", error.message)
            await asyncio.sleep(_HOUSEKEEPING_SECONDS)
