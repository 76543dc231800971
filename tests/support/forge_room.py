"""A landing room whose remote is at a forge: the user's own git configuration leads its address to a folder."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from samobot.fleet.landing_models import LandingStep
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
    room: LandingRoom, patch: pytest.MonkeyPatch, put: Callable[[Path, Path], FakeForge]
) -> FakeForge:
    """Make a room's forge, with its tool first on the PATH.

    Args:
        room: The room.
        patch: Undoes what is changed of the environment.
        put: `put_gh` or `put_glab`.
    """
    assert room.bare is not None
    made = put(room.root, room.bare)
    patch.setenv("PATH", f"{made.folder}{os.pathsep}{os.environ['PATH']}")
    return made


def opened(room: LandingRoom, forge: FakeForge, *checks: dict[str, Any]) -> str:
    """Push and open a pull request with these checks; returns its head."""
    room.land(LandingStep.PUSH)
    room.land(LandingStep.OPEN_PR)
    head = room.tip("greet")
    forge.report(head, *checks)
    return head


def refusal(room: LandingRoom, step: LandingStep) -> str:
    """Why a step is refused; empty if it is not."""
    offer = room.view().offer(step)
    assert offer is not None
    return offer.refusal
