"""Verdicts on calls that an agent asks for, and permissions that are withdrawn."""

from __future__ import annotations

from samobot.errors import NotFoundError
from samobot.fleet.ask_models import AskView
from samobot.fleet.models import SessionRef, SessionView
from samobot.session.decisions import DecisionKind
from samobot.telegram.handlers.chat_request import ChatRequest
from samobot.telegram.handlers.context import HandlerContext, about_session, choice
from samobot.telegram.handlers.intents import Assent, read_assent
from samobot.telegram.handlers.prompts import send_prompt
from samobot.telegram.markup.html import code
from samobot.telegram.views.actions import Action, ActionKind
from samobot.telegram.views.buttons import rows
from samobot.telegram.views.permission import VERDICTS, identity_of
from samobot.telegram.views.wording import name_of
from samobot.text import one_line

VERDICT_ACTIONS = {
    ActionKind.ALLOW_ONCE: DecisionKind.ALLOW_ONCE,
    ActionKind.ALLOW_SESSION: DecisionKind.ALLOW_SESSION,
    ActionKind.DENY: DecisionKind.DENY,
    ActionKind.DENY_SAY: DecisionKind.DENY,
}


async def decide_ask(
    context: HandlerContext,
    request: ChatRequest,
    ref: SessionRef,
    identity: str,
    verdict: DecisionKind,
    text: str = "",
) -> None:
    """Allow or deny exactly the call that was shown.

    Args:
        context: What handlers share.
        request: Who decides.
        ref: The session.
        identity: The call, as its button names it.
        verdict: Allowed once or for the session, or denied.
        text: What the agent reads with a denial.

    Raises:
        ConflictError: It was decided otherwise, or does not wait any longer.
    """
    ask, _, sha256 = identity.partition(".")
    try:
        await context.fleet.decide_ask(ref, ask, verdict, request.person, expected=sha256, text=text)
    finally:
        await context.notifier.refresh(ref)
    sign = "👎" if verdict is DecisionKind.DENY else "👍"
    context.receipt(request, sign, f"{VERDICTS[verdict]}.", session=ref.key)


async def ask_reason(context: HandlerContext, request: ChatRequest, ref: SessionRef, identity: str) -> None:
    """Ask what the agent is to know with a denial.

    Raises:
        NotFoundError: It is not asked for any longer.
    """
    ask = await _waiting(context, ref, identity)
    send_prompt(
        context,
        request,
        f"✍️ {name_of(ref)}\n{code(one_line(ask.subject, 200))}\nIt is denied once you reply. What should the agent know?",
        Action(do=ActionKind.DENY_SAY, session=ref.key, identity=identity),
        hint="What the agent should know",
    )


async def answer_ask(context: HandlerContext, request: ChatRequest, view: SessionView, identity: str) -> bool:
    """Take a text as the answer to a call that was replied to; False if it is not about that.

    Only a clear yes or no decides. Any other text is offered as what the agent reads with a denial, or as guidance:
    nothing is decided before a tap.
    """
    found = [ask for ask in view.asks if identity_of(ask) == identity and ask.waiting]
    assent = read_assent(request.text)
    if assent in (Assent.CLEAR, Assent.REFUSAL):
        verdict = DecisionKind.ALLOW_ONCE if assent is Assent.CLEAR else DecisionKind.DENY
        await decide_ask(context, request, view.ref, identity, verdict)
        return True
    if not found or not request.text.strip() or request.files:
        return False
    deny = Action(do=ActionKind.DENY_SAY, session=view.ref.key, identity=identity, text=request.text)
    guidance = Action(do=ActionKind.GUIDANCE, session=view.ref.key, text=request.text)
    context.reply(
        request,
        f"Deny {code(one_line(found[0].subject, 100))} with that, or keep it for the agent and decide later?",
        buttons=rows(choice("✍️ Deny with that", deny), choice("💬 Guidance only", guidance), width=1),
        about=about_session(view.ref, "permission", ask=identity),
        part="ask",
    )
    return True


async def withdraw(context: HandlerContext, request: ChatRequest, ref: SessionRef, rule: str) -> None:
    """End a permission for the session."""
    await context.fleet.withdraw_permission(ref, rule, request.person)
    await context.notifier.refresh(ref)
    context.toast(request, "Withdrawn; it is asked again.")


async def _waiting(context: HandlerContext, ref: SessionRef, identity: str) -> AskView:
    name = identity.partition(".")[0]
    view = await context.fleet.view(ref)
    found = [ask for ask in view.asks if ask.id == name and ask.waiting]
    if not found:
        await context.notifier.refresh(ref)
        raise NotFoundError(f"{ref.name} does not ask for that any longer.")
    return found[0]
