"""The stage of a chaos journey: a project, the strict server, and `samobot bot` restarted as systemd would."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import shlex
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import psutil
import pytest

from samobot.claude.invocation import ITERATION_VARIABLE
from samobot.sandbox.agent.scenario import ANY_PHASE, Scenario
from samobot.sandbox.agent.steps import Cost, RunStep
from samobot.sandbox.botapi import api_limits
from samobot.sandbox.botapi.server import BotApiServer
from samobot.sandbox.botapi.world import World
from tests.support.chat_room import TOKEN
from tests.support.scripted import ScriptedShop, scripted_shop

OWNER = 1234
RESTART_SECONDS = 0.3
"""How long the harness waits before it starts the bot again: RestartSec of the service."""

DISK_BYTES = 48 << 20

REPOSITORY = Path(__file__).resolve().parents[2]
_SET_BOOT_TIME = 'mount --bind "$CHAOS_STAT" /proc/stat && exec "$0" "$@"'


class Role(StrEnum):
    """What a process of the stage is."""

    BOT = "bot"
    WORKER = "worker"
    AGENT = "agent"
    OTHER = "other"


def scenario() -> Scenario:
    """An agent that looks at the files and does what is missing, whatever the phase."""
    mind = Path(__file__).with_name("mind.py")
    command = f"{{python}} -I -S {shlex.quote(str(mind))} {{phase}} {{session}} {{session_name}}"
    return Scenario(phases={ANY_PHASE: [(RunStep(command=command, description="Work"), Cost(usd=0.01))]})


_HOSTILE = """[core]
	fsmonitor = {folder}/monitor
	hooksPath = {folder}/hooks
	sshCommand = {folder}/hook
	pager = {folder}/filter
[color]
	ui = always
[diff]
	external = {folder}/hook
[diff "hostile"]
	command = {folder}/hook
	textconv = {folder}/filter
[filter "hostile"]
	clean = {folder}/filter
	smudge = {folder}/filter
[credential]
	helper = {folder}/hook
[status]
	short = true
"""


@dataclass
class WorldClock:
    """The time of everybody but the machine: seconds since 1970, some of which passed in an instant."""

    offset: float = 0.0

    def __call__(self) -> float:
        return time.time() + self.offset


@dataclass
class Stage:
    """Everything of one journey.

    Attributes:
        shop: The project and its folders.
        server: The Bot API server, entered.
        disk: Whether the folders are on a small disk of their own that can be filled.
        kills: How often the bot was killed.
        exits: Exit codes of bots that ended by themselves.
        updates: Every update that Telegram had for the bot, by its number.
    """

    shop: ScriptedShop
    server: BotApiServer
    disk: bool
    logs: Path
    kills: int = 0
    exits: list[tuple[float, int]] = field(default_factory=list)
    updates: dict[int, str] = field(default_factory=dict)
    withheld: int = 0
    """Above 0, Telegram hands no update over."""
    offset: int = 0
    """Nanoseconds by which the clock of the programs differs from the real one."""
    world: WorldClock = field(default_factory=WorldClock)
    """The time outside: Telegram's."""
    bot: asyncio.subprocess.Process | None = None
    names: list[str] = field(default_factory=list)
    """The sessions."""
    _supervisor: asyncio.Task[None] | None = None
    _starts: int = 0

    def __post_init__(self) -> None:
        self._here = asyncio.Event()
        self._here.set()
        self._finished: dict[int, str] = {}
        self.clock = self.logs / "clock"
        self.clock.touch()
        self._stat = self.logs / "stat"
        self._stat.write_bytes(Path("/proc/stat").read_bytes())
        self._boot_time = int(re.search(rb"^btime (\d+)$", self._stat.read_bytes(), re.MULTILINE)[1])  # type: ignore[index]
        self._may_shift_boot = _may_shift_boot()
        self.project_file = self.shop.config.read_bytes()
        self.account = self.server.add_bot(TOKEN, "samo_bot", privacy=False)
        self.ann = self.server.person("Ann", user_id=OWNER)
        self.chat = self.server.private_chat(self.ann)
        add_raw = self.account.queue.add_raw

        def noting(body: str, number: int | None = None) -> None:
            add_raw(body, number)
            with contextlib.suppress(ValueError):
                self.updates.setdefault(json.loads(body)["update_id"], body)

        poll = self.account.queue.poll

        async def polling(offset: int, limit: int, timeout: int) -> list[str]:
            if self.withheld:
                await asyncio.sleep(min(timeout, 0.5))
                return []
            return await poll(offset, limit, timeout)

        # The server has no need of its own to know every update there ever was, nor to keep them back.
        self.account.queue.add_raw = noting  # type: ignore[method-assign]
        self.account.queue.poll = polling  # type: ignore[method-assign]
        self.shop.environment |= {
            "TELEGRAM_BOT_TOKEN": TOKEN,
            "TELEGRAM_API_URL": self.server.url,
            "TELEGRAM_CHAT_ID": str(OWNER),
            "SAMOBOT_PROJECTS": str(self.shop.repo),
            "SAMOBOT_POLL_SECONDS": "0.2",
            "SAMOBOT_MAX_PARALLEL": "2",
            "SAMOCODE_RETRY_DELAY": "0.2",
            # The tree that this file is in, wherever the interpreter has samobot from.
            "PYTHONPATH": f"{Path(__file__).with_name('stepped')}:{REPOSITORY}",
            "CHAOS_CLOCK": str(self.clock),
            "CHAOS_STAT": str(self._stat),
        }

    # The bot's process.

    async def start(self) -> None:
        """Keep a bot running from now on."""
        self._supervisor = asyncio.create_task(self._supervise())
        await self.server.wait_until(
            lambda: self.server.calls.of("getUpdates") or self.server.calls.of("get_Updates"),
            60,
            "the bot to poll",
        )

    async def _supervise(self) -> None:
        while True:
            await self._here.wait()
            self._starts += 1
            command = [sys.executable, "-m", "samobot", "bot"]
            if self._may_shift_boot:
                command = [
                    "unshare",
                    "--mount",
                    "--propagation",
                    "private",
                    "sh",
                    "-c",
                    _SET_BOOT_TIME,
                    *command,
                ]
            with (self.logs / f"bot-{self._starts}.out").open("wb") as out:
                self.bot = await asyncio.create_subprocess_exec(
                    *command,
                    cwd=self.logs, env=self.shop.environment, stdin=asyncio.subprocess.DEVNULL, stdout=out, stderr=out,
                )  # fmt: skip
            code = await self.bot.wait()
            if code >= 0:
                self.exits.append((time.time(), code))
            await asyncio.sleep(RESTART_SECONDS)

    async def end(self) -> int | None:
        """End the bot as `systemctl stop` would; its exit code."""
        if self._supervisor is not None:
            self._supervisor.cancel()
            await asyncio.gather(self._supervisor, return_exceptions=True)
        if self.bot is None:
            return None
        if self.bot.returncode is None:
            self.bot.terminate()
        return await asyncio.wait_for(self.bot.wait(), 60)

    # What happens to its machine.

    def pass_time(self, seconds: float) -> None:
        """Let time pass everywhere, in an instant."""
        self.world.offset += seconds
        self.step_clock(seconds)

    def step_clock(self, seconds: float) -> None:
        """Set the clock of all programs, and the boot time as the kernel does."""
        self.offset += int(seconds * 1e9)
        with self.clock.open("a", encoding="ascii") as file:
            file.write(f"{time.time_ns()} {self.offset}\n")
        boot = self._boot_time + self.offset // 10**9
        text = re.sub(rb"^btime \d+$", b"btime %d" % boot, self._stat.read_bytes(), flags=re.MULTILINE)
        with self._stat.open("r+b") as file:  # in place: it is mounted
            file.write(text)

    def write_hostile_git(self, dice: float) -> str:
        """Write what an agent could: configuration with which git runs programs that the repository names."""
        folder = self.logs / "hostile"
        folder.mkdir(exist_ok=True)
        note = f'[ -n "${ITERATION_VARIABLE}" ] || echo "$0 $*" >> {shlex.quote(str(self.logs / "ran-by-git"))}\n'
        for name, ending in {"filter": "cat", "hook": "exit 0", "monitor": "exit 1"}.items():
            program = folder / name
            program.write_text(f"#!/bin/sh\n{note}{ending}\n", encoding="utf-8")
            program.chmod(0o755)
        hooks = folder / "hooks"
        hooks.mkdir(exist_ok=True)
        for name in (
            "post-checkout",
            "pre-commit",
            "post-commit",
            "post-index-change",
            "reference-transaction",
        ):
            with contextlib.suppress(FileExistsError):
                (hooks / name).symlink_to(folder / "hook")
        text = _HOSTILE.format(folder=folder)
        git = self.shop.repo / ".git"
        included = dice < 0.5
        if included:
            (folder / "config").write_text(text, encoding="utf-8")
            text = f"[include]\n\tpath = {folder}/config\n"
        config = git / "config"
        size = config.stat().st_size
        try:
            git.joinpath("info").mkdir(exist_ok=True)
            git.joinpath("info", "attributes").write_text("* filter=hostile diff=hostile\n", encoding="utf-8")
            with config.open("a", encoding="utf-8") as file:
                file.write(text)
        except OSError:  # the disk is full, and half of it would be no configuration
            os.truncate(config, size)
            return ""
        return "included" if included else "in .git/config"

    async def send_away(self, seconds: float, passing: float) -> None:
        """Kill the bot and start it again after some seconds, in which more of them pass on the clock."""
        self._here.clear()
        try:
            if self.bot is not None and self.bot.returncode is None:
                self.kills += 1
                self.bot.kill()
                await self.bot.wait()
            await asyncio.sleep(seconds)
            # The bot forgets what was finished days ago.
            self._finished |= {n: s for n, s in self.journaled().items() if s != "pending"}
            self.pass_time(passing)
        finally:
            self._here.set()

    async def suspend(self, seconds: float, passing: float) -> None:
        """Stop every process for some seconds, in which more of them pass on the clock."""
        stopped = [process for _, process in self.processes() if send(process, signal.SIGSTOP)]
        try:
            await asyncio.sleep(seconds)
            self.pass_time(passing)
        finally:
            for process in stopped:
                send(process, signal.SIGCONT)

    # What there is.

    def processes(self) -> Iterator[tuple[Role, psutil.Process]]:
        """The living processes of this journey, by their mark."""
        for process in psutil.process_iter():
            try:
                if process.pid == os.getpid() or not self._is_ours(process):
                    continue
                if process.status() == psutil.STATUS_ZOMBIE:
                    continue
                yield _role(process.cmdline()), process
            except (psutil.Error, OSError):
                continue

    def _is_ours(self, process: psutil.Process) -> bool:
        if self.bot is not None and process.pid == self.bot.pid:
            return True  # it lets nobody but root look into its environment
        return process.environ().get("WORKSHOP") == str(self.shop.root)

    def session(self, name: str) -> Path | None:
        """The folder of a session."""
        found = [path for path in self.shop.sessions.glob(f"*-{name}") if path.is_dir()]
        return found[0] if found else None

    def is_begun(self, name: str) -> bool:
        """Whether a session has its task: what a full disk left of one is none."""
        folder = self.session(name)
        return folder is not None and (folder / "_overview.md").exists()

    def records(self, name: str, file: str) -> list[dict[str, Any]]:
        """The lines of a session's `_decisions.jsonl` or journal that are whole."""
        folder = self.session(name)
        path = folder / file if folder is not None else None
        if path is None or not path.exists():
            return []
        found = []
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            with contextlib.suppress(ValueError):
                found.append(json.loads(line))
        return found

    def decisions(self, name: str, kind: str | None = None) -> list[dict[str, Any]]:
        """What was decided, of one kind where that is named."""
        return [each for each in self.records(name, "_decisions.jsonl") if kind in (None, each.get("kind"))]

    def is_at_work(self, name: str) -> bool:
        """Whether an iteration of a session runs, as far as its journal says."""
        found = [each.get("event") for each in self.records(name, "_logs/journal.jsonl")]
        return bool(found) and "iteration_start" in found[-3:] and found[-1] != "run_end"

    def is_done(self, name: str) -> bool:
        """Whether a session has come to its end."""
        ends = [each for each in self.records(name, "_logs/journal.jsonl") if each.get("event") == "run_end"]
        return bool(ends) and ends[-1].get("reason") == "done"

    def journaled(self) -> dict[int, str]:
        """The state of every update, as the bot's database has it or had it before a long absence."""
        database = self.shop.root / "state" / "samobot" / "bot.db"
        with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
            return self._finished | dict(connection.execute("SELECT update_id, state FROM updates"))

    def outbox(self) -> int:
        """How many messages still wait in the bot's database."""
        database = self.shop.root / "state" / "samobot" / "bot.db"
        with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
            return int(connection.execute("SELECT count(*) FROM outbox").fetchone()[0])

    def kill_everything(self) -> None:
        """Leave nothing behind, whatever the journey came to."""
        for _, process in list(self.processes()):
            with contextlib.suppress(psutil.Error):
                process.kill()


def _may_shift_boot() -> bool:
    """Whether a program can be shown another `/proc/stat`."""
    command = [
        "unshare",
        "--mount",
        "--propagation",
        "private",
        "mount",
        "--bind",
        "/proc/stat",
        "/proc/stat",
    ]
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def _role(argv: list[str]) -> Role:
    if "samobot" in argv and "bot" in argv:
        return Role.BOT
    if "samobot" in argv and "run" in argv:
        return Role.WORKER
    return Role.AGENT if any("samobot.sandbox.agent.main" in word for word in argv) else Role.OTHER


@contextlib.asynccontextmanager
async def stage(root: Path) -> AsyncIterator[Stage]:
    """Set the stage in an empty folder, and leave nothing behind.

    Args:
        root: The folder; on it a small disk is mounted where that is allowed.
    """
    root.mkdir(parents=True, exist_ok=True)
    # Telegram forgets after a day what the bot did not fetch, and nothing can be promised about that.
    monkeypatch = pytest.MonkeyPatch()
    monkeypatch.setattr(api_limits, "UPDATE_LIFE_SECONDS", 365 * 86_400)
    disk = _mount(root / "disk")
    logs = root / "logs"
    logs.mkdir(exist_ok=True)
    try:
        shop = scripted_shop(root / "disk" / "shop", scenario())
        world = WorldClock()
        async with BotApiServer(World(wall=world)) as server:
            found = Stage(shop, server, disk, logs, world=world)
            try:
                yield found
            finally:
                await found.end()
                found.kill_everything()
    finally:
        monkeypatch.undo()
        if disk:
            subprocess.run(["umount", "--lazy", str(root / "disk")], check=False)


def _mount(folder: Path) -> bool:
    """Mount a small disk; False where that is not allowed."""
    folder.mkdir(exist_ok=True)
    if os.geteuid() != 0:
        return False
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES},mode=0700", "none", str(folder)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def send(process: psutil.Process, number: signal.Signals) -> bool:
    """Signal a process; whether it was there."""
    try:
        process.send_signal(number)
    except psutil.Error:
        return False
    return True
