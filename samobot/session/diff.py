"""What a session has changed in its working directory, as counts and as text."""

from __future__ import annotations

from pathlib import Path

from samobot.errors import ConflictError
from samobot.frozen import frozen
from samobot.session.git import Git, GitError
from samobot.session.git_seal import top_of

DIFF_LIMIT = 2_000_000
"""Maximum size of a diff in bytes."""


@frozen
class FileChange:
    """One changed file; both counts are None for a binary one."""

    path: str
    added: int | None
    removed: int | None


@frozen
class DiffSummary:
    """The changes of a branch and its working directory since their base.

    Attributes:
        commits: Commits since the base.
        files: Tracked files that differ from the base, committed or not.
        uncommitted: Number of files with uncommitted changes, untracked ones included.
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


@frozen
class Checkout:
    """The branch and changes in a folder.

    Attributes:
        branch: The branch; None on a detached head, or if there is no repository.
        status: The output of `git status --short`; None if there is no repository.
    """

    branch: str | None
    status: str | None


def checkout(path: Path) -> Checkout:
    """Return the branch and changes in a folder, for the agent's prompt."""
    try:
        head, _, status = (
            Git(path).run("status", "--porcelain=v1", "--branch", "--untracked-files=normal").partition("\n")
        )
    except GitError:
        return Checkout(None, None)
    # A branch's name holds neither a space nor two dots in a row.
    name = head.removeprefix("## ").removeprefix("No commits yet on ").partition("...")[0]
    return Checkout(None if name == "HEAD (no branch)" else name, status)


def branch_of(path: Path) -> str | None:
    """Return the branch checked out in a folder; None on a detached head, or if there is no repository."""
    found = (Git(path).attempt("symbolic-ref", "--quiet", "HEAD") or "").rstrip("\n")
    return found.removeprefix("refs/heads/") if found.startswith("refs/heads/") else None


def head(path: Path) -> str | None:
    """Return the commit checked out in a folder; None if there is none, or no repository."""
    try:
        return Git(path).run("rev-parse", "--verify", "--quiet", "HEAD^{commit}").strip() or None
    except GitError:
        return None


def diff_summary(path: Path, base: str | None) -> DiffSummary | None:
    """Count the changes since `base` (None: since the last commit); None if there is no repository.

    Raises:
        ConflictError: There is one that git refuses to read; with its message.
    """
    git = Git(path).for_several()
    since = base or "HEAD"
    try:
        commits = int(git.run("rev-list", "--count", f"{since}..HEAD"))
        numbers = git.run("diff", since, "--numstat", "-z", "--no-renames")
        status = git.run("status", "--porcelain=v1", "-z", "--no-renames", "--untracked-files=all")
    except GitError as failure:
        if not path.is_dir() or top_of(path) is None:
            return None
        raise ConflictError(f"git cannot read the changes in {path}: {failure.message}") from failure
    return DiffSummary(commits, parse_numstat(numbers), sum(1 for entry in status.split("\0") if entry))


def parse_numstat(output: str) -> tuple[FileChange, ...]:
    """Parse the output of `git diff --numstat -z --no-renames`."""
    files = []
    for entry in output.split("\0"):
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
    return tuple(files)


@frozen
class DiffText:
    """A diff in git's format; `cut` if it was longer."""

    text: str
    cut: bool


def diff_text(path: Path, base: str | None, limit: int = DIFF_LIMIT) -> DiffText | None:
    """Return the first `limit` bytes of the diff since `base`; None if there is no repository."""
    try:
        diff = Git(path).read("diff", base or "HEAD", "--stat", "--patch", limit=limit + 1)
        return DiffText(diff[:limit].decode("utf-8", "replace"), cut=len(diff) > limit)
    except GitError:
        return None
