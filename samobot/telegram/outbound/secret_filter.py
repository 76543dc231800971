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
from samobot.telegram.outbound.encoded_text import Derived, decoded, encoded_parts, joined, one_piece
from samobot.telegram.outbound.key_forms import NEEDLES, WRAPPED_NEEDLES, KeyForm

_SHORTEST_VALUE = 8
_PREFIX = 12
"""Characters of a known value that give it away: what was shortened is masked too."""

_NAMED = re.compile(
    r"(?:^|_)(?:API_?KEY|KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?)$", re.IGNORECASE
)
_NO_SECRET = re.compile(r"[/~.][\w./~-]*|\d+|true|false|none|null", re.IGNORECASE)
_PLACEHOLDER = re.compile(
    r"(?i)(?:pass(?:word|wd)?|pwd|secret|token|example|change-?me|user(?:name)?|x+|\*+|\.+|…)\Z|[<${%\[]"
)

_CONTINUATION = re.compile(r"[ \t\"'+\\]*\r?\n[ \t>|+\"'-]*([A-Za-z0-9_./=-]{4,})")
_LINE_ENDS = re.compile(r"[ \t\"'+\\]*\r?\n")
_LINE_PART = re.compile(r"[A-Za-z0-9_.:-]")
_LONGEST_START = 16
"""Characters before a needle that belong to its key: the number of a bot."""

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
        self._values = [
            (form[: max(_PREFIX, len(form) // 3)], name, form)
            for name, value in (values or {}).items()
            if len(value) >= _SHORTEST_VALUE
            for form in dict.fromkeys((value, quote(value, safe=""), json.dumps(value)[1:-1]))
        ]
        starts = [start for start, _, _ in self._values]
        self._hints = (
            *starts,
            *(json.dumps(start, ensure_ascii=False)[1:-1] for start in starts),
            *(needle for needle, _ in NEEDLES),
        )

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

    def mask_json(self, value: Any) -> Any:
        """Mask the secrets in every text of a JSON value, such as a keyboard."""
        text = json.dumps(value, ensure_ascii=False)
        for hint in self._hints:
            if hint in text:
                return self._mask_each(value)
        return value

    def _mask_each(self, value: Any) -> Any:
        match value:
            case str():
                return self.mask(value)
            case Mapping():
                return {name: self._mask_each(item) for name, item in value.items()}
            case list() | tuple():
                return [self._mask_each(item) for item in value]
            case _:
                return value

    def _find(self, text: str) -> list[_Found]:
        """The secrets of a text in order, without overlaps; also those that are escaped, wrapped or encoded in it."""
        found = self._plain(text)
        plain = decoded(text)
        if plain is not None:
            found += _placed(plain, self._plain(plain.text) + self._wrapped(plain.text))
        found += self._wrapped(text)
        for start, end, part in encoded_parts(text):
            hidden = self._plain(part)
            if hidden:
                found.append(_Found(start, end, hidden[0].name))
        return _apart(found) if found else found

    def _plain(self, text: str) -> list[_Found]:
        """The secrets that stand in a text as they are.

        Plain loops: every message passes here several times, and nearly none holds anything.
        """
        found: list[_Found] = []
        for start, name, value in self._values:
            if start in text:
                found += _copies(start, name, value, text)
        forms: dict[KeyForm, None] = {}
        for needle, form in NEEDLES:
            if needle in text:
                forms[form] = None
        for form in forms:
            found += _matches(form, text)
        return found

    def _wrapped(self, text: str) -> list[_Found]:
        """The secrets that continue on another line."""
        if "\n" not in text:
            return []
        found: list[_Found] = []
        if self._values:
            whole = one_piece(text)
            for start, name, value in self._values:
                if start in whole:
                    found += _placed(joined(text), _copies(start, name, value, whole))
        for needle, form in WRAPPED_NEEDLES:
            at = text.find(needle) if needle in text else -1
            while at >= 0:
                found += _continued(form, text, at)
                at = text.find(needle, at + len(needle))
        return found


def secret_note(names: Iterable[str]) -> str:
    """The line below a message in which something was masked."""
    return f"🔒 Masked here: {', '.join(names)}"


def _copies(start: str, name: str, value: str, text: str) -> Iterator[_Found]:
    """Where a known value is in a text, also cut off after its start."""
    at = text.find(start)
    while at >= 0:
        length = len(start)
        while length < len(value) and text[at + length : at + length + 1] == value[length]:
            length += 1
        yield _Found(at, at + length, name)
        at = text.find(start, at + length)


def _matches(form: KeyForm, text: str) -> Iterator[_Found]:
    group = "secret" if "secret" in form.pattern.groupindex else 0
    for match in form.pattern.finditer(text):
        if not _PLACEHOLDER.match(match[group]):
            yield _Found(match.start(group), match.end(group), form.name)


def _placed(derived: Derived, found: Iterable[_Found]) -> Iterator[_Found]:
    """The same in the text that another one was derived from."""
    for each in found:
        yield _Found(*derived.span(each.start, each.end), each.name)


def _continued(form: KeyForm, text: str, at: int) -> Iterator[_Found]:
    """A key that begins at a needle and is wrapped: the lines after it as long as they look like parts of it."""
    begin = at
    while begin > max(0, at - _LONGEST_START) and _LINE_PART.match(text[begin - 1]):
        begin -= 1
    end = text.find("\n", at)
    if end < 0:
        return
    while end < len(text):
        part = _CONTINUATION.match(text, end)
        if part is None or not _looks_random(part[1]):
            break
        end = part.end()
        if not _LINE_ENDS.match(text, end):
            break
    window = joined(text[begin:end])
    for each in _placed(window, _matches(form, window.text)):
        if "\n" in text[begin + each.start : begin + each.end]:
            yield _Found(begin + each.start, begin + each.end, each.name)


def _looks_random(part: str) -> bool:
    """Whether a part of a line can be the continuation of a key: ordinary prose cannot."""
    return any(map(str.isdigit, part)) or (part != part.lower() and part[1:] != part[1:].lower())


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
