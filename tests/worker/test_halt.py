"""Stopping: a person's stop is told from the machine going down, and nothing of a session is left."""

from __future__ import annotations

import contextlib
import fcntl
import signal
import subprocess
from pathlib import Path

import psutil
import pytest

from samobot.sandbox.agent.steps import Hang, RunStep, Say
from samobot.session.folder import SessionFolder
from samobot.session.snapshot import snapshot
from samobot.session.status import SessionState
from samobot.worker.halt import halt
from tests.support.scripted import ScriptedShop, investigation, scripted_shop
from tests.support.session_folder import QUESTIONS, make_session
from tests.support.waiting import until

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("how", "by"),
    [("samobot stop", "person"), ("halt", "person"), (signal.SIGINT, "person"), (signal.SIGTERM, "outside")],
)
def test_only_a_persons_stop_counts_as_one(tmp_path: Path, how: str | signal.Signals, by: str) -> None:
    shop = scripted_shop(tmp_path, investigation([Say(text="at work"), Hang(at="here")]))
    worker = shop.start("run", "--session", "greet", "--task", "x")
    until(lambda: bool(shop.runs()))
    match how:
        case "samobot stop":
            assert shop.samobot("stop", "greet").returncode == 0
        case "halt":
            halted = halt(SessionFolder(shop.session("greet")))
            assert halted.worker == worker.pid
            assert "nothing of the session is running" in halted.words
        case _:
            assert isinstance(how, signal.Signals)
            worker.send_signal(how)
    worker.communicate(timeout=30)
    assert worker.returncode == 12
    assert shop.journal("greet", "run_end")[-1]["by"] == by
    assert shop.status("greet")["state"] == "stopped"
    assert shop.processes() == []


def test_stopping_what_does_not_run_says_so(tmp_path: Path) -> None:
    (tmp_path / "_logs").mkdir()
    halted = halt(SessionFolder(tmp_path))
    assert (halted.worker, halted.forced, halted.ended, halted.alive) == (None, False, 0, ())
    assert "no worker was running" in halted.words


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
    assert worker.wait(timeout=30) == 12
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
        worker.communicate(timeout=30)
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()
    assert shop.processes() == []


@pytest.mark.parametrize("description", ["", '{"pid": 1, "host": "box", "process_start": 1.0}'])
def test_stop_never_calls_a_held_session_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, description: str
) -> None:
    folder = make_session(tmp_path)
    folder.prepare()
    folder.lock.write_text(description + "\n")
    monkeypatch.setattr("samobot.worker.halt.lock_owner", lambda *_: None)  # as on a network's file system
    with folder.lock.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        halted = halt(folder)
    assert not halted.clean
    assert "no worker" not in halted.words
    assert "holds the session" in halted.words


def says(shop: ScriptedShop, word: str) -> bool:
    """Whether the agent has said that."""
    return any(f'"{word}"' in path.read_text() for path in shop.sessions.glob("*/_logs/*-001-*.jsonl"))


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
        worker.communicate(timeout=30)
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
        psutil.wait_procs(left, timeout=10)
        until(lambda: "works in its folders is running" in shop.samobot("stop", "greet").stdout)
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
    worker.communicate(timeout=30)
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
