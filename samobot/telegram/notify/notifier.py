"""Who tells the chat: compares what it was told with what is true, and says the difference.

Everything about a session is made from its state alone. So a decision taken in a terminal changes the chat's
message just as a tap does, and after an outage only what holds then is said. What was told is kept in the same
transaction as the messages that tell it, and each message has a key for good: none is lost, none comes twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from samobot.errors import SamobotError
from samobot.fleet.models import SessionRef, SessionView
from samobot.fleet.results import FleetEvent, FleetEventKind
from samobot.session.gate import Person
from samobot.session.status import SessionState
from samobot.telegram.notify.extras import Sessions
from samobot.telegram.notify.importance import Volume
from samobot.telegram.notify.limit_notices import ParkingBoard
from samobot.telegram.notify.naming import Naming
from samobot.telegram.notify.publisher import Voice
from samobot.telegram.notify.recipients import Places
from samobot.telegram.notify.reminders import GAP, Reminders, Waiting, silence_key, times_due
from samobot.telegram.notify.session_notifier import Teller
from samobot.telegram.outbound.outbox import Outbox
from samobot.telegram.store.bot_store import Store
from samobot.telegram.store.sent import About
from samobot.telegram.views import card
from samobot.telegram.views.events import fleet_news
from samobot.telegram.views.pending import NeedKind, need_of

log = logging.getLogger(__name__)

LOOKED_EVERY = timedelta(minutes=1)
"""How often it is noted that all sessions were looked at."""

GONE_AFTER = timedelta(minutes=10)
"""How long a session has to be missing before what is shown of it is closed."""

AUTO_GRACE = timedelta(minutes=1)
"""Taps made while the bot was down are acted on before it decides anything by itself."""

RESTARTS_TOGETHER = timedelta(minutes=10)
"""Restarts of a session that follow each other so soon are told in one message."""

BY_ITSELF = Person("samobot, as --auto allows", "auto")

_LOOKED = "looked"


class Notifier:
    """Tells the chats about the sessions.

    Args:
        fleet: The sessions.
        store: What was told.
        outbox: The way out.
        places: Which chats hear of which session.
        now: The clock, aware.
    """

    def __init__(
        self, fleet: Sessions, store: Store, outbox: Outbox, places: Places, now: Callable[[], datetime]
    ) -> None:
        self._fleet = fleet
        self._store = store
        self._places = places
        self._voice = Voice(store, outbox)
        looked = _moment(store.facts.get(_LOOKED))
        self._naming = Naming()
        self._teller = Teller(fleet, store, self._voice, places, self._naming.called, now, looked)
        self._parking = ParkingBoard(store, self._voice, places)
        self._reminders = Reminders(store, self._voice, places)
        self._now = now
        self._gone: dict[str, datetime] = {}
        self._awake_since: datetime | None = None
        self._looked_at: datetime | None = None
        self._looked_noted: datetime | None = None
        self._told = set(store.told.all())

    # What is called ------------------------------------------------------------------------------------------

    async def look(self, views: Sequence[SessionView]) -> None:
        """Say what has changed in any session; called on every poll with all of them.

        A session that cannot be told (the disk refuses) is told on the next poll.
        """
        now = self._now()
        if self._looked_at is None or now - self._looked_at > GAP:
            self._awake_since = now
        self._looked_at = now
        self._teller.tell_anew(self._naming.look(views), now)
        tellings = []
        for view in map(self._naming.called, views):
            if self._teller.is_due(view, now):
                tellings.append(asyncio.create_task(self._teller.poll(view)))
                await asyncio.sleep(0)  # a handler gets its turn between two sessions
        await asyncio.gather(*tellings)
        present = {view.ref.key for view in views}
        await self._forget_gone(present, now)
        self._parking.tell(self._views(), now)
        self._remind(now)
        await self._decide(now)
        self._note_looked(now)

    async def look_at(self, ref: SessionRef) -> None:
        """Say what has changed in one session, right now: after a decision."""
        await self._teller.look(ref, lambda memory: memory.but(changing=()))
        if self._looked_at is not None:
            try:
                self._parking.tell(self._views(), self._now())
            except SamobotError as error:
                log.error("who is parked cannot be told now: %s", error.message)

    @contextlib.contextmanager
    def deciding(self, ref: SessionRef, by: Person) -> Iterator[None]:
        """Name who decides something that stands in none of the session's files, while it is being carried out.

        What comes of it may be told by a poll, before whoever decided has been answered.
        """
        self._teller.deciding[ref.key] = by
        try:
            yield
        finally:
            self._teller.deciding.pop(ref.key, None)  # two people may decide at once

    async def change_answer(self, ref: SessionRef, index: int, identity: str) -> None:
        """Offer the options of an answered question again."""
        key = f"question:{index}:{identity}"
        await self._teller.look(ref, lambda memory: memory.but(changing=(*memory.changing, key)))

    async def keep_answer(self, ref: SessionRef) -> None:
        """Leave the answers as they are."""
        await self._teller.look(ref, lambda memory: memory.but(changing=()))

    async def put_away(self, ref: SessionRef, by: Person) -> None:
        """Close what is shown of a session that was archived, at once.

        Args:
            ref: The session.
            by: Who archived it.
        """
        await self._teller.put_away(ref, by)
        self._told.discard(ref.key)

    async def auto_off(self, ref: SessionRef) -> None:
        """Leave the need that stands now to a person, though the session was started with `--auto`."""
        await self._teller.look(ref, lambda memory: memory.but(auto_off=memory.need))

    def silence(self, chat_id: int, session: str, need: str) -> None:
        """Remind a chat no more of what a session needs now.

        Args:
            chat_id: The chat.
            session: The session's key.
            need: The need's name: the action's `identity`.
        """
        chat = self._store.chats.get(chat_id)
        key = silence_key(session, need)
        self._store.chats.put(replace(chat, silenced=chat.silenced | {key}))

    def tell_news(self, news: Iterable[FleetEvent]) -> None:
        """Say what the fleet did by itself."""
        for each in news:
            _, _, folder = each.key.partition(":")
            if each.kind is FleetEventKind.RESTARTED:
                self._tell_restart(each, folder)
                continue
            shown = fleet_news(each, folder)
            needed = each.kind in (FleetEventKind.GAVE_UP, FleetEventKind.FAILED_TO_START)
            volume = (
                Volume.NEEDED
                if needed
                else Volume.DETAIL
                if each.kind is FleetEventKind.STARTED
                else Volume.NEWS
            )
            key = f"news:{each.kind}:{each.key}:{self._now():%Y%m%dT%H%M%S}"
            with self._store.transaction(durable=needed):
                for place in self._places.of(each.key):
                    self._voice.post(place, key, shown, About(each.key, "news"), volume)

    def _tell_restart(self, news: FleetEvent, folder: str) -> None:
        """Say that a worker was started again: one message, which counts while it happens again and again."""
        now, fact = self._now(), f"restarted:{news.key}"
        told = self._store.facts.get(fact)
        again = told is not None and now - datetime.fromisoformat(told["at"]) < RESTARTS_TOGETHER
        key = (
            told["key"] if told is not None and again else f"news:restarted:{news.key}:{now:%Y%m%dT%H%M%S.%f}"
        )
        times = told["times"] + 1 if told is not None and again else 1
        shown, about = fleet_news(news, folder, times), About(news.key, "news")
        with self._store.transaction(durable=True):
            self._store.facts.set(fact, {"key": key, "times": times, "at": now.isoformat()}, durable=False)
            for place in self._places.of(news.key):
                if times > 1:
                    self._voice.edit(place, key, shown, about, Volume.NEWS)
                else:
                    self._voice.post(place, key, shown, about, Volume.NEWS)

    def farewell(self) -> None:
        """Say on the cards of running sessions that the bot goes off; call it before the outbox is drained."""
        now = self._now()
        for key, known in self._teller.known.items():
            if known.memory.card and known.view.state is SessionState.RUNNING:
                for place in self._places.of(key):
                    self._voice.show_card(place, key, card.farewell(known.view, place, now))

    # All sessions together -----------------------------------------------------------------------------------

    def _views(self) -> dict[str, SessionView]:
        return {key: known.view for key, known in self._teller.known.items()}

    def _remind(self, now: datetime) -> None:
        """Say again what waits for a person, where it is time, and remember that."""
        waiting = [
            Waiting(known.view, need, known.memory.need_at, known.memory.reminded)
            for known in self._teller.known.values()
            if known.memory.need is not None and not known.memory.muted and known.memory.need_at is not None
            if (need := need_of(known.view)) is not None and need.name == known.memory.need
        ]
        due = [each for each in waiting if each.is_due(now, self._awake_since or now)]
        if not due:
            return
        with self._store.transaction(durable=True):
            posted = self._reminders.tell(due, now)
            memories = {}
            for each in due:
                key = each.view.ref.key
                memory = self._teller.known[key].memory
                messages = {**memory.posted, **posted.get(key, {})}
                memories[key] = memory.but(reminded=times_due(each.since, now), posted=messages)
            self._teller.note(memories)
        self._teller.noted(memories)

    async def _decide(self, now: datetime) -> None:
        """Decide what a session started with `--auto` leaves to the bot, once its time is up."""
        awake = self._awake_since or now
        for known in list(self._teller.known.values()):
            memory, view = known.memory, known.view
            if memory.auto_at is None or now < max(memory.auto_at, awake + AUTO_GRACE):
                continue
            try:
                if memory.need_kind is NeedKind.PLAN and view.plan is not None:
                    await self._fleet.approve(view.ref, BY_ITSELF, expected=view.plan.sha256)
                elif memory.need_kind is NeedKind.QUESTIONS:
                    await self._fleet.accept_suggestions(view.ref, BY_ITSELF)
            except SamobotError as error:
                log.info("%s is not decided by itself: %s", view.ref.key, error.message)
                await self.auto_off(view.ref)
            await self.look_at(view.ref)

    async def _forget_gone(self, present: set[str], now: datetime) -> None:
        """Close what is shown of sessions that are gone, once that is certain: of archived ones at once."""
        for key in self._gone.keys() & present:
            del self._gone[key]
        for key in [key for key in self._told if key not in present]:
            ref = SessionRef.from_key(key)
            if key not in self._gone and await self._is_put_away(ref):
                await self._teller.put_away(ref, None)
                self._told.discard(key)
            elif now - self._gone.setdefault(key, now) >= GONE_AFTER:
                self._teller.forget(key)
                self._told.discard(key)
                del self._gone[key]
        self._told |= present

    async def _is_put_away(self, ref: SessionRef) -> bool:
        try:
            return await self._fleet.is_archived(ref)
        except SamobotError:
            return False  # nobody can tell; it is closed when it has been gone for long

    def _note_looked(self, now: datetime) -> None:
        if self._looked_noted is None or now - self._looked_noted >= LOOKED_EVERY:
            self._store.facts.set(_LOOKED, now.isoformat(), durable=False)
            self._looked_noted = now
        self._teller.known_since = now


def _moment(value: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found is not None and found.tzinfo is None else found
