"""Reply markups: read, checked as Telegram checks them, and shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from samobot.sandbox.botapi import api_limits
from samobot.sandbox.botapi.entities import checked_link, utf16_length
from samobot.sandbox.botapi.failure import ApiFailure, bad_request

_ACTIONS = frozenset(
    [
        "url",
        "callback_data",
        "web_app",
        "login_url",
        "switch_inline_query",
        "switch_inline_query_current_chat",
        "switch_inline_query_chosen_chat",
        "copy_text",
        "callback_game",
        "pay",
    ]
)
_BUTTON_KEYS = _ACTIONS | {"text", "style", "icon_custom_emoji_id"}
_STYLES = {"danger", "success", "primary"}


class MarkupKind(StrEnum):
    """The four kinds of reply markup, by the key that identifies each."""

    INLINE = "inline_keyboard"
    REPLY = "keyboard"
    REMOVE = "remove_keyboard"
    FORCE_REPLY = "force_reply"


@dataclass(frozen=True, slots=True)
class KeyboardButton:
    """A button below a message."""

    text: str
    data: str | None = None
    url: str | None = None
    copy_text: str | None = None
    style: str | None = None

    def api(self) -> dict[str, object]:
        """An `InlineKeyboardButton`."""
        body: dict[str, object] = {"text": self.text}
        if self.data is not None:
            body["callback_data"] = self.data
        if self.url is not None:
            body["url"] = self.url
        if self.copy_text is not None:
            body["copy_text"] = {"text": self.copy_text}
        if self.style is not None:
            body["style"] = self.style
        return body


@dataclass(frozen=True, slots=True)
class Markup:
    """The keyboard below a message, or its change of the user's keyboard."""

    kind: MarkupKind
    rows: tuple[tuple[KeyboardButton, ...], ...] = ()
    placeholder: str = ""
    selective: bool = False

    def api(self) -> dict[str, object] | None:
        """The `reply_markup` that a message shows: inline keyboards only, as with Telegram."""
        if self.kind is not MarkupKind.INLINE:
            return None
        return {"inline_keyboard": [[button.api() for button in row] for row in self.rows]}


def read_markup(value: object) -> Markup | None:
    """Read the `reply_markup` parameter.

    Returns:
        None if there is none, or an inline keyboard without buttons.

    Raises:
        ApiFailure: Telegram would refuse it.
    """
    if value is None:
        return None
    if not isinstance(value, dict):
        raise bad_request("object expected as reply markup")
    for kind in MarkupKind:
        if kind.value in value:
            return _READERS[kind](value)
    if value:
        raise bad_request("can't parse reply keyboard markup: unknown kind of markup")
    return None


def _read_inline(value: Mapping[str, object]) -> Markup | None:
    rows = value["inline_keyboard"]
    if not isinstance(rows, list):
        raise bad_request('field "inline_keyboard" of the InlineKeyboardMarkup should be an Array of Arrays')
    read = []
    for row in rows:
        if not isinstance(row, list):
            raise bad_request(
                'field "inline_keyboard" of the InlineKeyboardMarkup should be an Array of Arrays'
            )
        if row:
            read.append(tuple(_read_button(button) for button in row))
    if sum(map(len, read)) > api_limits.BUTTONS or any(
        len(row) > api_limits.BUTTONS_IN_A_ROW for row in read
    ):
        raise bad_request("reply markup is too long")
    return Markup(MarkupKind.INLINE, tuple(read)) if read else None


def _read_button(value: object) -> KeyboardButton:
    if not isinstance(value, dict):
        raise _wrong_button("expected an Object")
    text = value.get("text")
    if not isinstance(text, str):
        raise _wrong_button('Can\'t find field "text"')
    if not text.strip():
        raise bad_request("BUTTON_INVALID")
    unknown = set(value) - _BUTTON_KEYS
    if unknown:
        raise _wrong_button(f'unknown field "{min(unknown)}"')
    actions = _ACTIONS & set(value)
    if not actions:
        raise _wrong_button("Text buttons are unallowed in the inline keyboard")
    if len(actions) > 1:
        raise _wrong_button(f"more than one action: {', '.join(sorted(actions))}")
    style = value.get("style")
    if style is not None and style not in _STYLES:
        raise _wrong_button("Invalid button style specified")
    action = next(iter(actions))
    given = value[action]
    match action:
        case "callback_data":
            if not isinstance(given, str) or not 1 <= len(given.encode()) <= api_limits.CALLBACK_DATA_BYTES:
                raise bad_request("BUTTON_DATA_INVALID")
            return KeyboardButton(text, data=given, style=style)
        case "url":
            url = checked_link(given) if isinstance(given, str) else None
            if url is None:
                raise bad_request(f"inline keyboard button URL '{given}' is invalid: Wrong HTTP URL")
            return KeyboardButton(text, url=url, style=style)
        case "copy_text":
            copied = given.get("text") if isinstance(given, dict) else None
            if not isinstance(copied, str) or not 1 <= utf16_length(copied) <= api_limits.COPY_TEXT:
                raise bad_request("BUTTON_COPY_TEXT_INVALID")
            return KeyboardButton(text, copy_text=copied, style=style)
        case _:
            raise bad_request(f'BUTTON_TYPE_INVALID: the sandbox does not play "{action}" buttons')


def _read_force_reply(value: Mapping[str, object]) -> Markup | None:
    placeholder = value.get("input_field_placeholder", "")
    if not isinstance(placeholder, str) or utf16_length(placeholder) > api_limits.PLACEHOLDER:
        raise bad_request("INPUT_FIELD_PLACEHOLDER_INVALID")
    if value["force_reply"] is not True:
        return None
    return Markup(MarkupKind.FORCE_REPLY, placeholder=placeholder, selective=value.get("selective") is True)


def _read_remove(value: Mapping[str, object]) -> Markup | None:
    if value["remove_keyboard"] is not True:
        return None
    return Markup(MarkupKind.REMOVE, selective=value.get("selective") is True)


def _read_reply(value: Mapping[str, object]) -> Markup | None:
    rows = value["keyboard"]
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise bad_request('field "keyboard" of the ReplyKeyboardMarkup should be an Array of Arrays')
    read = []
    for row in rows:
        texts = [button if isinstance(button, str) else _key_text(button) for button in row]
        read.append(tuple(KeyboardButton(text) for text in texts))
    if not any(read):
        return None
    return Markup(MarkupKind.REPLY, tuple(read), str(value.get("input_field_placeholder", "")))


def _key_text(value: object) -> str:
    text = value.get("text") if isinstance(value, dict) else None
    if not isinstance(text, str) or not text:
        raise bad_request("can't parse keyboard button: Can't find field \"text\"")
    return text


def _wrong_button(what: str) -> ApiFailure:
    return bad_request(f"can't parse inline keyboard button: {what}")


_READERS = {
    MarkupKind.INLINE: _read_inline,
    MarkupKind.REPLY: _read_reply,
    MarkupKind.REMOVE: _read_remove,
    MarkupKind.FORCE_REPLY: _read_force_reply,
}
