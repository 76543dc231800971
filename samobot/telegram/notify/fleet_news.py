"""What the fleet did automatically, reported to the chats; repeated restarts in one message."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from samobot.fleet.results import DECISION_ENDS, FleetEvent, FleetEventKind
from samobot.telegram.notify.notification import Importance
from samobot.telegram.notify.publisher import Publisher
from samobot.telegram.notify.recipients import Recipients
from samobot.telegram.store.bot_store import Store
from samobot.telegram.store.notified import RestartNotice
from samobot.telegram.store.sent import MessageSubject
from samobot.telegram.views.events import fleet_news

RESTARTS_TOGETHER = timedelta(minutes=10)
"""Interval within which several restarts of a session are reported in one message."""


def decision_key(decision: str) -> str:
    """Key of the message about a decision that waits for its host."""
    return f"decision:{decision}"


class FleetNews:
    """Posts the events of the fleet.

    Args:
        store: Remembers the message about restarts.
        publisher: Posts and edits messages.
        recipients: Which chats follow which session.
        now: The clock, aware.
    """

    def __init__(
        self, store: Store, publisher: Publisher, recipients: Recipients, now: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._publisher = publisher
        self._recipients = recipients
        self._now = now

    def post(self, news: Iterable[FleetEvent]) -> None:
        """Report what the fleet did automatically."""
        for each in news:
            _, _, folder = each.key.partition(":")
            if each.kind is FleetEventKind.RESTARTED:
                self._post_restart(each, folder)
                continue
            if each.kind in DECISION_ENDS:
                self._post_ended(each)
                continue
            shown = fleet_news(each, folder)
            needed = each.kind in (FleetEventKind.GAVE_UP, FleetEventKind.FAILED_TO_START)
            importance = (
                Importance.ALERT
                if needed
                else Importance.DETAIL
                if each.kind is FleetEventKind.STARTED
                else Importance.INFO
            )
            key = f"news:{each.kind}:{each.key}:{each.id or f'{self._now():%Y%m%dT%H%M%S}'}"
            with self._store.transaction(durable=needed):
                for recipient in self._recipients.of(each.key):
                    self._publisher.post(recipient, key, shown, MessageSubject(each.key, "news"), importance)

    def _post_ended(self, news: FleetEvent) -> None:
        """Change the message about a decision that waited for its host; a refusal is sent as well."""
        shown, key = fleet_news(news, ""), decision_key(news.key)
        about = MessageSubject(kind="news")
        with self._store.transaction(durable=True):
            for recipient in self._recipients.all():
                self._publisher.edit(recipient, key, shown, about, Importance.INFO)
                if news.kind is FleetEventKind.REFUSED:
                    self._publisher.post(recipient, f"{key}:refused", shown, about, Importance.ALERT)

    def _post_restart(self, news: FleetEvent, folder: str) -> None:
        """Report a restart of a worker: one message, which counts repeated restarts."""
        now, before = self._now(), self._store.restarts.get(news.key)
        if before is not None and now - before.at < RESTARTS_TOGETHER:
            notice = RestartNotice(before.message_key, before.times + 1, now)
        else:
            notice = RestartNotice(f"news:restarted:{news.key}:{now:%Y%m%dT%H%M%S.%f}", 1, now)
        key, times = notice.message_key, notice.times
        shown, about = fleet_news(news, folder, times), MessageSubject(news.key, "news")
        with self._store.transaction(durable=True):
            self._store.restarts.set(news.key, notice)
            for recipient in self._recipients.of(news.key):
                if times > 1:
                    self._publisher.edit(recipient, key, shown, about, Importance.INFO)
                else:
                    self._publisher.post(recipient, key, shown, about, Importance.INFO)
