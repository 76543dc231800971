"""Usage limits in the chat: one message for all sessions that wait for one, and one when they go on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from samobot.fleet.models import SessionView
from samobot.session.status import SessionState
from samobot.telegram.notify.importance import Importance
from samobot.telegram.notify.publisher import Publisher
from samobot.telegram.notify.recipients import Recipients
from samobot.telegram.store.bot_store import Store
from samobot.telegram.store.chat_migration import ChatFact, fact_of
from samobot.telegram.store.sent import MessageSubject
from samobot.telegram.views.actions import Action, ActionKind
from samobot.telegram.views.buttons import ActionButton, MessageView, rows
from samobot.telegram.views.wording import Icon, Recipient, agent_line, lines, name_of, time_of
from samobot.text import one_line

_NAMED = 6
_BUTTONS_FOR = 3


def is_parked(view: SessionView) -> bool:
    """Whether a session waits for a limit and goes on by itself after it."""
    return view.state is SessionState.PARKED and (view.has_worker or view.wanted)


def is_restarting(view: SessionView) -> bool:
    """Whether a session's worker died or was stopped while it waited, and the next one has begun nothing yet."""
    if view.has_worker:
        return view.state is SessionState.RUNNING and view.running_since is None
    return view.wanted and (view.lost or view.state in (SessionState.STOPPED, SessionState.IDLE))


def waiting_notice(views: Sequence[SessionView], recipient: Recipient, now: datetime) -> MessageView:
    """Show which sessions wait for a limit and when they go on.

    Args:
        views: These sessions, at least one.
        recipient: The chat.
        now: The time.
    """
    several = len(views) > 1
    times = sorted(view.parked_until for view in views if view.parked_until is not None)
    when = f"by {'themselves' if several else 'itself'}"
    if times:
        # Each waits some seconds longer than the limit lasts; the last one is meant.
        when += f" at {time_of(times[-1], recipient, now)}"
    else:
        when += " as soon as the limit is over"
    text = lines(
        f"{Icon.PARKED} <b>Usage limit</b>",
        f"{_names(views)} {'wait' if several else 'waits'}. {'They go' if several else 'It goes'} on {when}.",
        agent_line(next((view.limit for view in views if view.limit), ""), 160),
    )
    if len(views) > _BUTTONS_FOR:
        show = [
            ActionButton(one_line(view.ref.name, 30), Action(do=ActionKind.STATUS, session=view.ref.key))
            for view in views[:_NAMED]
        ]
        return MessageView(text, rows(*show, width=2))
    buttons = []
    for view in views:
        of = f" {one_line(view.ref.name, 20)}" if several else ""
        buttons.append(
            ActionButton(f"▶️ Resume{of or ' now'}", Action(do=ActionKind.RESUME, session=view.ref.key))
        )
        buttons.append(ActionButton(f"⏹ Stop{of}", Action(do=ActionKind.STOP, session=view.ref.key)))
    return MessageView(text, rows(*buttons, width=2))


def closed_notice(text: str, recipient: Recipient, since: datetime, now: datetime) -> str:
    """The same message once nobody waits any more."""
    return f"{text}\n\n→ Over · {time_of(now, recipient, since)}"


def resumed_notice(views: Sequence[SessionView]) -> MessageView:
    """Show that sessions go on after a limit."""
    several = len(views) > 1
    return MessageView(f"{Icon.RUNNING} {_names(views)} {'go' if several else 'goes'} on: the limit is over.")


def _until(told: Mapping[str, Any]) -> datetime:
    """When what was told is over."""
    return datetime.fromisoformat(told.get("until") or told["since"])


def _names(views: Sequence[SessionView]) -> str:
    names = [name_of(view.ref) for view in views[:_NAMED]]
    more = len(views) - len(names)
    if more:
        names.append(f"{more} more")
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]


class LimitNotices:
    """Keeps one message a chat about all sessions that wait for a limit.

    Args:
        store: Remembers the message that stands.
        publisher: Brings it to the chats.
        recipients: Which chats hear of which session.
    """

    def __init__(self, store: Store, publisher: Publisher, recipients: Recipients) -> None:
        self._store = store
        self._publisher = publisher
        self._recipients = recipients

    def update(self, known: Mapping[str, SessionView], now: datetime) -> None:
        """Post the message, keep it up to date, or close it.

        Args:
            known: All sessions by their keys.
            now: The time.
        """
        here: dict[Recipient, list[SessionView]] = defaultdict(list)
        for key, view in known.items():
            if is_parked(view):
                for recipient in self._recipients.of(key):
                    here[recipient].append(view)
        for recipient in self._recipients.all():
            fact = fact_of(ChatFact.PARKED, recipient.chat_id, recipient.thread_id or 0)
            told: dict[str, Any] | None = self._store.facts.get(fact)
            views = sorted(here.get(recipient, ()), key=lambda view: view.ref.key)
            if views or told is not None:
                with self._store.transaction(durable=True):
                    self._store.facts.set(fact, self._update_one(recipient, known, views, told, now))

    def _update_one(
        self,
        recipient: Recipient,
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
        key, about = told["key"], MessageSubject(None, "parked")
        if views:
            shown = waiting_notice(views, recipient, now)
            if not told["sessions"]:
                self._publisher.post(recipient, key, shown, about, Importance.ALERT)
            elif shown.digest != told.get("digest"):
                self._publisher.edit(recipient, key, shown, about, Importance.ALERT)
            names = [view.ref.key for view in views]
            until = max((view.parked_until for view in views if view.parked_until is not None), default=now)
            kept = {"sessions": names, "text": shown.text, "digest": shown.digest, "until": until.isoformat()}
            return {**told, **kept}
        if now < _until(told) and any(
            name in known and is_restarting(known[name]) for name in told["sessions"]
        ):
            return told  # a worker that dies while it waits changes nothing about the limit
        since = datetime.fromisoformat(told["since"])
        over = MessageView(closed_notice(told["text"], recipient, since, now))
        self._publisher.edit(recipient, key, over, about, Importance.ALERT, decided=True)
        going = [
            known[name]
            for name in told["sessions"]
            if name in known and known[name].state is SessionState.RUNNING
        ]
        if going:
            self._publisher.post(recipient, f"{key}:over", resumed_notice(going), about, Importance.INFO)
        return None
