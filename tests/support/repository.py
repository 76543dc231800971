"""Git repositories for tests."""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path


def git(folder: Path, *arguments: str, environ: Mapping[str, str] | None = None) -> str:
    """Run git as somebody and return what it printed."""
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main"]
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=folder, env=environ, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def make_repository(path: Path, branch: str = "main") -> Path:
    """Make a repository with one commit."""
    shutil.copytree(_template(branch), path, symlinks=True)
    return path


@functools.cache
def _template(branch: str) -> Path:
    """What each repository is a copy of: copying takes a tenth of what git takes."""
    folder = Path(tempfile.mkdtemp(prefix="samobot-repository-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = folder / "repository"
    path.mkdir()
    # Whichever test is the first: its configuration is not that of the others.
    plain = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    (path / "first").write_text("first")
    for command in (
        ["init", "--quiet", f"--initial-branch={branch}"],
        ["add", "first"],
        ["commit", "-qm", "first"],
    ):
        git(path, *command, environ=plain)
    remove_sample_hooks(path / ".git")
    return path


def remove_sample_hooks(git_dir: Path) -> None:
    """Leave a new repository's folder of hooks empty: half of the files that copies of it would have."""
    for sample in (git_dir / "hooks").iterdir():
        sample.unlink()


def commit(path: Path, name: str) -> str:
    """Commit a new file and return the commit."""
    (path / name).write_text(name)
    git(path, "add", name)
    git(path, "commit", "--quiet", "-m", name)
    return git(path, "rev-parse", "HEAD")
