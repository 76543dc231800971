"""Guidance for a running turn: how soon it is written to the CLI's input, and that each piece arrives exactly once."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import psutil

from benchmarks.chat import CHECKOUT, OWNER, TOKEN
from benchmarks.measure import Measure, percentile, spread
from samobot.claude.turn_input import open_input, user_line
from samobot.sandbox.botapi.chat_messages import SandboxMessage
from samobot.sandbox.botapi.server import BotApiServer
from samobot.session import baseline, gate
from samobot.session.folder import SessionFolder
from samobot.session.guidance import parse_guidance
from samobot.session.lock import holder
from samobot.session.vault import edit_lock
from samobot.worker.steering import Steering
from tests.support.claude_cli import cli_environment, require_claude
from tests.support.messages_api import Answer, MessagesApi, Request, bash, say, write
from tests.support.session_folder import make_session
from tests.support.workshop import Workshop, make_workshop

WORDS = 100
SEED = 16
_STEPS = 12
"""Tools of one iteration."""
_KILL_EACH = 6.0
"""Seconds between two kills of CLI or worker, on average."""
_BOT_DIES = 0.25
"""Share of the messages after which the bot is killed."""
_BOT_HANDLES = 0.1
"""Seconds from such a message to the kill, on average: about what the bot takes for it."""


async def words_to_input(root: Path) -> Measure:
    """From the call with which bot and terminal save guidance to the line in the CLI's input."""
    folder = make_session(root)
    with edit_lock(folder.path):
        baseline.save(folder)
    steering = Steering(folder, "s", (), number=1, log="1.jsonl")
    reading, turn_input = await open_input(user_line("Begin"))
    arrived: dict[str, float] = {}

    def read() -> None:
        with os.fdopen(reading, "rb") as pipe:
            for line in pipe:
                arrived[json.loads(line)["message"]["content"].splitlines()[-1]] = time.perf_counter()

    reader = threading.Thread(target=read)
    reader.start()
    follow = asyncio.create_task(steering.follow(turn_input))
    chance, sent = random.Random(SEED), {}
    for number in range(WORDS):
        await asyncio.sleep(chance.uniform(0.0, 0.4))
        words = f"piece-{number}"
        sent[words] = time.perf_counter()
        await asyncio.to_thread(gate.tell, folder, words, "ann", datetime.now(UTC))
    await asyncio.sleep(1.0)
    turn_input.close()
    await follow
    reader.join()
    taken = [(arrived[words] - at) * 1000 for words, at in sent.items()]
    return Measure("guidance to the CLI's input, p95", percentile(taken, 0.95), "ms", 300, spread(taken))


async def exactly_once(root: Path) -> list[Measure]:
    """Guidance from the chat in tool-heavy turns of the real CLI, while bot, worker and CLI are killed at random moments."""
    chance = random.Random(SEED)
    model = _Model(chance)
    async with BotApiServer() as server:
        server.add_bot(TOKEN, "samo_bench_bot")
        owner = server.person("Ann", user_id=OWNER)
        server.private_chat(owner)
        with MessagesApi(model) as api:
            shop = make_workshop(root, _environment(root, server.url, api.url))
            run = start_run(shop)
            await asyncio.to_thread(api.wait_for_requests, 1)
            kills, bot = Counter[str](), _start_bot(shop)
            folder = SessionFolder(shop.session("greet"))
            next_kill, sent = time.monotonic() + _KILL_EACH, []
            try:
                for number in range(WORDS):
                    await asyncio.sleep(chance.uniform(0.0, 0.8))
                    command = "/tell!" if chance.random() < 0.1 else "/tell"
                    sent.append(owner.say(f"{command} greet piece-{number:03d}"))
                    if chance.random() < _BOT_DIES:
                        await asyncio.sleep(chance.expovariate(1 / _BOT_HANDLES))
                        bot.kill()
                        await asyncio.to_thread(bot.wait)
                        kills["bot"] += 1
                        bot = _start_bot(shop)
                    if time.monotonic() > next_kill:
                        kills[kill_one(run, folder, chance)] += 1
                        next_kill = time.monotonic() + chance.expovariate(1 / _KILL_EACH)
                    if run.poll() is not None:
                        run = start_run(shop)
                deadline = time.monotonic() + 300
                while time.monotonic() < deadline and (_open(folder) or not all(map(_receipts, sent))):
                    if run.poll() is not None:
                        run = start_run(shop)
                    await asyncio.sleep(0.5)
            finally:
                bot.terminate()
                await asyncio.to_thread(bot.wait, 30)
                await asyncio.to_thread(shop.samobot, "stop", "greet")
                await asyncio.to_thread(run.wait, 60)
            return [*_judge(shop, model, folder, kills), _received(sent)]


def _environment(root: Path, telegram: str, model: str) -> dict[str, str]:
    return cli_environment(root / "home", model) | {
        "CLAUDE_PATH": str(require_claude()),
        "SAMOCODE_RETRY_DELAY": "0",
        "SAMOCODE_MAX_RETRIES": "50",
        "TELEGRAM_BOT_TOKEN": TOKEN,
        "TELEGRAM_CHAT_ID": str(OWNER),
        "TELEGRAM_API_URL": telegram,
        "SAMOBOT_PROJECTS": str(root / "demo"),
    }


def _start_bot(shop: Workshop) -> subprocess.Popen[bytes]:
    with (shop.root / "bot.out").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "samobot", "bot"],
            cwd=CHECKOUT,
            env=shop.environment,
            stdout=log,
            stderr=log,
        )


def _receipts(message: SandboxMessage) -> int:
    return len(message.reactions)


def _received(sent: list[SandboxMessage]) -> Measure:
    without = sum(not _receipts(message) for message in sent)
    return Measure("messages without a receipt", without, "of all", 0, f"{len(sent)} sent")


class _Model:
    """Uses a tool in each turn; every `_STEPS` requests of one run it signals and ends.

    Attributes:
        texts: The messages of each run's requests. One of more than `_STEPS` has written its signal.
    """

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self.texts: dict[str, list[str]] = {}

    def __call__(self, request: Request) -> Answer:
        texts = self.texts.setdefault(request.run, [])
        texts.append(json.dumps(request.messages))
        number = len(texts)
        if number == _STEPS:
            status = {"status": "continue", "phase": "investigation", "summary": "on"}
            return write("{session}/_signal.json", json.dumps(status))
        if number > _STEPS:
            return say("Half of it.")
        seconds = self._chance.uniform(0.1, 0.7)
        return bash(f"python3 -c 'import time; time.sleep({seconds:.2f})'; date +%N >> '{{session}}/note.md'")


def start_run(shop: Workshop) -> subprocess.Popen[str]:
    """Start a run of the session `greet`, made if it is missing; what it prints is read and dropped."""
    more = () if shop.sessions.exists() else ("--task", "x")
    run = shop.start("run", "--session", "greet", *more)
    for pipe in (run.stdout, run.stderr):
        threading.Thread(target=lambda pipe=pipe: pipe.read(), daemon=True).start()
    return run


def kill_one(run: subprocess.Popen[str], folder: SessionFolder, chance: random.Random) -> str:
    """Kill the worker or the CLI."""
    if chance.random() < 0.4:
        run.kill()
        run.wait()
        return "worker"
    with contextlib.suppress(psutil.Error):
        for child in psutil.Process(run.pid).children(recursive=True):
            if "--session-id" in child.cmdline() and "stream-json" in child.cmdline():
                os.kill(child.pid, signal.SIGKILL)
    return "CLI"


def _open(folder: SessionFolder) -> bool:
    return holder(folder) is None or any(
        not item.done for item in parse_guidance(folder.guidance.read_text(encoding="utf-8"))
    )


def _judge(shop: Workshop, model: _Model, folder: SessionFolder, kills: Counter[str]) -> list[Measure]:
    """Compare what the model was given, by runs whose signal stands, whatever samobot has recorded.

    A run that was killed at its signal may have written it or not: what it was given may count, or come again. So may
    what was only in the last request of one that was killed behind it, which may have been left without an answer.
    """
    items = parse_guidance(folder.guidance.read_text(encoding="utf-8"))
    saved = Counter(item.text for item in items)
    unsaved = sum(f"piece-{number:03d}" not in saved for number in range(WORDS))
    counted, possible = Counter[str](), Counter[str]()
    twice = 0
    well = {each["n"] for each in shop.journal("greet", "iteration_end") if each["outcome"] == "completed"}
    completed = {each["session_id"] for each in shop.journal("greet", "iteration_start") if each["n"] in well}
    for name, texts in model.texts.items():
        for item in items:
            twice += texts[-1].count(item.text) > 1
            possible[item.text] += texts[-1].count(item.text) if len(texts) >= _STEPS else 0
            if len(texts) > _STEPS:
                counted[item.text] += texts[-1 if name in completed else -2].count(item.text)
    lost = sum(possible[item.text] == 0 for item in items)
    again = sum(counted[item.text] > 1 for item in items)
    detail = (
        f"{len(items)} pieces, {len(model.texts)} iterations, {sum(kills.values())} kills ({dict(kills)})"
    )
    still_open = sum(not item.done for item in items)
    return [
        Measure("guidance lost", lost + still_open + unsaved, "of all", 0, detail),
        Measure(
            "guidance given twice",
            twice + again + sum(saved.values()) - len(saved),
            "of all",
            0,
            f"{twice} within a conversation",
        ),
    ]
