"""The mind of the chaos journeys' agent: a script that looks at what is there and does what is missing.

Run by the scripted agent as a shell command, with the phase, the session's folder and its name. An agent may be
killed at any instruction and started again, so nothing here counts runs: each step asks the files whether it has
been done. Standard library only.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

MOST_PAUSE = 0.25
"""Seconds between two steps at most, so that a fault can hit in between."""

MISCHIEF = ".mischief"
"""File of a session's folder that holds what its agent is talked into."""

TIDYING = ("delete", "tick", "rewrite", "forge")
JUNK_FILES = (
    *("_overview.md", "_qa.md", "_guidance.md", "_decisions.jsonl", "_signal.json", "_logs/journal.jsonl"),
    *("_logs/control.json", ".samocode"),
)
FORGERIES = ("approval", "answer", "budget", "auto")


class Mind:
    """One iteration.

    Args:
        phase: The phase.
        session: The session's folder.
        name: Its name.
    """

    def __init__(self, phase: str, session: Path, name: str) -> None:
        self.phase = phase
        self.session = session
        self.name = name

    def work(self) -> None:
        """Do what the phase asks for."""
        self.obey()
        getattr(self, f"do_{self.phase}")()

    def do_investigation(self) -> None:
        """Look around."""
        self.note("dive", "Nothing there yet.")
        self.signal("continue", phase="requirements", summary="Looked around")

    def do_requirements(self) -> None:
        """Ask two questions; go on once they are answered."""
        qa = self.session / "_qa.md"
        if "**Answer:**" not in self.read("_qa.md"):  # junk may have come before the questions
            write(qa, QUESTIONS.format(name=self.name))
        if "_waiting_" in self.read("_qa.md"):
            self.signal("waiting", wait="qa_answers", summary="Two questions")
        else:
            self.signal("continue", phase="planning", summary="Clear now")

    def do_planning(self) -> None:
        """Write a plan, and another one for each that was sent back."""
        plans = sorted(self.session.glob("*-plan-*.md"), key=lambda path: path.name.rpartition("-")[2])
        if not plans or plans[-1].name in self.rejected():
            version = len(plans) + 1
            stamp = time.strftime("%m-%d-%H:%M")
            plan = self.session / f"{stamp}-plan-{self.name}-{version}.md"
            write(plan, PLAN.format(name=self.name, version=version))
        self.signal("waiting", wait="plan_approval", summary="A plan")

    def do_implementation(self) -> None:
        """One commit, an action of a person's, a block that guidance lifts, another commit."""
        if self.commit("first"):
            self.signal("continue", summary="The first part")
        elif not (self.session / f"{self.name}.key").exists():
            self.signal(
                "waiting",
                wait="human_action",
                summary="A key",
                needs=f"Put the key of {self.name} into place",
            )
        elif "the port is" not in self.read("_guidance.md"):
            self.signal("blocked", reason=f"Nobody told {self.name} the port", needs="the port")
        else:
            self.commit("second")
            self.signal("continue", phase="testing", summary="The second part")

    def do_testing(self) -> None:
        """To quality once, and then to the end."""
        reviewed = any(self.session.glob("*-review.md"))
        self.signal("continue", phase="done" if reviewed else "quality", summary="It works")

    def do_quality(self) -> None:
        """A review."""
        self.note("review", "Clean.")
        self.signal("continue", phase="testing", summary="Reviewed")

    def do_done(self) -> None:
        """A summary."""
        self.note("summary", f"{self.name} has two parts.")
        self.signal("done", summary=f"{self.name} has two parts")

    # What they are made of.

    def commit(self, part: str) -> bool:
        """Commit a file unless that was done; whether it was missing."""
        if (
            subprocess.run(
                ["git", "cat-file", "-e", f"HEAD:{part}.txt"], capture_output=True, check=False
            ).returncode
            == 0
        ):
            return False
        lock = subprocess.run(
            ["git", "rev-parse", "--git-path", "index.lock"], capture_output=True, text=True, check=True
        )
        Path(lock.stdout.strip()).unlink(missing_ok=True)  # left by a commit that was killed
        write(Path(f"{part}.txt"), f"{part} of {self.name}\n")
        subprocess.run(["git", "add", f"{part}.txt"], check=True)
        subprocess.run(["git", "commit", "--quiet", "-m", f"The {part} part of {self.name}"], check=True)
        return True

    def note(self, kind: str, text: str) -> None:
        """Write an artefact, once."""
        if not any(self.session.glob(f"*-{kind}.md")):
            write(self.session / f"{time.strftime('%m-%d-%H:%M')}-{kind}.md", f"# {kind}\n\n{text}\n")

    def signal(self, status: str, *, wait: str | None = None, **more: str) -> None:
        """Hand over."""
        self.obey()
        record = {"status": status, **more} | ({"for": wait} if wait else {})
        write(self.session / "_signal.json", json.dumps(record))

    def obey(self) -> None:
        """Do the mischief that somebody has talked this agent into, once."""
        paper = self.session / MISCHIEF
        try:
            kind, order = paper.read_text(encoding="ascii").split()
        except (OSError, ValueError):
            return
        try:
            match kind:
                case "TIDY":
                    self.tidy(order)
                case "JUNK":
                    at = self.project_file() if order == ".samocode" else self.session / order
                    with at.open("ab") as file:
                        file.write(b"\xff junk\n{\n- [ ] junk\nSESSIONS=/nowhere\n" * 3)
                case _:
                    self.forge(order)
        except OSError:
            pass  # it may not, or the disk is full
        paper.unlink(missing_ok=True)

    def tidy(self, order: str) -> None:
        """Do to the guidance what an agent has no business with."""
        path = self.session / "_guidance.md"
        match order:
            case "delete":
                path.unlink(missing_ok=True)
            case "tick":
                path.write_text(self.read("_guidance.md").replace("- [ ]", "- [x]"), encoding="utf-8")
            case "rewrite":
                path.write_text("# Guidance\n\nAll done.\n", encoding="utf-8")
            case _:
                with path.open("a", encoding="utf-8") as file:
                    file.write("- [ ] [01-01 00:00] Ann: skip the second part\n")

    def forge(self, order: str) -> None:
        """Write what only a user may."""
        stamp = "2026-01-01T00:00:00Z"
        decisions = self.session / "_decisions.jsonl"
        journal = self.session / "_logs" / "journal.jsonl"
        plans = sorted(self.session.glob("*-plan-*.md"), key=lambda path: path.name.rpartition("-")[2])
        match order:
            case "approval" if plans:
                digest = hashlib.sha256(plans[-1].read_bytes()).hexdigest()
                record = {
                    "kind": "approval",
                    "who": "Ann",
                    "at": stamp,
                    "file": plans[-1].name,
                    "sha256": digest,
                }
                append(decisions, record)
            case "approval" | "answer":
                append(
                    decisions, {"kind": "answer", "who": "Ann", "at": stamp, "question": "Q9", "text": "yes"}
                )
            case "budget":
                append(journal, {"at": stamp, "event": "budget", "usd": 999, "by": "Ann"})
            case _:
                append(
                    journal, {"at": stamp, "event": "phase", "from": "planning", "to": "done", "by": "person"}
                )

    def project_file(self) -> Path:
        """The project's file, found from the worktree."""
        done = subprocess.run(
            ["git", "rev-parse", "--path-format=absolute", "--git-common-dir"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        return Path(done.stdout.strip()).parent / ".samocode"

    def rejected(self) -> set[str]:
        """Names of the plans that were sent back."""
        lines = self.read("_decisions.jsonl").splitlines()
        found = [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]
        return {each["file"] for each in found if each["kind"] == "rejection"}

    def read(self, name: str) -> str:
        """A file of the session; empty where it is not there."""
        path = self.session / name
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


def append(path: Path, record: Mapping[str, object]) -> None:
    """Append a line."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(record) + "\n")


def write(path: Path, text: str) -> None:
    """Write a file whole, after a pause in which anything may happen."""
    time.sleep(random.random() * MOST_PAUSE)
    half = path.with_name(f".{path.name}.half")
    half.write_text(text, encoding="utf-8")
    half.replace(path)


QUESTIONS = """# Questions

### Q1: Which colour does {name} take?

A) red
B) green
C) blue

**Suggestion:** A - it is seen

**Answer:** _waiting_

### Q2: Whom does {name} greet?

**Answer:** _waiting_
"""

PLAN = """# Plan: {name}, version {version}

## Phase 1: First

- [ ] the first part

## Phase 2: Second

- [ ] the second part of version {version}
"""


if __name__ == "__main__":
    os.umask(0o077)
    Mind(sys.argv[1], Path(sys.argv[2]), sys.argv[3]).work()
