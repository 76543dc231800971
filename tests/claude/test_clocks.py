"""When a process of the CLI is ended, and that the time in which it waits for the user does not count."""

from __future__ import annotations

import pytest

from samobot.claude.clocks import Clocks, Timeouts
from samobot.claude.end import StoppedBy

TIMEOUTS = Timeouts(first_event=10, silence=100, exit_after_result=20, total=1000)


class Run:
    """A process on a clock that a test sets."""

    def __init__(self) -> None:
        self.time = 0.0
        self.clocks = Clocks(TIMEOUTS, lambda: self.time)
        self.at_work = False

    def passes(self, seconds: float, *, grew: bool = False, asking: bool = False) -> StoppedBy | None:
        """Let time pass, and look."""
        self.time += seconds
        self.clocks.look(grew=grew, asking=asking)
        return self.clocks.overdue(lambda: self.at_work)


@pytest.fixture
def run() -> Run:
    return Run()


def test_first_event(run: Run) -> None:
    assert [run.passes(5), run.passes(5), run.passes(1)] == [None, None, StoppedBy.FIRST_EVENT]


def test_silence_counts_from_the_last_line_and_not_while_a_tool_works(run: Run) -> None:
    run.clocks.heard = True
    assert [run.passes(90, grew=True), run.passes(100), run.passes(1)] == [None, None, StoppedBy.SILENCE]
    run.at_work = True
    assert run.passes(500) is None


def test_exit_after_a_result(run: Run) -> None:
    run.clocks.heard = run.clocks.has_result = True
    assert [run.passes(20), run.passes(1)] == [None, StoppedBy.EXIT]


def test_total(run: Run) -> None:
    run.clocks.heard = True
    assert [run.passes(1000, grew=True), run.passes(1, grew=True)] == [None, StoppedBy.TIMEOUT]


def test_days_of_waiting_for_the_user_end_nothing(run: Run) -> None:
    run.clocks.heard = True
    run.passes(900, grew=True)
    for _ in range(100):
        assert run.passes(3600, asking=True) is None
    assert run.passes(90) is None, "the silence begins after the answer"
    assert run.passes(11, grew=True) is StoppedBy.TIMEOUT, "what counts is the rest of its time"
    assert run.clocks.elapsed > 360_000
