"""A key that continues on other lines. Pure."""

from __future__ import annotations

from samobot.regex import regex
from samobot.telegram.outbound.encoded_text import AFTER_BREAK, BEFORE_BREAK, LINE_END, joined
from samobot.telegram.outbound.key_forms import KeyForm

_BREAK = rf"{BEFORE_BREAK}{LINE_END}"
_CONTINUATION = regex(rf"{_BREAK}(?:[ \t]*{LINE_END})?{AFTER_BREAK}([A-Za-z0-9_./=-]{{4,}})")
_LINE_ENDS = regex(_BREAK)
LINE_BREAK = regex(LINE_END)
"""What ends a line."""
_LONGEST_KEY = 4096
"""Characters of a key over several lines."""
_LINE_PART = regex(r"[A-Za-z0-9_.:-]")
_LONGEST_START = 16
"""Characters before a needle that belong to its key: the number of a bot."""


def continued(form: KeyForm, text: str, at: int) -> tuple[int, list[tuple[int, int]]]:
    """Find the keys of a form from a needle on, over the lines after it as long as they look like parts of one.

    Args:
        form: The form of key.
        text: The text.
        at: Where the needle begins.

    Returns where a search for the next needle may begin, so that it reads no line many times, and where the keys are.
    """
    begin = at
    while begin > max(0, at - _LONGEST_START) and _LINE_PART.match(text[begin - 1]):
        begin -= 1
    line_end = LINE_BREAK.search(text, at)
    if line_end is None:
        return len(text), []
    end, last = line_end.start(), at + _LONGEST_KEY
    while end < min(len(text), last):
        part = _CONTINUATION.match(text, end)
        if part is None or not _looks_random(part[1]):
            break
        end = part.end()
        if not _LINE_ENDS.match(text, end):
            break
    window = joined(text[begin:end])
    spans = (window.span(*span) for span in form.spans(window.text))
    keys = [
        (begin + start, begin + stop)
        for start, stop in spans
        if LINE_BREAK.search(text, begin + start, begin + stop)
    ]
    # Every key of a run of lines is found at once; one that is cut off at the limit may begin in its second half.
    return (end if end < last else at + _LONGEST_KEY // 2), keys


def _looks_random(part: str) -> bool:
    """Whether a part of a line can be the continuation of a key: ordinary prose cannot."""
    return any(map(str.isdigit, part)) or (part != part.lower() and part[1:] != part[1:].lower())
