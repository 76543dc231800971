"""What the bot does periodically goes by no clock that somebody may set."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime, timedelta, tzinfo
from types import SimpleNamespace
from typing import Any

import pytest
from apscheduler.schedulers import base

from samobot.telegram import periodic_jobs
from samobot.telegram.periodic_jobs import PeriodicJobs

HOUR = 3600.0


async def test_the_sessions_are_looked_at_although_the_clock_was_set_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    set_by = 0.0

    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Any:
            return datetime.now(tz) + timedelta(seconds=set_by)

    for module in (base, periodic_jobs):
        monkeypatch.setattr(module, "datetime", Clock)
    monkeypatch.setattr(
        periodic_jobs, "time", SimpleNamespace(time=lambda: time.time() + set_by, monotonic=time.monotonic)
    )
    looks: asyncio.Queue[None] = asyncio.Queue()

    async def look() -> None:
        looks.put_nowait(None)

    parts: Any = SimpleNamespace(pull_requests=SimpleNamespace(look=look), poll=look)
    settings: Any = SimpleNamespace(samobot_poll_seconds=0.01, samobot_webhook_port=None)
    jobs = PeriodicJobs(parts, parts, parts, parts, settings)
    running = asyncio.create_task(jobs.run())
    try:
        async with asyncio.timeout(30):
            await looks.get()
            set_by = -HOUR
            for _ in range(5):  # one may have been due before
                await looks.get()
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
