"""Markdown parsed by markdown-it, and its tokens written as a `RichText` in one pass."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.token import Token

from samobot.telegram.markup.html import (
    safe_language,
    safe_url,
)
from samobot.telegram.markup.rich_text import Builder, RichText, Style, clean
from samobot.telegram.markup.tables import Table, plain_text

_NESTING = 60
_COLUMNS = 40
_WRAPPED = 60
_DEEPEST_INDENT = 8
_BULLETS = "•◦▪"
_TASK = re.compile(r"\[([ xX])\][ \t]+")


def render_tokens(source: str) -> RichText:
    """Render Markdown that may be more than a plain line; `source` is clean."""
    # A row short of cells is filled up: with many columns, a few bytes a row become a huge table.
    wide = "|" in source and any(line.count("|") > _COLUMNS for line in source.split("\n"))
    tokens = (_WITHOUT_TABLES if wide else _PARSER).parse(source)
    # The parser drops what is nested deeper than its limit; nothing may be lost.
    if any(token.level >= _NESTING - 2 for token in tokens):
        return RichText(source.strip("\n"))
    return _Renderer(source.split("\n")).render(tokens)


class _Parser(MarkdownIt):
    """CommonMark without HTML. All links are parsed as they are; which become links is decided in rendering."""

    def __init__(self, *rules: str) -> None:
        super().__init__("commonmark", {"html": False, "maxNesting": _NESTING})
        # Of "[Note]: the rest" a definition would show nothing at all.
        self.enable(rules).disable("reference")

    def validateLink(self, url: str) -> bool:
        return True

    def normalizeLink(self, url: str) -> str:
        return url

    def normalizeLinkText(self, link: str) -> str:
        return link


_PARSER = _Parser("table", "strikethrough")
_WITHOUT_TABLES = _Parser("strikethrough")


@dataclass(slots=True)
class _Indent:
    """What stands before each line of a container: a marker before the first, space before the others."""

    marker: str
    space: str
    used: bool = False


class _Renderer:
    def __init__(self, source: Sequence[str]) -> None:
        self._source = source
        self._out = Builder()
        self._gap = 0
        self._line_begins = True
        self._tight = False
        self._indents: list[_Indent] = []
        self._lists: list[int | None] = []
        self._quotes = 0
        self._links: list[tuple[str, int, bool]] = []
        self._line_length = 0

    def render(self, tokens: Sequence[Token]) -> RichText:
        """Write all tokens."""
        at = 0
        while at < len(tokens):
            if tokens[at].type == "table_open":
                end = next(i for i in range(at, len(tokens)) if tokens[i].type == "table_close")
                self._table(Table.read(tokens[at:end], self._source))
                at = end
            else:
                self._block(tokens[at])
            at += 1
        return self._out.made()

    # Blocks

    def _block(self, token: Token) -> None:
        match token.type:
            case "inline":
                self._inline(token.children or [])
            case "paragraph_open":
                self._begin_block(1 if token.hidden else 2)
            case "heading_open":
                self._begin_block()
                self._out.open(Style.BOLD)
            case "heading_close":
                self._out.close()
                self._tight = True
            case "fence" | "code_block":
                self._code(token)
            case "hr":
                self._begin_block()
                self._text("──────────")
            case "blockquote_open":
                self._open_quote()
            case "blockquote_close":
                self._close_quote()
            case "bullet_list_open":
                self._begin_block(1 if self._indents else 2)
                self._lists.append(None)
            case "ordered_list_open":
                self._begin_block(1 if self._indents else 2)
                self._lists.append(int(token.attrs.get("start", 1)))
            case "list_item_open":
                self._open_item()
            case "list_item_close":
                self._close_item()
            case "bullet_list_close" | "ordered_list_close":
                self._lists.pop()
            case _:
                pass

    def _open_item(self) -> None:
        self._need(1)
        number = self._lists[-1]
        if number is None:
            depth = sum(entry is None for entry in self._lists) - 1
            marker = _BULLETS[min(depth, len(_BULLETS) - 1)] + " "
        else:
            marker = f"{number}. "
            self._lists[-1] = number + 1
        space = " " * len(marker) if len(self._indents) < _DEEPEST_INDENT else ""
        self._indents.append(_Indent(marker, space))

    def _close_item(self) -> None:
        if not self._indents[-1].used:
            self._text("")
        self._indents.pop()
        self._gap = min(self._gap, 1)

    def _open_quote(self) -> None:
        self._begin_block()
        self._quotes += 1
        if self._quotes == 1:
            self._out.open(Style.QUOTE)
        else:  # Telegram has no quotes in quotes
            self._indents.append(_Indent("│ ", "│ "))

    def _close_quote(self) -> None:
        self._quotes -= 1
        if self._quotes == 0:
            self._out.close()
        else:
            self._indents.pop()

    def _code(self, token: Token) -> None:
        # The language is written nowhere but at the code, so without code it is said like the rest of the line.
        language = safe_language(token.info) if token.content.strip() else ""
        caption = token.info.strip()[len(language) :].strip(" \t,;:")
        if caption:
            self._begin_block()
            self._out.open(Style.ITALIC)
            self._text(caption)
            self._out.close()
            self._tight = True
        self._pre(token.content.removesuffix("\n"), language)

    def _pre(self, text: str, language: str = "") -> None:
        self._begin_block(1 if self._lists else 2)
        if any(not indent.used for indent in self._indents):
            self._text("")
            self._need(1)
        self._begin_line(indented=False)
        self._out.verbatim(Style.PRE, text.expandtabs(4), language)
        self._need(1)

    def _table(self, table: Table) -> None:
        text = "\n".join(table.source) if table.is_overfull() else table.aligned()
        if text is not None:
            self._pre(text)
            return
        self._begin_block()
        head = table.rows[0]
        for row in table.rows[1:] or table.rows:
            for index, cell in enumerate(row):
                self._need(1)
                if index == 0:
                    self._out.open(Style.BOLD)
                else:
                    self._text("  ")
                if row is not head and head[index].content:
                    self._inline(head[index].children or [])
                    self._text(": ")
                self._inline(cell.children or [])
                if index == 0:
                    self._out.close()

    # Lines

    def _need(self, newlines: int) -> None:
        """Ask for at least so many line ends before the next text."""
        self._gap = max(self._gap, newlines)

    def _begin_block(self, newlines: int = 2) -> None:
        """Ask for the gap before a block; after a heading and in a fresh list item it is small."""
        fresh = bool(self._indents) and not self._indents[-1].used
        self._need(1 if fresh or self._tight else newlines)

    def _begin_line(self, *, indented: bool = True) -> None:
        if self._gap and self._out.length:
            self._out.space("\n" * self._gap)
        if (self._gap or self._line_begins) and indented:
            for indent in self._indents:
                self._out.lead(indent.space if indent.used else indent.marker)
                indent.used = True
        if self._gap or self._line_begins:
            self._line_length = 0
        self._gap = 0
        self._line_begins = self._tight = False

    def _text(self, text: str) -> None:
        self._begin_line()
        self._out.text(text)
        self._line_length += len(text)

    # Inline

    def _inline(self, tokens: Sequence[Token]) -> None:
        for index, token in enumerate(tokens):
            match token.type:
                case "text" | "text_special":
                    self._text(self._task(token.content) if index == 0 else token.content)
                case "softbreak":
                    # A long line was wrapped by its writer; a short one was meant to end there.
                    if self._line_length >= _WRAPPED:
                        self._text(" ")
                        self._line_length = 0
                    else:
                        self._need(1)
                case "hardbreak":
                    self._need(1)
                case "code_inline":
                    self._begin_line()
                    self._out.verbatim(Style.CODE, token.content)
                    self._line_length += len(token.content)
                case "strong_open":
                    self._out.open(Style.BOLD)
                case "em_open":
                    self._out.open(Style.ITALIC)
                case "s_open":
                    self._out.open(Style.STRIKE)
                case "strong_close" | "em_close" | "s_close":
                    self._out.close()
                case "link_open":
                    self._open_link(str(token.attrs.get("href", "")))
                case "link_close":
                    self._close_link()
                case "image":
                    self._open_link(str(token.attrs.get("src", "")))
                    self._text(f"🖼 {plain_text(token)}".rstrip())
                    self._close_link()
                case _:
                    self._text(token.content)

    def _task(self, text: str) -> str:
        """A task's box takes the place of its bullet."""
        found = _TASK.match(text)
        if found is None or not self._indents or self._indents[-1].used or not self._lists:
            return text
        self._indents[-1].marker = "☐ " if found[1] == " " else "☑ "
        return text[found.end() :]

    def _open_link(self, url: str) -> None:
        url = clean(url)
        self._links.append((url, self._out.length, safe_url(url)))

    def _close_link(self) -> None:
        url, start, safe = self._links.pop()
        if safe:
            self._address(url, start)
            return
        address = url.removeprefix("mailto:")
        if address and not self._out.ends_with(address, start):
            self._text(" (")
            self._out.verbatim(Style.CODE, address)
            self._text(")")

    def _address(self, url: str, start: int) -> None:
        """Link an address, always visible: the text before it may say anything."""
        if self._out.ends_with(url, start):
            return  # the app links it
        bare = self._out.length == start
        self._text("" if bare else " (")
        self._begin_line()
        self._out.open(Style.LINK, url)
        self._text(url)
        self._out.close()
        self._text("" if bare else ")")
