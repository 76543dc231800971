"""A chat, a terminal and a session at a gate, all in this process: real files, real fleet, workers that only hold."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from samobot.config.settings import Settings
from samobot.errors import SamobotError
from samobot.fleet.launch import RunRequest
from samobot.fleet.local_fleet import LocalFleet
from samobot.fleet.schedules import Schedules
from samobot.fleet.triggers import Triggers
from samobot.sandbox.botapi.chat_messages import SandboxMessage
from samobot.sandbox.botapi.server import BotApiServer
from samobot.sandbox.botapi.world import World
from samobot.session.folder import SessionFolder
from samobot.session.lock import RunLock
from samobot.system.transcription import Transcriber
from samobot.telegram.handlers.context import HandlerContext
from samobot.telegram.inbound.access import AccessGate, access_of
from samobot.telegram.inbound.dispatch import UpdateDispatcher
from samobot.telegram.inbound.polling import Poller
from samobot.telegram.notify.forum_topics import Topics
from samobot.telegram.notify.notifier import Notifier
from samobot.telegram.notify.recipients import Recipients
from samobot.telegram.outbound.bot_client import build_bot
from samobot.telegram.outbound.downloads import FileDownloads
from samobot.telegram.outbound.outbox import Outbox
from samobot.telegram.store.bot_store import Store
from tests.support.chat import FAST

TOKEN = "42:AAE-test-token-of-the-matrix-0123"
WAIT = 60.0


@dataclass
class MovedClock:
    """The real time, moved by some seconds; Telegram, the bot and its fleet read the same one."""

    moved: float = 0.0

    def __call__(self) -> float:
        return time.time() + self.moved

    def utc(self) -> datetime:
        return datetime.fromtimestamp(self(), UTC)


@dataclass
class Bot:
    """One life of the bot: every part of it that decides, and its three ways to the outside."""

    store: Store
    outbox: Outbox
    fleet: LocalFleet
    notifier: Notifier
    context: HandlerContext
    front: UpdateDispatcher
    stack: contextlib.AsyncExitStack
    tasks: tuple[asyncio.Task[None], ...]


class DecisionRoom:
    """Ann with a phone and a terminal, and a session whose workers hold its lock and do nothing.

    Args:
        root: An empty folder.
        server: The Bot API server, entered.
        clock: Everybody's clock.
        patch: Puts the workers in place.
    """

    def __init__(
        self, root: Path, server: BotApiServer, clock: MovedClock, patch: pytest.MonkeyPatch
    ) -> None:
        self.root = root
        self.server = server
        self.clock = clock
        self._patch = patch
        self.sessions = root / "demo" / "sessions"
        self.sessions.mkdir(parents=True)
        config = root / "demo" / ".samocode"
        config.write_text("MAIN_REPO=.\nWORKTREES=worktrees\nSESSIONS=sessions\n")
        server.add_bot(TOKEN, "samo_bot")
        self.ann = server.person("Ann", user_id=1234)
        self.eve = server.person("Eve", user_id=666)
        self.chat = server.private_chat(self.ann)
        self.with_eve = server.private_chat(self.eve)
        self.settings = Settings(
            telegram_bot_token=TOKEN,
            telegram_api_url=server.url,
            telegram_chat_id=self.chat.id,
            samobot_state_dir=root / "state",
            samobot_projects=(config,),
        )
        for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "HOME"):
            patch.setenv(name, str(root / "home"))
        patch.setenv("SAMOBOT_STATE_DIR", str(root / "state"))
        patch.setenv("SAMOBOT_PROJECTS", str(config))
        patch.chdir(root)
        self.bot: Bot | None = None
        self.started: list[str] = []
        self.transcriber = Transcriber()
        self._locks: list[RunLock] = []
        patch.setattr("samobot.fleet.worker_processes.WorkerProcesses.start", self._start_from_the_bot)
        patch.setattr("samobot.terminal.control_commands.start_detached", self._start_from_the_terminal)

    # Workers.

    async def _start_from_the_bot(self, key: str, request: RunRequest, folder: SessionFolder) -> int:
        return self._hold(folder)

    async def _start_from_the_terminal(
        self, request: RunRequest, folder: SessionFolder, state: Path, environ: object
    ) -> int:
        return self._hold(folder)

    def _hold(self, folder: SessionFolder) -> int:
        self._locks.append(RunLock.acquire(folder, self.clock.utc()))
        self.started.append(folder.path.name)
        return os.getpid()

    # The bot's lives.

    async def start(self, *, polling: bool = True, delivering: bool = True) -> Bot:
        """Begin a life of the bot on the state that is there; it looks once before it hears anything."""
        stack = contextlib.AsyncExitStack()
        store = Store(self.settings.samobot_state_dir, self.clock)
        bot = await stack.enter_async_context(build_bot(TOKEN, self.server.url))
        outbox = Outbox(bot, store, limits=FAST, backoff=0.01)
        fleet = LocalFleet(self.settings, environ={}, now=self.clock.utc)
        stack.push_async_callback(fleet.close)
        places = Recipients(store, self.settings)
        notifier = Notifier(fleet, store, outbox, places, self.clock.utc)
        context = HandlerContext(
            fleet,
            store,
            outbox,
            notifier,
            places,
            self.clock.utc,
            FileDownloads(bot, first_backoff=0.01),
            self.transcriber,
            Topics(bot, store, outbox, fleet, enabled=self.settings.uses_topics),
            Schedules(self.settings.samobot_state_dir, self.clock.utc),
            Triggers(self.settings.samobot_state_dir, self.clock.utc),
        )
        gate = AccessGate(access_of(self.settings), store, on_admitted=outbox.revive)
        front = UpdateDispatcher(context, lambda: bot.username, settle_seconds=3600)  # see `settled`
        poller = Poller(bot, store.updates, gate.guard(front.on_update), on_problem=print)
        works = [outbox.run()] if delivering else []
        tasks = [asyncio.create_task(work) for work in works]
        await asyncio.sleep(0)
        self.bot = Bot(store, outbox, fleet, notifier, context, front, stack, tuple(tasks))
        await poller.catch_up()
        await self.look()
        await front.resume_unfinished()
        if polling:
            self.bot.tasks += (asyncio.create_task(poller.run()),)
        return self.bot

    async def look(self) -> None:
        """Poll, as the bot does every two seconds."""
        assert self.bot is not None
        for _ in range(2):  # what the first look starts is seen by the second
            self.bot.notifier.notify_fleet_news((await self.bot.fleet.poll()).events)
            await self.bot.fleet.wait_for_starts()
            views, past = await self.bot.fleet.sessions(), await self.bot.fleet.past()
            await self.bot.notifier.update(views, past)
            await self.bot.context.topics.update(views, past)
            await self.bot.context.topics.finish()

    async def end(self) -> None:
        """End the bot in order; what it has to say is said."""
        assert self.bot is not None
        await self.bot.outbox.drain(WAIT)
        bot, self.bot = self.bot, None
        await self._bury(bot)

    async def kill(self) -> None:
        """Let the bot die where it stands: from now on it writes nothing, says nothing and hears nothing."""
        assert self.bot is not None
        bot, self.bot = self.bot, None
        bot.store.close()
        await self._bury(bot)

    async def _bury(self, bot: Bot) -> None:
        for task in bot.tasks:
            task.cancel()
        await asyncio.gather(*bot.tasks, return_exceptions=True)
        bot.front.close()
        await bot.context.background.finish(0)
        await bot.stack.aclose()
        bot.store.close()

    def die_after_writing(self) -> asyncio.Event:
        """Stop dead once a decision is in the session's files, before anything else; returns when that is so."""
        assert self.bot is not None
        written = asyncio.Event()

        async def stand_still(*_: object) -> int | None:
            written.set()
            await asyncio.Event().wait()
            return None

        for name in ("want", "continue_run"):
            self._patch.setattr(self.bot.fleet._queue, name, stand_still)
        return written

    # What people do.

    async def terminal(self, command: click.Command, arguments: Sequence[str]) -> str:
        """Give a command at Ann's terminal; what it said, be it an error."""
        result = await asyncio.to_thread(CliRunner().invoke, command, list(arguments))
        if isinstance(result.exception, SamobotError):
            return result.exception.message
        if result.exception is not None:
            raise result.exception
        return result.output

    async def settled(self) -> None:
        """Wait until everything that was said and tapped is handled, told and delivered."""
        asked = self.ann.say("/projects", self.chat)
        await self.chat.wait_for(lambda message: message.text.startswith("📂"), WAIT, after=asked.id)
        assert self.bot is not None
        await self.bot.front.finish()
        await self.bot.context.background.finish(WAIT)
        await self.look()
        assert await self.bot.outbox.drain(WAIT)

    def said(self, after: int = 0) -> list[SandboxMessage]:
        """What the bot has said, less the answers that `settled` asks for."""
        return [each for each in self.chat.from_bot(after) if not each.text.startswith("📂")]

    async def close(self) -> None:
        """Leave nothing behind."""
        if self.bot is not None:
            await self.kill()
        for lock in self._locks:
            lock.release()


@contextlib.asynccontextmanager
async def decision_room(root: Path, patch: pytest.MonkeyPatch) -> AsyncIterator[DecisionRoom]:
    """Open a room."""
    clock = MovedClock()
    async with BotApiServer(World(wall=clock)) as server:
        room = DecisionRoom(root, server, clock, patch)
        try:
            yield room
        finally:
            await room.close()
