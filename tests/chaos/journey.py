"""One chaos journey from its seed to its findings."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.audit import Findings, audit
from tests.chaos.monkey import Monkey, Trouble, plan
from tests.chaos.owner import Owner
from tests.chaos.stage import Stage, stage

NAMES = ("alpha", "bravo", "carol", "delta")


@dataclass(frozen=True)
class Course:
    """How a journey is to be.

    Attributes:
        seed: Chooses everything.
        faults: How many.
        sessions: How many.
        mean_gap: Seconds between two faults on average.
        timeout: Seconds that the whole may take.
    """

    seed: int
    faults: int
    sessions: int = 3
    mean_gap: float = 1.0
    timeout: float = 300.0


@dataclass
class Journey:
    """What became of one.

    Attributes:
        course: What it was to be.
        findings: What the audit found.
        counts: Faults that hit, by kind.
        kills: Kills of the bot.
        seconds: How long it took.
        asked_again: Gates at which the bot asked its owner to say it again.
        report: Everything that is needed to see what happened.
        disk: Whether the disk could be filled.
    """

    course: Course
    findings: Findings
    counts: Counter[str] = field(default_factory=Counter)
    kills: int = 0
    seconds: float = 0.0
    asked_again: int = 0
    report: str = ""
    disk: bool = False


async def travel(course: Course, root: Path) -> Journey:
    """Make a journey in an empty folder."""
    began = time.monotonic()
    async with stage(root) as where:
        owner = Owner(where, list(NAMES[: course.sessions]), course.seed)
        where.names = owner.names
        monkey = Monkey(where, plan(course.seed, course.faults, course.mean_gap, disk=where.disk))
        await where.start()
        acting = asyncio.create_task(owner.run())
        raging = asyncio.create_task(monkey.run())
        late = ""
        try:
            async with asyncio.timeout(course.timeout):
                await _until_over(where, owner, acting, raging)
        except TimeoutError:
            late = f"it did not come to its end within {course.timeout:.0f} s"
        finally:
            for task in (acting, raging):
                task.cancel()
            await asyncio.gather(acting, raging, return_exceptions=True)
        code = await where.end()
        findings = audit(where, owner)
        findings.wrong += [late] if late else []
        if code != 0:
            findings.wrong.append(f"the bot ended with exit code {code}")
        crashes = [f"{when:.1f} exit code {status}" for when, status in where.exits[:-1]]
        if not where.disk or not monkey.counts[Trouble.DISK]:
            findings.wrong += [f"the bot ended by itself: {crash}" for crash in crashes]
        counts = Counter({str(kind): count for kind, count in monkey.counts.items()})
        report = _report(course, where, owner, monkey, findings)
        return Journey(
            course,
            findings,
            counts,
            where.kills,
            time.monotonic() - began,
            len(owner.asked_again),
            report,
            where.disk,
        )


async def _until_over(
    where: Stage, owner: Owner, acting: asyncio.Task[None], raging: asyncio.Task[None]
) -> None:
    """Wait until all sessions are done, nothing goes wrong any more, and everything has been said."""
    while True:
        for task in (acting, raging):
            if task.done() and task.exception() is not None:
                task.result()
        done = all(where.is_done(name) for name in owner.names)
        if done and raging.done() and await asyncio.to_thread(_is_quiet, where, owner):
            return
        await asyncio.sleep(0.1)


def _is_quiet(where: Stage, owner: Owner) -> bool:
    said = [message.text for message in where.chat.from_bot()]
    ends = all(any(f"{name} is done" in text for text in said) for name in owner.names)
    states = where.journaled()
    return (
        ends
        and where.outbox() == 0
        and all(states.get(number) in ("done", "quarantined") for number in where.updates)
    )


def _report(course: Course, where: Stage, owner: Owner, monkey: Monkey, findings: Findings) -> str:
    """Everything that a person needs to see what happened."""
    chat = [
        f"  {message.date} #{message.id} {'owner' if message.sender is where.ann.user else 'bot'}: "
        f"{message.text[:300]!r} {message.labels} {'(edited)' if message.edited else ''}"
        for message in where.chat.messages
    ]
    log = where.shop.root / "state" / "samobot" / "bot.log"
    bot = log.read_text(encoding="utf-8", errors="replace").splitlines()[-150:] if log.exists() else []
    journals = []
    for name in owner.names:
        journals += [f"{name}: {each}"[:300] for each in where.records(name, "_logs/journal.jsonl")]
        journals += [f"{name} decided: {each}"[:300] for each in where.decisions(name)]
    parts = {
        "wrong": findings.wrong,
        "replay": [
            f"python -m tests.chaos --seed {course.seed} --per-journey {course.faults} --sessions {course.sessions}"
        ],
        "faults": monkey.log,
        "owner": [*owner.told, *owner.toasts],
        "chat": chat,
        "journals": journals,
        "bot.log": bot,
        "printed": [
            f"{path.name}: {line}"
            for path in sorted(where.logs.glob("bot-*.out"))
            for line in path.read_text(encoding="utf-8", errors="replace").splitlines()[-40:]
            if " INFO " not in line and "cannot be used" not in line
        ],
        "ended by itself": [f"{when:.1f} exit code {code}" for when, code in where.exits],
    }
    return "\n".join(f"== {title}\n" + "\n".join(lines) for title, lines in parts.items())
