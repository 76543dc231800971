"""What other agents write in git's folder is read for the fence without waiting, and not beyond any measure."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from samobot.claude.fence import fence
from samobot.claude.fence_places import FencePlaces
from samobot.claude.fence_repository import _branches_of_others, restore_repository
from samobot.claude.fence_rules import fence_rules
from samobot.claude.invocation import Invocation
from samobot.errors import UsageError
from tests.claude.fenced_world import FencedWorld
from tests.support.repository import git, make_repository

_RULES = """
import resource, sys
from pathlib import Path
from samobot.claude.fence_repository import _admin_folder, _packed_branches
from samobot.errors import UsageError
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
common, top = map(Path, sys.argv[1:])
print(_admin_folder(common, top).name)
try:
    print(_packed_branches(common))
except UsageError as error:
    print(error.message)
"""


def make_unreadable(path: Path, kind: str) -> None:
    match kind:
        case "pipe":
            os.mkfifo(path)
        case "sparse":
            with path.open("wb") as file:
                file.truncate(100 * 2**30)
        case "nul":
            path.write_bytes(b"/\0/.git\n")
        case _:
            path.mkdir()


@pytest.mark.parametrize("kind", ["pipe", "sparse", "nul", "folder"])
def test_files_of_git_that_cannot_be_read_are_not_waited_for(tmp_path: Path, kind: str) -> None:
    common = make_repository(tmp_path / "repo") / ".git"
    top = tmp_path / "worktrees" / "own"
    git(tmp_path / "repo", "worktree", "add", "--quiet", "-b", "own", str(top))
    (common / "worktrees" / "another").mkdir()
    make_unreadable(common / "worktrees" / "another" / "gitdir", kind)
    make_unreadable(common / "packed-refs", kind)
    done = subprocess.run(
        [sys.executable, "-c", _RULES, str(common), str(top.resolve())],
        capture_output=True,
        text=True,
        timeout=60,
    )
    own, references = done.stdout.splitlines()
    assert (own, done.stderr) == ("own", "")
    # Without packed references that can be read, branches of others would be open.
    assert references == "{}" if kind == "nul" else str(common / "packed-refs") in references


def test_branches_of_others_are_found_whatever_bytes_their_names_have(tmp_path: Path) -> None:
    common = make_repository(tmp_path / "repo") / ".git"
    head = git(tmp_path / "repo", "rev-parse", "HEAD").strip()
    (common / "packed-refs").write_bytes(f"{head} refs/heads/gr".encode() + b"\xfc\xdfe\n")
    (common / "worktrees" / "other").mkdir(parents=True)
    (common / "worktrees" / "other" / "HEAD").write_bytes(b"ref: refs/heads/gr\xfc\xdfe\n")
    (common / "worktrees" / "another").mkdir()
    (common / "worktrees" / "another" / "HEAD").write_bytes(b"ref: refs/heads/a\0b\n")
    found = {path.name for path in _branches_of_others(common, common / "worktrees" / "own")}
    assert found == {"main", os.fsdecode(b"gr\xfc\xdfe")}


def _fence(world: FencedWorld, places: FencePlaces) -> None:
    call = Invocation(("/bin/sh",), places.work_dir, world.environ, b"", Path(), "")
    fence(call, fence_rules(places, world.environ), "/usr/bin/bwrap")


@pytest.mark.parametrize("name", ["lfs", "logs", "objects/info", "refs", "shallow"])
def test_link_that_an_agent_in_the_checkout_made_opens_nothing_to_agents_in_worktrees(
    world: FencedWorld, name: str
) -> None:
    git(world.repo, "pack-refs", "--all")
    places, target = world.places(), world.home / ".ssh"
    path = world.repo / ".git" / name
    if path.exists():
        path.rename(path.with_name("kept"))
    path.symlink_to(target)
    own = target / "link"
    own.symlink_to("/etc/passwd")
    with pytest.raises(UsageError, match=f"{name} is a link"):
        _fence(world, places)
    restore_repository(places)
    assert own.is_symlink()


@pytest.mark.parametrize("name", ["hooks", "config", "info"])
def test_agent_works_in_no_checkout_whose_settings_are_links(world: FencedWorld, name: str) -> None:
    """It could replace the link, and what takes its place would run outside."""
    path = world.repo / ".git" / name
    path.rename(world.repo / name)
    path.symlink_to(f"../{name}")
    with pytest.raises(UsageError, match=f"{name} is a link"):
        _fence(world, world.places(work_dir=world.repo))
    _fence(world, world.places())  # where that folder is not written, the link is the user's


def test_folder_that_became_a_link_after_it_was_looked_at_is_not_opened(world: FencedWorld) -> None:
    git(world.repo, "branch", "team/other")
    (world.repo / ".git/worktrees/other").mkdir()
    (world.repo / ".git/worktrees/other/HEAD").write_text("ref: refs/heads/team/other\n")
    rules = fence_rules(world.places(), world.environ)
    folder = world.repo / ".git/refs/heads/team"
    folder.rename(folder.with_name("moved"))
    folder.symlink_to(world.home / ".ssh")
    with pytest.raises(UsageError, match="team is a link"):
        fence(Invocation(("/bin/sh",), world.worktree, {}, b"", Path(), ""), rules, "/usr/bin/bwrap")


def test_branch_of_another_is_unpacked_through_no_link_and_as_nothing_but_a_commit(tmp_path: Path) -> None:
    common = make_repository(tmp_path / "repo") / ".git"
    head = git(tmp_path / "repo", "rev-parse", "HEAD").strip()
    (common / "packed-refs").write_text(f"{head} refs/heads/a\ntouch${{IFS}}evil refs/heads/.profile\n")
    for name in ("a", ".profile"):
        (common / "worktrees" / name).mkdir(parents=True)
        (common / "worktrees" / name / "HEAD").write_text(f"ref: refs/heads/{name}\n")
    kept = tmp_path / "kept"
    kept.write_text("mine")
    (common / f"samobot-{os.getpid()}").symlink_to(kept)
    assert {path.name for path in _branches_of_others(common, common / "worktrees" / "own")} == {"main", "a"}
    assert kept.read_text() == "mine"


def test_allowed_folder_that_an_agent_could_have_made_a_link_is_refused(world: FencedWorld) -> None:
    link = world.repo / "build"
    link.symlink_to(world.home / ".ssh")
    for path in (link, link / "below"):
        with pytest.raises(UsageError, match="is a link, or leads through one"):
            fence_rules(world.places(allowed=(path,)), world.environ)
