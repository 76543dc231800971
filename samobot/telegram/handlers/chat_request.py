"""What a user asked for, by a message or a tap."""

from __future__ import annotations

import re
from dataclasses import asdict, replace
from typing import Any

from samobot.errors import UsageError
from samobot.frozen import frozen
from samobot.session.gate import Person
from samobot.telegram.store.file_refs import FileRef
from samobot.telegram.store.sent import MessageSubject
from samobot.text import one_line

TAP = "tap"
"""Kind of what a request is about that came with a button of a session."""


TOPIC = "topic"
"""The same of a request that was typed in a session's topic, without replying to anything."""


UNKNOWN = "unknown"
"""The same of a reply to a message of the bot of which only the text is known, in the detail `text`.

Telegram can show a message whose sending it never confirms.
"""


@frozen
class ChatRequest:
    """What a user asked for, by a message or a callback query.

    Attributes:
        key: Names it across restarts, so that it is answered once.
        chat_id: Where.
        message_id: Of the user's message, or of the bot's message that was tapped; 0 for a schedule's start.
        thread_id: The topic, or None.
        user_id: Who.
        person: The user as recorded in decisions.
        text: The text: after a command, or all of it.
        about: What the message replied to, or tapped, is about.
        old: Whether it was written so long ago that it has to be confirmed.
        query_id: Of the tap, None for a message.
        files: Files of the message, still at Telegram.
        quote: The part of the replied message that the user has quoted.
        forwarded_from: Whose message it forwards; None if it was written by the user.
        addressed: Whether it is certainly meant for the bot; in a group, other messages are not answered.
        sent_at: When the message was sent, epoch seconds.
        spoken: Whether the text was transcribed, so that all of it is shown before it is used.
        forum: Whether the chat is a group with topics.
    """

    key: str
    chat_id: int
    message_id: int
    thread_id: int | None
    user_id: int
    person: Person
    text: str = ""
    about: MessageSubject | None = None
    old: bool = False
    query_id: str | None = None
    files: tuple[FileRef, ...] = ()
    quote: str = ""
    forwarded_from: str | None = None
    addressed: bool = True
    sent_at: float = 0.0
    spoken: bool = False
    forum: bool = False

    @property
    def id(self) -> str:
        """Names the request for the fleet; another bot in the same chat numbers its messages from the beginning."""
        return f"{self.chat_id}:{self.key}:{int(self.sent_at)}"

    @property
    def session(self) -> str | None:
        """Key of the session that the message replied to, or tapped, is about."""
        return self.about.session if self.about is not None else None

    def with_text(self, text: str) -> ChatRequest:
        """The same request with another text."""
        return replace(self, text=text)

    def without_files(self) -> ChatRequest:
        """The same request once its files were saved."""
        return replace(self, files=())

    def as_json(self) -> dict[str, Any]:
        """The request as JSON object, without the tap that cannot be answered later."""
        values = asdict(replace(self, query_id=None, files=()))
        return values | {"files": [file.model_dump(mode="json") for file in self.files]}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> ChatRequest:
        """The request that `as_json` returned."""
        about = MessageSubject(**values["about"]) if values["about"] else None
        files = tuple(FileRef.model_validate(file) for file in values.get("files", ()))
        return cls(**{**values, "about": about, "person": Person(**values["person"]), "files": files})


INTERRUPT = "now"
"""The command that `/tell!` is another way to write."""

DASHES = "(?:--|[—–―])"
MONEY = re.compile(r"\$?([0-9]{1,6}(?:[.,][0-9]{1,4})?)\s*(?:\$|€|usd\b)?(?!\S)", re.IGNORECASE)
_COMMAND = re.compile(
    r"[/／]([A-Za-z0-9_]{1,32})(?:[@＠]([A-Za-z0-9_]{3,64}))?(?:([.,!?:;…]*)(?!\S)|[，。！？：；、]+|[,:;=(](?=\w))\s*"
)
"""A phone makes a full stop of two spaces, so punctuation right after a command means nothing, but for `/tell!`."""

_PUNCTUATION = " \t\n.,!?:;…，。！？：；、"
_BUDGET = re.compile(rf"(?:{DASHES}\s*)?budget\s*[=:]?\s*(.*)", re.IGNORECASE | re.DOTALL)


@frozen
class ParsedCommand:
    """A message that is a command.

    Attributes:
        name: The command, in lower case, without slash.
        bot: The bot it names (`/run@samo_bot`), None if it names none.
        rest: Everything after it, verbatim.
    """

    name: str
    bot: str | None
    rest: str


def parse_command(text: str) -> ParsedCommand | None:
    """Read a message that begins with a command; None for one that does not."""
    found = _COMMAND.match(text)
    if found is None:
        return None
    rest = text[found.end() :]
    name = found[1].lower()
    if name == "tell" and found[3] == "!":
        name = INTERRUPT
    return ParsedCommand(name, found[2], rest if rest.strip(_PUNCTUATION) else "")


def first_word(text: str) -> tuple[str, str]:
    """Split a text into its first word and the rest, which is kept verbatim."""
    head, _, _ = text.lstrip().partition(" ")
    word = (head.split() or [""])[0]
    return word, text.lstrip()[len(word) :].lstrip(" \t").removeprefix("\n")


def split_address(word: str) -> tuple[str | None, str]:
    """Split `project:name`; an address without a colon names no project."""
    project, colon, name = word.rpartition(":")
    return (project or None, name) if colon else (None, word)


def parse_money(text: str) -> float | None:
    """Read an amount of US dollars: `5`, `$5`, `2,50`; None for anything else."""
    found = MONEY.fullmatch(text.strip())
    amount = float(found[1].replace(",", ".")) if found else 0.0
    return amount if amount > 0 else None


def parse_budget(rest: str) -> float | None:
    """Read what comes after `/resume` and the session's name: nothing, `7`, `--budget 7`, `—budget 7`.

    Raises:
        UsageError: It is something else, which must not be passed over.
    """
    text = rest.strip()
    found = _BUDGET.fullmatch(text)
    amount = parse_money(found[1] if found else text)
    if text and amount is None:
        raise UsageError(
            f"“{one_line(text, 60)}” is no budget in US dollars, such as 7 or --budget 7. Nothing was done."
        )
    return amount


def is_budget(text: str) -> bool:
    """Whether a text is meant as a budget, readable or not, and so is no name."""
    return parse_money(text) is not None or re.match(rf"(?i)\s*(?:{DASHES}|budget\b)", text) is not None
