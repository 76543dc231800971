"""A message that a chat should have, its key and importance, and the input from which such messages are made."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from enum import StrEnum
from typing import Any

from samobot.fleet.ask_models import AskView
from samobot.fleet.models import RemarkView, SessionView
from samobot.fleet.results import DiffView, Document, LessonsView, UntrustedView
from samobot.frozen import frozen
from samobot.telegram.notify.state import NotifiedState, new_remarks
from samobot.telegram.outbound.post_content import Attachment
from samobot.telegram.store.chat_settings import NotifyLevel
from samobot.telegram.views.buttons import MessageView
from samobot.telegram.views.pending import Need, NeedKind, need_of
from samobot.telegram.views.permission import ask_key


class Importance(StrEnum):
    """How much a message matters."""

    ALERT = "alert"
    """The user is needed: always, with a sound."""
    ALERT_PART = "alert_part"
    """Belongs to a message of that importance: always, without a sound."""
    INFO = "info"
    """Without a sound; not in chats that want quiet."""
    PROGRESS = "progress"
    """Only in chats that want everything, with a sound: elsewhere only the card shows it."""
    DETAIL = "detail"
    """Only in chats that want everything, without a sound."""

    def wanted(self, level: NotifyLevel) -> bool:
        """Whether a chat wants it at all."""
        match self:
            case Importance.ALERT | Importance.ALERT_PART:
                return True
            case Importance.INFO:
                return level is not NotifyLevel.QUIET
            case Importance.PROGRESS | Importance.DETAIL:
                return level is NotifyLevel.ALL

    def silent(self, level: NotifyLevel) -> bool:
        """Whether it comes without a sound."""
        return not (self is Importance.ALERT or (self is Importance.PROGRESS and level is NotifyLevel.ALL))


@frozen
class ExtraContent:
    """What a new message needs besides the view; read only when it is needed.

    Attributes:
        plan: The plan's text.
        asks: The whole of long calls that are asked for, by their ids.
        said: The last thing that the agent said.
        summary: The agent's summary.
        diff: What the branch holds.
        review: The review guide, as HTML; empty if it could not be made.
        lessons: What the session learned about its project.
        untrusted: What of the project is not used; None if that could not be read.
        pictures: Screenshots of what was made; a chat is sent those that it does not have.
    """

    plan: Document | None = None
    asks: Mapping[str, Document] = field(default_factory=dict)
    said: str = ""
    summary: Document | None = None
    diff: DiffView | None = None
    review: str = ""
    lessons: LessonsView | None = None
    untrusted: tuple[UntrustedView, ...] | None = None
    pictures: tuple[Attachment, ...] = ()


@frozen
class Notification:
    """A message that a chat should have.

    Attributes:
        key: Its permanent name within the session.
        kind: What sort of message; for replies to it.
        shown: Its content.
        importance: How much it matters.
        detail: What a reply to it is about.
        post: Whether it is posted if it is missing; else it is only kept up to date.
        live: Whether it may still change.
        need: The need that it stands for.
        decided: Whether its earlier buttons are no longer of use.
    """

    key: str
    kind: str
    shown: MessageView
    importance: Importance
    detail: dict[str, Any] = field(default_factory=dict)
    post: bool = True
    live: bool = True
    need: str = ""
    decided: bool = False


@frozen
class NotificationInput:
    """The input from which messages are made.

    Attributes:
        view: The session.
        before: What was sent.
        after: What is sent from now on.
        extras: What new messages need.
        now: The time.
        need: What the session waits for.
    """

    view: SessionView
    before: NotifiedState
    after: NotifiedState
    extras: ExtraContent
    now: datetime
    need: Need | None = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "need", need_of(self.view))

    @property
    def new_plan(self) -> bool:
        """Whether there is a plan that was not shown yet."""
        unmuted = self.before.muted and self.after.need_kind is NeedKind.PLAN
        return not self.after.muted and (unmuted or len(self.after.plans) > len(self.before.plans))

    @property
    def new_asks(self) -> tuple[AskView, ...]:
        """Calls that wait for the user and were not shown yet."""
        if self.need is None or self.need.kind is not NeedKind.PERMISSION or self.after.muted:
            return ()
        return tuple(ask for ask in self.view.asks if ask.waiting and ask_key(ask) not in self.after.posted)

    @property
    def new_untrusted(self) -> list[RemarkView]:
        """Reports that something of the project is not used which were not sent yet."""
        return new_remarks(self.view, self.before, "trust")

    @property
    def newly_done(self) -> bool:
        """Whether it is done and that was not sent yet."""
        return self.after.done is not None and self.after.done != self.before.done


def plan_key(state: NotifiedState) -> str:
    """The key of the message of the plan that was shown last; each showing has its own."""
    return f"plan:{len(state.plans)}"


def paused_key(sent: NotifiedState) -> str:
    """The key of the message about a pause; it stays open until the session continues."""
    return f"paused:{sent.paused}"


def budget_key(sent: NotifiedState) -> str:
    """The key of a budget warning; it stays open until the next threshold, or until the session is idle."""
    return f"budget:{sent.budget_usd}:{sent.warned}"


def need_key(name: str) -> str:
    """The key of the message about a need."""
    return f"need:{_digest(name)}"


def answers_key(name: str) -> str:
    """The key of the receipt of some answers."""
    return f"answers:{_digest(name)}"


def silence_key(session: str, need: str) -> str:
    """The key of a need that a chat has silenced."""
    return f"{session}|{need}"


def picture_mark(picture: Attachment) -> str:
    """Name a screenshot with this content."""
    return f"{picture.name}:{hashlib.sha256(picture.data).hexdigest()[:16]}"


def _digest(name: str) -> str:
    # A folder's name may be no valid text.
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:16]
