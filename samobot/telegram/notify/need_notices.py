"""Reminders and the summary of what waits, and the record of which were sent."""

from __future__ import annotations

from datetime import datetime

from samobot.telegram.notify.reminders import PendingNeed, Reminders, times_due
from samobot.telegram.notify.session_notifier import SessionNotifier
from samobot.telegram.store.bot_store import Store
from samobot.telegram.views.pending import need_of


class NeedNotices:
    """Posts what is to be said of all waiting sessions together.

    Args:
        sessions: The sessions and what was sent about them.
        store: Holds the transaction.
        reminders: Posts the messages.
    """

    def __init__(self, sessions: SessionNotifier, store: Store, reminders: Reminders) -> None:
        self._sessions = sessions
        self._store = store
        self._reminders = reminders

    def post_summary(self, now: datetime) -> None:
        """Name what had waited for days when it was first seen: once, in one message for all of it."""
        waiting = [
            PendingNeed(known.view, need, known.view.updated or now, 0)
            for known in self._sessions.known.values()
            if known.state.muted and known.state.need not in (None, known.state.summarized)
            if (need := need_of(known.view)) is not None and need.name == known.state.need
        ]
        if not waiting:
            return
        states = {
            each.view.ref.key: self._sessions.known[each.view.ref.key].state.updated(
                summarized=each.need.name
            )
            for each in waiting
        }
        with self._store.transaction(durable=True):
            self._reminders.post_summary(waiting, now)
            self._sessions.save_states(states)
        self._sessions.apply_states(states)

    def post_reminders(self, now: datetime, awake: datetime) -> None:
        """Send the reminders that are due, and remember them.

        Args:
            now: The time.
            awake: When the bot began to look, after its start or an outage.
        """
        waiting = [
            PendingNeed(known.view, need, known.state.need_at, known.state.reminded)
            for known in self._sessions.known.values()
            if known.state.need is not None and not known.state.muted and known.state.need_at is not None
            if (need := need_of(known.view)) is not None and need.name == known.state.need
        ]
        due = [each for each in waiting if each.is_due(now, awake)]
        if not due:
            return
        with self._store.transaction(durable=True):
            posted = self._reminders.post(due, now)
            states = {}
            for each in due:
                key = each.view.ref.key
                state = self._sessions.known[key].state
                messages = {**state.posted, **posted.get(key, {})}
                states[key] = state.updated(reminded=times_due(each.since, now), posted=messages)
            self._sessions.save_states(states)
        self._sessions.apply_states(states)
