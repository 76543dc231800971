"""What people type after a command, read with a phone's keyboard in mind. Pure.

Phones turn `"…"` into `“…”` and `--` into `—`, put a capital where a sentence begins, and a finger leaves the
colon out. What the user wrote as text is kept verbatim, line breaks included.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from samobot.errors import UsageError
from samobot.text import one_line

INTERRUPT = "now"
"""The command that `/tell!` is another way to write."""

DASHES = "(?:--|[—–―])"
MONEY = re.compile(r"\$?([0-9]{1,6}(?:[.,][0-9]{1,4})?)\s*(?:\$|€|usd\b)?(?!\S)", re.IGNORECASE)
_COMMAND = re.compile(r"/([A-Za-z0-9_]{1,32})(?:@([A-Za-z0-9_]{3,64}))?([.,!?:;…]*)(?!\S)\s*")
"""A phone makes a full stop of two spaces, so punctuation right after a command means nothing, but for `/tell!`."""

_PUNCTUATION = " \t\n.,!?:;…"
_BUDGET = re.compile(rf"(?:{DASHES}\s*)?budget\s*[=:]?\s*(.*)", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class ParsedCommand:
    """A message that is a command.

    Attributes:
        name: The command, in lower case, without slash.
        bot: The bot it names (`/run@samo_bot`), None where it names none.
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
