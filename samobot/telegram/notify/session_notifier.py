"""Telling the chats of one session: the difference between what they were told and what is true, in one transaction."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Coroutine, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError

from samobot.errors import NotFoundError, SamobotError
from samobot.fleet.models import SessionRef, SessionView
from samobot.session.gate import Person
from samobot.session.status import SessionState
from samobot.telegram.markup.rich_text import escape
from samobot.telegram.notify.extras import ExtraReader, Sessions
from samobot.telegram.notify.importance import Volume
from samobot.telegram.notify.messages import Extras, Message, Scene, closed, held, messages
from samobot.telegram.notify.publisher import Voice
from samobot.telegram.notify.recipients import Places
from samobot.telegram.notify.reminders import silence_key
from samobot.telegram.notify.state import Memory, Posted, advance, first_sight
from samobot.telegram.store.bot_store import Store
from samobot.telegram.store.sent import About
from samobot.telegram.views import card
from samobot.telegram.views.buttons import Shown
from samobot.telegram.views.wording import Place, Sign, decided_by, headline, time_of

log = logging.getLogger(__name__)

CARD_EVERY = timedelta(seconds=15)
"""How often a running card is made anew though nothing was reported: its minutes go on."""


_CLOSED_IN_TIME = frozenset({"question", "paused", "budget"})
"""Kinds of messages that are closed once what they offer has no use any more, though they stand for no need."""


@dataclass(slots=True)
class Known:
    """What is known of a session in this process.

    Attributes:
        view: As it was told last.
        memory: What was told.
        card_at: When its card was made.
        due: When it has to be told anew though nothing changes.
    """

    view: SessionView
    memory: Memory
    card_at: datetime
    due: datetime | None


class Teller:
    """Tells the chats of single sessions.

    Args:
        fleet: The sessions.
        store: What was told.
        voice: Brings it to the chats.
        places: Which chats hear of which session.
        called: Gives a view the name that its session is called by.
        now: The clock, aware.
        known_since: Until when all sessions were looked at before; None where nothing was.

    Attributes:
        known: The sessions that were told by this process, by key.
        known_since: Until when all sessions were looked at.
        deciding: Who is deciding about a session at this moment, by key; a poll may see first what comes of it.
    """

    def __init__(
        self,
        fleet: Sessions,
        store: Store,
        voice: Voice,
        places: Places,
        called: Callable[[SessionView], SessionView],
        now: Callable[[], datetime],
        known_since: datetime | None,
    ) -> None:
        self._fleet = fleet
        self._store = store
        self._voice = voice
        self._places = places
        self._called = called
        self._now = now
        self._extras = ExtraReader(fleet, store)
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._away: set[str] = set()
        self.known: dict[str, Known] = {}
        self.known_since = known_since
        self.deciding: dict[str, Person] = {}

    def is_due(self, view: SessionView, now: datetime) -> bool:
        """Whether there may be something to tell of a session."""
        known = self.known.get(view.ref.key)
        if known is None or (known.due is not None and known.due <= now):
            return True
        return known.view is not view and known.view != view

    def tell_anew(self, names: Collection[str], now: datetime) -> None:
        """Have sessions of these names told with the next poll, though nothing else about them has changed."""
        if not names:
            return
        for key, known in self.known.items():
            if SessionRef.from_key(key).name in names:
                known.due = now

    async def poll(self, view: SessionView) -> None:
        """Tell a session as it was read on a poll."""
        known = self.known.get(view.ref.key)
        if known is not None and _is_older(view, known.view):
            await self.look(view.ref)  # a decision was told after this was read
        else:
            await self._guarded(view.ref.key, self._tell(view))

    async def look(self, ref: SessionRef, adjust: Callable[[Memory], Memory] | None = None) -> None:
        """Read a session anew and tell it.

        Args:
            ref: The session.
            adjust: A change to what is remembered of it.
        """

        async def tell() -> None:
            await self._tell(self._called(await self._fleet.view(ref)), adjust=adjust)

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
        known = self.known.get(session)
        if known is not None:
            known.due = self._now()
        self._voice.forget_cards(session)

    async def _tell(
        self,
        view: SessionView,
        *,
        adjust: Callable[[Memory], Memory] | None = None,
    ) -> None:
        key = view.ref.key
        if not self._places.of(key):
            return
        async with self._locks[key]:
            if key in self._away:
                # It was read before it was put away, or is back.
                view = self._called(await self._fleet.view(view.ref))
                self._away.discard(key)
            now = self._now()
            while True:
                stored = self._remembered(key)
                before = stored or first_sight(view, now, self.known_since)
                after = advance(view, adjust(before) if adjust is not None else before, now)
                scene = await self._extras.read(Scene(view, before, after, Extras(), now))
                known = self.known.get(key)
                # A reminder may have been noted meanwhile.
                if known is None or known.memory is stored:
                    break
            fresh = self._card_is_due(known, view, now)
            told = self._say(scene, stored, self.deciding.get(key), show_card=fresh)
            card_at = now if fresh or known is None else known.card_at
            ticks = view.state is SessionState.RUNNING
            due = now + CARD_EVERY if fresh else card_at + self._card_pause()
            self.known[key] = Known(view, told, card_at, due if ticks or not fresh else None)

    def _card_is_due(self, known: Known | None, view: SessionView, now: datetime) -> bool:
        """Whether the card is made anew; of mere activity not more often than the chat could show it."""
        if known is None or _marks(known.view) != _marks(view):
            return True
        return now >= known.card_at + self._card_pause()

    def _card_pause(self) -> timedelta:
        """A chat takes one edit a second, and all running cards share it."""
        running = sum(known.view.state is SessionState.RUNNING for known in self.known.values())
        return timedelta(seconds=running)

    def _say(self, scene: Scene, stored: Memory | None, by: Person | None, *, show_card: bool) -> Memory:
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
                if any(message.volume is Volume.NEEDED or message.kind == "phase" for message in found):
                    self._voice.overtake(place, "phase:", key)
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
            told = scene.after.but(posted=posted)
            if told.card and show_card:
                for place in places:
                    self._voice.show_card(place, key, card.card(view, place, scene.now))
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
        keeps_text = bool(message.need) or message.kind in _CLOSED_IN_TIME
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

    def note(self, memories: dict[str, Memory]) -> None:
        """Remember something else of sessions; part of the caller's transaction, see `noted`."""
        for key, memory in memories.items():
            self._store.told.set(key, memory.model_dump(mode="json", exclude_defaults=True))

    def noted(self, memories: dict[str, Memory]) -> None:
        """Take over what `note` has written, once it is on disk."""
        for key, memory in memories.items():
            self.known[key].memory = memory

    async def put_away(self, ref: SessionRef, by: Person | None) -> None:
        """Close what is shown of a session that somebody has just archived, and forget it."""
        async with self._locks[ref.key]:
            self._away.add(ref.key)
            self._close_all(ref, Sign.AWAY, "is put away", by)

    def forget(self, key: str) -> None:
        """Close what is shown of a session that is gone, and forget it."""
        self._close_all(SessionRef.from_key(key), Sign.AT_REST, "is not here any more", None)

    def _close_all(self, ref: SessionRef, sign: Sign, words: str, by: Person | None) -> None:
        key, now = ref.key, self._now()
        memory = self._remembered(key) or Memory()
        self.known.pop(key, None)
        with self._store.transaction(durable=True):
            for place in self._places.of(key):
                when = time_of(now, place, now) if by is None else decided_by(by.who, by.via, now, place, now)
                if memory.card:
                    self._voice.retire(place, f"card:{key}")
                    self._voice.show_card(place, key, Shown(f"{headline(sign, ref, words)}\n{escape(when)}"))
                for record in memory.posted.values():
                    if text := record.texts.get(place.chat_id):
                        about = About(key, record.kind)
                        shown = Shown(
                            f"{text}\n\n→ {sign} {escape(words.removeprefix('is ').capitalize())} · {escape(when)}"
                        )
                        self._voice.edit(place, record.key, shown, about, Volume.PART, decided=True)
            self._voice.strip(key)
            self._store.told.drop(key)
            self._places.forget(key)
            self._extras.forget(key)

    def _remembered(self, key: str) -> Memory | None:
        known, moves = self.known.get(key), self._places.moves()
        if known is not None:
            known.memory = known.memory.moved(moves)
            return known.memory
        stored = self._store.told.get(key)
        try:
            return Memory.model_validate(stored).moved(moves) if stored is not None else None
        except ValidationError:
            log.warning("what was told about %s cannot be read any more; it is told afresh", key)
            return None


def _marks(view: SessionView) -> tuple[object, ...]:
    """What of a card a person should see at once."""
    return (
        view.state,
        view.phase,
        view.iteration,
        view.gate,
        view.end,
        view.guidance,
        view.place,
        view.wanted,
        view.pausing,
    )


def _is_older(view: SessionView, told: SessionView) -> bool:
    return view.updated is not None and told.updated is not None and view.updated < told.updated
