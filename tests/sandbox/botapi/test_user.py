"""The person's side: what bots get to see of what people do."""

from __future__ import annotations

from typing import Any

import pytest

from samobot.sandbox.botapi.chats import GROUP_ANONYMOUS_BOT, TELEGRAM, MemberStatus
from samobot.sandbox.botapi.failure import SandboxError
from samobot.sandbox.botapi.server import BotApiServer
from tests.support.telegram import RawBot


async def seen(bot: RawBot) -> list[dict[str, Any]]:
    updates = await bot("getUpdates")
    await bot("getUpdates", offset=updates[-1]["update_id"] + 1) if updates else None
    return [{kind: value for kind, value in update.items() if kind != "update_id"} for update in updates]


async def test_a_command_arrives_as_telegram_sends_it(server: BotApiServer, bot: RawBot) -> None:
    ann = server.person("Ann", 1234, "ann_a")
    said = ann.say("/run demo  ", server.private_chat(ann))
    (update,) = await seen(bot)
    person = {"id": 1234, "is_bot": False, "first_name": "Ann", "username": "ann_a", "language_code": "en"}
    assert update["message"] == {
        "message_id": said.id,
        "date": said.date,
        "from": person,
        "chat": {"id": 1234, "type": "private", "first_name": "Ann", "username": "ann_a"},
        "text": "/run demo",
        "entities": [{"type": "bot_command", "offset": 0, "length": 4}],
    }


async def test_replies_edits_and_forwards_arrive_as_such(server: BotApiServer, bot: RawBot) -> None:
    ann = server.person()
    chat = server.private_chat(ann)
    sent = await bot("sendMessage", chat_id=chat.id, text="Q1?")
    reply = ann.reply(chat.messages[0], "A")
    ann.edit(reply, "B")
    ann.forward(chat.messages[0])
    replied, edited, forwarded = await seen(bot)
    assert replied["message"]["reply_to_message"]["message_id"] == sent["message_id"]
    assert replied["message"]["text"] == "A"
    assert edited["edited_message"]["text"] == "B"
    assert edited["edited_message"]["edit_date"]
    assert forwarded["message"]["forward_origin"]["sender_user"]["id"] == 42
    with pytest.raises(SandboxError, match="to edit"):
        ann.edit(chat.messages[0], "x")


async def test_the_many_ways_to_be_somebody_else(server: BotApiServer, bot: RawBot) -> None:
    ann, ben = server.person("Ann"), server.person("Ben")
    group = server.group("Team", [ann, ben])
    channel = server.channel("News", ann)
    ben.say("/stop", group)
    ben.say("/stop", server.private_chat(ben))
    ann.say_anonymously("/stop", group)
    ann.post("/stop", channel, group)
    ann.say("result", group, via=server.world.only_bot())
    other, private, anonymous, forwarded, inline = [update["message"] for update in await seen(bot)]
    assert (other["from"]["id"], other["chat"]["type"]) == (ben.id, "supergroup")
    assert private["chat"]["id"] == ben.id
    assert (anonymous["from"]["id"], anonymous["sender_chat"]["id"]) == (GROUP_ANONYMOUS_BOT, group.id)
    assert (forwarded["from"]["id"], forwarded["sender_chat"]["id"]) == (TELEGRAM, channel.id)
    assert forwarded["is_automatic_forward"]
    assert inline["via_bot"]["id"] == 42
    with pytest.raises(SandboxError, match="no admin"):
        ben.say_anonymously("x", group)
    with pytest.raises(SandboxError, match="not a chat of"):
        ben.say("x", server.private_chat(ann))


async def test_channel_posts_reach_the_channels_bots(server: BotApiServer, bot: RawBot) -> None:
    ann = server.person()
    channel = server.channel("News", ann, bots=[server.world.only_bot()], username="news_ch")
    post = ann.post("hello", channel)
    (update,) = await seen(bot)
    assert update["channel_post"]["chat"] == {
        "id": channel.id,
        "type": "channel",
        "title": "News",
        "username": "news_ch",
    }
    assert "from" not in update["channel_post"]
    await bot("editMessageText", chat_id="@news_ch", message_id=post.id, text="hello!")
    assert channel.messages[0].text == "hello!"


async def test_privacy_mode_hides_what_is_not_meant_for_the_bot(server: BotApiServer, bot: RawBot) -> None:
    ann = server.person()
    group = server.group("Team", [ann])
    sent = await bot("sendMessage", chat_id=group.id, text="x")
    ann.say("chatter", group)
    ann.say("/run@other_bot", group)
    ann.say("/run@samo_bot", group)
    ann.say("/run", group)
    ann.reply(group.by_id[sent["message_id"]], "yes")
    assert [update["message"]["text"] for update in await seen(bot)] == ["/run@samo_bot", "/run", "yes"]
    ann.set_bot_status(group, MemberStatus.ADMINISTRATOR)
    ann.say("chatter", group)
    change, chatter = await seen(bot)
    assert change["my_chat_member"]["new_chat_member"]["status"] == "administrator"
    assert chatter["message"]["text"] == "chatter"


async def test_arrival_and_departure_are_reported(server: BotApiServer, bot: RawBot) -> None:
    ann, ben = server.person("Ann"), server.person("Ben")
    group = server.group("Team", [ann])
    with pytest.raises(SandboxError, match="Ben is not in Team"):
        ben.say("hi", group)
    ben.join(group)
    ben.leave(group)
    joined, left = await seen(bot)
    assert joined["message"]["new_chat_members"][0]["id"] == ben.id
    assert left["message"]["left_chat_member"]["id"] == ben.id


async def test_each_bot_has_its_own_private_chat_with_the_user(server: BotApiServer, bot: RawBot) -> None:
    other = server.add_bot("43:other", "other_bot")
    ann = server.person()
    mine, theirs = (
        server.private_chat(ann, server.world.bots["42:test-token"]),
        server.private_chat(ann, other),
    )
    ann.say("to other", theirs)
    await bot("sendMessage", chat_id=ann.id, text="x")
    assert await seen(bot) == []
    assert len(other.queue) == 1
    assert [len(mine.messages), len(theirs.messages)] == [1, 1]
    with pytest.raises(SandboxError, match="2 bots"):
        server.private_chat(ann)


async def test_a_tap_names_its_button_well_or_fails_with_what_there_is(
    server: BotApiServer, bot: RawBot
) -> None:
    ann = server.person()
    chat = server.private_chat(ann)
    rows = [[{"text": "A ★", "callback_data": "a"}, {"text": "Apply", "callback_data": "b"}]]
    rows.append([{"text": "Docs", "url": "https://example.org/"}])
    sent = await bot("sendMessage", chat_id=chat.id, text="x", reply_markup={"inline_keyboard": rows})
    message = chat.by_id[sent["message_id"]]
    assert [ann.tap(message, which).data for which in ("A ★", "b", "Ap", 0)] == ["a", "b", "b", "a"]
    with pytest.raises(SandboxError, match="More than one button 'A'"):
        ann.tap(message, "A")
    with pytest.raises(SandboxError, match=r"No button 'Z'.*Docs"):
        ann.tap(message, "Z")
    with pytest.raises(SandboxError, match="opens or copies"):
        ann.tap(message, "Docs")
    await bot("deleteMessage", chat_id=chat.id, message_id=message.id)
    await seen(bot)
    ann.tap_data(message, "a")
    (update,) = await seen(bot)
    assert update["callback_query"]["message"] == {"chat": chat.api(), "message_id": message.id, "date": 0}


async def test_what_no_client_would_send_is_not_sent(server: BotApiServer) -> None:
    ann = server.person()
    chat = server.private_chat(ann)
    for text in ("", " \n", "x" * 4097):
        with pytest.raises(SandboxError, match="clients send"):
            ann.say(text, chat)
    with pytest.raises(SandboxError, match="payload"):
        ann.start("x" * 65)
    with pytest.raises(SandboxError, match="not a PNG"):
        ann.send_photo(b"text")
    assert not chat.messages
