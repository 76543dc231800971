"""Calls that do not come back keep nobody waiting for longer than the patience."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from samobot.system.bounded_calls import BoundedCalls


class Gate:
    """A call that comes back once it is let."""

    def __init__(self) -> None:
        self.count = 0
        self.begun = threading.Event()
        self._open = threading.Event()

    def __call__(self) -> None:
        self.count += 1
        self.begun.set()
        assert self._open.wait(60)

    def open(self) -> None:
        self._open.set()


@pytest.fixture
def gate() -> Iterator[Gate]:
    made = Gate()
    yield made
    made.open()


def until(condition: Callable[[], bool]) -> None:
    """Wait for another thread, however slow the machine is."""
    for _ in range(6000):
        if condition():
            return
        threading.Event().wait(0.01)
    raise AssertionError("it did not happen")


def test_all_calls_run_one_after_another() -> None:
    ran: list[str] = []
    calls = BoundedCalls(60.0)
    calls.run({key: lambda key=key: ran.append(key) for key in "abc"})  # type: ignore[misc]
    assert ran == ["a", "b", "c"]
    assert calls.late == frozenset()


def test_the_calls_behind_one_that_hangs_still_run(gate: Gate) -> None:
    ran: list[str] = []
    calls = BoundedCalls(0.05)
    calls.run({"a": lambda: ran.append("a"), "bad": gate, "b": lambda: ran.append("b")})
    assert "bad" in calls.late
    until(lambda: sorted(ran) == ["a", "b"])


def test_what_hangs_is_not_called_again_and_not_waited_for(gate: Gate) -> None:
    ran: list[int] = []
    calls = BoundedCalls(0.05)
    calls.run({"bad": gate})
    waiting = BoundedCalls(60.0)
    waiting._late, waiting._slow = calls._late, calls._slow
    for number in range(3):
        waiting.run({"bad": gate, "good": lambda number=number: ran.append(number)})  # type: ignore[misc]
    assert (ran, gate.count) == ([0, 1, 2], 1)


def test_what_came_back_late_is_reported_once_and_run_apart_until_it_is_quick(gate: Gate) -> None:
    calls = BoundedCalls(0.05)
    calls.run({"slow": gate})
    gate.open()
    until(lambda: not calls.late)
    assert calls.take_returned() == {"slow"}
    assert calls.take_returned() == set()
    second = Gate()
    calls.run({"slow": second})  # nobody waits for it, so this comes back
    assert second.begun.wait(60)
    second.open()
    until(lambda: calls.take_returned() == {"slow"})
    assert gate.count == 1


def test_a_call_whose_thread_begins_late_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    start = threading.Thread.start
    held = threading.Event()

    def start_late(thread: threading.Thread) -> None:
        def run_late(run: Callable[[], None] = thread.run) -> None:
            assert held.wait(60)
            run()

        monkeypatch.setattr(thread, "run", run_late)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_late)
    ran: list[str] = []
    caller = threading.Timer(0.2, held.set)
    start(caller)
    BoundedCalls(0.05).run({"a": lambda: ran.append("a")})
    caller.join()
    assert ran == ["a"]


def test_several_that_hang_do_not_add_up(gate: Gate) -> None:
    ran: list[str] = []
    calls = BoundedCalls(0.05)
    calls.run({"first": gate, "second": gate, "good": lambda: ran.append("good")})
    assert {"first", "second"} <= calls.late
    until(lambda: ran == ["good"])


def test_an_error_of_a_call_in_time_is_raised() -> None:
    def fail() -> None:
        raise OSError("no")

    with pytest.raises(OSError, match="no"):
        BoundedCalls(60.0).run({"a": fail})


def test_an_error_of_a_late_call_is_logged(gate: Gate, caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        gate()
        raise OSError("no")

    calls = BoundedCalls(0.05)
    calls.run({"a": fail})
    gate.open()
    until(lambda: not calls.late)
    assert "came back late" in caplog.text
