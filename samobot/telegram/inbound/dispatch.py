"""Dispatches updates: to a command, a callback query or plain text; errors become one line."""

from __future__ import annotations

import logging
from collections.abc import Callable

from telegram import CallbackQuery, Message, Update

from samobot.session.gate import Person
from samobot.telegram.handlers.callbacks import handle_callback, tapped_button
from samobot.telegram.handlers.command_table import Command, find_command, unknown
from samobot.telegram.handlers.context import ChatRequest, HandlerContext, choice
from samobot.telegram.handlers.free_text import handle_text
from samobot.telegram.handlers.parsing import ParsedCommand, parse_command
from samobot.telegram.handlers.prompts import close_prompt
from samobot.telegram.handlers.status_handlers import place_of
from samobot.telegram.inbound.polling import is_outdated
from samobot.telegram.markup.html import code
from samobot.telegram.markup.rich_text import escape
from samobot.telegram.store.sent import MessageSubject
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
    """

    def __init__(self, context: HandlerContext, username: Callable[[], str | None]) -> None:
        self._context = context
        self._username = username

    async def on_update(self, update: Update) -> None:
        """Handle an update; errors are reported."""
        if update.callback_query is not None:
            await self._on_tap(update.update_id, update.callback_query)
        elif update.message is not None:
            await self._on_message(update, update.message)

    async def take_up(self) -> None:
        """Repeat the background work that was not finished when the bot last died."""
        for name, request in self._context.unfinished_commands():
            command = find_command(name)
            if command is None:
                self._context.mark_finished(request)
                continue
            log.info("taken up again: /%s of %s", name, request.key)
            await self._guarded(request, command)
            if not self._context.is_running(request):
                self._context.mark_finished(request)

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
        )
        try:
            await handle_callback(self._context, request, query.data, tapped_button(message, query.data))
        except Exception as error:
            self._context.fail(request, error)

    async def _on_message(self, update: Update, message: Message) -> None:
        user = message.from_user
        if user is None:
            return
        request = ChatRequest(
            key=f"message{message.message_id}",
            chat_id=message.chat.id,
            message_id=message.message_id,
            thread_id=message.message_thread_id if message.is_topic_message else None,
            user_id=user.id,
            person=Person(_name(user.first_name), VIA),
            text=message.text or "",
            about=self._about(message),
            old=is_outdated(update, self._context.now()),
        )
        if message.text is None:
            if message.chat.id > 0 and message.effective_attachment is not None:
                self._context.reply(request, "Only text is read here so far.", part="hint")
            return
        typed = parse_command(message.text)
        if typed is None:
            await self._guarded(request, None)
            return
        if typed.bot is not None and typed.bot.casefold() != (self._username() or "").casefold():
            return
        close_prompt(self._context, request)  # a command means that the prompt is not being answered
        command = find_command(typed.name)
        asked = request.with_text(typed.rest)
        if command is None:
            if message.chat.id > 0 or typed.bot is not None:
                unknown(self._context, asked, typed.name)
        elif request.old and command.acts:
            self._confirm(asked, typed, message)
        else:
            await self._guarded(asked, command)

    async def _guarded(self, request: ChatRequest, command: Command | None) -> None:
        try:
            if command is None:
                await handle_text(self._context, request)
            else:
                await command.handler(self._context, request)
        except Exception as error:
            self._context.fail(request, error)

    def _about(self, message: Message) -> MessageSubject | None:
        """The subject of the bot's message that was replied to."""
        replied = message.reply_to_message
        if replied is None:
            return None
        sent = self._context.store.sent.find(message.chat.id, replied.message_id)
        return sent.about if sent is not None else self._by_buttons(replied)

    def _by_buttons(self, message: Message) -> MessageSubject | None:
        """The subject of a message whose id is unknown, from its buttons.

        Telegram may show a message without ever returning its id: then it is sent again, and the user may reply to
        the first one.
        """
        rows = message.reply_markup.inline_keyboard if message.reply_markup is not None else ()
        for button in (button for row in rows for button in row):
            data = button.callback_data
            tap = self._context.store.callbacks.peek(data) if isinstance(data, str) else None
            if tap is not None:
                return _subject(Action.model_validate(tap.action))
        return None

    def _confirm(self, request: ChatRequest, typed: ParsedCommand, message: Message) -> None:
        """Ask for confirmation of an old command."""
        again = Action(
            do=ActionKind.RUN_STALE, session=request.session, command=typed.name, text=request.text or None
        )
        at = time_of(message.date, place_of(self._context, request), self._context.now())
        self._context.reply(
            request,
            f"I was away. {code(one_line(message.text or '', 100))} is from {escape(at)}; do it now?",
            buttons=rows(choice("Do it now", again), choice("No", Action(do=ActionKind.CANCEL))),
            part="old",
        )


def _name(first_name: str) -> str:
    return one_line(first_name, 64) or "somebody"


def _subject(action: Action) -> MessageSubject | None:
    """What the message of a button is about."""
    if action.session is None:
        return None
    match action.do:
        case ActionKind.ANSWER | ActionKind.OTHER_ANSWER:
            return MessageSubject(
                action.session, "question", {"index": action.question, "identity": action.identity}
            )
        case ActionKind.APPROVE | ActionKind.REQUEST_CHANGES:
            return MessageSubject(action.session, "plan", {"sha256": action.identity})
        case _:
            return MessageSubject(action.session, "note")
