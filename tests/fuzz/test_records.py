"""What the Claude CLI really writes, with some of it changed: whatever comes out, an iteration is judged."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samobot.claude.activity import activity
from samobot.claude.end import ProcessEnd, StoppedBy
from samobot.claude.evidence import Evidence
from samobot.claude.outcome import Outcome, classify
from samobot.claude.record_parser import parse
from tests.claude.test_record_parser import JSON

pytestmark = pytest.mark.slow

NOW = datetime(2026, 1, 15, 10, 30, tzinfo=UTC)
FIXTURES = sorted((Path(__file__).parents[1] / "claude" / "fixtures").glob("*.jsonl"))


def _lines(path: Path) -> list[dict[str, Any]]:
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found


STREAMS = [_lines(path) for path in FIXTURES]


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every place in a value that can be changed: container and key."""
    found: list[tuple[Any, Any]] = []
    if isinstance(value, dict | list):
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            found += [(value, key), *places(value[key])]
    return found


@st.composite
def changed_streams(draw: st.DrawFn) -> list[dict[str, Any]]:
    """A real stream of which some values are something else, some lines gone, doubled or in another place."""
    stream = copy.deepcopy(draw(st.sampled_from(STREAMS)))
    for _ in range(draw(st.integers(0, 4))):
        found = places(stream)
        container, key = found[draw(st.integers(0, len(found) - 1))]
        if container is not stream:
            container[key] = draw(JSON)
    order = draw(st.lists(st.integers(0, len(stream) - 1), max_size=len(stream) + 2))
    return [stream[index] for index in order] if draw(st.booleans()) else stream


ENDS = st.builds(
    ProcessEnd,
    returncode=st.integers(-64, 255) | st.none(),
    stopped_by=st.none() | st.sampled_from(list(StoppedBy)),
    leftover=st.integers(0, 5),
    stderr=st.text(max_size=80),
    start_error=st.just("") | st.text(max_size=40),
    garbage=st.integers(0, 9),
    skipped=st.integers(0, 9),
)


@given(changed_streams(), ENDS)
def test_every_stream_comes_to_an_outcome_with_a_text(stream: list[dict[str, Any]], end: ProcessEnd) -> None:
    evidence = Evidence()
    for line in stream:
        record = parse(line)
        evidence.add(record)
        doing = activity(record, Path("/work"))
        assert doing is None or "\n" not in doing.words
    outcome = classify(evidence, end, NOW)
    assert isinstance(outcome, Outcome)
    assert outcome.text
    assert len(outcome.text) < 5_000
    outcome.text.encode()
    assert outcome.cost_usd is None or outcome.cost_usd >= 0
