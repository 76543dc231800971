"""The importance of a message, and whether a chat's level shows it."""

from __future__ import annotations

from enum import StrEnum

from samobot.telegram.store.chat_settings import NotifyLevel


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
