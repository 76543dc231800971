"""The input of a running CLI: its lines, and when it is closed."""

from __future__ import annotations

import pytest

from samobot.claude.record_parser import parse
from samobot.claude.records import Other, TakenUp, ToolResult
from samobot.claude.turn_input import TurnInput
from tests.support.pipe import MemoryPipe


def test_a_message_and_an_interruption_are_lines_that_the_cli_reads() -> None:
    pipe = MemoryPipe()
    turn_input = TurnInput(pipe)
    turn_input.interrupt()
    turn_input.send("“two”\nlines \ud800", "u-1")
    assert pipe.lines == [
        {"type": "control_request", "request_id": "interrupt-1", "request": {"subtype": "interrupt"}},
        {"type": "user", "message": {"role": "user", "content": "“two”\nlines \ud800"}, "uuid": "u-1"},
    ]


@pytest.mark.parametrize(
    ("interrupts", "taken_up", "stays_open"),
    [
        (False, False, False),  # what it has read by then gets its turn before it exits
        (False, True, False),
        (True, True, False),
        (True, False, True),
    ],
)
def test_only_the_result_of_an_interruption_leaves_the_input_open(
    interrupts: bool, taken_up: bool, stays_open: bool
) -> None:
    turn_input = TurnInput(MemoryPipe())
    if interrupts:
        turn_input.interrupt()
    turn_input.send("words", "u-1")
    if taken_up:
        turn_input.taken_up("u-1")
    turn_input.end_turn()
    assert turn_input.is_open is stays_open
    turn_input.taken_up("u-1")
    turn_input.end_turn()
    assert not turn_input.is_open


def test_only_a_repeated_message_is_taken_up() -> None:
    content = [{"type": "tool_result", "tool_use_id": "t", "content": "x"}]
    result = {"type": "user", "message": {"content": content}, "uuid": "u-2"}
    said = {"type": "user", "message": {"content": "hello"}, "uuid": "u-1"}
    assert parse(said | {"isReplay": True}) == TakenUp("u-1")
    assert parse(said) == Other("user")
    assert parse(said | {"isReplay": "yes", "uuid": 7}) == Other("user")
    assert isinstance(parse(result), ToolResult)
