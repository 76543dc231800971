"""The identity of a call, and how it reads."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samobot.session.tool_call import ToolCall

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
