"""Agent text without disguises: letters that pass for others are marked, links and commands that act are made inert.

For text that may repeat what a hostile file or page said. What no message may hold at all is dropped by
`rich_text.clean`; this is what only somebody else's text must not do: a tap on it does nothing but open the address
that it shows, and a name in it is the name that it looks like.

Source: the rules by which Telegram finds commands and links in a text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from samobot.look_alikes import LIKE_LATIN
from samobot.telegram.markup.rich_text import APP_LINK, VERBATIM, Edit, RichText

_WORD = re.compile(r"[^\W_]+")
_SHORTEST = 3
"""Letters of a word that can pass for another; shorter ones are signs of a formula, such as `αx`."""

_STYLED = re.compile("[\uff10-\uff5a\U0001d400-\U0001d7ff\u2460-\u24ff\U0001f130-\U0001f189]")
"""Bold, slanted, wide, circled and boxed letters: they look like styles, which only a message of ours has outside quotes."""

_GAP = re.compile("[\u00a0\u2000-\u200a\u202f\u205f\u3000\u2800]{2,}")
"""Spaces that no renderer joins: enough of them begin a new line on a screen without one in the text."""

_COMMAND = re.compile(r"(?<![\w/<>])/(?=[A-Za-z0-9_]{1,64}(?:@[A-Za-z0-9_]{3,32})?(?![\w/<>]))")
_INERT_SLASH = "\N{DIVISION SLASH}"

_MENTION = re.compile(r"(?<![\w@/.-])@(?=[A-Za-z]\w{3,31}(?!\w))", re.ASCII)
"""The name of a user or bot, whose profile a tap would open; not in code, where Telegram finds none."""

_LOGIN = re.compile(r"(?i)(?<=http://)[^\s/?#]*@|(?<=https://)[^\s/?#]*@")
"""What stands before the host of an address and looks like one: `https://github.com@evil.test`."""

_INERT_AT = "\N{SMALL COMMERCIAL AT}"


def undisguised(rich: RichText) -> RichText:
    """Return agent text fit for a message of the bot, see the module."""
    if _is_harmless(rich.text) and not rich.spans:
        return rich
    if any(map(_LOGIN.search, [rich.text, *[span.value for span in rich.spans]])):
        rich = _without_logins(rich)
    if _is_harmless(rich.text):
        return rich
    if not rich.text.isascii():
        # First: the plain letters behind the styles may be a command or a link.
        styled = [
            Edit(found.start(), found.end(), unicodedata.normalize("NFKC", found[0]))
            for found in _STYLED.finditer(rich.text)
        ]
        rich = rich.replaced(styled) if styled else rich
    text = rich.text
    edits = [Edit(found.start(), found.end(), _INERT_SLASH) for found in _COMMAND.finditer(text)]
    edits += [Edit(found.end(), found.end(), " ") for found in APP_LINK.finditer(text)]
    verbatim = [span for span in rich.spans if span.style in VERBATIM]
    edits += [
        Edit(at, at + 1, _INERT_AT)
        for at in (found.start() for found in _MENTION.finditer(text))
        if not any(span.start <= at < span.end for span in verbatim)
    ]
    if not text.isascii():
        edits += _look_alikes(text)
        edits += [Edit(found.start(), found.end(), " ") for found in _GAP.finditer(text)]
    return rich.replaced(sorted(edits)) if edits else rich


def unstyled(rich: RichText) -> str:
    """The text of agent text without its styles: a name in code, on which no tap acts, is one that is not in code."""
    return plain_undisguised(rich.text)


def _without_logins(rich: RichText) -> RichText:
    edits = [
        Edit(*found.span(), found[0].replace("@", f" {_INERT_AT}")) for found in _LOGIN.finditer(rich.text)
    ]
    return RichText(rich.text, tuple(span for span in rich.spans if not _LOGIN.search(span.value))).replaced(
        edits
    )


def plain_undisguised(text: str) -> str:
    """The same for a plain text, such as the label of a button."""
    return text if _is_harmless(text) else undisguised(RichText(text)).text


def _is_harmless(text: str) -> bool:
    """Whether nothing in a text can be a disguise, a command, a name or an address: true of nearly every one."""
    return text.isascii() and "/" not in text and "@" not in text


def _look_alikes(text: str) -> Iterator[Edit]:
    """Mark each letter of another script in a word that is otherwise Latin: `g‹і›thub`."""
    for word in _WORD.finditer(text):
        foreign = [at for at, letter in enumerate(word[0], word.start()) if letter in LIKE_LATIN]
        if not foreign or len(word[0]) < _SHORTEST:
            continue
        rest = [letter for letter in word[0] if letter not in LIKE_LATIN]
        if any(letter.isascii() and letter.isalpha() for letter in rest) and all(map(str.isascii, rest)):
            for at in foreign:
                yield Edit(at, at + 1, f"‹{text[at]}›")
