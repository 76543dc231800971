"""Reading the project's Markdown pages: their code blocks with the markers before them, and their links."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]

_FENCE = re.compile(r"( *)(`{3,})([\w-]*)\s*$")
_COMMENT = re.compile(r"<!--(.*?)-->", re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)|<img [^>]*src=\"([^\"]+)\"")
_INLINE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block.

    Attributes:
        page: The file it is in.
        line: Line of its opening fence, from 1.
        kind: The fence's info string.
        text: Its content.
        not_run: Why it is not run, where the page says so.
        before: Commands that prepare for it and are not shown.
        exits: Exit codes that its last commands should have; those before them end with 0.
        form: What it is a sample of, such as `_qa.md`, where the page says so.
    """

    page: Path
    line: int
    kind: str
    text: str
    not_run: str = ""
    before: str = ""
    exits: tuple[int, ...] = (0,)
    form: str = ""

    @property
    def where(self) -> str:
        """`docs/page.md:12`."""
        return f"{self.page.relative_to(TOP)}:{self.line}"


@dataclass(frozen=True, slots=True)
class Page:
    """One page.

    Attributes:
        path: The file.
        text: Its content.
        blocks: Its fenced blocks, in order.
        prose: Its content without the fenced blocks and comments.
    """

    path: Path
    text: str
    blocks: tuple[Block, ...]
    prose: str

    @property
    def name(self) -> str:
        """Its path from the top of the repository."""
        return str(self.path.relative_to(TOP))

    def links(self) -> list[str]:
        """Everything it links to or shows, in order."""
        return [target or picture for target, picture in _LINK.findall(self.prose)]

    def inline(self) -> list[str]:
        """Its inline code."""
        return _INLINE.findall(self.prose)

    def anchors(self) -> set[str]:
        """The anchors that GitHub makes of its headings."""
        titles = re.findall(r"^#{1,6} (.+)$", self.prose, re.MULTILINE)
        return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


def pages() -> list[Page]:
    """The README, the changelog and all of docs/."""
    files = [TOP / "README.md", TOP / "CHANGELOG.md", *sorted((TOP / "docs").rglob("*.md"))]
    return [read_page(path) for path in files]


def read_page(path: Path) -> Page:
    """Read one page."""
    text = path.read_text(encoding="utf-8")
    blocks: list[Block] = []
    prose: list[str] = []
    pending: list[str] = []
    lines = iter(enumerate(text.splitlines(), start=1))
    for number, line in lines:
        if opened := _FENCE.fullmatch(line):
            indent, ticks, kind = opened.groups()
            content = []
            for _, inner in lines:
                if inner.strip() == ticks:
                    break
                content.append(inner.removeprefix(indent))
            else:
                raise AssertionError(f"{path}:{number}: the block is not closed")
            blocks.append(_block(path, number, kind, "\n".join(content), "\n".join(pending)))
            pending = []
        else:
            prose.append(line)
            pending.append(line)
    return Page(path, text, tuple(blocks), _COMMENT.sub("", "\n".join(prose)))


def _block(path: Path, number: int, kind: str, text: str, above: str) -> Block:
    """Make a block with what the comments between it and the block above say."""
    values: dict[str, str] = {}
    for comment in _COMMENT.findall(above):
        for key in ("not run", "before", "exit", "form"):
            if comment.strip().startswith(f"{key}:"):
                values[key] = comment.strip().removeprefix(f"{key}:").strip()
    return Block(
        path,
        number,
        kind,
        text,
        not_run=values.get("not run", ""),
        before=values.get("before", ""),
        exits=tuple(map(int, values.get("exit", "0").split())),
        form=values.get("form", ""),
    )


def table(text: str, heading: str) -> list[list[str]]:
    """The rows of the table whose first column has this heading, without the heading.

    Raises:
        AssertionError: There is none.
    """
    rows: list[list[str]] = []
    inside = False
    for line in text.splitlines():
        cells = [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]
        if not line.lstrip().startswith("|"):
            if inside:
                return rows
        elif inside:
            if not set(line) <= set("|-: "):
                rows.append(cells)
        elif cells[0] == heading:
            inside = True
    assert inside, f"there is no table with the heading {heading}"
    return rows


def code(cell: str) -> list[str]:
    """The inline code of a table's cell."""
    return _INLINE.findall(cell)
