"""A usage limit in the middle of the work, with bot and worker killed meanwhile."""

from __future__ import annotations

import asyncio
import math
import signal
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from samobot.phases import Phase
from samobot.sandbox.agent.scenario import Scenario
from samobot.sandbox.agent.steps import LimitStep, Step
from tests.chaos.stage import Role, Stage, send, stage
from tests.support.scripted import blocked, go_on

pytestmark = [pytest.mark.chaos, pytest.mark.xdist_group("chaos_limits"), pytest.mark.timeout(300)]

RESET_IN = 20.0
"""Seconds: long enough that all that was killed is back before."""


def events(where: Stage, kind: str) -> list[dict[str, Any]]:
    """The events of alpha's journal of one kind."""
    return [each for each in where.records("alpha", "_logs/journal.jsonl") if each.get("event") == kind]


def working(*then: Step) -> Scenario:
    """An agent that looks around, and then does this."""
    return Scenario(
        phases={Phase.INVESTIGATION: [[go_on(Phase.REQUIREMENTS)]], Phase.REQUIREMENTS: [list(then)]}
    )


async def until(condition: Callable[[], object], what: str) -> None:
    """Wait for what the processes do."""
    async with asyncio.timeout(120):
        while not condition():
            await asyncio.sleep(0.05)
    assert condition(), what


async def kill(where: Stage, role: Role) -> int:
    """Kill the only process of that role."""
    found = [process for kind, process in where.processes() if kind is role]
    assert len(found) == 1
    assert send(found[0], signal.SIGKILL)
    return found[0].pid


async def test_limit_resets_although_everything_was_killed_meanwhile(tmp_path: Path) -> None:
    async with stage(tmp_path / "stage") as where:
        where.shop.environment["SAMOBOT_AFTER_RESET_SECONDS"] = "0.5"
        await where.start()
        reset = math.ceil(time.time() + RESET_IN)  # Claude tells it in whole seconds
        where.shop.play(working(LimitStep(resets_at=reset)))
        where.ann.say("/run alpha: Add a greeting")
        await until(lambda: events(where, "park"), "the limit")

        await kill(where, Role.WORKER)
        killed = await kill(where, Role.BOT)
        await until(
            lambda: where.bot is not None and where.bot.pid != killed and where.bot.returncode is None,
            "the bot",
        )
        await until(lambda: any(kind is Role.WORKER for kind, _ in where.processes()), "the worker")
        where.shop.play(
            working(blocked())
        )  # in force from the next iteration on: the one that tries after the reset
        await until(lambda: events(where, "run_end"), "the end")
        await where.chat.wait_for(lambda message: "alpha is blocked" in message.text, 120)
        parked, went_on = events(where, "park"), events(where, "unpark")
        assert [each["by"] for each in went_on] == ["reset"]
        assert datetime.fromisoformat(went_on[0]["at"]).timestamp() >= reset
        assert {each["kind"] for each in parked} == {"five_hour"}
        assert events(where, "retry") == []
        assert [each["reason"] for each in events(where, "run_end")] == ["blocked"]
        said = [message for message in where.chat.from_bot() if "Usage limit" in message.text]
        # The bot is killed around the time it says so: that may repeat the message once, never more.
        assert len(said) in (1, 2), [message.text for message in said]
        assert await where.end() == 0
        assert list(where.processes()) == []
