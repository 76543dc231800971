"""What a message holds that a session can use: text or caption, files, a quote, where it was forwarded from. Pure."""

from __future__ import annotations

import mimetypes
from dataclasses import dataclass

from telegram import (
    Message,
    MessageOriginChannel,
    MessageOriginChat,
    MessageOriginHiddenUser,
    MessageOriginUser,
)

from samobot.telegram.store.file_refs import FileKind, FileRef

_UNUSABLE = {
    "sticker": "a sticker",
    "poll": "a poll",
    "venue": "a place",
    "location": "a location",
    "contact": "a contact",
    "dice": "a dice",
    "game": "a game",
    "story": "a story",
    "paid_media": "paid media",
    "checklist": "a checklist",
    "invoice": "an invoice",
}
"""Kinds of message that no session can use, by their field in the Bot API; a venue also has a location."""


@dataclass(frozen=True, slots=True)
class MessageContent:
    """What a message holds.

    Attributes:
        text: The text or caption, as written.
        files: Its files.
        quote: The part of the replied message that the user selected.
        forwarded_from: Whose message it forwards.
        unusable: What it is, with its article, if no session can use it; empty otherwise.
    """

    text: str
    files: tuple[FileRef, ...] = ()
    quote: str = ""
    forwarded_from: str | None = None
    unusable: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to answer, as in the notice that somebody has joined a group."""
        return not (self.text or self.files or self.unusable)


def read_content(message: Message) -> MessageContent:
    """Read a message of any kind."""
    text = message.text or message.caption or ""
    files = _files(message)
    unusable = ""
    if not text and not files:
        unusable = next((name for field, name in _UNUSABLE.items() if getattr(message, field, None)), "")
    # Clients attach the whole replied message as a quote if nothing was selected.
    quote = message.quote.text if message.quote is not None and message.quote.is_manual else ""
    return MessageContent(text, files, quote, _origin(message), unusable)


def _files(message: Message) -> tuple[FileRef, ...]:
    number = message.message_id
    if message.photo:
        largest = max(reversed(message.photo), key=lambda size: size.width * size.height)
        return (_file(largest, FileKind.PHOTO, f"photo-{number}.jpg"),)
    if message.voice is not None:
        return (_file(message.voice, FileKind.VOICE, f"voice-{number}{_ending(message.voice, '.ogg')}"),)
    if message.video_note is not None:
        return (_file(message.video_note, FileKind.VIDEO_NOTE, f"video-note-{number}.mp4"),)
    if message.animation is not None:  # it comes as a document as well
        return (_file(message.animation, FileKind.ANIMATION, f"animation-{number}.mp4"),)
    if message.video is not None:
        return (_file(message.video, FileKind.VIDEO, f"video-{number}{_ending(message.video, '.mp4')}"),)
    if message.audio is not None:
        return (_file(message.audio, FileKind.AUDIO, f"audio-{number}{_ending(message.audio, '.mp3')}"),)
    if message.document is not None:
        return (_file(message.document, FileKind.DOCUMENT, f"file-{number}{_ending(message.document, '')}"),)
    return ()


def _file(media: object, kind: FileKind, unnamed: str) -> FileRef:
    return FileRef(
        id=getattr(media, "file_id"),  # noqa: B009
        name=getattr(media, "file_name", None) or unnamed,
        kind=kind,
        size=getattr(media, "file_size", None),
    )


def _ending(media: object, default: str) -> str:
    mime_type = getattr(media, "mime_type", None)
    if mime_type == "audio/ogg":
        return ".ogg"  # the standard library's table prefers .oga
    return (mimetypes.guess_extension(mime_type) if mime_type else None) or default


def _origin(message: Message) -> str | None:
    match message.forward_origin:
        case None:
            return None
        case MessageOriginUser(sender_user=user):
            return user.full_name
        case MessageOriginHiddenUser(sender_user_name=name):
            return name
        case MessageOriginChat(sender_chat=chat) | MessageOriginChannel(chat=chat):
            return chat.effective_name or "a chat"
        case _:
            return "somebody"
