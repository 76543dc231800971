"""The fence: what it adds to the start of the CLI, and to a whole iteration."""

from __future__ import annotations

import contextlib
import os
import resource
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.loops import answer
from benchmarks.measure import Measure, median_interval, spread
from samobot.claude.reaper import become_subreaper
from samobot.claude.spawn import wrapped
from tests.claude.fenced_world import FencedWorld, make_world
from tests.support.claude_cli import cli_environment, require_claude
from tests.support.messages_api import MessagesApi, Request, Turn, bash
from tests.support.workshop import Workshop, make_workshop

RUNS = 40
PAIRS = 24
"""Each of a run inside and one outside, right after each other: what else the machine does meets both."""

ITERATIONS = 3

TOOL_CALLS = 20
"""Of a longer iteration, each after a request that takes the model `THINKING` seconds. A usual one takes minutes."""
THINKING = 1.0
LONG_PAIRS = 6


def cost_of_fence(root: Path) -> list[Measure]:
    """The start of a program inside the fence less the start outside, and an iteration inside over one outside."""
    return [
        *_start(make_world(root / "world")),
        *_iteration(root / "short", "the shortest iteration", answer, ITERATIONS, PAIRS),
        *_iteration(root / "long", f"an iteration of {TOOL_CALLS} tool calls", _work, 1, LONG_PAIRS),
    ]


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


def _work(request: Request) -> Turn:
    """A model that takes its time before each of its tool calls, then signals and ends."""
    time.sleep(THINKING)
    called = sum(message["role"] == "assistant" for message in request.messages)
    return bash(f"git status --short; echo {called}") if called < TOOL_CALLS else answer(request)


def _iteration(
    root: Path, name: str, model: Callable[[Request], Turn], iterations: int, count: int
) -> list[Measure]:
    with MessagesApi(model) as api:
        environment = cli_environment(root / "home", api.url) | {"CLAUDE_PATH": str(require_claude())}
        shop = make_workshop(root, environment)
        for mode in ("off", "on"):  # the first run of each finds cold caches
            _run(shop, mode, "warm", iterations)
        pairs = []
        for number in range(count):
            # One that always comes second would find a warmer, or a busier, machine.
            modes = ("off", "on") if number % 2 else ("on", "off")
            pairs.append({mode: _run(shop, mode, str(number), iterations) for mode in modes})
    clock, processors = ([(pair["on"][index], pair["off"][index]) for pair in pairs] for index in (0, 1))
    return [
        _ratio(f"{name} inside the fence, over outside", [on / off for on, off in clock]),
        _ratio("the same, processor time", [on / off for on, off in processors]),
        _added(f"{name} inside the fence, added", [on - off for on, off in clock]),
        _added("the same added, processor time", [on - off for on, off in processors]),
    ]


def _run(shop: Workshop, mode: str, name: str, iterations: int) -> tuple[float, float]:
    """Seconds on the clock and of processors that an iteration takes, its share of the run's start included."""
    shop.environment["SAMOBOT_FENCE"] = mode
    began, used = time.perf_counter(), _processor_time()
    done = shop.run(f"{mode}-{name}", "--task", "x", "--max-iterations", str(iterations))
    assert done.returncode == 13, done.stdout + done.stderr
    return (time.perf_counter() - began) / iterations, (_processor_time() - used) / iterations


def _ratio(name: str, ratios: list[float]) -> Measure:
    low, high = median_interval(ratios)
    detail = f"median of {len(ratios)} pairs, 95 % between {low:.3f} and {high:.3f}"
    return Measure(name, statistics.median(ratios), "×", 1.02, detail)


def _added(name: str, seconds: list[float]) -> Measure:
    low, high = median_interval(seconds)
    detail = f"median of {len(seconds)} pairs, 95 % between {low * 1000:.0f} and {high * 1000:.0f} ms"
    return Measure(name, statistics.median(seconds) * 1000, "ms", None, detail)


def _reap() -> None:
    with contextlib.suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)


def _processor_time() -> float:
    """Seconds that all processes took which this one, or one below it, has started and waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
