"""Small pure helpers for text that people read."""

from __future__ import annotations

import re
from collections.abc import Iterable

_SURROGATE = re.compile("[\ud800-\udfff]")
_COMMANDS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def without_surrogates(text: str) -> str:
    """Return `text` with every lone surrogate replaced by U+FFFD.

    For text that comes from JSON or a command line and goes into a file or a message: neither can hold half
    a character.
    """
    return _SURROGATE.sub("\ufffd", text)


def has_control(text: str) -> bool:
    """Say whether `text` holds a control character or line separator, so that it is more than one plain line."""
    return _CONTROL.search(text) is not None


def printable(text: str) -> str:
    """Return `text` without what a terminal would obey instead of show: escape sequences lose their escape.

    For an agent's words, which may repeat what a hostile file says. Line ends and tabs stay.
    """
    return _COMMANDS.sub("\ufffd", without_surrogates(text).replace("\r\n", "\n"))


def clip(text: str, limit: int) -> str:
    """Return `text` shortened to at most `limit` characters (at least 1), with an ellipsis where it was cut."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def one_line(text: str, limit: int | None = None) -> str:
    """Return `text` as one line: white space and control characters become single spaces.

    Args:
        text: Any text.
        limit: Most characters to return; None for all.
    """
    line = " ".join(_CONTROL.sub(" ", without_surrogates(text)).split())
    return line if limit is None else clip(line, limit)


def human_duration(seconds: float) -> str:
    """Return a span of time as people say it: `45 s`, `14 min`, `1 h 12 min`, `2 d 3 h`."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes = whole // 60
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def human_money(usd: float, *, unpriced: int = 0) -> str:
    """Return US dollars as people write them: `$0.42`, `$1,234.50`; less than a cent is `<$0.01`.

    Args:
        usd: The sum.
        unpriced: How much of what it sums up has no price: with any, it is `at least $0.42`.
    """
    if unpriced:
        return f"at least ${usd:,.2f}"
    return "<$0.01" if 0 < usd < 0.01 else f"${usd:,.2f}"


def capital(words: str) -> str:
    """Return `words` as they begin a sentence; all but the first letter stays as it is."""
    return words[:1].upper() + words[1:]


def human_size(count: int) -> str:
    """Return a number of bytes as people write it, in powers of 1000: `512 B`, `1.2 kB`, `3.4 MB`."""
    if count < 1000:
        return f"{count} B"
    size = float(count)
    for unit in ("kB", "MB"):
        size /= 1000
        if size < 999.95:
            return f"{size:.1f} {unit}"
    return f"{size / 1000:.1f} GB"


def nearest(word: str, choices: Iterable[str]) -> str | None:
    """Return the choice that `word` was probably meant to be, or None where none is close."""
    import difflib  # rarely needed, and every command would wait for it

    found = difflib.get_close_matches(word[:80].casefold(), list(choices), n=1)
    return found[0] if found else None
