"""Usage limits in the chat: one message for all sessions that wait for one, and one when they continue."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from samobot.fleet.models import SessionView
from samobot.session.status import SessionState
from samobot.telegram.notify.notification import Importance
from samobot.telegram.notify.publisher import Publisher
from samobot.telegram.notify.recipients import Recipients
from samobot.telegram.store.bot_store import Store
from samobot.telegram.store.notified import LimitNotice
from samobot.telegram.store.sent import MessageSubject
from samobot.telegram.views.actions import Action, ActionKind
from samobot.telegram.views.buttons import ActionButton, MessageView, rows
from samobot.telegram.views.wording import Icon, Recipient, agent_block, lines, name_of, time_of
from samobot.text import one_line

_NAMED = 6
_BUTTONS_FOR = 3
_SUBJECT = MessageSubject(None, "parked")


def is_parked(view: SessionView) -> bool:
    """Whether a session waits for a limit and continues automatically after it."""
    return view.state is SessionState.PARKED and (view.has_worker or view.wanted)


def is_restarting(view: SessionView) -> bool:
    """Whether a session's worker died or was stopped while it waited, and the next one has begun nothing yet."""
    if view.has_worker:
        return view.state is SessionState.RUNNING and view.running_since is None
    return view.wanted and (view.lost or view.state in (SessionState.STOPPED, SessionState.IDLE))


def waiting_notice(views: Sequence[SessionView], recipient: Recipient, now: datetime) -> MessageView:
    """Show which sessions wait for a limit and when they continue.

    Args:
        views: These sessions, at least one.
        recipient: The chat.
        now: The time.
    """
    several = len(views) > 1
    times = sorted(view.parked_until for view in views if view.parked_until is not None)
    # Each waits some seconds longer than the limit lasts; the last one is meant.
    when = f"at {time_of(times[-1], recipient, now)}" if times else "once the limit is over"
    text = lines(
        f"{Icon.PARKED} <b>Usage limit</b>",
        f"{_names(views)} {'wait' if several else 'waits'}. {'They resume' if several else 'It resumes'} automatically {when}.",
        agent_block(next((view.limit for view in views if view.limit), ""), 160),
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
    """The same message once no session waits."""
    return f"{text}\n\n→ Over · {time_of(now, recipient, since)}"


def resumed_notice(views: Sequence[SessionView]) -> MessageView:
    """Show that sessions continue after a limit."""
    several = len(views) > 1
    return MessageView(
        f"{Icon.RUNNING} {_names(views)} {'resume' if several else 'resumes'}: the limit is over."
    )


def _names(views: Sequence[SessionView]) -> str:
    names = [name_of(view.ref) for view in views[:_NAMED]]
    more = len(views) - len(names)
    if more:
        names.append(f"{more} more")
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]


class LimitNotices:
    """Keeps one message a chat about all sessions that wait for a limit.

    Args:
        store: Remembers the open message.
        publisher: Posts and edits it.
        recipients: Which chats follow which session.

    Attributes:
        all_closed: Whether there is certainly no open message: nothing is to be done until a session is parked.
    """

    def __init__(self, store: Store, publisher: Publisher, recipients: Recipients) -> None:
        self._store = store
        self._publisher = publisher
        self._recipients = recipients
        self.all_closed = False

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
        if not here and self.all_closed:
            return
        self.all_closed = False
        is_open = bool(here)
        for recipient in self._recipients.all():
            waiting = sorted(here.get(recipient, ()), key=lambda view: view.ref.key)
            notice = self._store.limits.get(recipient.chat_id, recipient.thread_id or 0)
            is_open |= notice is not None
            if waiting or notice is not None:
                with self._store.transaction(durable=True):
                    if waiting:
                        self._show(recipient, waiting, notice, now)
                    elif notice is not None:
                        self._close_if_over(recipient, known, notice, now)
        self.all_closed = not is_open

    def _show(
        self, recipient: Recipient, views: Sequence[SessionView], notice: LimitNotice | None, now: datetime
    ) -> None:
        """Post the notice of a chat, or bring it up to date."""
        shown = waiting_notice(views, recipient, now)
        if notice is None:
            key, since = f"parked:{now:%Y%m%dT%H%M%S.%f}:{recipient.thread_id or 0}", now
            self._publisher.post(recipient, key, shown, _SUBJECT, Importance.ALERT)
        else:
            key, since = notice.message_key, notice.since
            if shown.digest != notice.digest:
                self._publisher.edit(recipient, key, shown, _SUBJECT, Importance.ALERT)
        until = max((view.parked_until for view in views if view.parked_until is not None), default=now)
        sessions = tuple(view.ref.key for view in views)
        current = LimitNotice(key, since, until, sessions, shown.text, shown.digest)
        if current != notice:
            self._store.limits.set(recipient.chat_id, recipient.thread_id or 0, current)

    def _close_if_over(
        self, recipient: Recipient, known: Mapping[str, SessionView], notice: LimitNotice, now: datetime
    ) -> None:
        """Close the notice of a chat in which nothing waits any longer."""
        views = [known[session] for session in notice.sessions if session in known]
        if now < notice.until and any(map(is_restarting, views)):
            return  # a worker that dies while it waits does not end the limit
        key = notice.message_key
        over = MessageView(closed_notice(notice.text, recipient, notice.since, now))
        self._publisher.edit(recipient, key, over, _SUBJECT, Importance.ALERT, decided=True)
        resumed = [view for view in views if view.state is SessionState.RUNNING]
        if resumed:
            self._publisher.post(recipient, f"{key}:over", resumed_notice(resumed), _SUBJECT, Importance.INFO)
        self._store.limits.drop(recipient.chat_id, recipient.thread_id or 0)
