"""Loads the NATS client, without what nothing here uses."""

from __future__ import annotations

import sys


def load_nats() -> None:
    """Import the client before anything else does.

    It loads aiohttp where that is installed, for WebSockets: 10 MB of memory that no connection here uses.
    """
    if "aiohttp" in sys.modules:
        return
    sys.modules["aiohttp"] = None  # type: ignore[assignment]
    try:
        import nats  # noqa: F401 - now, without it
    finally:
        del sys.modules["aiohttp"]
