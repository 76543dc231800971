"""Prompts: words that somebody was asked for, and what they complete once they come."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import Any

from telegram import ForceReply

from samobot.errors import StorageError
from samobot.telegram.handlers.context import ChatRequest, HandlerContext
from samobot.telegram.store.outbox_rows import Priority
from samobot.telegram.store.sent import MessageSubject
from samobot.telegram.views.actions import Action, ActionKind

log = logging.getLogger(__name__)

PROMPT_SECONDS = 180.0
"""How long words that are no reply are taken for what was asked last: who is asked answers at once or replies."""

_ASK = "ask"
"""Kind of a message that asks for words; its detail holds the action that they complete, and its key."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """Words that were asked for.

    Attributes:
        action: What they complete.
        key: The outbox's name of the message that asked.
    """

    action: Action
    key: str


def send_prompt(
    context: HandlerContext, request: ChatRequest, html: str, action: Action, *, hint: str = ""
) -> None:
    """Ask for words. What the person writes next, or in reply, completes the action.

    Args:
        context: What handlers have.
        request: What led to it.
        html: The question.
        action: What the words are for.
        hint: Shown in the empty field, up to 64 characters.
    """
    key = f"ask:{request.key}"
    detail: dict[str, Any] = {"action": action.model_dump(exclude_none=True, mode="json"), "key": key}
    context.store.prompts.set(request.chat_id, request.user_id, detail["action"], key)
    by_message = request.query_id is None
    in_group = request.chat_id < 0
    context.outbox.post(
        request.chat_id,
        html,
        key=key,
        about=MessageSubject(action.session, _ASK, detail),
        priority=Priority.RECEIPT,
        markup=ForceReply(selective=by_message and in_group, input_field_placeholder=hint[:64] or None),
        thread_id=request.thread_id,
        reply_to=request.message_id if by_message and in_group else None,
    )


def find_prompt(context: HandlerContext, request: ChatRequest) -> Prompt | None:
    """What the words of a message answer: the prompt that they reply to, or come right after.

    In a group people talk to each other, so there only a reply counts.
    """
    about = request.about
    if about is not None:
        return _prompt(about.detail) if about.kind == _ASK else None
    if request.chat_id < 0:
        return None
    prompt = context.store.prompts.get(request.chat_id, request.user_id)
    if prompt is None or context.store.clock() - prompt.at > PROMPT_SECONDS:
        return None
    return Prompt(Action.model_validate(prompt.action), prompt.message_key)


def close_prompt(context: HandlerContext, request: ChatRequest) -> None:
    """Ask nothing of this person any more, but what this very request led to."""
    try:
        prompt = context.store.prompts.get(request.chat_id, request.user_id)
        if prompt is not None and prompt.message_key != f"ask:{request.key}":
            context.store.prompts.drop(request.chat_id, request.user_id)
    except StorageError as error:  # a full disk must not keep from what was asked for instead
        log.error("what was asked stays open: %s", error.message)


def disable_prompt(context: HandlerContext, request: ChatRequest, prompt: Prompt) -> None:
    """Let no further reply start anew what a prompt has led to.

    An answer or feedback has conditions of its own; a run has none, and chatter must not become a session.
    """
    if prompt.action.do is ActionKind.PICK_SESSION:
        sent = context.store.sent.by_key(request.chat_id, prompt.key)
        if sent is not None:
            context.store.sent.put(replace(sent, about=MessageSubject(sent.about.session)))


def _prompt(detail: dict[str, Any]) -> Prompt:
    return Prompt(Action.model_validate(detail["action"]), detail.get("key", ""))
