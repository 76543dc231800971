"""The content of what is sent: secrets masked, and nothing in it that cannot be encoded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from samobot.frozen import frozen
from samobot.telegram.markup.disguise import plain_undisguised
from samobot.telegram.markup.html import to_plain
from samobot.telegram.markup.rich_text import clean, escape
from samobot.telegram.outbound.secret_filter import SecretFilter, secret_note
from samobot.telegram.store.outbox_rows import Post
from samobot.text import one_line

Markup = Mapping[str, Any] | None
"""Buttons or a forced reply: `reply_markup` as JSON, which is what Telegram takes."""


@frozen
class Attachment:
    """A file that goes with a message.

    Attributes:
        name: Its display name.
        data: Its content, at most 50 MB.
        photo: Whether it is shown as a picture.
        is_checked: Whether it holds no secrets, or the user has asked for it a second time although it does.
        album: Name and size of each picture, if `data` holds several, one after another.
    """

    name: str
    data: bytes
    photo: bool = False
    is_checked: bool = False
    album: tuple[tuple[str, int], ...] = ()


class PostContent:
    """Makes content that may be sent.

    Args:
        secrets: Masks secrets.
    """

    def __init__(self, secrets: SecretFilter) -> None:
        self._secrets = secrets
        self._masked = lru_cache(maxsize=4)(self._mask)

    def mask(self, text: str) -> str:
        """Mask the secrets of a text in Telegram's HTML, with a note; before it is split into messages."""
        return self._masked(text)

    def _mask(self, text: str) -> str:
        masked = self._secrets.mask_html(text)
        return (
            masked
            if masked == text
            else f"{masked}\n\n{escape(secret_note(self._secrets.names(to_plain(text))))}"
        )

    def post(self, text: str, markup: Markup, **more: Any) -> Post:
        """Make the content of a message from Telegram HTML and its buttons; more are fields of `Post`."""
        keyboard = _clean(self._secrets.mask_json(markup, kept="callback_data")) if markup else None
        return Post(text=_clean(self._masked(text)), markup=keyboard, **more)

    def attachment(self, attachment: Attachment | None) -> tuple[Attachment | None, str]:
        """The file as it may be sent, None if it may not, and what to say about that as HTML."""
        if attachment is None or attachment.photo or attachment.is_checked:
            return attachment, ""
        names = self._secrets.names_in(attachment.data)
        if not names:
            return attachment, ""
        data = self._secrets.mask_data(attachment.data)
        if data is None:
            return None, escape(
                f"🔒 {self._name(attachment.name)} is held back, it contains: {', '.join(names)}"
            )
        return replace(attachment, data=data), escape(secret_note(names))

    def file_fields(self, attachment: Attachment) -> dict[str, Any]:
        """The fields of `Post` about a file."""
        album = tuple((self._name(name), size) for name, size in attachment.album)
        return {"file_name": self._name(attachment.name), "photo": attachment.photo, "album": album}

    def _name(self, name: str) -> str:
        """A file's name as it may be shown: an agent chose it."""
        return plain_undisguised(one_line(clean(self._secrets.mask(name))))


def _clean(value: Any) -> Any:
    """Replace lone surrogates, which cannot be encoded: such a message could never be sent."""
    try:
        (value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)).encode()
    except UnicodeEncodeError:
        return _without_surrogates(value)
    return value


def _without_surrogates(value: Any) -> Any:
    match value:
        case str():
            return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        case Mapping():
            return {name: _without_surrogates(item) for name, item in value.items()}
        case list() | tuple():
            return [_without_surrogates(item) for item in value]
        case _:
            return value
