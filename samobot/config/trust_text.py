"""The whole of what a user is asked to trust, as one text in which nothing can hide."""

from __future__ import annotations

from collections.abc import Iterator

from samobot.config.trust import Content
from samobot.text import one_line, printable

MOST_SHOWN = 1_000_000
"""Characters of such a text that a user is shown; what is longer is for an editor."""


def whole_text(content: Content) -> str | None:
    """Return all that a content holds, each line marked, so that no file can pass for several; None if it is too long.

    Bytes that are no text are shown as escapes.
    """
    lines: list[str] = []
    size = 0
    for line in _lines(content):
        size += len(line) + 1
        if size > MOST_SHOWN:
            return None
        lines.append(line)
    return "\n".join(lines) + "\n"


def _lines(content: Content) -> Iterator[str]:
    yield content.title
    for name, source in content.sources.items():
        yield ""
        yield one_line(printable(name))
        if source is None:
            yield "  (cannot be read)"
            continue
        # A shell runs a script in spite of bytes that are no text, so none of it is left out. And not all lines of a
        # huge file at once: one character more than is shown is enough to see that it is too long.
        text = source.decode("utf-8", "backslashreplace")[: MOST_SHOWN + 1]
        yield from (f"│ {printable(line)}" for line in text.splitlines())
