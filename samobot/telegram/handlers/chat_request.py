"""What a user asked for, by a message or a tap."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from samobot.session.gate import Person
from samobot.telegram.store.file_refs import FileRef
from samobot.telegram.store.sent import MessageSubject

TAP = "tap"
"""Kind of what a request is about that came with a button of a session."""


TOPIC = "topic"
"""The same of a request that was typed in a session's topic, without replying to anything."""


UNKNOWN = "unknown"
"""The same of a reply to a message of the bot of which only the text is known, in the detail `text`.

Telegram can show a message whose sending it never confirms.
"""


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """What a user asked for, by a message or a callback query.

    Attributes:
        key: Names it across restarts, so that it is answered once.
        chat_id: Where.
        message_id: Of the user's message, or of the bot's message that was tapped; 0 for a schedule's start.
        thread_id: The topic, or None.
        user_id: Who.
        person: The user as recorded in decisions.
        text: The text: after a command, or all of it.
        about: What the message replied to, or tapped, is about.
        old: Whether it was written so long ago that it has to be confirmed.
        query_id: Of the tap, None for a message.
        files: Files of the message, still at Telegram.
        quote: The part of the replied message that the user has quoted.
        forwarded_from: Whose message it forwards; None if it was written by the user.
        addressed: Whether it is certainly meant for the bot; in a group, other messages are not answered.
        sent_at: When the message was sent, epoch seconds.
        spoken: Whether the text was transcribed, so that all of it is shown before it is used.
        forum: Whether the chat is a group with topics.
    """

    key: str
    chat_id: int
    message_id: int
    thread_id: int | None
    user_id: int
    person: Person
    text: str = ""
    about: MessageSubject | None = None
    old: bool = False
    query_id: str | None = None
    files: tuple[FileRef, ...] = ()
    quote: str = ""
    forwarded_from: str | None = None
    addressed: bool = True
    sent_at: float = 0.0
    spoken: bool = False
    forum: bool = False

    @property
    def id(self) -> str:
        """Names the request for the fleet; another bot in the same chat numbers its messages anew."""
        return f"{self.chat_id}:{self.key}:{int(self.sent_at)}"

    @property
    def session(self) -> str | None:
        """Key of the session that the message replied to, or tapped, is about."""
        return self.about.session if self.about is not None else None

    def with_text(self, text: str) -> ChatRequest:
        """The same request with another text."""
        return replace(self, text=text)

    def without_files(self) -> ChatRequest:
        """The same request once its files were saved."""
        return replace(self, files=())

    def as_json(self) -> dict[str, Any]:
        """The request as JSON object, without the tap that cannot be answered later."""
        values = asdict(replace(self, query_id=None, files=()))
        return values | {"files": [file.model_dump(mode="json") for file in self.files]}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> ChatRequest:
        """The request that `as_json` returned."""
        about = MessageSubject(**values["about"]) if values["about"] else None
        files = tuple(FileRef.model_validate(file) for file in values.get("files", ()))
        return cls(**{**values, "about": about, "person": Person(**values["person"]), "files": files})
