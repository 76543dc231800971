"""Watching files: what matters is told at once, what an agent streams is not, and nothing is ever relied on."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from samobot.fleet.file_watch import watch
from samobot.session.files import append_line, write_atomic
from samobot.session.folder import SessionFolder
from samobot.system.session_watch import SessionWatch

pytestmark = pytest.mark.slow


@pytest.fixture
def sessions(tmp_path: Path) -> Path:
    folder = tmp_path / "sessions"
    session(folder, "26-01-31-demo")
    return folder


def session(sessions: Path, name: str) -> SessionFolder:
    found = SessionFolder(sessions / name)
    found.logs.mkdir(parents=True)
    write_atomic(found.overview, "Phase: investigation\n")
    return found


@pytest.fixture
async def files(sessions: Path) -> SessionWatch:
    return SessionWatch([sessions], lambda _: None)


@pytest.fixture
def demo(sessions: Path) -> SessionFolder:
    return SessionFolder(sessions / "26-01-31-demo")


CHANGES: dict[str, Callable[[SessionFolder], object]] = {
    "the agent signals": lambda demo: write_atomic(demo.signal, "{}"),
    "a person edits in place": lambda demo: demo.overview.write_text("Blocked: yes\n"),
    "a decision": lambda demo: append_line(demo.decisions, "{}"),
    "an event": lambda demo: append_line(demo.journal, "{}"),
    "a plan": lambda demo: (demo.path / "01-31-11:30-plan-x.md").write_text("# Plan"),
    "the signal is taken away": lambda demo: demo.overview.unlink(),
    "a session is deleted": lambda demo: shutil.rmtree(demo.path),
    "a session is made": lambda demo: session(demo.path.parent, "26-01-31-other"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
async def test_relevant_changes_of_a_session_are_reported(
    files: SessionWatch, demo: SessionFolder, change: Callable[[SessionFolder], object]
) -> None:
    assert not files.read()
    change(demo)
    assert files.read()
    assert not files.read(), "once"


QUIET: dict[str, Callable[[SessionFolder], object]] = {
    "what the agent streams": lambda demo: (demo.logs / "0001-planning.jsonl").write_text("{}\n"),
    "what it is doing": lambda demo: demo.lock.write_text("{}"),
    "a lock": lambda demo: (demo.path / ".edit.lock").write_text(""),
    "a file that is not there yet": lambda demo: (demo.path / ".samobot-0.tmp").write_text("half"),
    "what is read": lambda demo: demo.overview.read_text(),
}


@pytest.mark.parametrize("change", QUIET.values(), ids=QUIET)
async def test_irrelevant_changes_are_not_reported(
    files: SessionWatch, demo: SessionFolder, change: Callable[[SessionFolder], object]
) -> None:
    change(demo)
    assert not files.read()


async def test_a_session_that_comes_is_watched_and_one_that_goes_is_not(
    files: SessionWatch, sessions: Path, demo: SessionFolder, tmp_path: Path
) -> None:
    other = SessionFolder(sessions / "other")
    other.path.mkdir()
    assert files.read()
    other.logs.mkdir()
    assert files.read()
    append_line(other.journal, "{}")
    assert files.read()

    moved = SessionFolder(tmp_path / "away")
    demo.path.rename(moved.path)
    assert files.read()
    write_atomic(moved.signal, "{}")
    append_line(moved.journal, "{}")
    assert not files.read()
    moved.path.rename(demo.path)
    assert files.read()
    append_line(demo.journal, "{}")
    assert files.read()
    assert not files.lost


async def test_of_an_old_session_the_logs_are_watched_from_its_first_change_on(
    sessions: Path, demo: SessionFolder
) -> None:
    old = time.time() - 3 * 24 * 3600
    os.utime(demo.path, (old, old))
    touched: list[Path] = []
    files = SessionWatch([sessions], touched.append)
    append_line(demo.journal, "{}")
    assert (files.read(), touched) == (False, [])
    write_atomic(demo.overview, "Phase: testing\n")
    assert files.read()
    touched.clear()
    append_line(demo.journal, "{}")
    assert (files.read(), set(touched)) == (True, {demo.path})


async def test_logs_that_are_moved_away_and_made_anew_are_watched(
    files: SessionWatch, demo: SessionFolder
) -> None:
    demo.logs.rename(demo.path / "old")
    assert files.read()
    append_line(demo.path / "old" / "journal.jsonl", "{}")
    assert not files.read()
    demo.logs.mkdir()
    assert files.read()
    append_line(demo.journal, "{}")
    assert files.read()


@pytest.mark.parametrize("go", [shutil.rmtree, lambda folder: folder.rename(folder.with_name("elsewhere"))])
async def test_a_folder_of_sessions_that_goes_is_seen(
    files: SessionWatch, sessions: Path, go: Callable[[Path], object]
) -> None:
    go(sessions)
    assert files.read()
    assert files.lost


async def test_more_changes_than_the_kernel_keeps_are_noticed(
    files: SessionWatch, demo: SessionFolder
) -> None:
    most = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    if most > 100_000:
        pytest.skip(f"this kernel keeps {most} events")
    one, two = demo.path / "one", demo.path / "two"
    one.touch()
    for _ in range(most // 4 + 1):
        one.rename(two)
        two.rename(one)
    assert files.read()
    assert files.lost


@pytest.fixture
def project(tmp_path: Path) -> Path:
    main = tmp_path / "repo"
    main.mkdir()
    file = main / ".samocode"
    file.write_text(f"MAIN_REPO={main}\nWORKTREES={tmp_path / 'trees'}\nSESSIONS={tmp_path / 'sessions'}\n")
    return file


async def test_event_loop_is_notified_of_changes_also_when_the_folder_was_recreated(
    sessions: Path, demo: SessionFolder, project: Path
) -> None:
    hints = asyncio.Semaphore(0)
    watching = asyncio.create_task(watch([project], hints.release))
    writing = asyncio.create_task(_keep_writing(demo))
    async with asyncio.timeout(60):
        await hints.acquire()
        shutil.rmtree(sessions)
        await hints.acquire()
        session(sessions, "26-01-31-demo")
        for _ in range(3):
            await hints.acquire()
    for task in (watching, writing):
        task.cancel()
    await asyncio.gather(watching, writing, return_exceptions=True)


async def _keep_writing(demo: SessionFolder) -> None:
    """Change something again and again: nobody says when the watch has begun."""
    while True:
        if demo.path.is_dir():
            demo.overview.write_text("Phase: planning\n")
        await asyncio.sleep(0.01)
