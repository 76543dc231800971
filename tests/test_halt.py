"""Stopping: a person's stop is told from the machine going down, and nothing of a session is left."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from samobot.halt import halt
from samobot.sandbox.steps import Hang, Say
from samobot.session.folder import SessionFolder
from tests.support.scripted import investigation, scripted_shop
from tests.support.waiting import until


@pytest.mark.parametrize(
    ("how", "by"),
    [("samobot stop", "person"), ("halt", "person"), (signal.SIGINT, "person"), (signal.SIGTERM, "outside")],
)
def test_only_a_persons_stop_counts_as_one(tmp_path: Path, how: str | signal.Signals, by: str) -> None:
    shop = scripted_shop(tmp_path, investigation([Say(text="at work"), Hang(at="here")]))
    worker = shop.start("run", "--session", "greet", "--task", "x")
    until(lambda: bool(shop.runs()))
    match how:
        case "samobot stop":
            assert shop.samobot("stop", "greet").returncode == 0
        case "halt":
            halted = halt(SessionFolder(shop.session("greet")))
            assert halted.worker == worker.pid
            assert "nothing of the session is running" in halted.words
        case _:
            assert isinstance(how, signal.Signals)
            worker.send_signal(how)
    worker.communicate(timeout=30)
    assert worker.returncode == 12
    assert shop.journal("greet", "run_end")[-1]["by"] == by
    assert shop.status("greet")["state"] == "stopped"
    assert shop.processes() == []


def test_stopping_what_does_not_run_says_so(tmp_path: Path) -> None:
    (tmp_path / "_logs").mkdir()
    halted = halt(SessionFolder(tmp_path))
    assert (halted.worker, halted.forced, halted.ended, halted.alive) == (None, False, 0, ())
    assert "no worker was running" in halted.words
