"""An attempt through samobot: a session is run, its gates are answered, until it ends."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evals.attempt import Attempt, Question, TestClaim, git, make_repository
from evals.policy import answers
from evals.task import End, EvalTask

_ENDS = {0: End.DONE, 10: End.WAITING, 11: End.BLOCKED, 13: End.BUDGET}
"""By the exit codes of `samobot run`; all others are a failure."""

MOST_GATES = 12
"""An agent that asks more often than that is not left to go round forever."""


@dataclass(frozen=True, slots=True)
class Program:
    """How samobot is started.

    Attributes:
        samobot: The command.
        environment: What is set for it beside the caller's environment, such as `CLAUDE_PATH`.
        budget_usd: The most that one attempt may cost.
        seconds: The longest that one run up to a gate may take.
    """

    samobot: tuple[str, ...] = ("samobot",)
    environment: Mapping[str, str] | None = None
    budget_usd: float = 5.0
    seconds: float = 3600.0


def attempt(task: EvalTask, folder: Path, program: Program) -> Attempt:
    """Let samobot work on a task.

    Args:
        task: The task.
        folder: An empty folder; everything happens in it, and the code is left in `final`.
        program: How samobot is started.
    """
    room = _Room(task, folder, program)
    began = time.monotonic()
    end = room.play()
    return room.result(end, time.monotonic() - began)


class _Room:
    """The project of one attempt."""

    def __init__(self, task: EvalTask, folder: Path, program: Program) -> None:
        self._task = task
        self._program = program
        self._folder = folder
        self._repo = make_repository(task, folder / "repo")
        self._config = self._repo / ".samocode"
        places = ("MAIN_REPO=.", f"WORKTREES={folder}/worktrees", f"SESSIONS={folder}/sessions")
        self._config.write_text("\n".join(places) + "\n", encoding="utf-8")
        self._environment = {
            **os.environ,
            **(program.environment or {}),
            "SAMOBOT_STATE_DIR": str(folder / "state"),
            "XDG_CONFIG_HOME": str(folder / "config"),
        }
        self._last_error = ""

    def play(self) -> End:
        """Run the session, and answer at its gates, until neither can continue it."""
        words = ["--task", self._task.words]
        for _ in range(MOST_GATES):
            done = self._samobot(
                "run",
                "--config",
                str(self._config),
                "--session",
                self._task.name,
                "--budget",
                str(self._program.budget_usd),
                *words,
            )
            words = []
            end = _ENDS.get(done.returncode, End.FAILED)
            self._last_error = done.stderr.strip()[-500:]
            if end is not End.WAITING or not self._decide():
                return end
        return End.WAITING

    def _decide(self) -> bool:
        """Answer what the session waits for; whether there was something that a person could answer."""
        status = self.status()
        match status["waiting_for"]:
            case "qa_answers":
                given = answers(self._task, self._questions(status))
                if not given:
                    return False
                done = self._samobot(
                    "answer", self._task.name, *(f"Q{number}={text}" for number, text in given.items())
                )
            case "plan_approval":
                done = self._samobot("approve", self._task.name)
            case _:
                return False
        return done.returncode == 0

    def status(self) -> dict[str, Any]:
        """What `samobot status NAME --json` prints; of a session that was never made, what that means."""
        done = self._samobot("status", self._task.name, "--json")
        if done.returncode:
            return {"path": None, "questions": [], "waiting_for": None, "blocked": done.stderr.strip()}
        status: dict[str, Any] = json.loads(done.stdout)
        return status

    def result(self, end: End, seconds: float) -> Attempt:
        """What came of it, with the branch's commits checked out in a folder of its own."""
        status = self.status()
        final = self._folder / "final"
        branches = git(self._repo, "branch", "--format", "%(refname:short)").split()
        branch = next((each for each in branches if each.rsplit("/", 1)[-1] == self._task.name), "main")
        git(self._folder, "clone", "--quiet", "--branch", branch, str(self._repo), str(final))
        path = Path(status["path"]) if status["path"] else None
        events = _events(path) if path else []
        return Attempt(
            tree=final,
            end=end,
            said="\n".join(filter(None, [*_summaries(path), _block(status), self._last_error])),
            seconds=seconds,
            cost_usd=status.get("cost_usd"),
            questions=self._questions(status),
            claim=_claim(events),
            voids=sum(event.get("event") == "void" for event in events),
        )

    def _questions(self, status: dict[str, Any]) -> tuple[Question, ...]:
        return tuple(
            Question(
                each["number"],
                "\n".join([each["text"], *map(str, each["options"] or ())]),
                each["suggestion"],
                each["answer"],
            )
            for each in status["questions"]
        )

    def _samobot(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(
                [*self._program.samobot, *arguments],
                cwd=self._repo,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=self._program.seconds,
            )
        except subprocess.TimeoutExpired:
            subprocess.run(
                [*self._program.samobot, "stop", self._task.name],
                cwd=self._repo,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=120,
            )
            return subprocess.CompletedProcess(arguments, -1, "", "It took too long and was stopped.")


def _block(status: dict[str, Any]) -> str | None:
    words: str | None = status.get("blocked")
    return None if words == "no" else words


def _summaries(session: Path | None) -> list[str]:
    """What the agent left for the person to read, oldest first."""
    if session is None:
        return []
    return [
        path.read_text(encoding="utf-8", errors="replace") for path in sorted(session.glob("*-summary.md"))
    ]


def _events(session: Path) -> list[dict[str, Any]]:
    """The session's journal; what cannot be read of it is left out."""
    events = []
    try:
        lines = (
            (session / "_logs" / "journal.jsonl").read_text(encoding="utf-8", errors="replace").splitlines()
        )
    except OSError:
        return []
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict):
            events.append(event)
    return events


def _claim(events: list[dict[str, Any]]) -> TestClaim | None:
    claims = [event.get("tests") for event in events if event.get("event") == "signal"]
    counts = next((claim for claim in reversed(claims) if isinstance(claim, dict)), None)
    if counts is None:
        return None
    return TestClaim(int(counts.get("passed", 0)), int(counts.get("failed", 0)))
