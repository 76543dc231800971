"""A new session's topic: opened before the session, so that its first message goes there."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from samobot.telegram.handlers.chat_request import ChatRequest
from samobot.telegram.handlers.context import HandlerContext
from samobot.telegram.handlers.session_offers import sessions_named


@contextlib.asynccontextmanager
async def session_topic(
    context: HandlerContext, request: ChatRequest, project: str, name: str
) -> AsyncIterator[None]:
    """Open a topic for a session that is created inside, if it is new and its chat has topics."""
    new = context.topics.wanted(request.chat_id, forum=request.forum)
    new = new and not await sessions_named(context, project, name)
    thread_id = await context.topics.open(request.chat_id, name) if new else None
    if thread_id is None:
        yield
        return
    with context.places.expecting(project, name, request.chat_id, thread_id):
        try:
            yield
        finally:
            found = await sessions_named(context, project, name)
            if found:
                context.topics.bind(found[0].key, request.chat_id, thread_id)
            else:
                await context.topics.discard(request.chat_id, thread_id)
