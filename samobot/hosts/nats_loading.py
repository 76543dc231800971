"""Loads the NATS client, without what nothing here uses."""

from __future__ import annotations

import logging

from samobot.lean_imports import without


def load_nats() -> None:
    """Import the client before anything else does.

    It loads aiohttp where that is installed, for WebSockets: 10 MB of memory that no connection here uses.
    """
    with without("aiohttp"):
        import nats  # noqa: F401 - now, without it


def quiet_client() -> None:
    """Keep a warning that comes with the end of each TLS connection, and means nothing, out of logs and terminals."""
    logging.getLogger("asyncio").addFilter(_means_something)


def _means_something(record: logging.LogRecord) -> bool:
    return "eof_received" not in record.getMessage()
