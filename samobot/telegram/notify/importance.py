"""How much a message matters, and what a chat's level makes of it."""

from __future__ import annotations

from enum import StrEnum

from samobot.telegram.store.chat_settings import NotifyLevel


class Volume(StrEnum):
    """How much a message matters."""

    NEEDED = "needed"
    """A person has to hear it: always, with a sound."""
    PART = "part"
    """Belongs to one that is needed: always, without a sound."""
    NEWS = "news"
    """Without a sound; not where a chat wants quiet."""
    CHANGE = "change"
    """The same, and with a sound where a chat wants to hear all."""
    DETAIL = "detail"
    """Only where a chat wants to hear all, without a sound."""

    def wanted(self, level: NotifyLevel) -> bool:
        """Whether a chat wants it at all."""
        match self:
            case Volume.NEEDED | Volume.PART:
                return True
            case Volume.NEWS | Volume.CHANGE:
                return level is not NotifyLevel.QUIET
            case Volume.DETAIL:
                return level is NotifyLevel.ALL

    def silent(self, level: NotifyLevel) -> bool:
        """Whether it comes without a sound."""
        return not (self is Volume.NEEDED or (self is Volume.CHANGE and level is NotifyLevel.ALL))
