"""A finished session whose branch can be landed: real repositories on disk, and nobody running."""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from unittest import mock

from samobot.config.project import Project
from samobot.fleet.landing import land, landing_view
from samobot.fleet.landing_models import LandingResult, LandingStep, LandingView
from samobot.session import journal
from samobot.session.folder import SessionFolder
from samobot.session.gate import Person
from tests.support.repository import commit, git, make_repository, remove_sample_hooks

ANNA = Person("anna", "telegram")
NOW = datetime(2026, 1, 15, 10, 30, tzinfo=UTC)
KEY = b"k" * 32

OVERVIEW = """# greet
Started: 2026-01-15 10:00
Working Dir: {worktree}
Task: Add a greeting script

## Status
Phase: done
Iteration: 1
Total Iterations: 7
Blocked: no
Last Action: finished
Next: nothing

## Flow Log
"""


@dataclass
class LandingRoom:
    """A project, and its session `greet` that is done, with two commits on a branch of that name.

    Attributes:
        root: The folder of everything.
        bare: The remote; None without one.
    """

    root: Path
    bare: Path | None = None
    project: Project = field(init=False)
    folder: SessionFolder = field(init=False)

    def __post_init__(self) -> None:
        template = _template(self.bare is not None)
        shutil.copytree(template / "repo", self.repo, symlinks=True)
        shutil.copytree(template / "worktrees", self.root / "worktrees", symlinks=True)
        moved = {template: self.root}
        holders = [self.repo / ".git" / "worktrees" / "greet" / "gitdir", self.worktree / ".git"]
        if self.bare is not None:
            shutil.copytree(template / "bare.git", self.bare, symlinks=True)
            moved = {template / "bare.git": self.bare, **moved}
            holders.append(self.repo / ".git" / "config")
        for file in holders:
            text = file.read_text()
            for old, new in moved.items():
                text = text.replace(str(old), str(new))
            file.write_text(text)
        (self.repo / ".samocode").write_text("MAIN_REPO=.\nWORKTREES=../worktrees\nSESSIONS=../sessions\n")
        self.project = Project(
            file=self.repo / ".samocode",
            name="repo",
            main_repo=self.repo,
            worktrees=self.root / "worktrees",
            sessions=self.root / "sessions",
        )
        self.folder = SessionFolder(self.root / "sessions" / "26-01-15-greet")
        self.folder.prepare()
        self.folder.overview.write_text(OVERVIEW.format(worktree=self.worktree))
        self.folder.signal.write_text('{"status": "done"}')

    @property
    def repo(self) -> Path:
        """The user's repository."""
        return self.root / "repo"

    @property
    def worktree(self) -> Path:
        """The session's worktree."""
        return self.root / "worktrees" / "greet"

    def view(self) -> LandingView:
        """Look, as a user does before deciding."""
        return landing_view(self.project, self.folder)

    def land(self, step: LandingStep, shown: LandingView | None = None) -> LandingResult:
        """Decide about a step as it was shown; by default as it is now."""
        offer = (shown or self.view()).offer(step)
        assert offer is not None
        return self.land_identity(step, offer.identity)

    def land_identity(self, step: LandingStep, identity: str) -> LandingResult:
        """Decide about a step by the identity of its offer."""
        return land(self.project, self.folder, step, ANNA, expected=identity, now=lambda: NOW, key=KEY)

    def tip(self, branch: str = "main", where: Path | None = None) -> str:
        """The commit of a branch."""
        return git(where or self.repo, "rev-parse", f"refs/heads/{branch}")

    def everything(self) -> str:
        """All refs of both repositories and the checkout: equal if nothing was changed."""
        places = [self.repo, *([self.bare] if self.bare else [])]
        refs = [git(place, "for-each-ref", "--format=%(refname) %(objectname)") for place in places]
        head = (self.repo / ".git" / "HEAD").read_text()
        return "\n".join([*refs, git(self.repo, "status", "--porcelain"), head])

    def events(self) -> list[dict[str, object]]:
        """The landings in the journal."""
        return [event for event in journal.events(self.folder) if event["event"] == "landing"]


@functools.cache
def _template(with_remote: bool) -> Path:
    """The folders of git that each room is a copy of: a dozen calls of git take longer than all of a test."""
    root = Path(tempfile.mkdtemp(prefix="samobot-landing-")).resolve()
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    repo, bare, worktree = root / "repo", root / "bare.git", root / "worktrees" / "greet"
    # Whichever test is the first: its configuration is not that of the others.
    plain = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    with mock.patch.dict(os.environ, plain):
        make_repository(repo)
        if with_remote:
            git(root, "init", "--quiet", "--bare", "--initial-branch=main", str(bare))
            remove_sample_hooks(bare)
            git(repo, "remote", "add", "origin", f"file://{bare}")
            git(repo, "push", "--quiet", "origin", "main")
            git(repo, "remote", "set-head", "origin", "main")
        git(repo, "worktree", "add", "--quiet", "-b", "greet", str(worktree))
        commit(worktree, "greet.py")
        commit(worktree, "test_greet.py")
    (repo / ".git" / "info" / "exclude").write_text(".samocode\n")
    return root
