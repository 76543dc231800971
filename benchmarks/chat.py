"""The chat: how long a person waits, and what the bot costs while nothing happens.

The real `samobot bot` process against the strict Bot API server on loopback, with real workers and the
scripted agent.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psutil

from benchmarks.loops import NOTE
from benchmarks.measure import Measure, percentile, spread
from benchmarks.programs import fill
from samobot.sandbox.chats import Chat, Message
from samobot.sandbox.journeys import endless
from samobot.sandbox.scenario import Scenario, install, read_runs
from samobot.sandbox.server import BotApiServer
from samobot.sandbox.steps import Append, Question, Questions, Signal
from samobot.sandbox.user import Person
from tests.support.claude_cli import cli_environment
from tests.support.workshop import Workshop, make_workshop

TOKEN = "42:benchmark-token"
OWNER = 1234
RUNNING = 20


@dataclass
class Stage:
    """A running bot with its server and its owner."""

    server: BotApiServer
    owner: Person
    chat: Chat
    shop: Workshop
    bot: subprocess.Popen[bytes]


@asynccontextmanager
async def stage(
    root: Path, scenario: Scenario, *, sessions: int = 0, parallel: int = 3
) -> AsyncIterator[Stage]:
    """Start everything, and end it again."""
    async with BotApiServer() as server:
        server.add_bot(TOKEN, "samo_bench_bot")
        owner = server.person("Ann", user_id=OWNER)
        chat = server.private_chat(owner)
        environment = cli_environment(root / "home", "http://127.0.0.1:9") | {
            "CLAUDE_PATH": str(install(root / "agent", scenario)),
            "TELEGRAM_BOT_TOKEN": TOKEN,
            "TELEGRAM_CHAT_ID": str(OWNER),
            "TELEGRAM_API_URL": server.url,
            "SAMOBOT_PROJECTS": str(root / "demo"),
            "SAMOBOT_MAX_PARALLEL": str(parallel),
        }
        shop = make_workshop(root, environment)
        if sessions:
            fill(shop, sessions)
        log = (root / "bot.out").open("wb")
        bot = subprocess.Popen(
            [sys.executable, "-m", "samobot", "bot"], cwd=root, env=shop.environment, stdout=log, stderr=log
        )
        try:
            said = owner.say("/help")
            await chat.wait_for(lambda message: bool(message.text), timeout=30, after=said.id)
            yield Stage(server, owner, chat, shop, bot)
        finally:
            bot.terminate()
            await asyncio.to_thread(bot.wait, 30)
            await asyncio.to_thread(shop.samobot, "stop", "--all")
            log.close()


async def command_to_reply(root: Path) -> Measure:
    """From `/status` to the reply, while many sessions run."""
    busy = endless(steps=(Append(path=NOTE, text="more\n"),), seconds=2.0)
    async with stage(root, busy, parallel=RUNNING) as on:
        for number in range(RUNNING):
            on.owner.say(f"/run busy-{number} keep busy")
        await _until(lambda: _running(on.shop) >= RUNNING, 120)
        times = []
        for _ in range(60):
            # One message a second is what Telegram allows a chat: faster commands would measure the pace.
            await asyncio.sleep(1.1)
            began = time.perf_counter()
            said = on.owner.say("/projects")
            await on.chat.wait_for(
                lambda message: "demo" in message.text and "run" not in message.text, after=said.id
            )
            times.append((time.perf_counter() - began) * 1000)
    low, high = statistics.median(times), percentile(times, 0.99)
    return Measure(
        f"command to reply, {RUNNING} running (p50; p99 aim 80 ms)",
        low,
        "ms",
        12,
        f"p99 {high:.1f}, {spread(times)}",
    )


async def change_to_message(root: Path) -> Measure:
    """From a file that a person changes by hand to the message about it."""
    times = []
    async with stage(root, endless()) as on:
        for number in range(20):
            folder = on.shop.sessions / f"26-01-15-hand-{number}"
            folder.mkdir(parents=True)
            overview = folder / "_overview.md"
            overview.write_text("# Session: hand\n\n## Status\nPhase: testing\nBlocked: no\n")
            await asyncio.sleep(2.5)
            began = time.perf_counter()
            overview.write_text(
                "# Session: hand\n\n## Status\nPhase: testing\nBlocked: yes - the key is missing\n"
            )
            await on.chat.wait_for(
                partial(_says, f"hand-{number}", "⛔"),
                timeout=10,
            )
            times.append((time.perf_counter() - began) * 1000)
    return Measure("file change to message (p50)", statistics.median(times), "ms", 100, spread(times))


async def gate_round_trip(root: Path) -> list[Measure]:
    """From the agent's signal to the question on the phone, and from the last tap to the next agent."""
    asks = [
        Questions(
            questions=[Question(text="Which one?", options=("this", "that"), suggestion="A", why="short")]
        ),
        Signal(status="waiting", wait="qa_answers", summary="asks"),
    ]
    scenario = Scenario(
        phases={"investigation": [[Signal(status="continue", phase="requirements")]], "requirements": [asks]}
    )
    asked, went_on = [], []
    async with stage(root, scenario) as on:
        for number in range(10):
            name = f"gate-{number}"
            on.owner.say(f"/run {name} ask me")
            question = await on.chat.wait_for(partial(_says, name, "Which one?"), timeout=30)
            arrived = time.time()
            signal = on.shop.session(name) / "_signal.json"
            asked.append((arrived - signal.stat().st_mtime) * 1000)
            count = len(read_runs(root / "agent" / "scenario.json"))
            began = time.time()
            on.owner.tap(question, "A")
            await _until(partial(_ran_more, root, count), 20)
            went_on.append((read_runs(root / "agent" / "scenario.json")[count].at - began) * 1000)
            await asyncio.to_thread(on.shop.samobot, "stop", name)
    return [
        Measure("signal to question on the phone (p50)", statistics.median(asked), "ms", 100, spread(asked)),
        Measure("last tap to the next agent (p50)", statistics.median(went_on), "ms", 500, spread(went_on)),
    ]


async def idle_cost(root: Path) -> list[Measure]:
    """Memory and processor of a bot that only watches."""
    measures = []
    for count, memory, share in ((0, None, None), (20, 70, 0.2), (100, None, None), (1000, None, None)):
        async with stage(root / str(count), endless(), sessions=count) as on:
            process = psutil.Process(on.bot.pid)
            await asyncio.sleep(6)
            before = process.cpu_times()
            began = time.monotonic()
            await asyncio.sleep(20)
            after = process.cpu_times()
            used = (
                (after.user + after.system - before.user - before.system) / (time.monotonic() - began) * 100
            )
            size = process.memory_info().rss / 1e6
        measures.append(Measure(f"bot's memory, {count} sessions", size, "MB", memory))
        measures.append(Measure(f"bot's idle processor, {count} sessions", used, "% of a core", share))
    return measures


def _says(one: str, other: str, message: Message) -> bool:
    return one in message.text and other in message.text


def _ran_more(root: Path, count: int) -> bool:
    return len(read_runs(root / "agent" / "scenario.json")) > count


def _running(shop: Workshop) -> int:
    return len(list(shop.sessions.glob("*/_logs/*-investigation.jsonl")))


async def _until(holds: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if holds():
            return
        await asyncio.sleep(0.02)
    raise TimeoutError(f"not within {seconds} s")
