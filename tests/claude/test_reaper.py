"""Finding and ending processes: all of one's own, none of anybody else's."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from samobot.claude import reaper
from samobot.claude.reaper import (
    SESSION_VARIABLE,
    end_session_processes,
    has_tool_process,
    session_processes,
    sweep,
    unmarked_processes,
)
from samobot.system.platform.current import identify, own_identity, platform
from samobot.system.processes import Swept

READY = "print('ready', flush=True); import time; time.sleep(600)"
FORKER = "import os, time\nwhile True:\n    if os.fork():\n        os._exit(0)\n    time.sleep(0.001)"


def start(
    code: str = READY, *, session: Path | None = None, new_session: bool = True, cwd: Path | None = None
) -> subprocess.Popen[str]:
    mark = {} if session is None else {SESSION_VARIABLE: str(session)}
    process = subprocess.Popen(
        [sys.executable, "-S", "-c", code],
        env=dict(os.environ) | mark,
        cwd=cwd,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=new_session,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.fixture
def stranger(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    process = start(session=tmp_path / "another session")
    yield process
    process.kill()
    process.communicate()


def test_a_session_finds_its_own_processes_and_no_others(
    tmp_path: Path, stranger: subprocess.Popen[str]
) -> None:
    session = tmp_path / "session"
    session.mkdir()
    alias = tmp_path / "alias"
    alias.symlink_to(session)
    own = start(session=alias)
    try:
        found = session_processes(session)
        assert [pid for pid, _ in found] == [own.pid]
        assert "time.sleep(600)" in found[0][1]
        assert end_session_processes(session).ended == 1
        assert own.wait() == -signal.SIGTERM
        assert session_processes(session) == []
        assert stranger.poll() is None
    finally:
        own.kill()
        own.communicate()


def test_who_asks_from_inside_a_session_does_not_find_itself_or_its_parents(tmp_path: Path) -> None:
    ask = (
        "import sys; from pathlib import Path; from samobot.claude.reaper import end_session_processes;"
        "print(end_session_processes(Path(sys.argv[1])).ended)"
    )
    shell = f'"$1" -c "{ask}" "$2"; echo alive'
    done = subprocess.run(
        ["/bin/sh", "-c", shell, "sh", sys.executable, str(tmp_path)],
        env=dict(os.environ) | {SESSION_VARIABLE: str(tmp_path)},
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert done.stdout.split() == ["0", "alive"]


@pytest.mark.skipif(not platform().has_fence, reason="it cannot be asked which child has ended")
def test_sweep_of_a_child_that_has_ended_reads_no_list_of_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine with many processes that takes longer than all else at the end of a fenced iteration."""
    monkeypatch.setattr(reaper, "descendants", lambda: pytest.fail("the list was read"))
    pid = os.posix_spawnp("true", ["true"], os.environ, setsid=True)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert platform().exited_child() is not None
    # Other tests may have left children.
    monkeypatch.setattr(type(platform()), "exited_child", lambda _: pid)
    monkeypatch.setattr(type(platform()), "has_children", lambda _: False)
    assert sweep() == Swept()
    with pytest.raises(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def test_a_sweep_leaves_the_workers_own_children_alone() -> None:
    code = (
        "import subprocess, sys\n"
        "from samobot.claude.reaper import become_subreaper, is_subreaper, sweep\n"
        "sleep = [sys.executable, '-S', '-c', 'import time; time.sleep(600)']\n"
        "assert become_subreaper() == is_subreaper()\n"
        "own = subprocess.Popen(sleep)\n"
        "waited_for = subprocess.Popen(sleep, start_new_session=True)\n"
        "foreign = subprocess.Popen(sleep, start_new_session=True)\n"
        "swept = sweep(exclude=[waited_for.pid])\n"
        "print(swept.ended, own.poll(), waited_for.poll())\n"
        "own.kill(); waited_for.kill(); own.wait(); waited_for.wait()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parents[2]
    )
    assert done.stdout.split() == ["1", "None", "None"], done.stderr


@pytest.mark.parametrize("tool", [True, False])
def test_a_tool_process_is_a_child_in_a_session_of_its_own(tool: bool) -> None:
    cli = start(
        "import subprocess, sys\n"
        "subprocess.Popen([sys.executable, '-S', '-c', 'import time; time.sleep(600)'],"
        f" start_new_session={tool}, stdout=subprocess.DEVNULL)\n" + READY
    )
    try:
        assert has_tool_process(cli.pid) is tool
    finally:
        for child in psutil.Process(cli.pid).children():
            child.kill()
        cli.kill()
        cli.communicate()
    assert has_tool_process(cli.pid) is False


def test_what_is_left_may_clean_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reaper, "GRACE_SECONDS", 60.0)  # over as soon as nothing is left
    lock = tmp_path / "index.lock"
    lock.touch()
    tidy = (
        "import os, signal, sys, time\n"
        f"def leave(*_): os.unlink({str(lock)!r}); os._exit(0)\n"
        "signal.signal(signal.SIGTERM, leave)\n" + READY
    )
    process = start(tidy, session=tmp_path)
    try:
        swept = end_session_processes(tmp_path, seconds=120)
        assert (swept.ended, swept.survivors) == (1, ())
        assert process.wait() == 0
        assert not lock.exists()
    finally:
        process.kill()
        process.communicate()


def test_what_refuses_to_end_is_killed(tmp_path: Path) -> None:
    process = start(
        "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + READY, session=tmp_path
    )
    try:
        swept = end_session_processes(tmp_path, seconds=120)
        assert (swept.ended, swept.survivors) == (1, ())
        assert process.wait() == -signal.SIGKILL
    finally:
        process.kill()
        process.communicate()


def test_sweep_that_gets_nowhere_reports_what_is_left(tmp_path: Path) -> None:
    process = start(session=tmp_path)
    try:
        swept = end_session_processes(tmp_path, seconds=0)
        assert (swept.ended, swept.survivors) == (0, (process.pid,))
    finally:
        process.kill()
        process.communicate()


def test_what_works_in_a_sessions_folders_without_its_mark_is_found_and_not_touched(tmp_path: Path) -> None:
    place, beside = tmp_path / "greet", tmp_path / "greet-other"
    (place / "below").mkdir(parents=True)
    beside.mkdir()
    first = own_identity()
    psutil.Process().terminal()  # psutil lists the terminals, those opened later not among them
    at_a_terminal = (
        "import os, pty, time\n"
        "child, terminal = pty.fork()\n"
        "if child: os.read(terminal, 1); os.chdir('/'); print('ready', flush=True)\n"
        "else: print('x', flush=True)\n"
        "time.sleep(600)"
    )
    processes = [
        start(cwd=place / "below"),
        start(cwd=beside),
        start(cwd=place, session=place),
        start(cwd=place, session=beside),
        start(at_a_terminal, cwd=place),
    ]
    try:
        found = unmarked_processes([place], first)
        assert {pid for pid, _ in found} == {processes[0].pid, processes[3].pid}
        assert all("time.sleep(600)" in command for _, command in found)
        forged = processes.pop(3)
        assert forged.poll() is None
        forged.kill()
        forged.communicate()
        own = identify(processes[0].pid)
        assert own is not None
        later = replace(own, start_ticks=own.start_ticks + 1)
        assert unmarked_processes([place], later) == []
        for began in (own, None, replace(later, boot_id="an earlier boot")):
            assert [pid for pid, _ in unmarked_processes([place], began)] == [own.pid]
        assert unmarked_processes([], first) == []
        assert all(process.poll() is None for process in processes)
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def test_what_is_replaced_faster_than_it_can_be_listed_is_ended(tmp_path: Path) -> None:
    # Only its descendants have the other end of the pipe: it is at its end when none of them lives.
    forker = subprocess.Popen(
        [sys.executable, "-S", "-c", FORKER],
        env=dict(os.environ) | {SESSION_VARIABLE: str(tmp_path)},
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert forker.stdout is not None
    try:
        forker.wait(timeout=60)
        assert end_session_processes(tmp_path).survivors == ()
        assert select.select([forker.stdout], [], [], 60)[0], "it still forks"
        assert forker.stdout.read() == b""
    finally:
        with suppress(ProcessLookupError):
            os.killpg(forker.pid, signal.SIGKILL)
        forker.stdout.close()
