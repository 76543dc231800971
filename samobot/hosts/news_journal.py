"""News of this host that the server has not confirmed, on disk: a host that is killed reports them at its next start."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from pathlib import Path
from uuid import uuid4

from pydantic import TypeAdapter, ValidationError

from samobot.errors import StorageError
from samobot.fleet.results import FleetEvent
from samobot.hosts.hub_messages import HostNews
from samobot.hosts.link import FOLDER, make_private
from samobot.session.files import read_bytes, write_atomic

log = logging.getLogger(__name__)

FILE_NAME = "news.json"

MOST = 200
"""As many as the hub takes of one host at once; of more the oldest are dropped."""

_NEWS = TypeAdapter(list[HostNews])


class NewsJournal:
    """The list of what the fleet did automatically and the hub may not know; safe between threads.

    The fleet withdraws a run that it gave up with the look after the one that returned the news, so they are on disk
    before that. What is still not on disk when the host dies is done, and reported, again.

    Args:
        state_dir: The state folder; `hosts/news.json` in it is made with the first news.
    """

    def __init__(self, state_dir: Path) -> None:
        self._path = state_dir / FOLDER / FILE_NAME
        self._lock = threading.Lock()
        self._news = self._load()

    @property
    def first(self) -> HostNews | None:
        """The oldest news; None if there are none."""
        return next(iter(self._news), None)

    def add(self, events: Iterable[FleetEvent]) -> None:
        """Keep events, each under a new name; also if the disk refuses, until this process ends."""
        with self._lock:
            news = [*self._news, *(HostNews(id=uuid4().hex, event=each) for each in events)]
            if len(news) > MOST:
                log.error("%d news are dropped: the hub was away for too long", len(news) - MOST)
            self._save(news[-MOST:])

    def done(self, news: HostNews) -> None:
        """Forget news that the server has."""
        with self._lock:
            self._save([each for each in self._news if each.id != news.id])

    def _save(self, news: list[HostNews]) -> None:
        try:
            make_private(self._path.parent)
            write_atomic(self._path, _NEWS.dump_json(news), mode=0o600)
        except StorageError as error:
            log.error("news for the hub are kept in memory alone: %s", error.message)
        self._news = news

    def _load(self) -> list[HostNews]:
        try:
            return _NEWS.validate_json(read_bytes(self._path) or b"[]")
        except (StorageError, ValidationError) as error:
            log.error("news in %s are lost: %s", self._path, error)
            return []
