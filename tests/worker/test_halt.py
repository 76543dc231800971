"""Stopping: a stop by the user is distinguished from the machine going down, and nothing of a session is left."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from samobot.sandbox.agent.steps import Hang, RunStep, Say, Step
from samobot.session import journal
from samobot.session.folder import SessionFolder
from samobot.session.journal import EventName
from samobot.session.snapshot import snapshot
from samobot.session.status import SessionState
from samobot.system.platform.current import boot_id, identify, platform
from samobot.system.platform.linux import LinuxPlatform
from samobot.system.platform.portable import PortablePlatform
from samobot.system.platform.process_identity import PORTABLE_BOOT
from samobot.worker.halt import halt
from tests.support.cases import for_each
from tests.support.scripted import ScriptedShop, investigation, scripted_shop
from tests.support.session_folder import NOW, QUESTIONS, make_session
from tests.support.waiting import until

pytestmark = pytest.mark.slow


def is_portable() -> bool:
    """Whether the tests run with what every system has; `docs/reference/platforms.md` says what is weaker there."""
    return isinstance(platform(), PortablePlatform)


@pytest.mark.parametrize(
    ("how", "by"),
    [("samobot stop", "person"), ("halt", "person"), (signal.SIGINT, "person"), (signal.SIGTERM, "outside")],
)
def test_only_the_users_stop_counts_as_one(tmp_path: Path, how: str | signal.Signals, by: str) -> None:
    shop = scripted_shop(tmp_path, investigation([Say(text="at work"), Hang(at="here")]))
    worker = shop.start("run", "--session", "greet", "--task", "x")
    until(lambda: bool(shop.runs()))
    match how:
        case "samobot stop":
            assert shop.samobot("stop", "greet").returncode == 0
        case "halt":
            halted = halt(SessionFolder(shop.session("greet")))
            assert halted.worker == worker.pid
            assert "nothing of the session is running" in halted.summary
        case _:
            assert isinstance(how, signal.Signals)
            worker.send_signal(how)
    worker.communicate(timeout=60)
    assert worker.returncode == 12
    assert shop.journal("greet", "run_end")[-1]["by"] == by
    assert shop.status("greet")["state"] == "stopped"
    assert shop.processes() == []


def test_stopping_an_idle_session_is_reported(tmp_path: Path) -> None:
    (tmp_path / "_logs").mkdir()
    halted = halt(SessionFolder(tmp_path))
    assert (halted.worker, halted.forced, halted.ended, halted.alive) == (None, False, 0, ())
    assert "No worker was running" in halted.summary


@pytest.mark.parametrize("resumed", [False, True])
def test_a_session_that_was_about_to_run_is_stopped(tmp_path: Path, resumed: bool) -> None:
    folder = make_session(tmp_path)
    folder.prepare()
    if resumed:
        journal.append(folder, EventName.RUN_START, NOW, run="r", pid=1)
        journal.append(folder, EventName.RUN_END, NOW, reason="stopped", text="", exit_code=12)
        journal.append(folder, EventName.DECISION, NOW + timedelta(seconds=1), kind="retry", id="x")
    assert snapshot(folder, "").status.state is SessionState.IDLE
    assert halt(folder, desired=True).clean
    assert snapshot(folder, "").status.state is SessionState.STOPPED


@pytest.mark.parametrize("step", [-86_400.0, -3.0, -1.5, 1.5, 3.0, 86_400.0])
def test_stop_finds_the_worker_after_the_clock_was_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: float
) -> None:
    shop = scripted_shop(tmp_path, investigation([Say(text="at work"), Hang(at="here")]))
    worker = shop.start("run", "--session", "greet", "--task", "x")
    until(lambda: bool(shop.runs()))
    boot = psutil.boot_time()
    monkeypatch.setattr("psutil._pslinux.boot_time", lambda: boot + step)
    halted = halt(SessionFolder(shop.session("greet")))
    assert (halted.worker, halted.clean, halted.forced) == (worker.pid, True, False)
    assert worker.wait(timeout=60) == 12
    worker.communicate()
    assert shop.journal("greet", "run_end")[-1]["by"] == "person"
    assert len(shop.journal("greet", "iteration_start")) == 1


@pytest.mark.parametrize(
    "description",
    [
        "",
        "not JSON",
        '{"pid": PID, "process_start": 1.0}',
        '{"pid": BYSTANDER}',
        '{"pid": BYSTANDER, "process_start": 1.0, "start_ticks": 1, "boot_id": "x"}',
    ],
)
def test_stop_believes_the_kernel_about_who_holds_the_lock(tmp_path: Path, description: str) -> None:
    shop = scripted_shop(tmp_path, investigation([Say(text="at work"), Hang(at="here")]))
    bystander = subprocess.Popen(["sleep", "600"])
    worker = shop.start("run", "--session", "greet", "--task", "x")
    until(lambda: bool(shop.runs()))
    folder = SessionFolder(shop.session("greet"))
    text = description.replace("PID", str(worker.pid)).replace("BYSTANDER", str(bystander.pid))
    with folder.lock.open("r+") as file:
        file.write(text + "\n")
        file.truncate()
    try:
        halted = halt(folder)
        assert halted.worker == worker.pid
        assert halted.clean
        worker.communicate(timeout=60)
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()
    assert shop.processes() == []


def replace_lock(how: str, lock: Path) -> None:
    lock.unlink()
    match how:
        case "pipe":
            os.mkfifo(lock)
        case "folder":
            lock.mkdir()
        case "circle":
            lock.symlink_to(lock.name)
        case "another file":
            lock.touch()
        case _:
            assert how == "deleted"


@pytest.mark.parametrize("how", ["deleted", "pipe", "folder", "circle", "another file"])
def test_stop_ends_the_worker_whose_lock_its_agent_took_away(tmp_path: Path, how: str) -> None:
    shop = scripted_shop(tmp_path, investigation([Say(text="at work"), Hang(at="here")]))
    worker = shop.start("run", "--session", "greet", "--task", "x")
    until(lambda: bool(shop.runs()))
    folder = SessionFolder(shop.session("greet"))
    replace_lock(how, folder.lock)
    halted = halt(folder)
    assert (halted.worker, halted.clean) == (worker.pid, True)
    worker.communicate(timeout=60)
    assert worker.returncode == 12
    assert shop.processes() == []
    assert shop.status("greet")["state"] == "stopped"


@pytest.mark.parametrize("text", ["", "a copy"])
def test_stop_ends_the_worker_whose_lock_another_process_has_taken(tmp_path: Path, text: str) -> None:
    shop = scripted_shop(tmp_path, investigation([Say(text="at work"), Hang(at="here")]))
    worker = shop.start("run", "--session", "greet", "--task", "x")
    until(lambda: bool(shop.runs()))
    folder = SessionFolder(shop.session("greet"))
    described = folder.lock.read_text() if text else text
    folder.lock.unlink()
    folder.lock.write_text(described)
    hold = "import fcntl, sys, time; f = open(sys.argv[1]); fcntl.flock(f, fcntl.LOCK_EX); print('held', flush=True); time.sleep(600)"
    thief = subprocess.Popen([sys.executable, "-c", hold, str(folder.lock)], stdout=subprocess.PIPE)
    try:
        assert thief.stdout is not None
        assert thief.stdout.readline() == b"held\n"
        assert shop.status("greet")["worker"]["pid"] == worker.pid
        halted = halt(folder)
        assert (halted.worker, halted.forced) == (worker.pid, False)
        worker.communicate(timeout=60)
        assert worker.returncode == 12
    finally:
        thief.kill()
        thief.communicate()
    assert shop.processes() == []


def test_stop_ends_a_worker_of_which_all_locks_and_records_were_deleted(tmp_path: Path) -> None:
    shop = scripted_shop(tmp_path, investigation([Say(text="at work"), Hang(at="here")]))
    worker = shop.start("run", "--session", "greet", "--task", "x")
    until(lambda: bool(shop.runs()))
    folder = SessionFolder(shop.session("greet"))
    folder.lock.unlink()
    shutil.rmtree(folder.vault.path)
    halted = halt(folder)
    assert (halted.worker, halted.clean) == (worker.pid, True)
    worker.communicate(timeout=60)
    assert shop.processes() == []


STOP = """
import os, pathlib, subprocess, sys
from samobot.session.folder import SessionFolder
from samobot.worker.halt import halt
folder = SessionFolder(pathlib.Path(sys.argv[1]))
left = subprocess.Popen(["sleep", "600"], env={**os.environ, "SAMOCODE_SESSION": sys.argv[1]})
print(halt(folder).worker)
left.wait()
"""


def test_stop_leaves_the_worker_alone_whose_agent_has_stopped_a_session_of_its_own(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    folder.prepare()
    # Named as workers are; it has taken over what the session's own worker left behind.
    outer = [sys.executable, "-c", STOP, str(folder.path), "-m", "samobot", "run"]
    ended = subprocess.run(outer, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout) == (0, "None\n")


def test_stop_of_a_run_whose_process_id_passed_to_another_process_leaves_that_alone(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    folder.prepare()
    bystander = subprocess.Popen(["sleep", "600"])
    try:
        identity = identify(bystander.pid)
        assert identity is not None
        for ticks, boot in ((identity.start_ticks - 1, boot_id()), (identity.start_ticks, "another boot")):
            journal.append(
                folder,
                EventName.RUN_START,
                NOW,
                run="r",
                pid=bystander.pid,
                start_ticks=ticks,
                boot_id=boot,
                scope=None,
            )
            assert halt(folder).worker is None
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


@pytest.mark.parametrize("description", ["", '{"pid": 1, "host": "box", "process_start": 1.0}'])
def test_stop_never_calls_a_held_session_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, description: str
) -> None:
    folder = make_session(tmp_path)
    folder.prepare()
    folder.lock.write_text(description + "\n")
    monkeypatch.setattr(LinuxPlatform, "lock_owner", lambda *_: None)  # as on a network's file system
    with folder.lock.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        halted = halt(folder)
    assert not halted.clean
    assert "no worker" not in halted.summary
    assert "holds the session" in halted.summary


def test_stop_never_calls_a_session_free_whose_agent_held_the_lock_in_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_session(tmp_path)
    folder.prepare()
    folder.vault.prepare()
    folder.lock.touch()
    folder.vault.run_lock.touch()
    agent = subprocess.Popen(["sleep", "600"])
    owners = {folder.lock: agent.pid}
    monkeypatch.setattr(type(platform()), "lock_owner", lambda _, path, candidates: owners.get(path))
    reaper = threading.Thread(target=agent.wait)
    reaper.start()
    with folder.lock.open("rb") as file, folder.vault.run_lock.open("rb") as other:
        for each in (file, other):
            fcntl.flock(each, fcntl.LOCK_EX)
        halted = halt(folder)
    reaper.join()
    assert not halted.clean
    assert "holds the session" in halted.summary


def test_worker_that_ended_before_its_first_record_leaves_a_stopped_session(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    folder.prepare()
    folder.lock.touch()
    hold = "import fcntl, sys, time; f = open(sys.argv[1], 'r+'); fcntl.flock(f, fcntl.LOCK_EX); print('held', flush=True); time.sleep(600)"
    # It is named as workers are: where the kernel does not say who holds a lock, that is how one is found.
    like_a_worker = [sys.executable, "-c", hold, str(folder.lock), "-m", "samobot", "run"]
    worker = subprocess.Popen(like_a_worker, stdout=subprocess.PIPE)
    assert worker.stdout is not None
    assert worker.stdout.readline() == b"held\n"
    reaper = threading.Thread(target=worker.wait)
    reaper.start()
    assert halt(folder).worker == worker.pid
    reaper.join()
    worker.stdout.close()
    assert snapshot(folder, "").status.state is SessionState.STOPPED


def says(shop: ScriptedShop, word: str) -> bool:
    """Whether the agent has said that."""
    return any(
        f'"{word}"' in path.read_text(errors="replace")
        for path in shop.sessions.glob("*/_logs/*-001-*.jsonl")
    )


def test_the_whole_worktree_is_searched_if_the_session_works_in_a_folder_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_session(tmp_path / "sessions")
    worktree = tmp_path / "worktrees" / "greet"
    (worktree / "apps" / "web").mkdir(parents=True)
    (worktree / ".git").write_text("gitdir: elsewhere\n")
    text = folder.overview.read_text().replace("Task:", f"Working Dir: {worktree / 'apps' / 'web'}\nTask:", 1)
    folder.overview.write_text(text)
    journal.append(folder, EventName.RUN_START, NOW, run="r", pid=1, start_ticks=1, boot_id="", scope=None)
    searched: list[Path] = []

    def find(places: Sequence[Path], first: object) -> list[tuple[int, str]]:
        searched.extend(places)
        return []

    monkeypatch.setattr("samobot.worker.halt.unmarked_processes", find)
    halt(folder)
    assert searched == [folder.path, worktree]


@pytest.mark.parametrize("place", ["{session}", "{workdir}/src"])
def test_a_process_without_the_mark_that_outlived_its_worker_is_named_and_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    leave = f"mkdir -p {place}; cd {place}; env -i setsid sleep 1234 < /dev/null > /dev/null 2>&1 & sleep 0.2"
    shop = scripted_shop(tmp_path, investigation([RunStep(command=leave), Say(text="left"), Hang(at="here")]))
    worker = shop.start("run", "--session", "greet", "--task", "x")
    left: list[psutil.Process] = []

    def is_left() -> bool:
        left[:] = [
            process
            for process in psutil.process_iter(["cmdline", "cwd"])
            if process.info["cmdline"] == ["sleep", "1234"]
            and (process.info["cwd"] or "").startswith(str(tmp_path))
        ]
        return bool(left)

    try:
        until(is_left)
        until(lambda: says(shop, "left"))
        worker.kill()
        worker.communicate(timeout=60)
        for _ in range(2):
            stopped = shop.samobot("stop", "greet")
            assert stopped.returncode == 1
            assert "nothing" not in stopped.stdout
            assert f"works in the session's folders: {left[0].pid} sleep 1234." in stopped.stdout
        boot = psutil.boot_time()
        for step in (-86_400.0, -1.0, 1.0, 86_400.0):
            with monkeypatch.context() as clock:
                clock.setattr("psutil._pslinux.boot_time", lambda step=step: boot + step)
                assert halt(SessionFolder(shop.session("greet"))).unmarked == (f"{left[0].pid} sleep 1234",)
        assert left[0].is_running()
        left[0].kill()
        psutil.wait_procs(left, timeout=60)
        until(lambda: "or works in its folders" in shop.samobot("stop", "greet").stdout)
    finally:
        for process in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
    assert shop.processes() == []


def test_a_worker_that_ended_in_order_has_ended_all_that_it_started(tmp_path: Path) -> None:
    leave = "env -i setsid sleep 1234 < /dev/null > /dev/null 2>&1 & sleep 0.2"
    shop = scripted_shop(tmp_path, investigation([RunStep(command=leave), Say(text="left"), Hang(at="here")]))
    worker = shop.start("run", "--session", "greet", "--task", "x")
    until(lambda: says(shop, "left"))
    stopped = shop.samobot("stop", "greet")
    worker.communicate(timeout=60)
    if is_portable():  # it is looked for once a second, and was gone before; it is reported instead
        assert "nothing of the session is running" not in stopped.stdout
        (left,) = re.findall(r"(\d+) sleep 1234", stopped.stdout)
        os.kill(int(left), signal.SIGKILL)
        return
    assert "nothing of the session is running" in stopped.stdout
    assert shop.processes() == []


def test_a_stop_that_only_the_journal_could_take_is_no_failure(tmp_path: Path) -> None:
    folder = make_session(
        tmp_path, phase="requirements", qa=QUESTIONS, signal={"status": "waiting", "for": "qa_answers"}
    )
    folder.prepare()
    folder.overview.unlink()
    folder.overview.mkdir()  # as with a full disk: it cannot be written anew
    assert halt(folder).clean
    assert snapshot(folder, "demo").status.state is SessionState.STOPPED


DAEMON = (
    "import os, sys, time\n"
    "if os.fork(): os._exit(0)\n"
    "os.setsid()\n"
    "if os.fork(): os._exit(0)\n"
    "os.chdir('/')\n"
    "if len(sys.argv) < 3: os.execve(sys.executable, [sys.executable, '-c', __import__('pathlib').Path(sys.argv[1]).read_text(), sys.argv[1], 'again'], {})\n"
    "open(sys.argv[1] + '.pid', 'w').write(str(os.getpid()))\n"
    "time.sleep(600)\n"
)
"""Detaches twice and clears its environment, so that neither parent, mark nor folder shows where it came from."""


def start_killed_run(tmp_path: Path) -> tuple[ScriptedShop, subprocess.Popen[str], Path]:
    """A shop whose first worker is at work and whose agent has started the daemon."""
    program = tmp_path / "daemon.py"
    program.write_text(DAEMON)
    steps: list[Step] = [
        RunStep(command=f'{sys.executable} -c "$(cat {program})" {program}'),
        Say(text="left"),
        Hang(at="here"),
    ]
    shop = scripted_shop(tmp_path / "shop", investigation(steps, [Say(text="at work"), Hang(at="here")]))
    worker = shop.start("run", "--session", "greet", "--task", "x")
    pid = Path(f"{program}.pid")
    until(pid.exists)
    until(lambda: says(shop, "left"))
    return shop, worker, pid


@pytest.mark.parametrize("again", [False, True])
def test_stop_does_not_claim_to_know_what_a_killed_worker_left_behind(tmp_path: Path, again: bool) -> None:
    shop, worker, pid = start_killed_run(tmp_path)
    try:
        worker.kill()
        worker.communicate(timeout=60)
        if again:
            worker = shop.start("run", "--session", "greet")
            until(lambda: len(shop.runs()) == 2)
        for _ in range(2):
            stopped = shop.samobot("stop", "greet")
            assert "nothing of the session is running" not in stopped.stdout
            assert "was killed: a process that it had started" in stopped.stdout
        if again:
            worker.communicate(timeout=60)
        assert psutil.pid_exists(int(pid.read_text()))
    finally:
        os.kill(int(pid.read_text()), signal.SIGKILL)


def test_stop_does_not_speak_of_workers_that_were_killed_before_the_machine_was_booted(
    tmp_path: Path,
) -> None:
    folder = make_session(tmp_path)
    folder.prepare()
    for boot in ("an earlier boot", boot_id()):
        journal.append(
            folder, EventName.RUN_START, NOW, run="r", pid=1, start_ticks=1, boot_id=boot, scope=None
        )
        # Where a boot has no id, it rather warns once too often.
        may_be_this_one = boot == boot_id() or not boot_id().removeprefix(PORTABLE_BOOT)
        assert ("was killed" in halt(folder).summary) is may_be_this_one


def line(event: str, **fields: object) -> str:
    return json.dumps({"at": "2026-01-15T10:31:00Z", "event": event, **fields}) + "\n"


FORGED: dict[str, Callable[[Path], object]] = {
    "an end": lambda copy: copy.open("a").write(line("run_end", reason="done", exit_code=0)),
    "another run that ended": lambda copy: copy.open("a").write(
        line("run_start", run="s", pid=1) + line("run_end", reason="done", exit_code=0)
    ),
    "an earlier boot": lambda copy: copy.write_text(copy.read_text().replace(boot_id() or "", "earlier")),
    "a scope of its own": lambda copy: copy.write_text(
        copy.read_text().replace('"scope": null', '"scope": "/samobot-worker-greet.scope"')
    ),
    "no journal": lambda copy: copy.unlink(),
    "an empty journal": lambda copy: copy.write_text(""),
}


@for_each("forge", FORGED)
def test_what_an_agent_writes_about_a_killed_worker_does_not_make_it_an_orderly_one(
    tmp_path_factory: pytest.TempPathFactory, forge: str
) -> None:
    folder = make_session(tmp_path_factory.mktemp("killed"))
    folder.prepare()
    identity = {"run": "r", "pid": 1, "start_ticks": 1, "boot_id": boot_id(), "scope": None}
    journal.append(folder, EventName.RUN_START, NOW, **identity)
    FORGED[forge](folder.journal)
    assert "was killed: a process that it had started" in halt(folder).summary


def test_a_killed_worker_without_a_known_boot_counts_as_one_of_this_boot(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    folder.prepare()
    journal.append(folder, EventName.RUN_START, NOW, run="r", pid=1, start_ticks=1, boot_id="", scope=None)
    assert "was killed: a process that it had started" in halt(folder).summary


HIERARCHY = next(
    (path for path in map(Path, ("/sys/fs/cgroup/systemd", "/sys/fs/cgroup")) if os.access(path, os.W_OK)),
    None,
)


def is_empty(group: Path) -> bool:
    return not (group / "cgroup.procs").read_text()


@pytest.mark.skipif(is_portable(), reason="the portable platform has no control groups, so no scopes")
@pytest.mark.skipif(HIERARCHY is None or os.geteuid() != 0, reason="only root can make a control group")
def test_stop_ends_what_is_left_in_the_scope_of_a_killed_worker(tmp_path: Path) -> None:
    assert HIERARCHY is not None
    folder = make_session(tmp_path)
    folder.prepare()
    name = f"samobot-worker-{folder.name}-{os.urandom(4).hex()}.scope"
    inside, other = HIERARCHY / name, HIERARCHY / f"samobot-worker-else-{os.urandom(4).hex()}.scope"
    processes = []
    try:
        for group in (inside, other):
            group.mkdir()
            process = subprocess.Popen(["sleep", "600"], env={}, cwd="/", start_new_session=True)
            processes.append(process)
            (group / "cgroup.procs").write_text(str(process.pid))
        # The second line is a forgery: a scope of something else, which the agent would like to have ended.
        for scope in (f"/{name}", f"/{other.name}", "/"):
            journal.append(
                folder,
                EventName.RUN_START,
                NOW,
                run="r",
                pid=1,
                start_ticks=1,
                boot_id=boot_id(),
                scope=scope,
            )
        halted = halt(folder)
        assert (halted.ended, halted.untracked) == (1, None)
        assert processes[0].wait(timeout=60) == -signal.SIGTERM
        assert processes[1].poll() is None
    finally:
        for process in processes:
            process.kill()
            process.wait()
        for group in (inside, other):
            until(functools.partial(is_empty, group))
            group.rmdir()
