"""Secrets masked in everything that leaves for a chat. Pure."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from samobot.frozen import frozen
from samobot.telegram.markup.html import from_html
from samobot.telegram.markup.rich_text import Edit, RichText
from samobot.telegram.outbound.encoded_text import (
    Derived,
    bare,
    bare_text,
    columns,
    decoded,
    encoded_forms,
    encoded_parts,
    folded,
    joined,
    one_piece,
    unstyled,
)
from samobot.telegram.outbound.key_forms import CAPITAL_NEEDLES, NEEDLES, WRAPPED_NEEDLES, KeyForm
from samobot.telegram.outbound.text_windows import WINDOW, windows
from samobot.telegram.outbound.wrapped_key import LINE_BREAK, continued

_SHORTEST_VALUE = 8
_PREFIX = 12
"""Characters of a known value that give it away: what was shortened is masked too."""

_NAMED = re.compile(
    r"(?:^|_)(?:API_?KEY|KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?)$", re.IGNORECASE
)
_NO_SECRET = re.compile(r"[/~.][\w./~-]*|\d+|true|false|none|null", re.IGNORECASE)
_BARE_VALUE = 12
"""Letters and digits of a known value that is also looked for without all else."""
_BARE_PREFIX = 16
"""How many of those give it away."""

_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")


@frozen
class _Found:
    start: int
    end: int
    name: str


Unpack = Callable[[bytes], Iterable[bytes]]


def _nothing(_: bytes) -> Iterable[bytes]:
    return ()


class SecretFilter:
    """Masks known values and the known forms of keys.

    Args:
        values: Known secrets by what they are called; shorter ones than 8 characters are left out.
        unpack: Returns what is compressed in a file.
    """

    def __init__(self, values: Mapping[str, str] | None = None, unpack: Unpack = _nothing) -> None:
        self._unpack = unpack
        known = [(name, value) for name, value in (values or {}).items() if len(value) >= _SHORTEST_VALUE]
        self._values = [
            _needle(name, form)
            for name, value in known
            for form in dict.fromkeys((value, quote(value, safe=""), json.dumps(value)[1:-1]))
        ]
        self._encoded = [_needle(name, form) for name, value in known for form in encoded_forms(value)]
        self._bare = [
            (plain[: max(_BARE_PREFIX, len(plain) // 3)], name, plain)
            for name, plain in (
                (name, bare_text(folded(value)).lower()) for name, value in (values or {}).items()
            )
            if len(plain) >= _BARE_VALUE
        ]

    @classmethod
    def of(
        cls, environ: Mapping[str, str], token: str | None = None, unpack: Unpack = _nothing
    ) -> SecretFilter:
        """Make one that knows the bot's token and what an environment holds under names of secrets.

        Args:
            environ: The environment, and whatever else holds secrets by name.
            token: The bot's own token.
            unpack: Returns what is compressed in a file.
        """
        values = {
            name: value
            for name, value in environ.items()
            if _NAMED.search(name) and not _NO_SECRET.fullmatch(value)
        }
        if token:
            values["TELEGRAM_BOT_TOKEN"] = token
        return cls(values, unpack)

    def names(self, text: str) -> tuple[str, ...]:
        """Return what kinds of secrets a text holds, each once."""
        return tuple(dict.fromkeys(found.name for found in self._find(text)))

    def names_in(self, data: bytes) -> tuple[str, ...]:
        """Return what kinds of secrets a file holds, in UTF-8, UTF-16 or anything that contains ASCII, also compressed."""
        found = dict.fromkeys(self._names_in_bytes(data))
        for part in self._unpack(data):
            found |= dict.fromkeys(self._names_in_bytes(part))
        return tuple(found)

    def _names_in_bytes(self, data: bytes) -> tuple[str, ...]:
        return self.names(data.replace(b"\0", b"").decode("utf-8", "replace"))

    def mask(self, text: str) -> str:
        """Mask the secrets of a plain text."""
        pieces: list[str] = []
        at = 0
        for found in self._find(text):
            pieces += [text[at : found.start], _mask(found.name)]
            at = found.end
        return "".join([*pieces, text[at:]]) if pieces else text

    def mask_data(self, data: bytes) -> bytes | None:
        """Mask the secrets of a text file; None for a file that holds some which cannot be masked in it."""
        if not self.names_in(data):
            return data
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            return None
        masked = self.mask(text).encode("utf-8")
        return None if "\0" in text or self.names_in(masked) else masked

    def mask_html(self, source: str) -> str:
        """Mask the secrets of a message in Telegram's HTML, also one that styles divide, and those in its links."""
        plain = html.unescape(_TAG.sub("", source))
        # Only a link's address is not in the plain text.
        if not self._find(plain) and ('="' not in source or not self._find(html.unescape(source))):
            return source
        rich = from_html(source)
        edits = [Edit(found.start, found.end, _mask(found.name)) for found in self._find(rich.text)]
        masked = rich.replaced(edits)
        kept = tuple(span for span in masked.spans if not self.names(span.value))
        return RichText(masked.text, kept).html()

    def mask_json(self, value: Any, *, kept: str = "") -> Any:
        """Mask the secrets in every text of a JSON value, such as a keyboard.

        Args:
            value: The value.
            kept: Name of the texts that are samobot's own and have to come back as they are.
        """
        match value:
            case str():
                return self.mask(value)
            case Mapping():
                return {
                    name: item if name == kept else self.mask_json(item, kept=kept)
                    for name, item in value.items()
                }
            case list() | tuple():
                return [self.mask_json(item, kept=kept) for item in value]
            case _:
                return value

    def _find(self, text: str) -> list[_Found]:
        """The secrets of a text in order, without overlaps; also those that are escaped, wrapped or encoded in it."""
        if len(text) < _SHORTEST_VALUE:
            return []
        if len(text) <= WINDOW:
            return self._find_at_once(text)
        return _apart(
            _Found(start + found.start, start + found.end, found.name)
            for start, window in windows(text)
            for found in self._find_at_once(window)
        )

    def _find_at_once(self, text: str) -> list[_Found]:
        found = self._plain(text)
        small = _small(text)
        for start, name, value in self._encoded:
            if start in small:
                found += _copies(start, name, value, small)
        alike = folded(text)
        if alike != text:
            found += self._plain(alike)
        found += self._disguised(alike)
        plain = decoded(alike)
        if plain is not None:
            found += _placed(plain, self._plain(plain.text) + self._disguised(plain.text))
        return _apart(found) if found else found

    def _disguised(self, text: str) -> list[_Found]:
        """The secrets that styles, signs, line breaks or encodings divide or hide."""
        found = self._wrapped(text)
        if self._bare:
            whole = _small(bare_text(text))
            for prefix, name, value in self._bare:
                if prefix in whole:
                    found += _placed(bare(text), _copies(prefix, name, value, whole), kept=True)
        plain = unstyled(text)
        if plain is not None:
            for form in dict.fromkeys(form for needle, form in WRAPPED_NEEDLES if needle in plain.text):
                keys = (_Found(*span, form.name) for span in form.spans(plain.text))
                found += _placed(plain, keys, kept=True)
        return found + self._hidden(encoded_parts(text))

    def _plain(self, text: str) -> list[_Found]:
        """The secrets that stand in a text as they are.

        Plain loops: every message passes here several times, and nearly none holds anything.
        """
        found: list[_Found] = []
        small = _small(text)
        for start, name, value in self._values:
            if start in small:
                found += _copies(start, name, value, small)
        forms: dict[KeyForm, None] = {}
        for needle, form in NEEDLES:
            if needle in text:
                forms[form] = None
        for form in forms:
            found += [_Found(*span, form.name) for span in form.spans(text)]
        for needle, form in CAPITAL_NEEDLES:
            if needle in text:
                found += [_Found(*span, form.name) for span in form.capital_spans(text, small)]
        return found

    def _hidden(self, parts: Iterable[tuple[int, int, str]]) -> list[_Found]:
        """The parts of a text, given with where they are, that are secrets once they are decoded or joined."""
        return [
            _Found(start, end, hidden[0].name) for start, end, part in parts if (hidden := self._plain(part))
        ]

    def _wrapped(self, text: str) -> list[_Found]:
        """The secrets that continue on another line."""
        if not LINE_BREAK.search(text):
            return []
        found = self._hidden(columns(text))
        if self._values:
            whole = _small(one_piece(text))
            for start, name, value in (*self._values, *self._encoded):
                if start in whole:
                    found += _placed(joined(text), _copies(start, name, value, whole))
        for needle, form in WRAPPED_NEEDLES:
            at = text.find(needle) if needle in text else -1
            while at >= 0:
                end, spans = continued(form, text, at)
                found += [_Found(*span, form.name) for span in spans]
                at = text.find(needle, max(end, at + len(needle)))
        return found


def secret_note(names: Iterable[str]) -> str:
    """The line below a message in which something was masked."""
    return f"🔒 Masked here: {', '.join(names)}"


def _needle(name: str, form: str) -> tuple[str, str, str]:
    """How much of a form gives a known value away, what that is called, and the form; in small letters."""
    return form[: max(_PREFIX, len(form) // 3)].lower(), name, form.lower()


def _small(text: str) -> str:
    """A text of the same length in small letters: names of branches and variables change the case of a known value."""
    small = text.lower()
    # One letter, the dotted capital I, becomes two.
    return small if len(small) == len(text) else "".join(letter.lower()[0] for letter in text)


def _copies(start: str, name: str, value: str, text: str) -> Iterator[_Found]:
    """Where a known value is in a text, also cut off after its start."""
    at = text.find(start)
    while at >= 0:
        length = len(start)
        while length < len(value) and text[at + length : at + length + 1] == value[length]:
            length += 1
        yield _Found(at, at + length, name)
        at = text.find(start, at + length)


def _placed(derived: Derived, found: Iterable[_Found], kept: bool = False) -> Iterator[_Found]:
    """The same in the text that another one was derived from; `kept` without what was left out after each."""
    span = derived.kept_span if kept else derived.span
    for each in found:
        yield _Found(*span(each.start, each.end), each.name)


def _apart(found: Iterable[_Found]) -> list[_Found]:
    kept: list[_Found] = []
    for each in sorted(found, key=lambda one: (one.start, -one.end)):
        if not kept or each.start >= kept[-1].end:
            kept.append(each)
        elif each.end > kept[-1].end:
            kept[-1] = replace(kept[-1], end=each.end)
    return kept


def _mask(name: str) -> str:
    return f"[{name} masked]"
