"""What the bot does periodically: polls, schedules, triggers, webhook hints, housekeeping and systemd's watchdog."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from samobot.config.settings import Settings
from samobot.errors import SamobotError, UsageError
from samobot.system.sd_notify import ALIVE, READY, ServiceNotifier
from samobot.telegram.handlers.context import HandlerContext
from samobot.telegram.handlers.schedule_handlers import run_due
from samobot.telegram.handlers.trigger_handlers import look_at_triggers
from samobot.telegram.inbound.polling import Poller
from samobot.telegram.session_polling import SessionPolling

log = logging.getLogger(__name__)

DEAF_SECONDS = 120.0
"""Seconds without a successful getUpdates after which the watchdog is no longer fed, so that systemd restarts the bot."""

_CLOCK_STEP_SECONDS = 0.5
"""Seconds that a clock is set back by at least for the jobs to notice."""

_HOUSEKEEPING_SECONDS = 3600
_SCHEDULE_SECONDS = 5.0
_HINT_SECONDS = 10.0
_HEALTH_SECONDS = 15.0


class PeriodicJobs:
    """The bot's scheduler with its jobs.

    Args:
        context: What the jobs work on.
        sessions: Looks at the sessions.
        poller: Receives the updates; whether it does is part of the bot's health.
        service: Hears of the bot's health.
        settings: The configuration.

    Raises:
        UsageError: Webhooks are configured without a long enough secret.
    """

    def __init__(
        self,
        context: HandlerContext,
        sessions: SessionPolling,
        poller: Poller,
        service: ServiceNotifier,
        settings: Settings,
    ) -> None:
        self._context = context
        self._sessions = sessions
        self._poller = poller
        self._service = service
        self._poll_seconds = settings.samobot_poll_seconds
        # A busy loop must not skip a poll: late is fine, twice at once is not.
        defaults = {"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        self._scheduler = AsyncIOScheduler(job_defaults=defaults, timezone=UTC)
        self._every(self._poll_seconds, sessions.poll, "poll")
        self._every(max(self._poll_seconds, 1.0), context.pull_requests.look, "pull requests")
        for name, work in (("schedules", run_due), ("triggers", look_at_triggers)):
            self._every(_SCHEDULE_SECONDS, self._run, name, work, name)
        self._every(_HOUSEKEEPING_SECONDS, self._prune, "housekeeping")
        self._webhook = self._receive_webhooks(settings)

    async def run(self) -> None:
        """Run the jobs, and receive webhooks if that is configured, until cancelled."""
        self._scheduler.start()
        try:
            await asyncio.gather(self._follow_clock(), *([self._webhook()] if self._webhook else []))
        finally:
            self._scheduler.shutdown(wait=False)

    def watch_health(self) -> None:
        """Report readiness to systemd, and from now on that the bot works."""
        self._service.notify(READY)
        self._every(
            min(_HEALTH_SECONDS, self._service.watchdog or _HEALTH_SECONDS), self._report_alive, "health"
        )

    async def _follow_clock(self) -> None:
        """Run all jobs at once after the clock was set back: the scheduler would wait until it is where it was."""
        offset = time.time() - time.monotonic()
        while True:
            await asyncio.sleep(self._poll_seconds)
            before, offset = offset, time.time() - time.monotonic()
            if offset < before - _CLOCK_STEP_SECONDS:
                for job in self._scheduler.get_jobs():
                    job.modify(next_run_time=datetime.now(UTC))

    def _every(
        self, seconds: float, work: Callable[..., Awaitable[None]], name: str, *arguments: object
    ) -> None:
        self._scheduler.add_job(work, "interval", arguments, seconds=seconds, id=name)

    def _receive_webhooks(self, settings: Settings) -> Callable[[], Awaitable[None]] | None:
        """Prepare to take each webhook as a hint to look at the forges now."""
        port = settings.samobot_webhook_port
        if port is None:
            return None
        from samobot.telegram.inbound.webhook import SHORTEST_SECRET, ForgeWebhook  # takes memory

        if len(settings.samobot_webhook_secret) < SHORTEST_SECRET:
            raise UsageError(
                f"SAMOBOT_WEBHOOK_PORT needs a SAMOBOT_WEBHOOK_SECRET of at least {SHORTEST_SECRET} characters."
            )
        receiver = ForgeWebhook(settings.samobot_webhook_secret, self._context.store.webhook_deliveries)

        async def look_now() -> None:  # a plain function would run in another thread
            if receiver.take_hint():
                self._context.store.pull_requests.hurry_all()
                self._context.triggers.hurry()

        self._every(_HINT_SECONDS, look_now, "webhook")
        return lambda: receiver.run(settings.samobot_webhook_host, port)

    async def _run(self, work: Callable[[HandlerContext], Awaitable[None]], name: str) -> None:
        try:
            await work(self._context)
        except SamobotError as error:
            log.error("%s: %s", name, error.message)
        except Exception:
            log.exception("%s", name)

    async def _prune(self) -> None:
        try:
            self._context.store.prune()
        except SamobotError as error:
            log.error("housekeeping: %s", error)

    async def _report_alive(self) -> None:
        """Feed the watchdog while polling and supervision both work."""
        unseen = time.monotonic() - self._sessions.last_look
        deaf = self._poller.age > DEAF_SECONDS
        blind = unseen > max(60.0, 10 * self._poll_seconds)
        if deaf:
            log.warning("Telegram has not answered for %.0f s", self._poller.age)
        if blind:
            log.error("the sessions have not been looked at for %.0f s", unseen)
        if not deaf and not blind:
            self._service.notify(ALIVE)
