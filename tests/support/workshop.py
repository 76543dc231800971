"""A place to work in for end-to-end tests: a git repository with a project file, and the real program."""

from __future__ import annotations

import atexit
import contextlib
import functools
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from samobot.cli import main
from samobot.session.vault import Vault, use_state_dir, vault_of
from tests.support.forked_program import fork_workers, start_samobot
from tests.support.repository import remove_sample_hooks


@dataclass
class Workshop:
    """A project in a folder of its own, with a HOME of its own.

    Attributes:
        root: The folder of everything.
        environment: What the program sees; see `claude_cli.cli_environment`.
    """

    root: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def repo(self) -> Path:
        """The project's repository."""
        return self.root / "demo"

    @property
    def config(self) -> Path:
        """The project's `.samocode`."""
        return self.repo / ".samocode"

    @property
    def sessions(self) -> Path:
        """The folder of session folders."""
        return self.root / "sessions"

    @property
    def worktrees(self) -> Path:
        """The folder of worktrees."""
        return self.root / "worktrees"

    @property
    def state(self) -> Path:
        """The program's state folder."""
        return self.root / "state" / "samobot"

    def vault(self, name: str) -> Vault:
        """What the program records of a session outside it."""
        use_state_dir(self.state)
        return vault_of(self.session(name))

    def session(self, name: str) -> Path:
        """The folder of the session of that name; there must be exactly one."""
        found = [path for path in self.sessions.iterdir() if path.name.endswith(f"-{name}")]
        assert len(found) == 1, found
        return found[0]

    def git(self, *arguments: str, cwd: Path | None = None) -> str:
        """Run git in the repository and return what it printed."""
        done = subprocess.run(
            ["git", *arguments],
            cwd=cwd or self.repo,
            env=self.environment,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def start(self, *arguments: str, **more: Any) -> subprocess.Popen[str]:
        """Start `samobot` with these arguments and its output in pipes."""
        return start_samobot(*arguments, folder=self.repo, environment=self.environment, **more)

    def samobot(self, *arguments: str, timeout: float = 110) -> subprocess.CompletedProcess[str]:
        """Run `samobot` to its end."""
        process = self.start(*arguments)
        out, err = process.communicate(timeout=timeout)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def quickly(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command of `samobot` in this process: the same, but for the start of an interpreter.

        Only from the main thread, and not for commands that start, signal or watch processes.
        """
        out, err = io.StringIO(), io.StringIO()
        with (
            open(os.devnull) as nothing,
            mock.patch.dict(os.environ, self.environment, clear=True),
            mock.patch.object(sys, "argv", ["samobot", *arguments]),
            mock.patch.object(sys, "stdin", nothing),
            mock.patch("samobot.cli.prepare_streams"),  # those of this process are not the command's
            contextlib.chdir(self.repo),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            pytest.raises(SystemExit) as left,
        ):
            main()
        assert isinstance(left.value.code, int)
        return subprocess.CompletedProcess(arguments, left.value.code, out.getvalue(), err.getvalue())

    def run(self, name: str, *arguments: str, timeout: float = 110) -> subprocess.CompletedProcess[str]:
        """Run `samobot run` on a session to its end."""
        return self.samobot(
            "run", "--config", str(self.config), "--session", name, *arguments, timeout=timeout
        )

    def refused_run(self, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`samobot run` in this process, for what is refused before it starts anything."""
        done = self.quickly("run", "--config", str(self.config), "--session", name, *arguments)
        assert done.returncode != 0, done.stdout
        return done

    def status(self, name: str) -> dict[str, Any]:
        """What `samobot status NAME --json` prints."""
        done = self.quickly("status", name, "--json")
        assert done.returncode == 0, done.stderr
        status: dict[str, Any] = json.loads(done.stdout)
        return status

    def journal(self, name: str, event: str | None = None) -> list[dict[str, Any]]:
        """The events of a session's journal, of one kind where that is named."""
        lines = (self.session(name) / "_logs" / "journal.jsonl").read_bytes().splitlines(keepends=True)
        events = [json.loads(line) for line in lines if line.endswith(b"\n")]
        return [each for each in events if event in (None, each["event"])]

    def processes(self) -> list[str]:
        """Command lines of the living processes that carry this workshop's mark, but for this one."""
        return [" ".join(words) for pid, words in self.marked() if pid != os.getpid()]

    def pids_with(self, word: str) -> list[int]:
        """Process ids of the workshop's living processes that have this word among their arguments."""
        return [pid for pid, words in self.marked() if word in words]

    def marked(self) -> Iterator[tuple[int, list[str]]]:
        """Yield the workshop's processes, lowest pid first; a zombie has no environment and is not among them.

        Straight from /proc: tests look many times, and at every process of the machine.
        """
        mark = b"\0WORKSHOP=" + os.fsencode(self.root) + b"\0"
        for pid in sorted(int(name) for name in os.listdir("/proc") if name.isdigit()):
            with contextlib.suppress(OSError):
                if mark in b"\0" + Path(f"/proc/{pid}/environ").read_bytes():
                    line = Path(f"/proc/{pid}/cmdline").read_bytes()
                    yield pid, [os.fsdecode(word) for word in line.split(b"\0")[:-1]]


def make_workshop(root: Path, environment: Mapping[str, str], *, remote: bool = False) -> Workshop:
    """Make a repository with one commit, and its project file.

    Args:
        root: An empty folder.
        environment: What programs will see.
        remote: Also make a bare remote that the repository was pushed to.
    """
    shop = Workshop(root, {**environment, "WORKSHOP": str(root), "XDG_STATE_HOME": str(root / "state")})
    use_state_dir(shop.state)  # what the test's own process does, it does to the program's records
    fork_workers()
    shop.root.mkdir(parents=True, exist_ok=True)
    identity = {name: value for name, value in environment.items() if name.startswith("GIT_")}
    template = _template(tuple(sorted(identity.items())), remote)
    shutil.copytree(template, root, symlinks=True, dirs_exist_ok=True)
    if remote:
        config = shop.repo / ".git" / "config"
        config.write_text(config.read_text().replace(str(template), str(root)))
    shop.config.write_text("MAIN_REPO=.\nWORKTREES=../worktrees\nSESSIONS=../sessions\n")
    return shop


@functools.cache
def _template(identity: tuple[tuple[str, str], ...], remote: bool) -> Path:
    """The repositories that each workshop is a copy of: a tenth of what the calls of git take."""
    root = Path(tempfile.mkdtemp(prefix="samobot-workshop-")).resolve()
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    made = Workshop(root, {"PATH": os.environ["PATH"], "HOME": str(root), **dict(identity)})
    made.repo.mkdir()
    made.git("init", "--quiet", "--initial-branch=main")
    (made.repo / "README.md").write_text("# demo\n")
    made.git("add", "README.md")
    made.git("commit", "--quiet", "-m", "Begin")
    remove_sample_hooks(made.repo / ".git")
    if remote:
        made.git("init", "--quiet", "--bare", str(root / "remote.git"))
        remove_sample_hooks(root / "remote.git")
        made.git("remote", "add", "origin", str(root / "remote.git"))
        made.git("push", "--quiet", "-u", "origin", "main")
    return root
