"""The agent's Markdown, rendered for Telegram so that it is never refused and loses nothing that can be read.

markdown-it parses (CommonMark with tables and strikethrough); one pass over its tokens writes a `RichText`. Raw
HTML is text (`List<String>` survives), headings are bold, tables are aligned code or, if they are too wide for
a phone, one small list a row.

Its time is linear: 2 ms for 1,000 characters of usual text, 50 ms for the worst that was found (`![![![…`). From
`HEAVY` characters on, `render` belongs in a thread.
"""

from __future__ import annotations

import re

from samobot.telegram.markup.html import (
    bold,
    code,
    from_html,
    link,
    pre,
    quote,
    to_plain,
)
from samobot.telegram.markup.rich_text import RichText, clean, escape

__all__ = [
    "HEAVY", "RichText", "bold", "code", "escape", "from_html", "link", "pre", "quote", "render", "to_plain",
]  # fmt: skip

HEAVY = 4_000
"""Characters beyond which rendering belongs in a thread."""

_PLAIN_LINE = re.compile(r"[^\W\d_](?:[^\W_]|[ ,;:.'\"()/%+=?-])*(?<! )\Z")
"""A line in which nothing has a meaning in Markdown."""


def render(markdown: str) -> RichText:
    """Render Markdown.

    Args:
        markdown: Any text at all; damaged characters are replaced, nesting beyond reason is shown as it was typed.
    """
    source = clean(markdown)
    if _PLAIN_LINE.match(source):
        return RichText(source)
    from samobot.telegram.markup.token_renderer import render_tokens  # a megabyte, until there is Markdown

    return render_tokens(source)
