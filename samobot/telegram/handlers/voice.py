"""Voice messages: turned into text, which is shown and counts after one tap."""

from __future__ import annotations

from samobot.fleet.models import SessionRef
from samobot.session.status import SessionState
from samobot.system.transcription import TranscriptionError
from samobot.telegram.handlers.chat_request import ChatRequest
from samobot.telegram.handlers.context import HandlerContext, about_session, choice
from samobot.telegram.handlers.message_files import offer_retry, resend_action, save_files
from samobot.telegram.markup.html import code, quote
from samobot.telegram.markup.rich_text import escape
from samobot.telegram.store.file_refs import FileKind
from samobot.telegram.views.actions import Action, ActionKind
from samobot.telegram.views.buttons import rows
from samobot.telegram.views.wording import name_of
from samobot.text import clip

_SHOWN = 3_000
_SETUP = (
    f"To have voice messages turned into text, set {code('SAMOBOT_TRANSCRIBE_URL')} or "
    f"{code('SAMOBOT_TRANSCRIBE_COMMAND')} and restart the bot."
)


def is_voice(request: ChatRequest) -> bool:
    """Whether a message consists of what somebody has said, and nothing written."""
    return bool(request.files) and not request.text and request.files[-1].kind is FileKind.VOICE


async def transcribe(context: HandlerContext, request: ChatRequest) -> str | None:
    """Turn a voice message into text.

    Returns:
        The text; None if that fails, of which the user has been notified.

    Raises:
        FileDownloadError: The audio could not be fetched.
    """
    voice = request.files[-1]
    if not context.transcriber.is_configured:
        await _keep(context, request)
        return None
    data = await context.downloads.fetch(voice)
    try:
        return await context.transcriber.transcribe(voice.name, data)
    except TranscriptionError as error:
        text = f"🎤 {escape(error.message)} Type it, or try again."
        offer_retry(context, request, text, resend_action(request, None), part="voice")
        return None


def confirm(context: HandlerContext, request: ChatRequest, text: str) -> None:
    """Show what was said in reply to a message; it counts once it is tapped."""
    about = request.about
    assert about is not None
    heading = f" {name_of(SessionRef.from_key(about.session))}" if about.session else ""
    say = resend_action(request, text)
    context.reply(
        request.without_files(),
        f"🎤{heading}\n{quote(clip(text, _SHOWN))}\nSend it? If it's not what you said, type it instead.",
        buttons=rows(choice("✅ Send", say), choice("Cancel", Action(do=ActionKind.CANCEL))),
        about=about,
        part="voice",
    )


async def _keep(context: HandlerContext, request: ChatRequest) -> None:
    """Keep audio that cannot be turned into text: in its session, if that is known."""
    ref = SessionRef.from_key(request.session) if request.session is not None else None
    kept = ""
    if ref is not None and (await context.fleet.view(ref)).state is not SessionState.DONE:
        await save_files(context, request, ref)
        kept = f"Saved to the files of {name_of(ref)}, but not used as text. "
    context.reply(
        request.without_files(),
        f"🎤 {kept}{_SETUP}",
        about=about_session(ref) if ref is not None else None,
        part="voice",
    )
