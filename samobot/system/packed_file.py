"""What is compressed in a file: zip, gzip, bzip2, xz, and zlib streams as in PDF, PNG and git's objects. Pure, bounded."""

from __future__ import annotations

import bz2
import io
import lzma
import re
import zipfile
import zlib
from collections.abc import Iterator
from typing import Protocol

_MAX_OUTPUT = 32 * 1024 * 1024
"""Bytes that are unpacked of one file, all parts together."""

_MAX_PARTS = 2000
_DEEPEST = 2
_ZLIB = re.compile(rb"\x78[\x01\x5e\x9c\xda]")
_ERRORS = (OSError, EOFError, ValueError, RuntimeError, NotImplementedError, zlib.error, lzma.LZMAError, zipfile.BadZipFile)  # fmt: skip


class _Decompressor(Protocol):
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


def unpacked(data: bytes) -> Iterator[bytes]:
    """Yield what is compressed in a file, also in what is in it; what is damaged, encrypted or too much is left out."""
    left = _MAX_OUTPUT
    waiting = [(data, 0)]
    while waiting:
        packed, depth = waiting.pop()
        for part in _parts(packed, left):
            left -= len(part)
            yield part
            if depth + 1 < _DEEPEST:
                waiting.append((part, depth + 1))
            if left <= 0:
                return


def _parts(data: bytes, limit: int) -> Iterator[bytes]:
    if data.startswith(b"PK"):
        yield from _members(data, limit)
    elif data.startswith(b"\x1f\x8b"):
        yield from _stream(zlib.decompressobj(31), data, limit)
    elif data.startswith(b"BZh"):
        yield from _stream(bz2.BZ2Decompressor(), data, limit)
    elif data.startswith(b"\xfd7zXZ"):
        yield from _stream(lzma.LZMADecompressor(memlimit=_MAX_OUTPUT * 4), data, limit)
    else:
        for number, match in enumerate(_ZLIB.finditer(data)):
            if number == _MAX_PARTS or limit <= 0:
                return
            for part in _stream(zlib.decompressobj(), data[match.start() :], limit):
                limit -= len(part)
                yield part


def _members(data: bytes, limit: int) -> Iterator[bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for info in archive.infolist()[:_MAX_PARTS]:
                yield info.filename.encode("utf-8", "replace") + info.comment
                try:
                    with archive.open(info) as member:
                        part = member.read(limit)
                except _ERRORS:
                    continue
                limit -= len(part)
                yield part
                if limit <= 0:
                    return
    except _ERRORS:
        return


def _stream(decompressor: _Decompressor, data: bytes, limit: int) -> Iterator[bytes]:
    try:
        part = decompressor.decompress(data, limit)
    except _ERRORS:
        return
    if part:
        yield part
