"""What a message holds that a session can use, and long texts and albums that come as several messages."""

from __future__ import annotations

import asyncio
import logging
import mimetypes
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

from telegram import (
    Message,
    MessageOriginChannel,
    MessageOriginChat,
    MessageOriginHiddenUser,
    MessageOriginUser,
)

from samobot.errors import StorageError
from samobot.frozen import frozen
from samobot.telegram.handlers.chat_request import ChatRequest
from samobot.telegram.store.bot_store import Store
from samobot.telegram.store.file_refs import FileKind, FileRef
from samobot.telegram.store.pending_work import BackgroundTask

log = logging.getLogger(__name__)

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


@frozen
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


PART = "part"
"""Name of the background task that keeps a part."""

SPLIT_FROM = 4_000
"""UTF-16 units from which on a text may be a part of a longer one; clients split at 4,096 at the latest."""

_WHOLE = 4_096
_SPLIT_WITHIN = timedelta(seconds=2)
SETTLE_SECONDS = 2.0
"""How long to wait for a further part."""


@frozen
class MessagePart:
    """A message that may be a part of one.

    Attributes:
        request: The message, as it would be handled alone.
        date: When it was sent.
        album: Telegram's id of the album that it belongs to.
        is_command: Whether it begins with a command that exists.
    """

    request: ChatRequest
    date: datetime
    album: str | None = None
    is_command: bool = False


class PartCollector:
    """The messages of which further parts may come, one a user and chat.

    Args:
        store: Where parts are noted.
        handle: Handles a whole message.
        settle_seconds: How long to wait for a further part.
    """

    def __init__(
        self,
        store: Store,
        handle: Callable[[ChatRequest], Awaitable[None]],
        *,
        settle_seconds: float = SETTLE_SECONDS,
    ) -> None:
        self._store = store
        self._handle = handle
        self._settle_seconds = settle_seconds
        self._open: dict[tuple[int, int], list[MessagePart]] = {}
        self._timers: dict[tuple[int, int], asyncio.TimerHandle] = {}
        self._flushing: set[asyncio.Task[None]] = set()

    async def take(self, part: MessagePart) -> bool:
        """Take a message if it may be a part of one; before one that is not, what was collected is handled.

        Returns:
            Whether it was taken; it is handled later then.
        """
        place = (part.request.chat_id, part.request.user_id)
        parts = self._open.get(place, [])
        if parts and not _continues(parts[-1], part):
            await self._flush(place)
            parts = []
        if not parts and part.album is None and _length(part.request.text) < SPLIT_FROM:
            return False
        self._open[place] = [*parts, part]
        self._note(part.request)
        self._wait(place)
        return True

    def replace(self, request: ChatRequest) -> bool:
        """Replace a collected part by its edited version; returns whether it was there."""
        parts = self._open.get((request.chat_id, request.user_id), [])
        for index, part in enumerate(parts):
            if part.request.message_id == request.message_id:
                parts[index] = replace(part, request=request)
                self._note(request)
                return True
        return False

    def add_noted(self, request: ChatRequest) -> None:
        """Take a part that was noted before a crash; its neighbors are taken with it."""
        place = (request.chat_id, request.user_id)
        known = self._open.setdefault(place, [])
        if all(part.request.key != request.key for part in known):
            known.append(MessagePart(request, datetime.min, album="taken up"))
            known.sort(key=lambda part: part.request.message_id)
        self._wait(place)

    async def flush(self) -> None:
        """Handle what was collected, without waiting for more."""
        for place in tuple(self._open):
            await self._flush(place)

    def close(self) -> None:
        """Wait for nothing more; what was collected is handled at the next start."""
        for timer in self._timers.values():
            timer.cancel()

    def _wait(self, place: tuple[int, int]) -> None:
        timer = self._timers.pop(place, None)
        if timer is not None:
            timer.cancel()
        loop = asyncio.get_running_loop()
        self._timers[place] = loop.call_later(self._settle_seconds, self._on_settled, place)

    def _on_settled(self, place: tuple[int, int]) -> None:
        task = asyncio.create_task(self._flush(place))
        self._flushing.add(task)
        task.add_done_callback(self._flushing.discard)

    async def _flush(self, place: tuple[int, int]) -> None:
        timer = self._timers.pop(place, None)
        if timer is not None:
            timer.cancel()
        parts = self._open.pop(place, [])
        if not parts:
            return
        requests = [part.request for part in parts]
        await self._handle(join_parts(requests))
        for request in requests:
            try:
                self._store.tasks.drop(f"{PART}:{request.key}")
            except StorageError as error:
                log.error("a part was handled and will be again at the next start: %s", error.message)

    def _note(self, request: ChatRequest) -> None:
        try:
            self._store.tasks.set(f"{PART}:{request.key}", BackgroundTask(PART, request.as_json()))
        except StorageError as error:
            log.error("a part is not noted: %s", error.message)  # a full disk must not keep from it


def join_parts(parts: list[ChatRequest]) -> ChatRequest:
    """Join the parts of a message, in their order; it counts as a reply to what any of them replied to. Pure."""
    first = parts[0]
    text = first.text
    for before, part in pairwise(parts):
        text += _between(before.text, part.text) + part.text
    return replace(
        first,
        text=text,
        files=tuple(file for part in parts for file in part.files),
        about=next((part.about for part in parts if part.about is not None), None),
        quote=next((part.quote for part in parts if part.quote), ""),
        addressed=any(part.addressed for part in parts),
    )


def _continues(before: MessagePart, part: MessagePart) -> bool:
    if before.request.thread_id != part.request.thread_id:
        return False
    if before.album is not None or part.album is not None:
        return before.album == part.album
    return (
        not part.is_command
        and part.request.forwarded_from == before.request.forwarded_from
        and not part.request.files
        and _length(before.request.text) >= SPLIT_FROM
        and part.date - before.date <= _SPLIT_WITHIN
    )


def _between(before: str, after: str) -> str:
    """What stood between two parts: clients cut at white space, which Telegram strips, or in the middle of a word."""
    if not before or not after or _length(before) >= _WHOLE:
        return "\n" if before and after and _length(before) < SPLIT_FROM else ""
    return " " if before[-1].isalnum() and after[0].isalnum() else "\n"


def _length(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
