"""What agents contribute to the review guide, parsed from the forms of the skills `summary`, `quality` and `testing`.

Items are list lines whose fields are divided by ` · `. What does not have the form is kept as plain text: an agent's
note is shown, never dropped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from samobot.frozen import frozen
from samobot.session.blocks import Line, scan, section_of

_ITEM = re.compile(r" {0,3}[-*+][ \t]+(\S.*)")
_MORE = re.compile(r"(?: {2,}|\t)\S")
_CODE = re.compile(r"`([^`]+)`")
_PLACE = re.compile(r"`?([^\s`]+?)(?::\d[\d,:-]*)?`?")
_SEVERITIES = frozenset({"wrong", "poor"})


@frozen
class Pointer:
    """A place to look at: a file, possibly with a line, and why. The place is empty if none is named."""

    place: str
    why: str

    @property
    def path(self) -> str:
        """The file's path, without the line."""
        found = _PLACE.fullmatch(self.place)
        return found[1] if found else ""


@frozen
class Claim:
    """What the agent claims, the command that shows it, and what that printed."""

    text: str
    command: str = ""
    seen: str = ""


@frozen
class ReviewFinding:
    """A finding of a review.

    Attributes:
        severity: `wrong` or `poor`; empty if not stated.
        place: The file and line.
        text: What is wrong.
        confirmed: How somebody other than its author confirmed it.
        outcome: What became of it.
    """

    severity: str
    place: str
    text: str
    confirmed: str = ""
    outcome: str = ""


@frozen
class Guide:
    """The section `## Review guide` of a note."""

    look_first: tuple[Pointer, ...] = ()
    not_checked: tuple[str, ...] = ()
    claims: tuple[Claim, ...] = ()


def guide_of(texts: Iterable[str]) -> Guide:
    """Return the review guide of several notes: each part from the first note that has it."""
    parts: dict[str, list[str]] = {}
    for text in texts:
        for title, items in _parts(section_of(scan(text), "review guide") or ()).items():
            if items:
                parts.setdefault(title, items)
    return Guide(
        tuple(map(_pointer, parts.get("look first", ()))),
        tuple(parts.get("not checked", ())),
        tuple(map(_claim, parts.get("claims", ()))),
    )


def findings_of(text: str) -> tuple[ReviewFinding, ...]:
    """Return the findings of a quality note."""
    return tuple(map(_finding, _items(section_of(scan(text), "findings") or ())))


def items_of(text: str, title: str) -> tuple[str, ...]:
    """Return the list items of a note's section."""
    return tuple(_items(section_of(scan(text), title) or ()))


def without_guide(text: str) -> str:
    """Return a note without the section that the page shows apart."""
    section = section_of(scan(text), "review guide")
    if not section:
        return text
    last = section[-1]
    return text[: section[0].start] + text[last.start + len(last.text) + len(last.end) :]


def _parts(section: Sequence[Line]) -> dict[str, list[str]]:
    """The list items below each heading of the third level, by its title."""
    found: dict[str, list[str]] = {}
    lines: list[Line] = []
    title = ""
    for line in section:
        if line.level == 3 and not line.code:
            found.setdefault(title, _items(lines))
            title, lines = line.title.rstrip(":").strip().casefold(), []
        else:
            lines.append(line)
    found.setdefault(title, _items(lines))
    return found


def _items(lines: Sequence[Line]) -> list[str]:
    items: list[str] = []
    for line in lines:
        if line.code or line.level:
            continue
        if found := _ITEM.fullmatch(line.text):
            items.append(found[1].strip())
        elif items and _MORE.match(line.text):
            items[-1] += f" {line.text.strip()}"
    return items


def _fields(item: str) -> list[str]:
    return [field.strip() for field in item.split(" · ")]


def _pointer(item: str) -> Pointer:
    place, *why = _fields(item)
    if why:
        return Pointer(place.strip("`"), " · ".join(why))
    named = _CODE.match(item)
    return Pointer(named[1] if named else "", item)


def _claim(item: str) -> Claim:
    text, *rest = _fields(item)
    command = rest[0] if rest else ""
    return Claim(text, command.strip("`"), " · ".join(rest[1:]))


def _finding(item: str) -> ReviewFinding:
    severity, *rest = _fields(item)
    if severity.casefold() not in _SEVERITIES or not rest:
        return ReviewFinding("", "", item)
    place, *words = rest
    text = words[0] if words else ""
    confirmed = " · ".join(words[1:-1])
    outcome = words[-1] if len(words) > 1 else ""
    return ReviewFinding(severity.casefold(), place.strip("`"), text, confirmed, outcome)
