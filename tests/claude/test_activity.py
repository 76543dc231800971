"""What an agent is doing, as a person would say it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samobot.claude.activity import WIDTH, activity
from samobot.claude.records import ApiRetry, Assistant, Init, Other, RateLimit, Result, ToolResult, ToolUse

CWD = Path("/projects/greeter")


def words(name: str, summary: str = "") -> str:
    found = activity(Assistant("", (ToolUse(name, summary),)), CWD)
    assert found is not None
    return found.words


@pytest.mark.parametrize(
    ("name", "summary", "expected"),
    [
        ("Edit", "/projects/greeter/src/greet.py", "Editing src/greet.py"),
        ("Write", "/projects/greeter/a b.py", "Writing a b.py"),
        ("Read", "/etc/hosts", "Reading /etc/hosts"),
        ("Read", "/projects/greeter", "Reading ."),
        ("Read", "/projects/greeter-old/x.py", "Reading /projects/greeter-old/x.py"),
        ("Read", "", "Reading a file"),
        ("Bash", "pytest -q", "Running: pytest -q"),
        ("Bash", "cd /projects/greeter && pytest\n  -q", "Running: pytest -q"),
        ("Bash", "cat /projects/greeter/src/x.py", "Running: cat src/x.py"),
        ("Bash", "", "Running"),
        ("Grep", "def greet", "Searching for def greet"),
        ("Task", "Check the names", "Delegating: Check the names"),
        ("Skill", "samocode:testing", "Using the skill: samocode:testing"),
        ("TaskUpdate", "whatever", "Updating its steps"),
        ("WebFetch", "https://example.org", "Fetching https://example.org"),
        ("mcp__github__create_issue", "x", "Using create_issue of github"),
        ("mcp__odd", "", "Using odd"),
        ("Novelty", "a thing", "Using Novelty: a thing"),
    ],
)
def test_each_tool_reads_like_a_sentence(name: str, summary: str, expected: str) -> None:
    assert words(name, summary) == expected


def test_a_long_path_keeps_its_end_and_a_long_command_its_beginning() -> None:
    path = words("Edit", "/projects/greeter/" + "deep/" * 40 + "greet.py")
    command = words("Bash", "pytest " + "tests/x.py " * 40)
    assert path.startswith("Editing …")
    assert path.endswith("/greet.py")
    assert command.startswith("Running: pytest tests/x.py")
    assert command.endswith("…")
    assert max(len(path), len(command)) <= WIDTH


def test_records_other_than_tools_have_a_text_too() -> None:
    shown = [
        activity(record, CWD)
        for record in (
            Init("", "", "", "", "", ()),
            Assistant(""),
            Assistant("I see."),
            ApiRetry(3, 10, 1.0, 529, "overloaded"),
            Result("success", is_error=False),
        )
    ]
    assert [found.words for found in shown if found] == [
        "Starting",
        "Thinking",
        "Writing",
        "Waiting for the API (attempt 3 of 10)",
        "Finishing",
    ]
    assert all(found and found.sign for found in shown)


def test_what_shows_nothing_new_is_nothing() -> None:
    for record in (
        ToolResult(False, 1),
        Other("x"),
        RateLimit("allowed"),
        Assistant("x", error="rate_limit"),
    ):
        assert activity(record, CWD) is None


def test_a_sub_agents_work_is_marked() -> None:
    found = activity(Assistant("", (ToolUse("Bash", "ls"),), sub_agent="7"), CWD)
    assert found is not None
    assert found.sub_agent


@given(st.text(max_size=60), st.text(max_size=500))
def test_any_tool_fits_on_one_line(name: str, summary: str) -> None:
    line = words(name, summary)
    assert len(line) <= WIDTH
    assert "\n" not in line


def test_a_file_of_the_session_is_called_by_its_name_alone() -> None:
    folder = Path("/projects/sessions/26-01-15-greet")
    written = Assistant("", (ToolUse("Write", f"{folder}/01-15-14:00-plan-greeting.md"),))
    counted = Assistant("", (ToolUse("Bash", f"wc -l {folder}/_qa.md /projects/greeter/x.py"),))
    found = [activity(record, CWD, folder) for record in (written, counted)]
    assert [each.words for each in found if each] == [
        "Writing 01-15-14:00-plan-greeting.md",
        "Running: wc -l _qa.md x.py",
    ]
