"""Users, chats and files, and their Bot API objects."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from samobot.sandbox.botapi.bots import Bot
    from samobot.sandbox.botapi.chat_messages import SandboxMessage
    from samobot.sandbox.botapi.feed import Feed

GROUP_ANONYMOUS_BOT = 1087968824
"""The account that messages of anonymous admins come from."""
TELEGRAM = 777000
"""The account that forwards a channel's posts into its group."""


class ChatType(StrEnum):
    """The kinds of chat."""

    PRIVATE = "private"
    GROUP = "group"
    SUPERGROUP = "supergroup"
    CHANNEL = "channel"


class MemberStatus(StrEnum):
    """A user's membership status in a chat."""

    CREATOR = "creator"
    ADMINISTRATOR = "administrator"
    MEMBER = "member"
    LEFT = "left"
    KICKED = "kicked"


class MediaKind(StrEnum):
    """The kinds of file that a message can hold, by their field in a `Message`."""

    DOCUMENT = "document"
    PHOTO = "photo"
    VOICE = "voice"
    AUDIO = "audio"
    VIDEO = "video"
    VIDEO_NOTE = "video_note"
    ANIMATION = "animation"


@dataclass(slots=True, eq=False)
class User:
    """An account of a user or a bot."""

    id: int
    first_name: str
    username: str | None = None
    is_bot: bool = False
    language_code: str | None = None
    last_name: str | None = None

    def api(self) -> dict[str, object]:
        """A `User`."""
        body: dict[str, object] = {"id": self.id, "is_bot": self.is_bot, "first_name": self.first_name}
        if self.last_name:
            body["last_name"] = self.last_name
        if self.username:
            body["username"] = self.username
        if self.language_code and not self.is_bot:
            body["language_code"] = self.language_code
        return body


@dataclass(frozen=True, slots=True)
class File:
    """A file sent by a bot or a user."""

    id: str
    unique_id: str
    name: str
    mime_type: str
    path: str
    data: bytes = field(repr=False)
    sides: tuple[int, int] | None = None

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.data)

    @property
    def text(self) -> str:
        """What is in it, read as UTF-8."""
        return self.data.decode()

    def api(self) -> dict[str, object]:
        """What all of Telegram's file objects have."""
        return {"file_id": self.id, "file_unique_id": self.unique_id, "file_size": self.size}


TOPIC_ICONS = {
    "5417915203100613993": "💬", "5312016608254762256": "⚡️", "5377316857231450742": "❓",
    "5373251851074415873": "📝", "5379748062124056162": "❗️", "5350452584119279096": "💰",
    "5408906741125490282": "🏁", "5237699328843200968": "✅",
}  # fmt: skip
"""Some of the emoji that anybody may use as a topic's icon, by their number."""


@dataclass(slots=True)
class Topic:
    """A topic of a forum."""

    id: int
    name: str
    icon_color: int
    icon: str = ""
    closed: bool = False


@dataclass(slots=True, eq=False)
class SandboxChat:
    """A chat: private between a user and one bot, a group, or a channel.

    Args:
        id: As bots see it.
        type: What kind.
        title: Of a group or channel.
        bot: The bot at the other end of a private chat.
        user: The user at the other end of a private chat.
        started: Whether the user of a private chat has ever written to the bot.
        blocked: Whether the user of a private chat has blocked the bot.
    """

    id: int
    type: ChatType
    title: str = ""
    bot: Bot | None = None
    user: User | None = None
    username: str | None = None
    is_forum: bool = False
    started: bool = True
    blocked: bool = False
    members: dict[int, MemberStatus] = field(default_factory=dict)
    topics: dict[int, Topic] = field(default_factory=dict)
    by_id: dict[int, SandboxMessage] = field(default_factory=dict)
    pinned: list[int] = field(default_factory=list)
    last_message_id: int = 0
    feed: Feed | None = field(default=None, repr=False)

    @property
    def messages(self) -> list[SandboxMessage]:
        """All that are there now, oldest first."""
        return list(self.by_id.values())

    @property
    def last(self) -> SandboxMessage | None:
        """The newest message."""
        return next(reversed(self.by_id.values()), None)

    def from_bot(self, after: int = 0) -> list[SandboxMessage]:
        """What bots have sent and not deleted, with an id above `after`, service messages left out."""
        return [
            message
            for message in self.by_id.values()
            if message.id > after
            and message.sender is not None
            and message.sender.is_bot
            and not message.service
        ]

    async def wait_for(
        self,
        fits: Callable[[SandboxMessage], bool] = lambda _: True,
        timeout: float = 10.0,
        *,
        after: int = 0,
    ) -> SandboxMessage:
        """Wait for a bot's message, or for an edit that makes one fit.

        Args:
            fits: What it must be like, as it is now.
            timeout: Seconds.
            after: Only messages with a higher id.

        Returns:
            The oldest that fits.

        Raises:
            SandboxTimeout: None came; the sentence has the last messages.
        """
        assert self.feed is not None
        return await self.feed.wait_for(
            lambda: next((message for message in self.from_bot(after) if fits(message)), None),
            timeout,
            lambda: f"No message came that fits, in {timeout} s; the last ones: {self._tail()}.",
        )

    def _tail(self) -> str:
        return " | ".join(
            f"{message.id}: {message.text[:200]!r} {message.labels}" for message in self.messages[-5:]
        )

    def status(self, user_id: int) -> MemberStatus:
        """A user's membership status in this chat."""
        return self.members.get(user_id, MemberStatus.LEFT)

    def api(self) -> dict[str, object]:
        """A `Chat`."""
        body: dict[str, object] = {"id": self.id, "type": self.type.value}
        if self.user is not None:
            body["first_name"] = self.user.first_name
            if self.user.last_name:
                body["last_name"] = self.user.last_name
            if self.user.username:
                body["username"] = self.user.username
        else:
            body["title"] = self.title
            if self.username:
                body["username"] = self.username
        if self.is_forum:
            body["is_forum"] = True
        return body
