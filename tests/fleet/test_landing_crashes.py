"""A landing that is killed after any of its effects is finished once, or shown again; never done twice or half."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from samobot.errors import ConflictError
from samobot.fleet import forge_tool, github_forge, landing
from samobot.fleet.landing_models import LandingStep
from samobot.session.git import Git
from samobot.session.vault import use_state_dir
from tests.support.fake_gh import GREEN, FakeForge, put_gh
from tests.support.forge_room import make_forge_room, put_forge
from tests.support.landing_room import LandingRoom
from tests.support.repository import commit, git

pytestmark = pytest.mark.slow

_CHANGES = {"commit-tree", "update-ref", "merge", "push", "worktree", "branch"}
"""Commands of git that change something; `worktree list` is one of them, and harmless to be killed after."""


class Killed(BaseException):
    """The process is gone: nothing after this runs."""


class Killer:
    """Ends the process right after one of its effects, real as they are.

    Args:
        patch: Undoes it.
        point: After which effect, from 1.
    """

    def __init__(self, patch: pytest.MonkeyPatch, point: int) -> None:
        self._left = point
        self.killed_after = ""
        for name in ("record", "journal_decisions", "_note"):
            patch.setattr(landing, name, self._after(getattr(landing, name), lambda *_, name=name: name))
        patch.setattr(Git, "run", self._after(Git.run, self._git))
        patch.setattr(github_forge, "run_tool", self._after(forge_tool.run_tool, self._tool))

    def _after(self, work: Callable[..., Any], effect: Callable[..., str]) -> Callable[..., Any]:
        def working(*arguments: Any, **options: Any) -> Any:
            found = work(*arguments, **options)
            name = effect(*arguments)
            self._left -= bool(name)
            if name and self._left == 0:
                self.killed_after = name
                raise Killed
            return found

        return working

    @staticmethod
    def _git(_: Git, *arguments: str) -> str:
        verb = next((each for each in arguments if each in _CHANGES), "")
        return "" if verb == "worktree" and "list" in arguments else verb

    @staticmethod
    def _tool(_: str, arguments: list[str]) -> str:
        return " ".join(arguments[:2]) if arguments[1] in ("create", "merge") else ""


def make_place(root: Path, patch: pytest.MonkeyPatch, step: LandingStep) -> tuple[LandingRoom, FakeForge]:
    """A room in which a step is possible."""
    root.mkdir()
    room = make_forge_room(root, patch)
    forge = put_forge(room, patch, put_gh)
    match step:
        case LandingStep.MERGE:
            commit(room.repo, "newer")
        case LandingStep.SQUASH:
            git(room.repo, "checkout", "--quiet", "-b", "other")
        case LandingStep.OPEN_PR:
            room.land(LandingStep.PUSH)
        case LandingStep.MERGE_PR:
            room.land(LandingStep.PUSH)
            room.land(LandingStep.OPEN_PR)
            forge.report(room.tip("greet"), GREEN)
        case LandingStep.CLEAN_UP:
            room.land(LandingStep.PUSH)
            room.land(LandingStep.MERGE)
        case _:
            pass
    return room, forge


def outcome(room: LandingRoom, forge: FakeForge, before: int) -> dict[str, object]:
    """What there is now, without what is made again each time, such as the time of a commit."""
    assert room.bare is not None
    branches = {
        str(place.name): {
            name: sorted(git(place, "log", "--format=%T %s", name).splitlines())
            for name in git(place, "branch", "--format=%(refname:short)").splitlines()
        }
        for place in (room.repo, room.bare)
    }
    kept = forge.read()
    return {
        "branches": branches,
        "checkout": git(room.repo, "status", "--porcelain"),
        "worktree": room.worktree.exists(),
        "requests": [(each["state"], each["headRefName"]) for each in kept["prs"]],
        "merges": len(kept["merges"]),
        "events": len(room.events()) - before,
    }


@pytest.mark.parametrize(
    "step",
    [LandingStep.MERGE, LandingStep.SQUASH, LandingStep.PUSH, LandingStep.OPEN_PR, LandingStep.MERGE_PR,
     LandingStep.CLEAN_UP, LandingStep.DISCARD],
)  # fmt: skip
def test_landing_killed_after_any_of_its_effects_ends_as_if_it_was_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: LandingStep
) -> None:
    place, copy = tmp_path / "place", tmp_path / "copy"
    use_state_dir(place / "state")
    room, forge = make_place(place, monkeypatch, step)
    before = len(room.events())
    offer = room.view().offer(step)
    assert offer is not None
    shutil.copytree(place, copy, symlinks=True)
    outcomes: list[tuple[str, dict[str, object]]] = []
    point = 0
    while not outcomes or outcomes[-1][0]:  # until one is killed no longer
        point += 1
        shutil.rmtree(place)
        shutil.copytree(copy, place, symlinks=True)
        with pytest.MonkeyPatch.context() as deadly:
            killer = Killer(deadly, point)
            try:
                room.land_identity(step, offer.identity)
            except Killed:
                assert killer.killed_after
        try:
            again = room.land_identity(step, offer.identity)  # as the bot repeats it at its next start
            assert again.repeated or killer.killed_after not in ("", "_note")
        except ConflictError as refused:
            # Half of it is there, so it is not what was shown: it is shown as it is, and decided again.
            if "has changed since this was shown" not in refused.message:
                raise
            room.land(step)
        outcomes.append((killer.killed_after, outcome(room, forge, before)))
    undisturbed = outcomes[-1][1]
    assert {"record", "journal_decisions", "_note"} < {name for name, _ in outcomes}
    assert len(outcomes) >= 5
    for killed_after, found in outcomes:
        assert found == undisturbed, killed_after
    assert undisturbed["events"] == 1
