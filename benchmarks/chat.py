"""The chat: how long a user waits, and what the bot costs while nothing happens.

The real `samobot bot` process against the strict Bot API server on loopback, with real workers and the
scripted agent.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psutil

from benchmarks.loops import NOTE
from benchmarks.measure import Measure, percentile, spread
from benchmarks.programs import fill
from samobot.phases import Phase, SignalStatus, WaitingFor
from samobot.sandbox.agent.journeys import endless
from samobot.sandbox.agent.scenario import Scenario, install, read_runs, runs_file
from samobot.sandbox.agent.steps import Append, Questions, QuestionStep, SignalStep, Sleep, Step, Tool
from samobot.sandbox.botapi.chat_messages import SandboxMessage
from samobot.sandbox.botapi.chats import SandboxChat
from samobot.sandbox.botapi.server import BotApiServer
from samobot.sandbox.botapi.user import UserClient
from samobot.session.folder import SessionFolder
from samobot.session.lock import holder
from tests.support.claude_cli import cli_environment
from tests.support.workshop import Workshop, make_workshop

TOKEN = "42:benchmark-token"
OWNER = 1234
RUNNING = 20
COMMANDS = 51

CHECKOUT = Path(__file__).resolve().parents[1]

_PACE_SECONDS = 1.2
"""More than the second that Telegram asks for between two messages in a chat."""

_COMMANDS = (
    ("/status", ("busy-1", "busy-2")),
    ("/projects", ("demo", "active")),
    ("/help", ("/run", "/status")),
)
"""Commands, and what stands in the reply to each."""


@dataclass
class Stage:
    """A running bot with its server and its owner."""

    server: BotApiServer
    owner: UserClient
    chat: SandboxChat
    shop: Workshop
    bot: subprocess.Popen[bytes]


@asynccontextmanager
async def stage(
    root: Path,
    scenario: Scenario,
    *,
    sessions: int = 0,
    parallel: int = 3,
    command: Sequence[str] = (sys.executable, "-m", "samobot", "bot"),
    more: Mapping[str, str] | None = None,
) -> AsyncIterator[Stage]:
    """Start everything, and end it again.

    Args:
        root: An empty folder.
        scenario: What the scripted agent does.
        sessions: Session folders that exist already.
        parallel: Runs at the same time.
        command: Starts the bot.
        more: Further environment.
    """
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
            **(more or {}),
        }
        shop = make_workshop(root, environment)
        shop.sessions.mkdir(exist_ok=True)
        if sessions:
            fill(shop, sessions)
        log = (root / "bot.out").open("wb")
        bot = subprocess.Popen(command, cwd=CHECKOUT, env=shop.environment, stdout=log, stderr=log)
        try:
            said = owner.say("/help")
            await chat.wait_for(lambda message: bool(message.text), timeout=300, after=said.id)
            yield Stage(server, owner, chat, shop, bot)
        finally:
            bot.terminate()
            await asyncio.to_thread(bot.wait, 30)
            await asyncio.to_thread(shop.samobot, "stop", "--all")
            log.close()


async def command_to_reply(root: Path) -> list[Measure]:
    """From a command to its reply, while many sessions run.

    Each agent reports every second what it does, more than a real one does, so all cards want to be edited
    all the time. The commands are spaced, and begin once the news of the starts are out: Telegram lets a bot write
    one message a second in a chat, and faster commands would measure the pace that it has to keep.
    """
    times = []
    async with stage(root, Scenario(phases={"*": [_chatty(20)]}), parallel=RUNNING) as on:
        await _start_many(on)
        await _until_quiet(on)
        for number in range(COMMANDS):
            command, words = _COMMANDS[number % len(_COMMANDS)]
            began = time.perf_counter()
            said = on.owner.say(command)
            await on.chat.wait_for(partial(_says, *words), timeout=10, after=said.id)
            times.append((time.perf_counter() - began) * 1000)
            await asyncio.sleep(_PACE_SECONDS)
        living = sum(_is_running(folder) for folder in on.shop.sessions.iterdir())
        assert living == RUNNING, f"only {living} sessions were still running at the end"
    return [
        Measure(
            f"command to reply, {RUNNING} running (p50)", statistics.median(times), "ms", 12, spread(times)
        ),
        Measure(f"command to reply, {RUNNING} running (p99)", percentile(times, 0.99), "ms", 80),
    ]


async def change_to_message(root: Path) -> Measure:
    """From a file that is changed by hand to the message about it."""
    times = []
    async with stage(root, endless()) as on:
        for number in range(15):
            folder = on.shop.sessions / f"26-01-15-hand-{number}"
            folder.mkdir(parents=True)
            overview = folder / "_overview.md"
            overview.write_text("# Session: hand\n\n## Status\nPhase: testing\nBlocked: no\n")
            await asyncio.sleep(2.5)  # it has been looked at, and the bot may write again
            began = time.perf_counter()
            overview.write_text(
                "# Session: hand\n\n## Status\nPhase: testing\nBlocked: yes - the key is missing\n"
            )
            await on.chat.wait_for(partial(_says, f"hand-{number}", "⛔"), timeout=10)
            times.append((time.perf_counter() - began) * 1000)
    return Measure("file change to message (p50)", statistics.median(times), "ms", 100, spread(times))


async def gate_round_trip(root: Path) -> list[Measure]:
    """From the agent's signal to the question on the phone, and from the last tap to the next agent.

    The agent asks after some seconds, as a real one does: the messages about the start are out by then.
    """
    asks = [
        Sleep(seconds=4),
        Questions(
            questions=[QuestionStep(text="Which one?", options=("this", "that"), suggestion="A", why="short")]
        ),
        SignalStep(status=SignalStatus.WAITING, wait=WaitingFor.QA_ANSWERS, summary="asks"),
    ]
    goes_on = [SignalStep(status=SignalStatus.CONTINUE, phase=Phase.REQUIREMENTS)]
    scenario = Scenario(phases={"investigation": [goes_on], "requirements": [asks]})
    runs = root / "agent" / "scenario.json"
    asked, went_on = [], []
    async with stage(root, scenario) as on:
        for number in range(8):
            name = f"gate-{number}"
            on.owner.say(f"/run {name}: ask me")
            question = await on.chat.wait_for(partial(_says, name, "Which one?"), timeout=30)
            arrived = time.time()
            signal = on.shop.session(name) / "_signal.json"
            asked.append((arrived - signal.stat().st_mtime) * 1000)
            count, noted = len(read_runs(runs)), runs_file(runs).stat().st_size
            began = time.time()
            on.owner.tap(question, "A")
            await _until(partial(_ran_more, runs, count, noted), 20)
            went_on.append((read_runs(runs)[count].at - began) * 1000)
            await asyncio.to_thread(on.shop.samobot, "stop", name)
    return [
        Measure("signal to question on the phone (p50)", statistics.median(asked), "ms", 100, spread(asked)),
        Measure("last tap to the next agent (p50)", statistics.median(went_on), "ms", 500, spread(went_on)),
    ]


async def idle_cost(root: Path) -> list[Measure]:
    """Memory and processor of a bot that only watches."""
    measures = []
    for count, seconds, memory, share in (
        (0, 8, None, None),
        (20, 20, 70, 0.2),
        (1000, 30, 75, 0.25),
        (10_000, 30, 75, 0.25),
    ):
        async with stage(root / str(count), endless(), sessions=count) as on:
            process = psutil.Process(on.bot.pid)
            await _until_idle(process)
            used = await _processor_share(process, seconds)
            size = process.memory_info().rss / 1e6
        measures.append(Measure(f"bot's memory, {count} sessions", size, "MB", memory))
        measures.append(Measure(f"bot's idle processor, {count} sessions", used, "% of a core", share))
    return measures


async def _until_idle(process: psutil.Process) -> None:
    """Wait until what comes with a first start is over: each session is read once."""
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline:
        if await _processor_share(process, 6) < 1:
            return
    raise TimeoutError("the bot did not become idle")


async def _processor_share(process: psutil.Process, seconds: float) -> float:
    """Percent of one core that a process uses, from the kernel's nanoseconds if it reports them."""
    before, began = _processor_seconds(process), time.monotonic()
    await asyncio.sleep(seconds)
    return (_processor_seconds(process) - before) / (time.monotonic() - began) * 100


def _processor_seconds(process: psutil.Process) -> float:
    # The usual counters go in hundredths of a second, as much as is to be measured here.
    try:
        threads = Path(f"/proc/{process.pid}/task").glob("*/schedstat")
        return sum(int(each.read_text().split()[0]) for each in threads) / 1e9
    except (OSError, ValueError, IndexError):
        spent = process.cpu_times()
        return spent.user + spent.system


def _chatty(rounds: int) -> list[Step]:
    """An iteration that reports every second what it does, and changes something."""
    steps: list[Step] = []
    for number in range(rounds):
        steps += [
            Tool(name="Edit", input={"file_path": f"{{cwd}}/part_{number}.py"}, result="ok"),
            Sleep(seconds=1),
        ]
    return [
        *steps,
        Append(path=NOTE, text="more\n"),
        SignalStep(status=SignalStatus.CONTINUE, summary="Goes on"),
    ]


async def _start_many(on: Stage) -> None:
    """Start the sessions from the terminal, as a script would; the bot finds them."""
    for number in range(RUNNING):
        done = await asyncio.to_thread(
            on.shop.samobot, "run", "--session", f"busy-{number}", "--task", "Keep busy", "--detach"
        )
        assert done.returncode == 0, done.stderr


async def _until_quiet(on: Stage) -> None:
    """Wait until the bot sends nothing new for some seconds; edits continue."""
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        count = len(on.server.calls.of("sendMessage"))
        await asyncio.sleep(4)
        if len(on.server.calls.of("sendMessage")) == count:
            return
    raise TimeoutError("the bot had something new to say all the time")


def _is_running(path: Path) -> bool:
    """Whether a worker holds a session."""
    return holder(SessionFolder(path)) is not None


def _says(one: str, other: str, message: SandboxMessage) -> bool:
    return one in message.text and other in message.text


def _ran_more(runs: Path, count: int, noted: int) -> bool:
    # The notes are long: they are read when there are more, not to see whether there are.
    return runs_file(runs).stat().st_size > noted and len(read_runs(runs)) > count


async def _until(holds: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if holds():
            return
        await asyncio.sleep(0.02)
    raise TimeoutError(f"not within {seconds} s")
