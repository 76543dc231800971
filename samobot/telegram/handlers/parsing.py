"""What people type after a command, read with a phone's keyboard in mind. Pure.

Phones turn `"…"` into `“…”` and `--` into `—`, put a capital where a sentence begins, and a finger leaves the
colon out. What a person wrote as text is kept verbatim, line breaks included.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from samobot.errors import UsageError
from samobot.text import nearest, one_line

_OPENING = '"“”„«‟'
_CLOSING = '"“”»‟'
_SINGLE = {"'": "'", "‘": "’", "’": "’", "‹": "›"}
_DASHES = "(?:--|[—–―])"
_FLAG = re.compile(rf"(?<!\S){_DASHES}([A-Za-z][A-Za-z-]*)(?:\s*=\s*|(?!\S))")
_NUMBER = re.compile(r"\$?([0-9]{1,6}(?:[.,][0-9]{1,4})?)\s*(?:\$|€|usd\b)?(?!\S)", re.IGNORECASE)
_COMMAND = re.compile(r"/([A-Za-z0-9_]{1,32})(?:@([A-Za-z0-9_]{3,64}))?[.,!?:;…]*(?!\S)\s*")
"""A phone makes a full stop of two spaces, so punctuation right after a command means nothing."""

_PUNCTUATION = " \t\n.,!?:;…"
_BUDGET = re.compile(rf"(?:{_DASHES}\s*)?budget\s*[=:]?\s*(.*)", re.IGNORECASE | re.DOTALL)


class Flag(StrEnum):
    """The flags of `/run`."""

    DIVE = "dive"
    TASK = "task"
    BUDGET = "budget"
    AUTO = "auto"


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
class RunArguments:
    """What `/run` was given.

    Attributes:
        project: The project before the colon.
        name: The session's name; None: it has to be asked for.
        task: What is to be done.
        dive: What to investigate first.
        budget_usd: What the session may cost, in US dollars.
        auto: Whether the bot may decide the gates after a while.
    """

    project: str | None = None
    name: str | None = None
    task: str | None = None
    dive: str | None = None
    budget_usd: float | None = None
    auto: bool = False


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


def parse_run(rest: str) -> RunArguments:
    """Read what comes after `/run`.

    Flags stand anywhere outside quotes; what remains is the name and then the task. `“` and `—` are as good as
    `"` and `--`.

    Raises:
        UsageError: A flag has no value, or one that cannot be; or it is nearly one that there is.
    """
    free, given = _take_flags(rest)
    word, task = first_word(free)
    project, name = split_address(word)
    task = _unquoted(task.strip())
    if given.task and task:
        task = f"{given.task}\n{task}"
    return RunArguments(
        project=project,
        name=name or None,
        task=task or given.task,
        dive=given.dive,
        budget_usd=given.budget_usd,
        auto=given.auto,
    )


def parse_money(text: str) -> float | None:
    """Read an amount of US dollars: `5`, `$5`, `2,50`; None for anything else."""
    found = _NUMBER.fullmatch(text.strip())
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
    return parse_money(text) is not None or re.match(rf"(?i)\s*(?:{_DASHES}|budget\b)", text) is not None


@dataclass(slots=True)
class _Given:
    """The flags' values so far."""

    task: str | None = None
    dive: str | None = None
    budget_usd: float | None = None
    auto: bool = False


def _take_flags(text: str) -> tuple[str, _Given]:
    given = _Given()
    free: list[str] = []
    at = begin = 0
    while True:
        found = _next_flag(text, at)
        if found is None:
            free.append(text[begin:])
            return " ".join(part.strip() for part in free if part.strip()), given
        name = found[1].lower()
        if name not in set(Flag):
            _refuse_typo(name)
            at = found.end()  # it belongs to the task, which may well speak of flags
            continue
        free.append(text[begin : found.start()])
        begin = at = _take_value(Flag(name), text, found.end(), given)


def _take_value(flag: Flag, text: str, at: int, given: _Given) -> int:
    """Read the value of a flag that ends at `at`; returns where it ends itself."""
    at += len(text[at:]) - len(text[at:].lstrip())
    match flag:
        case Flag.AUTO:
            given.auto = True
            return at
        case Flag.BUDGET:
            found = _NUMBER.match(text, at)
            amount = parse_money(found[0]) if found else None
            if found is None or amount is None:
                raise UsageError(
                    "--budget needs an amount in US dollars after it, such as --budget 5. "
                    "If it belongs to the task, put the task in quotes."
                )
            given.budget_usd = amount
            return found.end()
        case Flag.DIVE | Flag.TASK:
            value, end = _read_value(text, at)
            if not value.strip():
                raise UsageError(f'--{flag} needs a text after it, such as --{flag} "what to look at".')
            if flag is Flag.DIVE:
                given.dive = value
            else:
                given.task = value
            return end


def _read_value(text: str, at: int) -> tuple[str, int]:
    """Read a quoted text, or everything up to the next flag."""
    end = _quoted_end(text, at, singles=True)
    if end is not None:
        return text[at + 1 : end - 1], end
    after = _next_known_flag(text, at)
    stop = after.start() if after else len(text)
    return text[at:stop].strip(), stop


def _next_known_flag(text: str, at: int) -> re.Match[str] | None:
    found = _next_flag(text, at)
    while found is not None and found[1].lower() not in set(Flag):
        found = _next_flag(text, found.end())
    return found


def _next_flag(text: str, at: int) -> re.Match[str] | None:
    """Find what looks like a flag outside quotes."""
    found = _FLAG.search(text, at)
    while found is not None:
        inside = _quoted_around(text, at, found.start())
        if inside is None:
            return found
        at = inside
        found = _FLAG.search(text, at)
    return None


def _quoted_around(text: str, at: int, place: int) -> int | None:
    """Where the quotes end that a place stands in, of those that open at `at` or later."""
    while at < place:
        opens = at == 0 or text[at - 1].isspace()
        end = _quoted_end(text, at) if opens else None
        if end is None:
            at += 1
        elif end > place:
            return end
        else:
            at = end
    return None


def _quoted_end(text: str, at: int, *, singles: bool = False) -> int | None:
    """Where the quotes that open at `at` end: at one that closes before white space or the end."""
    if at >= len(text):
        return None
    if text[at] in _OPENING:
        closing = _CLOSING
    elif singles and text[at] in _SINGLE:
        closing = _SINGLE[text[at]]
    else:
        return None
    found = re.compile(rf"[{re.escape(closing)}](?!\S)").search(text, at + 1)
    return found.end() if found else None


def _unquoted(text: str) -> str:
    return text[1:-1] if text and _quoted_end(text, 0) == len(text) else text


def _refuse_typo(name: str) -> None:
    close = nearest(name, list(Flag))
    if close is not None and len(name) > 2:
        raise UsageError(
            f"There is no --{name}. Did you mean --{close}? If it belongs to the task, put the task in quotes."
        )
