"""Who the bot is: asked until Telegram answers, and remembered."""

from __future__ import annotations

import asyncio

import pytest

from samobot.sandbox.botapi.faults import FaultKind
from samobot.sandbox.botapi.server import BotApiServer
from samobot.telegram.identity import BotAccount, announce_first_start
from samobot.telegram.outbound.bot_client import TokenRejectedError, build_bot
from samobot.telegram.outbound.outbox import Outbox
from samobot.telegram.store.bot_store import Store

TOKEN = "42:token-for-tests"


async def test_the_seconds_that_telegram_asks_for_are_waited_and_no_others(store: Store) -> None:
    waited: list[float] = []

    async def wait(seconds: float) -> None:
        waited.append(seconds)

    async with BotApiServer() as server:
        server.add_bot(TOKEN, "samo_bot")
        server.fault(FaultKind.BAD_GATEWAY, "getMe", count=7)
        server.fault(FaultKind.RATE_LIMIT, "getMe", count=1, retry_after=47)
        server.fault(FaultKind.RESET, "getMe", count=1)
        bot = build_bot(TOKEN, server.url)
        account = BotAccount(bot, store.accounts, sleep=wait)
        await account.learn()
        await bot.shutdown()
    assert account.username == "samo_bot"
    assert waited == [1, 2, 4, 8, 16, 30, 30, 47, 30]


async def test_the_name_is_known_at_the_next_start_without_telegram_and_to_no_other_bot(store: Store) -> None:
    async with BotApiServer() as server:
        server.add_bot(TOKEN, "samo_bot")
        async with build_bot(TOKEN, server.url) as bot:
            await BotAccount(bot, store.accounts).learn()
    assert BotAccount(build_bot(TOKEN, "http://127.0.0.1:1"), store.accounts).username == "samo_bot"
    assert BotAccount(build_bot("43:another-token", "http://127.0.0.1:1"), store.accounts).username is None


async def test_the_first_start_and_no_other_is_announced_to_the_owner(store: Store) -> None:
    async with BotApiServer() as server:
        server.add_bot(TOKEN, "samo_bot")
        chat = server.private_chat(server.person("Ann"))
        async with build_bot(TOKEN, server.url) as bot:
            outbox = Outbox(bot, store)
            sending = asyncio.create_task(outbox.run())
            await asyncio.sleep(0)  # it begins before anything is posted
            account = BotAccount(bot, store.accounts)
            await account.learn()
            announce_first_start(account, outbox, None)
            announce_first_start(account, outbox, chat.id)
            announce_first_start(account, outbox, chat.id)  # as after a crash
            await account.introduce()
            announce_first_start(account, outbox, chat.id + 1)
            assert await outbox.drain(60)
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
        (message,) = chat.from_bot()
    assert message.text.startswith("👋 The bot is up.")
    assert message.silent


async def test_of_a_wrong_token_nobody_hears_that_it_was_tried(store: Store) -> None:
    async with BotApiServer() as server:
        bot = build_bot(TOKEN, server.url)
        account = BotAccount(bot, store.accounts)
        with pytest.raises(TokenRejectedError, match="BotFather"):
            await account.learn()
        await bot.shutdown()
    assert not account.tried.is_set()
