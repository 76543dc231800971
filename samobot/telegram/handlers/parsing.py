"""What people type after a command, read with a phone's keyboard in mind. Pure.

Phones turn `"…"` into `“…”` and `--` into `—`, put a capital where a sentence begins, and a finger leaves the
colon out. What a person wrote as text is kept verbatim, line breaks included.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from samobot.errors import UsageError
from samobot.text import one_line

DASHES = "(?:--|[—–―])"
MONEY = re.compile(r"\$?([0-9]{1,6}(?:[.,][0-9]{1,4})?)\s*(?:\$|€|usd\b)?(?!\S)", re.IGNORECASE)
_COMMAND = re.compile(r"/([A-Za-z0-9_]{1,32})(?:@([A-Za-z0-9_]{3,64}))?[.,!?:;…]*(?!\S)\s*")
"""A phone makes a full stop of two spaces, so punctuation right after a command means nothing."""

_PUNCTUATION = " \t\n.,!?:;…"
_LABEL = re.compile(r"[qQ]\s?([0-9]{1,6})(?!\w)\s*[:=.)]?\s*")
_LETTERED = re.compile(r"[qQ]?([0-9]{1,6})\s*[.):]?\s+([A-Za-z])(?:[\s,;]+|\Z)")
_BUDGET = re.compile(rf"(?:{DASHES}\s*)?budget\s*[=:]?\s*(.*)", re.IGNORECASE | re.DOTALL)
_PAIR = re.compile(r"[qQ]?([0-9]{1,6})\s*[:=]\s*(\S+?)(?:[\s,;]+|\Z)")


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


@dataclass(frozen=True, slots=True)
class AnswerArguments:
    """What `/answer` was given, the session's name taken off.

    Attributes:
        everything: Whether every suggestion is accepted.
        answers: Question label to answer, where labels were given.
        text: The answer to a question that has to be found.
    """

    everything: bool = False
    answers: dict[str | int, str] = field(default_factory=dict)
    text: str = ""


def parse_command(text: str) -> ParsedCommand | None:
    """Read a message that begins with a command; None for one that does not."""
    found = _COMMAND.match(text)
    if found is None:
        return None
    rest = text[found.end() :]
    return ParsedCommand(found[1].lower(), found[2], rest if rest.strip(_PUNCTUATION) else "")


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


def parse_answer(rest: str) -> AnswerArguments:
    """Read what comes after `/answer` and the session's name: `Q2 B`, `2 B`, `Q1=A Q2=B`, `all`, or a text."""
    words = rest.strip(" \t")
    if words.strip().casefold() in ("all", "all suggestions", "suggestions"):
        return AnswerArguments(everything=True)
    lettered = _read_pairs(_LETTERED, words.strip())
    pairs = lettered or _read_pairs(_PAIR, words.strip())
    if lettered or len(pairs) > 1:
        return AnswerArguments(answers=pairs)
    label = _LABEL.match(words)
    if label:
        text = words[label.end() :]
        return AnswerArguments(answers={f"Q{label[1]}": text}) if text.strip() else AnswerArguments(text="")
    return AnswerArguments(text=words.strip("\n"))


def parse_label(rest: str) -> str | None:
    """The question's label where a text is nothing but one: `Q2`."""
    label = _LABEL.fullmatch(rest.strip())
    return f"Q{label[1]}" if label else None


def _read_pairs(pair: re.Pattern[str], words: str) -> dict[str | int, str]:
    """Read `Q1=A Q2=B`, where the whole text consists of such pairs."""
    pairs: dict[str | int, str] = {}
    at = 0
    while at < len(words):
        found = pair.match(words, at)
        if found is None:
            return {}
        pairs[f"Q{found[1]}"] = found[2]
        at = found.end()
    return pairs
