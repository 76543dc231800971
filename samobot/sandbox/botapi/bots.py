"""Bot accounts, and the taps on their buttons."""

from __future__ import annotations

from dataclasses import dataclass, field

from samobot.sandbox.botapi.api_limits import SendLimiter
from samobot.sandbox.botapi.chat_messages import SandboxMessage
from samobot.sandbox.botapi.chats import User
from samobot.sandbox.botapi.updates import UpdateQueue

CommandKey = tuple[str, int, int, str]
"""Scope type, chat id, user id, language code."""


@dataclass(slots=True, eq=False)
class Bot:
    """A bot account.

    Args:
        privacy: Telegram's privacy mode: in groups it sees only what is meant for it.
        has_topics: Whether its private chats have topics.
        webhook_url: Where set, getUpdates is refused with 409.
        commands: Its command menus.
        texts: Name, description and short description, by (what, language code).
        menu_buttons: `MenuButton` by chat id, 0 for the default.
    """

    token: str = field(repr=False)
    user: User
    queue: UpdateQueue
    privacy: bool = True
    has_topics: bool = False
    webhook_url: str = ""
    commands: dict[CommandKey, list[dict[str, str]]] = field(default_factory=dict)
    texts: dict[tuple[str, str], str] = field(default_factory=dict)
    menu_buttons: dict[int, dict[str, object]] = field(default_factory=dict)
    rates: SendLimiter = field(default_factory=SendLimiter)
    last_message_id: int = 0

    @property
    def username(self) -> str:
        """Without the @."""
        return self.user.username or ""


@dataclass(frozen=True, slots=True)
class TapAnswer:
    """What answerCallbackQuery said."""

    text: str
    show_alert: bool
    url: str


@dataclass(slots=True, eq=False)
class ButtonPress:
    """A user's tap on a button: a callback query.

    Args:
        created: Monotonic seconds.
        answer: What the bot answered, once it has.
    """

    id: str
    bot: Bot
    user: User
    message: SandboxMessage
    data: str
    created: float
    answer: TapAnswer | None = None
