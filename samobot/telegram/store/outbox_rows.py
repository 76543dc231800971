"""A message that waits to be delivered: its content, what is done with it, how urgent it is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import field
from enum import IntEnum, IntFlag, StrEnum
from pathlib import Path
from typing import Any

from samobot.frozen import frozen
from samobot.telegram.store.sent import MessageSubject


class Priority(IntEnum):
    """The order in which a chat's messages are sent."""

    NEEDED = 0
    """The user waits for it or is needed; kept for as long as it takes, on disk before the call returns."""
    EFFECT = 1
    """What has happened, or the sign that a decision or command of the user has taken effect: before answers to mere
    chatter, and in turn with what is needed, which may be its consequence."""
    RECEIPT = 2
    """The response to what the user just did, who is looking at the chat for it."""
    NEWS = 3
    """What nobody waits for."""
    CARD = 4
    """What may be a moment late, and what the next one replaces."""


class Op(StrEnum):
    """What is done in the chat."""

    SEND = "send"
    EDIT = "edit"
    SHOW = "show"
    """Edit the message of this key if there is one, else send it."""
    STRIP = "strip"
    """Remove the buttons of a message, whatever its text."""
    REACT = "react"
    DELETE = "delete"


class Form(IntFlag):
    """In what reduced form a message is tried after Telegram refused the full one."""

    FULL = 0
    PLAIN = 1
    NO_THREAD = 2
    NO_MARKUP = 4
    DOCUMENT = 8


@frozen
class Post:
    """What a message shows.

    Attributes:
        text: Telegram HTML, at most 4096 UTF-16 units after entities (a caption: 1024).
        markup: `reply_markup` as JSON (`InlineKeyboardMarkup.to_dict()`, `ForceReply.to_dict()`), or None.
        silent: Whether it comes without a sound.
        thread_id: The topic it goes to, or None.
        reply_to: Number of the message it replies to, or None; for a reaction, the message it is put on.
        file_name: Display name of the attached file, or None without one.
        photo: Whether the file is shown as a picture.
        album: Display name and size of each picture, if the file holds several, one after another.
    """

    text: str = ""
    markup: dict[str, Any] | None = None
    silent: bool = False
    thread_id: int | None = None
    reply_to: int | None = None
    file_name: str | None = None
    photo: bool = False
    album: Sequence[tuple[str, int]] = ()

    @property
    def messages(self) -> int:
        """How many messages it becomes."""
        return len(self.album) or 1

    @property
    def digest(self) -> str:
        """Hash of its visible content."""
        shown = json.dumps([self.text, self.markup, self.file_name], sort_keys=True)
        return hashlib.sha256(shown.encode()).hexdigest()


@frozen
class OutboxRow:
    """One row of the queue.

    Attributes:
        id: Its number; rows of a chat go out by urgency, then by number.
        chat_id: Where to.
        priority: How urgent it is.
        op: What is done.
        key: Names the message across restarts.
        version: Grows when the content is replaced.
        post: The content.
        about: What the message is about.
        file: The attached file's content on our disk, or None.
        expires: When it is no longer worth sending, epoch seconds, or None.
        form: In what form it is tried.
    """

    id: int
    chat_id: int
    priority: Priority
    op: Op
    key: str
    version: int
    post: Post
    about: MessageSubject = field(default_factory=MessageSubject)
    file: Path | None = None
    expires: float | None = None
    form: Form = Form.FULL
