"""Groups that became supergroups: Telegram gives them a new number, and what was said of the old one goes on."""

from __future__ import annotations

from samobot.bot.told import Facts

_MOVED = "moved"


class Moves:
    """Where chats have gone.

    Args:
        facts: Where it is kept.
    """

    def __init__(self, facts: Facts) -> None:
        self._facts = facts

    def note(self, old: int, new: int) -> None:
        """Note that a chat has another number from now on; within the caller's transaction."""
        self._facts.set(_MOVED, {**(self._facts.get(_MOVED) or {}), str(old): new})

    def all(self) -> dict[int, int]:
        """Old numbers and new ones."""
        return {int(old): new for old, new in (self._facts.get(_MOVED) or {}).items()}

    def now(self, chat_id: int) -> int:
        """The number that a chat has now. A supergroup moves no further."""
        return self.all().get(chat_id, chat_id)
