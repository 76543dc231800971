"""A workshop whose Claude CLI is the scripted agent: the whole program, without the real CLI's seconds."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from samobot.phases import Phase, SignalStatus, WaitingFor
from samobot.sandbox.agent.scenario import Note, Scenario, install, read_children, read_runs
from samobot.sandbox.agent.steps import SignalStep, Step
from samobot.session.vault import use_state_dir
from tests.support.claude_cli import cli_environment
from tests.support.workshop import Workshop, make_workshop

NOWHERE = "http://127.0.0.1:9"


class ScriptedShop(Workshop):
    """A workshop with the scripted agent in it."""

    @property
    def scenario(self) -> Path:
        """The scenario's file."""
        return self.root / "agent" / "scenario.json"

    def runs(self) -> list[Note]:
        """What the agent was given, run by run."""
        return read_runs(self.scenario)

    def children(self) -> list[int]:
        """The processes that the agent left behind."""
        return read_children(self.scenario)

    def play(self, scenario: Scenario) -> None:
        """Give the agent another scenario; it counts its runs on."""
        install(self.root / "agent", scenario)


def scripted_shop(root: Path, scenario: Scenario, *, remote: bool = False) -> ScriptedShop:
    """Make a workshop that plays a scenario, with no pause before retries."""
    environment = cli_environment(root / "home", NOWHERE) | {
        "CLAUDE_PATH": str(install(root / "agent", scenario)),
        "SAMOCODE_RETRY_DELAY": "0",
    }
    shop = make_workshop(root, environment, remote=remote)
    return ScriptedShop(shop.root, shop.environment)


class KeptShop:
    """A shop as it was after a costly beginning, put back for each test that begins there.

    Args:
        shop: The shop; nothing of it may be running.
        backup: A folder that does not exist yet.
    """

    def __init__(self, shop: ScriptedShop, backup: Path) -> None:
        self._shop = shop
        self._backup = backup
        shutil.copytree(shop.root, backup, symlinks=True)

    def again(self) -> ScriptedShop:
        """Put every file back; the paths stay the same, as sessions and worktrees know theirs."""
        shutil.rmtree(self._shop.root)
        shutil.copytree(self._backup, self._shop.root, symlinks=True)
        use_state_dir(self._shop.state)
        return ScriptedShop(self._shop.root, dict(self._shop.environment))


def investigation(*iterations: Sequence[Step]) -> Scenario:
    """A scenario of which only the first phase matters."""
    return Scenario(phases={Phase.INVESTIGATION: iterations})


def go_on(phase: Phase | None = None, summary: str = "Went on") -> SignalStep:
    """The signal `continue`."""
    return SignalStep(status=SignalStatus.CONTINUE, phase=phase, summary=summary)


def blocked(reason: str = "It cannot be done", needs: str = "A key") -> SignalStep:
    """The signal `blocked`."""
    return SignalStep(status=SignalStatus.BLOCKED, reason=reason, needs=needs)


def wait_for(what: WaitingFor) -> SignalStep:
    """The signal `waiting`."""
    return SignalStep(status=SignalStatus.WAITING, wait=what, summary="Waits")
