"""Edited messages: what has not been used yet is replaced; what was used stays, and the user is notified of that."""

from __future__ import annotations

from enum import StrEnum

from samobot.errors import SamobotError
from samobot.fleet.models import SessionRef
from samobot.session.status import SessionState
from samobot.telegram.handlers.chat_request import ChatRequest
from samobot.telegram.handlers.context import HandlerContext, about_session, choice
from samobot.telegram.notify.publisher import scope_of
from samobot.telegram.views.actions import Action, ActionKind
from samobot.telegram.views.buttons import rows


class MessageUse(StrEnum):
    """What has become of a message that is edited now."""

    NONE = "none"
    OFFERED = "offered"
    USED = "used"


def find_use(context: HandlerContext, request: ChatRequest) -> MessageUse:
    """Find out whether a message was used, or what it could be for was only offered."""
    if context.store.acted.find(request.chat_id, request.message_id)[0]:
        return MessageUse.USED
    offers = context.store.callbacks.scopes_under(scope_of(request.chat_id, _replies(request)))
    if any(used for used in offers.values()):
        return MessageUse.USED
    return MessageUse.OFFERED if offers or _prompt_key(context, request) is not None else MessageUse.NONE


def withdraw_offers(context: HandlerContext, request: ChatRequest) -> None:
    """Delete what was offered or asked about a message."""
    chat = request.chat_id
    for scope in context.store.callbacks.scopes_under(scope_of(chat, _replies(request))):
        context.store.callbacks.retire(scope)
        context.outbox.delete(chat, scope.removeprefix(scope_of(chat, "")))
    asked = _prompt_key(context, request)
    if asked is not None:
        context.store.prompts.drop(chat, request.user_id)
        context.outbox.delete(chat, asked)


async def report_too_late(context: HandlerContext, request: ChatRequest) -> None:
    """Report that a message was used before it was edited, and offer the new text as guidance."""
    _, session = context.store.acted.find(request.chat_id, request.message_id)
    ref = await _open_session(context, session)
    buttons = []
    if ref is not None and request.text.strip():
        guidance = Action(do=ActionKind.GUIDANCE, session=ref.key, text=request.text)
        buttons = [choice(f"💬 Guidance for {ref.name}", guidance)]
    more = "" if buttons else " Send it as a new message instead."
    context.reply(
        request,
        f"✏️ Too late to edit: that message was used already.{more}",
        buttons=rows(*buttons),
        about=about_session(ref) if ref is not None else None,
        part="edited",
    )


async def _open_session(context: HandlerContext, key: str | None) -> SessionRef | None:
    """The session of that key, if another iteration may come."""
    if key is None:
        return None
    try:
        view = await context.fleet.view(SessionRef.from_key(key))
    except SamobotError:
        return None
    return view.ref if view.state is not SessionState.DONE else None


def _replies(request: ChatRequest) -> str:
    return f"reply:message{request.message_id}"


def _prompt_key(context: HandlerContext, request: ChatRequest) -> str | None:
    """The outbox key of the open prompt that a message has led to."""
    prompt = context.store.prompts.get(request.chat_id, request.user_id)
    key = prompt.message_key if prompt is not None else ""
    own = f"ask:message{request.message_id}"
    return key if key == own or key.startswith(f"{own}e") else None
