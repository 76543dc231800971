"""Loads the NATS client, without what nothing here uses."""

from __future__ import annotations

from samobot.lean_imports import without


def load_nats() -> None:
    """Import the client before anything else does.

    It loads aiohttp where that is installed, for WebSockets: 10 MB of memory that no connection here uses.
    """
    with without("aiohttp"):
        import nats  # noqa: F401 - now, without it
