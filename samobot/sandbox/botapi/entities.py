"""Formatted text as Telegram understands it: entities, their cleaning and checking, and UTF-16 lengths."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from samobot.sandbox.botapi.failure import bad_request


class EntityType(StrEnum):
    """What a stretch of text is."""

    BOLD = "bold"
    ITALIC = "italic"
    UNDERLINE = "underline"
    STRIKETHROUGH = "strikethrough"
    SPOILER = "spoiler"
    BLOCKQUOTE = "blockquote"
    EXPANDABLE_BLOCKQUOTE = "expandable_blockquote"
    CODE = "code"
    PRE = "pre"
    TEXT_LINK = "text_link"
    TEXT_MENTION = "text_mention"
    CUSTOM_EMOJI = "custom_emoji"
    MENTION = "mention"
    HASHTAG = "hashtag"
    CASHTAG = "cashtag"
    BOT_COMMAND = "bot_command"
    URL = "url"
    EMAIL = "email"
    PHONE_NUMBER = "phone_number"
    DATE_TIME = "date_time"


FOUND = {
    EntityType.MENTION,
    EntityType.HASHTAG,
    EntityType.CASHTAG,
    EntityType.BOT_COMMAND,
    EntityType.URL,
    EntityType.EMAIL,
    EntityType.PHONE_NUMBER,
}
"""Entities that Telegram detects automatically; HTML has no tags for these."""
_QUOTES = {EntityType.BLOCKQUOTE, EntityType.EXPANDABLE_BLOCKQUOTE}
_VERBATIM = {EntityType.CODE, EntityType.PRE}


@dataclass(frozen=True, slots=True)
class Entity:
    """A stretch of text with a meaning; offset and length count UTF-16 code units."""

    type: EntityType
    offset: int
    length: int
    url: str | None = None
    language: str | None = None
    custom_emoji_id: str | None = None
    user_id: int | None = None

    @property
    def end(self) -> int:
        """The first unit after it."""
        return self.offset + self.length

    def api(self) -> dict[str, object]:
        """A `MessageEntity`."""
        body: dict[str, object] = {"type": self.type.value, "offset": self.offset, "length": self.length}
        if self.url is not None:
            body["url"] = self.url
        if self.language is not None:
            body["language"] = self.language
        if self.custom_emoji_id is not None:
            body["custom_emoji_id"] = self.custom_emoji_id
        if self.user_id is not None:
            body["user"] = {"id": self.user_id, "is_bot": False, "first_name": str(self.user_id)}
        return body


@dataclass(frozen=True, slots=True)
class Formatted:
    """A text with its entities, sorted, as a message holds it."""

    text: str = ""
    entities: tuple[Entity, ...] = ()


def utf16_length(text: str) -> int:
    """The length that Telegram counts."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def slice_utf16(text: str, offset: int, length: int) -> str:
    """The text of an entity."""
    return text.encode("utf-16-le")[2 * offset : 2 * (offset + length)].decode("utf-16-le", "replace")


# Cleaning: what Telegram does to every text before it counts and stores it.

_DROPPED = re.compile("[\r\u2028-\u202e]")
_BLANKED = re.compile("[\x00-\x09\x0b\x0c\x0e-\x1f]")


def tidy(formatted: Formatted) -> Formatted:
    """Clean, trim and normalise a text and move its entities along.

    Carriage returns and direction marks vanish, other control characters become spaces, the ends are
    trimmed, code is freed from other formatting, nested quotes are flattened.
    """
    text = _BLANKED.sub(" ", formatted.text)
    entities: Sequence[Entity] = formatted.entities
    if _DROPPED.search(text):
        gone = [utf16_length(text[: found.start()]) for found in _DROPPED.finditer(text)]
        text = _DROPPED.sub("", text)
        entities = [_without(entity, gone) for entity in entities]
    text = text.rstrip()
    first = min((entity.offset for entity in entities if entity.length), default=utf16_length(text))
    lead = min(len(text) - len(text.lstrip()), first)  # leading space is all in the basic plane
    text = text[lead:]
    end = utf16_length(text)
    moved = []
    for entity in entities:
        begin = max(0, entity.offset - lead)
        length = min(end, entity.end - lead) - begin
        if length > 0:
            moved.append(replace(entity, offset=begin, length=length))
    return Formatted(text, tuple(_normalised(moved)))


def _without(entity: Entity, gone: Sequence[int]) -> Entity:
    before = sum(at < entity.offset for at in gone)
    inside = sum(entity.offset <= at < entity.end for at in gone)
    return replace(entity, offset=entity.offset - before, length=entity.length - inside)


def _order(entity: Entity) -> tuple[int, int, str]:
    return entity.offset, -entity.length, entity.type.value


def _normalised(entities: Iterable[Entity]) -> list[Entity]:
    ordered = sorted(set(entities), key=_order)
    verbatim: list[Entity] = []
    quotes: list[Entity] = []
    for entity in ordered:
        if entity.type in _VERBATIM and not any(entity.offset < kept.end for kept in verbatim[-1:]):
            verbatim.append(entity)
        if entity.type in _QUOTES and not any(entity.offset < kept.end for kept in quotes[-1:]):
            quotes.append(entity)
    rest = [entity for entity in ordered if entity.type not in _VERBATIM | _QUOTES]
    for block in verbatim:
        rest = [piece for entity in rest for piece in _cut(entity, block)]
    return sorted({*rest, *verbatim, *quotes}, key=_order)


def _cut(entity: Entity, block: Entity) -> list[Entity]:
    if entity.end <= block.offset or block.end <= entity.offset:
        return [entity]
    pieces = []
    if entity.offset < block.offset:
        pieces.append(replace(entity, length=block.offset - entity.offset))
    if block.end < entity.end:
        pieces.append(replace(entity, offset=block.end, length=entity.end - block.end))
    return pieces


# Entities that Telegram detects in plain text.

_PLAIN = re.compile(
    r"(?P<url>\bhttps?://[^\s<>\"]*[^\s<>\".,;:!?()\[\]{}'])"
    r"|(?P<email>\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b)"
    r"|(?<![\w/@<>])(?P<bot_command>/[A-Za-z0-9_]{1,64}(?:@[A-Za-z0-9_]{3,32})?)(?![\w@/<>])"
    r"|(?<![\w/@])(?P<mention>@[A-Za-z0-9_]{4,32})(?!\w)"
    r"|(?<![\w/#])(?P<hashtag>#(?!\d+\b)\w{1,256})(?!\w)"
)


def with_found(formatted: Formatted) -> Formatted:
    """Add the links, mentions, hashtags and bot commands that stand outside code and links."""
    taken = [
        entity
        for entity in formatted.entities
        if entity.type in _VERBATIM or entity.type in FOUND or entity.type is EntityType.TEXT_LINK
    ]
    found = []
    for match in _PLAIN.finditer(formatted.text):
        offset = utf16_length(formatted.text[: match.start()])
        entity = Entity(EntityType(str(match.lastgroup)), offset, utf16_length(match.group()))
        if all(entity.end <= other.offset or other.end <= entity.offset for other in taken):
            found.append(entity)
    if not found:
        return formatted
    return Formatted(formatted.text, tuple(sorted([*formatted.entities, *found], key=_order)))


def checked_link(url: str) -> str | None:
    """The address as Telegram keeps it, or None if it would drop or refuse it.

    A web address needs a host with a dot in it: `http://localhost` is refused.
    """
    url = url.strip()
    if re.match(r"(?i)(tg|ton|tonsite)://.", url):
        return url
    found = re.match(r"(?i)(?:(https?)://)?(?:[^/@\s]*@)?([^/:?#\s]+)(:\d+)?([/?#]\S*)?$", url)
    if found is None or "." not in found[2].strip(".") or re.match(r"(?i)[a-z][a-z0-9+.-]*:(?!\d)", found[2]):
        return None
    address = url if found[1] else f"http://{url}"
    return address if found[4] else f"{address}/"


# Entities given as JSON.


def read_entities(value: object, text: str) -> tuple[Entity, ...]:
    """Read the `entities` parameter.

    Raises:
        ApiFailure: Not an array of `MessageEntity`, or one lies outside the text.
    """
    if not isinstance(value, list):
        raise bad_request("can't parse entities JSON object")
    size = utf16_length(text)
    entities = []
    for item in value:
        if not isinstance(item, dict):
            raise bad_request("can't parse MessageEntity: expected an Object")
        kind, offset, length = item.get("type"), item.get("offset"), item.get("length")
        if not isinstance(offset, int) or not isinstance(length, int):
            raise bad_request("can't parse MessageEntity: Can't find field of type Number")
        if not isinstance(kind, str) or kind not in EntityType.__members__.values():
            raise bad_request("can't parse MessageEntity: Unsupported type specified")
        if offset < 0 or length <= 0 or offset + length > size:
            raise bad_request("ENTITY_BOUNDS_INVALID")
        type_ = EntityType(kind)
        url = None
        if type_ is EntityType.TEXT_LINK:
            url = checked_link(str(item.get("url", "")))
            if url is None:
                continue
        user = item.get("user")
        entities.append(
            Entity(
                type_,
                offset,
                length,
                url,
                str(item["language"]) if type_ is EntityType.PRE and item.get("language") else None,
                str(item["custom_emoji_id"]) if "custom_emoji_id" in item else None,
                int(user["id"]) if isinstance(user, dict) and "id" in user else None,
            )
        )
    # Automatically detected entities are detected again; those given by a bot are ignored.
    return tuple(entity for entity in entities if entity.type not in FOUND)
