"""The notifier: compares each session's current state with what was last sent, and sends the difference.

Messages are made from the state alone. So a decision from the terminal changes the chat's message just as a
tap does, and after an outage only the current state is sent. What was sent is stored in the same transaction as
the messages, and each message has a permanent key: none is lost, none comes twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from samobot.errors import SamobotError
from samobot.fleet.models import PastSession, SessionRef, SessionView
from samobot.fleet.results import FleetEvent
from samobot.session.gate import Person
from samobot.session.status import SessionState
from samobot.telegram.notify.display_names import DisplayNames
from samobot.telegram.notify.extras import Sessions
from samobot.telegram.notify.fleet_news import FleetNews
from samobot.telegram.notify.limit_notices import LimitNotices
from samobot.telegram.notify.notification import silence_key
from samobot.telegram.notify.past_lines import keep_past
from samobot.telegram.notify.publisher import Publisher
from samobot.telegram.notify.recipients import Recipients
from samobot.telegram.notify.reminders import GAP, NeedNotices, Reminders
from samobot.telegram.notify.session_notifier import SessionNotifier
from samobot.telegram.notify.tracked_sessions import TrackedSessions
from samobot.telegram.outbound.outbox import Outbox
from samobot.telegram.store.bot_store import Store
from samobot.telegram.views import card
from samobot.telegram.views.pending import NeedKind

log = logging.getLogger(__name__)

SAVE_LAST_POLL_EVERY = timedelta(minutes=1)
"""How often the time of the last full poll is saved."""

COMPARE_EVERY = timedelta(seconds=20)
"""How often reminders and limits are checked while no session changes."""

GONE_AFTER = timedelta(minutes=10)
"""How long a session has to be missing before its messages are closed."""

AUTO_GRACE = timedelta(minutes=1)
"""Delay after the start before anything is decided automatically, so that taps made during an outage go first."""

AUTOMATIC = Person("samobot, as --auto allows", "auto")


class Notifier:
    """Sends notifications about sessions to the chats.

    Args:
        fleet: The sessions.
        store: Remembers what was sent.
        outbox: Delivers the messages.
        recipients: Which chats follow which session.
        now: The clock, aware.
    """

    def __init__(
        self,
        fleet: Sessions,
        store: Store,
        outbox: Outbox,
        recipients: Recipients,
        now: Callable[[], datetime],
    ) -> None:
        self._fleet = fleet
        self._store = store
        self._recipients = recipients
        self._publisher = Publisher(store, outbox)
        looked = store.last_poll.get()
        self._names = DisplayNames()
        self._tracked = TrackedSessions()
        self._sessions = SessionNotifier(
            fleet, store, self._publisher, recipients, self._names.displayed, now, self._tracked, looked
        )
        self._limits = LimitNotices(store, self._publisher, recipients)
        self._news = FleetNews(store, self._publisher, recipients, now)
        self._needs = NeedNotices(
            self._sessions, self._tracked, store, Reminders(store, self._publisher, recipients)
        )
        self._now = now
        self._gone: dict[str, datetime] = {}
        self._awake_since: datetime | None = None
        self._views_compared: Sequence[SessionView] | None = None
        self._compared: Sequence[SessionView] = ()  # held, so that no other view gets the identity of one
        self._unsummarized: dict[str, None] = {}
        # Restored before the next look, such a session is new though it has not changed.
        self._archived: set[str] = set()
        self._unsettled: frozenset[str] = frozenset()
        self._present: frozenset[str] = frozenset()
        self._compare_again = datetime.min.replace(tzinfo=UTC)
        self._last_poll: datetime | None = None
        self._last_poll_saved: datetime | None = None
        self._notified = set(store.notified.sessions())
        self._past: Sequence[PastSession] = ()
        self._all_read = True
        self._reach_changes = 0

    async def update(self, views: Sequence[SessionView], past: Sequence[PastSession] = ()) -> None:
        """Send what has changed in any session; called on every poll with all of them.

        A session whose notification fails (the disk refuses) is tried again on the next poll.

        Args:
            views: The sessions.
            past: Those of which only a line is kept: all has been said about them, or they are still to be read.
        """
        now = self._now()
        if self._last_poll is None or now - self._last_poll > GAP:
            self._awake_since = now
        self._last_poll = now
        if self._reach_changes != self._store.chats.reach_changes:
            # Other chats may follow a session whose own takes no messages.
            self._reach_changes = self._store.chats.reach_changes
            self._tracked.mark_due({SessionRef.from_key(key).name for key in self._tracked.known}, now)
        same = views is self._views_compared and past is self._past
        if same and now < self._compare_again and not self._tracked.due_keys(now):
            return
        # What has not changed costs nothing: a look at a thousand sessions takes little longer than one at a few.
        archived, self._archived = self._archived, set()
        fresh = _not_among(self._compared, views)
        if archived:
            fresh += [view for view in _not_among(fresh, views) if view.ref.key in archived]
        is_past_same = past is self._past
        if not is_past_same:
            # Which past sessions the chats were notified of is not kept in memory: a row of the store has it.
            keys = {each.key for each in past}
            before = (each.key for each in self._past)
            self._notified = {key for key in (*self._notified, *before) if key not in keys}
            self._past = past
            self._all_read = all(each.state is not None for each in past)
        self._views_compared = None
        present = self._keys_of(views, fresh)
        if present is not self._present or not is_past_same:
            self._tracked.mark_due(self._names.update(views, past), now)
        again = self._unsettled | self._tracked.due_keys(now)
        if again:
            new = set(map(id, fresh))
            fresh = [view for view in views if id(view) in new or view.ref.key in again]
        polls = []
        for view in map(self._names.displayed, fresh):
            if self._tracked.is_due(view, now):
                polls.append(asyncio.create_task(self._sessions.poll(view)))
                await asyncio.sleep(0)  # a handler gets its turn between two sessions
        await asyncio.gather(*polls)
        if self._gone or present is not self._present or not is_past_same:
            await self._forget_gone(present, now)
        self._notified |= present
        self._present = present
        self._update_limits(now)
        self._unsummarized.update(dict.fromkeys(view.ref.key for view in fresh))
        if self._all_read:
            self._needs.post_summary(self._unsummarized, now)
            self._unsummarized.clear()
        self._save_last_poll(now)
        if now < self._compare_again:
            await self._mark_past(fresh, now)
        else:  # what comes with time alone
            self._needs.post_reminders(now, self._awake_since or now)
            await self._decide_automatically(now)
            await self._mark_past(views, now)
            self._compare_again = now + COMPARE_EVERY
        self._unsettled = frozenset(
            view.ref.key for view in fresh if self._tracked.is_due(self._names.displayed(view), now)
        )
        self._compared = tuple(views)
        if not self._unsettled and not self._tracked.due_keys(now):
            self._views_compared = views

    def _keys_of(self, views: Sequence[SessionView], fresh: Sequence[SessionView]) -> frozenset[str]:
        """The sessions' keys; the same object as at the last look if they are the same."""
        if len(views) == len(self._present) and all(view.ref.key in self._present for view in fresh):
            return self._present
        return frozenset(view.ref.key for view in views)

    async def refresh(
        self,
        ref: SessionRef,
        *,
        receipt: Callable[[], object] | None = None,
    ) -> SessionView | None:
        """Send what has changed in one session right now, after a decision; return the session as it was read.

        Args:
            ref: The session.
            receipt: Writes the decision's receipt, in the same transaction if that is possible.
        """
        view = await self._sessions.refresh(ref, lambda state: state.updated(changing=()), receipt=receipt)
        if self._last_poll is not None:
            try:
                self._update_limits(self._now())
            except SamobotError as error:
                log.error("the notice about parked sessions failed: %s", error.message)
        return view

    @contextlib.contextmanager
    def deciding(self, ref: SessionRef, by: Person) -> Iterator[None]:
        """Remember who makes a decision that the session's files do not record, while it is carried out.

        A poll may send its result before the user who decided has got an answer.
        """
        self._sessions.deciding[ref.key] = by
        try:
            yield
        finally:
            self._sessions.deciding.pop(ref.key, None)  # two people may decide at once

    async def change_answer(self, ref: SessionRef, index: int, identity: str) -> None:
        """Offer the options of an answered question again."""
        key = f"question:{index}:{identity}"
        await self._sessions.refresh(ref, lambda state: state.updated(changing=(*state.changing, key)))

    async def keep_answer(self, ref: SessionRef) -> None:
        """Keep the answers as they are."""
        await self._sessions.refresh(ref, lambda state: state.updated(changing=()))

    async def archive(self, ref: SessionRef, by: Person) -> None:
        """Close the messages of a session that was archived, at once.

        Args:
            ref: The session.
            by: Who archived it.
        """
        await self._sessions.archive(ref, by)
        self._notified.discard(ref.key)
        self._archived.add(ref.key)

    async def unmute(self, ref: SessionRef) -> None:
        """Post what a session needs, if that was so old at first sight that only a summary named it."""
        await self._sessions.unmute(ref)

    async def auto_off(self, ref: SessionRef) -> None:
        """Leave the current need to the user, although the session was started with `--auto`."""
        await self._sessions.refresh(ref, lambda state: state.updated(auto_off=state.need))

    def silence(self, chat_id: int, session: str, need: str) -> None:
        """Stop reminding a chat of a session's current need.

        Args:
            chat_id: The chat.
            session: The session's key.
            need: The need's name: the action's `identity`.
        """
        chat = self._store.chats.get(chat_id)
        key = silence_key(session, need)
        self._store.chats.put(replace(chat, silenced=chat.silenced | {key}))

    def notify_fleet_news(self, news: Iterable[FleetEvent]) -> None:
        """Report what the fleet did automatically."""
        self._news.post(news)

    def show_offline(self) -> None:
        """Show on the cards of running sessions that the bot goes offline; call it before the outbox is drained."""
        now = self._now()
        for key, known in self._tracked.known.items():
            if known.state.card and known.view.state is SessionState.RUNNING:
                for recipient in self._recipients.of(key):
                    self._publisher.show_card(recipient, key, card.farewell(known.view, recipient, now))

    # All sessions together -----------------------------------------------------------------------------------

    def _update_limits(self, now: datetime) -> None:
        if self._tracked.parked or not self._limits.all_closed:
            self._limits.update({key: known.view for key, known in self._tracked.known.items()}, now)

    async def _decide_automatically(self, now: datetime) -> None:
        """Decide what a session started with `--auto` leaves to the bot, once its time is up."""
        awake = self._awake_since or now
        for known in list(self._tracked.known.values()):
            state, view = known.state, known.view
            if state.auto_at is None or now < max(state.auto_at, awake + AUTO_GRACE):
                continue
            try:
                if state.need_kind is NeedKind.PLAN and view.plan is not None:
                    await self._fleet.approve(view.ref, AUTOMATIC, expected=view.plan.sha256)
                elif state.need_kind is NeedKind.QUESTIONS:
                    shown = [question.identity for question in view.open_questions]
                    await self._fleet.accept_suggestions(view.ref, AUTOMATIC, expected=shown)
            except SamobotError as error:
                log.info("%s is not decided automatically: %s", view.ref.key, error.message)
                await self.auto_off(view.ref)
            await self.refresh(view.ref)

    async def _forget_gone(self, present: Set[str], now: datetime) -> None:
        """Close the messages of sessions that are gone, once that is certain: of archived ones at once."""
        for key in [key for key in self._gone if key in present or key not in self._notified]:
            del self._gone[key]
        for key in [key for key in self._notified if key not in present]:
            ref = SessionRef.from_key(key)
            if key not in self._gone and await self._is_archived(ref):
                await self._sessions.archive(ref, None)
                self._notified.discard(key)
            elif now - self._gone.setdefault(key, now) >= GONE_AFTER:
                self._sessions.forget(key)
                self._notified.discard(key)
                del self._gone[key]

    async def _mark_past(self, views: Sequence[SessionView], now: datetime) -> None:
        """Mark sessions as past of which everything was sent and in which nothing happens."""
        quiet = self._tracked.quiet_since(now)
        keys = [
            view.ref.key
            for view in views
            if (view.updated is None or view.updated < quiet)
            and self._tracked.is_past(self._names.displayed(view), now)
        ]
        if not keys:
            return
        marked = await self._fleet.mark_past(keys)
        keep_past(self._store, marked)
        for each in marked:
            self._sessions.drop_past(each.key)

    async def _is_archived(self, ref: SessionRef) -> bool:
        try:
            return await self._fleet.is_archived(ref)
        except SamobotError:
            return False  # unknown; it is closed when it has been gone for long

    def _save_last_poll(self, now: datetime) -> None:
        if self._last_poll_saved is None or now - self._last_poll_saved >= SAVE_LAST_POLL_EVERY:
            self._store.last_poll.set(now)
            self._last_poll_saved = now
        self._sessions.known_since = now


def _not_among(before: Sequence[SessionView], views: Sequence[SessionView]) -> list[SessionView]:
    """The views that were not there before, by identity; nearly always nearly all are where they were."""
    if len(views) != len(before):
        there = set(map(id, before))
        return [view for view in views if id(view) not in there]
    moved = [view for view, known in zip(views, before, strict=True) if view is not known]
    if not moved:
        return moved
    there = {id(known) for view, known in zip(views, before, strict=True) if view is not known}
    return [view for view in moved if id(view) not in there]
