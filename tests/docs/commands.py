"""Shell commands as pages show them: split, looked at by click, and run."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path

import click
import psutil

from samobot.cli import cli
from tests.docs.pages import Block
from tests.support.forked_program import start_samobot
from tests.support.workshop import Workshop


@dataclass(frozen=True, slots=True)
class Command:
    """One command of a block.

    Attributes:
        text: As it is typed, over several lines where it is continued.
        output: What the page shows of its output; None where it shows none.
    """

    text: str
    output: str | None = None


def commands(block: Block) -> list[Command]:
    """The commands of a block, in order."""
    if block.kind == "console":
        return _of_console(block)
    found: list[str] = []
    for line in block.text.splitlines():
        if found and found[-1].endswith("\\"):
            found[-1] += "\n" + line
        elif line.strip() and not line.lstrip().startswith("#"):
            found.append(line)
    return [Command(text) for text in found]


def _of_console(block: Block) -> list[Command]:
    found: list[tuple[str, list[str]]] = []
    for line in block.text.splitlines():
        if line.startswith("$ "):
            found.append((line.removeprefix("$ "), []))
        elif found and found[-1][0].endswith("\\") and not found[-1][1]:
            found[-1] = (found[-1][0] + "\n" + line, [])
        else:
            assert found, f"{block.where}: output before a command"
            found[-1][1].append(line)
    return [Command(text, "\n".join(output).strip("\n")) for text, output in found]


def check_with_click(text: str, where: str, *, whole: bool = True) -> None:
    """Have click read every call of samobot in a command: names, options and values exist.

    Args:
        text: The command.
        where: What to call its place.
        whole: Whether nothing may be missing; a sentence may leave out the name of a session.

    Raises:
        AssertionError: It does not accept one.
    """
    for words in _calls(text):
        name, *arguments = words
        if name in ("--version", "--help", "-h"):
            continue
        command = cli.get_command(click.Context(cli), name)
        assert command is not None, f"{where}: there is no command samobot {name}"
        problem = _complaint(name, command, arguments, whole=whole)
        assert not problem, f"{where}: samobot {' '.join(words)}: {problem}"


def _complaint(name: str, command: click.Command, arguments: list[str], *, whole: bool) -> str:
    """What click finds wrong with a call; empty where nothing is."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            command.make_context(name, arguments)
    except click.exceptions.Exit:
        return ""
    except click.MissingParameter as error:
        return error.format_message() if whole else ""
    except click.UsageError as error:
        return error.format_message()
    return ""


def _calls(text: str) -> list[list[str]]:
    """The words after each `samobot` that stands where a command does."""
    lexer = shlex.shlex(text.replace("\\\n", " "), posix=True, punctuation_chars="();<>|&")
    lexer.whitespace_split = True
    lexer.commenters = "#"
    calls: list[list[str]] = []
    current: list[str] | None = None
    start = True
    for word in lexer:
        if set(word) <= set("();<>|&"):
            current, start = None, word not in (">", ">>", "<")
        elif current is not None:
            current.append(word)
        elif start and word == "samobot":
            current = []
            calls.append(current)
        elif not re.fullmatch(r"\w+=.*", word):
            # An assignment or a wrapper may stand before the program.
            start = start and word in ("sudo", "exec", "env", "then", "do", "$")
    return [call for call in calls if call]


_PLAIN = re.compile(r"""samobot(?: (?:[\w./=@:,+-]+|"[^"$`\\!]*"|'[^']*'))*""")
"""A call of samobot that every shell only splits into words."""

_TEST = re.compile(r"test \$\? = (\d+)")


class Shell:
    """Runs a page's commands one after the other; the folder and exported variables carry over.

    Args:
        shop: Where they run.
    """

    def __init__(self, shop: Workshop) -> None:
        self._folder = shop.repo
        self._environment = shop.environment
        self._state = shop.root / "shell-state"

    def run(self, text: str) -> subprocess.CompletedProcess[str]:
        """Run one command; stdout and stderr come together as the page's reader sees them."""
        parts = text.split("; ")
        if not all(_PLAIN.fullmatch(part) or _TEST.fullmatch(part) for part in parts):
            return self._bash(text)
        code, shown = 0, ""
        for part in parts:
            if tested := _TEST.fullmatch(part):
                code = int(code != int(tested[1]))
            else:
                code, output = self._samobot(part)
                shown += output
        return subprocess.CompletedProcess(text, code, shown)

    def _samobot(self, text: str) -> tuple[int, str]:
        program = start_samobot(
            *shlex.split(text)[1:],
            folder=self._folder,
            environment=self._environment,
            stderr=subprocess.STDOUT,
        )
        output, _ = program.communicate(timeout=100)
        return program.returncode, output

    def _bash(self, text: str) -> subprocess.CompletedProcess[str]:
        script = f"{text}\ncode=$?\nenv -0 > {shlex.quote(str(self._state))}\nexit $code\n"
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=100,
        )
        if self._state.exists():  # otherwise the command has ended the shell
            pairs = self._state.read_text().split("\0")[:-1]
            self._environment = dict(pair.split("=", 1) for pair in pairs)
            self._folder = Path(self._environment["PWD"])
            self._state.unlink()
        return done


def wait_for_the_end(root: Path, seconds: float = 60) -> list[str]:
    """Wait for what a page started in the background; what still runs then is ended and returned.

    A worker gives its session free an instant before its process is gone.
    """
    ours = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and process.environ().get("WORKSHOP") == str(root):
                ours.append(process)
        except (psutil.Error, OSError):
            continue
    _, alive = psutil.wait_procs(ours, timeout=seconds)
    left = [f"{process.pid} {process.name()}" for process in alive]
    for process in alive:
        process.kill()
    return left


def matches(shown: str, real: str, root: Path) -> bool:
    """Whether a command's output is what the page shows.

    In the page `…` stands for any text, alone on a line for any lines; times, dates, durations and process ids
    are one as good as another, and the folder of the test is /home/ann.
    """
    real = real.replace(str(root), "/home/ann").strip("\n")
    lines = [_line_pattern(line) for line in _levelled(shown).splitlines()]
    real_lines = [line.rstrip() + "\n" for line in _levelled(real).splitlines()]
    return re.fullmatch("".join(lines), "".join(real_lines)) is not None


def _line_pattern(shown: str) -> str:
    if shown.strip() == "…":
        return "(?:.*\n)*"
    return re.escape(shown.rstrip()).replace(re.escape("…"), ".*") + "\n"


_VARYING = (
    (r"\b\d\d-\d\d-\d\d-(?=[a-z])", "<date>-"),
    (r"\b\d\d-\d\d-\d\d:\d\d\b", "<stamp>"),
    (r"\b\d\d-\d\d-\d{4}-(?=\d{3}-)", "<stamp>-"),
    (r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?Z?", "<time>"),
    (r"\b\d\d-\d\d \d\d:\d\d\b", "<time>"),
    (r"\b\d\d:\d\d(:\d\d)?\b", "<time>"),
    (r"\b\d+ (s|min|h)\b( \d+ (s|min)\b)?", "<duration>"),
    (r"\bprocess \d+", "process <pid>"),
    (r"\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun) +\d+ [A-Z][a-z]{2}\b", "<day>"),
)


def _levelled(text: str) -> str:
    for pattern, name in _VARYING:
        text = re.sub(pattern, name, text)
    return text


def page_environment(root: Path, claude: Path) -> dict[str, str]:
    """What a page's commands see: samobot and the scripted agent on PATH, and a HOME of their own.

    Args:
        root: The folder of everything.
        claude: The scripted agent's executable.
    """
    import sys

    home = root / "home"
    home.mkdir(parents=True)
    path = [str(claude.parent), str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]
    # Whoever tests a checkout beside the installed one names it so; its programs are meant, too.
    named = {name: os.environ[name] for name in ("PYTHONPATH",) if name in os.environ}
    return {
        **named,
        "PATH": ":".join(path),
        "HOME": str(home),
        "LOGNAME": "ann",
        "LANG": "C.UTF-8",
        "TERM": "dumb",
        "TZ": "UTC",
        "IS_SANDBOX": "1",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "Ann",
        "GIT_AUTHOR_EMAIL": "ann@example.invalid",
        "GIT_COMMITTER_NAME": "Ann",
        "GIT_COMMITTER_EMAIL": "ann@example.invalid",
    }
