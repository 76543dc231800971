"""Promises of `_overview.md`: every variant is read, and an edit changes only what it is about."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from samobot.phases import Phase
from samobot.session.overview import FlowEntry, Overview, parse_overview
from samobot.session.overview_edits import add_flow, flow_line, new_overview, set_status
from samobot.text import one_line, without_surrogates
from tests.support.calls import assert_linear

NOW = datetime(2026, 1, 15, 10, 30, tzinfo=UTC)

BY_HAND = """\
# Session: pyright-ci

Started: 26-01-15 10:00
Working Dir: ~/work/pyright
**Task:** Make the type checker
pass in CI.

Phase: not this one

## Status
- **Phase:** `Planning`{two_spaces}
- **Iteration**: 3/10
- Blocked: waiting_human
-  Last Action:   Wrote the plan
Something that nobody understands
Next: Approve
Owner: Ann

## Notes
Phase: nor this one

## Flow Log
- [001 @ 01-15 10:30] Session created
- [01-15 11:00] Dive → 01-15-11:00-dive-types.md
* [2 @ 01-15 12:00] Plan -> [the plan](01-15-12:00-plan-types.md)
- planning → implementation
  with a second line

## Files
- `_qa.md`: questions
- b.md

## Plans
- 01-15-12:00-plan-types.md
""".replace("{two_spaces}", "  ")

PIECES = [
    "# Session: x", "## Status", "## status:", "## Flow Log", "## Task", "## Files", "### Status", "Phase: planning",
    "**Phase:** testing", "- Iteration: 3", "Task: do", "Task:", "> quoted", "Started: now", "Working Dir: /x", "```",
    "~~~", "- [001 @ 01-01 01:01] text → a.md", "words", "", "  ", "\r", "\udcff", "\ufeff", "__Next__: y", "Blocked:",
]  # fmt: skip

texts = st.lists(
    st.tuples(st.sampled_from(PIECES) | st.text(max_size=12), st.sampled_from(["\n", "\n", "\n", "\r\n", ""]))
).map(lambda lines: "".join(piece + end for piece, end in lines))
tasks = (
    st.text()
    | st.lists(st.sampled_from(PIECES)).map("\n".join)
    | st.lists(st.sampled_from(PIECES)).map("\r\n".join)
)


def test_a_file_of_years_of_use_is_read() -> None:
    overview = parse_overview(BY_HAND)
    assert overview == Overview(
        title="Session: pyright-ci",
        name="pyright-ci",
        started="26-01-15 10:00",
        working_dir="~/work/pyright",
        task="Make the type checker\npass in CI.\n\nPhase: not this one",
        phase=Phase.PLANNING,
        phase_text="`Planning`",
        iteration=3,
        blocked="waiting_human",
        last_action="Wrote the plan",
        next="Approve",
        flow=(
            FlowEntry(1, "01-15 10:30", "Session created", None),
            FlowEntry(None, "01-15 11:00", "Dive", "01-15-11:00-dive-types.md"),
            FlowEntry(2, "01-15 12:00", "Plan", "01-15-12:00-plan-types.md"),
            FlowEntry(None, None, "planning → implementation\nwith a second line", None),
        ),
        files=("`_qa.md`: questions", "b.md"),
        plans=("01-15-12:00-plan-types.md",),
    )
    assert parse_overview(BY_HAND.replace("\n", "\r\n")) == overview


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_only_the_values_change(end: str) -> None:
    text = BY_HAND.replace("\n", end)
    changed = set_status(text, {"phase": "testing", "LAST ACTION": "Did\nit", "Quality Iteration": "1"})
    expected = (
        BY_HAND.replace("`Planning`  ", "testing  ")
        .replace("Wrote the plan", "Did it")
        .replace("Owner: Ann\n", "Owner: Ann\nQuality Iteration: 1\n")
    )
    assert changed == expected.replace("\n", end)


def test_a_new_key_is_written_in_the_style_of_the_others() -> None:
    text = "## Status\n- **Phase:** testing\n\n## Files\n"
    assert set_status(text, {"Next": "Go"}) == "## Status\n- **Phase:** testing\n- **Next:** Go\n\n## Files\n"


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ("", "## Status\nPhase: done\n"),
        ("# T", "# T\n\n## Status\nPhase: done\n"),
        ("# T\r\n\r\n## Files\r\n", "# T\r\n\r\n## Status\r\nPhase: done\r\n\r\n## Files\r\n"),
        ("## Status", "## Status\nPhase: done\n"),
        ("### Status\nNext: x", "### Status\nNext: x\n\n## Status\nPhase: done\n"),
        ("## Status\nPhase:", "## Status\nPhase: done"),
        ("## Status\nPhase: \n", "## Status\nPhase: done\n"),
        ("## Status\nPhase:planning\n", "## Status\nPhase:done\n"),
        ("```\n## Status\n```\n", "```\n## Status\n```\n\n## Status\nPhase: done\n"),
    ],
)
def test_a_missing_section_or_key_is_added(text: str, changed: str) -> None:
    assert set_status(text, {"Phase": "done"}) == changed


@given(texts, st.text(), st.sampled_from(list(Phase)))
def test_any_value_in_any_file_is_read_back_and_the_remainder_stays(
    text: str, value: str, phase: Phase
) -> None:
    before = parse_overview(text)
    changed = set_status(text, {"Phase": phase, "Last Action": value, "Iteration": "7"})
    after = parse_overview(changed)
    assert (after.phase, after.iteration) == (phase, 7)
    assert after.last_action == (one_line(value) or None)
    assert after.task == before.task
    assert after.flow == before.flow
    assert (after.next, after.blocked, after.total_iterations) == (
        before.next,
        before.blocked,
        before.total_iterations,
    )
    assert set_status(changed, {"Phase": phase, "Last Action": value, "Iteration": "7"}) == changed
    kept = iter(changed)
    for line in text.split("\n"):
        if not any(word in line for word in ("Phase", "Iteration")):
            assert all(char in kept for char in line)


@given(texts, st.text())
def test_a_flow_entry_lands_at_the_end_of_the_log(text: str, words: str) -> None:
    before = parse_overview(text)
    changed = add_flow(text, flow_line(words, NOW, number=12) + " → x.md")
    after = parse_overview(changed)
    assert after.flow[:-1] == before.flow
    assert after.flow[-1] == FlowEntry(12, "01-15 10:30", one_line(words), "x.md")
    assert after.task == before.task
    assert (after.phase_text, after.next, after.files) == (before.phase_text, before.next, before.files)


def test_a_flow_entry_changes_no_other_byte() -> None:
    last = "  with a second line\n"
    changed = add_flow(BY_HAND, flow_line("Stopped", NOW))
    assert changed == BY_HAND.replace(last, last + "- [01-15 10:30] Stopped\n")


@given(tasks)
@example("## Status\nPhase: done")
@example("a\r\nb\r")
@example(" x ")
def test_any_task_is_read_back_exactly_and_breaks_nothing(task: str) -> None:
    text = new_overview("x", started="today", working_dir="/w  w/\udcff", task=task, phase=Phase.PLANNING)
    text = set_status(text, {"Next": "Go"})
    text = add_flow(text, "began")
    overview = parse_overview(text)
    assert overview.task == (without_surrogates(task) or None)
    assert (overview.title, overview.name, overview.started) == ("Session: x", "x", "today")
    assert overview.working_dir == "/w  w/\udcff"
    assert (overview.phase, overview.iteration, overview.total_iterations) == (Phase.PLANNING, 0, 0)
    assert (overview.blocked, overview.next, overview.quality_iteration) == ("no", "Go", 0)
    assert overview.flow == (FlowEntry(None, None, "began", None),)
    assert overview.problems == ()


def test_new_overview_has_the_designed_format() -> None:
    text = new_overview(
        "x", started="26-01-15 10:30", working_dir="/w", task="Do it", phase=Phase.INVESTIGATION
    )
    assert text.startswith(
        "# Session: x\n\nStarted: 26-01-15 10:30\nWorking Dir: /w\nTask: Do it\n\n## Status\nPhase: investigation\n"
    )
    headings = [line for line in text.split("\n") if line.startswith("## ")]
    assert headings == ["## Status", "## Flow Log", "## Files", "## Plans"]


@pytest.mark.parametrize(
    ("text", "task"),
    [
        ("# T\nTask: a\n", "a"),
        ("# T\nTask:\na\n\nb\n\n## Status\n", "a\n\nb"),
        ("# T\nTask:\n> a\n>b\n\nreply\n", "> a\n>b\n\nreply"),
        ("# T\nTask:\n```\n## Status\n```\n## Status\n", "```\n## Status\n```"),
        ("# T\n## Status\n\n## Task\n\na\nb\n\n## Files\n", "a\nb"),
        ("# T\n## Task\n> a\n> b\n", "a\nb"),
        ("# T\nTask: a\nStarted: b\n", "a"),
        ("# T\n## Status\nTask: a\n", None),
    ],
)
def test_tasks_written_by_hand_are_read(text: str, task: str | None) -> None:
    assert parse_overview(text).task == task


@pytest.mark.parametrize(
    ("written", "phase"),
    [
        ("planning", Phase.PLANNING),
        ("Planning.", Phase.PLANNING),
        ("**done**", Phase.DONE),
        ("implementation (phase 2 of 3)", Phase.IMPLEMENTATION),
        ("implementation, then testing", None),
        ("[planning|testing]", None),
        ("implementaton", None),
    ],
)
def test_a_phase_is_ours_or_a_problem(written: str, phase: Phase | None) -> None:
    overview = parse_overview(f"# T\n\n## STATUS\nPhase: {written}\n")
    assert overview.phase is phase
    assert overview.phase_text == written
    assert bool(overview.problems) == (phase is None)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "no “## Status”"),
        ("# T\n\n## Status\n", "line 3"),
        (
            "## Status\nPhase: implementaton\n",
            "line 2: unknown phase “implementaton” (did you mean “implementation”?)",
        ),
        ("## Status\nPhase: done\nIteration: many\n", "line 3: “Iteration” is “many”"),
        ("## Status\nPhase: done\nIteration: " + "9" * 5000, "line 3: “Iteration”"),
        ("## Status\nPhase: done\nPhase: testing\n", "line 3: a second “Phase”"),
    ],
)
def test_a_problem_names_file_and_line(text: str, part: str) -> None:
    (problem,) = parse_overview(text).problems
    assert part in problem
    assert problem.startswith("_overview.md")


@given(st.text() | texts)
def test_no_input_makes_a_traceback(text: str) -> None:
    assert isinstance(parse_overview(text), Overview)


@pytest.mark.slow
@pytest.mark.no_cover
@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    "piece", ["## Status\n", "Phase: x\n", "- a → \n", "```\n", "~~~ x\n", "\n", "->", "**", "Task:\n", "> "]
)
def test_huge_files_are_read_in_linear_time(piece: str) -> None:
    def read(size: int) -> None:
        text = "# T\n## Flow Log\n- " + piece * (size // len(piece))
        assert parse_overview(set_status(text, {"Next": "Go"})).next is not None

    assert_linear(read)
