"""The program as a whole: its help, its completion, and that it starts fast."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from samobot import __version__
from samobot.cli import cli
from samobot.sandbox.scenario import Scenario
from tests.support.scripted import blocked, scripted_shop


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)


def test_the_version_is_told() -> None:
    done = python("-m", "samobot", "--version")
    assert (done.returncode, done.stdout) == (0, f"samobot {__version__}\n")


@pytest.mark.parametrize("name", [None, *cli.list_commands(None)])  # type: ignore[arg-type]
def test_every_command_has_help_that_teaches(name: str | None) -> None:
    done = python("-m", "samobot", *([name] if name else []), "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"Usage: samobot {name or ''}".rstrip())
    assert len(done.stdout.splitlines()) > 5


@pytest.mark.parametrize(
    ("words", "count", "expected"),
    [
        ("samobot st", 1, "status"),
        ("samobot status gr", 2, "greet"),
        ("samobot run --session gr", 3, "greet"),
    ],
)
def test_the_shell_completes_commands_and_sessions(
    tmp_path: Path, words: str, count: int, expected: str
) -> None:
    shop = scripted_shop(tmp_path, Scenario(phases={"*": [[blocked()]]}))
    shop.run("greet")
    shop.environment |= {"COMP_WORDS": words, "COMP_CWORD": str(count), "_SAMOBOT_COMPLETE": "bash_complete"}
    done = shop.samobot()
    assert f"plain,{expected}" in done.stdout.splitlines()


def test_completion_is_silent_where_there_is_no_project(tmp_path: Path) -> None:
    shop = scripted_shop(tmp_path, Scenario(phases={"*": [[blocked()]]}))
    shop.config.unlink()
    shop.environment |= {
        "COMP_WORDS": "samobot status ", "COMP_CWORD": "2", "_SAMOBOT_COMPLETE": "bash_complete",
    }  # fmt: skip
    done = shop.samobot()
    assert (done.stdout.strip(), done.stderr) == ("", "")
