"""Promises of `_signal.json`: what is clear is understood, everything else is a problem in words."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samobot.phases import Phase, SignalStatus, WaitingFor
from samobot.session.signal import LIMIT, Signal, SignalProblem, SuiteResult, parse_signal
from tests.support.cases import for_each

PLAIN = '{"status": "continue", "phase": "testing", "summary": "Did it"}'
MEANT = Signal(SignalStatus.CONTINUE, Phase.TESTING, "Did it")

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def problem(text: str | None) -> str:
    found = parse_signal(text)
    assert isinstance(found, SignalProblem)
    return found.message


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        "\ufeff" + PLAIN,
        PLAIN.replace(",", ",\r\n") + "\r\n",
        f"```json\n{PLAIN}\n```\n",
        f"~~~\n{PLAIN}\n~~~",
        PLAIN.replace("}", ",\n}"),
        PLAIN + "\nThat is all, folks.",
        PLAIN.upper().replace("DID IT", "Did it"),
        PLAIN.replace("testing", " Testing "),
        PLAIN.replace("}", ', "reason": null, "for": "", "needs": []}'),
        PLAIN.replace('"', "'"),
        PLAIN.replace('"', '\\"'),
        json.dumps(PLAIN),
        f"[{PLAIN}]",
        f'{{"signal": {PLAIN}}}',
        f'{{"session": "x", "signal": {PLAIN}}}',
        PLAIN.replace('"status"', "status").replace('"phase"', "phase"),
        PLAIN.replace('"continue"', "continue"),
        PLAIN.replace('"', "“", 1).replace('"', "”", 1),
        PLAIN.replace('"phase"', '// next {"one"}\n"phase"'),
        PLAIN.replace("}", ", // the end\n}"),
        PLAIN.replace("}", ', /* a "note" */ }'),
        "# The signal\n" + PLAIN,
        "// it's {done}\n" + PLAIN,
        f"Here's the signal:\n\n```json\n{PLAIN}\n```\nI wrote {{it}} all.",
        PLAIN.replace("}", ", 'reason': None, \"needs\": undefined, 'blocked': True}"),
        PLAIN.replace("}", ', "path": "C:\\Users\\x"}'),
        PLAIN.encode("utf-16").decode("utf-8", "surrogateescape"),
        PLAIN.encode("utf-16-be").decode("utf-8", "surrogateescape"),
        ("\ufeff" + PLAIN).encode("utf-16-be").decode("utf-8", "surrogateescape"),
        PLAIN.encode("utf-16-le").decode("utf-8", "surrogateescape"),
        PLAIN.replace('"testing"', '["testing"]'),
        PLAIN.replace("testing", "the Testing phase"),
        PLAIN.replace("testing", "testing-agent"),
        PLAIN.replace('"testing"', '"`testing`"').replace('"continue"', '"✅ Continue."'),
        PLAIN.replace('"continue"', '"continue to testing"'),
        PLAIN.replace('"phase"', '"next"'),
        PLAIN.replace("}", ', "confidence": [0.9, {"a": 1,},], "note": ",}"}'),
    ],
)
def test_what_cannot_be_misunderstood_is_accepted(text: str) -> None:
    assert parse_signal(text) == MEANT


@pytest.mark.parametrize(
    ("written", "waits"),
    [
        ('"status": "waiting", "for": "answers"', WaitingFor.QA_ANSWERS),
        ('"status": "waiting", "for": "_qa.md"', WaitingFor.QA_ANSWERS),
        ('"status": "waiting", "for": ["plan_approval"]', WaitingFor.PLAN_APPROVAL),
        ('"status": "waiting", "for": "Plan Review"', WaitingFor.PLAN_APPROVAL),
        ('"status": "waiting for the user", "for": "human"', WaitingFor.HUMAN_ACTION),
        ('"status": "waiting_for_human", "phase": "N/A", "for": "none"', None),
    ],
)
def test_what_it_waits_for_is_understood(written: str, waits: WaitingFor | None) -> None:
    assert parse_signal(f"{{{written}}}") == Signal(SignalStatus.WAITING, waiting_for=waits)


def test_every_field_is_read() -> None:
    text = json.dumps(
        {
            "status": "waiting",
            "phase": "planning",
            "summary": "s",
            "reason": ["r1", " ", "r2 "],
            "needs": ["n"],
            "for": "Plan approval",
        }
    )
    assert parse_signal(text) == Signal(
        SignalStatus.WAITING, Phase.PLANNING, "s", "r1\nr2", "n", WaitingFor.PLAN_APPROVAL
    )


def test_a_line_break_inside_a_string_is_kept() -> None:
    assert parse_signal('{"status": "blocked", "reason": "a\nb,}"}') == Signal(
        SignalStatus.BLOCKED, reason="a\nb,}"
    )


def test_comma_inside_a_string_survives_the_repair_of_others() -> None:
    assert parse_signal('{"status": "blocked", "reason": "a\\",}", }') == Signal(
        SignalStatus.BLOCKED, reason='a",}'
    )


def test_half_a_character_becomes_a_replacement_character() -> None:
    assert parse_signal('{"status": "blocked", "reason": "\\ud83d"}') == Signal(
        SignalStatus.BLOCKED, reason="\ufffd"
    )


@pytest.mark.parametrize("text", [None, "", " \r\n", "\ufeff", "\0\0"])
def test_a_missing_signal_is_called_missing(text: str | None) -> None:
    assert "no signal" in problem(text)


@for_each(
    ("text", "parts"),
    [
        ("{}", ["no “status”", "continue, done, blocked, waiting"]),
        ('{"status": "continue | done"}', ["“continue | done”"]),
        ('{"status": "done with half of it"}', ["“done with half of it”"]),
        ('{"status": "done, phase 1"}', ["“done, phase 1”"]),
        ('{"status": "continue", "next": "testing", "goto": "quality"}', ["quality, testing", "write one"]),
        ('{"status": "continue", "phase": "implementation → testing"}', ["implementation → testing"]),
        ('{"status": "continue", "phase": "2"}', ["“phase” is “2”"]),
        ('{"status": "none"}', ["“none”"]),
        (PLAIN.replace('"phase"', "'phase").replace("Did", "Didn't"), ["not valid JSON"]),
        ('{"status":\n"finished"}', ["line 1", "“finished”", "continue, done, blocked, waiting"]),
        (
            '{"status": "done",\n "phase": "implement"}',
            ["line 2", "did you mean “implementation”", "quality"],
        ),
        ('{"status": "waiting",\n\n "for": "godot"}', ["line 3", "qa_answers, plan_approval"]),
        ('{"status": true}', ["“status” is “true”"]),
        ('{"status": ["done"]}', ["“status” is"]),
        ('{"status": "done", "summary": 3}', ["“summary” is not text"]),
        ('{"status": "done", "needs": [1]}', ["“needs” is not text"]),
        ('{"status": "done", "needs": {"a": 1}}', ["“needs” is not text"]),
        ('{\n"status": "do', ["line 2", "not valid JSON"]),
        ("status: done", ["line 1", "not valid JSON"]),
        ("```json", ["not valid JSON"]),
        ('["done"]', ["not an object"]),
        ("3", ["not an object"]),
        (PLAIN + "\n" + PLAIN, ["line 2", "second object"]),
        ('{"status": "done", "Status": "blocked"}', ["twice"]),
        ("[" * 100_000, ["too deep"]),
        ('{"a": ' + "[" * 100_000, ["too deep"]),
        ('{"status": ' + "9" * 5000 + "}", ["too long"]),
        ('{"status": "' + "x" * LIMIT + '"}', ["at most"]),
    ],
)
def test_error_names_its_place_and_what_is_allowed(text: str, parts: list[str]) -> None:
    message = problem(text)
    for part in parts:
        assert part in message
    assert len(message) < 300
    assert "\n" not in message


@given(st.text() | st.text(alphabet='{}[]",:\\ \nstau1e`').map(lambda text: PLAIN[:20] + text))
def test_no_text_makes_a_traceback(text: str) -> None:
    assert isinstance(parse_signal(text), Signal | SignalProblem)


@given(
    st.dictionaries(st.sampled_from(["status", "phase", "summary", "reason", "needs", "for"]), json_values)
)
def test_no_value_makes_a_traceback(record: dict[str, object]) -> None:
    assert isinstance(parse_signal(json.dumps(record)), Signal | SignalProblem)


@pytest.mark.parametrize(
    ("text", "phase"),
    [
        ('{"status":"continue","next_phase":"testing"}', Phase.TESTING),
        ('{"status":"continue","nextPhase":"quality"}', Phase.QUALITY),
        ('{"status":"continue","next-phase":"Done"}', Phase.DONE),
        ('{"status":"continue","Next Phase":"planning"}', Phase.PLANNING),
        ('{"status":"continue","target_phase":"testing"}', Phase.TESTING),
        ('{"status":"continue","phse":"testing"}', Phase.TESTING),
        ('{"status":"continue","phase":"testing","next_phase":"testing"}', Phase.TESTING),
        ('{"status":"continue","phase":null,"next_phase":"testing"}', Phase.TESTING),
        ('{"status":"continue","phase":"testing","next_phase":""}', Phase.TESTING),
        ('{"state":"continue","next_phase":"testing"}', Phase.TESTING),
        ('{"status":"continue","transition_to":"testing"}', Phase.TESTING),
        ('{"status":"continue","nextAgent":"testing-agent"}', Phase.TESTING),
        ('{"status":"continue","next":{"phase":"testing"},"goto":"Testing"}', Phase.TESTING),
        ('{"signal":{"status":"continue"},"next_phase":"testing"}', Phase.TESTING),
        ('{"signal":{"status":"continue","phase":"testing"},"phase":"planning"}', Phase.TESTING),
        ('{"status":"continue","from":"planning","next_step":"write the tests"}', None),
        ('{"status":"continue","notes":"testing"}', None),
        ('{"status":"continue","next":"write tests"}', None),
    ],
)
def test_near_misses_of_keys_are_understood(text: str, phase: Phase | None) -> None:
    signal = parse_signal(text)
    assert isinstance(signal, Signal), signal
    assert signal.phase is phase


def test_two_phases_that_differ_are_a_problem() -> None:
    assert "“phase” twice" in problem('{"status":"continue","phase":"testing",\n"next_phase":"quality"}')


def test_a_bad_value_of_a_near_miss_is_named_with_its_line() -> None:
    found = problem('{"status": "continue",\n "next_phase": "tests"}')
    assert "line 2: “phase” is “tests” (did you mean “testing”?)" in found


@pytest.mark.parametrize(
    ("written", "result"),
    [
        ('{"passed": 12, "failed": 0}', SuiteResult(12, 0)),
        ('{"passed": 10, "failed": 2, "skipped": 1}', SuiteResult(10, 2)),
        ('{"Passed": 3}', SuiteResult(3, 0)),
        ('{"passed": 0, "failed": 0}', None),
        ('{"passed": "12", "failed": 0}', None),
        ('{"passed": true}', None),
        ('{"passed": -1}', None),
        ('{"passed": 1e9}', None),
        ('{"passed": 99999999999}', None),
        ('"12 passed"', None),
        ("12", None),
        ("null", None),
    ],
)
def test_the_result_of_the_tests_is_two_counts_or_nothing(written: str, result: SuiteResult | None) -> None:
    signal = parse_signal(f'{{"status": "continue", "tests": {written}}}')
    assert isinstance(signal, Signal)
    assert signal.tests == result


def test_a_signal_names_the_plan() -> None:
    signal = parse_signal('{"status": "waiting", "for": "plan_approval", "plan": "01-15-10:30-plan-x.md"}')
    assert isinstance(signal, Signal)
    assert signal.plan == "01-15-10:30-plan-x.md"
