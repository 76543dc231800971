"""An iteration is stopped before a disk is full, and the user reads what was written where."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from samobot.claude.fence_probe import fence_problem, find_bwrap
from samobot.claude.invocation import Invocation
from samobot.claude.spawn import wrapped
from samobot.phases import Phase
from samobot.sandbox.agent.scenario import Scenario
from samobot.sandbox.agent.steps import Hang, RunStep
from samobot.worker.disk_guard import DiskGuard
from tests.support.scripted import scripted_shop

GB = 1_000_000_000


class Disk:
    """A disk whose free space the test sets."""

    def __init__(self, free: int) -> None:
        self.free = free

    def __call__(self, folder: Path) -> int:
        return self.free


def test_iteration_ends_below_the_limit_and_not_before(tmp_path: Path) -> None:
    disk = Disk(10 * GB)
    guard = DiskGuard([tmp_path, tmp_path / "none"], 500, 0.0, disk)
    assert guard.file_limit == 9_500_000_000
    assert not guard.is_full()
    disk.free = 500_000_000
    assert not guard.is_full()
    assert guard.report() is None
    disk.free = 499_999_999
    assert guard.is_full()


def test_small_disk_may_be_used_to_the_half(tmp_path: Path) -> None:
    disk = Disk(600_000_000)
    guard = DiskGuard([tmp_path], 500, 0.0, disk)
    assert guard.file_limit == 300_000_000
    disk.free = 300_000_000
    assert not guard.is_full()
    disk.free -= 1
    assert guard.is_full()
    assert DiskGuard([tmp_path], 500, 0.0, Disk(0)).file_limit == 1_000_000


def test_limit_of_zero_watches_nothing(tmp_path: Path) -> None:
    guard = DiskGuard([tmp_path], 0, 0.0, Disk(0))
    assert guard.file_limit is None
    assert not guard.is_full()


def test_report_names_the_disk_and_the_biggest_file_that_was_written(tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.write_bytes(b"x" * 4_000_000)
    disk = Disk(2 * GB)
    guard = DiskGuard([tmp_path], 500, old.stat().st_ctime + 0.001, disk)
    os.utime(old, (0, 4e9))  # the time that a program may set does not count; that it did so does
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "big").write_bytes(b"x" * 2_000_000)
    (tmp_path / "small").write_bytes(b"x" * 1_000_000)
    disk.free = 0
    assert guard.is_full()
    report = guard.report() or ""
    assert report.startswith(
        f"Less than 500.0 MB are free on the disk of {tmp_path}: the iteration was stopped."
    )
    assert "most of it to" in report
    nobody = tmp_path / "nobody"
    nobody.mkdir()
    guard = DiskGuard([nobody], 500, 0.0, disk)
    disk.free = -1
    assert guard.is_full()
    assert "Something else than the agent fills it" in (guard.report() or "")


def test_one_file_cannot_take_the_whole_disk(tmp_path: Path) -> None:
    command = ("sh", "-c", "head -c 3000000 /dev/zero > big; truncate -s 3000000 sparse; echo $?")
    call = Invocation(command, tmp_path, dict(os.environ), b"", tmp_path / "log", "", file_limit=1_000_000)
    done = subprocess.run(
        wrapped(call), cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert done.stdout != "0\n"
    assert (tmp_path / "big").stat().st_size == 1_000_000


def test_report_looks_for_a_few_seconds_and_at_the_agents_own_folders_first(tmp_path: Path) -> None:
    own, shared = tmp_path / "own", tmp_path / "shared"
    for folder in (own, shared):
        folder.mkdir()
        (folder / "big").write_bytes(b"x" * 2_000_000)
    disk, seconds = Disk(2 * GB), iter([0.0, 1.0, 60.0])
    guard = DiskGuard([own, shared], 500, 0.0, disk, lambda: next(seconds))
    disk.free = 0
    assert guard.is_full()
    assert f"At least 2.0 MB were written meanwhile, most of it to {own / 'big'} (2.0 MB)." in (
        guard.report() or ""
    )


def test_report_leaves_out_what_was_written_to_another_disk(tmp_path: Path) -> None:
    other = Path("/dev/shm")
    if not os.access(other, os.W_OK) or other.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second disk here")
    with tempfile.TemporaryDirectory(dir=other) as folder:
        (Path(folder) / "big").write_bytes(b"x" * 2_000_000)
        free = {tmp_path: 2 * GB, Path(folder): 2 * GB}
        guard = DiskGuard([tmp_path, Path(folder)], 500, 0.0, free.__getitem__)
        free[tmp_path] = 0
        assert guard.is_full()
        assert "Something else than the agent fills it" in (guard.report() or "")


@pytest.mark.slow
def test_agent_that_fills_the_disk_is_stopped_and_the_user_reads_why(tmp_path: Path) -> None:
    bwrap = find_bwrap(os.environ)
    problem = fence_problem(os.environ)
    if bwrap is None or problem is not None:
        pytest.skip(f"no small disk can be made here: {problem}")
    fill = RunStep(command="head -c 50000000 /dev/zero > big")
    shop = scripted_shop(tmp_path, Scenario(phases={Phase.INVESTIGATION: [[fill, Hang()]]}))
    shop.worktrees.mkdir(exist_ok=True)
    scratch = tmp_path / "scratch"  # the report looks through it: the machine's may be large
    scratch.mkdir()
    shop.environment["TMPDIR"] = str(scratch)
    done = subprocess.run(
        [
            *(bwrap, "--dev-bind", "/", "/", "--size", "64000000", "--tmpfs", str(shop.worktrees), "--"),
            *(sys.executable, "-m", "samobot", "run", "--session", "greet", "--task", "x"),
        ],
        cwd=shop.repo, env=shop.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=110,
    )  # fmt: skip
    assert done.returncode == 11, done.stdout + done.stderr
    (end,) = shop.journal("greet", "iteration_end")
    assert end["outcome"] == "disk_full"
    blocked = shop.status("greet")["blocked"]
    assert f"most of it to {shop.worktrees / 'greet' / 'big'}" in blocked  # status cuts what is longer
    assert "are free on the disk of" in blocked
