"""getUpdates: offsets, long polls, conflicts, wanted kinds, and updates as they should not be."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from samobot.sandbox.botapi.failure import ApiFailure
from samobot.sandbox.botapi.server import BotApiServer
from samobot.sandbox.botapi.world import World
from tests.support.telegram import TOKEN, RawBot

pytestmark = pytest.mark.slow


def texts(updates: list[dict[str, Any]]) -> list[str]:
    return [update["message"]["text"] for update in updates]


async def test_an_update_comes_again_until_a_higher_offset_confirms_it(
    server: BotApiServer, bot: RawBot
) -> None:
    ann = server.person()
    server.private_chat(ann)
    for text in "abc":
        ann.say(text)
    first = await bot("getUpdates")
    assert texts(first) == ["a", "b", "c"]
    assert texts(await bot("getUpdates", limit=2)) == ["a", "b"]
    assert texts(await bot("getUpdates", offset=first[0]["update_id"])) == ["a", "b", "c"]
    assert texts(await bot("getUpdates", offset=first[0]["update_id"] + 1)) == ["b", "c"]
    assert texts(await bot("getUpdates", offset=0)) == ["b", "c"]
    assert texts(await bot("getUpdates", offset=-1)) == ["c"]
    assert texts(await bot("getUpdates")) == ["c"]
    assert await bot("getUpdates", offset=first[2]["update_id"] + 1) == []
    assert [update["update_id"] for update in first] == list(
        range(first[0]["update_id"], first[0]["update_id"] + 3)
    )


async def test_a_long_poll_ends_with_the_first_update(server: BotApiServer, bot: RawBot) -> None:
    ann = server.person()
    chat = server.private_chat(ann)
    poll = asyncio.create_task(bot("getUpdates", timeout=50))
    await server.wait_until(lambda: server.calls.of("getUpdates"))
    ann.say("now", chat)
    assert texts(await poll) == ["now"]


async def test_a_long_poll_without_updates_ends_empty(bot: RawBot) -> None:
    assert await bot("getUpdates", timeout=1) == []


async def test_second_poller_ends_the_first_with_409_and_continues(server: BotApiServer, bot: RawBot) -> None:
    ann = server.person()
    server.private_chat(ann)
    first = asyncio.create_task(bot("getUpdates", timeout=50))
    await server.wait_until(lambda: server.world.only_bot().queue.polled)
    second = asyncio.create_task(bot("getUpdates", timeout=50))
    with pytest.raises(ApiFailure, match="Conflict: terminated by other getUpdates request") as caught:
        await first
    assert caught.value.code == 409
    ann.say("hi")
    assert texts(await second) == ["hi"]


async def test_a_webhook_keeps_polling_out(server: BotApiServer, bot: RawBot) -> None:
    server.world.only_bot().webhook_url = "https://example.org/hook"
    with pytest.raises(ApiFailure, match="can't use getUpdates method while webhook is active"):
        await bot("getUpdates")
    assert (await bot("getWebhookInfo"))["url"] == "https://example.org/hook"
    await bot("deleteWebhook")
    assert await bot("getUpdates") == []
    assert "webhook" in await bot.refusal("setWebhook", url="https://example.org")


async def test_only_the_wanted_kinds_are_queued_and_the_wish_is_remembered(
    server: BotApiServer, bot: RawBot
) -> None:
    ann = server.person()
    message = ann.say("first", server.private_chat(ann))
    ann.react(message, "👍")
    assert [set(update) for update in await bot("getUpdates", offset=-1)] == [{"update_id", "message"}]
    await bot("getUpdates", allowed_updates=["message_reaction"])
    ann.say("unwanted")
    ann.react(message)
    updates = await bot("getUpdates")
    assert [set(update) - {"update_id"} for update in updates] == [{"message"}, {"message_reaction"}]
    assert updates[1]["message_reaction"]["old_reaction"] == [{"type": "emoji", "emoji": "👍"}]
    assert (await bot("getWebhookInfo"))["allowed_updates"] == ["message_reaction"]
    await bot("getUpdates", allowed_updates=[])
    ann.say("wanted")
    assert len(await bot("getUpdates")) == 3


async def test_updates_are_forgotten_after_a_day() -> None:
    now = [1_700_000_000.0]
    async with BotApiServer(World(wall=lambda: now[0])) as server:
        server.add_bot(TOKEN)
        ann = server.person()
        server.private_chat(ann)
        ann.say("old")
        now[0] += 24 * 3600 - 1
        ann.say("new")
        now[0] += 1
        async with RawBot(server) as bot:
            assert texts(await bot("getUpdates")) == ["new"]


async def test_updates_can_be_repeated_unknown_and_malformed(server: BotApiServer, bot: RawBot) -> None:
    ann = server.person()
    server.private_chat(ann)
    ann.say("a")
    (update,) = await bot("getUpdates")
    server.inject(update)
    server.inject({"update_id": update["update_id"] + 1, "message": {"text": 5}})
    ann.say("b")
    updates = await bot("getUpdates")
    number = update["update_id"]
    assert [one["update_id"] for one in updates] == [number, number, number + 1, number + 2]
    assert updates[0] == updates[1]
    server.inject("{broken")
    answer = await bot.http.get("/getUpdates", params={"offset": number + 3})
    assert answer.text == '{"ok":true,"result":[{broken]}'
    assert server.world.only_bot().queue.waiting() == ["{broken"]
    await bot("deleteWebhook", drop_pending_updates=True)
    assert await bot("getUpdates") == []
