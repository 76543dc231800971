"""Tables of Markdown as aligned text for a fixed-width font, where they fit a phone."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING

from samobot.frozen import frozen

if TYPE_CHECKING:
    from markdown_it.token import Token

PHONE_COLUMNS = 32
"""Columns of fixed-width text that a small phone (360 px wide), held upright, shows without wrapping.

Measured in the demo's page, whose code has 7.9 px a column; Telegram's own apps show a few more.
"""

_CONTAINER = re.compile(r"[\s>]*(?:[-*+]|\d{1,9}[.)])?[\s>]*")


@frozen
class Table:
    """A table as the parser gave it.

    Attributes:
        rows: The cells, inline tokens; the head is the first row.
        source: The lines it was read from.
    """

    rows: Sequence[Sequence[Token]]
    source: Sequence[str]

    @classmethod
    def read(cls, tokens: Sequence[Token], lines: Sequence[str]) -> Table:
        """Collect the cells from `table_open` to `table_close`; `lines` are those of the whole text."""
        rows: list[list[Token]] = []
        for token in tokens:
            if token.type == "tr_open":
                rows.append([])
            elif token.type == "inline":
                rows[-1].append(token)
        first, end = tokens[0].map or [0, 0]
        return cls(rows, lines[first:end])

    def is_overfull(self) -> bool:
        """Whether a row has cells that the parser dropped because the head has no column for them."""
        return any(_cells(line) > len(self.rows[0]) for line in self.source)

    def aligned(self) -> str | None:
        """The table as lines of equal columns; None if it is too wide, or holds links, which code cannot."""
        cells = [cell for row in self.rows for cell in row]
        if any(child.type in ("link_open", "image") for cell in cells for child in cell.children or []):
            return None
        plain = [[plain_text(cell) for cell in row] for row in self.rows]
        widths = [max(map(_width, column)) for column in zip_longest(*plain, fillvalue="")]
        if sum(widths) + 3 * (len(widths) - 1) > PHONE_COLUMNS:
            return None
        lines = [
            " │ ".join(
                cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=False)
            ).rstrip()
            for row in plain
        ]
        lines.insert(1, "─┼─".join("─" * width for width in widths))
        return "\n".join(lines)


def plain_text(token: Token) -> str:
    """The text of an inline token without its styles."""
    parts: list[str] = []
    for child in token.children or []:
        match child.type:
            case "softbreak" | "hardbreak":
                parts.append(" ")
            case "image":
                parts.append(f"🖼 {plain_text(child)}")
            case _:
                parts.append(child.content)
    return "".join(parts)


def squeezed(rows: Sequence[str]) -> list[str]:
    """Rows of aligned text without the room that no row needs: columns blank in all of them become one space."""
    longest = max(map(len, rows), default=0)
    padded = [row.ljust(longest) for row in rows]
    blank = [all(row[at] == " " for row in padded) for at in range(longest)]
    kept = [at for at in range(longest) if not (blank[at] and (at == 0 or blank[at - 1]))]
    return ["".join(row[at] for at in kept).rstrip() for row in padded]


def _cells(line: str) -> int:
    """How many cells the parser saw in a line, which may stand in a quote or a list."""
    from markdown_it.rules_block.table import escapedSplit  # loaded by then: there is a table

    cells = escapedSplit(_CONTAINER.sub("", line, count=1).strip())
    return len(cells) - (cells[:1] == [""]) - (len(cells) > 1 and cells[-1] == "")


def _width(text: str) -> int:
    """Columns of a text in a fixed-width font."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def _columns(character: str) -> int:
    if unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
