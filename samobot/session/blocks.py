"""Markdown with positions: lines, headings, code fences, `Key: value` lines, quotes and sections. Pure.

A Markdown library returns a tree; edits that leave every other byte unchanged need the offset of each line.
Lines end at `\\n` only: other characters that Python takes for line ends are text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from samobot.regex import regex

_KEY = regex(
    r"[ \t]{0,8}(?:[-*+][ \t]{1,8})?"
    r"(?:\*\*(?P<a>[a-z][a-z ]{0,39}?)[ \t]{0,8}(?::\*\*|\*\*[ \t]{0,8}:)"
    r"|__(?P<b>[a-z][a-z ]{0,39}?)[ \t]{0,8}(?::__|__[ \t]{0,8}:)"
    r"|(?P<c>[a-z][a-z ]{0,39}?)[ \t]{0,8}:)",
    re.IGNORECASE,
)


PARSES_KEPT = 8
"""Results kept by each pure parser: while an event is handled, the same text is read by several parts."""


class Line(NamedTuple):
    """One line with its position. A tuple, because a file has many of them.

    Attributes:
        number: From 1, as editors count.
        start: Offset of the line's first character in the text.
        text: The line without its end.
        end: `\\n`, `\\r\\n`, or empty for a last line without one.
        code: Whether it belongs to a fenced code block, fences included.
        level: 1 to 6 for a heading outside code, else 0.
        title: Text of the heading.
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
        """Whether the line is empty or white space."""
        return not self.text.strip()


class Key(NamedTuple):
    """A line `Key: value`.

    Attributes:
        name: The key in lower case.
        opening: Everything before the value, including the colon and bold marks after it.
        value: The value without the white space around it.
    """

    name: str
    opening: str
    value: str


@lru_cache(maxsize=PARSES_KEPT)
def scan(text: str) -> tuple[Line, ...]:
    """Split a text into lines and mark headings and code. Linear in the text's length.

    A fence that is never closed counts as plain text: it must not hide all questions after it.
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
        level, title = 0, ""
        if not code and "#" in piece:
            level, title = heading_of(piece.removeprefix("\ufeff") if index == 0 else piece)
        lines.append(Line(index + 1, start, piece, end, code, level, title))
        start += len(piece) + len(end)
    return tuple(lines)


def quote_mark(text: str, start: int) -> str:
    """Return what stands before an offset in its line: the mark of the quote that the line is in, usually empty."""
    return text[text.rfind("\n", 0, start) + 1 : start]


def newline(text: str) -> str:
    """Return the line end that a text uses: that of its first line, `\\n` if there is none."""
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
    """Write any text as a block quote with lines joined by `end`; no line of it can be parsed as anything else.

    Args:
        text: The text; if it has a carriage return, `end` must be `\\n`.
        end: The line end of the file.
    """
    return end.join(f"> {line}" if line else ">" for line in text.split("\n"))


def unquote(lines: Sequence[Line], *, crlf: bool) -> str:
    """Invert `quote`.

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


class KeyLine(NamedTuple):
    """A line `Key: value` with its position."""

    line: Line
    key: Key


def head_of(lines: Sequence[Line]) -> Sequence[Line]:
    """Return the lines above the first section."""
    stop = next((index for index, line in enumerate(lines) if line.level >= 2), len(lines))
    return lines[:stop]


def section_of(lines: Sequence[Line], title: str) -> Sequence[Line] | None:
    """Return the first section of level 2 with this title, its heading first; None if there is none."""
    start: int | None = None
    for index, line in enumerate(lines):
        if start is not None and 1 <= line.level <= 2:
            return lines[start:index]
        if start is None and line.level == 2 and line.title.rstrip(":").strip().casefold() == title:
            start = index
    return None if start is None else lines[start:]


def key_lines(lines: Sequence[Line]) -> list[KeyLine]:
    """Return the lines `Key: value` in order."""
    found = []
    for line in lines:
        key = match_key(line.text) if ":" in line.text and not line.code and not line.level else None
        if key is not None:
            found.append(KeyLine(line, key))
    return found


def keys_of(lines: Sequence[Line]) -> dict[str, KeyLine]:
    """Return the lines `Key: value` by key; see `first_of`."""
    return first_of(key_lines(lines))


def first_of(found: Iterable[KeyLine]) -> dict[str, KeyLine]:
    """Return key lines by key; of two with the same key the first one counts."""
    first: dict[str, KeyLine] = {}
    for each in found:
        first.setdefault(each.key.name, each)
    return first


def replace_values(text: str, section: Sequence[Line], changes: Mapping[str, str]) -> str:
    """Replace values of a section; the keys that it lacks are added at its end, in the style of the others.

    Args:
        text: The whole file.
        section: The section as `section_of` returns it.
        changes: Key as users write it, to its new value of one line.
    """
    found = keys_of(section[1:])
    style = next((line.key.opening for line in reversed(found.values())), "Key:")
    edits: list[tuple[int, int, str]] = []
    added: list[str] = []
    for name, value in changes.items():
        line = found.get(name.lower())
        if line is None:
            opening = re.sub(r"[A-Za-z][A-Za-z ]*", name, style, count=1)
            added.append(f"{opening} {value}".rstrip())
            continue
        start = line.line.start + len(line.key.opening)
        old = line.line.text[len(line.key.opening) :]
        if line.key.value:
            start += len(old) - len(old.lstrip())
            edits.append((start, start + len(line.key.value), value))
        else:
            edits.append((start, start + len(old), f" {value}" if value else old))
    if added:
        edits.append(lines_below(text, last_used(section), added))
    for start, stop, value in sorted(edits, reverse=True):
        text = text[:start] + value + text[stop:]
    return text


def lines_below(text: str, anchor: Line, new: Sequence[str]) -> tuple[int, int, str]:
    """Return the edit that puts new lines below a line."""
    end = anchor.end or newline(text)
    block = "".join(line + end for line in new)
    return anchor.stop, anchor.stop, block if anchor.end else end + block


def last_used(section: Sequence[Line]) -> Line:
    """Return the last line of a section with something in it."""
    return next((line for line in reversed(section) if not line.blank), section[0])


def with_section(text: str, lines: Sequence[Line], title: str) -> str:
    """Add an empty section above the first one of its level, so that it does not swallow existing text."""
    end = newline(text)
    first = next((index for index, line in enumerate(lines) if line.level == 2), len(lines))
    head = lines[:first]
    stop = head[-1].stop if head else 0
    above = text[:stop]
    if above and not above.endswith("\n"):
        above += end
    if head and not head[-1].blank:
        above += end
    below = text[stop:]
    return f"{above}## {title}{end}{end if below else ''}{below}"


def heading_of(line: str) -> tuple[int, str]:
    """Return level and text of a heading; level 0 for any other line."""
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
    """Return for each line whether it belongs to a fenced code block that is closed further down."""
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
