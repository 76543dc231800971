from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from samobot.system.platform.current import boot_id, identify, own_identity
from samobot.system.platform.linux import LinuxPlatform, parse_start_ticks

STAT = b"4711 (%s) S 1 4711 4711 0 -1 4194304 1 0 0 0 4 0 0 0 20 0 1 0 260676 16707584 3165\n"


@pytest.mark.parametrize("name", [b"python", b"a b", b"x) R 1 2 3 (y", b"", b"\xff\n"])
def test_start_ticks_are_read_whatever_the_program_is_called(name: bytes) -> None:
    assert parse_start_ticks(STAT % name) == 260676


@pytest.mark.parametrize("stat", [b"", b"4711", b"4711 (python) S 1", STAT.replace(b"260676", b"x")])
def test_start_ticks_of_something_else_are_refused(stat: bytes) -> None:
    with pytest.raises(ValueError, match=r"stat|invalid"):
        parse_start_ticks(stat)


def test_identity_does_not_depend_on_the_clock(tmp_path: Path) -> None:
    for folder in ("4711", "sys/kernel/random"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "sys/kernel/random/boot_id").write_text("57f7-1\n")
    (tmp_path / "4711/stat").write_bytes(STAT % b"python")
    (tmp_path / "stat").write_text("btime 1795839580\n")
    before = LinuxPlatform(tmp_path).identify(4711)
    (tmp_path / "stat").write_text("btime 1795925980\n")
    assert before is not None
    assert before == LinuxPlatform(tmp_path).identify(4711)
    assert (before.start_ticks, before.boot_id) == (260676, "57f7-1")
    (tmp_path / "4711/stat").write_bytes((STAT % b"python").replace(b"260676", b"260677"))
    assert before != LinuxPlatform(tmp_path).identify(4711)


def test_identity_of_a_process_that_has_ended_is_none_and_of_a_zombie_its_own() -> None:
    child = subprocess.Popen(["sleep", "600"])
    alive = identify(child.pid)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert alive is not None
    assert identify(child.pid) == alive
    child.wait()
    assert identify(child.pid) is None


def test_own_identity_names_this_boot() -> None:
    own = own_identity()
    assert own is not None
    assert (own.pid, own.boot_id) == (os.getpid(), boot_id())
    assert own.boot_id
