"""A person at a terminal: the program in a pseudo-terminal, read and typed into."""

from __future__ import annotations

import errno
import os
import pty
import re
import select
import sys
import time
from types import TracebackType

from tests.support.forked_program import start_at_terminal
from tests.support.workshop import Workshop

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][AB0]|\r")


class Terminal:
    """`samobot` with these arguments, its three streams a terminal of its own.

    Args:
        shop: Where it runs.
        arguments: The command line behind the program's name.
    """

    def __init__(self, shop: Workshop, *arguments: str) -> None:
        self._master, slave = pty.openpty()
        self._seen = b""
        self._taken = 0
        self.process = start_at_terminal(
            [sys.executable, "-m", "samobot", *arguments],
            folder=shop.repo,
            environment={
                **shop.environment,
                "TERM": "xterm",
                "COLUMNS": "200",
                "LINES": "50",
                "PAGER": "cat",
            },
            terminal=slave,
        )
        os.close(slave)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(60)

    @property
    def text(self) -> str:
        """Everything that was shown, without what only moves and colours."""
        return _ESCAPES.sub("", self._seen.decode("utf-8", "replace"))

    def expect(self, words: str, seconds: float = 60) -> None:
        """Read until these words have been shown after those expected before.

        Raises:
            AssertionError: They have not within `seconds`, or the program has ended.
        """
        deadline = time.monotonic() + seconds
        while words not in self.text[self._taken :]:
            assert self._read(max(0.0, deadline - time.monotonic())), (
                f"no “{words}” in:\n{self.text[self._taken :]}"
            )
        self._taken += self.text[self._taken :].index(words) + len(words)

    def type(self, text: str) -> None:
        """Type a line and Enter."""
        os.write(self._master, text.encode() + b"\n")

    def press(self, key: str) -> None:
        """Press Control and a letter."""
        os.write(self._master, bytes([ord(key.upper()) - 64]))

    def close(self) -> None:
        """Close the terminal's window."""
        if self._master >= 0:
            os.close(self._master)
            self._master = -1

    def wait(self, seconds: float = 60) -> int:
        """Read to the program's end and return its exit code."""
        deadline = time.monotonic() + seconds
        while self._read(max(0.0, deadline - time.monotonic())):
            pass
        return self.process.wait(max(0.1, deadline - time.monotonic()))

    def _read(self, seconds: float) -> bool:
        if not select.select([self._master], [], [], seconds)[0]:
            return False
        try:
            piece = os.read(self._master, 65536)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            return False
        self._seen += piece
        return bool(piece)
