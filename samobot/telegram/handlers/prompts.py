"""Prompts: texts that a user was asked for, and the actions that they complete."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

from telegram import ForceReply

from samobot.errors import StorageError
from samobot.frozen import frozen
from samobot.telegram.handlers.chat_request import TOPIC, ChatRequest
from samobot.telegram.handlers.context import HandlerContext
from samobot.telegram.markup.html import to_plain
from samobot.telegram.store.outbox_rows import Priority
from samobot.telegram.store.sent import MessageSubject
from samobot.telegram.views.actions import Action, ActionKind

log = logging.getLogger(__name__)

PROMPT_SECONDS = 180.0
"""For how long a text that is no reply answers the last prompt."""

_ASK = "ask"
"""Kind of a prompt; its detail holds the action that the text completes, and its key."""


@frozen
class Prompt:
    """A text that was asked for.

    Attributes:
        action: What it completes.
        key: The outbox's name of the message that asked.
        text: What was asked, without formatting, if the prompt is the last one.
    """

    action: Action
    key: str
    text: str = ""


def send_prompt(
    context: HandlerContext, request: ChatRequest, html: str, action: Action, *, hint: str = ""
) -> None:
    """Ask for a text. What the user writes next, or in reply, completes the action.

    Args:
        context: What handlers share.
        request: What led to it.
        html: The question.
        action: What the text is for.
        hint: Shown in the empty field, up to 64 characters.
    """
    key = f"ask:{request.key}"
    if request.files:
        action = action.model_copy(update={"files": (*(action.files or ()), *request.files)})
    subject = prompt_subject(Prompt(action, key))
    context.store.prompts.set(request.chat_id, request.user_id, subject.detail["action"], key, to_plain(html))
    by_message = request.query_id is None
    in_group = request.chat_id < 0
    context.outbox.post(
        request.chat_id,
        html,
        key=key,
        about=subject,
        priority=Priority.RECEIPT,
        markup=ForceReply(
            selective=by_message and in_group, input_field_placeholder=hint[:64] or None
        ).to_dict(),
        thread_id=request.thread_id,
        reply_to=request.message_id if by_message and in_group else None,
    )


def find_prompt(context: HandlerContext, request: ChatRequest) -> Prompt | None:
    """Find the prompt that a message answers: the one it replies to, or the last one.

    In a group only a reply counts, or what is typed in the topic of the session that it is about.
    """
    about = request.about
    if about is not None and about.kind != TOPIC:
        return _prompt(about.detail) if about.kind == _ASK else None
    if about is None and request.chat_id < 0:
        return None
    prompt = context.store.prompts.get(request.chat_id, request.user_id)
    if prompt is None or context.store.clock() - prompt.at > PROMPT_SECONDS:
        return None
    action = Action.model_validate(prompt.action)
    if about is not None and action.session != about.session:
        return None  # it was asked in another topic
    return Prompt(action, prompt.message_key, prompt.text)


def bind_prompt(context: HandlerContext, request: ChatRequest) -> ChatRequest:
    """Make a message the reply to the prompt that it answers, and close that; for one that is handled later."""
    said = request.about is None or request.about.kind == TOPIC
    prompt = find_prompt(context, request) if said else None
    if prompt is None:
        return request
    context.store.prompts.drop(request.chat_id, request.user_id)
    return replace(request, about=prompt_subject(prompt))


def prompt_subject(prompt: Prompt) -> MessageSubject:
    """The subject of a prompt's message: a reply to it completes the prompt."""
    detail = {"action": prompt.action.model_dump(exclude_none=True, mode="json"), "key": prompt.key}
    return MessageSubject(prompt.action.session, _ASK, detail)


def close_prompt(context: HandlerContext, request: ChatRequest) -> None:
    """Close the user's open prompt, unless this request has sent it."""
    try:
        prompt = context.store.prompts.get(request.chat_id, request.user_id)
        if prompt is not None and prompt.message_key != f"ask:{request.key}":
            context.store.prompts.drop(request.chat_id, request.user_id)
    except StorageError as error:  # a full disk must not keep from what was asked for instead
        log.error("what was asked stays open: %s", error.message)


def disable_prompt(context: HandlerContext, request: ChatRequest, prompt: Prompt) -> None:
    """Keep further replies to a prompt from starting another session.

    An answer or feedback has conditions of its own; a run has none, and chatter must not become a session.
    """
    if prompt.action.do is ActionKind.PICK_SESSION:
        sent = context.store.sent.by_key(request.chat_id, prompt.key)
        if sent is not None:
            context.store.sent.put(replace(sent, about=MessageSubject(sent.about.session)))


def _prompt(detail: dict[str, Any]) -> Prompt:
    return Prompt(Action.model_validate(detail["action"]), detail.get("key", ""))
