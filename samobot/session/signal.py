"""`_signal.json`: the agent's result of an iteration.

The format is `{"status": …, "phase": …, "summary": …, "reason": …, "needs": …, "for": …, "plan": …, "tests": …,
"lacks": …}`.
Accepted besides: what `lenient_json` repairs, text after the object, capital letters, lists of sentences, and keys and
values that are near misses (`next_phase`, `the testing phase`). Anything else is a `SignalProblem`, which the next
iteration is reminded of.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from enum import StrEnum
from functools import lru_cache
from typing import TypeVar

from samobot.frozen import frozen
from samobot.phases import Phase, SignalStatus, WaitingFor
from samobot.session.blocks import PARSES_KEPT
from samobot.session.lenient_json import decode_object
from samobot.session.signal_terms import leads_on, means_nothing, meant_key, meant_value
from samobot.text import nearest, one_line, without_surrogates

LIMIT = 1_000_000
"""Maximum characters of a signal file."""

MAX_TESTS = 10_000_000
"""More tests than this are not believed."""

_Kind = TypeVar("_Kind", bound=StrEnum)


class Lack(StrEnum):
    """What an agent that is blocked lacks, if another try could do without the user."""

    STRENGTH = "strength"
    """It tried more than once and had no further idea."""
    ENVIRONMENT = "environment"
    """A check cannot run here."""


@frozen
class SuiteResult:
    """How many tests passed and failed, as the agent reports it."""

    passed: int
    failed: int


@frozen
class Signal:
    """A valid signal.

    Attributes:
        status: What follows.
        phase: The next phase, if it names one.
        summary: What the iteration did; may be empty, like the next two.
        reason: Why it is blocked or waits.
        needs: What it needs from the user.
        waiting_for: What a waiting session waits for, if it names that.
        plan: File name of the plan to approve, if it names one.
        tests: Result of the test run, if it reports one.
        lacks: What a blocked one lacks, if it names that.
    """

    status: SignalStatus
    phase: Phase | None = None
    summary: str = ""
    reason: str = ""
    needs: str = ""
    waiting_for: WaitingFor | None = None
    plan: str = ""
    tests: SuiteResult | None = None
    lacks: Lack | None = None


@frozen
class SignalProblem:
    """A signal that is missing or cannot be used.

    Attributes:
        message: One sentence: file, line, what is wrong, what is allowed.
    """

    message: str


_KEY = re.compile(r'"([^"\\\n]{1,80})"\s{0,20}:')


class _BadSignal(Exception):
    """Its message is that of the `SignalProblem`."""


@lru_cache(maxsize=PARSES_KEPT)
def parse_signal(text: str | None) -> Signal | SignalProblem:
    """Parse a signal. Never fails.

    Args:
        text: The file as `read_text` returns it; None if it is missing.
    """
    if text is None or not text.strip("\ufeff\0 \t\r\n"):
        return SignalProblem("There is no signal: the agent ended without writing _signal.json.")
    if len(text) > LIMIT:
        return SignalProblem(f"_signal.json has {len(text)} characters; a signal has at most {LIMIT}.")
    try:
        return _read(text)
    except _BadSignal as problem:
        return SignalProblem(str(problem))


def _read(text: str) -> Signal:
    record, lines = _record(text)
    status = _choice(SignalStatus, record, "status", lines)
    if status is None:
        raise _BadSignal(f"_signal.json has no “status”; it is one of {', '.join(SignalStatus)}.")
    return Signal(
        status=status,
        phase=_choice(Phase, record, "phase", lines) or _next_phase(record),
        summary=_words(record, "summary", lines),
        reason=_words(record, "reason", lines),
        needs=_words(record, "needs", lines),
        waiting_for=_waiting_for(record, lines),
        plan=_words(record, "plan", lines),
        tests=suite_result(record.get("tests")),
        lacks=_choice(Lack, record, "lacks", lines),
    )


def _next_phase(record: dict[str, object]) -> Phase | None:
    """Return the phase below a key such as `next`, which could as well have a sentence about the next step."""
    found: set[Phase] = set()
    for key in filter(leads_on, record):
        value = record[key]
        values = value.values() if isinstance(value, dict) and len(value) == 1 else [value]
        found |= {meant for each in values if isinstance(each, str) and (meant := meant_value(Phase, each))}
    if len(found) > 1:
        raise _BadSignal(f"_signal.json names several next phases ({', '.join(sorted(found))}); write one.")
    return next(iter(found), None)


def _waiting_for(record: dict[str, object], text: str) -> WaitingFor | None:
    found = _choice(WaitingFor, record, "for", text)
    # Permissions are asked for while an iteration runs, never by its signal.
    return WaitingFor.HUMAN_ACTION if found is WaitingFor.PERMISSION else found


def _record(text: str) -> tuple[dict[str, object], str]:
    """Return the one object in the text, its keys as `meant_key` returns them, and the text for counting lines."""
    try:
        value, text, second = decode_object(text, _one_of_each)
        if isinstance(value, str) and "{" in value:
            value, text, second = decode_object(value, _one_of_each)
    except json.JSONDecodeError as error:
        raise _BadSignal(
            f"_signal.json line {error.lineno}: not valid JSON ({one_line(error.msg, 80)}); "
            'write one object such as {"status": "continue", "summary": "…"}.'
        ) from None
    except (ValueError, RecursionError):
        # A number of thousands of digits, or thousands of nested lists.
        raise _BadSignal(
            "_signal.json holds a number too long or lists too deep to read; write plain strings."
        ) from None
    value = _unwrapped(value)
    if not isinstance(value, dict):
        raise _BadSignal(
            '_signal.json is not an object; write one such as {"status": "continue", "summary": "…"}.'
        )
    if second is not None:
        line = text.count("\n", 0, second) + 1
        raise _BadSignal(f"_signal.json line {line}: there is a second object; write exactly one.")
    return value, text


def _unwrapped(value: object) -> object:
    """Return the object that is alone in a list, or that has the status below one key: `{"signal": {…}}`."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, dict) and "status" not in value:
        inner = [each for each in value.values() if isinstance(each, dict) and "status" in each]
        beside = {key: each for key, each in value.items() if not isinstance(each, dict)}
        return beside | inner[0] if len(inner) == 1 else value
    return value


def _one_of_each(pairs: Iterable[tuple[str, object]]) -> dict[str, object]:
    record: dict[str, object] = {}
    for key, value in pairs:
        name = meant_key(key)
        if name in record and record[name] != value and value not in (None, ""):
            if record[name] not in (None, ""):
                raise _BadSignal(
                    f"_signal.json has “{name}” twice with different values (“{one_line(key, 40)}”); write it once."
                )
        elif name in record:
            continue
        record[name] = value
    return record


def suite_result(value: object) -> SuiteResult | None:
    """Read `{"passed": 12, "failed": 0}`; anything else is no result."""
    if not isinstance(value, dict):
        return None
    counts = {str(key).strip().lower(): count for key, count in value.items()}
    passed, failed = (
        next((counts[key] for key in names if key in counts), 0)
        for names in (("passed", "passing", "pass"), ("failed", "failing", "fail", "failures"))
    )
    for count in (passed, failed):
        if not isinstance(count, int) or isinstance(count, bool) or not 0 <= count <= MAX_TESTS:
            return None
    return SuiteResult(passed, failed) if passed or failed else None


def _choice(kind: type[_Kind], record: dict[str, object], key: str, text: str) -> _Kind | None:
    value = record.get(key)
    if isinstance(value, list) and len(value) == 1 and key != "status":
        value = value[0]
    if value is None or value == "":
        return None
    if isinstance(value, str):
        if (found := meant_value(kind, value)) is not None:
            return found
        if key != "status" and means_nothing(value):
            return None
    said = one_line(value if isinstance(value, str) else json.dumps(value), 40)
    guess = nearest(said, kind)
    hint = f" (did you mean “{guess}”?)" if guess else ""
    raise _BadSignal(
        f"_signal.json line {_line_of(key, text)}: “{key}” is “{said}”{hint}; it is one of {', '.join(kind)}."
    )


def _words(record: dict[str, object], key: str, text: str) -> str:
    value = record.get(key)
    if value is None:
        return ""
    parts: list[str] = []
    for part in value if isinstance(value, list) else [value]:
        if not isinstance(part, str):
            raise _BadSignal(
                f"_signal.json line {_line_of(key, text)}: “{key}” is not text; write a string or a list of strings."
            )
        parts.append(part.strip())
    return without_surrogates("\n".join(filter(None, parts)))


def _line_of(key: str, text: str) -> int:
    for found in _KEY.finditer(text):
        if meant_key(found[1]) == key:
            return text.count("\n", 0, found.start()) + 1
    return 1
