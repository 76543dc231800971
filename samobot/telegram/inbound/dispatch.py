"""Dispatches updates: to a command, a callback query or plain text; errors become one line."""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

from telegram import CallbackQuery, Message, Update

from samobot.fleet.request_scope import request_scope
from samobot.session.gate import Person
from samobot.telegram.handlers.callbacks import (
    TAP_WITH_FILES,
    carry_out_in_background,
    handle_callback,
    tapped_button,
)
from samobot.telegram.handlers.chat_request import ChatRequest, ParsedCommand, parse_command
from samobot.telegram.handlers.command_table import find_command, unknown
from samobot.telegram.handlers.context import HandlerContext, choice
from samobot.telegram.handlers.edits import MessageUse, find_use, report_too_late, withdraw_offers
from samobot.telegram.handlers.free_text import handle_text
from samobot.telegram.handlers.message_files import MESSAGE, handle_with_files
from samobot.telegram.handlers.prompts import bind_prompt, close_prompt
from samobot.telegram.handlers.status_handlers import place_of
from samobot.telegram.inbound.message_content import (
    PART,
    SETTLE_SECONDS,
    MessageContent,
    MessagePart,
    PartCollector,
    read_content,
)
from samobot.telegram.inbound.message_subjects import MessageSubjects
from samobot.telegram.inbound.update_handling import is_outdated
from samobot.telegram.markup.html import code
from samobot.telegram.markup.rich_text import escape
from samobot.telegram.outbound.downloads import FileDownloadError, is_too_large, too_large_text
from samobot.telegram.views.actions import Action, ActionKind
from samobot.telegram.views.buttons import rows
from samobot.telegram.views.wording import time_of
from samobot.text import one_line

log = logging.getLogger(__name__)

VIA = "telegram"


class UpdateDispatcher:
    """Dispatches every allowed update to its handler.

    Args:
        context: What handlers share.
        username: Returns the bot's username, without `@`; known before an update is handled.
        settle_seconds: How long to wait for a further part of an album or a long text.
    """

    def __init__(
        self,
        context: HandlerContext,
        username: Callable[[], str | None],
        *,
        settle_seconds: float = SETTLE_SECONDS,
    ) -> None:
        self._context = context
        self._username = username
        self._subjects = MessageSubjects(context.store, self._is_me)
        self._parts = PartCollector(context.store, self._on_request, settle_seconds=settle_seconds)

    def on_update(self, update: Update) -> Awaitable[None]:
        """Handle an update; errors are reported."""
        if update.callback_query is not None:
            return self._on_tap(update.update_id, update.callback_query)
        if update.edited_message is not None:
            return self._on_edit(update, update.edited_message)
        return self._on_message(update)

    async def resume_unfinished(self) -> None:
        """Repeat the background work that was not finished when the bot last died."""
        for name, request in self._context.background.unfinished():
            command = find_command(name)
            if name == PART:
                self._parts.add_noted(request)
            elif self._context.background.is_running(request):
                continue
            elif name == MESSAGE:
                self._handle_files(request)
            elif name == TAP_WITH_FILES:
                carry_out_in_background(self._context, request)
            elif command is None:
                self._context.background.mark_finished(request)
            else:
                log.info("resumed: /%s of %s", name, request.key)
                with self._reporting(request):
                    await command.handler(self._context, request)
                if not self._context.background.is_running(request):
                    self._context.background.mark_finished(request)

    async def finish(self) -> None:
        """Handle what was collected without waiting for more, as at the end of the bot."""
        await self._parts.flush()

    def close(self) -> None:
        """Wait for nothing more; what was collected is handled at the next start."""
        self._parts.close()

    async def _on_tap(self, update_id: int, query: CallbackQuery) -> None:
        message = query.message
        if message is None or query.data is None:
            return
        chat_id = message.chat.id
        sent = self._context.store.sent.find(chat_id, message.message_id)
        thread_id = message.message_thread_id if isinstance(message, Message) else None
        request = ChatRequest(
            key=f"tap{update_id}",
            chat_id=chat_id,
            message_id=message.message_id,
            thread_id=thread_id if isinstance(message, Message) and message.is_topic_message else None,
            user_id=query.from_user.id,
            person=Person(_name(query.from_user.first_name), VIA),
            about=sent.about if sent is not None else None,
            query_id=query.id,
            forum=bool(message.chat.is_forum),
        )
        try:
            with request_scope(request.id):
                await handle_callback(self._context, request, query.data, tapped_button(message, query.data))
        except Exception as error:
            self._context.fail(request, error)

    async def _on_message(self, update: Update) -> None:
        message = update.message
        if message is None:
            return
        content = read_content(message)
        request = self._read(update, message, content)
        if request is None:
            return
        if content.unusable:
            if request.addressed:
                self._context.reply(request, _unusable_text(content.unusable), part="hint")
            return
        part = MessagePart(request, message.date, message.media_group_id, self._is_command(request))
        with self._reporting(request):
            if not await self._parts.take(part):
                await self._on_request(request)

    async def _on_edit(self, update: Update, message: Message) -> None:
        """Handle an edited message; Telegram also reports edits that change no text, such as a link's preview."""
        content = read_content(message)
        request = self._read(update, message, content)
        if request is not None:
            with self._reporting(request):
                await self._on_edited(update, message, request, content)

    async def _on_edited(
        self, update: Update, message: Message, request: ChatRequest, content: MessageContent
    ) -> None:
        if self._parts.replace(request):
            return
        chat_id, number = request.chat_id, request.message_id
        before = self._context.store.updates.text_before(update.update_id, chat_id, number)
        if before == content.text:
            return
        edited = message.edit_date or message.date
        request = replace(request, key=f"{request.key}e{int(edited.timestamp())}")
        typed = parse_command(before or "")
        command = find_command(typed.name) if typed is not None else None
        use = find_use(self._context, request)
        if (
            before is None
            or use is MessageUse.USED
            or (command is not None and command.acts and use is MessageUse.NONE)
        ):
            if request.addressed or typed is not None:
                await report_too_late(self._context, request)
            return
        withdraw_offers(self._context, request)
        await self._on_request(request)

    def _read(self, update: Update, message: Message, content: MessageContent) -> ChatRequest | None:
        user = message.from_user
        if user is None or content.is_empty:
            return None
        about = self._subjects.of(message)
        text, mentioned = self._without_mention(content.text)
        return ChatRequest(
            key=f"message{message.message_id}",
            chat_id=message.chat.id,
            message_id=message.message_id,
            thread_id=message.message_thread_id if message.is_topic_message else None,
            user_id=user.id,
            person=Person(_name(user.first_name), VIA),
            text=text,
            about=about,
            old=is_outdated(update, self._context.now()),
            files=content.files,
            quote=content.quote,
            forwarded_from=content.forwarded_from,
            # A forwarded message cannot mention the bot.
            addressed=message.chat.id > 0
            or about is not None
            or mentioned
            or content.forwarded_from is not None,
            sent_at=message.date.timestamp(),
            forum=bool(message.chat.is_forum),
        )

    async def _on_request(self, request: ChatRequest) -> None:
        """Handle a whole message."""
        typed = parse_command(request.text) if request.forwarded_from is None else None
        if typed is not None and typed.bot is not None and not self._is_me(typed.bot):
            return
        if typed is None and not request.addressed:
            return
        with self._reporting(request):
            left = self._without_large_files(request)
            if left is None:
                return
            if left.files:
                self._handle_files(left)
            else:
                await self._handle(left, typed)

    def _handle_files(self, request: ChatRequest) -> None:
        """Handle a message with files in the background: fetching them may take minutes."""
        if request.forwarded_from is None and parse_command(request.text) is None:
            request = bind_prompt(self._context, request)

        async def handle() -> None:
            with self._reporting(request):
                await self._handle(request, None)

        self._context.background.run(request, MESSAGE, handle_with_files(self._context, request, handle))

    async def _handle(self, request: ChatRequest, typed: ParsedCommand | None) -> None:
        typed = typed or (parse_command(request.text) if request.forwarded_from is None else None)
        if typed is None:
            await handle_text(self._context, request)
            return
        close_prompt(self._context, request)  # a command means that the prompt is not being answered
        command = find_command(typed.name)
        asked = request.with_text(typed.rest)
        if command is None:
            if request.addressed or typed.bot is not None:
                unknown(self._context, asked, typed.name)
        elif request.old and command.acts:
            self._confirm(asked, typed, request)
        else:
            await command.handler(self._context, asked)

    def _is_command(self, request: ChatRequest) -> bool:
        typed = parse_command(request.text)
        return typed is not None and find_command(typed.name) is not None

    def _is_me(self, username: str) -> bool:
        return username.casefold() == (self._username() or "").casefold()

    def _without_mention(self, text: str) -> tuple[str, bool]:
        """Take the bot's `@name` out of a text, and report whether it was there."""
        name = self._username() if "@" in text else None
        if not name:
            return text, False
        pattern = re.compile(rf"(?<!\S)@{re.escape(name)}\b[,:]?\s*", re.IGNORECASE)
        return (pattern.sub("", text).strip(), True) if pattern.search(text) else (text, False)

    def _without_large_files(self, request: ChatRequest) -> ChatRequest | None:
        """Report files that Telegram will not let the bot have; None if nothing else is left of the message."""
        large = [file for file in request.files if is_too_large(file)]
        if not large:
            return request
        kept = tuple(file for file in request.files if file not in large)
        lines = [f"📎 {escape(too_large_text(file))}" for file in large]
        self._context.reply(request.without_files(), "\n".join(lines), part="large")
        left = replace(request, files=kept)
        return left if kept or left.text else None

    @contextlib.contextmanager
    def _reporting(self, request: ChatRequest) -> Iterator[None]:
        """Report what goes wrong with a message to its user, so that it is not set aside as unexplained."""
        try:
            with request_scope(request.id):
                yield
        except FileDownloadError:
            raise
        except Exception as error:
            self._context.fail(request, error)

    def _confirm(self, request: ChatRequest, typed: ParsedCommand, message: ChatRequest) -> None:
        """Ask for confirmation of an old command."""
        again = Action(
            do=ActionKind.RUN_STALE, session=request.session, command=typed.name, text=request.text or None
        )
        sent = datetime.fromtimestamp(message.sent_at, UTC)
        at = time_of(sent, place_of(self._context, request), self._context.now())
        self._context.reply(
            request,
            f"I was away. {code(one_line(message.text, 100))} is from {escape(at)}; do it now?",
            buttons=rows(choice("Do it now", again), choice("No", Action(do=ActionKind.CANCEL))),
            part="old",
        )


def _unusable_text(what: str) -> str:
    return f"I can't use {what}. Send text, a photo, a file or a voice message."


def _name(first_name: str) -> str:
    return one_line(first_name, 64) or "somebody"
