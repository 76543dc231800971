"""The writing end of a pipe, in memory."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any


class MemoryPipe(asyncio.WriteTransport):
    """Keeps what is written.

    Args:
        before_write: Called before each line is kept.

    Attributes:
        lines: The lines, decoded.
    """

    def __init__(self, before_write: Callable[[], None] = lambda: None) -> None:
        super().__init__()
        self.lines: list[dict[str, Any]] = []
        self._before_write = before_write
        self._closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Take one line."""
        assert not self._closed
        self._before_write()
        self.lines.append(json.loads(bytes(data)))

    def is_closing(self) -> bool:
        """Whether it was closed."""
        return self._closed

    def close(self) -> None:
        """Take no more."""
        self._closed = True
