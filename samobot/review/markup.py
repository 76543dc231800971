"""Texts of agents as HTML that can neither run, load nor hide anything."""

from __future__ import annotations

import html
from functools import lru_cache

from markdown_it import MarkdownIt

from samobot.text import visible, without_surrogates

# A table of so many columns is none; the parser would complete each of its rows, and take seconds.
_MOST_BARS = 99  # in one line


def escaped(text: str) -> str:
    """Return plain text as HTML; characters that are invisible or turn the text around are shown by their number."""
    return html.escape(_visible(text))


def inline(text: str) -> str:
    """Return one line of Markdown as HTML, without a paragraph around it."""
    return str(_parser().renderInline(_visible(text)))


def block(text: str) -> str:
    """Return Markdown as HTML. Raw HTML, links and pictures stay text: nothing is loaded, and nowhere leads out."""
    if any(line.count("|") > _MOST_BARS for line in text.split("\n")):
        return f"<pre>{escaped(text)}</pre>"
    return str(_parser().render(_visible(text)))


def _visible(text: str) -> str:
    return visible(without_surrogates(text).replace("\r\n", "\n"))


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": 20}).enable("table")
    parser.disable(["image", "link", "autolink", "reference", "html_block", "html_inline"])
    parser.add_render_rule("heading_open", _heading_open)
    parser.add_render_rule("heading_close", _heading_close)
    parser.add_render_rule("table_open", _table_open)
    parser.add_render_rule("table_close", _table_close)
    return parser


# The page has its own headings; those of a note are lines in bold, so that they do not mix.
def _heading_open(*_: object) -> str:
    return '<p class="title">'


def _heading_close(*_: object) -> str:
    return "</p>\n"


def _table_open(*_: object) -> str:
    return '<div class="wide" tabindex="0"><table>\n'


def _table_close(*_: object) -> str:
    return "</table></div>\n"
