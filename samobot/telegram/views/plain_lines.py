"""The marks of Markdown's blocks (bullets, boxes, quotes, headings), taken off single lines. Pure.

For places that show one line of a text, where no renderer sees the block that the mark belongs to.
"""

from __future__ import annotations

import re

from samobot.telegram.views.wording import agent_text
from samobot.text import one_line

_MARK = re.compile(r"(?:>|#{1,6}(?=\s|$)|[-*+](?=\s|$)|\d{1,9}[.)](?=\s|$)|\[[ xX]\](?=\s|$))\s*")
_NO_WORDS = re.compile(r"(?:```|~~~).*|[\s|:*_=-]*\Z")
_STYLES = str.maketrans("", "", "*`~")

_BOX = re.compile(r"(?:(?<=\s)|^)(?:[-*+]|\d{1,9}[.)])\s+\[[ xX]\]\s+")
_HEADING = re.compile(r"(?:(?<=\s)|^)#{2,6}\s+")
_QUOTES = re.compile(r"(?:(?<=\s)|^)>(?:\s*>)+\s*")
_QUOTE = re.compile(r"(?:(?<=\s)|^)>\s+")
_BULLET = re.compile(r"(?<=\S)\s+[-*+]\s+(?=\S)")


def content(line: str) -> str:
    """One line of Markdown without the marks of its blocks; empty for a fence, a rule or the line below a table's head."""
    line = one_line(line)
    if _NO_WORDS.fullmatch(line):
        return ""
    at = 0
    while (mark := _MARK.match(line, at)) is not None:
        at = mark.end()
    cells = line[at:]
    if cells.startswith("|") and cells.endswith("|"):
        cells = " · ".join(cell.strip() for cell in cells.strip("|").split("|"))
    return cells


def unstyled_line(line: str) -> str:
    """The same without the marks of its styles: what lines are compared by."""
    return content(line).translate(_STYLES)


def plain_line(line: str, limit: int) -> str:
    """One line of Markdown as it is read, in at most `limit` characters; not escaped."""
    return agent_text(content(line), limit)


def of_flattened(text: str) -> str:
    """A text whose lines were joined into one, without the marks that were at their beginnings.

    What may be prose stays: a single `>` where the text does not begin as a quote, and numbers of lists.
    """
    begins_as_quote = text.lstrip().startswith(">")
    text = _QUOTES.sub("", _HEADING.sub("", _BOX.sub("· ", one_line(text))))
    if begins_as_quote:
        text = _QUOTE.sub("", text)
    text = _BULLET.sub(" · ", text).removeprefix("· ")
    while (mark := _MARK.match(text)) is not None and mark.end() and not text[0].isdigit():
        text = text[mark.end() :]
    return text.replace("· · ", "· ")
