"""The arguments of `/run`: a task, a name, a project, flags. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum

from samobot.errors import UsageError
from samobot.fleet.start_request import PROFILE_NAMES, PROVIDER_NAMES
from samobot.frozen import frozen
from samobot.telegram.handlers.chat_request import DASHES, MONEY, first_word, parse_money, split_address
from samobot.text import nearest, one_line

CONFIGURED = "default"
"""The value of `--profile` and `--provider` that takes a session back to what is configured."""

_OPENING = '"“”„«‟'
_CLOSING = '"“”»‟'
_SINGLE = {"'": "'", "‘": "’", "’": "’", "‹": "›"}
_NO_QUESTIONS = re.compile(rf"\s*{DASHES}no-questions(?!\S)\s*", re.IGNORECASE)
_FLAG = re.compile(rf"(?<!\S){DASHES}([A-Za-z][A-Za-z-]*)(?:\s*=\s*|(?!\S))")


class Flag(StrEnum):
    """The flags of `/run`."""

    DIVE = "dive"
    TASK = "task"
    BUDGET = "budget"
    AUTO = "auto"
    NAME = "name"
    FROM = "from"
    PROFILE = "profile"
    PROVIDER = "provider"
    NO_QUESTIONS = "no-questions"


@frozen
class RunArguments:
    """What `/run` was given.

    Attributes:
        project: The project before the colon, if it is one: `docs: …` and `feat:x` may as well begin a task.
        name: The session's name: before a colon, behind `--name`, or the only word.
        task: What is to be done: the whole text, unless it begins with a name and a colon.
        dive: What to investigate first.
        budget_usd: What the session may cost, in US dollars.
        auto: Whether the bot may decide the gates after a while.
        base: The session on whose commits a new one begins.
        profile: The profile of the session; empty for the configured models, None leaves it as it is.
        provider: The program of the session, likewise.
        questions: Whether another round of a session that is done asks questions first.
    """

    project: str | None = None
    name: str | None = None
    task: str | None = None
    dive: str | None = None
    budget_usd: float | None = None
    auto: bool = False
    base: str | None = None
    profile: str | None = None
    provider: str | None = None
    questions: bool = True
    text: str = field(default="", compare=False)
    """All of it but the flags."""

    @property
    def chooses(self) -> bool:
        """Whether it sets the session's models or program."""
        return self.profile is not None or self.provider is not None


_NO_TASK = re.compile(r"/\w{1,32}(?:@\w{1,64})?[.!?]?|[-–—]{1,2}[A-Za-z][\w-]{0,40}")
"""Another command, or a flag that there is not, and nothing else."""


def parse_run(rest: str) -> RunArguments:
    """Read what comes after `/run`.

    Flags stand anywhere outside quotes; what remains is the task, or `name: task`, `project:name task`,
    `name "task"`, or one word, which is a name. `“` and `—` are as good as `"` and `--`.

    Raises:
        UsageError: A flag has no value, or one that cannot be; or it is nearly one that there is; or nothing remains but
            another command or flag.
    """
    free, given = _take_flags(rest)
    if _NO_TASK.fullmatch(free.strip()):
        raise UsageError(
            f"“{one_line(free, 60)}” is no task. Say in your own words what should be done, or see /help."
        )
    project, name, task = split_task(free)
    task = _unquoted(task)
    if given.task and task:
        task = f"{given.task}\n{task}"
    return RunArguments(
        project=project,
        name=given.name or name,
        task=task or given.task,
        dive=given.dive,
        budget_usd=given.budget_usd,
        auto=given.auto,
        base=given.base,
        profile=given.profile,
        provider=given.provider,
        questions=given.questions,
        text=free,
    )


def parse_round(text: str) -> tuple[str, bool]:
    """Read the task of another round: the task, and whether it asks questions first (`--no-questions` before it)."""
    found = _NO_QUESTIONS.match(text)
    return (text[found.end() :], False) if found is not None else (text, True)


def split_task(text: str) -> tuple[str | None, str | None, str]:
    """Split a text into project, name and task; a text without a colon at its first word is all task.

    `greet` and `greet "add it"` are a name; `greet: add it` too, though `greet` may be a project.
    """
    text = text.strip()
    word, rest = first_word(text)
    rest = rest.strip()
    project, name = split_address(word)
    if project is not None and name:
        return project, name, rest
    if project is not None:
        return None, project, rest
    if not rest or (_quoted_end(rest, 0) == len(rest) and rest[0] in _OPENING):
        return None, word or None, rest
    return None, None, text


@dataclass(slots=True)
class _Given:
    """The flags' values so far."""

    task: str | None = None
    dive: str | None = None
    budget_usd: float | None = None
    auto: bool = False
    name: str | None = None
    base: str | None = None
    profile: str | None = None
    provider: str | None = None
    questions: bool = True


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
        case Flag.NO_QUESTIONS:
            given.questions = False
            return at
        case Flag.NAME:
            given.name, end = _read_name(flag, text, at)
            return end
        case Flag.FROM:
            given.base, end = _read_name(flag, text, at)
            return end
        case Flag.PROFILE:
            given.profile, end = _read_choice(flag, PROFILE_NAMES, text, at)
            return end
        case Flag.PROVIDER:
            given.provider, end = _read_choice(flag, PROVIDER_NAMES, text, at)
            return end
        case Flag.BUDGET:
            found = MONEY.match(text, at)
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


def _read_name(flag: Flag, text: str, at: int) -> tuple[str, int]:
    name, _ = first_word(text[at:])
    if not name:
        raise UsageError(f"--{flag} needs a session's name after it, such as --{flag} dark-mode.")
    return name, text.index(name, at) + len(name)


def _read_choice(flag: Flag, names: tuple[str, ...], text: str, at: int) -> tuple[str, int]:
    word, _ = first_word(text[at:])
    if word.lower() not in (*names, CONFIGURED):
        raise UsageError(f"--{flag} needs one of {', '.join((*names, CONFIGURED))} after it.")
    return "" if word.lower() == CONFIGURED else word.lower(), text.index(word, at) + len(word)


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
    close = nearest(name, list(Flag), cutoff=0.75)  # a task may well speak of --format
    if close is not None and len(name) > 2:
        raise UsageError(
            f"There is no --{name}. Did you mean --{close}? If it belongs to the task, put the task in quotes."
        )
