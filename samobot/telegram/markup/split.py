"""Long texts: split into messages or shortened; and the name of the file for a whole one.

Source of the limits: the Bot API (10.0): 4096 UTF-16 units of text and 100 entities a message.
"""

from __future__ import annotations

import re
import unicodedata

from samobot.regex import regex
from samobot.telegram.markup.html import from_html
from samobot.telegram.markup.rich_text import RichText, Style, TextSpan, clean, utf16_units, visible

MESSAGE_UNITS = 4096
MESSAGE_ENTITIES = 100
CAPTION_UNITS = 1024

PHONE_LINE = 38
"""Characters of usual text in a line of a message on a small phone, held upright."""

_WHOLE = frozenset({Style.CODE, Style.LINK})
# What the functions of `html` make when nothing is nested deeper than a style in a quote; possessive, as it is tried
# on every message.
_TEXT = r"(?:[^<>&\"]|&(?:amp|lt|gt|quot);)++"
_STYLED = rf"(?:{_TEXT}|<(?:b>{_TEXT}</b|i>{_TEXT}</i|u>{_TEXT}</u|s>{_TEXT}</s|code>{_TEXT}</code|a href=\"{_TEXT}\">{_TEXT}</a)>)++"
_FLAT = regex(rf"(?:{_STYLED}|<blockquote(?: expandable)?>{_STYLED}</blockquote>)++")
_TAG = regex(r"<[^>]*>")
_EDGE = regex(r"(?:<[^>]*>)*\s|.*\s(?:</\w+>)*\Z", re.DOTALL)
_QUOTE = regex(r"<blockquote>(.*?)</blockquote>", re.DOTALL)
_QUOTE_UNITS, _QUOTE_BREAKS = 600, 8
"""Beyond these a quote becomes expandable, for which a message has to be read."""
_SENTENCE = regex(r"[.!?…。！？](?=\s)|[。！？]")


def split(rich: RichText, limit: int = MESSAGE_UNITS) -> tuple[str, ...]:
    """Cut a text into messages.

    Prefers to cut between paragraphs, then lines, sentences, at white space; never within a character, a link or inline code
    that would fit as a whole. A code block too long for one message continues in the next in the same language.

    Args:
        rich: The text.
        limit: UTF-16 units a message, at least 16.

    Returns:
        The messages as HTML; none for a text in which there is nothing to see.
    """
    return tuple(part.html() for part in _parts(rich, limit))


def split_html(html: str, limit: int = MESSAGE_UNITS) -> tuple[str, ...]:
    """Cut a message that was put together as HTML, see `split`."""
    return (html,) if _fits(html, limit) else split(from_html(html), limit)


def _fits(html: str, limit: int) -> bool:
    """Whether HTML is certainly one message as it is, so that it need not be read: nearly all of ours are."""
    return (
        utf16_units(html) <= limit
        and html.count("<") < MESSAGE_ENTITIES
        and all(
            utf16_units(quote) <= _QUOTE_UNITS and quote.count("\n") <= _QUOTE_BREAKS
            for quote in _QUOTE.findall(html)
        )
        and clean(html) == html
        and _EDGE.match(html) is None
        and _FLAT.fullmatch(html) is not None
        and visible(_TAG.sub("", html))
    )


def shorten(rich: RichText, limit: int) -> RichText:
    """The beginning of a text, with “…” where something is left out.

    Args:
        rich: The text.
        limit: UTF-16 units, at least 16.
    """
    parts = _Cutter(rich, limit - 2)
    start, end = parts.next(0)
    if not visible(rich.text[end:]):
        return rich.part(start, end)
    first = rich.part(start, end)
    return RichText(first.text + " …", first.spans)


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


def file_name(title: str) -> str:
    """A safe name of a Markdown file of a title: letters, digits and hyphens of any script, at most 60 characters."""
    words = re.sub(r"[^\w.]+|_+", "-", unicodedata.normalize("NFC", clean(title))).strip("-.").lower()
    return f"{words[:60].strip('-.') or 'text'}.md"


def _parts(rich: RichText, limit: int) -> list[RichText]:
    cutter = _Cutter(rich, limit)
    parts = []
    at = 0
    while at < len(rich.text):
        start, end = cutter.next(at)
        if visible(rich.text[start:end]):
            parts.append(rich.part(start, end))
        at = max(end, at + 1)
    return parts


class _Cutter:
    """Finds where the next message ends."""

    def __init__(self, rich: RichText, limit: int) -> None:
        self._text = rich.text
        self._spans = rich.spans
        self._limit = max(limit, 16)
        self._first = 0  # spans before it end before the place we are at

    def next(self, at: int) -> tuple[int, int]:
        """The stretch of text that makes the message from `at`; blank space at its ends is left out."""
        start = self._skip_blank(at)
        spans = self._from(start)
        most = self._reach(start, spans)
        if most >= len(self._text):
            return start, max(start, len(self._text.rstrip()))
        end = self._cut(start, most, spans)
        bare = start + len(self._text[start:end].rstrip())
        return start, end if bare == start else bare

    def _skip_blank(self, at: int) -> int:
        text = self._text
        end = at
        while end < len(text) and text[end].isspace():
            end += 1
        # In a code block the space before the first word is its indentation.
        if end > at and any(
            span.style is Style.PRE and span.start < end < span.end for span in self._from(at)
        ):
            return max(at, text.rfind("\n", at, end) + 1)
        return end

    def _from(self, at: int) -> list[TextSpan]:
        """The spans that end after a place and may matter for one message from there."""
        spans = self._spans
        found = []
        while self._first < len(spans) and spans[self._first].end <= at:
            self._first += 1
        for span in spans[self._first :]:
            if span.start >= at + self._limit:
                break
            if span.end > at:
                found.append(span)
        return found

    def _reach(self, start: int, spans: list[TextSpan]) -> int:
        """How far a message from `start` may go at most."""
        most = min(len(self._text), start + self._limit)
        if len(spans) > MESSAGE_ENTITIES:
            most = min(most, max(start + 1, spans[MESSAGE_ENTITIES].start))
        over = utf16_units(self._text[start:most]) - self._limit
        while over > 0:
            # Leaving out `n` characters frees at least `n` units.
            dropped = max(1, over // 2)
            over -= utf16_units(self._text[most - dropped : most])
            most -= dropped
        return most

    def _cut(self, start: int, most: int, spans: list[TextSpan]) -> int:
        """The best place to cut in the last two thirds of what is possible."""
        text = self._text
        least = start + (most - start) // 3
        block = next(
            (span for span in spans if span.style is Style.PRE and span.start < most < span.end), None
        )
        if block is not None and block.start > least:
            return block.start
        if block is None and (place := self._paragraph(least, most, spans)) > least:
            return place
        if (place := text.rfind("\n", least, most)) > least:
            return place
        for place in (self._sentence(least, most), self._space(least, most)):
            if place > least:
                return self._keep_whole(place, least, spans)
        return self._keep_whole(_character(text, least, most), least, spans)

    def _paragraph(self, least: int, most: int, spans: list[TextSpan]) -> int:
        """The last blank line that is in no code block."""
        place = self._text.rfind("\n\n", least, most)
        while place > least:
            block = next(
                (span for span in spans if span.style is Style.PRE and span.start < place < span.end), None
            )
            if block is None:
                return place
            place = max(block.start, self._text.rfind("\n\n", least, block.start))
        return place

    def _sentence(self, least: int, most: int) -> int:
        place = -1
        for found in _SENTENCE.finditer(self._text, least, most):
            place = found.end()
        return place

    def _space(self, least: int, most: int) -> int:
        for place in range(most, least, -1):
            if self._text[place - 1].isspace():
                return place
        return -1

    def _keep_whole(self, place: int, least: int, spans: list[TextSpan]) -> int:
        """Move a cut out of a link or inline code, to before it."""
        for span in spans:
            if span.style in _WHOLE and span.start < place < span.end and span.start > least:
                return span.start
        return place


def _character(text: str, least: int, most: int) -> int:
    """The last place before `most` that is not inside a character as it is displayed."""
    for place in range(most, max(least, most - 64), -1):
        if not _joined(text, place):
            return place
    return most


def _joined(text: str, place: int) -> bool:
    """Whether the characters before and after a place make one sign: accents, emoji sequences, flags."""
    before, after = text[place - 1], text[place]
    if _is_flag_letter(before) and _is_flag_letter(after):
        run = place
        while run and _is_flag_letter(text[run - 1]):
            run -= 1
        return (place - run) % 2 == 1
    return (
        "\N{ZERO WIDTH JOINER}" in (before, after)
        or unicodedata.category(after) in {"Mn", "Me", "Mc"}
        or "\U0001f3fb" <= after <= "\U0001f3ff"  # tones of skin
        or "\U000e0020" <= after <= "\U000e007f"  # tags of regional flags
    )


def _is_flag_letter(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"
