"""`samobot demo` as a newcomer starts it: by hand, and ended by Ctrl-C; `tests/test_package.py` plays it unattended."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.support.claude_cli import cli_environment
from tests.support.demo import nothing_is_left
from tests.support.forked_program import start_samobot
from tests.support.scripted import NOWHERE
from tests.support.waiting import until

pytestmark = pytest.mark.slow


def start(tmp_path: Path, *arguments: str, stdin: int = subprocess.DEVNULL) -> subprocess.Popen[str]:
    """Start the demo with a folder for temporary files of its own, so that what it leaves can be seen."""
    temporary = tmp_path / "tmp"
    temporary.mkdir(exist_ok=True)
    environment = cli_environment(tmp_path, NOWHERE) | {"TMPDIR": str(temporary)}
    return start_samobot(
        "demo", *arguments, folder=tmp_path, environment=environment, stdin=stdin, stderr=subprocess.STDOUT
    )


def read_until(demo: subprocess.Popen[str], words: str) -> str:
    assert demo.stdout is not None
    seen = ""
    for line in demo.stdout:
        seen += line
        if words in line:
            return seen
    pytest.fail(f"{words!r} did not come:\n{seen}")


def test_text_chat_taps_numbers_sends_text_and_takes_the_suggestion_on_enter(tmp_path: Path) -> None:
    demo = start(tmp_path, "--terminal", stdin=subprocess.PIPE)
    assert demo.stdin is not None
    read_until(demo, "Press Enter to send")
    demo.stdin.write("/projects\n")
    demo.stdin.flush()
    read_until(demo, "/projects")
    demo.stdin.write("\n")
    demo.stdin.flush()
    read_until(demo, "1 of 3")
    read_until(demo, "Type a button's number")
    demo.stdin.write("2\n")
    demo.stdin.flush()
    assert "Good day" in read_until(demo, "→ B")
    demo.stdin.write("quit\n")
    out, _ = demo.communicate(timeout=60)
    assert demo.returncode == 0, out
    assert nothing_is_left(tmp_path / "tmp")


def start_working(tmp_path: Path) -> subprocess.Popen[str]:
    """Start the demo, and have its agent at work."""
    demo = start(tmp_path, "--no-open")
    shown = read_until(demo, "The chat:")
    url = re.findall(r"http://\S+", shown)[0]
    origin = url.split("/chat/")[0]
    said = httpx.post(f"{url}say", json={"text": "/run greet: Greet"}, headers={"Origin": origin})
    assert said.json()["ok"]
    folder = next((tmp_path / "tmp").glob("samobot-demo-*"))
    with httpx.stream("GET", f"{url}events", timeout=60) as stream:
        assert any("investigation" in line for line in stream.iter_lines() if "data:" in line)
    assert list(folder.glob("sessions/*"))
    return demo


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ending_it_ends_bot_and_workers_and_removes_the_folder(
    tmp_path: Path, number: signal.Signals
) -> None:
    demo = start_working(tmp_path)
    demo.send_signal(number)
    out, _ = demo.communicate(timeout=60)
    assert demo.returncode == 0, out
    assert "its folder is gone" in out
    assert nothing_is_left(tmp_path / "tmp")


def test_killing_it_ends_bot_and_workers_and_removes_the_folder(tmp_path: Path) -> None:
    demo = start_working(tmp_path)
    demo.kill()
    demo.communicate(timeout=60)
    until(lambda: nothing_is_left(tmp_path / "tmp"))


def test_a_port_that_is_taken_is_said_and_nothing_stays(tmp_path: Path) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        demo = start(tmp_path, "--no-open", f"--port={taken.getsockname()[1]}")
        out, _ = demo.communicate(timeout=60)
    assert demo.returncode == 1
    assert "--port" in out
    assert nothing_is_left(tmp_path / "tmp")


def test_the_real_agent_is_not_started_without_a_yes(tmp_path: Path) -> None:
    claude = tmp_path / "claude"
    claude.write_text("#!/bin/sh\nexit 1\n")
    claude.chmod(0o755)
    environment = {**os.environ, "CLAUDE_PATH": str(claude)}
    command = [sys.executable, "-m", "samobot", "demo", "--real"]
    for more in ([], ["--terminal", "--fast"]):
        done = subprocess.run(
            [*command, *more], env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
        assert done.returncode in (2, 130)
        assert "Starting the demo" not in done.stderr
