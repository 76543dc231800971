"""`samobot demo --real` at a terminal: a person's own Claude CLI, here with a scripted model behind it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.e2e.test_chat_with_claude import QA
from tests.e2e.test_journey import COMMIT, PLAN
from tests.support.claude_cli import cli_environment, require_claude
from tests.support.messages_api import MessagesApi, Step, bash, signal, write
from tests.support.pty_program import PtyProgram

pytestmark = [pytest.mark.real_cli, pytest.mark.xdist_group("real_cli_demo")]


def journey() -> dict[str, list[Step]]:
    return {
        "investigation": [*signal("continue", phase="requirements", summary="Looked around")],
        "requirements": [
            write("{session}/_qa.md", QA),
            *signal("waiting", waiting_for="qa_answers", summary="Asked three questions"),
            *signal("continue", phase="planning", summary="Folded the answers in"),
        ],
        "planning": [
            write("{session}/01-02-03:05-plan-greeting.md", PLAN),
            *signal("waiting", waiting_for="plan_approval", summary="Wrote a plan"),
        ],
        "implementation": [bash(COMMIT), *signal("continue", phase="testing", summary="Wrote greet.py")],
        "testing": [*signal("continue", phase="done", summary="It prints")],
        "done": [
            write("{session}/01-02-03:07-summary.md", "# Summary\nAdded `greet.py`.\n"),
            *signal("done", summary="Added greet.py"),
        ],
    }


async def test_the_demo_works_with_ones_own_claude_on_a_throw_away_copy(tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    with MessagesApi(journey()) as api:
        environment = cli_environment(tmp_path / "home", api.url) | {
            "CLAUDE_PATH": str(require_claude()),
            "TMPDIR": str(tmp_path / "tmp"),
            "TERM": "xterm",
            "LANG": "C.UTF-8",
        }
        command = [sys.executable, "-m", "samobot", "demo", "--real", "--terminal"]
        async with PtyProgram(command, environment, tmp_path) as program:
            await program.until("Continue? [y/N]")
            program.type("y")
            await program.until("Real: The agent (your own Claude CLI)")
            await program.until("Press Enter to send")
            program.type("")
            await program.until("press Enter for “A ★”")
            program.type("")
            await program.until("→ A  hello")
            await program.until("press Enter for “A”")
            program.type("")
            await program.until("→ A  English")
            await program.until("press Enter for “✍️ Answer”")
            program.type("")
            await program.until("It waits for your text")
            program.type("greet")
            await program.until("press Enter for “✅ Approve”")
            program.type("")
            await program.until("press Enter for “± Diff”")
            program.type("")
            await program.until("greet.diff")
            await program.until("That was the tour")
            program.type("quit")
            assert await program.end() == 0
    assert list((tmp_path / "tmp").glob("samobot-demo-*")) == []
