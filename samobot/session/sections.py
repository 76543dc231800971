"""The sections of a Markdown file and the lines `Key: value` in them: found, and changed byte by byte. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from samobot.session.blocks import Key, Line, match_key, newline


@dataclass(frozen=True, slots=True)
class KeyLine:
    """A line `Key: value`.

    Attributes:
        line: The line.
        key: What it says.
    """

    line: Line
    key: Key


def head_of(lines: Sequence[Line]) -> Sequence[Line]:
    """Return the lines above the first section."""
    stop = next((index for index, line in enumerate(lines) if line.level >= 2), len(lines))
    return lines[:stop]


def section_of(lines: Sequence[Line], title: str) -> Sequence[Line] | None:
    """Return the first section of level 2 with this title, its heading first; None where there is none."""
    start = next(
        (
            index
            for index, line in enumerate(lines)
            if line.level == 2 and line.title.rstrip(":").strip().casefold() == title
        ),
        None,
    )
    if start is None:
        return None
    stop = next((index for index in range(start + 1, len(lines)) if 1 <= lines[index].level <= 2), len(lines))
    return lines[start:stop]


def key_lines(lines: Sequence[Line]) -> Iterator[KeyLine]:
    """Go through the lines `Key: value` in their order."""
    for line in lines:
        key = None if line.code or line.level else match_key(line.text)
        if key is not None:
            yield KeyLine(line, key)


def keys_of(lines: Sequence[Line]) -> dict[str, KeyLine]:
    """Return the lines `Key: value` by key; of two with the same key the first one counts."""
    found: dict[str, KeyLine] = {}
    for each in key_lines(lines):
        found.setdefault(each.key.name, each)
    return found


def replace_values(text: str, section: Sequence[Line], changes: Mapping[str, str]) -> str:
    """Replace values of a section; the keys that it lacks are added at its end, in the style of the others.

    Args:
        text: The whole file.
        section: The section as `section_of` returns it.
        changes: Key, as a person would write it, to its new value of one line.
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
    """Add an empty section above the first one of its level, so that it takes in nothing that stands there."""
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
