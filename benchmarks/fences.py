"""The fence: what it adds to the start of the CLI, and to a whole iteration."""

from __future__ import annotations

import contextlib
import os
import resource
import statistics
import subprocess
import time
from pathlib import Path

from benchmarks.loops import answer
from benchmarks.measure import Measure, spread
from samobot.claude.reaper import become_subreaper
from samobot.claude.spawn import wrapped
from tests.claude.fenced_world import FencedWorld, make_world
from tests.support.claude_cli import cli_environment, require_claude
from tests.support.messages_api import MessagesApi
from tests.support.workshop import make_workshop

RUNS = 40
PAIRS = 12
ITERATIONS = 3


def cost_of_fence(root: Path) -> list[Measure]:
    """The start of a program inside the fence less the start outside, and an iteration inside over one outside."""
    return [*_start(make_world(root / "world")), *_iteration(root / "shop")]


def _start(world: FencedWorld) -> list[Measure]:
    become_subreaper()  # bubblewrap ends before the processes in its namespace do
    added, worked = [], []
    for number in range(RUNS):
        times, work = {}, {}
        for fenced in (False, True) if number % 2 else (True, False):
            began, used = time.perf_counter(), time.process_time() + _processor_time()
            call = world.invocation("true", fenced=fenced)
            subprocess.run(wrapped(call), cwd=call.cwd, env=dict(call.env), check=True)
            times[fenced] = (time.perf_counter() - began) * 1000
            _reap()
            work[fenced] = (time.process_time() + _processor_time() - used) * 1000
        added.append(times[True] - times[False])
        worked.append(work[True] - work[False])
    return [
        Measure("start inside the fence, added", statistics.median(added), "ms", 30, spread(added)),
        Measure("the same, processor time", statistics.median(worked), "ms", 30, spread(worked)),
    ]


def _iteration(root: Path) -> list[Measure]:
    ratios, loads = [], []
    with MessagesApi(answer) as api:
        environment = cli_environment(root / "home", api.url) | {"CLAUDE_PATH": str(require_claude())}
        shop = make_workshop(root, environment)
        for number in range(PAIRS):
            seconds, processor = {}, {}
            # One that always comes second would find a warmer, or a busier, machine.
            for mode in ("off", "on") if number % 2 else ("on", "off"):
                began, used = time.perf_counter(), _processor_time()
                shop.environment["SAMOBOT_FENCE"] = mode
                done = shop.run(f"{mode}-{number}", "--task", "x", "--max-iterations", str(ITERATIONS))
                assert done.returncode == 13, done.stdout + done.stderr
                seconds[mode] = time.perf_counter() - began
                processor[mode] = _processor_time() - used
            ratios.append(seconds["on"] / seconds["off"])
            loads.append(processor["on"] / processor["off"])
    return [
        _ratio("an iteration inside the fence, over outside", ratios),
        _ratio("the same, processor time", loads),
    ]


def _ratio(name: str, ratios: list[float]) -> Measure:
    detail = f"of {PAIRS}: {', '.join(f'{ratio:.3f}' for ratio in sorted(ratios))}"
    return Measure(name, statistics.median(ratios), "×", 1.02, detail)


def _reap() -> None:
    with contextlib.suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)


def _processor_time() -> float:
    """Seconds that all processes took which this one, or one below it, has started and waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
