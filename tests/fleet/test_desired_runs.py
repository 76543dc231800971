"""Which runs should be running, across restarts, damage and a full disk."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from samobot.errors import StorageError
from samobot.fleet.desired_runs import FILE_NAME, DesiredRun, DesiredRuns


def test_the_queue_keeps_its_order(tmp_path: Path) -> None:
    runs = DesiredRuns(tmp_path, time.time)
    runs.want("demo:a", {"task": "x"})
    for session in ("demo:b", "demo:c", "demo:d"):
        runs.want(session, {}, queued=True)
    runs.want("demo:b", {"task": "again"}, queued=True)
    assert [run.session for run in runs.all() if run.place is not None] == ["demo:b", "demo:c", "demo:d"]
    runs.admit("demo:b")
    runs.drop("demo:c")
    runs.want("demo:e", {}, queued=True)
    assert [run.session for run in runs.all() if run.place is not None] == ["demo:d", "demo:e"]
    assert [run.session for run in runs.all()][:2] == ["demo:a", "demo:b"]
    assert runs.get("demo:c") is None


def test_only_recent_restarts_count(tmp_path: Path) -> None:
    now = 1000.0
    runs = DesiredRuns(tmp_path, lambda: now)
    runs.want("demo:a", {})
    counts = []
    for _ in range(4):
        counts.append(runs.restarted("demo:a"))
        now += 250
    assert counts == [1, 2, 3, 3]
    runs.want("demo:a", {})
    assert runs.restarted("demo:a") == 1
    assert runs.restarted("demo:nobody") == 0


def test_every_change_is_on_disk_when_the_call_returns(tmp_path: Path) -> None:
    runs = DesiredRuns(tmp_path, time.time)
    runs.want("demo:a", {"auto": True})
    runs.want("demo:b", {}, queued=True)
    runs.restarted("demo:a")
    assert DesiredRuns(tmp_path, time.time).all() == runs.all()
    runs.admit("demo:b")
    assert all(run.place is None for run in DesiredRuns(tmp_path, time.time).all())
    runs.drop("demo:a")
    assert [run.session for run in DesiredRuns(tmp_path, time.time).all()] == ["demo:b"]
    assert (tmp_path / FILE_NAME).stat().st_mode & 0o777 == 0o600


def test_a_damaged_file_is_moved_aside(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text("[{")
    assert DesiredRuns(tmp_path, time.time).all() == ()
    assert (tmp_path / FILE_NAME).with_suffix(".damaged").read_text() == "[{"


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_change_that_the_disk_refuses_is_not_kept(tmp_path: Path) -> None:
    runs = DesiredRuns(tmp_path, time.time)
    tmp_path.chmod(0o500)
    with pytest.raises(StorageError):
        runs.want("demo:a", {})
    assert runs.all() == ()


def test_adopted_runs_do_not_replace_known_ones(tmp_path: Path) -> None:
    runs = DesiredRuns(tmp_path, time.time)
    runs.want("demo:a", {"auto": True})
    runs.adopt([DesiredRun(session="demo:a"), DesiredRun(session="demo:b")])
    assert {run.session: run.options for run in runs.all()} == {"demo:a": {"auto": True}, "demo:b": {}}
