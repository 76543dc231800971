"""Git repositories for tests."""

from __future__ import annotations

import subprocess
from pathlib import Path


def git(folder: Path, *arguments: str) -> str:
    """Run git as somebody and return what it printed."""
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main"]
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def make_repository(path: Path, branch: str = "main") -> Path:
    """Make a repository with one commit."""
    path.mkdir(parents=True)
    git(path, "init", "--quiet", f"--initial-branch={branch}")
    commit(path, "first")
    return path


def commit(path: Path, name: str) -> str:
    """Commit a new file and return the commit."""
    (path / name).write_text(name)
    git(path, "add", name)
    git(path, "commit", "--quiet", "-m", name)
    return git(path, "rev-parse", "HEAD")
