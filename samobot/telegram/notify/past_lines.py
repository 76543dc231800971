"""The past sessions between two starts of the bot: what the fleet keeps only a line of, and reads again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from samobot.fleet.models import PastSession
from samobot.session.status import SessionState
from samobot.telegram.store.bot_store import Store
from samobot.telegram.store.past_rows import PastRow


def load_past(store: Store) -> list[PastSession]:
    """Return the past sessions as they were kept; they are checked before anything is believed."""
    states = set(SessionState)
    return [
        PastSession(
            row.session,
            datetime.fromtimestamp(row.updated, UTC) if row.updated is not None else None,
            SessionState(row.state),
            row.mark,
        )
        for row in store.past.all()
        if row.state in states
    ]


def keep_past(store: Store, sessions: Sequence[PastSession]) -> None:
    """Keep sessions of which all has been said, for the next start."""
    store.past.put(
        PastRow(
            each.key, each.updated.timestamp() if each.updated is not None else None, each.state, each.mark
        )
        for each in sessions
        if each.state is not None and each.mark is not None
    )
