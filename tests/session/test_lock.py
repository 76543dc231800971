from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from samobot.errors import BusyError, StorageError
from samobot.session.lock import RunLock, holder
from samobot.system.platform.current import own_identity
from tests.support.session_folder import NOW, make_session


def test_second_worker_reports_the_holder_of_the_session(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    with RunLock.acquire(folder, NOW), pytest.raises(BusyError) as caught:
        RunLock.acquire(folder, NOW)
    assert f"process {os.getpid()} since 2026-01-15 10:30 UTC" in caught.value.message
    assert "samobot stop greet" in caught.value.message


def test_the_holder_describes_itself_and_its_progress(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    assert holder(folder) is None
    with RunLock.acquire(folder, NOW, iteration=3, phase="planning") as lock:
        held = holder(folder)
        assert held is not None
        assert (held.pid, held.iteration, held.phase, held.started) == (os.getpid(), 3, "planning", NOW)
        assert held.identity == own_identity()
        lock.update(iteration=4, claude_pid=4711)
        held = holder(folder)
        assert held is not None
        assert (held.iteration, held.phase, held.claude_pid) == (4, "planning", 4711)
        lock.update(parked=True, parked_until=NOW)
        held = holder(folder)
        assert held is not None
        assert (held.claude_pid, held.parked, held.parked_until) == (None, True, NOW)
    assert holder(folder) is None


@pytest.mark.parametrize("how", ["deleted", "emptied", "another file", "a folder"])
def test_session_is_held_although_its_lock_was_taken_away(tmp_path: Path, how: str) -> None:
    folder = make_session(tmp_path)
    with RunLock.acquire(folder, NOW) as lock:
        if how == "emptied":
            os.truncate(folder.lock, 0)
        else:
            folder.lock.unlink()
        if how == "another file":
            folder.lock.write_text('{"pid": 1}\n')
        elif how == "a folder":
            folder.lock.mkdir()
        held = holder(folder)
        assert held is not None
        assert held.pid == os.getpid()
        with pytest.raises(BusyError, match=f"process {os.getpid()} "):
            RunLock.acquire(folder, NOW)
        if how != "a folder":  # what an agent put there is moved away before a lock is renewed
            lock.renew()
            assert lock.is_held()
    assert how == "a folder" or holder(folder) is None


def test_lock_that_another_process_has_taken_is_renewed_and_only_one_in_the_vault_ends_the_worker(
    tmp_path: Path,
) -> None:
    folder = make_session(tmp_path)
    with RunLock.acquire(folder, NOW) as lock:
        for path in (folder.lock, folder.vault.run_lock):
            path.unlink()
            with path.open("w") as thief:
                fcntl.flock(thief, fcntl.LOCK_EX)
                if path == folder.lock:
                    lock.renew()
                    assert lock.is_held()
                else:
                    with pytest.raises(BusyError):
                        lock.renew()


def test_lock_of_an_older_version_is_read_without_an_identity(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    folder.lock.write_text('{"pid": 4711, "process_start": 1768486000.12, "host": "box", "iteration": 3}\n')
    with folder.lock.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        held = holder(folder)
    assert held is not None
    assert (held.pid, held.host, held.iteration, held.identity) == (4711, "box", 3, None)


def test_what_a_dead_worker_left_in_the_file_is_no_holder(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    folder.lock.write_text('{"pid": 1, "host": "gone"}\n')
    assert holder(folder) is None
    RunLock.acquire(folder, NOW).release()


@pytest.mark.parametrize(
    "content", [b"", b'{"pid": 47', b"[1]\n", b"\xff\xfe", b'{"pid": "x", "started": 5}\n']
)
def test_a_holder_with_an_unreadable_description_still_holds(tmp_path: Path, content: bytes) -> None:
    folder = make_session(tmp_path)
    folder.lock.write_bytes(content)
    with folder.lock.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        held = holder(folder)
        assert held is not None
        assert held.pid is None
        with pytest.raises(BusyError, match="of unknown id"):
            RunLock.acquire(folder, NOW)


def test_shorter_description_over_a_longer_one_is_read_correctly_before_the_truncation(
    tmp_path: Path,
) -> None:
    folder = make_session(tmp_path)
    with folder.lock.open("wb") as file:
        file.write(b'{"pid": 7}\n"host": "the tail of a longer one"}\n')
        file.flush()
        fcntl.flock(file, fcntl.LOCK_EX)
        held = holder(folder)
    assert held is not None
    assert held.pid == 7


def test_a_program_started_by_the_worker_does_not_keep_the_lock(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    program = (
        "import os; print([os.path.realpath(f'/proc/self/fd/{fd}') for fd in os.listdir('/proc/self/fd')])"
    )
    with RunLock.acquire(folder, NOW):
        seen = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, close_fds=False
        )
    assert "/dev/" in seen.stdout or "pipe" in seen.stdout
    assert str(folder.lock) not in seen.stdout


def test_a_killed_worker_leaves_the_session_free(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    program = (
        "import sys; from pathlib import Path; from datetime import datetime, UTC;"
        "from samobot.session.folder import SessionFolder; from samobot.session.lock import RunLock;"
        "lock = RunLock.acquire(SessionFolder(Path(sys.argv[1])), datetime.now(UTC)); print('held', flush=True); input()"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", program, str(folder.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child.stdout is not None
    assert child.stdin is not None
    assert child.stdout.readline() == b"held\n"
    held = holder(folder)
    assert held is not None
    assert held.pid == child.pid
    child.kill()
    child.wait()
    child.stdin.close()
    child.stdout.close()
    assert holder(folder) is None


def test_looking_never_keeps_a_worker_from_starting(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    folder.lock.touch()
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            holder(folder)

    lookers = [threading.Thread(target=look) for _ in range(4)]
    for looker in lookers:
        looker.start()
    try:
        for _ in range(100):
            RunLock.acquire(folder, NOW).release()
    finally:
        over.set()
        for looker in lookers:
            looker.join()


def test_a_looker_caught_in_the_middle_is_waited_for(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    folder.lock.touch()
    looker = folder.lock.open("rb")
    fcntl.flock(looker, fcntl.LOCK_SH)
    acquired: list[RunLock] = []
    worker = threading.Thread(target=lambda: acquired.append(RunLock.acquire(folder, NOW)))
    worker.start()
    looker.close()
    worker.join()
    assert len(acquired) == 1
    acquired[0].release()


def test_a_deleted_lock_file_is_noticed(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    with RunLock.acquire(folder, NOW) as lock:
        assert lock.is_held()
        folder.lock.unlink()
        assert not lock.is_held()
    assert not lock.is_held()


def test_a_pipe_in_the_locks_place_is_refused_and_keeps_nobody_waiting(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    os.mkfifo(folder.lock)
    with pytest.raises(StorageError, match="not a regular file"):
        holder(folder)
    with pytest.raises(StorageError, match="not a regular file"):
        RunLock.acquire(folder, NOW)
