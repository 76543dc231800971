"""`_guidance.md`: the user's messages to the agent between iterations.

An item is `- [ ] [MM-DD HH:MM] who: text`; more lines of it are indented by two spaces. The worker ticks an
item once an iteration that was given it has ended well. Everything else in the file is left alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from samobot.errors import UsageError
from samobot.frozen import frozen
from samobot.regex import regex
from samobot.session.blocks import Line, newline, scan
from samobot.session.files import LINE_LIMIT, TEXT_LIMIT
from samobot.text import one_line, without_surrogates

_ITEM = regex(
    r"[-*+] \[([ xX])\](?:[ \t]|$)"
    r"(?:[ \t]{0,4}\[([0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2})\](?:[ \t]|$)(?:([^:\s][^:]{0,63}):(?:[ ]|$))?)?"
)
_INDENT = "  "


@frozen
class GuidanceItem:
    """One message to the agent.

    Attributes:
        index: Its place among the items, from 0.
        done: Whether an iteration that was given it has ended well.
        when: `MM-DD HH:MM`, if the file has it.
        who: Who wrote it, if the file has it.
        text: The text, exactly as it was written.
    """

    index: int
    done: bool
    when: str | None
    who: str | None
    text: str


@frozen
class _Found:
    item: GuidanceItem
    tick: int


def parse_guidance(text: str) -> tuple[GuidanceItem, ...]:
    """Read `_guidance.md`. Never fails; linear in the text's length."""
    return tuple(found.item for found in _find(text))


def pending(items: Iterable[GuidanceItem]) -> tuple[GuidanceItem, ...]:
    """Return the items that no iteration has worked with yet."""
    return tuple(item for item in items if not item.done)


def add_guidance(text: str, who: str, words: str, now: datetime) -> str:
    """Return the file with one more item at its end; `parse_guidance` returns its text exactly.

    Args:
        text: The file as `read_text` returns it; empty if there is none.
        who: Name of the user; made one short line.
        words: The text for the agent; lone surrogates become U+FFFD.
        now: The time of the entry, in the user's time zone.

    Raises:
        UsageError: The text is empty, or the file would be larger than is read.
    """
    words = without_surrogates(words)
    if not words.strip():
        raise UsageError("The guidance is empty; nothing was saved.")
    name = one_line(one_line(who).replace(":", " "), 64) or "somebody"
    head = f"- [ ] [{now:%m-%d %H:%M}] {name}:"
    # A carriage return belongs to the text only in an item whose first line ends in a plain "\n".
    end = "\n" if "\r" in words else newline(text)
    first, *more = words.split("\n")
    if "\r" in words or not first.strip():
        first, more = "", words.split("\n")
    lines = [f"{head} {first}" if first else head, *(_INDENT + line for line in more)]
    between = "" if not text or text.endswith("\n") else end
    new = text + between + end.join(lines) + end
    if len(new.encode("utf-8", "surrogatepass")) > TEXT_LIMIT or new.count("\n") > LINE_LIMIT:
        raise UsageError("This is too long for the session's guidance; nothing was saved. Send it as a file.")
    return new


def tick(text: str, items: Iterable[GuidanceItem]) -> str:
    """Return the file with these items ticked.

    An item that was changed after it was read stays open: the agent was given another text. Safe to repeat: one that is
    ticked in its place is done, and no later one with the same text is ticked for it.

    Args:
        text: The file as it is now.
        items: Items as they were when the iteration was given them.
    """
    left = _find(text)
    places = {found.item.index: found.item for found in left}
    marks = []
    for item in items:
        there = places.get(item.index)
        if there is not None and there.done and _is_same(there, item):
            continue
        same = [found for found in left if not found.item.done and _is_same(found.item, item)]
        if same:
            nearest = min(same, key=lambda found: abs(found.item.index - item.index))
            left.remove(nearest)
            marks.append(nearest.tick)
    for at in marks:
        text = text[:at] + "x" + text[at + 1 :]
    return text


def _is_same(one: GuidanceItem, other: GuidanceItem) -> bool:
    return (one.when, one.who, one.text) == (other.when, other.who, other.text)


def _find(text: str) -> list[_Found]:
    found: list[_Found] = []
    lines = scan(text)
    index = 0
    while index < len(lines):
        line = lines[index]
        match = _ITEM.match(line.text, line.text.startswith("\ufeff"))
        index += 1
        if match is None:
            continue
        stop = _end_of_item(lines, index)
        words = _words(line, match.end(), lines[index:stop])
        item = GuidanceItem(len(found), match[1] != " ", match[2], match[3], words)
        found.append(_Found(item, line.start + match.start(1)))
        index = stop
    return found


def _end_of_item(lines: Sequence[Line], start: int) -> int:
    """Return the index behind an item's last line: indented lines, and lines right below without a mark of their own."""
    stop = start
    for index in range(start, len(lines)):
        text = lines[index].text
        if text.startswith((_INDENT, "\t")):
            stop = index + 1
        elif text.strip() and (stop < index or text.startswith(("#", "- ", "* ", "+ "))):
            break
        elif text.strip():
            stop = index + 1
    return stop


def _words(first: Line, start: int, more: Sequence[Line]) -> str:
    crlf = first.end == "\r\n"
    parts = []
    for line in more:
        body = line.text[1:] if line.text.startswith("\t") else line.text.removeprefix(_INDENT)
        parts.append(body + ("\r" if line.end == "\r\n" and not crlf else ""))
    head = first.text[start:]
    if head.strip() or not parts:
        parts.insert(0, head)
    return "\n".join(parts)
