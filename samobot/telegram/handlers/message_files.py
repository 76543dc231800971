"""Files of messages: fetched from Telegram when it is clear what they are for, and saved into the session."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from samobot.fleet.models import SessionRef
from samobot.fleet.start_request import UserFile
from samobot.telegram.handlers.chat_request import ChatRequest
from samobot.telegram.handlers.context import HandlerContext, choice
from samobot.telegram.handlers.intents import is_letter
from samobot.telegram.markup.rich_text import escape
from samobot.telegram.outbound.downloads import FileDownloadError
from samobot.telegram.views.actions import Action, ActionKind
from samobot.telegram.views.buttons import rows
from samobot.text import one_line

MESSAGE = "message"
"""Name of the background task that handles a message with files."""


async def handle_with_files(
    context: HandlerContext, request: ChatRequest, handle: Callable[[], Awaitable[None]]
) -> None:
    """Handle something with files; if they cannot be fetched, nothing was used and the user may retry.

    Args:
        context: What handlers share.
        request: The message, or the tap with its files.
        handle: Handles it.
    """
    try:
        await handle()
    except FileDownloadError as error:
        offer_again(context, request, error, resend_action(request, request.text or None))


def resend_action(request: ChatRequest, text: str | None) -> Action:
    """What a button does that sends a text once more, in reply to what the request replied to."""
    about = request.about.as_json() if request.about is not None else None
    return Action(do=ActionKind.SAY, text=text, about=about)


def offer_again(
    context: HandlerContext, request: ChatRequest, error: FileDownloadError, again: Action
) -> None:
    """Report that files could not be fetched, with a button that repeats what they were for."""
    offer_retry(context, request, f"📎 {escape(error.message)}", again, part="fetch")


def offer_retry(
    context: HandlerContext, request: ChatRequest, text: str, again: Action, *, part: str
) -> None:
    """Report a failure that may pass, with a button that tries again.

    Args:
        context: What handlers share.
        request: What failed.
        text: What is reported, as HTML.
        again: What the button does.
        part: Names the reply among those to the request.
    """
    context.reply(
        request,
        text,
        buttons=rows(choice("🔁 Try again", again), choice("Cancel", Action(do=ActionKind.CANCEL))),
        about=request.about,
        part=part,
    )


async def fetch_files(context: HandlerContext, request: ChatRequest) -> list[UserFile]:
    """Fetch the files of a request, all or none.

    Raises:
        FileDownloadError: One could not be fetched.
    """
    return [UserFile(name=file.name, data=await context.downloads.fetch(file)) for file in request.files]


async def save_files(context: HandlerContext, request: ChatRequest, ref: SessionRef, text: str = "") -> str:
    """Save the files of a request into a session and leave guidance about them.

    Args:
        context: What handlers share.
        request: The request; it has files.
        ref: The session.
        text: The guidance about them.

    Returns:
        A sentence that names them, for a text that they belong to.

    Raises:
        FileDownloadError: One could not be fetched; nothing was saved.
        SamobotError: See `Fleet.add_files`.
    """
    files = await fetch_files(context, request)
    names = await context.fleet.add_files(ref, files, text, request.person)
    return f"See {', '.join(names)}"


async def text_with_files(
    context: HandlerContext, request: ChatRequest, ref: SessionRef, text: str, what: str
) -> str:
    """Save the files of an answer or of feedback; returns its text, which names them if there is no other.

    Args:
        context: What handlers share.
        request: The request, with or without files.
        ref: The session.
        text: The text.
        what: What the files belong to, for the guidance: `the answer to Q1`.
    """
    if not request.files:
        return text
    said = f": {one_line(text, 200)}" if text.strip() else ""
    see = await save_files(context, request, ref, f"For {what}{said}")
    return text if text.strip() else see


def with_quote(request: ChatRequest, text: str) -> str:
    """Put the quoted part of the replied message below a text, unless the text is an option's letter."""
    if not request.quote.strip() or is_letter(text) or not text.strip():
        return text
    quoted = "\n".join(f"> {line}" for line in request.quote.strip().splitlines())
    return f"{text}\n\nThis is about:\n{quoted}"
