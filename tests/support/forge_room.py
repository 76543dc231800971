"""A landing room whose remote is at a forge: the user's own git configuration leads its address to a folder."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from samobot.fleet import forge_tool
from samobot.fleet.landing_models import LandingStep, LandingView
from samobot.session.vault import use_state_dir
from tests.support.fake_gh import FakeForge
from tests.support.landing_room import LandingRoom

GITHUB = "https://github.com/ann/demo.git"


def make_forge_room(root: Path, patch: pytest.MonkeyPatch, address: str = GITHUB) -> LandingRoom:
    """Make a room in an existing folder.

    Args:
        root: The folder.
        patch: Undoes what is changed of the environment.
        address: The remote's address.
    """
    made = LandingRoom(root, root / "bare.git")
    configuration = root / "gitconfig"
    configuration.write_text(
        "[user]\n\tname = Anna\n\temail = anna@example.org\n"
        f'[url "file://{made.bare}"]\n\tinsteadOf = {address}\n'
    )
    patch.setenv("GIT_CONFIG_GLOBAL", str(configuration))
    remote = made.repo / ".git" / "config"
    remote.write_text(remote.read_text().replace(f"file://{made.bare}", address))
    return made


def put_forge(
    room: LandingRoom,
    patch: pytest.MonkeyPatch,
    put: Callable[[Path, Path], FakeForge],
    *,
    as_program: bool = False,
) -> FakeForge:
    """Make a room's forge, with its tool first on the PATH.

    Args:
        room: The room.
        patch: Undoes what is changed of the environment.
        put: `put_gh` or `put_glab`.
        as_program: Whether the tool is started; otherwise its script runs within this process.
    """
    assert room.bare is not None
    made = put(room.root, room.bare)
    if as_program:
        patch.setattr(forge_tool, "subprocess", subprocess)  # whatever a fixture of the module has put there
    else:
        made.script.run_in_process(patch)
    patch.setenv("PATH", f"{made.folder}{os.pathsep}{os.environ['PATH']}")
    return made


def opened(room: LandingRoom, forge: FakeForge, *checks: dict[str, Any]) -> str:
    """Push and open a pull request with these checks; returns its head."""
    room.land(LandingStep.PUSH)
    room.land(LandingStep.OPEN_PR)
    head = room.tip("greet")
    forge.report(head, *checks)
    return head


@dataclass(frozen=True)
class ShownRequest:
    """A pull request that is green, as the user has seen it.

    Attributes:
        room: Its room; a test changes nothing in there.
        forge: Its forge.
        view: What the user has seen.
        state: The forge's state at that time.
    """

    room: LandingRoom
    forge: FakeForge
    view: LandingView
    state: str

    def reset(self) -> ShownRequest:
        """Give the forge its first state again, with which each test begins."""
        self.forge.state.write_text(self.state)
        return self


@contextmanager
def shown_request(
    factory: pytest.TempPathFactory,
    make: Callable[[Path, pytest.MonkeyPatch], LandingRoom],
    put: Callable[[Path, Path], FakeForge],
    check: dict[str, Any],
) -> Iterator[ShownRequest]:
    """Make one for all tests of a module that change nothing but the forge's state.

    Args:
        factory: Makes its folder.
        make: Makes the room.
        put: `put_gh` or `put_glab`.
        check: The check that has passed.
    """
    use_state_dir(factory.getbasetemp() / "samobot-state")
    with pytest.MonkeyPatch.context() as patch:
        room = make(factory.mktemp("shown"), patch)
        forge = put_forge(room, patch, put)
        opened(room, forge, check)
        yield ShownRequest(room, forge, room.view(), forge.state.read_text())


def refusal(room: LandingRoom, step: LandingStep) -> str:
    """Why a step is refused; empty if it is not."""
    offer = room.view().offer(step)
    assert offer is not None
    return offer.refusal
