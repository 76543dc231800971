"""What a view tells about words that people left for the agent."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from samobot.fleet.models import SessionView
from samobot.fleet.view_builder import view_of
from samobot.phases import Phase
from samobot.session import gate, journal
from samobot.session.folder import SessionFolder
from samobot.session.journal_events import EventName
from samobot.session.lock import RunLock
from samobot.session.overview_edits import new_overview, set_status
from samobot.session.snapshot import snapshot
from tests.support.scripted import blocked, go_on, investigation, scripted_shop
from tests.support.session_folder import make_session

NOW = datetime(2026, 1, 15, 14, 0, tzinfo=UTC)


def view(folder: SessionFolder) -> SessionView:
    return view_of(snapshot(folder, "demo"), "demo")


def at_work(folder: SessionFolder) -> list[tuple[str, bool]]:
    return [(item.text, item.at_work) for item in view(folder).guidance]


def test_guidance_of_the_running_iteration_is_distinguished_from_later_guidance(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    gate.tell(folder, "Use argparse", "Ann", NOW)
    with RunLock.acquire(folder, NOW):
        journal.append(folder, EventName.ITERATION_START, NOW, n=4, visit=1, phase="testing", guidance=1)
        gate.tell(folder, "And hurry", "Ann", NOW)
        assert at_work(folder) == [("Use argparse", True), ("And hurry", False)]
        journal.append(folder, EventName.ITERATION_END, NOW, n=4, phase="testing", outcome="crashed")
        assert at_work(folder) == [("Use argparse", False), ("And hurry", False)]


def test_the_iteration_that_ended_last_is_known_while_the_next_one_runs(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    assert view(folder).ended == 0
    journal.append(folder, EventName.ITERATION_START, NOW, n=4, visit=1, phase="testing")
    journal.append(folder, EventName.ITERATION_END, NOW, n=4, phase="testing", outcome="completed")
    journal.append(folder, EventName.ITERATION_START, NOW, n=5, visit=2, phase="testing")
    assert view(folder).ended == 4


@pytest.mark.slow
def test_a_worker_notes_how_much_guidance_each_iteration_was_given(tmp_path: Path) -> None:
    shop = scripted_shop(tmp_path, investigation([go_on()], [blocked()]))
    assert shop.run("greet", "--max-iterations", "1").returncode == 13
    assert shop.samobot("tell", "greet", "Use argparse").returncode == 0
    assert shop.run("greet").returncode == 11
    assert [start["guidance"] for start in shop.journal("greet", "iteration_start")] == [0, 1]


def test_nothing_is_said_to_come_next_before_the_agent_has_said_so(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    before = new_overview("greet", started="now", working_dir="/", task="Greet", phase=Phase.TESTING)
    folder.overview.write_text(before)
    assert view(folder).next is None
    folder.overview.write_text(set_status(before, {"Next": "Write the tests"}))
    assert view(folder).next == "Write the tests"


def test_guidance_that_was_written_by_hand_without_a_name_is_shown(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    folder.guidance.write_text("- [ ] Use argparse\n- [ ] - [ ] - [ ] \n")
    assert [item.who for item in view(folder).guidance] == ["somebody", "somebody"]
