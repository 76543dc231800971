"""The little of Markdown that the session's files rest on: lines, headings, code fences, keys and quotes.

A Markdown library gives a tree; we need the exact place of every line, so that an edit changes what it means
to change and no other byte. Lines end at `\\n` only: other characters that Python takes for line ends are text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

_KEY = re.compile(
    r"[ \t]{0,8}(?:[-*+][ \t]{1,8})?"
    r"(?:\*\*(?P<a>[a-z][a-z ]{0,39}?)[ \t]{0,8}(?::\*\*|\*\*[ \t]{0,8}:)"
    r"|__(?P<b>[a-z][a-z ]{0,39}?)[ \t]{0,8}(?::__|__[ \t]{0,8}:)"
    r"|(?P<c>[a-z][a-z ]{0,39}?)[ \t]{0,8}:)",
    re.IGNORECASE,
)


class Line(NamedTuple):
    """One line and its place. A tuple, since a file has many of them.

    Attributes:
        number: From 1, as editors count.
        start: Offset of the line's first character in the text.
        text: The line without its end.
        end: `\\n`, `\\r\\n`, or empty for a last line without one.
        code: Whether it belongs to a fenced code block, fences included.
        level: 1 to 6 for a heading outside code, else 0.
        title: The heading's words.
    """

    number: int
    start: int
    text: str
    end: str
    code: bool
    level: int
    title: str

    @property
    def stop(self) -> int:
        """Offset after the line and its end."""
        return self.start + len(self.text) + len(self.end)

    @property
    def blank(self) -> bool:
        """Whether there is nothing on it to read."""
        return not self.text.strip()


@dataclass(frozen=True, slots=True)
class Key:
    """A line `Key: value`.

    Attributes:
        name: The key in lower case.
        opening: What stands before the value, up to and with the colon or the bold marks behind it.
        value: The value without the white space around it.
    """

    name: str
    opening: str
    value: str


def scan(text: str) -> tuple[Line, ...]:
    """Split a text into lines and say which are headings and which are code. Linear in the text's length.

    A fence that is never closed is taken for plain text: one forgotten fence must not swallow all questions
    after it.
    """
    pieces = text.split("\n")
    ends = ["\n"] * (len(pieces) - 1) + [""]
    if not pieces[-1]:
        pieces.pop()
        ends.pop()
    for index, piece in enumerate(pieces):
        if ends[index] and piece.endswith("\r"):
            pieces[index], ends[index] = piece[:-1], "\r\n"
    lines = []
    start = 0
    has_fences = "```" in text or "~~~" in text
    codes = _code(pieces) if has_fences else [False] * len(pieces)
    for index, (piece, end, code) in enumerate(zip(pieces, ends, codes, strict=True)):
        level, title = (0, "") if code else _heading(piece.removeprefix("\ufeff") if index == 0 else piece)
        lines.append(Line(index + 1, start, piece, end, code, level, title))
        start += len(piece) + len(end)
    return tuple(lines)


def newline(text: str) -> str:
    """Return the line end that a text uses: that of its first line, `\\n` where it has none."""
    first = text.find("\n")
    return "\r\n" if first > 0 and text[first - 1] == "\r" else "\n"


def match_key(line: str) -> Key | None:
    """Read `Key: value`, also as `- Key:`, `**Key:**` or `**Key**:`; None for any other line."""
    found = _KEY.match(line) if ":" in line else None
    if found is None:
        return None
    name = found["a"] or found["b"] or found["c"]
    return Key(" ".join(name.lower().split()), found[0], line[found.end() :].strip())


def quote(text: str, end: str) -> str:
    """Write any text as a block quote, its lines joined by `end`; no line of it can be taken for anything else.

    Args:
        text: The text to hold; where it holds a carriage return, `end` must be `\\n`.
        end: The line end of the file.
    """
    return end.join(f"> {line}" if line else ">" for line in text.split("\n"))


def unquote(lines: Sequence[Line], *, crlf: bool) -> str:
    """Read back what `quote` wrote.

    Args:
        lines: The lines of one block quote.
        crlf: Whether the line above the quote ends in `\\r\\n`; if not, a carriage return belongs to the text.
    """
    return "\n".join(
        line.text[1:].removeprefix(" ") + ("\r" if line.end == "\r\n" and not crlf else "") for line in lines
    )


def quote_length(lines: Sequence[Line]) -> int:
    """Return how many of the first lines are one block quote."""
    for count, line in enumerate(lines):
        if not line.text.startswith(">"):
            return count
    return len(lines)


def _heading(line: str) -> tuple[int, str]:
    if "#" not in line:
        return 0, ""
    body = line.lstrip(" ")
    hashes = body.lstrip("#")
    level = len(body) - len(hashes)
    if not 1 <= level <= 6 or len(line) - len(body) > 3 or (hashes and hashes[0] not in " \t"):
        return 0, ""
    title = hashes.strip()
    opened = title.rstrip("#")
    return level, opened.rstrip() if not opened or opened[-1] in " \t" else title


def _code(pieces: Sequence[str]) -> list[bool]:
    """Say for each line whether it belongs to a fenced code block that is closed further down."""
    fences = [_fence(piece) for piece in pieces]
    # The longest closing fence below each line: an opener is one only if something below can close it.
    longest = {"`": 0, "~": 0}
    closable = [False] * len(pieces)
    for index in range(len(pieces) - 1, -1, -1):
        if (fence := fences[index]) is not None:
            mark, length, info = fence
            closable[index] = longest[mark] >= length and not (mark == "`" and "`" in info)
            if not info:
                longest[mark] = max(longest[mark], length)
    flags = []
    inside: tuple[str, int] | None = None
    for fence, can_close in zip(fences, closable, strict=True):
        flags.append(inside is not None or can_close)
        if fence is None:
            continue
        mark, length, info = fence
        if inside is None:
            inside = (mark, length) if can_close else None
        elif mark == inside[0] and length >= inside[1] and not info:
            inside = None
    return flags


def _fence(line: str) -> tuple[str, int, str] | None:
    """Return mark, length and what follows, for a line that begins like a fence (indented in lists, too)."""
    body = line.strip()
    mark = body[:1]
    if mark not in ("`", "~"):
        return None
    info = body.lstrip(mark)
    length = len(body) - len(info)
    return (mark, length, info) if length >= 3 else None
