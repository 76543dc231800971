"""What a message shows: its text and the buttons below it, before anything is sent.

The functions that make messages are pure and return `Shown`; `keyboard` gives each button its callback id.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from samobot.fleet.models import SessionRef
from samobot.frozen import frozen
from samobot.telegram.markup.html import safe_url
from samobot.telegram.markup.rich_text import clean
from samobot.telegram.outbound.post_content import Attachment
from samobot.telegram.store.callback_data import CallbackIds
from samobot.telegram.views.actions import Action, ActionKind
from samobot.telegram.views.wording import agent_plain
from samobot.text import one_line

MOST_BUTTONS = 100
MOST_IN_A_ROW = 8
LABEL_CHARACTERS = 40
"""What a phone shows of a button as wide as the chat; beyond that it cuts off the end."""

_LONGEST_ENDING, _BEFORE_ENDING = 8, 5


@frozen
class ActionButton:
    """A button.

    Attributes:
        label: Its text.
        action: What a tap on it asks for.
        once: Whether only the first tap counts, of all the single-use buttons of its scope.
        scope: What it belongs to; empty: the message that it stands below.
    """

    label: str
    action: Action
    once: bool = False
    scope: str = ""


Rows = Sequence[Sequence[ActionButton]]


@frozen
class MessageView:
    """A message as it is to be seen.

    Attributes:
        text: Telegram HTML; the caption if there is an attachment.
        buttons: Rows of buttons.
        attachment: A file that goes with it.
    """

    text: str
    buttons: Rows = ()
    attachment: Attachment | None = None

    @property
    def digest(self) -> str:
        """Fingerprint of what is seen and what the buttons do."""
        buttons = [
            [(button.label, button.action.model_dump(mode="json", exclude_none=True)) for button in row]
            for row in self.buttons
        ]
        content = json.dumps([self.text, buttons], sort_keys=True)
        return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def restore_button(ref: SessionRef) -> ActionButton:
    """A button that takes a session out of the archive.

    It names the session in its text: what belongs to a session loses its buttons when that is archived.
    """
    action = Action(do=ActionKind.PICK_SESSION, command="restore", text=ref.key)
    return ActionButton(f"♻️ Restore {ref.name}", action, once=True)


def rows(*buttons: ActionButton, width: int = 4) -> Rows:
    """Lay buttons out in rows of at most `width`."""
    return tuple(buttons[start : start + width] for start in range(0, len(buttons), width))


def file_label(name: str, size: str) -> str:
    """Call a file on a button: a name that is too long loses its middle, and keeps its ending and its size.

    Args:
        name: The file's name.
        size: Its size, for display.
    """
    room = LABEL_CHARACTERS - len(size) - 3
    name = agent_plain(name)
    if len(name) > room:
        ending = name[-_LONGEST_ENDING:].rpartition(".")[2]
        end = len(ending) + 1 + _BEFORE_ENDING
        name = f"{name[: room - 1 - end]}…{name[-end:]}"
    return f"{name} · {size}"


def keyboard(callbacks: CallbackIds, buttons: Rows, scope: str) -> dict[str, Any] | None:
    """Give each button its callback id and lay them out, as `reply_markup`; None if there are no buttons.

    Args:
        callbacks: The table of callback ids.
        buttons: The rows; what Telegram would not take (beyond 100, more than 8 a row) is left out.
        scope: What buttons without a scope of their own belong to: `CallbackIds.retire` takes it.
    """
    left = MOST_BUTTONS
    made: list[list[dict[str, str]]] = []
    for row in buttons:
        kept = row[: min(MOST_IN_A_ROW, left)]
        left -= len(kept)
        if kept:
            made.append([_button(callbacks, button, scope) for button in kept])
    return {"inline_keyboard": made} if made else None


def open_button(url: str) -> list[ActionButton]:
    """A button that opens a web page; none if Telegram would refuse the message for its address."""
    return [ActionButton("Open", Action(do=ActionKind.OPEN, text=url))] if safe_url(url) else []


def _button(callbacks: CallbackIds, button: ActionButton, scope: str) -> dict[str, str]:
    label = one_line(clean(button.label), LABEL_CHARACTERS) or "…"
    if button.action.do is ActionKind.OPEN:
        return {"text": label, "url": button.action.text or ""}
    action = button.action.model_dump(mode="json", exclude_none=True)
    identifier = callbacks.mint(action, scope=button.scope or scope, once=button.once)
    return {"text": label, "callback_data": identifier}
