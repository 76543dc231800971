"""What Telegram would refuse of messages, edits, buttons and the rest, is refused in its words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from samobot.sandbox.botapi.chats import MemberStatus
from samobot.sandbox.botapi.server import BotApiServer
from samobot.sandbox.botapi.world import World
from tests.support.telegram import TOKEN, RawBot

pytestmark = pytest.mark.slow


def keys(*rows: list[dict[str, object]]) -> dict[str, Any]:
    return {"inline_keyboard": list(rows)}


def key(data: str = "x", text: str = "Go") -> dict[str, object]:
    return {"text": text, "callback_data": data}


@pytest.fixture
def chat_id(server: BotApiServer) -> int:
    return server.private_chat(server.person()).id


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"text": ""}, "message text is empty"),
        ({"text": " \n "}, "text must be non-empty"),
        ({"text": "<b></b>", "parse_mode": "HTML"}, "text must be non-empty"),
        ({"text": "<x>", "parse_mode": "html"}, "can't parse entities: Unsupported start tag \"x\" at byte offset 0"),
        ({"text": "x", "parse_mode": "HTMLX"}, "unsupported parse_mode"),
        ({"text": "x", "parse_mode": "MarkdownV2"}, "unsupported parse_mode: the sandbox reads HTML and entities, not Markdown"),
        ({"text": "x" * 4097}, "message is too long"),
        ({"text": "🚀" * 2049}, "message is too long"),
        ({"text": "x", "chat_id": ""}, "chat_id is empty"),
        ({"text": "x", "chat_id": 5}, "chat not found"),
        ({"text": "x", "chat_id": "@nobody"}, "chat not found"),
        ({"text": "x", "message_thread_id": 7}, "message thread not found"),
        ({"text": "x", "reply_parameters": {"message_id": 99}}, "message to be replied not found"),
        ({"text": "x", "entities": [{"type": "bold", "offset": 0, "length": 2}]}, "ENTITY_BOUNDS_INVALID"),
        ({"text": "x", "entities": [{"type": "loud", "offset": 0, "length": 1}]}, "can't parse MessageEntity: Unsupported type specified"),
        ({"text": "x", "entities": "{"}, "can't parse entities JSON object"),
        ({"text": "<b>x</b> " * 101, "parse_mode": "HTML"}, "ENTITIES_TOO_LONG"),
        ({"text": "x", "link_preview_options": {"disabled": True}}, "can't parse link preview options: object of type LinkPreviewOptions expected"),
        ({"text": "x", "reply_markup": "{"}, "can't parse reply keyboard markup JSON object"),
        ({"text": "x", "reply_markup": "[]"}, "object expected as reply markup"),
        ({"text": "x", "reply_markup": keys([key("")])}, "BUTTON_DATA_INVALID"),
        ({"text": "x", "reply_markup": keys([key("é" * 33)])}, "BUTTON_DATA_INVALID"),
        ({"text": "x", "reply_markup": keys([key(text=" ")])}, "BUTTON_INVALID"),
        ({"text": "x", "reply_markup": keys([{"text": "x"}])}, "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard"),
        ({"text": "x", "reply_markup": keys([{"text": "x", "url": "http://localhost:1"}])}, "inline keyboard button URL 'http://localhost:1' is invalid: Wrong HTTP URL"),
        ({"text": "x", "reply_markup": keys([{"text": "x", "copy_text": {"text": "y" * 257}}])}, "BUTTON_COPY_TEXT_INVALID"),
        ({"text": "x", "reply_markup": keys([key()] * 9)}, "reply markup is too long"),
        ({"text": "x", "reply_markup": keys(*[[key()]] * 101)}, "reply markup is too long"),
        ({"text": "x", "reply_markup": {"force_reply": True, "input_field_placeholder": "y" * 65}}, "INPUT_FIELD_PLACEHOLDER_INVALID"),
    ],
)  # fmt: skip
async def test_a_message_telegram_would_refuse(
    server: BotApiServer, bot: RawBot, chat_id: int, fields: dict[str, object], complaint: str
) -> None:
    assert await bot.refusal("sendMessage", **({"chat_id": chat_id} | fields)) == complaint
    assert not server.world.chats[0].messages


@pytest.mark.parametrize(
    "fields",
    [
        {"text": "x" * 4096},
        {"text": "🚀" * 2048},
        {"text": "&lt;" * 4096, "parse_mode": "HTML"},
        {"text": f"<b>{'x' * 4096}</b>  ", "parse_mode": "HTML"},
        {"text": "<b>x</b> " * 100, "parse_mode": "HTML"},
        {"text": "x", "reply_markup": keys(*[[key("é" * 32)] * 8] * 12)},
        {"text": "x", "reply_parameters": {"message_id": 99, "allow_sending_without_reply": True}},
        {"text": "x", "reply_markup": {"remove_keyboard": True}},
        {"text": "x", "reply_markup": {"keyboard": [["Yes", {"text": "No"}]]}},
        {"text": "x", "reply_markup": {"inline_keyboard": []}},
        {"text": "🚀x", "entities": [{"type": "bold", "offset": 0, "length": 3}]},
    ],
)
async def test_a_message_just_inside_the_limits_is_taken(
    bot: RawBot, chat_id: int, fields: dict[str, object]
) -> None:
    await bot("sendMessage", chat_id=chat_id, **fields)


async def test_a_caption_is_shorter_than_a_text(bot: RawBot, chat_id: int) -> None:
    said = []
    for size in (1024, 1025):
        fields = {"chat_id": str(chat_id), "caption": "x" * size}
        answer = await bot.http.post("/sendDocument", data=fields, files={"document": ("a.txt", b"x")})
        said.append(answer.json().get("description"))
    assert said == [None, "Bad Request: message caption is too long"]


async def test_an_edit_must_change_something_of_the_bots_own(
    server: BotApiServer, bot: RawBot, chat_id: int
) -> None:
    chat = server.world.chats[0]
    sent = await bot(
        "sendMessage", chat_id=chat_id, text="<b>x</b>", parse_mode="HTML", reply_markup=keys([key()])
    )
    target: dict[str, object] = {"chat_id": chat_id, "message_id": sent["message_id"]}
    same: dict[str, object] = {"text": "<b>x</b>", "parse_mode": "HTML", "reply_markup": keys([key()])}
    assert (await bot.refusal("editMessageText", **target, **same)).startswith(
        "message is not modified: specified new"
    )
    edited = await bot("editMessageText", **target, text="<b>x</b>", parse_mode="HTML")
    assert "reply_markup" not in edited
    assert edited["edit_date"] >= sent["date"]
    await bot("editMessageReplyMarkup", **target, reply_markup=keys([key("y")]))
    assert chat.messages[0].labels == ["Go"]
    assert chat.messages[0].html == "<b>x</b>"
    await bot("editMessageText", **target, text="y")
    assert [content.text for content in chat.messages[0].history] == ["x"]
    assert await bot.refusal("editMessageText", **target, text="z" * 4097) == "message is too long"
    assert (
        await bot.refusal("editMessageCaption", **target, caption="z")
        == "there is no caption in the message to edit"
    )
    markup = {"force_reply": True}
    assert (
        await bot.refusal("editMessageReplyMarkup", **target, reply_markup=markup)
        == "inline keyboard expected"
    )
    missing = "message to edit not found"
    assert await bot.refusal("editMessageText", chat_id=chat_id, message_id=99, text="y") == missing
    unspecified = "message identifier is not specified"
    assert await bot.refusal("editMessageText", chat_id=chat_id, text="y") == unspecified
    await bot("deleteMessage", **target)
    assert await bot.refusal("editMessageText", **target, text="y") == missing
    assert await bot.refusal("deleteMessage", **target) == "message to delete not found"


async def test_users_message_cannot_be_edited_but_deleted(server: BotApiServer, bot: RawBot) -> None:
    ann = server.person()
    said = ann.say("mine", server.private_chat(ann))
    target: dict[str, object] = {"chat_id": ann.id, "message_id": said.id}
    assert await bot.refusal("editMessageText", **target, text="y") == "message can't be edited"
    await bot("deleteMessage", **target)
    group = server.group("G", [ann])
    said = ann.say("mine", group)
    refused = await bot.refusal("deleteMessage", chat_id=group.id, message_id=said.id)
    assert refused == "message can't be deleted for everyone"
    assert group.last is said


async def test_another_bots_message_cannot_be_edited(server: BotApiServer, bot: RawBot) -> None:
    ann = server.person()
    server.add_bot("43:other", "other_bot")
    group = server.group("G", [ann])
    sent = await bot("sendMessage", chat_id=group.id, text="x")
    async with RawBot(server, "43:other") as other:
        refused = await other.refusal(
            "editMessageText", chat_id=group.id, message_id=sent["message_id"], text="y"
        )
    assert refused == "message can't be edited"


async def test_a_tap_is_answered_once_and_in_time() -> None:
    now = [50.0]
    async with BotApiServer(World(monotonic=lambda: now[0], tap_life=15)) as server, RawBot(server) as bot:
        server.add_bot(TOKEN)
        ann = server.person()
        chat = server.private_chat(ann)
        await bot("sendMessage", chat_id=chat.id, text="x", reply_markup=keys([key("a", "A"), key("b", "B")]))
        late = "query is too old and response timeout expired or query ID is invalid"
        tap = ann.tap(chat.messages[0], "B")
        (update,) = await bot("getUpdates")
        query = update["callback_query"]
        assert (query["id"], query["data"], query["message"]["text"]) == (tap.id, "b", "x")
        assert await bot.refusal("answerCallbackQuery", callback_query_id="1") == late
        long = await bot.refusal("answerCallbackQuery", callback_query_id=tap.id, text="x" * 201)
        assert long == "MESSAGE_TOO_LONG"
        await bot("answerCallbackQuery", callback_query_id=tap.id, text="ok")
        assert await bot.refusal("answerCallbackQuery", callback_query_id=tap.id) == late
        tap = ann.tap(chat.messages[0], "a")
        now[0] += 15.1
        assert await bot.refusal("answerCallbackQuery", callback_query_id=tap.id) == late


async def test_only_known_reactions_and_one_at_a_time(server: BotApiServer, bot: RawBot) -> None:
    ann = server.person()
    said = ann.say("x", server.private_chat(ann))
    target: dict[str, object] = {"chat_id": ann.id, "message_id": said.id}
    thumb = {"type": "emoji", "emoji": "👍"}
    await bot("setMessageReaction", **target, reaction=[thumb])
    assert said.reactions == {42: ("👍",)}
    assert await bot.refusal("setMessageReaction", **target, reaction=[thumb, thumb]) == "REACTIONS_TOO_MANY"
    wrong = [{"type": "emoji", "emoji": "🦀"}]
    assert await bot.refusal("setMessageReaction", **target, reaction=wrong) == "REACTION_INVALID"
    await bot("setMessageReaction", **target, reaction=[])
    assert said.reactions == {}
    gone = {"chat_id": ann.id, "message_id": 99, "reaction": [thumb]}
    assert await bot.refusal("setMessageReaction", **gone) == "message to react not found"


@pytest.mark.parametrize(
    ("commands", "complaint"),
    [
        ([{"command": "Run", "description": "x"}], "BOT_COMMAND_INVALID"),
        ([{"command": "x" * 33, "description": "x"}], "BOT_COMMAND_INVALID"),
        ([{"command": "run", "description": ""}], "BOT_COMMAND_DESCRIPTION_INVALID"),
        ([{"command": "run", "description": "x" * 257}], "BOT_COMMAND_DESCRIPTION_INVALID"),
        ([{"command": "run", "description": "x"}] * 101, "BOT_COMMANDS_TOO_MUCH"),
        (["run"], "can't parse BotCommand: expected an Object"),
    ],
)
async def test_a_menu_telegram_would_refuse(bot: RawBot, commands: list[object], complaint: str) -> None:
    assert await bot.refusal("setMyCommands", commands=commands) == complaint


async def test_a_menu_belongs_to_its_scope(bot: RawBot, chat_id: int) -> None:
    scope = {"type": "chat", "chat_id": chat_id}
    await bot("setMyCommands", commands=[{"command": "/run", "description": "Go"}], scope=scope)
    assert await bot("getMyCommands", scope=scope) == [{"command": "run", "description": "Go"}]
    assert await bot("getMyCommands") == []
    assert (
        await bot.refusal("setMyCommands", commands=[], scope={"type": "chat", "chat_id": 9})
        == "chat not found"
    )
    assert "Unsupported type" in await bot.refusal("setMyCommands", commands=[], scope={"type": "all"})


async def test_the_bots_own_texts_have_lengths(bot: RawBot) -> None:
    assert await bot.refusal("setMyDescription", description="x" * 513) == "BOT_DESCRIPTION_TOO_LONG"
    too_long = await bot.refusal("setMyShortDescription", short_description="x" * 121)
    assert too_long == "BOT_SHORT_DESCRIPTION_TOO_LONG"


async def test_who_may_not_be_written_to(server: BotApiServer, bot: RawBot) -> None:
    ann, ben = server.person(), server.person()
    chat = server.private_chat(ann)
    server.private_chat(ben, started=False)
    ann.block()
    refused = await bot.failure("sendMessage", chat_id=chat.id, text="x")
    assert refused.message == "Forbidden: bot was blocked by the user"
    ann.say("back")
    await bot("sendMessage", chat_id=chat.id, text="x")
    refused = await bot.failure("sendMessage", chat_id=ben.id, text="x")
    assert refused.message == "Forbidden: bot can't initiate conversation with a user"
    group = server.group("G", [ann], bots=[])
    refused = await bot.failure("sendMessage", chat_id=group.id, text="x")
    assert refused.message == "Forbidden: bot is not a member of the supergroup chat"
    kinds = [next(kind for kind in update if kind != "update_id") for update in await bot("getUpdates")]
    assert kinds == ["my_chat_member", "my_chat_member", "message"]


async def test_a_topic_must_be_there(server: BotApiServer, bot: RawBot) -> None:
    ann = server.person()
    plain, forum = server.group("G", [ann]), server.group("F", [ann], forum=True, admin=True)
    assert await bot.refusal("createForumTopic", chat_id=plain.id, name="t") == "the chat is not a forum"
    topic = (await bot("createForumTopic", chat_id=forum.id, name="t"))["message_thread_id"]
    await bot("sendMessage", chat_id=forum.id, text="x", message_thread_id=topic)
    assert [message.thread_id for message in forum.from_bot()] == [topic]
    missing = "message thread not found"
    assert await bot.refusal("sendMessage", chat_id=forum.id, text="x", message_thread_id=99) == missing


async def test_topics_need_rights_and_are_closed_edited_and_deleted(
    server: BotApiServer, bot: RawBot, chat_id: int
) -> None:
    ann = server.person()
    powerless = server.group("P", [ann], forum=True)
    assert await bot.refusal("createForumTopic", chat_id=powerless.id, name="t") == (
        "not enough rights to create a topic"
    )
    assert await bot.refusal("createForumTopic", chat_id=chat_id, name="t") == "the chat is not a forum"
    forum = server.group("F", [ann], forum=True, admin=True)
    topic = (await bot("createForumTopic", chat_id=forum.id, name="t"))["message_thread_id"]
    about = {"chat_id": forum.id, "message_thread_id": topic}
    icons = await bot("getForumTopicIconStickers")
    await bot("editForumTopic", name="greet", icon_custom_emoji_id=icons[0]["custom_emoji_id"], **about)
    assert forum.topics[topic].name == "greet"
    assert await bot.refusal("editForumTopic", name="greet", **about) == "TOPIC_NOT_MODIFIED"
    assert await bot.refusal("editForumTopic", icon_custom_emoji_id="1", **about) == "DOCUMENT_INVALID"
    await bot("closeForumTopic", **about)
    assert await bot.refusal("closeForumTopic", **about) == "TOPIC_NOT_MODIFIED"
    await bot("sendMessage", text="an admin may", **about)
    own = next(iter(server.world.bots.values()))
    forum.members[own.user.id] = MemberStatus.MEMBER
    assert await bot.refusal("sendMessage", text="x", **about) == "TOPIC_CLOSED"
    assert await bot.refusal("reopenForumTopic", **about) == "not enough rights to manage topics"
    forum.members[own.user.id] = MemberStatus.ADMINISTRATOR
    await bot("reopenForumTopic", **about)
    await bot("deleteForumTopic", **about)
    assert await bot.refusal("closeForumTopic", **about) == "TOPIC_ID_INVALID"
    assert await bot.refusal("sendMessage", text="x", **about) == "message thread not found"
    own.has_topics = True
    assert (await bot("getMe"))["has_topics_enabled"]
    private = (await bot("createForumTopic", chat_id=chat_id, name="t"))["message_thread_id"]
    await bot("sendMessage", chat_id=chat_id, text="x", message_thread_id=private)


async def test_what_is_typed_in_a_topic_names_its_beginning(server: BotApiServer, bot: RawBot) -> None:
    ann = server.person()
    forum = server.group("F", [ann], forum=True, admin=True)
    topic = (await bot("createForumTopic", chat_id=forum.id, name="t"))["message_thread_id"]
    ann.say("/status@samo_test_bot", forum, thread_id=topic)
    message = (await bot("getUpdates"))[-1]["message"]
    assert (message["message_thread_id"], message["is_topic_message"]) == (topic, True)
    assert message["reply_to_message"]["forum_topic_created"]["name"] == "t"


async def test_drafts_and_actions_are_checked(server: BotApiServer, bot: RawBot, chat_id: int) -> None:
    group = server.group("G", [server.person()])
    await bot("sendMessageDraft", chat_id=chat_id, draft_id=1, text="")
    assert "draft" in await bot.refusal("sendMessageDraft", chat_id=chat_id, draft_id=0, text="x")
    assert "private chats" in await bot.refusal("sendMessageDraft", chat_id=group.id, draft_id=1, text="x")
    refused = await bot.refusal("sendChatAction", chat_id=chat_id, action="dancing")
    assert refused == "wrong parameter action in request"


JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffc0001108000a00140301220002110103110100ffd9")
GIF = b"GIF89a" + (20).to_bytes(2, "little") + (10).to_bytes(2, "little")
WEBP = b"RIFF\0\0\0\0WEBPVP8X" + bytes(8) + (19).to_bytes(3, "little") + (9).to_bytes(3, "little")


async def photo(bot: RawBot, chat_id: int, data: bytes) -> Any:
    answer = await bot.http.post("/sendPhoto", data={"chat_id": chat_id}, files={"photo": ("p.jpg", data)})
    return answer.json()


@pytest.mark.parametrize("data", [JPEG, GIF, WEBP])
async def test_a_picture_has_its_sides(bot: RawBot, chat_id: int, data: bytes) -> None:
    (size,) = (await photo(bot, chat_id, data))["result"]["photo"]
    assert (size["width"], size["height"]) == (20, 10)


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"\xff\xd8\xff\xe0", "IMAGE_PROCESS_FAILED"),
        (b"GIF89a" + bytes(4), "IMAGE_PROCESS_FAILED"),
        (b"GIF89a" + b"\xff\xff\x01\x00", "PHOTO_INVALID_DIMENSIONS"),
        (GIF + bytes(10 * 1024 * 1024), f"file of size {10 * 1024 * 1024 + 10} bytes is too big for a photo"),
    ],
)
async def test_a_picture_telegram_would_refuse(
    bot: RawBot, chat_id: int, data: bytes, complaint: str
) -> None:
    assert (await photo(bot, chat_id, data))["description"] == f"Bad Request: {complaint}"


async def album(bot: RawBot, chat_id: int, *items: object) -> Any:
    media = json.dumps(items)
    uploads = {f"p{number}": ("p.jpg", JPEG) for number in range(11) if f'/p{number}"' in media}
    data = {"chat_id": str(chat_id), "media": media}
    return (await bot.http.post("/sendMediaGroup", data=data, files=uploads)).json()


def item(number: int, **more: str) -> dict[str, str]:
    return {"type": "photo", "media": f"attach://p{number}", **more}


async def test_an_album_is_several_messages_of_one_group(bot: RawBot, chat_id: int) -> None:
    first, second = (await album(bot, chat_id, item(0, caption="<b>two</b>", parse_mode="HTML"), item(1)))[
        "result"
    ]
    assert (first["caption"], first["caption_entities"][0]["type"]) == ("two", "bold")
    assert "caption" not in second
    assert first["media_group_id"] == second["media_group_id"]
    assert first["message_id"] < second["message_id"]
    assert all(message["photo"] for message in (first, second))


@pytest.mark.parametrize(
    ("items", "complaint"),
    [
        ([item(0)], "2 to 10 items"),
        ([item(number) for number in range(11)], "2 to 10 items"),
        ([item(0), item(1) | {"type": "document"}], "can't be mixed"),
        ([item(0), item(1) | {"type": "video"}], "plays only"),
        ([item(0), item(99)], "there is no media"),
        ([item(0), item(1, caption="x" * 1025)], "caption is too long"),
        ([item(0), item(1, words="x")], "unknown field"),
        ([item(0), "x"], "array of InputMedia expected"),
    ],
)
async def test_an_album_that_is_refused_sends_nothing(
    server: BotApiServer, bot: RawBot, chat_id: int, items: list[object], complaint: str
) -> None:
    assert complaint in (await album(bot, chat_id, *items))["description"]
    assert server.world.chats[-1].from_bot() == []


async def test_a_document_is_not_a_photo_and_an_address_is_not_fetched(bot: RawBot, chat_id: int) -> None:
    answer = await bot.http.post(
        "/sendDocument", data={"chat_id": chat_id}, files={"document": ("a.txt", b"x")}
    )
    file_id = answer.json()["result"]["document"]["file_id"]
    refused = await bot.refusal("sendPhoto", chat_id=chat_id, photo=file_id)
    assert refused == "can't use file of type Document as Photo"
    refused = await bot.refusal("sendDocument", chat_id=chat_id, document="https://example.org/a.txt")
    assert refused == "failed to get HTTP URL content"
    wrong = "wrong file identifier/HTTP URL specified"
    assert await bot.refusal("sendDocument", chat_id=chat_id, document="nothing") == wrong
    assert await bot.refusal("sendDocument", chat_id=chat_id) == "there is no document in the request"


async def test_a_file_beyond_50_mb_is_too_large(server: BotApiServer, bot: RawBot, chat_id: int) -> None:
    for size, status in ((50 * 1024 * 1024, 200), (50 * 1024 * 1024 + 1, 413), (52 * 1024 * 1024, 413)):
        files = {"document": ("big.bin", bytes(size))}
        answer = await bot.http.post("/sendDocument", data={"chat_id": chat_id}, files=files)
        assert answer.status_code == status
    (sent,) = server.world.chats[0].messages
    assert sent.file is not None
    assert await bot.refusal("getFile", file_id=sent.file.id) == "file is too big"


async def test_a_quote_must_be_in_what_it_quotes(server: BotApiServer, bot: RawBot) -> None:
    ann = server.person()
    said = ann.say("one two three", server.private_chat(ann))
    quoting: dict[str, object] = {"message_id": said.id, "quote": "two"}
    sent = await bot("sendMessage", chat_id=ann.id, text="x", reply_parameters=quoting)
    assert sent["quote"]["text"] == "two"
    quoting["quote"] = "four"
    assert (
        await bot.refusal("sendMessage", chat_id=ann.id, text="x", reply_parameters=quoting)
        == "QUOTE_TEXT_INVALID"
    )


async def test_only_admins_pin_in_groups(server: BotApiServer, bot: RawBot, chat_id: int) -> None:
    group = server.group("G", [server.person()])
    for chat, taken in ((server.world.chats[0], True), (group, False)):
        sent = await bot("sendMessage", chat_id=chat.id, text="x")
        target = {"chat_id": chat.id, "message_id": sent["message_id"]}
        if taken:
            await bot("pinChatMessage", **target)
            assert chat.pinned == [sent["message_id"]]
            await bot("deleteMessage", **target)
            assert chat.pinned == []
        else:
            refused = await bot.refusal("pinChatMessage", **target)
            assert refused == "not enough rights to manage pinned messages in the chat"
