"""Notifications about one session: the difference between the current state and what was sent, in one transaction."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections import defaultdict
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from samobot.errors import NotFoundError, SamobotError
from samobot.fleet.models import SessionRef, SessionView
from samobot.session.gate import Person
from samobot.session.status import SessionState
from samobot.telegram.notify.extras import ExtraReader, Sessions
from samobot.telegram.notify.messages import held, messages
from samobot.telegram.notify.notification import (
    ExtraContent,
    Importance,
    Notification,
    NotificationInput,
    picture_mark,
)
from samobot.telegram.notify.publisher import Publisher, SessionMessages
from samobot.telegram.notify.pull_requests import mark_pull_request
from samobot.telegram.notify.recipients import Recipients
from samobot.telegram.notify.state import NotifiedState, advance, first_sight
from samobot.telegram.notify.tracked_sessions import TrackedSessions
from samobot.telegram.store.bot_store import Store
from samobot.telegram.views import card
from samobot.telegram.views.wording import Icon, Recipient

log = logging.getLogger(__name__)

_ALERT_FIRST_SECONDS = 0.05
"""For how long a card waits at most until a message that the user waits for has gone out."""


class SessionNotifier:
    """Sends notifications about single sessions.

    Args:
        fleet: The sessions.
        store: Remembers what was sent.
        publisher: Posts and edits messages.
        recipients: Which chats follow which session.
        displayed: Sets the display name of a view.
        now: The clock, aware.
        tracked: What was sent about each session.
        known_since: The time of the last full poll of an earlier process; None if there was none.

    Attributes:
        known_since: The time of the last full poll.
        deciding: Who is deciding about a session at this moment, by key; a poll may see the result first.
    """

    def __init__(
        self,
        fleet: Sessions,
        store: Store,
        publisher: Publisher,
        recipients: Recipients,
        displayed: Callable[[SessionView], SessionView],
        now: Callable[[], datetime],
        tracked: TrackedSessions,
        known_since: datetime | None,
    ) -> None:
        self._fleet = fleet
        self._store = store
        self._publisher = publisher
        self._recipients = recipients
        self._displayed = displayed
        self._now = now
        self._extras = ExtraReader(fleet, store, publisher.mask_json)
        self._messages = SessionMessages(store, publisher, recipients)
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._archived: set[str] = set()
        self._tracked = tracked
        self.known_since = known_since
        self.deciding: dict[str, Person] = {}

    def drop_past(self, key: str) -> None:
        """Keep in memory nothing more of a session that is past; the store keeps what was said of it."""
        self._tracked.forget(key)
        self._publisher.forget_cards(key)
        lock = self._locks.get(key)
        if lock is not None and not lock.locked():
            del self._locks[key]

    async def poll(self, view: SessionView) -> None:
        """Send what has changed in a session as it was read on a poll."""
        known = self._tracked.known.get(view.ref.key)
        if known is not None and _is_older(view, known.view):
            await self.refresh(view.ref)  # a decision was sent after this view was read
        else:
            await self._run_guarded(view.ref.key, self._notify(view))

    async def refresh(
        self,
        ref: SessionRef,
        adjust: Callable[[NotifiedState], NotifiedState] | None = None,
        *,
        receipt: Callable[[], object] | None = None,
    ) -> SessionView | None:
        """Read a session again and send what has changed.

        Args:
            ref: The session.
            adjust: A change to what is remembered of it.
            receipt: Writes more in the same transaction; alone if nothing can be sent.

        Returns:
            The session as it was read; None if it could not be read.
        """
        read: SessionView | None = None
        receipts = [] if receipt is None else [receipt]

        async def refresh() -> None:
            nonlocal read
            read = await self._fleet.view(ref)
            await self._notify(self._displayed(read), adjust=adjust, receipts=receipts)

        await self._run_guarded(ref.key, refresh())
        for write in receipts:
            write()
        return read

    async def unmute(self, ref: SessionRef) -> None:
        """Post the message of a need that was only named in a summary."""
        known = self._tracked.known.get(ref.key)
        if known is not None and known.state.muted and known.state.need is not None:
            await self.refresh(ref, lambda state: state.updated(muted=False))

    async def _run_guarded(self, session: str, work: Coroutine[Any, Any, None]) -> None:
        """Send; a failure is retried on the next poll, and delays neither a handler nor other sessions."""
        try:
            await work
        except NotFoundError:
            log.info("%s is gone", session)
        except SamobotError as error:
            self._mark_failed(session)
            log.error("the notification about %s failed: %s", session, error.message)
        except Exception:
            self._mark_failed(session)
            log.exception("the notification about %s failed", session)

    def _mark_failed(self, session: str) -> None:
        self._tracked.mark_failed(session, self._now())
        self._publisher.forget_cards(session)

    async def _notify(
        self,
        view: SessionView,
        *,
        adjust: Callable[[NotifiedState], NotifiedState] | None = None,
        receipts: list[Callable[[], object]] | None = None,
    ) -> None:
        key = view.ref.key
        if not self._recipients.any(key):
            return
        async with self._locks[key]:
            if key in self._archived:
                # It was read before it was archived, or is restored.
                view = self._displayed(await self._fleet.view(view.ref))
                self._archived.discard(key)
            now = self._now()
            while True:
                stored = self._state(key)
                before = stored or first_sight(view, now, self.known_since)
                after = advance(view, adjust(before) if adjust is not None else before, now)
                change = await self._extras.read(NotificationInput(view, before, after, ExtraContent(), now))
                known = self._tracked.known.get(key)
                # A reminder may have been noted meanwhile.
                if known is None or known.state is stored:
                    break
            recipients = self._recipients.of(key)
            wanted = {recipient: messages(change, recipient) for recipient in recipients}
            card_shown = self._tracked.card_is_due(view, now)
            show_card = functools.partial(
                self._show_card,
                change,
                recipients,
                stored,
                at_end=self._tracked.has_moved(view) and view.state is not SessionState.DONE,
            )
            waits = _has_new_alert(change, wanted)
            sent = self._apply(
                change,
                wanted,
                stored,
                self.deciding.get(key),
                [] if receipts is None else receipts,
                show_card if card_shown and not waits else None,
            )
            self._tracked.note(view, sent, now, card_shown=card_shown)
            if card_shown and waits:
                await self._publisher.drain(_ALERT_FIRST_SECONDS)
                with self._store.transaction(durable=False):
                    show_card(sent)

    def _apply(
        self,
        change: NotificationInput,
        wanted: Mapping[Recipient, Sequence[Notification]],
        stored: NotifiedState | None,
        by: Person | None,
        receipts: list[Callable[[], object]],
        show_card: Callable[[NotifiedState], None] | None,
    ) -> NotifiedState:
        """Post, edit and close messages, and remember that, in one transaction; what is in `receipts` is taken out."""
        view, key, recipients = change.view, change.view.ref.key, tuple(wanted)
        # Durable for notifications, which are rare. The many edits of cards are not worth a sync.
        durable = bool(change.after.posted) or any(wanted.values())
        with self._store.transaction(durable=durable):
            for write in receipts:
                write()
            posted = dict(change.after.posted)
            current: set[str] = set()
            for recipient, found in wanted.items():
                if any(
                    message.importance is Importance.ALERT or message.kind == "phase" for message in found
                ):
                    self._publisher.drop_superseded(recipient, "phase:", key)
                for message in found:
                    current.add(message.key)
                    record = self._messages.post_or_edit(
                        recipients, recipient, change, message, posted.get(message.key)
                    )
                    if record is not None and message.live:
                        posted[message.key] = record
                    elif recipient is recipients[-1]:
                        posted.pop(message.key, None)
            for name, record in change.after.posted.items():
                if name not in current and not held(change, name, record):
                    del posted[name]
                    self._messages.close(recipients, change, record, by)
            sent = change.after.updated(posted=posted, seen_pictures=_seen_pictures(change, recipients))
            if show_card is not None:
                show_card(sent)
            self._extras.keep(change)
            known = self._tracked.known.get(key)
            if view.remarks or view.state is SessionState.DONE:
                mark_pull_request(
                    self._store.pull_requests, view, change.before, known.view if known is not None else None
                )
            if sent != stored:
                self._store.notified.set(key, sent.model_dump(mode="json", exclude_defaults=True))
        receipts.clear()
        return sent

    def _show_card(
        self,
        change: NotificationInput,
        recipients: Sequence[Recipient],
        stored: NotifiedState | None,
        sent: NotifiedState,
        *,
        at_end: bool,
    ) -> None:
        if not sent.card:
            return
        for recipient in recipients:
            if stored is None:
                self._publisher.release_card(recipient, change.view.ref.key)
            shown = card.card(change.view, recipient, change.now)
            self._publisher.show_card(recipient, change.view.ref.key, shown, at_end=at_end)

    def save_states(self, states: dict[str, NotifiedState]) -> None:
        """Save states of sessions, as part of the caller's transaction; see `apply_states`."""
        for key, state in states.items():
            self._store.notified.set(key, state.model_dump(mode="json", exclude_defaults=True))

    def apply_states(self, states: dict[str, NotifiedState]) -> None:
        """Use the states that `save_states` has written, once they are on disk."""
        for key, state in states.items():
            self._tracked.known[key].state = state

    async def archive(self, ref: SessionRef, by: Person | None) -> None:
        """Close the messages of a session that was just archived, and forget it."""
        async with self._locks[ref.key]:
            self._archived.add(ref.key)
            self._close_all(ref, Icon.ARCHIVED, "is archived", by)

    def forget(self, key: str) -> None:
        """Close the messages of a session that is gone, and forget it."""
        self._close_all(SessionRef.from_key(key), Icon.IDLE, "is gone", None)

    def _close_all(self, ref: SessionRef, sign: Icon, words: str, by: Person | None) -> None:
        key = ref.key
        state = self._state(key) or NotifiedState()
        self._tracked.forget(key)
        with self._store.transaction(durable=True):
            self._messages.close_all(ref, state, sign, words, by, self._now())
            self._store.notified.drop(key)
            self._store.past.drop(key)
            self._recipients.forget(key)
            self._extras.forget(key)

    def _state(self, key: str) -> NotifiedState | None:
        known, moves = self._tracked.known.get(key), self._recipients.migrations()
        if known is not None:
            known.state = known.state.migrated(moves)
            return known.state
        stored = self._store.notified.get(key)
        try:
            return NotifiedState.model_validate(stored).migrated(moves) if stored is not None else None
        except ValidationError:
            log.warning("the record of what was sent about %s cannot be read; it is sent again", key)
            return None


def _seen_pictures(change: NotificationInput, recipients: Sequence[Recipient]) -> dict[str, tuple[str, ...]]:
    """The screenshots that each chat has, with those that are sent now."""
    seen, sent = change.after.seen_pictures, [picture_mark(each) for each in change.extras.pictures]
    if not sent:
        return seen
    return seen | {
        each.place: tuple(dict.fromkeys((*seen.get(each.place, ()), *sent))) for each in recipients
    }


def _has_new_alert(change: NotificationInput, wanted: Mapping[Recipient, Sequence[Notification]]) -> bool:
    return any(
        each.post and each.importance is Importance.ALERT and each.key not in change.after.posted
        for found in wanted.values()
        for each in found
    )


def _is_older(view: SessionView, sent: SessionView) -> bool:
    return view.updated is not None and sent.updated is not None and view.updated < sent.updated
