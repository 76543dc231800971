"""Calls that wait for the user, while the CLI and the worker are killed at random moments."""

from __future__ import annotations

import contextlib
import json
import random
import threading
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.measure import Measure
from benchmarks.steering import SEED, kill_one, start_run
from samobot.errors import SamobotError
from samobot.session.asks import read_asks
from samobot.session.decisions import DecisionKind, load_key
from samobot.session.folder import SessionFolder
from samobot.session.gate_effects import Person
from samobot.session.lock import holder
from samobot.session.permissions import decide
from tests.support.claude_cli import cli_environment, require_claude
from tests.support.messages_api import Answer, MessagesApi, Request, bash, say, write
from tests.support.workshop import make_workshop

KILLS = 300
_KILL_EACH = 4.0
"""Seconds between two kills, on average: with fewer hardly an iteration comes to a call."""

_STEPS = 6
_USER = Person("ann", "telegram")


def kills_between_ask_and_effect(root: Path) -> list[Measure]:
    """Risky calls of the real CLI, a user who allows most and denies some, and 300 kills."""
    chance = random.Random(SEED)
    model = _Model(root / "made")
    with MessagesApi(model) as api:
        environment = cli_environment(root / "home", api.url) | {
            "CLAUDE_PATH": str(require_claude()),
            "SAMOBOT_ASK": "risky",
            "SAMOBOT_FENCE_ALLOW": str(root),
            "SAMOCODE_RETRY_DELAY": "0",
            "SAMOCODE_MAX_RETRIES": "500",
        }
        shop = make_workshop(root, environment)
        run = start_run(shop)
        api.wait_for_requests(1)
        folder = SessionFolder(shop.session("greet"))
        shop.vault("greet")
        user = _User(folder, load_key(shop.state), chance)
        user.start()
        kills = Counter[str]()
        while kills.total() < KILLS:
            time.sleep(chance.expovariate(1 / _KILL_EACH))
            if run.poll() is None:
                kills[kill_one(run, folder, chance)] += 1
            if run.poll() is not None:
                user.idle.wait(60)  # a run that finds something waiting would end at once
                run = start_run(shop)
        while holder(folder) is None and run.poll() is None:
            time.sleep(0.1)  # one that has just been started would not be found
        shop.samobot("stop", "greet")
        run.wait(60)
        user.stop()
        return _judge(model, user, kills)


class _Model:
    """Wants one risky call after the other; follows its prompt about earlier ones, and looks at what was made.

    Args:
        made: The file to which each call appends its number.

    Attributes:
        made: The same.
        current: The number of the call that it wants now.
        denied: Numbers of the calls that it knows to be denied.
    """

    def __init__(self, made: Path) -> None:
        self.made = made
        self.current = 0
        self.denied: set[int] = set()
        self._asked = Counter[str]()

    def __call__(self, request: Request) -> Answer:
        self._asked[request.run] += 1
        number = self._asked[request.run]
        newest = json.dumps(request.messages[-1:])
        is_named = self.command in newest.replace("\\\\", "\\") or f"call-{self.current:04d}" in newest
        if "denied this call" in newest and (number > 1 or is_named):
            self.denied.add(self.current)
            self.current += 1
        elif number == 1 and is_named and "make exactly this call" in newest:
            return bash(self.command)
        elif self.calls()[self.current]:
            self.current += 1
        if number == _STEPS:
            status = {"status": "continue", "phase": "investigation", "summary": "on"}
            return write("{session}/_signal.json", json.dumps(status))
        return say("Half of it.") if number > _STEPS else bash(self.command)

    @property
    def command(self) -> str:
        """The call that it wants now."""
        return f"rm -rf call-{self.current:04d}; echo {self.current} >> {self.made}"

    def calls(self) -> Counter[int]:
        """How often each call was made."""
        return Counter(map(int, self.made.read_text().split())) if self.made.exists() else Counter()


class _User(threading.Thread):
    """Decides about what waits, after a moment; allows four of five.

    Attributes:
        verdicts: How often each command was allowed or denied.
        idle: Set while nothing waits.
    """

    def __init__(self, folder: SessionFolder, key: bytes, chance: random.Random) -> None:
        super().__init__(daemon=True)
        self.verdicts: Counter[tuple[str, DecisionKind]] = Counter()
        self.idle = threading.Event()
        self._folder = folder
        self._key = key
        self._chance = random.Random(chance.random())
        self._ends = threading.Event()

    def run(self) -> None:
        """Decide until stopped."""
        while not self._ends.wait(0.05):
            waiting = read_asks(self._folder, self._key).waiting
            if not waiting:
                self.idle.set()
                continue
            self.idle.clear()
            time.sleep(self._chance.uniform(0.0, 0.5))
            kind = DecisionKind.ALLOW_ONCE if self._chance.random() < 0.8 else DecisionKind.DENY
            with contextlib.suppress(SamobotError):  # it may be withdrawn meanwhile
                decide(self._folder, waiting[0].id, kind, _USER, datetime.now(UTC), self._key)
                self.verdicts[str(waiting[0].call.input["command"]), kind] += 1

    def stop(self) -> None:
        """Wait until it has come to its end."""
        self._ends.set()
        self.join()


def _judge(model: _Model, user: _User, kills: Counter[str]) -> list[Measure]:
    made, wanted = model.calls(), model.current
    allowed = Counter[int]()
    for (command, kind), count in user.verdicts.items():
        if kind is DecisionKind.ALLOW_ONCE:
            allowed[int(command.split("echo ")[1].split()[0])] += count
    detail = f"{wanted} calls, {len(model.denied)} denied, {kills.total()} kills ({dict(kills)})"
    unasked = sum(max(0, count - allowed[number]) for number, count in made.items())
    twice = sum(count > 1 for count in made.values())
    lost = sum(not made[number] and number not in model.denied for number in range(wanted))
    return [
        Measure("calls made without a tap", unasked, "of all", 0, detail),
        Measure("calls made twice", twice, "of all", 0, ""),
        Measure("calls lost", lost, "of all", 0, ""),
    ]
