"""How much a message matters, and what a chat's level makes of it."""

from __future__ import annotations

from enum import StrEnum

from samobot.telegram.store.chat_settings import NotifyLevel


class Importance(StrEnum):
    """How much a message matters."""

    ALERT = "alert"
    """A person has to hear it: always, with a sound."""
    ALERT_PART = "alert_part"
    """Belongs to one that is needed: always, without a sound."""
    INFO = "info"
    """Without a sound; not where a chat wants quiet."""
    PROGRESS = "progress"
    """Only where a chat wants to hear all, with a sound: everywhere else the card shows it."""
    DETAIL = "detail"
    """The same without a sound."""

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
