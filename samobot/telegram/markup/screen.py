"""How much of a text a phone's screen shows: its lines are wrapped there. Pure."""

from __future__ import annotations

from samobot.telegram.markup.rich_text import RichText, utf16_units

PHONE_LINE = 38
"""Characters of usual text in a line of a message on a small phone, held upright."""


def beginning(rich: RichText, most: int) -> int:
    """UTF-16 units of what a phone shows of a text in so many lines.

    Args:
        rich: The text.
        most: Lines on the screen, at least 1; a longer line of the text takes several of them.
    """
    shown, left = 0, most
    for line in rich.text.split("\n"):
        needed = max(1, -(-len(line) // PHONE_LINE))
        if needed > left:
            shown += left * PHONE_LINE
            break
        shown += len(line) + 1
        left -= needed
    return utf16_units(rich.text[:shown])
