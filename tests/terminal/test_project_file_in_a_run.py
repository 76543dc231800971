"""An agent that edits its project's `.samocode`: the session stays where it is, and the user hears of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from samobot.sandbox.agent.steps import RunStep
from tests.support.scripted import blocked, go_on, investigation, scripted_shop

pytestmark = pytest.mark.slow

MOVE = "sed -i 's,^SESSIONS=.*,SESSIONS=../elsewhere,' {file}"
KILL_WORKER = (
    "kill -9 $(python3 -c \"import json; print(json.load(open('{{session}}/_logs/run.lock'))['pid'])\")"
)


def test_sessions_does_not_move_during_an_iteration(tmp_path: Path) -> None:
    file = tmp_path / "demo" / ".samocode"
    shop = scripted_shop(
        tmp_path,
        investigation([RunStep(command=MOVE.format(file=file)), go_on()], [blocked()]),
    )
    before = file.read_bytes()
    ended = shop.run("greet", "--task", "Greet")
    assert ended.returncode == 11, ended.stdout + ended.stderr
    assert "SESSIONS" in ended.stdout + ended.stderr
    assert file.read_bytes() == before
    assert shop.status("greet")["state"] == "blocked"
    (void,) = shop.journal("greet", "void")
    assert (void["kind"], "SESSIONS" in void["detail"]) == ("project", True)


def test_nor_by_killing_the_worker(tmp_path: Path) -> None:
    file = tmp_path / "demo" / ".samocode"
    shop = scripted_shop(
        tmp_path,
        investigation([RunStep(command=MOVE.format(file=file)), RunStep(command=KILL_WORKER.format())]),
    )
    before = file.read_bytes()
    assert shop.run("greet", "--task", "Greet").returncode == -9
    assert b"elsewhere" in file.read_bytes()
    assert shop.status("greet")["session"] == "greet"
    assert file.read_bytes() == before
    (void,) = shop.journal("greet", "void")
    assert void["kind"] == "project"


def test_nor_does_another_project(tmp_path: Path) -> None:
    other = tmp_path / "shop" / "other" / ".samocode"
    shop = scripted_shop(
        tmp_path / "shop",
        investigation([RunStep(command=MOVE.format(file=other)), go_on()], [blocked()]),
    )
    other.parent.mkdir()
    other.write_text("MAIN_REPO=.\nWORKTREES=../w2\nSESSIONS=../s2\n")
    before = other.read_bytes()
    shop.environment["SAMOBOT_PROJECTS"] = f"{shop.repo}:{other.parent}"
    ended = shop.run("greet", "--task", "Greet")
    assert ended.returncode == 11, ended.stdout + ended.stderr
    assert other.read_bytes() == before
    (void,) = shop.journal("greet", "void")
    assert "the project other was changed (SESSIONS)" in void["detail"]
