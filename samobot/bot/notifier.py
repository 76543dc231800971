"""Who tells the chat: compares what it was told with what is true, and says the difference.

Everything about a session is made from its state alone. So a decision taken in a terminal changes the chat's
message just as a tap does, and after an outage only what holds then is said. What was told is kept in the same
transaction as the messages that tell it, and each message has a key for good: none is lost, none comes twice.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import ValidationError

from samobot.bot import cards
from samobot.bot.buttons import Shown
from samobot.bot.extras import ExtraReader, Sessions
from samobot.bot.memory import Memory, Posted, advance, first_sight
from samobot.bot.messages import Extras, Message, Scene, closed, held, messages
from samobot.bot.needs import NeedKind, need_of
from samobot.bot.outbox import Outbox
from samobot.bot.parking import ParkingBoard
from samobot.bot.phrases import Place, Sign, headline
from samobot.bot.places import Places
from samobot.bot.remarks import fleet_news
from samobot.bot.reminders import GAP, Reminders, Waiting, silence_key, times_due
from samobot.bot.sent import About
from samobot.bot.store import Store
from samobot.bot.voice import Voice
from samobot.bot.volume import Volume
from samobot.errors import NotFoundError, SamobotError
from samobot.session.gate import Person
from samobot.session.snapshot import SessionState
from samobot.views import FleetNews, NewsKind, SessionRef, SessionView

log = logging.getLogger(__name__)

CARD_EVERY = timedelta(seconds=15)
"""How often a running card is made anew though nothing was reported: its minutes go on."""

LOOKED_EVERY = timedelta(minutes=1)
GONE_AFTER = timedelta(minutes=10)
AUTO_GRACE = timedelta(minutes=1)
"""Taps made while the bot was down are acted on before it decides anything by itself."""

BY_ITSELF = Person("samobot, as --auto allows", "auto")

_LOOKED = "looked"


@dataclass(slots=True)
class _Known:
    """What is known of a session in this process: the view told last, when its card was made, when it is due."""

    view: SessionView
    memory: Memory
    card_at: datetime
    due: datetime | None


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
        self._extras = ExtraReader(fleet, store)
        self._voice = Voice(store, outbox)
        self._parking = ParkingBoard(store, self._voice, places)
        self._reminders = Reminders(store, self._voice, places)
        self._now = now
        self._known: dict[str, _Known] = {}
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._gone: dict[str, datetime] = {}
        self._awake_since: datetime | None = None
        self._looked_at: datetime | None = None
        self._looked_noted: datetime | None = None
        self._known_since = _moment(store.facts.get(_LOOKED))

    # What is called ------------------------------------------------------------------------------------------

    async def look(self, views: Sequence[SessionView]) -> None:
        """Say what has changed in any session; called on every poll with all of them.

        A session that cannot be told (the disk refuses) is told on the next poll.
        """
        now = self._now()
        if self._looked_at is None or now - self._looked_at > GAP:
            self._awake_since = now
        self._looked_at = now
        tellings = []
        for view in views:
            if self._is_due(view, now):
                tellings.append(asyncio.create_task(self._look_again(view)))
                await asyncio.sleep(0)  # a handler gets its turn between two sessions
        await asyncio.gather(*tellings)
        present = {view.ref.key for view in views}
        self._forget_gone(present, now)
        self._parking.tell(self._views(), now)
        self._remind(now)
        await self._decide(now)
        self._note_looked(now)

    async def look_at(self, ref: SessionRef, *, by: Person | None = None) -> None:
        """Say what has changed in one session, right now: after a decision.

        Args:
            ref: The session.
            by: Who decided, where that is known and stands in none of its files.
        """
        await self._adjust(ref, lambda memory: _with(memory, changing=()), by=by)
        if self._looked_at is not None:
            self._parking.tell(self._views(), self._now())

    async def change_answer(self, ref: SessionRef, index: int, identity: str) -> None:
        """Offer the options of an answered question again."""
        key = f"question:{index}:{identity}"
        await self._adjust(ref, lambda memory: _with(memory, changing=(*memory.changing, key)))

    async def keep_answer(self, ref: SessionRef) -> None:
        """Leave the answers as they are."""
        await self._adjust(ref, lambda memory: _with(memory, changing=()))

    async def auto_off(self, ref: SessionRef) -> None:
        """Leave the need that stands now to a person, though the session was started with `--auto`."""
        await self._adjust(ref, lambda memory: _with(memory, auto_off=memory.need))

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

    def tell_news(self, news: Iterable[FleetNews]) -> None:
        """Say what the fleet did by itself."""
        for each in news:
            _, _, folder = each.key.partition(":")
            shown = fleet_news(each, folder)
            needed = each.kind in (NewsKind.GAVE_UP, NewsKind.FAILED_TO_START)
            volume = (
                Volume.NEEDED if needed else Volume.DETAIL if each.kind is NewsKind.STARTED else Volume.NEWS
            )
            key = f"news:{each.kind}:{each.key}:{self._now():%Y%m%dT%H%M%S}"
            with self._store.transaction(durable=needed):
                for place in self._places.of(each.key):
                    self._voice.post(place, key, shown, About(each.key, "news"), volume)

    def farewell(self) -> None:
        """Say on the cards of running sessions that the bot goes off; call it before the outbox is drained."""
        now = self._now()
        for key, known in self._known.items():
            if known.memory.card and known.view.state is SessionState.RUNNING:
                for place in self._places.of(key):
                    self._voice.show_card(place, key, cards.farewell(known.view, place, now))

    # One session ---------------------------------------------------------------------------------------------

    def _is_due(self, view: SessionView, now: datetime) -> bool:
        known = self._known.get(view.ref.key)
        if known is None or (known.due is not None and known.due <= now):
            return True
        return known.view is not view and known.view != view

    async def _look_again(self, view: SessionView) -> None:
        """Tell a session on a poll."""
        known = self._known.get(view.ref.key)
        if known is not None and _is_older(view, known.view):
            await self._adjust(view.ref)  # a decision was told after this was read
        else:
            await self._guarded(view.ref.key, self._tell(view))

    async def _adjust(
        self, ref: SessionRef, adjust: Callable[[Memory], Memory] | None = None, *, by: Person | None = None
    ) -> None:
        """Read a session anew and tell it."""

        async def tell() -> None:
            await self._tell(await self._fleet.view(ref), by=by, adjust=adjust)

        await self._guarded(ref.key, tell())

    async def _guarded(self, session: str, telling: Coroutine[Any, Any, None]) -> None:
        """Tell; what goes wrong is told on the next poll, and holds up neither a handler nor other sessions."""
        try:
            await telling
        except NotFoundError:
            log.info("%s is gone", session)
        except SamobotError as error:
            self._untold(session)
            log.error("%s cannot be told now: %s", session, error.message)
        except Exception:
            self._untold(session)
            log.exception("%s cannot be told", session)

    def _untold(self, session: str) -> None:
        known = self._known.get(session)
        if known is not None:
            known.due = self._now()
        self._voice.forget_cards(session)

    async def _tell(
        self,
        view: SessionView,
        *,
        by: Person | None = None,
        adjust: Callable[[Memory], Memory] | None = None,
    ) -> None:
        key = view.ref.key
        if not self._places.of(key):
            return
        async with self._locks[key]:
            now = self._now()
            while True:
                stored = self._remembered(key)
                before = stored or first_sight(view, now, self._known_since)
                after = advance(view, adjust(before) if adjust is not None else before, now)
                scene = await self._extras.read(Scene(view, before, after, Extras(), now))
                known = self._known.get(key)
                # A reminder may have been noted meanwhile.
                if known is None or known.memory is stored:
                    break
            fresh = self._card_is_due(known, view, now)
            told = self._say(scene, stored, by, card=fresh)
            card_at = now if fresh or known is None else known.card_at
            ticks = view.state is SessionState.RUNNING
            due = now + CARD_EVERY if fresh else card_at + self._card_pause()
            self._known[key] = _Known(view, told, card_at, due if ticks or not fresh else None)

    def _card_is_due(self, known: _Known | None, view: SessionView, now: datetime) -> bool:
        """Whether the card is made anew; of mere activity not more often than the chat could show it."""
        if known is None or _marks(known.view) != _marks(view):
            return True
        return now >= known.card_at + self._card_pause()

    def _card_pause(self) -> timedelta:
        """A chat takes one edit a second, and all running cards share it."""
        running = sum(known.view.state is SessionState.RUNNING for known in self._known.values())
        return timedelta(seconds=running)

    def _say(self, scene: Scene, stored: Memory | None, by: Person | None, *, card: bool) -> Memory:
        """Post, edit and close what has to be, and remember it; all of it or nothing."""
        view, key = scene.view, scene.view.ref.key
        places = self._places.of(key)
        wanted = {place: messages(scene, place) for place in places}
        # Durable where a person is told something; that is rare. The many edits of cards are not worth a sync.
        durable = bool(scene.after.posted) or any(wanted.values())
        with self._store.transaction(durable=durable):
            posted = dict(scene.after.posted)
            current: set[str] = set()
            for place, found in wanted.items():
                for message in found:
                    current.add(message.key)
                    record = self._bring(place, scene, message, posted.get(message.key))
                    if record is not None and message.live:
                        posted[message.key] = record
                    elif place is places[-1]:
                        posted.pop(message.key, None)
            for name, record in scene.after.posted.items():
                if name not in current and not held(scene, name, record):
                    del posted[name]
                    self._close(places, scene, record, by)
            told = _with(scene.after, posted=posted)
            if told.card and card:
                for place in places:
                    self._voice.show_card(place, key, cards.card(view, place, scene.now))
            self._extras.keep(scene)
            if told != stored:
                self._store.told.set(key, told.model_dump(mode="json", exclude_defaults=True))
        return told

    # Bringing it to a chat -----------------------------------------------------------------------------------

    def _bring(self, place: Place, scene: Scene, message: Message, record: Posted | None) -> Posted | None:
        """Post a message that is new to a chat, or edit it where it looks different; says what is there now."""
        chat, digest = place.chat_id, message.shown.digest
        there = record.digests.get(chat) if record is not None else None
        about = About(scene.view.ref.key, message.kind, message.detail)
        key = record.key if record is not None else self._new_key(scene, message)
        if there is None:
            if not message.post:
                return record
            self._voice.post(place, key, message.shown, about, message.volume)
        elif there != digest:
            self._voice.edit(place, key, message.shown, about, message.volume, decided=message.decided)
        record = record or Posted(key=key, kind=message.kind, at=scene.now, need=message.need)
        keeps_text = bool(message.need) or message.kind == "question"
        return record.model_copy(
            update={
                "digests": {**record.digests, chat: digest},
                "texts": {**record.texts, chat: message.shown.text} if keeps_text else record.texts,
            }
        )

    def _new_key(self, scene: Scene, message: Message) -> str:
        """Name a new message for good. Asked again in the same words, a question is another message."""
        session = scene.view.ref.key
        key = f"{message.key}:{session}"
        if message.live and any(self._voice.is_used(place, key) for place in self._places.of(session)):
            return f"{key}:{scene.now:%Y%m%dT%H%M%S.%f}"
        return key

    def _close(self, places: Sequence[Place], scene: Scene, record: Posted, by: Person | None) -> None:
        """Take the buttons off a message whose need is over, and say what came of it."""
        session = scene.view.ref.key
        for place in places:
            if place.chat_id not in record.texts:
                continue
            about = About(session, record.kind, {"need": record.need} if record.need else {})
            shown = Shown(closed(scene, record, place, by))
            self._voice.edit(place, record.key, shown, about, Volume.PART, decided=True)
            if record.need:
                chat = self._store.chats.get(place.chat_id)
                silenced = silence_key(session, record.need)
                if silenced in chat.silenced:
                    self._store.chats.put(replace(chat, silenced=chat.silenced - {silenced}))

    # All sessions together -----------------------------------------------------------------------------------

    def _views(self) -> dict[str, SessionView]:
        return {key: known.view for key, known in self._known.items()}

    def _remind(self, now: datetime) -> None:
        """Say again what waits for a person, where it is time, and remember that."""
        waiting = [
            Waiting(known.view, need, known.memory.need_at, known.memory.reminded)
            for known in self._known.values()
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
                memory = self._known[key].memory
                memories[key] = _with(
                    memory,
                    reminded=times_due(each.since, now),
                    posted={**memory.posted, **posted.get(key, {})},
                )
                self._store.told.set(key, memories[key].model_dump(mode="json", exclude_defaults=True))
        for key, memory in memories.items():
            self._known[key].memory = memory

    async def _decide(self, now: datetime) -> None:
        """Decide what a session started with `--auto` leaves to the bot, once its time is up."""
        awake = self._awake_since or now
        for known in list(self._known.values()):
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

    def _forget_gone(self, present: set[str], now: datetime) -> None:
        """Close what is shown of sessions whose folders are gone, once that is certain."""
        for key in self._gone.keys() & present:
            del self._gone[key]
        for key in [key for key in self._known if key not in present]:
            if now - self._gone.setdefault(key, now) < GONE_AFTER:
                continue
            known = self._known.pop(key)
            del self._gone[key]
            gone = Shown(headline(Sign.AT_REST, known.view.ref, "is not here any more"))
            with self._store.transaction(durable=False):
                for place in self._places.of(key):
                    if known.memory.card:
                        self._voice.show_card(place, key, gone)
                    for record in known.memory.posted.values():
                        if text := record.texts.get(place.chat_id):
                            about = About(key, record.kind)
                            self._voice.edit(place, record.key, Shown(text), about, Volume.PART, decided=True)
                        else:
                            self._voice.retire(place, record.key)
                self._store.told.drop(key)
                self._places.forget(key)
                self._extras.forget(key)

    # What is remembered --------------------------------------------------------------------------------------

    def _remembered(self, key: str) -> Memory | None:
        known = self._known.get(key)
        if known is not None:
            return known.memory
        stored = self._store.told.get(key)
        try:
            return Memory.model_validate(stored) if stored is not None else None
        except ValidationError:
            log.warning("what was told about %s cannot be read any more; it is told afresh", key)
            return None

    def _note_looked(self, now: datetime) -> None:
        if self._looked_noted is None or now - self._looked_noted >= LOOKED_EVERY:
            self._store.facts.set(_LOOKED, now.isoformat(), durable=False)
            self._looked_noted = now
        self._known_since = now


def _marks(view: SessionView) -> tuple[object, ...]:
    """What of a card a person should see at once."""
    return view.state, view.phase, view.iteration, view.gate, view.end, view.guidance, view.place, view.wanted


def _with(memory: Memory, **values: Any) -> Memory:
    return memory.model_copy(update=values)


def _is_older(view: SessionView, told: SessionView) -> bool:
    return view.updated is not None and told.updated is not None and view.updated < told.updated


def _moment(value: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found is not None and found.tzinfo is None else found
