"""Text with styles, as Telegram understands it: a plain text, spans over it, and the HTML made of both.

Messages are cut and shortened on this form, because a cut through spans is exact where a cut through HTML is
a guess. `Builder` makes it, `RichText.html` writes it.

Source: the Bot API's "Formatting options" (10.0): tags may nest, but `pre` and `code` hold nothing and quotes hold
no quotes.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from samobot.frozen import frozen
from samobot.regex import regex


class Style(StrEnum):
    """What a span of text looks like."""

    BOLD = "b"
    ITALIC = "i"
    UNDERLINE = "u"
    STRIKE = "s"
    CODE = "code"
    PRE = "pre"
    LINK = "a"
    QUOTE = "blockquote"
    EXPANDABLE = "blockquote expandable"


VERBATIM = frozenset({Style.CODE, Style.PRE})
QUOTES = frozenset({Style.QUOTE, Style.EXPANDABLE})
_ALL = frozenset(Style)


@frozen
class TextSpan:
    """A style over `text[start:end]`, counted in characters.

    Attributes:
        style: What it looks like.
        start: First character.
        end: The character after the last one.
        value: The address of a link, the language of a `pre`.
    """

    style: Style
    start: int
    end: int
    value: str = ""


class Edit(NamedTuple):
    """A replacement of `text[start:end]`; edits sort in the order of the text."""

    start: int
    end: int
    text: str


@frozen
class RichText:
    """A text with its spans, properly nested, outer ones first."""

    text: str = ""
    spans: tuple[TextSpan, ...] = ()

    @property
    def units(self) -> int:
        """The length that Telegram counts: UTF-16 code units."""
        return utf16_units(self.text)

    def html(self) -> str:
        """The text as Telegram's HTML."""
        return "".join(self._pieces())

    def part(self, start: int, end: int) -> RichText:
        """What lies between two characters; spans that reach out are cut, so a `pre` is opened again."""
        spans = tuple(
            TextSpan(span.style, max(span.start, start) - start, min(span.end, end) - start, span.value)
            for span in self.spans
            if span.start < end and span.end > start
        )
        return RichText(self.text[start:end], spans)

    def quoted(self, *, expandable: bool = False) -> RichText:
        """The same as one quote; quotes in it become plain text, as Telegram nests none."""
        if not self.text:
            return self
        style = Style.EXPANDABLE if expandable else Style.QUOTE
        inner = (span for span in self.spans if span.style not in QUOTES)
        return RichText(self.text, (TextSpan(style, 0, len(self.text)), *inner))

    def replaced(self, edits: Sequence[Edit]) -> RichText:
        """The same with some stretches replaced; what begins within one begins after it, what ends within one with it.

        Args:
            edits: In the order of the text; of those that overlap, the first counts.
        """
        pieces: list[str] = []
        made: list[Edit] = []
        at = 0
        for edit in edits:
            if edit.start >= at:
                pieces += [self.text[at : edit.start], edit.text]
                made.append(edit)
                at = edit.end
        spans = (
            TextSpan(span.style, _moved(span.start, made), _moved(span.end, made), span.value)
            for span in self.spans
        )
        text = "".join([*pieces, self.text[at:]])
        return RichText(text, tuple(span for span in spans if span.end > span.start))

    def _pieces(self) -> list[str]:
        pieces: list[str] = []
        open_: list[TextSpan] = []
        at = 0

        def go_to(place: int) -> None:
            nonlocal at
            while open_ and open_[-1].end <= place:
                span = open_.pop()
                pieces.append(escape(self.text[at : span.end]))
                at = span.end
                pieces.append(_tags(span)[1])
            pieces.append(escape(self.text[at:place]))
            at = place

        for span in self.spans:
            go_to(span.start)
            pieces.append(_tags(span)[0])
            open_.append(span)
        go_to(len(self.text))
        return pieces


def _moved(place: int, edits: Sequence[Edit]) -> int:
    """Where a place is after the edits; the end of the replacement if it was within one."""
    shift = 0
    for edit in edits:
        if place <= edit.start:
            break
        if place < edit.end:
            return edit.start + shift + len(edit.text)
        shift += len(edit.text) - (edit.end - edit.start)
    return place + shift


def _tags(span: TextSpan) -> tuple[str, str]:
    match span.style:
        case Style.LINK:
            return f'<a href="{escape(span.value)}">', "</a>"
        case Style.PRE if span.value:
            return f'<pre><code class="language-{escape(span.value)}">', "</code></pre>"
        case style:
            return f"<{style}>", f"</{style.partition(' ')[0]}>"


class Builder:
    """Builds a `RichText` from left to right."""

    def __init__(self) -> None:
        self.length = 0
        self.lines = 0
        self._parts: list[str] = []
        self._spans: list[tuple[int, TextSpan]] = []
        self._open: list[_Open] = []
        self._opened = 0

    def text(self, text: str) -> None:
        """Add text in the styles that are open."""
        if text:
            self._start(_ALL)
            self.space(text)

    def lead(self, text: str) -> None:
        """Add what stands before a line's own text: part of a quote, but not in bold and the like."""
        if text:
            self._start(QUOTES)
            self.space(text)

    def space(self, text: str) -> None:
        """Add text in the styles that have begun; the others begin after it."""
        self._parts.append(text)
        self.length += len(text)
        self.lines += text.count("\n")

    def open(self, style: Style, value: str = "") -> None:
        """Open a style; it begins with the next text. One that is open already is opened for nothing."""
        held = any(other.style is style or {other.style, style} <= QUOTES for other in self._open)
        self._opened += 1
        self._open.append(_Open(None if held else style, value, self._opened))

    def close(self) -> None:
        """Close the style opened last."""
        self._end(self._open.pop())

    def ends_with(self, text: str, start: int) -> bool:
        """Whether exactly this text was added since `start`."""
        return self.length - start == len(text) and "".join(self._parts[-64:]).endswith(text)

    def verbatim(self, style: Style, text: str, language: str = "") -> None:
        """Add code. The styles around it stop before and continue after it; in a link it stays a link."""
        if any(other.style is Style.LINK for other in self._open) or not text:
            self.text(text)
            return
        for other in self._open:
            if other.style not in QUOTES:
                self._end(other)
        kept, self._open = self._open, [other for other in self._open if other.style in QUOTES]
        start = self.length
        self.text(text)
        self._open = kept
        self._opened += 1
        self._spans.append((self._opened, TextSpan(style, start, self.length, language)))

    def made(self) -> RichText:
        """What was built; open styles end here."""
        while self._open:
            self.close()
        # Of spans over the same text, the one that was opened first is the outer one.
        ordered = sorted(self._spans, key=lambda entry: (entry[1].start, -entry[1].end, entry[0]))
        return RichText("".join(self._parts), tuple(span for _, span in ordered))

    def _start(self, styles: Container[Style]) -> None:
        for style in self._open:
            if style.start is None and style.style in styles:
                style.start, style.line = self.length, self.lines

    def _end(self, style: _Open) -> None:
        if style.style is not None and style.start is not None and style.start < self.length:
            kind = style.style
            if kind is Style.QUOTE and (self.length - style.start > 600 or self.lines - style.line > 8):
                kind = Style.EXPANDABLE
            self._spans.append((style.order, TextSpan(kind, style.start, self.length, style.value)))
        style.start = None


@dataclass(slots=True)
class _Open:
    style: Style | None
    value: str
    order: int
    start: int | None = None
    line: int = 0


# Characters

_SURROGATE = regex("[\ud800-\udfff]")
_ANSI = regex("\x1b(?:\\[[0-?]*[ -/]*[@-~]|\\][^\x07\x1b]*(?:\x07|\x1b\\\\)?)")
_LINES = regex("\r\n?|[\u2028\u2029\x0b\x0c\x85]")
# Control characters; what changes the direction of text; what takes no room: all can disguise a text.
_DROPPED = regex(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f"
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u206f"
    "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u2060-\u2065\u3164\ufe00-\ufe0d\ufeff\uffa0\ufff9-\ufffb]"
    "|(?<!\U0001f3f4)(?<![\U000e0020-\U000e007f])[\U000e0000-\U000e007f]"
)
# Joiners belong between emoji and within scripts that need them; elsewhere they only make equal texts differ invisibly.
_JOINED = "[\u0600-\u0dff\u2190-\u2bff\ufe0f\U0001f000-\U0001faff]"
_JOINERS = regex(f"(?<!{_JOINED})[\u200c\u200d]|[\u200c\u200d](?!{_JOINED})")
APP_LINK = regex(r"(?:tg|ton|tonsite):(?=//)", re.IGNORECASE)
"""Telegram makes links of these that act inside the app, whatever the text around them."""

_ACCENT = "[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
# Accents on accents reach into the lines above and below.
_STACKED = regex(f"({_ACCENT}{{3}}){_ACCENT}+")
# What any of these begins with: nearly no text has it, and one search is faster than six replacements.
_UNCLEAN = regex(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u0300-\u036f\u0483-\u0489\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u1ab0-\u1aff\u1dc0-\u1dff"
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\u20d0-\u20ff\u3164\ud800-\udfff\ufe00-\ufe0d\ufe20-\ufe2f\ufeff\uffa0\ufff9-\ufffb"
    "\U000e0000-\U000e007f]"
)


def clean(text: str) -> str:
    """Make a text fit to be sent.

    No lone surrogates, terminal colors, control, direction or invisible characters, towers of accents and live app
    links (`tg://`); `\\n` for lines.
    """
    if not (text.isascii() and text.isprintable()) and _UNCLEAN.search(text):
        text = _LINES.sub("\n", _ANSI.sub("", text))
        text = _STACKED.sub(r"\1", _JOINERS.sub("", _DROPPED.sub("", text)))
        text = _SURROGATE.sub("\ufffd", text)
    return APP_LINK.sub(r"\g<0> ", text) if "//" in text else text


def utf16_units(text: str) -> int:
    """The length of a text as Telegram counts it: characters beyond U+FFFF count twice."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def visible(text: str) -> bool:
    """Whether there is anything to see: Telegram refuses a message of spaces and zero-width characters."""
    if text.isascii():
        return bool(text.strip())
    return any(
        not character.isspace() and unicodedata.category(character) not in {"Cf", "Mn"} for character in text
    )


def escape(text: object) -> str:
    """Any text as HTML without markup, also within an attribute."""
    words = str(text)
    if not (words.isascii() and words.isprintable()) or "//" in words:
        words = clean(words)
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
