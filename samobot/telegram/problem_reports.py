"""Messages about what went wrong with an update or with polling, to those whom it concerns."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from samobot.telegram.inbound.access import AccessGate
from samobot.telegram.inbound.update_handling import Problem
from samobot.telegram.markup.rich_text import escape
from samobot.telegram.notify.recipients import Recipients
from samobot.telegram.outbound.outbox import Outbox
from samobot.telegram.store.outbox_rows import Priority


class ProblemReports:
    """Reports problems; those with a stranger's update reach no chat.

    Args:
        gate: Who is allowed.
        outbox: The way out.
        places: Which chats there are.
        now: The clock, aware.
    """

    def __init__(
        self, gate: AccessGate, outbox: Outbox, places: Recipients, now: Callable[[], datetime]
    ) -> None:
        self._gate = gate
        self._outbox = outbox
        self._places = places
        self._now = now

    def report(self, problem: Problem) -> None:
        """Report a problem to the sender of its update; one without an update to all chats, once an hour."""
        if problem.update is None:
            for place in self._places.all():
                key = f"problem:{problem.kind}:{self._now():%Y%m%d%H}"
                self._outbox.post(place.chat_id, f"⚠️ {escape(problem.text)}", key=key)
            return
        chat_id = self._concerned(problem.update)
        if chat_id is not None:
            key = f"problem:{problem.update.get('update_id')}"
            text = f"⚠️ {escape(problem.text)} Please say it again."
            self._outbox.post(chat_id, text, key=key, priority=Priority.RECEIPT)

    def _concerned(self, update: dict[str, Any]) -> int | None:
        """The private chat of an update's sender, if that user is allowed."""
        for kind in ("message", "edited_message", "callback_query"):
            content = update.get(kind)
            sender = content.get("from") if isinstance(content, dict) else None
            user_id = sender.get("id") if isinstance(sender, dict) else None
            if isinstance(user_id, int) and user_id in self._gate.access.users:
                return user_id
        return None
