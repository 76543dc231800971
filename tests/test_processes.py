"""Ending processes: the willing, the deaf, and those that have gone already."""

from __future__ import annotations

import subprocess

import psutil

from samobot.processes import end_processes


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
    end_processes(left, 60)
    willing.wait()
    deaf.communicate()
