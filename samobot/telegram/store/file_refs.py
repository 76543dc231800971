"""References to files that users have sent: what is kept in the database until the files are needed."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class FileKind(StrEnum):
    """The kinds of file that a Telegram message can hold."""

    PHOTO = "photo"
    DOCUMENT = "document"
    VIDEO = "video"
    VIDEO_NOTE = "video_note"
    ANIMATION = "animation"
    AUDIO = "audio"
    VOICE = "voice"


class FileRef(BaseModel):
    """A file that the user has sent, still at Telegram.

    Attributes:
        id: Telegram's `file_id`; valid for as long as the bot exists.
        name: Its name as the sender's device gave it, or one made of its kind.
        kind: What it is.
        size: Bytes, if Telegram includes it.
    """

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    id: str
    name: str
    kind: FileKind
    size: int | None = None
