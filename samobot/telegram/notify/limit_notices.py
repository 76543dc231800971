"""Usage limits in the chat: one message for all sessions that wait for one, and one when they go on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from samobot.fleet.models import SessionView
from samobot.session.status import SessionState
from samobot.telegram.notify.importance import Volume
from samobot.telegram.notify.publisher import Voice
from samobot.telegram.notify.recipients import Places
from samobot.telegram.store.bot_store import Store
from samobot.telegram.store.chat_migration import ChatFact, fact_of
from samobot.telegram.store.sent import About
from samobot.telegram.views.actions import Action, ActionKind
from samobot.telegram.views.buttons import Button, Shown, rows
from samobot.telegram.views.wording import Place, Sign, agent_line, lines, name_of, time_of
from samobot.text import one_line

_NAMED = 6
_BUTTONS_FOR = 3


def is_parked(view: SessionView) -> bool:
    """Whether a session waits for a limit and goes on by itself after it."""
    return view.state is SessionState.PARKED and (view.has_worker or view.wanted)


def is_between(view: SessionView) -> bool:
    """Whether a session's worker died or was stopped while it waited, and the next one has begun nothing yet."""
    if view.has_worker:
        return view.state is SessionState.RUNNING and view.running_since is None
    return view.wanted and (view.lost or view.state in (SessionState.STOPPED, SessionState.IDLE))


def parked(views: Sequence[SessionView], place: Place, now: datetime) -> Shown:
    """Show which sessions wait for a limit and when they go on.

    Args:
        views: These sessions, at least one.
        place: The chat.
        now: The time.
    """
    several = len(views) > 1
    times = sorted(view.parked_until for view in views if view.parked_until is not None)
    when = f"by {'themselves' if several else 'itself'}"
    if times:
        # Each waits some seconds longer than the limit lasts; the last one is meant.
        when += f" at {time_of(times[-1], place, now)}"
    else:
        when += " as soon as the limit is over"
    text = lines(
        f"{Sign.PARKED} <b>Usage limit</b>",
        f"{_names(views)} {'wait' if several else 'waits'}. {'They go' if several else 'It goes'} on {when}.",
        agent_line(next((view.limit for view in views if view.limit), ""), 160),
    )
    if len(views) > _BUTTONS_FOR:
        show = [
            Button(one_line(view.ref.name, 30), Action(do=ActionKind.STATUS, session=view.ref.key))
            for view in views[:_NAMED]
        ]
        return Shown(text, rows(*show, width=2))
    buttons = []
    for view in views:
        of = f" {one_line(view.ref.name, 20)}" if several else ""
        buttons.append(Button(f"▶️ Resume{of or ' now'}", Action(do=ActionKind.RESUME, session=view.ref.key)))
        buttons.append(Button(f"⏹ Stop{of}", Action(do=ActionKind.STOP, session=view.ref.key)))
    return Shown(text, rows(*buttons, width=2))


def parking_over(text: str, place: Place, since: datetime, now: datetime) -> str:
    """The same message once nobody waits any more."""
    return f"{text}\n\n→ Over · {time_of(now, place, since)}"


def goes_on(views: Sequence[SessionView]) -> Shown:
    """Show that sessions go on after a limit."""
    several = len(views) > 1
    return Shown(f"{Sign.RUNNING} {_names(views)} {'go' if several else 'goes'} on: the limit is over.")


def _until(told: Mapping[str, Any]) -> datetime:
    """When what was told is over."""
    return datetime.fromisoformat(told.get("until") or told["since"])


def _names(views: Sequence[SessionView]) -> str:
    names = [name_of(view.ref) for view in views[:_NAMED]]
    more = len(views) - len(names)
    if more:
        names.append(f"{more} more")
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]


class ParkingBoard:
    """Keeps one message a chat about all sessions that wait for a limit.

    Args:
        store: Remembers the message that stands.
        voice: Brings it to the chats.
        places: Which chats hear of which session.
    """

    def __init__(self, store: Store, voice: Voice, places: Places) -> None:
        self._store = store
        self._voice = voice
        self._places = places

    def tell(self, known: Mapping[str, SessionView], now: datetime) -> None:
        """Post the message, keep it up to date, or close it.

        Args:
            known: All sessions by their keys.
            now: The time.
        """
        here: dict[Place, list[SessionView]] = defaultdict(list)
        for key, view in known.items():
            if is_parked(view):
                for place in self._places.of(key):
                    here[place].append(view)
        for place in self._places.all():
            fact = fact_of(ChatFact.PARKED, place.chat_id, place.thread_id or 0)
            told: dict[str, Any] | None = self._store.facts.get(fact)
            views = sorted(here.get(place, ()), key=lambda view: view.ref.key)
            if views or told is not None:
                with self._store.transaction(durable=True):
                    self._store.facts.set(fact, self._bring(place, known, views, told, now))

    def _bring(
        self,
        place: Place,
        known: Mapping[str, SessionView],
        views: Sequence[SessionView],
        told: dict[str, Any] | None,
        now: datetime,
    ) -> dict[str, Any] | None:
        if told is None:
            told = {
                "key": f"parked:{now:%Y%m%dT%H%M%S.%f}",
                "since": now.isoformat(),
                "sessions": [],
                "text": "",
            }
        key, about = told["key"], About(None, "parked")
        if views:
            shown = parked(views, place, now)
            if not told["sessions"]:
                self._voice.post(place, key, shown, about, Volume.NEEDED)
            elif shown.digest != told.get("digest"):
                self._voice.edit(place, key, shown, about, Volume.NEEDED)
            names = [view.ref.key for view in views]
            until = max((view.parked_until for view in views if view.parked_until is not None), default=now)
            kept = {"sessions": names, "text": shown.text, "digest": shown.digest, "until": until.isoformat()}
            return {**told, **kept}
        if now < _until(told) and any(name in known and is_between(known[name]) for name in told["sessions"]):
            return told  # a worker that dies while it waits changes nothing about the limit
        since = datetime.fromisoformat(told["since"])
        over = Shown(parking_over(told["text"], place, since, now))
        self._voice.edit(place, key, over, about, Volume.NEEDED, decided=True)
        going = [
            known[name]
            for name in told["sessions"]
            if name in known and known[name].state is SessionState.RUNNING
        ]
        if going:
            self._voice.post(place, f"{key}:over", goes_on(going), about, Volume.NEWS)
        return None
