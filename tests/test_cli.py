"""The program as a whole: its help, its completion, and that it starts fast."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from samobot import __version__
from samobot.cli import cli, main
from samobot.phases import Phase
from samobot.sandbox.agent.scenario import Scenario
from tests.support.scripted import blocked, go_on, scripted_shop
from tests.support.workshop import Workshop

pytestmark = pytest.mark.slow


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)


def nowhere(root: Path) -> Workshop:
    """A place without a project."""
    shop = Workshop(root, dict(os.environ))
    shop.repo.mkdir()
    return shop


def test_version_is_reported() -> None:
    done = python("-m", "samobot", "--version")
    assert (done.returncode, done.stdout) == (0, f"samobot {__version__}\n")


@pytest.mark.parametrize("name", [None, *cli.list_commands(None)])  # type: ignore[arg-type]
def test_every_command_has_help_that_teaches(tmp_path: Path, name: str | None) -> None:
    done = nowhere(tmp_path).quickly(*([name] if name else []), "--help")
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


def test_completion_is_silent_without_a_project(tmp_path: Path) -> None:
    shop = scripted_shop(tmp_path, Scenario(phases={"*": [[blocked()]]}))
    shop.config.unlink()
    shop.environment |= {
        "COMP_WORDS": "samobot status ", "COMP_CWORD": "2", "_SAMOBOT_COMPLETE": "bash_complete",
    }  # fmt: skip
    done = shop.samobot()
    assert (done.stdout.strip(), done.stderr) == ("", "")


def test_program_looks_for_no_garbage_as_it_ends() -> None:
    code = (
        "import atexit, gc, sys\natexit.register(lambda: print(gc.get_freeze_count() > 0))\n"
        "sys.argv = ['samobot', '--version']\nfrom samobot.cli import main\nmain()"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.splitlines()[-1] == "True"


def test_the_program_alone_shows_its_help_and_nothing_else() -> None:
    done = python("-m", "samobot")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == python("-m", "samobot", "--help").stdout


@pytest.mark.parametrize("words", [("foo",), ("runn",), ("run",), ("sessions", "extra"), ("run", "--nope")])
def test_wrong_argument_is_reported_in_one_line_that_points_once_to_the_help(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    done = nowhere(tmp_path).quickly(*words)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert done.stderr.count("--help") + done.stderr.count("Did you mean") == 1


def test_run_continues_if_the_terminal_lacks_its_signs(tmp_path: Path) -> None:
    shop = scripted_shop(tmp_path, Scenario(phases={"*": [[go_on(Phase.REQUIREMENTS)], [blocked("⛔ Ω")]]}))
    shop.environment |= {"PYTHONIOENCODING": "latin-1"}
    done = shop.run("greet")
    assert done.returncode == 11, done.stderr
    assert "investigation ? requirements" in done.stdout


@pytest.mark.parametrize("closed", [(0,), (1,), (0, 1, 2)])
def test_run_whose_streams_are_closed_continues_and_keeps_its_files_clean(
    tmp_path: Path, closed: tuple[int, ...]
) -> None:
    shop = scripted_shop(tmp_path, Scenario(phases={"*": [[blocked()]]}))
    close = f"import os, sys; [os.close(each) for each in {closed}]; os.execv(sys.executable, sys.argv[1:])"
    argv = [sys.executable, "-m", "samobot", "run", "--session", "greet"]
    done = subprocess.run(
        [sys.executable, "-c", close, *argv],
        cwd=shop.repo,
        env=shop.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (11, "")
    for kept in shop.session("greet").rglob("*.jsonl"):
        assert all(json.loads(line) for line in kept.read_text().splitlines())
    assert (shop.session("greet") / "_logs" / "run.lock").read_text() == ""


def test_current_folder_that_is_gone_is_reported_in_one_line(tmp_path: Path) -> None:
    gone = nowhere(tmp_path).root / "gone"
    gone.mkdir()
    # The shell keeps the folder as its own while it removes it, as a user's does.
    script = f'rmdir "$PWD" && exec "{sys.executable}" -m samobot status'
    done = subprocess.run(
        ["/bin/sh", "-c", script],
        cwd=gone,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "samobot: The current folder is gone: change to one that exists.\n"


def test_file_that_the_user_may_not_use_is_named_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(**_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", "/locked/folder")

    monkeypatch.setattr(cli, "main", refuse)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert capsys.readouterr().err == (
        "samobot: Cannot use /locked/folder: permission denied; check who owns the file and its folder.\n"
    )


@pytest.mark.skipif(not os.access("/dev/full", os.W_OK), reason="/dev/full is closed to this user")
def test_output_that_cannot_be_written_is_reported_in_one_line(tmp_path: Path) -> None:
    shop = scripted_shop(tmp_path, Scenario(phases={"*": [[blocked()]]}))
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "samobot", "status"],
            cwd=shop.repo,
            env=shop.environment,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert done.returncode == 1
    assert done.stderr == (
        "samobot: What is to be shown cannot be written: No space left on device. "
        "Send it elsewhere, or free some space.\n"
    )
