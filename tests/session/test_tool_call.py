"""The identity of a call, and how it reads."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samobot.session.tool_call import ToolCall
from tests.support.cases import for_each

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def bash(command: str, **more: Any) -> ToolCall:
    return ToolCall("Bash", {"command": command, **more})


def test_same_command_in_other_remarks_is_the_same_call() -> None:
    assert bash("ls", description="a").sha256 == bash("ls", description="b", timeout=5).sha256


@pytest.mark.parametrize(
    "other",
    [
        bash("ls "),
        bash("ls", run_in_background=True),
        bash("ls", dangerouslyDisableSandbox=True),
        ToolCall("Bash2", {"command": "ls"}),
        ToolCall("Bash", {"cmd": "ls"}),
    ],
)
def test_anything_else_is_another_call(other: ToolCall) -> None:
    assert other.sha256 != bash("ls").sha256


@pytest.mark.parametrize(
    ("call", "rule"),
    [
        (bash("git push"), "the command: git push"),
        (bash("x", run_in_background=True), "the command in the background: x"),
        (ToolCall("Write", {"file_path": "/a", "content": "x"}), "edits of /a"),
        (ToolCall("Edit", {"file_path": "/a", "new_string": "x"}), "edits of /a"),
        (ToolCall("WebFetch", {"url": "https://a.org/b?c"}), "pages of https://a.org"),
    ],
)
def test_rule_names_what_a_session_long_permission_allows(call: ToolCall, rule: str) -> None:
    assert call.rule == rule


def test_rule_of_an_unknown_tool_is_exactly_that_call() -> None:
    one, other = ToolCall("mcp__x__y", {"a": 1}), ToolCall("mcp__x__y", {"a": 2})
    assert one.rule.startswith("this call of mcp__x__y (")
    assert one.rule != other.rule
    # Of a shorter one an agent could find two calls, a harmless and another, that share it.
    assert one.sha256[:32] in one.rule


@for_each(
    "other",
    [
        bash("git status; rm -rf x"),
        bash("git status\nrm -rf x"),
        bash("git status "),
        bash("git\u00a0status"),
        bash("g\u0456t status"),  # CYRILLIC SMALL LETTER BYELORUSSIAN-UKRAINIAN I
        bash("git status\u200b"),
        bash("git status", run_in_background=True),
        bash("git status", dangerouslyDisableSandbox=True),
        ToolCall("Monitor", {"command": "git status"}),
    ],
)
def test_rule_of_a_command_allows_no_other(other: ToolCall) -> None:
    assert other.rule != bash("git status", description="x", timeout=5, run_in_background=False).rule
    assert other.sha256 != bash("git status").sha256


def test_edit_reads_as_a_diff() -> None:
    call = ToolCall(
        "Edit", {"file_path": "/a.py", "old_string": "a\nb\n", "new_string": "a\nc\n", "replace_all": True}
    )
    assert call.text == "/a.py (every occurrence)\n@@\n a\n-b\n+c"
    both = {"edits": [{"old_string": "x", "new_string": "y"}, {"old_string": "1", "new_string": "2"}]}
    assert ToolCall("MultiEdit", {"file_path": "/a", **both}).text == "/a\n@@\n-x\n+y\n@@\n-1\n+2"


def test_written_file_reads_whole() -> None:
    call = ToolCall("Write", {"file_path": "/a", "content": "one\ntwo"})
    assert call.text == "/a\n@@\n+one\n+two"


def test_command_reads_with_what_else_matters_about_it() -> None:
    assert (
        bash("ls\npwd", description="x", run_in_background=True).text == "ls\npwd\n# run_in_background: true"
    )


def test_invisible_characters_are_visible_and_their_names_cannot_be_faked() -> None:
    assert bash("a\u202eb\x1bc").subject == "a‹U+202E›b‹U+001B›c"
    assert bash("‹U+202E›").text == "‹U+2039›U+202E›"


@given(st.text(max_size=10), st.dictionaries(st.text(max_size=10), JSON, max_size=4))
def test_any_input_reads_as_text_that_can_be_sent(tool: str, values: dict[str, Any]) -> None:
    call = ToolCall(tool, values)
    for text in (call.text, call.subject, call.rule):
        text.encode()
    assert len(call.sha256) == 64


def test_large_edit_is_shown_as_a_replacement_at_once() -> None:
    old, new = "\n".join(map(str, range(2_000))), "\n".join(map(str, range(2_000, 0, -1)))
    text = ToolCall("Edit", {"file_path": "/a", "old_string": old, "new_string": new}).text
    assert text.startswith("/a\n@@\n-0\n-1\n")
    assert text.endswith("+2\n+1")


@pytest.mark.parametrize(
    "blank", ["\u00a0", "\u3164", "\u2800", "\u200d", "\ufeff", "\u2066", "\ud800", "\x00", "\r"]
)
def test_each_blank_is_visible(blank: str) -> None:
    assert bash(f"a{blank}b").text == f"a‹U+{ord(blank):04X}›b"


@pytest.mark.parametrize("text", ["naïve – “quotes” 日本語 🙂 é", "tab\there\nline"])
def test_what_can_be_seen_stays(text: str) -> None:
    assert bash(text).text == text
