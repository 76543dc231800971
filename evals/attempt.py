"""One attempt at a task: where it happens, and what came of it."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from evals.task import End, EvalTask

_IDENTITY = ("-c", "user.name=Eval", "-c", "user.email=eval@example.invalid")


@dataclass(frozen=True, slots=True)
class Question:
    """A question that the agent asked.

    Attributes:
        number: Its number.
        text: Its text.
        suggestion: What the agent suggested.
        answer: What was answered; None while it is open.
    """

    number: int
    text: str
    suggestion: str | None = None
    answer: str | None = None


@dataclass(frozen=True, slots=True)
class TestClaim:
    """What the agent said of its last test run."""

    __test__ = False  # for pytest

    passed: int
    failed: int


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of one attempt.

    Attributes:
        tree: The folder with the code as it was left.
        end: How it ended.
        said: What the person was told at the end.
        seconds: How long it took.
        cost_usd: What it cost; None if nobody knows.
        questions: What was asked.
        claim: The last claim about tests; None if there was none.
        voids: How many answers or decisions were found that no person had made.
    """

    tree: Path
    end: End
    said: str
    seconds: float
    cost_usd: float | None = None
    questions: tuple[Question, ...] = ()
    claim: TestClaim | None = None
    voids: int = 0


def make_repository(task: EvalTask, folder: Path) -> Path:
    """Make a git repository of a task's files, with one commit, in a new folder; returns the folder."""
    shutil.copytree(task.repo, folder)
    git(folder, "init", "--quiet", "--initial-branch", "main")
    git(folder, "add", "--all")
    git(folder, *_IDENTITY, "commit", "--quiet", "--message", "Begin")
    git(folder, "config", "user.name", "Eval")
    git(folder, "config", "user.email", "eval@example.invalid")
    return folder


def git(folder: Path, *arguments: str) -> str:
    """Run git in a folder of ours, without the user's configuration; returns what it printed.

    Raises:
        subprocess.CalledProcessError: It failed.
    """
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(
        ["git", *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()
