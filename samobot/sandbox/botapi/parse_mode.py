"""The HTML parse mode, exactly as strict as Telegram's, with its error messages.

The dialect is a small set of tags, four named character references and numeric ones; complaints give byte offsets.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, replace

from samobot.sandbox.botapi.entities import FOUND, Entity, EntityType, Formatted, checked_link, utf16_length
from samobot.sandbox.botapi.failure import ApiFailure, bad_request

_SIMPLE = {
    "b": EntityType.BOLD,
    "strong": EntityType.BOLD,
    "i": EntityType.ITALIC,
    "em": EntityType.ITALIC,
    "u": EntityType.UNDERLINE,
    "ins": EntityType.UNDERLINE,
    "s": EntityType.STRIKETHROUGH,
    "strike": EntityType.STRIKETHROUGH,
    "del": EntityType.STRIKETHROUGH,
    "tg-spoiler": EntityType.SPOILER,
    "span": EntityType.SPOILER,
}
_OTHER = {"a", "pre", "code", "blockquote", "tg-emoji"}
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
_END = "\0"  # stands after the last character, so that no loop has to ask where the text ends
_MARKUP = re.compile("[<&]")
_SPACE = " \t\r\n\v\0"
_REFERENCE = re.compile(r"&(?:#x([0-9a-fA-F]*)|#([0-9]*)|([A-Za-z]*))")


@dataclass(slots=True)
class _Open:
    tag: str
    argument: str
    offset: int
    begin: int


def parse_html(source: str) -> Formatted:
    """Turn HTML into text and entities.

    Raises:
        ApiFailure: "Bad Request: can't parse entities: …" with the byte offset of what is wrong.
    """
    return _Parser(source).parse()


class _Parser:
    def __init__(self, source: str) -> None:
        self.source = source + _END
        self.size = len(source)
        self.at = 0
        self.out: list[str] = []
        self.offset = 0
        self.open: list[_Open] = []
        self.entities: list[Entity] = []

    def parse(self) -> Formatted:
        while self.at < self.size:
            character = self.source[self.at]
            if character == "<":
                self._tag()
                continue
            text = self._reference() if character == "&" else None
            if text is None:
                text = self._run()
            self.out.append(text)
            self.offset += utf16_length(text)
        if self.open:
            raise _refused(f'Can\'t find end tag corresponding to start tag "{self.open[-1].tag}"')
        # A language belongs to <pre> only; on a lone <code> it was a note for the <pre> that may follow.
        entities = (
            replace(entity, language=None) if entity.type is EntityType.CODE else entity
            for entity in self.entities
        )
        return Formatted("".join(self.out), tuple(entities))

    def _run(self) -> str:
        """Plain text up to the next sign of markup; an `&` that begins no reference is text."""
        begin = self.at
        found = _MARKUP.search(self.source, begin + 1)
        self.at = found.start() if found is not None else self.size
        return self.source[begin : self.at]

    def _reference(self) -> str | None:
        found = _REFERENCE.match(self.source, self.at)
        if found is None:
            return None
        if found[3] is not None:
            character = _NAMED.get(found[3])
            if character is None:
                return None
        else:
            digits, base = (found[1], 16) if found[1] is not None else (found[2], 10)
            code = int(digits, base) if digits and len(found[0]) < 10 else 0
            if not 0 < code < 0x10FFFF or 0xD800 <= code <= 0xDFFF:
                return None
            character = chr(code)
        self.at = found.end()
        if self.source[self.at] == ";":
            self.at += 1
        return character

    def _tag(self) -> None:
        begin = self.at
        self.at += 1
        if self.source[self.at] == "/":
            self._end_tag(begin)
        else:
            self._start_tag(begin)

    def _until(self, stop: str) -> str:
        begin = self.at
        while self.source[self.at] not in stop:
            self.at += 1
        return self.source[begin : self.at]

    def _skip_space(self) -> None:
        while self.at < self.size and self.source[self.at] in _SPACE:
            self.at += 1

    def _start_tag(self, begin: int) -> None:
        tag = self._until(_SPACE + ">").lower()
        if self.at >= self.size:
            raise self._wrong("Unclosed start tag", begin)
        if tag not in _SIMPLE and tag not in _OTHER:
            raise self._wrong(f'Unsupported start tag "{tag}"', begin)
        argument = ""
        while self.source[self.at] != ">":
            self._skip_space()
            if self.source[self.at] == ">":
                break
            name = self._until(_SPACE + "=>/\"'").lower()
            if not name:
                if self.at >= self.size:
                    raise self._wrong(f'Unclosed start tag "{tag}"', begin)
                raise self._wrong(f'Empty attribute name in the tag "{tag}"', begin)
            self._skip_space()
            if self.source[self.at] == "=":
                self.at += 1
                self._skip_space()
                value = self._value(tag, begin)
            elif self.at < self.size and (tag, name) != ("blockquote", "expandable"):
                raise self._wrong(
                    f'Expected equal sign in declaration of an attribute of the tag "{tag}"', begin
                )
            else:
                value = ""
            if self.at >= self.size:
                raise self._wrong(f'Unclosed start tag "{tag}"', begin)
            argument = _argument(tag, name, value, argument)
        if tag == "span" and argument != "spoiler":
            raise self._wrong('Tag "span" must have class "tg-spoiler"', begin)
        if tag == "tg-emoji" and not argument.isdigit():
            raise self._wrong('Tag "tg-emoji" must have attribute "emoji-id"', begin)
        self.at += 1
        self.open.append(_Open(tag, argument, self.offset, len(self.out)))

    def _value(self, tag: str, begin: int) -> str:
        if self.at >= self.size:
            raise self._wrong(f'Unclosed start tag "{tag}"', begin)
        quote = self.source[self.at]
        if quote not in "\"'":
            token = self.at
            while self.source[self.at].isascii() and (
                self.source[self.at].isalnum() or self.source[self.at] in ".-"
            ):
                self.at += 1
            if self.source[self.at] not in _SPACE + ">":
                raise self._wrong("Unexpected end of name token", token)
            return self.source[token : self.at].lower()
        self.at += 1
        parts: list[str] = []
        while self.at < self.size and self.source[self.at] != quote:
            text = self._reference() if self.source[self.at] == "&" else None
            if text is None:
                text = self.source[self.at]
                self.at += 1
            parts.append(text)
        if self.source[self.at] == quote:
            self.at += 1
        return "".join(parts)

    def _end_tag(self, begin: int) -> None:
        if not self.open:
            raise self._wrong("Unexpected end tag", begin)
        self.at += 1
        name = self._until(_SPACE + ">").lower()
        self._skip_space()
        if self.source[self.at] != ">":
            raise self._wrong("Unclosed end tag", begin)
        opened = self.open.pop()
        if name and name != opened.tag:
            raise self._wrong("Unmatched end tag", begin, f', expected "</{opened.tag}>", found "</{name}>"')
        self.at += 1
        if self.offset > opened.offset:
            self._add(opened)

    def _add(self, opened: _Open) -> None:
        span = (opened.offset, self.offset - opened.offset)
        last = self.entities[-1] if self.entities else None
        same = last is not None and (last.offset, last.length) == span
        match opened.tag:
            case "a":
                link = opened.argument or "".join(self.out[opened.begin :])
                user = re.match(r"(?i)tg://user/?\?id=(\d+)", link)
                if user:
                    self.entities.append(Entity(EntityType.TEXT_MENTION, *span, user_id=int(user[1])))
                elif (url := checked_link(link)) is not None:
                    self.entities.append(Entity(EntityType.TEXT_LINK, *span, url=url))
            case "tg-emoji":
                self.entities.append(Entity(EntityType.CUSTOM_EMOJI, *span, custom_emoji_id=opened.argument))
            case "blockquote":
                kind = EntityType.EXPANDABLE_BLOCKQUOTE if opened.argument else EntityType.BLOCKQUOTE
                self.entities.append(Entity(kind, *span))
            case "pre" if last is not None and same and last.type is EntityType.CODE and last.language:
                self.entities[-1] = replace(last, type=EntityType.PRE)
            case "pre":
                self.entities.append(Entity(EntityType.PRE, *span))
            case "code" if last is not None and same and last.type is EntityType.PRE and opened.argument:
                self.entities[-1] = replace(last, language=opened.argument)
            case "code":
                self.entities.append(Entity(EntityType.CODE, *span, language=opened.argument or None))
            case tag:
                self.entities.append(Entity(_SIMPLE[tag], *span))

    def _wrong(self, what: str, at: int, more: str = "") -> ApiFailure:
        return _refused(f"{what} at byte offset {len(self.source[:at].encode())}{more}")


def _argument(tag: str, name: str, value: str, before: str) -> str:
    """What an attribute adds to its tag; an unknown one is ignored."""
    match tag, name:
        case "a", "href":
            return value
        case "tg-emoji", "emoji-id":
            return value
        case "code", "class" if value.startswith("language-"):
            return value.removeprefix("language-")
        case "span", "class" if value.startswith("tg-"):
            return value.removeprefix("tg-")
        case "blockquote", "expandable":
            return "expandable"
        case _:
            return before


def _refused(what: str) -> ApiFailure:
    return bad_request(f"can't parse entities: {what}")


# Back to HTML, for tests and for a page that shows the chat.

_SHOWN = {
    EntityType.BOLD: ("<b>", "</b>"),
    EntityType.ITALIC: ("<i>", "</i>"),
    EntityType.UNDERLINE: ("<u>", "</u>"),
    EntityType.STRIKETHROUGH: ("<s>", "</s>"),
    EntityType.SPOILER: ("<tg-spoiler>", "</tg-spoiler>"),
    EntityType.BLOCKQUOTE: ("<blockquote>", "</blockquote>"),
    EntityType.EXPANDABLE_BLOCKQUOTE: ("<blockquote expandable>", "</blockquote>"),
    EntityType.CODE: ("<code>", "</code>"),
}


def to_html(formatted: Formatted) -> str:
    """The text as Telegram HTML; what was sent as this HTML comes back the same."""
    units = formatted.text.encode("utf-16-le")
    opened: list[Entity] = []
    out: list[str] = []
    at = 0

    def copy_to(position: int) -> None:
        nonlocal at
        out.append(html.escape(units[2 * at : 2 * position].decode("utf-16-le", "replace"), quote=False))
        at = position

    def close_until(position: int) -> None:
        while opened and opened[-1].end <= position:
            entity = opened.pop()
            copy_to(entity.end)
            out.append(_tags(entity)[1])

    for entity in formatted.entities:
        if entity.type in FOUND:
            continue
        close_until(entity.offset)
        copy_to(entity.offset)
        out.append(_tags(entity)[0])
        opened.append(entity)
    while opened:
        close_until(max(opened[-1].end, at))
    copy_to(len(units) // 2)
    return "".join(out)


def _tags(entity: Entity) -> tuple[str, str]:
    if entity.type is EntityType.TEXT_LINK:
        return f'<a href="{html.escape(entity.url or "")}">', "</a>"
    if entity.type is EntityType.TEXT_MENTION:
        return f'<a href="tg://user?id={entity.user_id}">', "</a>"
    if entity.type is EntityType.CUSTOM_EMOJI:
        return f'<tg-emoji emoji-id="{html.escape(entity.custom_emoji_id or "")}">', "</tg-emoji>"
    if entity.type is EntityType.PRE:
        if entity.language:
            return f'<pre><code class="language-{html.escape(entity.language)}">', "</code></pre>"
        return "<pre>", "</pre>"
    return _SHOWN.get(entity.type, ("", ""))
