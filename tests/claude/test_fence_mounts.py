"""What is mounted inside, and what outside while an agent runs."""

from __future__ import annotations

import ctypes
import errno
import os
import resource
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from samobot.claude import spawn
from samobot.claude.fence_mounts import MAKE_MOUNTS
from samobot.claude.fence_probe import fence_problem
from samobot.claude.invocation import Invocation
from samobot.claude.spawn import wrapped
from tests.claude.fenced_world import SECRET, FencedWorld

_PROBLEM = fence_problem(os.environ)
_OWN_MOUNTS = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--mount", "--map-root-user"]

# As systemd has it, each mount passes on what is mounted there. The parent that `wrapped` names is this shell.
_OUTSIDE = """
mount --make-rshared / && mkfifo ready go && mkdir later || exit 1
python=$1 program=$5; shift 6
"$python" -I -S -c "$program" $$ "$@" &
read _ < ready
mount -t tmpfs none later && echo SECRET > later/key
echo > go
wait
ls later
"""
_INSIDE = (
    "echo > ready; read _ < go; cat later/key; echo evil > later/planted; test -e later/planted && echo done"
)


@pytest.mark.slow
@pytest.mark.skipif(_PROBLEM is not None, reason=f"there can be no fence here: {_PROBLEM}")
@pytest.mark.parametrize("fenced", [True, False])
def test_disk_that_is_mounted_while_the_agent_runs_is_out_of_reach(world: FencedWorld, fenced: bool) -> None:
    if subprocess.run([*_OWN_MOUNTS, "mount", "--make-rshared", "/"], check=False).returncode:
        pytest.skip("no mount can be made here")
    call = world.invocation(_INSIDE, fenced=fenced)
    command = [*_OWN_MOUNTS, "sh", "-c", _OUTSIDE.replace("SECRET", SECRET), "sh", *wrapped(call)]
    assert command[-len(wrapped(call))] == sys.executable
    done = subprocess.run(
        command, cwd=call.cwd, env=dict(call.env), capture_output=True, text=True, timeout=60, check=False
    )
    assert "done" in done.stdout, done.stderr
    assert (SECRET in done.stdout) is not fenced
    assert ("planted" in done.stdout) is not fenced


def _visible(world: FencedWorld) -> dict[str, list[str]]:
    """What is mounted where inside: its root, its options and its kind; without what another mount covers."""
    done = world.run("cat /proc/self/mountinfo")
    assert done.returncode == 0, done.stderr
    found: dict[str, list[str]] = {}
    for line in done.stdout.splitlines():
        fields = line.split()
        place = fields[4]
        found = {each: what for each, what in found.items() if not f"{each}/".startswith(f"{place}/")}
        found[place] = [fields[3], *fields[5:]]
    return found


@pytest.mark.skipif(_PROBLEM is not None, reason=f"there can be no fence here: {_PROBLEM}")
def test_mounts_are_those_that_bubblewrap_makes(world: FencedWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    world.run("true")  # makes files that things are mounted over
    made = _visible(world)
    monkeypatch.setattr(spawn, "MAKE_MOUNTS", "def make_mounts(kernel, call): return call\n")
    assert made == _visible(world)
    assert str(world.session / "_logs") in made


def _left(*options: str) -> list[str]:
    """What is left to bubblewrap of its options."""
    call = Invocation(
        ("/bin/echo", "--ro-bind", "/", "/", *options, "--", "claude"), Path("/"), {}, b"", Path(), ""
    )
    done = subprocess.run(wrapped(replace(call, fenced=True)), capture_output=True, text=True, check=False)
    return done.stdout.removesuffix(" -- claude\n").split()


@pytest.mark.skipif(_PROBLEM is not None, reason=f"there can be no fence here: {_PROBLEM}")
def test_each_mount_but_those_over_bubblewraps_own_is_made_before_it_starts(tmp_path: Path) -> None:
    file, link = tmp_path / "file", tmp_path / "link"
    file.touch()
    link.symlink_to(file)
    own = [
        "--dev",
        "/dev",
        "--proc",
        "/proc",
        "--ro-bind",
        "/proc/sys",
        "/proc/sys",
        "--bind",
        "/dev/null",
        "/dev/x",
    ]
    mounts = ["--tmpfs", str(tmp_path), "--bind", str(file), str(file), "--ro-bind", str(file), str(link)]
    assert _left(*own, *mounts) == ["--bind", "/", "/", *own]
    # bubblewrap follows links that are there inside, and it has to be there itself.
    for options in (["--ro-bind", str(file), str(link)], ["--tmpfs", str(Path("/bin").resolve())]):
        assert _left(*options) == ["--ro-bind", "/", "/", *options]


@pytest.mark.skipif(_PROBLEM is not None, reason=f"there can be no fence here: {_PROBLEM}")
@pytest.mark.parametrize("swapped", ["source", "place", "both", "gone"])
def test_link_that_another_agent_puts_in_place_meanwhile_makes_no_fence(tmp_path: Path, swapped: str) -> None:
    folder, secret = tmp_path / "folder", tmp_path / "secret"
    (folder / "inner").mkdir(parents=True)
    (secret / "inner").mkdir(parents=True)
    (secret / "inner" / "key").write_text(SECRET)
    inner, other = folder / "inner", tmp_path / "other"
    other.mkdir()
    source, place = {"source": (inner, other), "place": (other, inner), "both": (folder, folder)}.get(
        swapped, (inner, inner)
    )
    bind = ("--bind", str(tmp_path), str(tmp_path), "--bind", str(source), str(place))
    argv = ("/usr/bin/bwrap", "--ro-bind", "/", "/", *bind, "--", "grep", "-r", ".", str(place))
    command = wrapped(replace(Invocation(argv, Path("/"), {}, b"", Path(), ""), fenced=True))
    folder.rename(tmp_path / "moved")
    if swapped != "gone":
        folder.symlink_to(secret)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    reason = os.strerror(errno.ENOENT if swapped == "gone" else errno.ELOOP)
    assert done.stderr == f"The fence cannot be made: {folder if swapped == 'both' else inner}: {reason}\n"


class _Kernel:
    """Answers one system call with an error, and the others as if they had been carried out."""

    def __init__(self, failing: int, at: int = 0) -> None:
        self._failing, self._left = failing, at

    def syscall(self, number: int, descriptor: int, *_: object) -> int:
        if number == _OPEN_TREE and descriptor < 0:
            return -1
        if number == self._failing:
            self._left -= 1
            if self._left < 0:
                ctypes.set_errno(errno.ENOSYS)
                return -1
        return os.open("/", os.O_PATH) if number in (_OPEN, _OPEN_TREE) else 0

    def mount(self, *_: object) -> int:
        return 0 if self._failing != _MOUNT else -1


_MOUNT, _OPEN_TREE, _MOVE_MOUNT, _OPEN, _SET_ATTRIBUTES = 0, 428, 429, 437, 442


@pytest.mark.parametrize(
    ("number", "at", "is_left_to_bubblewrap"),
    [
        (_OPEN, 0, True),
        (_OPEN_TREE, 0, True),
        (_OPEN_TREE, 2, True),
        (_SET_ATTRIBUTES, 0, True),
        (_SET_ATTRIBUTES, 1, True),
        (_MOVE_MOUNT, 0, False),
        (_MOVE_MOUNT, 2, False),
        (_MOUNT, 0, False),
        (None, 0, False),
    ],
)
def test_kernel_that_lacks_a_call_leaves_all_mounts_to_bubblewrap_and_makes_no_half_a_fence(
    tmp_path: Path, number: int | None, at: int, is_left_to_bubblewrap: bool
) -> None:
    scope: dict[str, object] = {}
    exec(f"import ctypes, errno, os, resource, sys\n{MAKE_MOUNTS}", scope)  # as the wrapper does
    make_mounts = scope["make_mounts"]
    assert callable(make_mounts)
    place = str(tmp_path)
    call = [
        "/usr/bin/bwrap",
        "--ro-bind",
        "/",
        "/",
        "--tmpfs",
        place,
        "--ro-bind",
        place,
        f"{place}/x",
        "--",
        "y",
    ]
    (tmp_path / "x").mkdir()
    limits, descriptors = resource.getrlimit(resource.RLIMIT_NOFILE), os.listdir("/proc/self/fd")
    kernel = _Kernel(-1 if number is None else number, at)
    if is_left_to_bubblewrap:
        assert make_mounts(kernel, call) == call
    elif number is None:
        assert make_mounts(kernel, call) == ["/usr/bin/bwrap", "--bind", "/", "/", "--", "y"]
    else:
        with pytest.raises(SystemExit, match="The fence cannot be made"):
            make_mounts(kernel, call)
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == limits
    if number not in (_MOVE_MOUNT, _MOUNT):  # after which the process ends
        assert os.listdir("/proc/self/fd") == descriptors
