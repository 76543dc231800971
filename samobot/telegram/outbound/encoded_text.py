"""Texts inside a text: what escapes, invisible characters, line breaks and base64 hide from a search. Pure."""

from __future__ import annotations

import base64
import binascii
import re
from bisect import bisect_right
from collections.abc import Iterator

from samobot.frozen import frozen

_MAX_LENGTH = 16 * 1024 * 1024
"""Characters of a text that are looked at in this way."""

_INVISIBLE = "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e007f"
_ENCODED = re.compile(
    rf"%(?P<url>[0-7][0-9A-Fa-f])|\\+u00(?P<json>[0-7][0-9A-Fa-f])|\\+x(?P<hex>[0-7][0-9A-Fa-f])|\\+(?P<slash>/)"
    rf"|&#(?P<decimal>\d{{2,3}});|&#[xX](?P<entity>[0-7][0-9A-Fa-f]);|(?P<wide>[\uff01-\uff5e])|[{_INVISIBLE}]"
)
_WIDE = 0xFEE0
"""How far the full-width forms are from ASCII."""

_BREAK = re.compile(r"[ \t\"'+\\]*\r?\n[ \t>|+\"'-]*")
"""The end of a line with what wraps or quotes it."""

_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{20,}(?:\r?\n[ \t]*[A-Za-z0-9+/_-]{4,})*")
_HEX = re.compile(r"(?:[0-9a-fA-F]{2}){16,}")


@frozen
class Derived:
    """A text made from another one.

    Attributes:
        text: The text.
        starts: Where each piece that was copied or decoded begins in it.
        origins: Where each of them begins in the text that it was made from.
    """

    text: str
    starts: tuple[int, ...]
    origins: tuple[int, ...]

    def origin(self, at: int) -> int:
        """Where the character at a place comes from."""
        piece = bisect_right(self.starts, at) - 1
        return self.origins[piece] + at - self.starts[piece]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where a part of it is in the original, with all of what was decoded into it.

        Args:
            start: Where it begins.
            end: Where it ends, after `start`.
        """
        return self.origin(start), self.origin(end) if end < len(self.text) else self.origins[-1]


def decoded(text: str) -> Derived | None:
    """Resolve percent, JSON and HTML escapes of ASCII characters, and leave out what is invisible; None if there is none."""
    return _replaced(_ENCODED, text) if len(text) <= _MAX_LENGTH and _ENCODED.search(text) else None


def one_piece(text: str) -> str:
    """Leave out the line breaks, with indentation and quoting."""
    return _BREAK.sub("", text[:_MAX_LENGTH])


def joined(text: str) -> Derived:
    """The same as `one_piece`, with where each part comes from."""
    return _replaced(_BREAK, text[:_MAX_LENGTH])


def _replaced(pattern: re.Pattern[str], text: str) -> Derived:
    pieces: list[str] = []
    starts: list[int] = []
    origins: list[int] = []
    length = at = 0

    def add(piece: str, origin: int) -> None:
        nonlocal length
        pieces.append(piece)
        starts.append(length)
        origins.append(origin)
        length += len(piece)

    for match in pattern.finditer(text):
        add(text[at : match.start()], at)
        add(_character(match), match.start())
        at = match.end()
    add(text[at:], at)
    add("", len(text))
    return Derived("".join(pieces), tuple(starts), tuple(origins))


def _character(match: re.Match[str]) -> str:
    """What an escape stands for; nothing for what is left out."""
    name = match.lastgroup
    if name is None:
        return ""
    value = match[name]
    match name:
        case "slash":
            return value
        case "wide":
            return chr(ord(value) - _WIDE)
        case "decimal":
            return chr(int(value))
        case _:
            return chr(int(value, 16))


def encoded_parts(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield where something is encoded in base64 or hexadecimal, and the possible texts of it."""
    if len(text) > _MAX_LENGTH:
        return
    for match in _BASE64.finditer(text):
        if match[0] == match[0].lower() or match[0] == match[0].upper():
            continue  # base64 of a text has letters of both cases; paths and names mostly do not
        digits = re.sub(r"\s", "", match[0]).replace("-", "+").replace("_", "/")
        for shift in range(4):  # what stands before it may be of the same characters
            part = digits[shift:]
            with_padding = part[: len(part) // 4 * 4] if len(part) % 4 == 1 else part + "=" * (-len(part) % 4)
            yield match.start(), match.end(), base64.b64decode(with_padding).decode("utf-8", "replace")
    for match in _HEX.finditer(text):
        yield match.start(), match.end(), binascii.unhexlify(match[0]).decode("utf-8", "replace")
