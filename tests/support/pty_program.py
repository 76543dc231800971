"""A program at a terminal of its own, played by a test: read what it shows, type, press Ctrl-C."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import re
import struct
import termios
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.forked_program import start_at_terminal

_PATIENCE = 90.0
_AGAIN = 5.0
_STYLE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class PtyProgram:
    """A program in a pseudo-terminal; `async with` it. What it shows is in `shown`, without colours.

    Args:
        argv: Program and arguments.
        env: Its whole environment.
        cwd: Where it runs.
    """

    def __init__(self, argv: list[str], env: Mapping[str, str], cwd: Path) -> None:
        self._argv, self._env, self._cwd = argv, env, cwd
        self.shown = ""
        self._seen = 0
        self._more = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._ours, theirs = os.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 300, 0, 0))
        self._process = await asyncio.to_thread(
            start_at_terminal, self._argv, folder=self._cwd, environment=self._env, terminal=theirs
        )
        os.close(theirs)
        os.set_blocking(self._ours, False)
        asyncio.get_running_loop().add_reader(self._ours, self._read)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.get_running_loop().remove_reader(self._ours)
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        os.close(self._ours)

    def _read(self) -> None:
        try:
            data = os.read(self._ours, 65536)
        except BlockingIOError:
            return
        except OSError:  # EIO: the program has closed its side
            data = b""
        if not data:
            asyncio.get_running_loop().remove_reader(self._ours)
        self.shown += _STYLE.sub("", data.decode("utf-8", "replace")).replace("\r\n", "\n")
        self._more.set()

    async def until(self, text: str) -> str:
        """Wait until something new is shown, and return what came with it from where the last wait ended."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                while (at := self.shown.find(text, self._seen)) < 0:
                    self._more.clear()
                    await self._more.wait()
                part, self._seen = self.shown[self._seen : at + len(text)], at + len(text)
                return part
        raise AssertionError(f"{text!r} was not shown, but:\n{self.shown}")

    def type(self, line: str) -> None:
        """Type a line and press Enter."""
        os.write(self._ours, f"{line}\n".encode())

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        os.write(self._ours, b"\x03")

    async def leave(self) -> int:
        """Press Ctrl-C until it has ended; its exit code.

        Once is enough for a person. But a prompt that readline has shown and not begun to wait at, some
        microseconds later, does not hear the first one; only a program is so quick.
        """
        async with asyncio.timeout(_PATIENCE):
            ended = asyncio.create_task(asyncio.to_thread(self._process.wait))
            while not ended.done():
                self.interrupt()
                await asyncio.wait([ended], timeout=_AGAIN)
        self._read_rest()
        return ended.result()

    async def end(self) -> int:
        """Wait until it has ended; its exit code."""
        async with asyncio.timeout(_PATIENCE):
            code = await asyncio.to_thread(self._process.wait)
        self._read_rest()
        return code

    def _read_rest(self) -> None:
        with contextlib.suppress(OSError):
            while data := os.read(self._ours, 65536):
                self.shown += _STYLE.sub("", data.decode("utf-8", "replace")).replace("\r\n", "\n")
