"""What a user decides about news of a pull request: let it be fixed, keep fixing, ignore, watch or not."""

from __future__ import annotations

from samobot.fleet.models import SessionRef
from samobot.fleet.pull_request_watch import KeepFixing
from samobot.telegram.handlers.budget_handlers import MORE_USD
from samobot.telegram.handlers.chat_request import ChatRequest
from samobot.telegram.handlers.context import HandlerContext
from samobot.telegram.handlers.follow_up_handlers import begin_round
from samobot.telegram.views.watch_message import WATCH_ON

ROUNDS = 3
"""Rounds that *Keep fixing until green* may begin, the first one included."""


async def fix(context: HandlerContext, request: ChatRequest, ref: SessionRef, task: str) -> None:
    """Begin a round with exactly what was shown.

    Raises:
        ConflictError: The session is running, or not done.
    """
    await begin_round(context, request, ref, task, questions=False)


async def keep_fixing(
    context: HandlerContext, request: ChatRequest, ref: SessionRef, task: str, head: str
) -> None:
    """Begin a round with what was shown; further ones begin, and are pushed, without another tap, within limits.

    Raises:
        ConflictError: The session is running, or not done.
    """
    view = await context.fleet.view(ref)
    limit = view.cost_usd + MORE_USD
    if view.budget_usd is not None:
        limit = min(limit, view.budget_usd)
    await begin_round(context, request, ref, task, questions=False, budget_usd=limit)
    choice = KeepFixing(who=request.person.who, rounds_left=ROUNDS - 1, limit_usd=limit, from_head=head)
    context.pull_requests.keep_fixing(ref, choice)


def watch(context: HandlerContext, request: ChatRequest, ref: SessionRef, wanted: str | None) -> None:
    """Begin or end watching a session's pull request."""
    if wanted == WATCH_ON:
        context.pull_requests.watch(ref)
        context.toast(request, "Its checks and comments are watched.")
    else:
        context.pull_requests.unwatch(ref)
        context.toast(request, "It is no longer watched. /land watches it again.")
