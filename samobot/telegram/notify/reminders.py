"""Reminders of what waits for the user: after one hour, after four, then once a day, until silenced.

And one summary of what had waited for days when the bot first saw it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from samobot.fleet.models import SessionView
from samobot.frozen import frozen
from samobot.telegram.markup.rich_text import escape
from samobot.telegram.notify.notification import Importance, silence_key
from samobot.telegram.notify.publisher import Publisher
from samobot.telegram.notify.recipients import Recipients
from samobot.telegram.notify.session_notifier import SessionNotifier
from samobot.telegram.notify.state import LiveMessage
from samobot.telegram.notify.tracked_sessions import TrackedSessions
from samobot.telegram.store.bot_store import Store
from samobot.telegram.store.sent import MessageSubject
from samobot.telegram.views.actions import Action, ActionKind
from samobot.telegram.views.buttons import ActionButton, MessageView, rows
from samobot.telegram.views.card import SIGNS
from samobot.telegram.views.pending import Need, NeedKind, need_of
from samobot.telegram.views.wording import Icon, Recipient, agent_plain, headline, lines, name_of
from samobot.text import human_duration, plural

_FIRST = (timedelta(hours=1), timedelta(hours=4))
_DAILY = timedelta(days=1)
_LISTED = 8


GAP = timedelta(minutes=10)
"""A gap between polls that counts as an outage. Reminders that fell due in it come this long after its end."""


@frozen
class PendingNeed:
    """A need that was sent and still waits.

    Attributes:
        view: The session.
        need: What it waits for.
        since: When it was sent; in a summary, since when it waits.
        reminded: Number of reminders that were due so far.
    """

    view: SessionView
    need: Need
    since: datetime
    reminded: int

    def is_due(self, now: datetime, awake_since: datetime) -> bool:
        """Whether a reminder is due now.

        Args:
            now: The time.
            awake_since: Since when sessions have been polled without a gap.
        """
        if times_due(self.since, now) <= self.reminded:
            return False
        return due_at(self.since, self.reminded) >= awake_since or now - awake_since >= GAP


def times_due(since: datetime, now: datetime) -> int:
    """Number of reminders that should have been sent by now for a need that was sent at `since`."""
    waited = now - since
    return sum(waited >= step for step in _FIRST) + max(0, int(waited / _DAILY))


def due_at(since: datetime, times: int) -> datetime:
    """When the reminder after the first `times` is due."""
    if times < len(_FIRST):
        return since + _FIRST[times]
    return since + _DAILY * (times - len(_FIRST) + 1)


def reminder(waiting: PendingNeed, now: datetime) -> MessageView:
    """Remind of one session that waits."""
    view, need = waiting.view, waiting.need
    waited = human_duration((now - waiting.since).total_seconds())
    text = headline(SIGNS[need.kind], view.ref, f"{_still(_waits(view, need))}, for {waited}")
    key = view.ref.key
    show = ActionButton("👀 Show", Action(do=ActionKind.STATUS, session=key))
    silence = ActionButton("🔕 Mute this", Action(do=ActionKind.SILENCE, session=key, identity=need.name))
    return MessageView(text, ((show, silence),))


def reminders(waiting: Sequence[PendingNeed], now: datetime) -> MessageView:
    """Remind of several sessions that wait, in one message."""
    return _list(f"{Icon.QUESTION} {plural(len(waiting), 'session')} still wait for you", waiting, now)


def summary(waiting: Sequence[PendingNeed], now: datetime) -> MessageView:
    """Name the sessions that had waited for days when the bot first saw them; a button shows what each waits for."""
    wait = "waits" if len(waiting) == 1 else "wait"
    return _list(f"{Icon.QUESTION} {plural(len(waiting), 'session')} {wait} for you", waiting, now)


def _list(head: str, waiting: Sequence[PendingNeed], now: datetime) -> MessageView:
    listed, buttons = [], []
    for each in waiting[:_LISTED]:
        waited = human_duration((now - each.since).total_seconds())
        words = escape(_waits(each.view, each.need))
        listed.append(f"{SIGNS[each.need.kind]} {name_of(each.view.ref)}  {words}, for {waited}")
        action = Action(do=ActionKind.STATUS, session=each.view.ref.key)
        buttons.append(ActionButton(agent_plain(each.view.ref.name, 30), action))
    more = len(waiting) - len(listed)
    return MessageView(
        lines(head, *listed, f"… and {more} more: /status" if more > 0 else ""), rows(*buttons, width=2)
    )


class Reminders:
    """Sends reminders to the chats that want them.

    Args:
        store: What chats have silenced.
        publisher: Posts them.
        recipients: Which chats follow which session.
    """

    def __init__(self, store: Store, publisher: Publisher, recipients: Recipients) -> None:
        self._store = store
        self._publisher = publisher
        self._recipients = recipients

    def post(self, due: Sequence[PendingNeed], now: datetime) -> dict[str, dict[str, LiveMessage]]:
        """Post the reminders that are due, several in one message; return the posted messages by session."""
        stamp = f"{now:%Y%m%dT%H%M%S}"
        posted: dict[str, dict[str, LiveMessage]] = {}
        for recipient in self._recipients.all():
            here = [each for each in due if self._wants(recipient, each)]
            if len(here) > 1:
                about = MessageSubject(None, "reminder")
                self._publisher.post(
                    recipient, f"reminders:{stamp}", reminders(here, now), about, Importance.ALERT
                )
            elif here:
                (each,) = here
                key, need = each.view.ref.key, each.need.name
                shown = reminder(each, now)
                name = f"reminder:{stamp}:{key}"
                self._publisher.post(
                    recipient, name, shown, MessageSubject(key, "reminder", {"need": need}), Importance.ALERT
                )
                before = posted.get(key, {}).get(name)
                texts = {**(before.texts if before else {}), recipient.chat_id: shown.text}
                record = LiveMessage(key=name, kind="reminder", at=now, need=need, texts=texts)
                posted[key] = {name: record}
        return posted

    def post_summary(self, waiting: Sequence[PendingNeed], now: datetime) -> None:
        """Post the summary of what had waited for days, to each chat with its own sessions."""
        about = MessageSubject(None, "reminder")
        for recipient in self._recipients.all():
            here = [each for each in waiting if self._wants(recipient, each)]
            if here:
                key = f"waiting:{now:%Y%m%dT%H%M%S.%f}"
                self._publisher.post(recipient, key, summary(here, now), about, Importance.ALERT)

    def _wants(self, recipient: Recipient, waiting: PendingNeed) -> bool:
        key = waiting.view.ref.key
        if recipient not in self._recipients.of(key):
            return False
        return silence_key(key, waiting.need.name) not in self._store.chats.get(recipient.chat_id).silenced


def _still(words: str) -> str:
    return f"is still {words.removeprefix('is ')}" if words.startswith("is ") else f"still {words}"


def _waits(view: SessionView, need: Need) -> str:
    match need.kind:
        case NeedKind.QUESTIONS:
            return f"waits for {plural(len(view.open_questions), 'answer')}"
        case NeedKind.PLAN:
            return "waits for plan approval"
        case NeedKind.PERMISSION:
            return "asks before a risky step"
        case NeedKind.ACTION:
            return "waits for you to do something"
        case NeedKind.BLOCK:
            return "is blocked"
        case NeedKind.BUDGET:
            return "waits for a bigger budget"
        case NeedKind.ITERATIONS:
            return "is paused: its iterations are used up"
        case NeedKind.FAILED:
            return "waits for another try"
        case NeedKind.LOST:
            return "waits to be started again"


class NeedNotices:
    """Posts what is to be said of all waiting sessions together.

    Args:
        sessions: Saves what was posted.
        tracked: The sessions and what was sent about them.
        store: Holds the transaction.
        reminders: Posts the messages.
    """

    def __init__(
        self, sessions: SessionNotifier, tracked: TrackedSessions, store: Store, reminders: Reminders
    ) -> None:
        self._sessions = sessions
        self._tracked = tracked
        self._store = store
        self._reminders = reminders

    def post_summary(self, among: Iterable[str], now: datetime) -> None:
        """Name what had waited for days when it was first seen: once, in one message for all of it.

        Args:
            among: The keys of sessions that were seen since the last call.
            now: The time.
        """
        waiting = [
            PendingNeed(known.view, need, known.view.updated or now, 0)
            for known in map(self._tracked.known.get, among)
            if known is not None
            and known.state.muted
            and known.state.need not in (None, known.state.summarized)
            if (need := need_of(known.view)) is not None and need.name == known.state.need
        ]
        if not waiting:
            return
        states = {
            each.view.ref.key: self._tracked.known[each.view.ref.key].state.updated(summarized=each.need.name)
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
            for known in self._tracked.known.values()
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
                state = self._tracked.known[key].state
                messages = {**state.posted, **posted.get(key, {})}
                states[key] = state.updated(reminded=times_due(each.since, now), posted=messages)
            self._sessions.save_states(states)
        self._sessions.apply_states(states)
