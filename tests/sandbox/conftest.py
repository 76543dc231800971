"""A server with one bot, for the tests of the sandbox."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from samobot.sandbox.botapi.server import BotApiServer
from tests.support.telegram import TOKEN, RawBot


@pytest.fixture
async def server() -> AsyncIterator[BotApiServer]:
    async with BotApiServer() as server:
        server.add_bot(TOKEN, "samo_bot")
        yield server


@pytest.fixture
async def bot(server: BotApiServer) -> AsyncIterator[RawBot]:
    async with RawBot(server) as bot:
        yield bot
