"""What goes wrong: a seeded plan of faults, and the hand that carries it out."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from samobot.sandbox.botapi.faults import FaultKind
from tests.chaos.mind import FORGERIES, JUNK_FILES, MISCHIEF, TIDYING
from tests.chaos.stage import Role, Stage, send


class Trouble(StrEnum):
    """The kinds of fault."""

    KILL_BOT = "kill bot"
    KILL_WORKER = "kill worker"
    KILL_AGENT = "kill agent"
    FREEZE_BOT = "freeze bot"
    FREEZE_WORKER = "freeze worker"
    FREEZE_AGENT = "freeze agent"
    RATE_LIMIT = "429"
    BAD_GATEWAY = "502"
    RESET = "reset"
    HANG = "hang"
    DROP = "answer lost"
    CONFLICT = "409"
    REPEAT = "update repeated"
    DELAY = "updates late"
    DISK = "disk full"
    CLOCK = "clock stepped"
    SUSPEND = "suspended"
    AWAY = "bot away for a week"
    TIDY = "guidance tidied"
    JUNK = "junk appended"
    FORGERY = "decision forged"
    HOSTILE_GIT = "hostile git configuration"


_WEIGHTS = {
    Trouble.KILL_BOT: 6,
    Trouble.KILL_WORKER: 5,
    Trouble.KILL_AGENT: 4,
    Trouble.FREEZE_BOT: 2,
    Trouble.FREEZE_WORKER: 2,
    Trouble.FREEZE_AGENT: 2,
    Trouble.RATE_LIMIT: 3,
    Trouble.BAD_GATEWAY: 3,
    Trouble.RESET: 3,
    Trouble.HANG: 2,
    Trouble.DROP: 4,
    Trouble.CONFLICT: 2,
    Trouble.REPEAT: 3,
    Trouble.DELAY: 2,
    Trouble.DISK: 3,
    Trouble.CLOCK: 5,
    Trouble.SUSPEND: 2,
    Trouble.AWAY: 1,
    Trouble.TIDY: 3,
    Trouble.JUNK: 5,
    Trouble.FORGERY: 3,
    Trouble.HOSTILE_GIT: 2,
}
_ROLES = {
    Trouble.KILL_BOT: Role.BOT,
    Trouble.KILL_WORKER: Role.WORKER,
    Trouble.KILL_AGENT: Role.AGENT,
    Trouble.FREEZE_BOT: Role.BOT,
    Trouble.FREEZE_WORKER: Role.WORKER,
    Trouble.FREEZE_AGENT: Role.AGENT,
}
_ANSWERED_WRONG = {
    Trouble.RATE_LIMIT: FaultKind.RATE_LIMIT,
    Trouble.BAD_GATEWAY: FaultKind.BAD_GATEWAY,
    Trouble.RESET: FaultKind.RESET,
    Trouble.HANG: FaultKind.SLOW,
    Trouble.DROP: FaultKind.DROP_AFTER_DOING,
}
_STEPS = (0.5, 1.5, 3.0, 60.0, 3600.0, 86_400.0)
_WEEK = 7 * 86_400.0
_MISCHIEF = {Trouble.TIDY: TIDYING, Trouble.JUNK: JUNK_FILES, Trouble.FORGERY: FORGERIES}
_OBEYED_SECONDS = 3.0
_METHODS = ("*", "sendMessage", "sendDocument", "editMessageText", "get_Updates", "answerCallbackQuery")


@dataclass(frozen=True)
class Planned:
    """A fault to come.

    Attributes:
        trouble: What.
        gap: Seconds after the one before.
        dice: A number from 0 to 1 that chooses among what is there then.
        seconds: How long, where it lasts.
        method: Of which call, where it is the server's.
    """

    trouble: Trouble
    gap: float
    dice: float
    seconds: float
    method: str


def plan(seed: int, count: int, mean_gap: float, *, disk: bool) -> list[Planned]:
    """Choose the faults of a journey; the same for the same seed."""
    dice = random.Random(seed)
    kinds = list(_WEIGHTS)
    found = []
    for _ in range(count):
        trouble = dice.choices(kinds, [_WEIGHTS[kind] for kind in kinds])[0]
        gap, chance, seconds = dice.expovariate(1 / mean_gap), dice.random(), 0.5 + 2.5 * dice.random()
        method = dice.choice(_METHODS)
        if trouble is Trouble.DISK and not disk:
            trouble = Trouble.KILL_WORKER
        found.append(Planned(trouble, gap, chance, seconds, method))
    return found


class Monkey:
    """Carries a plan out.

    Args:
        stage: Where.
        planned: What.

    Attributes:
        log: What was done, for a report.
        counts: How often each kind of fault hit something.
    """

    def __init__(self, stage: Stage, planned: list[Planned]) -> None:
        self.log: list[str] = []
        self.counts: Counter[Trouble] = Counter()
        self._stage = stage
        self._planned = planned
        self._running: set[asyncio.Task[None]] = set()

    @property
    def hits(self) -> int:
        """Faults that hit something."""
        return self.counts.total()

    async def run(self) -> None:
        """Carry all out, and wait until what lasts is over."""
        try:
            for each in self._planned:
                await asyncio.sleep(each.gap)
                await self._do(each)
            await asyncio.gather(*self._running)
        finally:
            self._stage.server.faults.clear()

    async def _do(self, each: Planned) -> None:
        hit = await self._hit(each)
        if hit:
            self.counts[each.trouble] += 1
            self.log.append(f"{time.time():.1f} {each.trouble}: {hit}")

    async def _hit(self, each: Planned) -> str:
        stage = self._stage
        if each.trouble in _ROLES:
            return await self._hit_process(each)
        if each.trouble in _ANSWERED_WRONG:
            kind = _ANSWERED_WRONG[each.trouble]
            count = 1 + int(each.dice * 3)
            stage.server.fault(
                kind, each.method, count, retry_after=1 + int(each.dice * 2), seconds=each.seconds
            )
            return f"{each.method} × {count}"
        match each.trouble:
            case Trouble.CONFLICT:
                stage.server.fault(FaultKind.CONFLICT, "get_Updates", 1 + int(each.dice * 2))
                return "get_Updates"
            case Trouble.REPEAT:
                return self._repeat(each)
            case Trouble.DELAY:
                self._last(self._delay(each.seconds))
                return f"{each.seconds:.1f} s"
            case Trouble.DISK:
                self._last(self._fill(each.seconds))
                return f"{each.seconds:.1f} s"
            case Trouble.CLOCK:
                steps = [sign * seconds for seconds in _STEPS for sign in (1, -1)]
                step = steps[int(each.dice * len(steps))]
                stage.step_clock(step)
                return f"{step:+} s"
            case Trouble.SUSPEND:
                asleep = 60 * (1 + 9 * each.dice)
                self._last(stage.suspend(each.seconds / 2, asleep))
                return f"{asleep:.0f} s"
            case Trouble.AWAY:
                await stage.send_away(each.seconds / 2, _WEEK)
                return "7 days"
            case Trouble.HOSTILE_GIT:
                return stage.write_hostile_git(each.dice)
            case _:
                return await self._mislead(each)

    async def _mislead(self, each: Planned) -> str:
        """Have an agent do mischief in its session: it obeys at its next step."""
        stage = self._stage
        orders = _MISCHIEF[each.trouble]
        order = orders[int(each.dice * len(orders))]
        working = [name for name in stage.names if stage.is_at_work(name)]
        folder = stage.session(working[int(each.seconds * 1000) % len(working)]) if working else None
        if folder is None:
            return ""
        paper = folder / MISCHIEF
        try:
            paper.write_text(f"{each.trouble.name} {order}\n", encoding="ascii")
            for _ in range(int(_OBEYED_SECONDS * 20)):
                await asyncio.sleep(0.05)
                if not paper.exists():
                    return f"{order} in {folder.name}"
            paper.unlink(missing_ok=True)
        except OSError:  # the disk is full
            pass
        return ""

    async def _hit_process(self, each: Planned) -> str:
        role = _ROLES[each.trouble]
        found = [
            process
            for kind, process in await asyncio.to_thread(lambda: list(self._stage.processes()))
            if kind is role
        ]
        if not found:
            return ""
        process = found[int(each.dice * len(found))]
        if each.trouble in (Trouble.KILL_BOT, Trouble.KILL_WORKER, Trouble.KILL_AGENT):
            if role is Role.BOT:
                self._stage.kills += 1
            return str(process.pid) if send(process, signal.SIGKILL) else ""
        if not send(process, signal.SIGSTOP):
            return ""

        async def thaw() -> None:
            try:
                await asyncio.sleep(each.seconds)
            finally:
                send(process, signal.SIGCONT)

        self._last(thaw())
        return f"{process.pid} for {each.seconds:.1f} s"

    def _repeat(self, each: Planned) -> str:
        """Hand an update over once more, as Telegram does where an acknowledgement was lost."""
        known = sorted(self._stage.updates)
        if not known:
            return ""
        number = known[-1 - int(each.dice * min(len(known), 4))]
        self._stage.server.inject(self._stage.updates[number], number=number)
        return f"update {number}"

    async def _delay(self, seconds: float) -> None:
        """Let Telegram hand nothing over for a while."""
        self._stage.withheld += 1
        try:
            await asyncio.sleep(seconds)
        finally:
            self._stage.withheld -= 1

    async def _fill(self, seconds: float) -> None:
        """Fill the disk, and empty it again."""
        filler = self._stage.shop.root.parent / f"filler-{time.time_ns()}"
        try:
            with contextlib.suppress(OSError), filler.open("ab", buffering=0) as file:
                while True:
                    file.write(os.urandom(1) * 4096)
            await asyncio.sleep(seconds)
        finally:
            filler.unlink(missing_ok=True)

    def _last(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
