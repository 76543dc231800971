"""A session folder to run things in, and an independent look at what is left of them."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from samobot.claude.reaper import SESSION_VARIABLE

ROOT = Path(__file__).parents[2]
FAKE = Path(__file__).with_name("fake_claude.py")


@dataclass
class Bench:
    """A session folder, and a token that marks all processes of one test."""

    folder: Path
    token: str = field(default_factory=lambda: f"token-{uuid.uuid4().hex}")

    def job(self, scenario: str, **changes: Any) -> dict[str, Any]:
        job: dict[str, Any] = {
            "argv": [sys.executable, "-S", str(FAKE), scenario, self.token],
            "cwd": str(self.folder),
            "env": {"PATH": os.environ["PATH"], SESSION_VARIABLE: str(self.folder)},
            "stdin": "Do it.",
            "log": str(self.folder / "001.jsonl"),
            "clocks": {},
            "stop_at": "",
        }
        return job | changes

    def start(self, job: dict[str, Any]) -> subprocess.Popen[str]:
        worker = subprocess.Popen(
            [sys.executable, "-m", "tests.claude.worker"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert worker.stdin is not None
        worker.stdin.write(json.dumps(job) + "\n")
        worker.stdin.flush()
        return worker

    def run(self, scenario: str, **changes: Any) -> dict[str, Any]:
        out, errors = self.start(self.job(scenario, **changes)).communicate(timeout=60)
        assert out, errors
        report: dict[str, Any] = json.loads(out)
        return report

    def left(self) -> list[psutil.Process]:
        """Living processes that carry the token, found without any help of the code under test."""
        found = []
        for process in psutil.process_iter():
            try:
                if self.token in process.cmdline() and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except psutil.Error:
                continue
        return found


def wait_for_end(pid: int) -> None:
    """Wait until somebody else's process is dead, reaped or not."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        assert poll.poll(60_000), f"process {pid} did not end"
    finally:
        os.close(descriptor)
