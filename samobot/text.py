"""Helpers for text that people read: cleaning, shortening, durations, money, sizes. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from samobot.regex import regex

_SURROGATE = regex("[\ud800-\udfff]")
_COMMANDS = regex("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_INVISIBLE = regex(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0d\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff]"
)
_CONTROL = regex("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def without_surrogates(text: str) -> str:
    """Return `text` with every lone surrogate replaced by U+FFFD.

    For text that comes from JSON or a command line and goes into a file or a message: neither can hold half
    a character.
    """
    return _SURROGATE.sub("\ufffd", text)


def has_control(text: str) -> bool:
    """Return whether `text` has a control character or a line separator, so is more than one plain line."""
    return _CONTROL.search(text) is not None


def printable(text: str) -> str:
    """Return `text` without characters that a terminal interprets, such as the start of an escape sequence.

    For agent text, which may repeat a hostile file. Line ends and tabs stay.
    """
    return _COMMANDS.sub("\ufffd", without_surrogates(text).replace("\r\n", "\n"))


def visible(text: str) -> str:
    """Return `text` with the characters that nobody sees, or that turn text around, as their numbers: `⟨U+200B⟩`."""
    return _INVISIBLE.sub(lambda found: f"⟨U+{ord(found[0]):04X}⟩", text)


def clip(text: str, limit: int) -> str:
    """Return `text` shortened to at most `limit` characters (at least 1), with an ellipsis if it was cut."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def one_line(text: str, limit: int | None = None) -> str:
    """Return `text` as one line: white space and control characters become single spaces.

    Args:
        text: Any text.
        limit: Most characters to return; None for all.
    """
    if not text.isascii():
        text = without_surrogates(text)
    line = " ".join(_CONTROL.sub(" ", text).split())
    return line if limit is None or len(line) <= limit else clip(line, limit)


def full_stop(text: str) -> str:
    """Return `text` with a full stop unless it ends as a sentence does: another sentence may follow."""
    text = text.rstrip()
    return text if not text or text.endswith(_ENDS) else f"{text}."


_ENDS = (".", "!", "?", "…", "。", "！", "？", "।", "؟")


def plural(count: int, word: str) -> str:
    """A number with its noun: `1 step`, `4 steps`."""
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def human_duration(seconds: float) -> str:
    """Format a duration: `45 s`, `14 min`, `1 h 12 min`, `2 d 3 h`."""
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
    """Format US dollars: `$0.42`, `$1,234.50`; less than a cent is `<$0.01`.

    Args:
        usd: The amount.
        unpriced: Number of items without a price; with any, the result is `at least $0.42`.
    """
    if unpriced:
        return f"at least ${usd:,.2f}"
    return "<$0.01" if 0 < usd < 0.01 else f"${usd:,.2f}"


def capitalize_first(text: str) -> str:
    """Return `text` with its first character in upper case; the rest stays as it is."""
    return text[:1].upper() + text[1:]


def human_size(count: int) -> str:
    """Format a number of bytes in powers of 1000: `512 B`, `1.2 kB`, `3.4 MB`."""
    if count < 1000:
        return f"{count} B"
    size = float(count)
    for unit in ("kB", "MB"):
        size /= 1000
        if size < 999.95:
            return f"{size:.1f} {unit}"
    return f"{size / 1000:.1f} GB"


def nearest(name: str, choices: Iterable[str], *, cutoff: float = 0.6) -> str | None:
    """Return the choice that `name` is probably a typing error of; None if none is at least `cutoff` (0 to 1) alike."""
    import difflib  # rarely needed, and slow to import

    found = difflib.get_close_matches(name[:80].casefold(), list(choices), n=1, cutoff=cutoff)
    return found[0] if found else None
