"""A small worker in a process of its own: `python -m tests.claude.worker`, a `Job` on stdin, a report on stdout.

A process that sweeps must not be the one that pytest and its other children live in.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from samobot.claude.clocks import Timeouts
from samobot.claude.invocation import Invocation
from samobot.claude.outcome import Evidence, classify
from samobot.claude.process import run
from samobot.claude.reaper import become_subreaper
from samobot.claude.records import Assistant, Record


async def work(job: dict[str, Any]) -> dict[str, Any]:
    become_subreaper()
    evidence = Evidence()
    stop = asyncio.Event()
    kinds: list[str] = []
    pids: list[int] = []
    if job["stop_at"] == "term":
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    if job["stop_at"] == "start":
        stop.set()

    def on_record(record: Record) -> None:
        evidence.add(record)
        if len(kinds) < 100:
            kinds.append(type(record).__name__)
        if isinstance(record, Assistant):
            at_tool(job["stop_at"], stop, pids)

    end = await run(
        Invocation(
            argv=tuple(job["argv"]),
            cwd=Path(job["cwd"]),
            env=job["env"],
            stdin=job["stdin"].encode(),
            log=Path(job["log"]),
            session_id="s",
        ),
        Timeouts(**job["clocks"]),
        on_record=on_record,
        on_start=pids.append,
        stop=stop,
    )
    outcome = classify(evidence, end, datetime.now(UTC))
    return {
        "end": asdict(end),
        "kind": outcome.kind,
        "text": outcome.text,
        "note": outcome.note,
        "result": outcome.result_text,
        "cost": outcome.cost_usd,
        "records": kinds,
        "rss_kb": peak_kb(),
    }


def peak_kb() -> int:
    """Peak memory of this program alone; what `getrusage` says includes the parent that it was forked from."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    raise AssertionError("no VmHWM")


def at_tool(what: str, stop: asyncio.Event, pids: list[int]) -> None:
    """Do what the job wants done once the CLI is at work with a tool."""
    match what:
        case "tool":
            stop.set()
        case "kill":
            os.kill(pids[0], signal.SIGKILL)
        case "die":
            os.kill(os.getpid(), signal.SIGKILL)
        case "raise":
            raise ValueError("a callback failed")
        case "cancel":
            task = asyncio.current_task()
            if task is not None:
                task.cancel()
        case "term":
            print(pids[0], flush=True)
        case _:
            pass


def main() -> None:
    job = json.loads(sys.stdin.readline())
    print(json.dumps(asyncio.run(work(job))), flush=True)


if __name__ == "__main__":
    main()
