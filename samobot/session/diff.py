"""What a session has changed in its working directory: for the chat, and to see that nothing changes any more."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from samobot.session.git import Git, GitError

DIFF_LIMIT = 2_000_000
"""Bytes of a diff that are made at most."""

_MAX_FILES = 10_000
_MAX_HASHED = 1024 * 1024
_BLOCK = 64 * 1024


@dataclass(frozen=True, slots=True)
class FileChange:
    """One changed file; both counts are None for a binary one."""

    path: str
    added: int | None
    removed: int | None


@dataclass(frozen=True, slots=True)
class DiffSummary:
    """What a branch and its working directory hold beyond their base.

    Attributes:
        commits: Commits since the base.
        files: Files that differ from the base, committed or not; new files only once git knows them.
        uncommitted: Files with changes that are not committed, new ones included.
    """

    commits: int
    files: tuple[FileChange, ...]
    uncommitted: int

    @property
    def added(self) -> int:
        """Lines added in all files."""
        return sum(file.added or 0 for file in self.files)

    @property
    def removed(self) -> int:
        """Lines removed in all files."""
        return sum(file.removed or 0 for file in self.files)


@dataclass(frozen=True, slots=True)
class Checkout:
    """What is checked out in a folder.

    Attributes:
        branch: The branch; None on a detached head, or where there is no repository.
        status: What `git status --short` says; None where there is no repository.
    """

    branch: str | None
    status: str | None


def checkout(path: Path) -> Checkout:
    """Say what is checked out in a folder, for the agent's context."""
    try:
        head, _, status = Git(path).run("status", "--short", "--branch").partition("\n")
    except GitError:
        return Checkout(None, None)
    # A branch's name holds neither a space nor two dots in a row.
    name = head.removeprefix("## ").removeprefix("No commits yet on ").partition("...")[0]
    return Checkout(None if name == "HEAD (no branch)" else name, status)


def head(path: Path) -> str | None:
    """Return the commit checked out in a folder; None if there is none, or no repository."""
    try:
        return Git(path).run("rev-parse", "--verify", "--quiet", "HEAD^{commit}").strip() or None
    except GitError:
        return None


def tree_state(path: Path) -> str:
    """Return a fingerprint of the commit, the index and the contents of all files that git does not ignore.

    Equal fingerprints mean that nothing has changed, whatever the files' times say. Where there is no
    repository, it is made from names, sizes and times of at most 10,000 files.
    """
    state = hashlib.sha256()
    git = Git(path)
    try:
        status = git.run(
            "status", "--porcelain=v2", "--branch", "--no-ahead-behind", "-z", "--untracked-files=all"
        )
        lines = status.split("\0")
        commit = next((line for line in lines if line.startswith("# branch.oid ")), "")
        entries = [line for line in lines if line and not line.startswith("# branch.")]
        new = [entry[2:] for entry in entries if entry.startswith("? ")]
        state.update("\0".join([commit, *entries]).encode("utf-8", "surrogateescape"))
        # Most often there is nothing more to ask: each call of git is a process, before and after an iteration.
        if len(entries) > len(new):
            base = "--cached" if commit.endswith("(initial)") else "HEAD"
            with tempfile.TemporaryFile() as output:
                git.run_into(
                    output, "diff", base, "--no-ext-diff", "--no-textconv", "--full-index", "--no-color"
                )
                output.seek(0)
                while block := output.read(_BLOCK):
                    state.update(block)
        if new:
            top = Path(git.run("rev-parse", "--show-toplevel").rstrip("\n"))
            for name in new[:_MAX_FILES]:
                _add_file(state, top / name)
    except GitError:
        _add_folder(state, path)
    return state.hexdigest()


def diff_summary(path: Path, base: str | None) -> DiffSummary | None:
    """Sum up what changed since `base` (None: since the last commit); None where there is no repository."""
    git = Git(path)
    since = base or "HEAD"
    try:
        commits = int(git.run("rev-list", "--count", f"{since}..HEAD"))
        numbers = git.run("diff", since, "--numstat", "-z", "--no-renames", "--no-ext-diff", "--no-textconv")
        status = git.run("status", "--porcelain=v1", "-z", "--no-renames", "--untracked-files=all")
    except GitError:
        return None
    files = []
    for entry in numbers.split("\0"):
        added, _, rest = entry.partition("\t")
        removed, _, name = rest.partition("\t")
        if name:
            files.append(
                FileChange(
                    name,
                    int(added) if added.isdigit() else None,
                    int(removed) if removed.isdigit() else None,
                )
            )
    return DiffSummary(commits, tuple(files), sum(1 for entry in status.split("\0") if entry))


@dataclass(frozen=True, slots=True)
class DiffText:
    """A diff as git writes it; `cut` where it goes on."""

    text: str
    cut: bool


def diff_text(path: Path, base: str | None, limit: int = DIFF_LIMIT) -> DiffText | None:
    """Return the diff since `base`, at most `limit` bytes of it; None where there is no repository."""
    try:
        with tempfile.TemporaryFile() as output:
            Git(path).run_into(
                output,
                "diff",
                base or "HEAD",
                "--no-ext-diff",
                "--no-textconv",
                "--no-color",
                "--stat",
                "--patch",
                limit=limit + 1,
            )
            output.seek(0)
            return DiffText(output.read(limit).decode("utf-8", "replace"), cut=bool(output.read(1)))
    except GitError:
        return None


def _add_folder(state: hashlib._Hash, path: Path) -> None:
    count = 0
    for parent, folders, files in os.walk(path):
        folders[:] = sorted(name for name in folders if name != ".git")
        for name in sorted(files):
            count += 1
            if count > _MAX_FILES:
                return
            file = os.path.join(parent, name)
            try:
                facts = os.lstat(file)
            except OSError:
                continue
            state.update(f"{file}\0{facts.st_size}\0{facts.st_mtime_ns}\0".encode("utf-8", "surrogateescape"))


def _add_file(state: hashlib._Hash, file: Path) -> None:
    try:
        facts = file.lstat()
        if stat.S_ISREG(facts.st_mode) and facts.st_size <= _MAX_HASHED:
            state.update(file.read_bytes())
        else:
            state.update(f"{facts.st_size}\0{facts.st_mtime_ns}".encode())
    except OSError:
        state.update(b"gone")
