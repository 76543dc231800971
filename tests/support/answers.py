"""The bot's answers to commands, words and taps, from a context with real sessions on disk."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from samobot.session import journal
from samobot.session.folder import SessionFolder
from samobot.session.journal import EventName
from samobot.telegram.store.outbox_rows import Op, Post
from tests.support.phone import CHAT, NOW, Phone

SUMMARY = "# Greeting\n\nAdded `greet.py` with argparse and 12 tests; all 12 tests pass, quality is clean.\n"

_LOG: tuple[tuple[str, dict[str, Any]], ...] = (
    ("Read", {"file_path": "src/greet.py"}),
    ("Grep", {"pattern": "def main", "path": "src"}),
    ("Edit", {"file_path": "src/greet.py", "old_string": "a", "new_string": "b"}),
    ("Bash", {"command": "python -m pytest -q tests/test_greet.py --maxfail=1 -k 'umlaut or name'"}),
    ("Write", {"file_path": "tests/test_greet.py", "content": "..."}),
)


@dataclass(frozen=True, slots=True)
class Said:
    """What a person said, and what came back.

    Attributes:
        words: Theirs.
        answers: The bot's messages, each with the file that goes with it.
    """

    words: str
    answers: tuple[tuple[Post, bytes | None], ...]


async def conversations(phone: Phone) -> dict[str, list[Said]]:
    """Say everything there is to say, with sessions of every kind; the talks by their names."""
    found: dict[str, list[Said]] = {}

    async def talk(name: str, *words: str) -> None:
        found[name] = [await _say(phone, each) for each in words]

    await talk("talk-at-first", "/start", "/status", "/sessions", "/cost", "/plan", "hello there")
    _furnish(phone)
    await talk("talk-help", "/help")
    await talk("talk-help-about", "/help run", "/help answer", "/stat", "/hepl", "status")
    await talk("talk-status", "/status", "/status greet", "/status ask")
    await talk("talk-lists", "/sessions", "/projects", "/notify", "/notify norml")
    await talk(
        "talk-documents", "/log greet", "/diff greet", "/files greet", "/cost", "/cost greet", "/chart greet"
    )
    await talk("talk-plan", "/plan plan", "/files greet summary", "/diff ask")
    await talk(
        "talk-choices",
        "/answer blue, please",
        "/stop",
        "/resume",
        "/run new: do it",
        "/run repo:gret",
    )
    await talk("talk-errors", "/answer nobody A", "/approve greet", "/status gret", "/run shpo:new do it", "/answer ask Q9 A",
               "/files greet nothing.md", "/resume greet much", "/panik", "/run ../x do")  # fmt: skip
    await talk(
        "talk-words",
        "and make it fast",
        "/reject plan",
        "/answer ask all",
        "/tell stuck use argparse",
        "/tell",
    )
    found["talk-words"].append(await _say(phone, "/archive plan", minutes_ago=300))
    await talk("talk-last", "/archive", "/run", "/archive")
    return found


async def _say(phone: Phone, words: str, minutes_ago: int = 0) -> Said:
    await phone.say(words, minutes_ago=minutes_ago)
    await phone.context.background.finish(20)
    rows = [row for row in phone.store.outbox.waiting(CHAT) if row.op is Op.SEND]
    answers = tuple((row.post, row.file.read_bytes() if row.file else None) for row in rows)
    for row in phone.store.outbox.waiting(CHAT):
        phone.store.outbox.done(row)
    return Said(words, answers)


def _furnish(phone: Phone) -> None:
    """Sessions that ask, that have a plan, that are blocked, and one that is done in a git repository."""
    phone.asking("ask")
    phone.planned("plan")
    phone.session("stuck", phase="testing", blocked="yes", project="shop",
                  signal='{"status": "blocked", "reason": "no network here", "needs": "Mock the API?"}')  # fmt: skip
    done = phone.session("greet", phase="done", signal='{"status": "done", "summary": "Added greet.py"}')
    (done / "01-31-11:55-summary.md").write_text(SUMMARY)
    (done / "01-31-11:10-dive-where-greetings-come-from.md").write_text("# Dive\n" + "words\n" * 400)
    _repository(phone.root / "repo")
    folder = SessionFolder(done)
    folder.prepare()
    (folder.logs / "01-31-1130-002-implementation.jsonl").write_text(
        "\n".join(map(json.dumps, _records())) + "\n"
    )
    _journal(folder)


def _records() -> Iterable[dict[str, Any]]:
    words = "I read the script first, then I write the **parser** and its tests."
    yield {
        "type": "assistant",
        "message": {"role": "assistant", "content": [{"type": "text", "text": words}]},
    }
    for number, (name, values) in enumerate(_LOG):
        use = {"type": "tool_use", "id": f"t{number}", "name": name, "input": values}
        yield {"type": "assistant", "message": {"role": "assistant", "content": [use]}}


def _journal(folder: SessionFolder) -> None:
    at = NOW - timedelta(hours=1)
    journal.append(folder, EventName.RUN_START, at, run="r", pid=1, phase="investigation", budget_usd=5.0)
    for number, phase in enumerate(("investigation", "requirements", "implementation", "implementation"), 1):
        journal.append(folder, EventName.ITERATION_START, at, n=number, phase=phase)
        at += timedelta(minutes=9)
        models = {"claude-opus-4-1": 0.4, "claude-haiku-4-5": 0.02}
        journal.append(folder, EventName.ITERATION_END, at, n=number, phase=phase, cost_usd=0.42, duration_s=540.0,
                       outcome="completed", models=models)  # fmt: skip
    journal.append(folder, EventName.RUN_END, at, reason="done", phase="done")


def _repository(path: Path) -> None:
    def git(*words: str) -> None:
        who = ["-c", "user.name=Ann", "-c", "user.email=ann@example.org", "-c", "init.defaultBranch=main"]
        subprocess.run(["git", *who, *words], cwd=path, check=True, capture_output=True)

    git("init")
    git("add", "-A")
    git("commit", "--allow-empty", "-m", "start")
    git("checkout", "-b", "greet")
    for name, lines in (
        ("src/greet.py", 40),
        ("tests/test_greet.py", 142),
        ("docs/how-to/greet-people-in-their-own-language-and-script.md", 7),
    ):
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text("".join(f"line {number}\n" for number in range(lines)))
    git("add", "-A")
    git("commit", "-m", "greet")
    (path / "notes.txt").write_text("not committed\n")
