"""The whole of what a user is asked to trust, as one text in which nothing can hide."""

from __future__ import annotations

from collections.abc import Iterator

from samobot.config.trust import Content
from samobot.text import printable

MOST_SHOWN = 1_000_000
"""Characters of such a text that a user is shown; what is longer is for an editor."""


def whole_text(content: Content) -> str | None:
    """Return all that a content holds, each line marked, so that no file can pass for several; None if it is too long.

    What is no text is named with its size.
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
        yield printable(name)
        text = _decoded(source)
        if text is None:
            yield (
                f"  ({len(source):,} bytes that are no text)" if source is not None else "  (cannot be read)"
            )
        else:
            yield from (f"│ {printable(line)}" for line in text.splitlines())


def _decoded(source: bytes | None) -> str | None:
    if source is None or b"\0" in source:
        return None
    try:
        return source.decode()
    except UnicodeDecodeError:
        return None
