"""`_signal.json`: the agent's result of an iteration.

The format is `{"status": …, "phase": …, "summary": …, "reason": …, "needs": …, "for": …, "plan": …, "tests": …,
"lacks": …}`.
Accepted besides: a byte order mark, a Markdown fence around the object, extra commas, text after the object, line
breaks inside strings, capital letters, lists of sentences, and keys that are near misses (`next_phase`). Anything
else is a `SignalProblem`, which the next iteration is reminded of.
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
from samobot.text import nearest, one_line, without_surrogates

LIMIT = 1_000_000
"""Maximum characters of a signal file."""

MAX_TESTS = 10_000_000
"""More tests than this are not believed."""

_Kind = TypeVar("_Kind", bound=StrEnum)


KEYS = ("status", "phase", "summary", "reason", "needs", "for", "plan", "tests", "lacks")
"""The keys of a signal."""

ALIASES: dict[str, tuple[str, ...]] = {
    "phase": ("nextphase", "targetphase", "newphase", "tophase", "phasenext", "phasename"),
    "status": ("state", "signalstatus"),
    "summary": ("summery", "message", "description", "whatwasdone"),
    "reason": ("blockedreason", "blockreason", "waitingreason", "why", "cause"),
    "needs": ("need", "needed", "needsfromuser", "requires", "required", "whatisneeded"),
    "for": ("waitingfor", "waitfor", "waitsfor", "awaiting", "waitingon"),
    "plan": ("planfile", "planpath", "planname"),
    "tests": ("test", "testresults", "testcounts", "testresult"),
}
"""Written forms, without case and signs, that stand for a key. The Stop hook has the same."""

_MEANT = {alias: key for key, aliases in ALIASES.items() for alias in (key, *aliases)}


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
        phase=_choice(Phase, record, "phase", lines),
        summary=_words(record, "summary", lines),
        reason=_words(record, "reason", lines),
        needs=_words(record, "needs", lines),
        waiting_for=_waiting_for(record, lines),
        plan=_words(record, "plan", lines),
        tests=suite_result(record.get("tests")),
        lacks=_choice(Lack, record, "lacks", lines),
    )


def _waiting_for(record: dict[str, object], text: str) -> WaitingFor | None:
    found = _choice(WaitingFor, record, "for", text)
    # Permissions are asked for while an iteration runs, never by its signal.
    return WaitingFor.HUMAN_ACTION if found is WaitingFor.PERMISSION else found


def meant_key(key: str) -> str:
    """Return the key of a signal that a written key stands for: `nextPhase` is `phase`; others as written."""
    name = key.strip().lower()
    plain = re.sub(r"[^a-z]", "", name[:80])
    return _MEANT.get(plain) or (nearest(plain, KEYS, cutoff=0.8) if len(plain) > 3 else None) or name


def _record(text: str) -> tuple[dict[str, object], str]:
    """Return the one object in the text, its keys as `meant_key` returns them, and the text for counting lines."""
    start = _start(text)
    try:
        value, stop = _decode(text, start)
    except json.JSONDecodeError as first:
        repaired = text[:start] + _without_extra_commas(text[start:])
        try:
            value, stop = _decode(repaired, start)
        except (ValueError, RecursionError):
            raise _BadSignal(
                f"_signal.json line {first.lineno}: not valid JSON ({one_line(first.msg, 80)}); "
                'write one object such as {"status": "continue", "summary": "…"}.'
            ) from None
        text = repaired
    except (ValueError, RecursionError):
        # A number of thousands of digits, or thousands of nested lists.
        raise _BadSignal(
            "_signal.json holds a number too long or lists too deep to read; write plain strings."
        ) from None
    if not isinstance(value, dict):
        raise _BadSignal(
            '_signal.json is not an object; write one such as {"status": "continue", "summary": "…"}.'
        )
    if "{" in text[stop:]:
        line = text.count("\n", 0, text.index("{", stop)) + 1
        raise _BadSignal(f"_signal.json line {line}: there is a second object; write exactly one.")
    return value, text


def _start(text: str) -> int:
    """Return where the JSON starts: after a byte order mark and a line that opens a Markdown fence."""
    body = text.lstrip("\ufeff\0 \t\r\n")
    start = len(text) - len(body)
    if body.startswith(("```", "~~~")):
        inside = text.find("\n", start) + 1
        return len(text) - len(text[inside:].lstrip()) if inside else start
    return start


def _decode(text: str, start: int) -> tuple[object, int]:
    # strict=False: a line break inside a string is a common slip and has one meaning.
    return json.JSONDecoder(strict=False, object_pairs_hook=_one_of_each).raw_decode(text, start)


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


def _without_extra_commas(text: str) -> str:
    """Drop each comma, outside strings, that only a closing bracket follows."""
    kept: list[str] = []
    comma: int | None = None
    in_string = escaped = False
    for char in text:
        if in_string:
            in_string = escaped or char != '"'
            escaped = char == "\\" and not escaped
        elif char == ",":
            comma = len(kept)
        elif char in "}]":
            if comma is not None:
                kept[comma] = ""
            comma = None
        elif not char.isspace():
            in_string = char == '"'
            comma = None
        kept.append(char)
    return "".join(kept)


def _choice(kind: type[_Kind], record: dict[str, object], key: str, text: str) -> _Kind | None:
    value = record.get(key)
    if value is None or value == "":
        return None
    if isinstance(value, str):
        word = "_".join(value.strip().lower().replace("-", " ").split())
        if word in list(kind):
            return kind(word)
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
