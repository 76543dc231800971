"""Ending processes: the willing, the deaf, and those that have gone already."""

from __future__ import annotations

import subprocess
import sys

import psutil

from samobot.system.processes import end_processes, is_alive


def test_the_willing_end_and_the_deaf_are_killed() -> None:
    willing = subprocess.Popen(["sleep", "600"])
    deaf = subprocess.Popen(
        ["sh", "-c", "trap '' TERM; echo deaf; while :; do sleep 600; done"], stdout=subprocess.PIPE
    )
    gone = subprocess.Popen(["true"])
    processes = [psutil.Process(each.pid) for each in (willing, deaf, gone)]
    gone.wait()
    assert deaf.stdout is not None
    assert deaf.stdout.readline() == b"deaf\n"
    left = psutil.Process(deaf.pid).children()
    end_processes(processes, 0.5)
    assert not any(process.is_running() for process in processes)
    end_processes(left, 0.5)  # they have inherited the deafness
    willing.wait()
    deaf.communicate()


def test_a_zombie_that_nobody_takes_notice_of_is_not_waited_for() -> None:
    idler = (
        "import subprocess, time; print(subprocess.Popen(['sleep', '600']).pid, flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", idler], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        end_processes([child], 3600)
        assert child.status() == psutil.STATUS_ZOMBIE
        assert not is_alive(child)
        parent.kill()
