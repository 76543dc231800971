"""Promises of the file layer: old or new but never half, whoever reads, writes or dies at whatever moment."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samobot.errors import StorageError
from samobot.session.file_lock import FileLock
from samobot.session.files import append_line, read_text, remove_leftovers, write_atomic


def refuse(number: int) -> object:
    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    return fail


@given(st.binary())
def test_any_bytes_survive_reading_and_writing(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("files") / "a.md"
    write_atomic(path, data)
    text = read_text(path)
    assert text is not None
    write_atomic(path, text)
    assert path.read_bytes() == data


def test_half_a_character_does_not_stop_a_write(tmp_path: Path) -> None:
    write_atomic(tmp_path / "a", "x\ud83d\r\n")
    assert (tmp_path / "a").read_bytes() == "x\ufffd\r\n".encode()


def test_a_missing_file_is_none(tmp_path: Path) -> None:
    assert read_text(tmp_path / "none") is None


def test_a_file_keeps_its_mode_or_gets_the_one_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("old")
    path.chmod(0o640)
    write_atomic(path, "new")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    write_atomic(path, "secret", mode=0o600)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    fresh, plain = tmp_path / "fresh", tmp_path / "plain"
    write_atomic(fresh, "x")
    plain.write_text("x")
    assert fresh.stat().st_mode == plain.stat().st_mode


def test_a_link_is_replaced_and_its_target_left_alone(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("mine")
    link.symlink_to(target)
    write_atomic(link, "new")
    assert (target.read_text(), link.is_symlink(), link.read_text()) == ("mine", False, "new")


@pytest.mark.parametrize("call", ["write", "fchmod", "fsync", "replace"])
def test_a_refused_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    path = tmp_path / "a"
    path.write_text("old")
    monkeypatch.setattr(os, call, refuse(errno.ENOSPC))
    with pytest.raises(StorageError, match=r"Cannot write .*a: the disk is full; free some space"):
        write_atomic(path, "new")
    monkeypatch.undo()
    assert [(entry.name, entry.read_text()) for entry in tmp_path.iterdir()] == [("a", "old")]


def test_a_write_that_need_not_last_does_not_wait_for_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", refuse(errno.EIO))
    write_atomic(tmp_path / "a", "new", durable=False)
    assert [(entry.name, entry.read_text()) for entry in tmp_path.iterdir()] == [("a", "new")]


def test_a_write_of_many_pieces_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: write(fd, data[:3]))
    write_atomic(tmp_path / "a", "0123456789")
    append_line(tmp_path / "a", "abcdefg")
    assert (tmp_path / "a").read_text() == "0123456789\nabcdefg\n"


def test_a_killed_writer_leaves_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "a"
    write_atomic(path, "old")
    script = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom samobot.session.files import write_atomic\n"
        "def die(*_): os.kill(os.getpid(), signal.SIGKILL)\n"
        "setattr(os, sys.argv[2], die)\nwrite_atomic(Path(sys.argv[1]), 'new')\n"
    )
    for call in ("fsync", "replace"):
        ended = subprocess.run([sys.executable, "-c", script, str(path), call], check=False)
        assert ended.returncode == -9
        assert read_text(path) == "old"


@pytest.mark.parametrize("kind", ["fifo", "folder", "socket", "below a file", "circle", "name"])
def test_what_is_no_file_is_refused_at_once(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a"
    match kind:
        case "fifo":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case "socket":
            os.mknod(path, stat.S_IFSOCK | 0o600)
        case "below a file":
            path.write_text("")
            path = path / "b"
        case "circle":
            path.symlink_to(path)
        case _:
            path = tmp_path / ("x" * 300)
    with pytest.raises(StorageError, match=str(tmp_path)):
        read_text(path)
    with pytest.raises(StorageError, match=str(tmp_path)):
        append_line(path, "x")


@pytest.mark.parametrize("path", ["folder", "gone/a", "file/a"])
def test_write_to_an_impossible_place_reports_what_to_do(tmp_path: Path, path: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=r"Cannot write .*; \w+"):
        write_atomic(tmp_path / path, "x")


@pytest.mark.parametrize(
    ("number", "remedy"),
    [(errno.EACCES, "who owns"), (errno.EROFS, "read-only"), (errno.EBUSY, "check the disk")],
)
def test_every_refusal_comes_with_a_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, remedy: str
) -> None:
    monkeypatch.setattr(os, "open", refuse(number))
    for call in (read_text, lambda path: write_atomic(path, ""), lambda path: append_line(path, "")):
        with pytest.raises(StorageError, match=remedy):
            call(tmp_path / "a")
    with pytest.raises(StorageError, match=remedy):
        FileLock(tmp_path / "a")


def test_a_folder_that_cannot_be_synced_is_no_reason_to_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fsync = os.fsync

    def only_files(fd: int) -> None:
        if stat.S_ISDIR(os.fstat(fd).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")
        fsync(fd)

    monkeypatch.setattr(os, "fsync", only_files)
    write_atomic(tmp_path / "a", "x")
    assert read_text(tmp_path / "a") == "x"


def test_folder_on_a_broken_disk_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fsync = os.fsync

    def only_files(fd: int) -> None:
        if stat.S_ISDIR(os.fstat(fd).st_mode):
            raise OSError(errno.EIO, "Input/output error")
        fsync(fd)

    monkeypatch.setattr(os, "fsync", only_files)
    with pytest.raises(StorageError, match="check the disk"):
        write_atomic(tmp_path / "a", "x")


def test_a_line_starts_below_one_that_a_crash_cut_short(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    append_line(path, "one", mode=0o600)
    with path.open("a") as file:
        file.write('{"half')
    append_line(path, "two")
    assert path.read_text() == 'one\n{"half\ntwo\n'
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_line_with_a_line_end_in_it_is_a_mistake_of_ours(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="one line"):
        append_line(tmp_path / "a", "x\ny")
    assert not (tmp_path / "a").exists()


def test_lines_of_many_threads_stay_whole(tmp_path: Path) -> None:
    path = tmp_path / "a"

    def work(name: str) -> None:
        for number in range(20):
            append_line(path, f"{name * 200}{number}")

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = [line for line in path.read_text().split("\n") if line]
    assert sorted(lines) == sorted(f"{name * 200}{number}" for name in "abcd" for number in range(20))


def test_what_killed_writes_left_is_removed_once_it_is_old_and_nothing_else(tmp_path: Path) -> None:
    names = [".samobot-0123456789abcdef.tmp", ".samobot-fedcba9876543210.tmp", ".samobot-notes.tmp", "_qa.md"]
    for name in names:
        (tmp_path / name).write_text("x")
        os.utime(tmp_path / name, (1000, 1000))
    os.utime(tmp_path / names[1], (5000, 5000))
    (tmp_path / ".samobot-aaaaaaaaaaaaaaaa.tmp").symlink_to(tmp_path / names[3])
    assert remove_leftovers(tmp_path, before=4000) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        [*names[1:], ".samobot-aaaaaaaaaaaaaaaa.tmp"]
    )
    assert remove_leftovers(tmp_path / "nowhere", before=4000) == 0
