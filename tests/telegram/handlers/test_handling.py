"""A look at the sessions waits for the handler that is at work, and not for ever."""

from __future__ import annotations

import asyncio

from samobot.telegram.handlers.handling import Handling


async def test_waiting_ends_with_the_last_of_several_handlers() -> None:
    handling = Handling()
    await handling.wait_until_idle(60)
    with handling:
        with handling:
            waiting = asyncio.create_task(handling.wait_until_idle(60))
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not waiting.done()
    await waiting


async def test_a_handler_that_takes_long_is_not_waited_for() -> None:
    handling = Handling()
    with handling:
        await handling.wait_until_idle(0)
