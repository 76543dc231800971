"""Builds the views of calls that an agent asks for."""

from __future__ import annotations

import asyncio

from samobot.errors import NotFoundError
from samobot.fleet.ask_models import AskView, PermissionView
from samobot.fleet.results import Document
from samobot.session.asks import Ask, AskBook, read_asks
from samobot.session.folder import SessionFolder
from samobot.session.tool_call import EDIT_TOOLS
from samobot.text import clip, without_surrogates

_SHOWN = 2_500
"""Characters of a call in a view; the whole of it is a document of its own."""

_SAID = 500


def ask_views(book: AskBook) -> tuple[AskView, ...]:
    """The views of a session's asks, oldest first."""
    waiting = {ask.id for ask in book.waiting}
    return tuple(_view(ask, book, waiting=ask.id in waiting) for ask in book.asks)


def permission_views(book: AskBook) -> tuple[PermissionView, ...]:
    """The permissions that hold."""
    return tuple(
        PermissionView(rule=without_surrogates(rule), by=without_surrogates(decision.who), at=decision.at)
        for rule, decision in book.rules.items()
    )


async def ask_document(folder: SessionFolder, ask: str) -> Document:
    """The whole of a call that the agent asks for.

    Raises:
        NotFoundError: It is not known any longer.
    """
    found = (await asyncio.to_thread(read_asks, folder, None)).find(ask)
    if found is None:
        raise NotFoundError(f"{folder.name} does not ask for that any longer.")
    suffix = "diff" if found.call.tool in EDIT_TOOLS else "txt"
    return Document(name=f"ask-{found.id}.{suffix}", text=found.call.text)


def _view(ask: Ask, book: AskBook, *, waiting: bool) -> AskView:
    text, verdict = ask.call.text, book.verdicts.get(ask.id)
    return AskView(
        id=ask.id,
        sha256=ask.sha256,
        tool=ask.call.tool,
        subject=ask.call.subject,
        text=text if len(text) <= _SHOWN else text[:_SHOWN],
        size=len(text),
        rule=ask.call.rule,
        reasons=ask.reasons,
        said=clip(ask.said, _SAID),
        where=without_surrogates(ask.where),
        at=ask.at,
        waiting=waiting,
        verdict=verdict.kind if verdict else None,
        feedback=without_surrogates((verdict.text or "") if verdict else ""),
        by=without_surrogates(verdict.who) if verdict else "",
        via=verdict.via if verdict else "",
        decided_at=verdict.at if verdict else None,
    )
