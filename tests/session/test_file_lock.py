"""One holder at a time, over threads and processes; free again whatever happens to the holder."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from samobot.errors import StorageError
from samobot.session.file_lock import FileLock, read_held
from samobot.session.files import read_text, write_atomic
from samobot.session.vault import edit_lock


def test_lock_has_one_holder_and_is_free_after_release(tmp_path: Path) -> None:
    with FileLock(tmp_path / "a") as first, FileLock(tmp_path / "a") as second:
        assert first.acquire()
        first.write(b"first\n")
        assert not second.acquire()
        assert not second.acquire(wait=0.05)
        assert second.read(100) == b"first\n"
        first.release()
        assert second.acquire()
        with pytest.raises(ValueError, match="is released"):
            first.write(b"")


def test_lock_is_acquired_by_a_waiter_when_the_holder_releases_it(tmp_path: Path) -> None:
    first, second = FileLock(tmp_path / "a"), FileLock(tmp_path / "a")
    assert first.acquire()
    got: list[bool] = []
    waiter = threading.Thread(target=lambda: got.append(second.acquire(wait=60)))
    waiter.start()
    first.release()
    waiter.join()
    assert got == [True]
    second.release()


def test_shared_lock_admits_shared_holders_only(tmp_path: Path) -> None:
    with FileLock(tmp_path / "a") as first, FileLock(tmp_path / "a") as second:
        assert first.acquire(shared=True)
        assert second.acquire(shared=True)
        assert not second.acquire()


def test_lock_knows_that_its_file_was_replaced(tmp_path: Path) -> None:
    with FileLock(tmp_path / "a") as lock:
        assert lock.acquire()
        assert lock.is_current()
        (tmp_path / "a").rename(tmp_path / "b")
        assert not lock.is_current()
        (tmp_path / "a").touch()
        assert not lock.is_current()


def test_held_lock_is_read_and_a_missing_one_is_not_created(tmp_path: Path) -> None:
    assert read_held(tmp_path / "a", 9) is None
    assert read_held(tmp_path / "a" / "b", 9) is None
    assert list(tmp_path.iterdir()) == []
    with FileLock(tmp_path / "a") as lock:
        lock.write(b"who holds it")
        assert read_held(tmp_path / "a", 9) is None
        assert lock.acquire()
        assert read_held(tmp_path / "a", 9) == b"who holds"
        (tmp_path / "a").rename(tmp_path / "b")
        assert read_held(tmp_path / "a", 9) is None


@pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
def test_lock_refuses_what_is_not_a_regular_file(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a"
    if kind == "link":
        path.symlink_to(tmp_path / "elsewhere")
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.mkdir()
    with pytest.raises(StorageError):
        FileLock(path)
    assert not (tmp_path / "elsewhere").exists()


def test_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    script = (
        "import os, sys\nfrom pathlib import Path\nfrom samobot.session.file_lock import FileLock\n"
        "assert FileLock(Path(sys.argv[1])).acquire()\nos.kill(os.getpid(), 9)"
    )
    assert subprocess.run([sys.executable, "-c", script, str(tmp_path / "a")]).returncode == -9
    with FileLock(tmp_path / "a") as lock:
        assert lock.acquire()


def test_no_edit_of_several_threads_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "count"

    def work() -> None:
        for _ in range(10):
            with edit_lock(tmp_path):
                write_atomic(path, str(int(read_text(path) or "0") + 1))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read_text(path) == "40"


def test_no_edit_of_several_processes_is_lost(tmp_path: Path) -> None:
    script = (
        "import sys\nfrom pathlib import Path\nfrom samobot.session.vault import edit_lock\nfrom samobot.session.files import read_text, write_atomic\nfolder = Path(sys.argv[1])\n"
        "for _ in range(20):\n    with edit_lock(folder):\n"
        "        write_atomic(folder / 'count', str(int(read_text(folder / 'count') or 0) + 1))\n"
    )
    environ = {**os.environ, "SAMOBOT_STATE_DIR": str(tmp_path / "state")}
    workers = [subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], env=environ) for _ in range(2)]
    assert [worker.wait() for worker in workers] == [0, 0]
    assert read_text(tmp_path / "count") == "40"


def test_edit_lock_is_refused_while_it_is_held_and_works_afterwards(tmp_path: Path) -> None:
    holder, raised = edit_lock(tmp_path), pytest.raises(StorageError, match="Another samobot process")
    with holder, raised, edit_lock(tmp_path, wait=0):
        pass
    with edit_lock(tmp_path, wait=0):
        pass


def test_edit_lock_is_released_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(KeyError), edit_lock(tmp_path):
        raise KeyError
    with edit_lock(tmp_path, wait=0):
        pass


def test_edit_lock_does_not_recreate_a_deleted_session(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="its folder is gone"), edit_lock(tmp_path / "gone"):
        pass
    assert not (tmp_path / "gone").exists()
