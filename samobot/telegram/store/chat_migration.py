"""Groups that became supergroups: Telegram gives them a new number, and what was said of the old one goes on."""

from __future__ import annotations

from enum import StrEnum

from samobot.telegram.store.notified import Facts

_MOVED = "moved"


class ChatFact(StrEnum):
    """Facts of a chat: each has the chat's number in its name, and moves along with the chat."""

    PARKED = "parked"
    ASKED = "asked"


def fact_of(kind: ChatFact, chat_id: int, detail: int) -> str:
    """Name a fact of a chat.

    Args:
        kind: What it is about.
        chat_id: The chat.
        detail: Whom or which part of the chat it concerns: a user, a topic.
    """
    return f"{_beginning(kind, chat_id)}{detail}"


def _beginning(kind: ChatFact, chat_id: int) -> str:
    return f"{kind}:{chat_id}:"


class ChatMigrations:
    """Where chats have gone.

    Args:
        facts: Where it is kept.
    """

    def __init__(self, facts: Facts) -> None:
        self._facts = facts

    def note(self, old: int, new: int) -> None:
        """Note that a chat has another number from now on, and name its facts by that; in the caller's transaction."""
        self._facts.set(_MOVED, {**(self._facts.get(_MOVED) or {}), str(old): new})
        for kind in ChatFact:
            self._facts.rename(_beginning(kind, old), _beginning(kind, new))

    def all(self) -> dict[int, int]:
        """Old numbers and new ones."""
        return {int(old): new for old, new in (self._facts.get(_MOVED) or {}).items()}

    def now(self, chat_id: int) -> int:
        """The number that a chat has now. A supergroup moves no further."""
        return self.all().get(chat_id, chat_id)
