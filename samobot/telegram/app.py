"""The bot: builds its parts, runs them, and shuts them down in order.

Workers are processes of their own that outlive the bot.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
from collections.abc import AsyncIterator, Mapping
from typing import Any

from telegram import Bot
from telegram.error import TelegramError

from samobot.config.environment import BOT_SECRETS, find_env_file, read_values
from samobot.config.settings import Settings
from samobot.errors import SamobotError
from samobot.fleet.desired_runs import DesiredRun
from samobot.fleet.local_fleet import LocalFleet
from samobot.fleet.schedules import Schedules
from samobot.fleet.triggers import Triggers
from samobot.hosts.reach import own_past, with_hosts
from samobot.system.clock import utc_now
from samobot.system.packed_file import unpacked
from samobot.system.sd_notify import STOPPING, ServiceNotifier
from samobot.system.transcription import Transcriber
from samobot.telegram.handlers.command_table import pairing_advice
from samobot.telegram.handlers.context import HandlerContext
from samobot.telegram.identity import BotAccount, announce_first_start
from samobot.telegram.inbound.access import AccessGate, access_of
from samobot.telegram.inbound.dispatch import UpdateDispatcher
from samobot.telegram.inbound.polling import Poller
from samobot.telegram.inbound.token_lock import TokenLock, lock_folder
from samobot.telegram.notify.forum_topics import Topics
from samobot.telegram.notify.notifier import Notifier
from samobot.telegram.notify.past_lines import load_past
from samobot.telegram.notify.recipients import Recipients
from samobot.telegram.outbound.bot_client import build_bot
from samobot.telegram.outbound.downloads import FileDownloads
from samobot.telegram.outbound.outbox import Outbox
from samobot.telegram.outbound.secret_filter import SecretFilter
from samobot.telegram.periodic_jobs import PeriodicJobs
from samobot.telegram.problem_reports import ProblemReports
from samobot.telegram.session_polling import SessionPolling
from samobot.telegram.store.bot_store import Store
from samobot.text import one_line

log = logging.getLogger(__name__)

DRAIN_SECONDS = 5.0
"""How long the end waits for messages to go out."""

WORK_SECONDS = 15.0
"""How long the end waits for what was begun, such as a stop."""


class BotApp:
    """The bot.

    Args:
        settings: The configuration.
        environ: The environment; workers get it without the bot's secrets.
        watch_files: Whether changes of files make polls sooner.
    """

    def __init__(self, settings: Settings, environ: Mapping[str, str], *, watch_files: bool = True) -> None:
        self._settings = settings
        self._environ = environ
        self._watch_files = watch_files
        self._service = ServiceNotifier(environ)
        self._stop = asyncio.Event()

    async def run(self) -> None:
        """Run until SIGTERM or SIGINT.

        Raises:
            UsageError: The configuration lacks something.
            BusyError: Another bot with this token runs on this machine.
            TokenRejectedError: Telegram does not know the token.
        """
        token = self._settings.require_token()
        lock = TokenLock(token, lock_folder(self._environ))
        try:
            with contextlib.closing(Store(self._settings.samobot_state_dir)) as store, self._signals():
                bot = build_bot(token, self._settings.telegram_api_url)
                try:
                    await self._serve(bot, store)
                finally:
                    await self._disconnect(bot)
        finally:
            lock.release()

    def _secret_filter(self) -> SecretFilter:
        """Everything that must not reach a chat: the bot's, the environment's and the `.env` file's secrets."""
        values = read_values(self._environ, find_env_file(self._environ), strict=False)
        # The bot has removed its own from the environment.
        own = {name: getattr(self._settings, name.lower()) for name in BOT_SECRETS}
        known = {**self._environ, **values, **own}
        return SecretFilter.of(known, self._settings.telegram_bot_token, unpacked)

    def _transcriber(self) -> Transcriber:
        settings = self._settings
        return Transcriber(
            url=settings.samobot_transcribe_url,
            key=settings.samobot_transcribe_key,
            model=settings.samobot_transcribe_model,
            command=settings.samobot_transcribe_command,
            environ={
                name: value
                for name, value in self._environ.items()
                if not name.startswith(("TELEGRAM_", "SAMOBOT_"))
            },
        )

    # Start and end ---------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _signals(self) -> Any:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._on_signal, number)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)

    def _on_signal(self, number: int) -> None:
        if self._stop.is_set():
            log.warning("second signal to end: not waiting any longer")
            os._exit(128 + number)  # workers are not ours to end, and what is queued is on disk
        log.info("ending (%s); the sessions continue", signal.Signals(number).name)
        self._stop.set()

    async def _disconnect(self, bot: Bot) -> None:
        with contextlib.suppress(TelegramError, TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                await bot.shutdown()

    async def _serve(self, bot: Bot, store: Store) -> None:
        """Supervise sessions also while Telegram is unreachable, and poll as soon as it answers."""
        account = BotAccount(bot, store.accounts)
        self._outbox = Outbox(bot, store, secrets=self._secret_filter())
        gate = AccessGate(access_of(self._settings), store, on_admitted=self._outbox.revive)
        state_dir = self._settings.samobot_state_dir
        local = LocalFleet(
            self._settings,
            environ=self._environ,
            watch_files=self._watch_files,
            past=own_past(load_past(store), state_dir),
        )
        self._fleet = with_hosts(
            local,
            state_dir,
            utc_now,
            environ=self._environ,
            daily_usd=self._settings.samobot_daily_budget_usd,
            most=self._settings.samobot_max_parallel,
        )
        legacy = store.legacy_runs()
        if legacy:
            local.desired_runs.adopt(
                DesiredRun(session=session, options=json.loads(options)) for session, options in legacy
            )
            store.forget_legacy_runs()
        self._places = Recipients(store, self._settings)
        self._notifier = Notifier(self._fleet, store, self._outbox, self._places, utc_now)
        self._topics = Topics(bot, store, self._outbox, self._fleet, enabled=self._settings.uses_topics)
        self._context = HandlerContext(
            self._fleet,
            store,
            self._outbox,
            self._notifier,
            self._places,
            utc_now,
            FileDownloads(bot),
            self._transcriber(),
            self._topics,
            Schedules(self._settings.samobot_state_dir, utc_now),
            Triggers(self._settings.samobot_state_dir, utc_now),
        )
        self._sessions = SessionPolling(self._context, self._settings.samobot_poll_seconds)
        front = self._front = UpdateDispatcher(self._context, lambda: account.username)
        handle = gate.guard(front.on_update)
        problems = ProblemReports(gate, self._outbox, self._places, utc_now)
        self._poller = Poller(bot, store.updates, handle, on_problem=problems.report)
        advice = pairing_advice(gate.access)
        if advice is not None:
            log.warning("%s", advice)
        learning = asyncio.create_task(account.learn(), name="learning")
        try:
            await account.until_tried(learning)  # a bot with a wrong token starts nothing
            async with self._background(self._outbox.run(), "outbox"):
                if account.username is not None:  # otherwise polling does that
                    await self._poller.catch_up()
                await self._sessions.look()
                for project in await self._fleet.projects():
                    for problem in project.problems:
                        log.warning("project %s: %s", project.name, one_line(problem, 400))
                await front.resume_unfinished()
                jobs = PeriodicJobs(
                    self._context, self._sessions, self._poller, self._service, self._settings
                )
                hearing = asyncio.create_task(self._hear(account, learning), name="hearing")
                beside = {
                    "jobs": jobs.run(),
                    "hints": self._sessions.follow_changes(self._poller.wait_until_handled),
                    "ready": self._report_ready(account, jobs),
                }
                tasks = [asyncio.create_task(work, name=name) for name, work in beside.items()]
                try:
                    await self._until_stopped(hearing)
                finally:
                    self._service.notify(STOPPING)
                    await _cancel(hearing, *tasks)
                    await self._finish()
                    log.info("ended; %d messages wait for the next start", self._outbox.backlog)
        finally:
            await _cancel(learning)
            await self._fleet.close()

    async def _hear(self, account: BotAccount, learning: asyncio.Task[None]) -> None:
        """Poll once the username is known, as commands may be addressed to it."""
        await learning
        log.info("@%s is up, %d projects", account.username, len(await self._fleet.projects()))
        announce_first_start(account, self._outbox, self._settings.telegram_chat_id)
        async with self._background(account.introduce(), "introduction"):
            await self._poller.run()

    async def _report_ready(self, account: BotAccount, jobs: PeriodicJobs) -> None:
        """Report readiness unless the token is wrong."""
        await account.tried.wait()
        jobs.watch_health()

    async def _finish(self) -> None:
        """Finish background work and mark the cards as offline, within a time limit."""
        await self._front.finish()
        await self._context.background.finish(WORK_SECONDS)
        await self._topics.finish()
        await self._fleet.wait_for_starts()
        async with self._sessions.looking:
            try:
                self._notifier.show_offline()
            except SamobotError as error:
                log.error("the cards do not say that the bot is off: %s", error)
            await self._outbox.drain(DRAIN_SECONDS)

    async def _until_stopped(self, hearing: asyncio.Task[None]) -> None:
        """Wait for a signal; raise the error if polling ends before."""
        stopped = asyncio.create_task(self._stop.wait(), name="stop")
        try:
            await asyncio.wait((stopped, hearing), return_when=asyncio.FIRST_COMPLETED)
            if hearing.done():
                await hearing
        finally:
            await _cancel(stopped)

    @contextlib.asynccontextmanager
    async def _background(self, work: Any, name: str) -> AsyncIterator[None]:
        task = asyncio.create_task(work, name=name)
        await asyncio.sleep(0)  # it begins before anything is posted
        try:
            yield
        finally:
            await _cancel(task)


async def _cancel(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
