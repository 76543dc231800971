"""Following the log that the Claude CLI writes, while it is written.

The CLI's stdout is a regular file (a pipe loses its end), so following it means reading what was added since the last
read. Lines can be long: a tool result is 300 KB, a final text megabytes. So only one line at a time is buffered, long
lines of tool output are dropped, and a line past `LINE_LIMIT` is skipped and counted: memory is bounded.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Self

from samobot.claude.record_parser import parse
from samobot.claude.records import Record, ToolResult
from samobot.session.log_copy import LOG_LIMIT

CHUNK = 256 * 1024
"""Bytes read at a time."""

LINE_LIMIT = 8 * 1024 * 1024
"""Bytes of one line. Decoding takes about three times as much, and a worker should stay under 60 MB."""

TOOL_RESULT_LIMIT = 512 * 1024
"""Bytes of a line that begins as a tool's output does; past it, only the fact that it came is kept."""

# A pipe in its place must not block, and a link not lead elsewhere.
_COPY_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK

_HEAD = 200
_USER_LINE = re.compile(rb'\s*\{\s*"type"\s*:\s*"user"')


class Tail:
    """Reads records from a file that grows.

    A last line without its newline waits for the rest; `finish` takes it as it is. A file that does not exist yet
    is empty. Malformed lines are counted, never raised.

    Args:
        path: The log.
        copy: File to append all to that is read; None makes no copy. One that cannot be written does not matter.

    Attributes:
        garbage: Lines that were not JSON objects.
        skipped: Lines longer than `LINE_LIMIT`.
        position: Bytes read so far.
        behind: Whether the last `read` stopped at its limit of bytes before the end of the file.
    """

    def __init__(self, path: Path, copy: Path | None = None) -> None:
        self.garbage = 0
        self.skipped = 0
        self.position = 0
        self.behind = False
        self._path = path
        self._copy_path = copy
        self._copy: BinaryIO | None = None
        self._file: BinaryIO | None = None
        self._line = bytearray()
        self._dropped = 0
        self._is_tool_result = False

    def read(self, limit: int | None = None) -> Iterator[Record]:
        """Yield what has been added since the last call.

        Args:
            limit: Bytes to read at most, so that the event loop is not blocked; None reads to the end.

        Raises:
            OSError: The file exists and cannot be read.
        """
        file = self._open()
        if file is None:
            return
        done = 0
        self.behind = False
        while self._at_data(file) and (chunk := file.read(CHUNK)):
            self.position += len(chunk)
            self._write_copy(chunk)
            yield from self._feed(chunk)
            done += len(chunk)
            if limit is not None and done >= limit:
                self.behind = True
                return

    def skip_to_last(self, size: int) -> None:
        """Begin with the last bytes of the file; call it before the first read.

        Raises:
            OSError: The file exists and cannot be read.
        """
        file = self._open()
        if file is not None:
            self.position = file.seek(max(0, file.seek(0, os.SEEK_END) - size))

    def finish(self) -> Iterator[Record]:
        """Yield what is left once nothing more is written, also a last line without a newline."""
        yield from self.read()
        yield from self._end_line()

    def close(self) -> None:
        """Close the file; the tail cannot be read afterwards."""
        for file in (self._file, self._copy):
            if file is not None:
                file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open(self) -> BinaryIO | None:
        if self._file is None:
            try:
                self._file = self._path.open("rb", buffering=0)
            except FileNotFoundError:
                return None
        return self._file

    def _at_data(self, file: BinaryIO) -> bool:
        """Go to what is to be read next, past a hole; returns whether there is anything.

        A tool can reach the CLI's stdout: it may have grown by gigabytes of nothing, or been cut.
        """
        size = os.fstat(file.fileno()).st_size  # before looking: what is appended meanwhile is no hole
        if size == self.position:
            return False
        if size < self.position:
            self.position, self._line = 0, bytearray()
            self._dropped, self._is_tool_result = 0, False
        try:
            self.position = os.lseek(file.fileno(), self.position, os.SEEK_DATA)
        except OSError as error:  # nothing but a hole, or a file system that does not know of holes
            self.position = file.seek(size if error.errno == errno.ENXIO else self.position)
        return self.position < size

    def _write_copy(self, chunk: bytes) -> None:
        if self._copy_path is None or self.position > LOG_LIMIT:
            return
        with contextlib.suppress(OSError):
            if self._copy is None:
                descriptor = os.open(self._copy_path, _COPY_FLAGS, 0o600)
                self._copy = os.fdopen(descriptor, "ab", buffering=0)
            self._copy.write(chunk)

    def _feed(self, chunk: bytes) -> Iterator[Record]:
        start = 0
        while (end := chunk.find(b"\n", start)) >= 0:
            self._add(chunk[start:end])
            yield from self._end_line()
            start = end + 1
        self._add(chunk[start:])

    def _add(self, piece: bytes) -> None:
        if self._dropped:
            self._dropped += len(piece)
            return
        self._line += piece
        size = len(self._line)
        if size > TOOL_RESULT_LIMIT and _USER_LINE.match(self._line, 0, _HEAD):
            self._is_tool_result = True
            self._drop()
        elif size > LINE_LIMIT:
            self._drop()

    def _drop(self) -> None:
        self._dropped = len(self._line)
        self._line = bytearray()

    def _end_line(self) -> Iterator[Record]:
        line, self._line = self._line, bytearray()
        dropped, self._dropped = self._dropped, 0
        is_tool_result, self._is_tool_result = self._is_tool_result, False
        if is_tool_result:
            yield ToolResult(error=False, size=dropped)
        elif dropped:
            self.skipped += 1
        elif line and not line.isspace():
            record = _decode(line)
            if record is None:
                self.garbage += 1
            else:
                yield record


def _decode(line: bytearray) -> Record | None:
    # Before parsing: an agent may have written millions of lines, or a hole, of which the last block is left.
    if not (content := line.lstrip(b"\0 \t\r")).startswith(b"{"):
        return None
    line.clear()
    text = content.decode("utf-8", "replace")
    del content  # a long line is to be in memory once
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return parse(value) if isinstance(value, dict) else None
