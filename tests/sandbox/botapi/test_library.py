"""The server as python-telegram-bot 22.8 sees it: its real calls pass, its objects parse."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator

import pytest
from telegram import (
    Bot,
    BotCommand,
    BotCommandScopeChat,
    CopyTextButton,
    ForceReply,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputFile,
    LinkPreviewOptions,
    MenuButtonCommands,
    MessageEntity,
    ReplyParameters,
    Update,
)
from telegram.constants import ChatAction, ParseMode
from telegram.error import BadRequest, Conflict, Forbidden, InvalidToken, NetworkError, RetryAfter, TimedOut

from samobot.sandbox.botapi.faults import FaultKind
from samobot.sandbox.botapi.methods import METHODS
from samobot.sandbox.botapi.server import BotApiServer
from tests.support.telegram import TOKEN

PNG = bytes.fromhex("89504e470d0a1a0a0000000d4948445200000064000000320802000000")

# Arguments of the library that never reach the wire under their own name.
LOCAL = {
    "self", "read_timeout", "write_timeout", "connect_timeout", "pool_timeout", "api_kwargs", "filename",
    "reply_to_message_id", "allow_sending_without_reply", "disable_web_page_preview",
}  # fmt: skip


@pytest.fixture
async def library(server: BotApiServer) -> AsyncIterator[Bot]:
    bot = Bot(TOKEN, base_url=f"{server.url}/bot", base_file_url=f"{server.url}/file/bot")
    async with bot:
        yield bot


def test_every_parameter_that_the_library_knows_is_known() -> None:
    for method in METHODS.values():
        call = getattr(Bot, method.name)
        taken = set(inspect.signature(call).parameters) - LOCAL
        if method.name == "sendMediaGroup":
            taken -= {"caption", "caption_entities", "parse_mode"}  # which it writes into the first item
        assert taken <= method.parameters, method.name


async def test_a_conversation(server: BotApiServer, library: Bot) -> None:
    ann = server.person("Ann")
    chat = server.private_chat(ann)
    assert library.username == "samo_bot"
    ann.start("invite")
    (update,) = await library.get_updates(timeout=5, allowed_updates=Update.ALL_TYPES)
    assert update.message is not None
    assert update.message.parse_entities() == {MessageEntity("bot_command", 0, 6): "/start"}
    assert update.message.from_user is not None
    assert update.message.from_user.id == ann.id == chat.id

    keyboard = InlineKeyboardMarkup(
        [
            [
                InlineKeyboardButton("A", callback_data="a"),
                InlineKeyboardButton("Docs", url="https://example.org/x"),
            ],
            [InlineKeyboardButton("Copy", copy_text=CopyTextButton("text"))],
        ]
    )
    sent = await library.send_message(
        chat.id,
        "<b>Hello</b> &amp; <pre><code class='language-py'>x &lt; 1</code></pre>",
        parse_mode=ParseMode.HTML,
        reply_parameters=ReplyParameters(update.message.message_id, allow_sending_without_reply=True),
        link_preview_options=LinkPreviewOptions(is_disabled=True),
        reply_markup=keyboard,
        disable_notification=True,
    )
    shown = await chat.wait_for()
    assert sent.text == shown.text
    assert shown.html == '<b>Hello</b> &amp; <pre><code class="language-py">x &lt; 1</code></pre>'
    assert (shown.text, shown.labels, shown.silent) == ("Hello & x < 1", ["A", "Docs", "Copy"], True)
    assert sent.reply_to_message is not None
    assert sent.reply_markup == keyboard

    tap = ann.tap(shown, "A")
    (update,) = await library.get_updates(offset=update.update_id + 1, timeout=5)
    assert update.callback_query is not None
    assert update.callback_query.data == "a"
    assert await update.callback_query.answer("saved", show_alert=True)
    answer = await server.answer_of(tap)
    assert (answer.text, answer.show_alert) == ("saved", True)
    await update.callback_query.edit_message_text("done")
    assert (shown.text, shown.labels, shown.edited) == ("done", [], True)
    with pytest.raises(BadRequest, match="not modified"):
        await sent.edit_text("done")

    ann.react(shown, "👍")
    assert await library.set_message_reaction(chat.id, 1, "👌")
    (update,) = await library.get_updates(offset=update.update_id + 1, timeout=5)
    assert update.message_reaction is not None
    asked = await library.send_message(
        chat.id, "Which?", reply_markup=ForceReply(input_field_placeholder="Type")
    )
    ann.reply(chat.by_id[asked.message_id], "B")
    (update,) = await library.get_updates(offset=update.update_id + 1, timeout=5)
    assert update.message is not None
    assert update.message.reply_to_message == asked
    assert not server.calls.of("sendMessage")[0].unknown
    assert len(server.calls.rejected()) == 1


async def test_files_and_pictures(server: BotApiServer, library: Bot) -> None:
    ann = server.person("Ann")
    chat = server.private_chat(ann)
    sent = await library.send_document(
        chat.id, InputFile(b"# Plan", "plan.md"), caption="<i>p</i>", parse_mode="HTML"
    )
    assert sent.document is not None
    assert bytes(await (await sent.document.get_file()).download_as_bytearray()) == b"# Plan"
    assert sent.caption_html == "<i>p</i>"
    await sent.edit_caption("new")
    assert chat.messages[-1].text == "new"
    picture = await library.send_photo(chat.id, PNG)
    assert [(size.width, size.height) for size in picture.photo] == [(100, 50)]
    with pytest.raises(BadRequest, match="Image_process_failed"):
        await library.send_photo(chat.id, b"text")
    ann.send_file(b"log", "run.log", "see")
    (update,) = await library.get_updates()
    assert update.message is not None
    assert update.message.document is not None
    assert update.message.document.file_name == "run.log"


async def test_remaining_methods(server: BotApiServer, library: Bot) -> None:
    ann, ben = server.person("Ann"), server.person("Ben")
    chat = server.private_chat(ann)
    forum = server.group("Team", [ann, ben], forum=True, admin=True)
    commands = [BotCommand("run", "Start a session"), BotCommand("stop", "Stop now")]
    await library.set_my_commands(commands, BotCommandScopeChat(chat.id))
    assert await library.get_my_commands(BotCommandScopeChat(chat.id)) == tuple(commands)
    assert await library.get_my_commands() == ()
    await library.delete_my_commands(BotCommandScopeChat(chat.id))
    assert await library.get_my_commands(BotCommandScopeChat(chat.id)) == ()
    await library.set_my_description("Runs things")
    assert (await library.get_my_description()).description == "Runs things"
    await library.set_my_short_description("Short")
    assert (await library.get_my_short_description()).short_description == "Short"
    assert (await library.get_my_name()).name == "samo_bot"
    await library.set_chat_menu_button(chat.id, MenuButtonCommands())
    assert await library.get_chat_menu_button(chat.id) == MenuButtonCommands()
    assert (await library.get_chat(forum.id)).is_forum
    assert (await library.get_chat_member(forum.id, ann.id)).status == "creator"
    assert (await library.get_chat_member(forum.id, 42)).status == "administrator"
    assert (await library.get_chat_member(forum.id, ben.id)).status == "member"
    topic = await library.create_forum_topic(forum.id, "greet")
    sent = await library.send_message(forum.id, "in a topic", message_thread_id=topic.message_thread_id)
    assert sent.is_topic_message
    await library.pin_chat_message(forum.id, sent.message_id, disable_notification=True)
    assert forum.pinned == [sent.message_id]
    assert (await library.get_chat(forum.id)).pinned_message == sent
    await library.unpin_chat_message(forum.id, sent.message_id)
    await library.unpin_all_chat_messages(forum.id)
    assert forum.pinned == []
    await library.send_chat_action(chat.id, ChatAction.TYPING)
    await library.send_message_draft(chat.id, 7, "thinking")
    await library.delete_message(forum.id, sent.message_id)
    await library.delete_messages(forum.id, [topic.message_thread_id])
    assert len(forum.messages) == 1
    info = await library.get_webhook_info()
    assert (info.url, info.pending_update_count) == ("", 0)
    await library.delete_webhook(drop_pending_updates=True)
    with pytest.raises(BadRequest):
        await library.log_out()
    with pytest.raises(RetryAfter):
        await library.close()
    assert server.calls.rejected() == server.calls.of("logOut")


async def test_each_fault_is_the_librarys_own_error(server: BotApiServer, library: Bot) -> None:
    chat = server.private_chat(server.person())
    errors = {
        FaultKind.RATE_LIMIT: RetryAfter,
        FaultKind.UNAUTHORIZED: InvalidToken,
        FaultKind.FORBIDDEN: Forbidden,
        FaultKind.CONFLICT: Conflict,
        FaultKind.BAD_REQUEST: BadRequest,
        FaultKind.BAD_GATEWAY: NetworkError,
        FaultKind.RESET: NetworkError,
    }
    for kind, error in errors.items():
        server.fault(kind, "sendMessage")
        with pytest.raises(error):
            await library.send_message(chat.id, "x")
    server.fault(FaultKind.HANG, "sendMessage")
    with pytest.raises(TimedOut):
        await library.send_message(chat.id, "x", read_timeout=0.05)
    # The caller may have given up before the server read its request, which the fault is meant for.
    await server.wait_until(lambda: len(server.calls.of("sendMessage")) == len(errors) + 1)
    await library.send_message(chat.id, "x")
    assert len(chat.messages) == 1
