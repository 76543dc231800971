"""`python -m benchmarks [NAME…]`: measure, print the table, and keep it in `benchmarks/results.md`."""

from __future__ import annotations

import asyncio
import inspect
import platform
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import asking, chat, fences, hosts, loops, prefix, programs, steering
from benchmarks.measure import Measure, table

ALL: dict[str, Callable[[Path], Any]] = {
    "version": lambda root: programs.version(),
    "status": programs.status_of_many,
    "loop": loops.own_time,
    "fence": fences.cost_of_fence,
    "words": steering.words_to_input,
    "once": steering.exactly_once,
    "ask": asking.kills_between_ask_and_effect,
    "prefix": prefix.repeated_requests,
    "worker": loops.worker_memory,
    "reply": chat.command_to_reply,
    "change": chat.change_to_message,
    "gate": chat.gate_round_trip,
    "idle": chat.idle_cost,
    "hosts": hosts.many_machines,
}

BY_NAME = frozenset({"ask", "prefix"})
"""Measurements that are run only by name: one takes a quarter of an hour, one depends on nothing but the code."""


def main() -> int:
    """Run the named measurements, or all but those of `BY_NAME`; exit code 1 where one misses its aim."""
    names = sys.argv[1:] or [name for name in ALL if name not in BY_NAME]
    measures: list[Measure] = []
    for name in names:
        with tempfile.TemporaryDirectory(prefix="samobot-bench-") as folder:
            result = ALL[name](Path(folder))
            if inspect.isawaitable(result):
                result = asyncio.run(_await(result))
            measures += result if isinstance(result, list) else [result]
            print(table(measures[-1:]).splitlines()[-1], flush=True)
    text = table(measures)
    print("\n" + text)
    if not sys.argv[1:]:
        where = f"Python {platform.python_version()}, {platform.system()}, everything on loopback."
        Path(__file__).with_name("results.md").write_text(f"# Figures of one run\n\n{where}\n\n{text}\n")
    return 0 if all(each.met for each in measures) else 1


async def _await(result: Any) -> Any:
    return await result


if __name__ == "__main__":
    sys.exit(main())
