"""`python -m benchmarks.trace`: which way five ordinary events take through the bot's code.

The real bot process, with a profile hook, against the strict Bot API server; workers and the scripted agent are real
processes too. For each event: modules entered, changes of module, calls, parses of `_qa.md` and `_overview.md`,
SELECTs and transactions, from the event to the message about it. The bot polls every five
seconds here, so that a poll hardly ever falls into a window that it has no part in.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

from benchmarks.chat import Stage, stage
from samobot.phases import Phase, SignalStatus, WaitingFor
from samobot.sandbox.agent.scenario import Scenario
from samobot.sandbox.agent.steps import (
    LimitStep,
    PlanPhaseStep,
    PlanStep,
    Questions,
    QuestionStep,
    SignalStep,
    Sleep,
    Tool,
)
from samobot.sandbox.botapi.chat_messages import SandboxMessage

AIMS: Mapping[str, Mapping[str, int]] = {
    "/answer": {"modules": 45, "calls": 1500, "parse_qa": 2, "parse_overview": 2, "transactions": 3}
}
COLUMNS = ("modules", "changes", "calls", "parse_qa", "parse_overview", "selects", "transactions")


@dataclass
class Tracer:
    """Windows over the running bot.

    Attributes:
        on: The stage with the bot.
        out: The file that the hook writes to.
    """

    on: Stage
    out: Path
    counts: dict[str, dict[str, Any]]

    async def window(
        self, name: str, event: Callable[[], object], shown: Callable[[], Awaitable[object]]
    ) -> None:
        """Count from an event until a message is there.

        Args:
            name: The window's name in the table.
            event: Causes it: a message, a tap, or a change of a file.
            shown: Waits for the message about it.
        """
        written = len(self._lines())
        os.kill(self.on.bot.pid, signal.SIGUSR1)
        event()
        await shown()
        os.kill(self.on.bot.pid, signal.SIGUSR2)
        while len(self._lines()) == written:
            await asyncio.sleep(0.02)
        self.counts[name] = json.loads(self._lines()[-1])

    def _lines(self) -> list[str]:
        """Its complete lines: the hook may be in the middle of one."""
        return self.out.read_text(encoding="utf-8").split("\n")[:-1] if self.out.exists() else []


def scenario() -> Scenario:
    """One question, one plan, then a tool call and a usage limit; each comes a while after the message before it."""
    question = QuestionStep(text="Which one?", options=("this", "that"), suggestion="A", why="short")
    asks = SignalStep(status=SignalStatus.WAITING, wait=WaitingFor.QA_ANSWERS, summary="asks")
    plan = PlanStep(title="Thing", slug="thing", phases=(PlanPhaseStep(title="Build", steps=("write it",)),))
    planned = SignalStep(status=SignalStatus.WAITING, wait=WaitingFor.PLAN_APPROVAL, summary="has a plan")
    return Scenario(
        phases={
            "investigation": [[SignalStep(status=SignalStatus.CONTINUE, phase=Phase.REQUIREMENTS)]],
            "requirements": [
                [Sleep(seconds=4), Questions(questions=[question]), asks],
                [SignalStep(status=SignalStatus.CONTINUE, phase=Phase.PLANNING)],
            ],
            "planning": [[Sleep(seconds=4), plan, planned]],
            "implementation": [
                [
                    Sleep(seconds=10),
                    Tool(name="Bash", input={"command": "true"}),
                    Sleep(seconds=10),
                    LimitStep(resets_in=3600),
                ]
            ],
        }
    )


async def trace(root: Path) -> dict[str, dict[str, Any]]:
    """Play the journey and return the counts of each window."""
    out = root / "trace.jsonl"
    command = (sys.executable, "-m", "benchmarks.trace_hook", str(out), "bot")
    async with stage(root, scenario(), command=command, more={"SAMOBOT_POLL_SECONDS": "5"}) as on:
        tracer = Tracer(on, out, {})

        async def say(name: str, text: str, *words: str) -> None:
            last = max((message.id for message in on.chat.messages), default=0)
            await tracer.window(name, partial(on.owner.say, text), lambda: seen(last, *words))

        async def seen(after: int, *words: str) -> SandboxMessage:
            return await on.chat.wait_for(
                lambda message: all(word in message.text for word in words), timeout=60, after=after
            )

        async def edited() -> None:
            before = len(on.server.calls.of("editMessageText"))
            await on.server.wait_until(
                lambda: len(on.server.calls.of("editMessageText")) > before, 60, "an edit of the card"
            )

        await say("/run", "/run greet: say hello", "greet")
        question = await seen(0, "Which one?")
        await asyncio.sleep(2)  # until the card, which comes after the question, is delivered and noted
        await say("/answer", "/answer greet Q1 A", "greet")
        plan = await on.chat.wait_for(
            lambda message: any("Approve" in label for label in message.labels), timeout=60, after=question.id
        )
        approved = partial(on.chat.wait_for, lambda message: "Approved" in message.text, timeout=60)
        await tracer.window("/approve", partial(on.owner.say, "/approve greet"), approved)
        await asyncio.sleep(5)
        await tracer.window("tool call → card", lambda: None, edited)
        await tracer.window("usage limit → message", lambda: None, lambda: seen(plan.id, "🌙"))
    return tracer.counts


def table(counts: Mapping[str, Mapping[str, Any]]) -> str:
    """The counts as a Markdown table; a figure past its aim is marked."""
    lines = ["| event | " + " | ".join(COLUMNS) + " |", "|---" * (len(COLUMNS) + 1) + "|"]
    for name, figures in counts.items():
        aims = AIMS.get(name, {})
        cells = [
            f"{figures[column]}{' ✗' if figures[column] > aims.get(column, figures[column]) else ''}"
            for column in COLUMNS
        ]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def in_order(sequence: Sequence[str]) -> list[str]:
    """The calls and statements of a window in their order, repeats counted."""
    return [f"{len(list(same)):5} {each}" for each, same in groupby(sequence)]


def main() -> int:
    """Print the table and keep it in `benchmarks/trace.md`; exit code 1 where an aim is missed.

    `--modules`, `--functions` and `--sequence` print what each window consists of.
    """
    with tempfile.TemporaryDirectory(prefix="samobot-trace-") as folder:
        counts = asyncio.run(trace(Path(folder)))
    text = table(counts)
    print(text)
    for option, kind in (("--modules", "by_module"), ("--functions", "by_function")):
        if option in sys.argv[1:]:
            for name, figures in counts.items():
                print(f"\n{name}: " + ", ".join(f"{each} {count}" for each, count in figures[kind].items()))
    if "--sequence" in sys.argv[1:]:
        for name, figures in counts.items():
            print(f"\n{name}", *in_order(figures["sequence"]), sep="\n")
    kept = Path(__file__).with_name("trace.md")
    # The first table is the newest one; what was written about it stays.
    before, _, after = kept.read_text(encoding="utf-8").partition("| event |")
    _, _, after = after.partition("\n\n")
    kept.write_text(f"{before}{text}\n\n{after}", encoding="utf-8")
    return 1 if "✗" in text else 0


if __name__ == "__main__":
    sys.exit(main())
