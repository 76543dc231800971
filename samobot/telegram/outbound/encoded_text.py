"""Texts inside a text: what escapes, signs, line breaks and encodings hide from a search. Pure."""

from __future__ import annotations

import base64
import binascii
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterator

from samobot.frozen import frozen
from samobot.look_alikes import plain_letters
from samobot.regex import regex

_MAX_LENGTH = 16 * 1024 * 1024
"""Characters of a text that are looked at in this way."""

_INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e007f"
    "\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"  # combining marks
    "\u00a0\u2000-\u200a\u202f\u205f"  # spaces that forbid a line break or are narrow
)
_ENCODED = regex(
    rf"%(?:25)*(?P<url>[0-7][0-9A-Fa-f])|\\+u00(?P<json>[0-7][0-9A-Fa-f])|\\+x(?P<hex>[0-7][0-9A-Fa-f])|\\+(?P<slash>/)"
    rf"|\\+[uU]\{{0{{0,6}}(?P<braced>[0-7][0-9A-Fa-f])\}}|\\+U000000(?P<long>[0-7][0-9A-Fa-f])|\\+(?P<octal>[01][0-7]{{2}})"
    rf"|=(?P<quoted>[2-7][0-9A-F])"
    rf"|&#(?P<decimal>\d{{2,3}});|&#[xX](?P<entity>[0-7][0-9A-Fa-f]);|[{_INVISIBLE}]"
)

LINE_END = r"(?:\r\n?|[\n\u2028\u2029\x85])"
"""What ends a line."""
BEFORE_BREAK = r"[ \t\"'+|\\]*"
AFTER_BREAK = r"[ \t>|+\"'#*-]*(?://[ \t]*)?(?:\d{1,5}(?:[ \t]*[:|\t][ \t]*|[.)][ \t]+))?"
"""What wraps or quotes a line: signs of quotations and comments, and a number."""
_BREAK = regex(rf"{BEFORE_BREAK}{LINE_END}(?:[ \t]*{LINE_END})?{AFTER_BREAK}")
"""The end of a line, and a blank one after it, with what wraps or quotes it."""

_STYLE = regex(
    r"\x1b\[[0-9;]*[A-Za-z]|</?[a-zA-Z][^<>]{0,200}>|\\(?=[!-/:-@\[-`{-~])|\*+|`+|~~|\|\|"
    r"|(?P<quote>[\"'])[ \t]*\+?[ \t]*[\"']"
)
"""Terminal colours, tags, signs of Markdown, and what joins strings."""
_SIGNS = regex(
    rf"\x1b\[[0-9;]*[A-Za-z]|</?[a-zA-Z][^<>]{{0,200}}>|{LINE_END}[ \t|>+*-]*\d{{1,5}}(?:[ \t]*[:|\t]|[.)][ \t])"
    r"|[^A-Za-z0-9<\x1b\r\n\u2028\u2029\x85]+|[^A-Za-z0-9]"
)

_COLUMN = regex(
    r"(?m)^(?:[ \t>|]{0,8}[A-Za-z0-9_.:/+=-]{1,8}[ \t]*\r?\n){3,}[ \t>|]{0,8}[A-Za-z0-9_.:/+=-]{1,8}"
)
"""Lines of a few characters each."""

_BASE64 = regex(r"[A-Za-z0-9+/_-]{20,}(?:\r?\n[ \t]*[A-Za-z0-9+/_-]{4,})*")
_HEX = regex(r"(?:[0-9a-fA-F]{2}(?:[:-]|,?[ \t]{0,40}(?:\r?\n[ \t]{0,40})?)(?:0x)?){15,}[0-9a-fA-F]{2}")
_BYTES = regex(r"(?<![\d.])(?:\d{2,3},\s{0,40}){15,}\d{2,3}(?![\d.])")
"""Numbers of bytes, as a program prints a buffer."""
_DUMP = regex(r"(?m)(?:^[0-9a-fA-F]{6,8}:?(?: {1,2}[0-9a-fA-F]{2,4}){1,16}(?: .*)?$\n?)+")
_DUMP_LINE = regex(r"(?m)^[0-9a-fA-F]{6,8}:?((?: {1,2}[0-9a-fA-F]{2,4}){1,16})")
_BYTE_VALUES = 256
_UU_LINE = 45
_DUMP_WIDTH = 32
"""Digits of a line of such a dump."""
_DEPTH = 2
"""How often what was decoded is decoded again."""


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

    def kept_span(self, start: int, end: int) -> tuple[int, int]:
        """The same without what was left out after its last character, which must be a copied one."""
        return self.origin(start), self.origin(end - 1) + 1


def decoded(text: str) -> Derived | None:
    """Resolve percent, JSON and HTML escapes of ASCII characters, and leave out what is invisible; None if there is none."""
    return _replaced(_ENCODED, text) if len(text) <= _MAX_LENGTH and _ENCODED.search(text) else None


class _Letters(dict[int, str]):
    """The ASCII letter or digit of each character that stands for one: translating remembers what it saw."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        like = plain_letters(char)
        first = unicodedata.normalize("NFKD", like)[:1]
        if unicodedata.category(char) == "Pd" or char == "\N{MINUS SIGN}":
            first = "-"
        elif not first.isascii() or not first.isalnum():
            first = char if like.isspace() else like  # spaces of other kinds are left out later
        self[code] = first
        return self[code]


_LETTERS = _Letters()


def folded(text: str) -> str:
    """Return a text of the same length with look-alikes, mathematical and accented letters as ASCII."""
    return text if text.isascii() else text.translate(_LETTERS)


def unstyled(text: str) -> Derived | None:
    """Leave out terminal colours, tags, Markdown and what joins strings on a line; None if there is none."""
    return _left_out(_STYLE, text) if len(text) <= _MAX_LENGTH and _STYLE.search(text) else None


def bare_text(text: str) -> str:
    """Leave out all but ASCII letters and digits, also tags, terminal colours and numbers of lines."""
    return _SIGNS.sub("", text[:_MAX_LENGTH])


def bare(text: str) -> Derived:
    """The same as `bare_text`, with where each part comes from."""
    return _left_out(_SIGNS, text[:_MAX_LENGTH])


def columns(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield where lines of a few characters each are, and all of them joined."""
    if len(text) <= _MAX_LENGTH:
        for match in _COLUMN.finditer(text):
            yield match.start(), match.end(), re.sub(r"[\s>|]", "", match[0])


def one_piece(text: str) -> str:
    """Leave out the line breaks, with indentation and quoting."""
    return _BREAK.sub("", text[:_MAX_LENGTH])


def joined(text: str) -> Derived:
    """The same as `one_piece`, with where each part comes from."""
    return _replaced(_BREAK, text[:_MAX_LENGTH])


def _left_out(pattern: re.Pattern[str], text: str) -> Derived:
    return _replaced(pattern, text, lambda _: "")


def _replaced(
    pattern: re.Pattern[str], text: str, character: Callable[[re.Match[str]], str] | None = None
) -> Derived:
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
        add((character or _character)(match), match.start())
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
        case "octal":
            return chr(int(value, 8))
        case "decimal":
            return chr(int(value))
        case _:
            return chr(int(value, 16))


def encoded_parts(text: str, depth: int = _DEPTH) -> Iterator[tuple[int, int, str]]:
    """Yield where something is encoded in base64 or hexadecimal, also twice, and the possible texts of it."""
    if len(text) > _MAX_LENGTH:
        return
    for start, end, data in _encoded_bytes(text):
        part = data.replace(b"\0", b"").decode("utf-8", "replace")  # without the zeros of UTF-16
        yield start, end, part
        if depth > 1 and part.isascii():
            for _, _, inner in encoded_parts(part, depth - 1):
                yield start, end, inner


def _encoded_bytes(text: str) -> Iterator[tuple[int, int, bytes]]:
    for match in _BASE64.finditer(text):
        if match[0] == match[0].lower() or match[0] == match[0].upper():
            continue  # base64 of a text has letters of both cases; paths and names mostly do not
        digits = re.sub(r"\s", "", match[0]).replace("-", "+").replace("_", "/")
        for shift in range(4):  # what stands before it may be of the same characters
            part = digits[shift:]
            with_padding = part[: len(part) // 4 * 4] if len(part) % 4 == 1 else part + "=" * (-len(part) % 4)
            yield match.start(), match.end(), base64.b64decode(with_padding)
    for match in _HEX.finditer(text):
        yield match.start(), match.end(), binascii.unhexlify(re.sub(r"0x|[\s:,-]", "", match[0]))
    for match in _BYTES.finditer(text):
        numbers = [int(number) for number in re.findall(r"\d+", match[0])]
        yield match.start(), match.end(), bytes(number for number in numbers if number < _BYTE_VALUES)
    for match in _DUMP.finditer(text):
        lines = (line.replace(" ", "")[:_DUMP_WIDTH] for line in _DUMP_LINE.findall(match[0]))
        digits = "".join(line[: len(line) // 2 * 2] for line in lines)
        yield match.start(), match.end(), binascii.unhexlify(digits)


def encoded_forms(value: str) -> Iterator[str]:
    """A known value as encodings have it that cannot be recognized without it: reversed, in base32, uuencoded.

    In the middle of an encoded text it begins at any place of a group: what the bytes around it would change is left out.
    """
    yield value[::-1]
    data = value.encode("utf-8", "replace")
    for encode, size, signs in ((base64.b32encode, 5, 8), (_uuencoded, 3, 4)):
        for before in range(size):
            whole = len(data) - (before + len(data)) % size
            first = -(-before * signs // size)
            yield encode(b"\0" * before + data[:whole]).decode("ascii")[first:]


def _uuencoded(data: bytes) -> bytes:
    lines = (binascii.b2a_uu(data[at : at + _UU_LINE]) for at in range(0, len(data), _UU_LINE))
    return b"".join(line[1:-1] for line in lines)
