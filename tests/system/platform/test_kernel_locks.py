from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from samobot.system.platform import kernel_locks as module
from samobot.system.platform.kernel_locks import parse_locks
from samobot.system.platform.linux import LinuxPlatform

lock_owner = LinuxPlatform().lock_owner

TABLE = b"""1: FLOCK  ADVISORY  WRITE 2931 fe:00:2146346 0 EOF
2: POSIX  ADVISORY  WRITE 17 fe:00:2146346 0 EOF
3: FLOCK  ADVISORY  READ 18 fe:00:2146346 0 EOF
3: -> FLOCK  ADVISORY  WRITE 19 fe:00:2146346 0 EOF
4: FLOCK  ADVISORY  WRITE 0 fe:00:7 0 EOF
"""
FDINFO = (
    b"pos:\t0\nflags:\t02100001\nmnt_id:\t27\nino:\t7\nlock:\t1: FLOCK  ADVISORY  WRITE 2931 fe:00:7 0 EOF\n"
)


def test_only_exclusive_flocks_of_visible_processes_count() -> None:
    assert parse_locks(TABLE) == [(2931, os.makedev(0xFE, 0), 2146346)]
    assert parse_locks(FDINFO) == [(2931, os.makedev(0xFE, 0), 7)]


@pytest.mark.parametrize("table", [True, False])
def test_owner_is_the_process_that_locked_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, table: bool
) -> None:
    path = tmp_path / "run.lock"
    path.touch()
    if not table:  # as on btrfs, where the table has other device numbers
        monkeypatch.setattr(
            module, "parse_locks", lambda text: [] if b"pos:" not in text else parse_locks(text)
        )
    assert lock_owner(path, []) is None
    with path.open() as reader:
        assert lock_owner(path, []) is None
        fcntl.flock(reader, fcntl.LOCK_SH)
        assert lock_owner(path, []) is None
    code = "import fcntl, sys; f = open(sys.argv[1]); fcntl.flock(f, 2); print('held', flush=True); input()"
    with (
        path.open(),  # open here too, and not locked
        subprocess.Popen(
            [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as child,
    ):
        assert child.stdout is not None
        assert child.stdout.readline() == b"held\n"
        assert lock_owner(path, [os.getpid()]) == child.pid
        child.kill()
    assert lock_owner(path, []) is None


def test_owner_of_a_missing_file_is_nobody(tmp_path: Path) -> None:
    assert lock_owner(tmp_path / "none", []) is None
