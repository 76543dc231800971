"""The loop: what it costs beside the agent, and how large its process is."""

from __future__ import annotations

import statistics
import subprocess
import time
from pathlib import Path

import psutil

from benchmarks.measure import Measure
from samobot.sandbox.agent.journeys import endless
from samobot.sandbox.agent.scenario import install
from samobot.sandbox.agent.steps import Append
from tests.support.claude_cli import cli_environment, require_claude
from tests.support.messages_api import MessagesApi, Request, Turn, say
from tests.support.workshop import Workshop, make_workshop

ITERATIONS = 8

NOTE = "session:note.md"
"""A file that changes each time: an agent that changes nothing is stopped."""

_SHELL = """
i=0
while [ $i -lt {count} ]; do
  i=$((i+1))
  printf 'Carry on' | {claude} -p --output-format stream-json --verbose --model opus --max-turns 300 \
    --permission-mode bypassPermissions --plugin-dir {plugin} --agent samocode:investigation-agent > log-$i.jsonl || exit 1
done
"""


def answer(request: Request) -> Turn:
    """A model that writes the signal and ends, or just ends if there is no session."""
    signal = Path(request.session, "_signal.json") if request.session else None
    if signal is not None:
        # The agent's own work is left out on both sides: what is compared is what surrounds it.
        signal.write_text('{"status": "continue", "phase": "investigation", "summary": "on"}')
        Path(request.session, f"note-{time.monotonic_ns()}.md").write_text("x")
    return say("ok")


def own_time(root: Path) -> Measure:
    """Time of an iteration of `samobot run` over that of the same call in a shell loop, with the real CLI."""
    claude = require_claude()
    plugin = Path(__file__).resolve().parent.parent
    ratios = []
    with MessagesApi(answer) as api:
        shop = make_workshop(root, cli_environment(root / "home", api.url) | {"CLAUDE_PATH": str(claude)})
        script = _SHELL.format(count=ITERATIONS, claude=claude, plugin=plugin)
        for number in range(3):
            began = time.perf_counter()
            subprocess.run(
                ["sh", "-c", script], cwd=shop.repo, env=shop.environment, check=True, capture_output=True
            )
            shell = (time.perf_counter() - began) / ITERATIONS
            began = time.perf_counter()
            done = shop.run(f"noop-{number}", "--task", "x", "--max-iterations", str(ITERATIONS))
            assert done.returncode == 13, done.stdout + done.stderr
            ratios.append((time.perf_counter() - began) / ITERATIONS / shell)
    detail = f"of three: {', '.join(f'{ratio:.2f}' for ratio in sorted(ratios))}; start and creation included"
    return Measure("an iteration, over a shell loop's", statistics.median(ratios), "×", 1.3, detail)


def worker_memory(root: Path) -> Measure:
    """Resident memory of a worker in the middle of a run."""
    environment = cli_environment(root / "home", "http://127.0.0.1:9")
    shop = make_workshop(
        root,
        environment
        | {"CLAUDE_PATH": str(install(root / "agent", endless(steps=(Append(path=NOTE, text="more\n"),))))},
    )
    worker = shop.start("run", "--session", "long", "--task", "x")
    try:
        wait_for_iterations(shop, "long", 10)
        size = psutil.Process(worker.pid).memory_info().rss / 1e6
    finally:
        worker.terminate()
        worker.communicate(timeout=20)
    return Measure("a worker's memory", size, "MB", 45)


def wait_for_iterations(shop: Workshop, name: str, count: int) -> None:
    """Wait until a session's journal has so many iterations."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if len(shop.journal(name, "iteration_end")) >= count:
                return
        except (OSError, AssertionError, ValueError):
            pass
        time.sleep(0.05)
    raise TimeoutError(f"{name} did not come to iteration {count}")
