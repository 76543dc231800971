"""Keeps the tracked files of a repository as they are while an iteration only observes; what changed becomes a patch.

It is a guard against mistakes: an agent that marks files in the index as unchanged is not caught.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import asdict
from pathlib import Path

from samobot.frozen import frozen
from samobot.session.files import read_text, remove, write_atomic
from samobot.session.git import Git, GitError
from samobot.text import plural

PATCH_LIMIT = 64 * 1024 * 1024
"""Bytes of changes above which files are left as they are: nothing could keep what would be lost."""

_NAMES = 200
"""Files that one call of git is given: each name may have 4,096 bytes."""

_SHOWN = 3


@frozen
class TrackedFiles:
    """The state of a repository's tracked files at one moment.

    Attributes:
        folder: The working directory.
        patch: The file that changes are kept in.
        head: The commit that is checked out.
        branch: Full name of the branch; empty on a detached head.
        index: What is staged, as a tree.
        files: What the files hold, as a tree.
    """

    folder: str
    patch: str
    head: str
    branch: str
    index: str
    files: str


def hold(folder: Path, patch: Path) -> TrackedFiles | None:
    """Take the state of the tracked files in a working directory.

    Args:
        folder: The working directory.
        patch: The file that changes will be kept in.

    Returns:
        The state; None if there is no repository, no commit, or a merge that is not finished.
    """
    git = Git(folder).for_several()
    try:
        head = _commit(git)
        _refresh(git)  # files that are only newer than the index would be an error
        index = git.run("write-tree").strip()
        files = _tree_of_files(git, index) if head else ""
    except (GitError, OSError):
        return None
    return TrackedFiles(str(folder), str(patch), head, _branch(git), index, files) if head else None


def restore(state: TrackedFiles) -> str | None:
    """Restore the tracked files, the index and the branch, and keep the changes as a patch.

    Returns:
        A sentence for the user; None if nothing had changed.

    Raises:
        StorageError: The changes cannot be kept; then nothing is restored.
    """
    git = Git(Path(state.folder)).for_several()
    try:
        return _restore(git, state)
    except GitError as error:
        return f"Files that git tracks may have been changed and could not be restored: {error.message}"


def save(state: TrackedFiles, file: Path) -> None:
    """Write a state to a file, for a process that restores it after this one was killed.

    Raises:
        StorageError: The disk refused.
    """
    write_atomic(file, json.dumps(asdict(state)) + "\n", mode=0o600)


def settle(file: Path) -> str | None:
    """Restore the state that a file holds, and remove the file; as `restore` otherwise.

    Raises:
        StorageError: The file cannot be read or removed, or the changes cannot be kept.
    """
    text = read_text(file)
    if text is None:
        return None
    try:
        state = TrackedFiles(**json.loads(text))
    except (ValueError, TypeError, RecursionError):
        state = None
    sentence = restore(state) if state is not None else None
    remove(file)
    return sentence


def _tree_of_files(git: Git, index: str) -> str:
    """Return a tree of what the files hold, made in an index of its own.

    `git stash create` would do the same, but also run git in submodules, under configurations that others write.
    """
    changed = git.run("diff", "--name-only", "-z", "--no-renames").split("\0")[:-1]
    if not changed:
        return index
    with tempfile.TemporaryDirectory(prefix="samobot-git-") as place:
        top = Path(git.run("rev-parse", "--show-toplevel").removesuffix("\n"))  # where the names begin
        own = Git(top, Path(place) / "index").for_several()
        own.run("read-tree", index)
        for at in range(0, len(changed), _NAMES):
            own.run("update-index", "--add", "--remove", "--", *changed[at : at + _NAMES])
        return own.run("write-tree").strip()


def _restore(git: Git, state: TrackedFiles) -> str | None:
    changed = git.run("diff", "--name-only", "-z", "--no-renames", state.files).split("\0")[:-1]
    head = _commit(git)
    moved = (head, _branch(git)) != (state.head, state.branch)
    if not changed and not moved:
        _restore_index(git, state)
        return None
    patch = git.read("diff", "--binary", "--no-renames", state.files, limit=PATCH_LIMIT)
    if len(patch) >= PATCH_LIMIT:
        return f"{_files(changed)} changed, by too much to be kept as a patch: nothing was restored."
    log = git.run("log", "--format=%h %s", f"{state.head}..{head}") if head else ""
    commits = [f"# commit {line}\n" for line in log.splitlines()]
    write_atomic(Path(state.patch), "".join(commits).encode("utf-8", "surrogateescape") + patch)
    if moved:
        _restore_head(git, state)
    git.run("read-tree", "--reset", "-u", f"{state.files}^{{tree}}")
    _restore_index(git, state)
    made = f" and {plural(len(commits), 'commit')} made" if commits else ""
    where = Path(state.patch)
    return (
        f"{_files(changed)} changed{made} although this phase only observes. That was undone; the changes are in "
        f"{where.parent.name}/{where.name}."
    )


def _restore_head(git: Git, state: TrackedFiles) -> None:
    reason = ("-m", "samobot: this phase only observes")
    if state.branch:
        git.run("update-ref", *reason, state.branch, state.head)
        git.run("symbolic-ref", *reason, "HEAD", state.branch)
    else:
        git.run("update-ref", *reason, "--no-deref", "HEAD", state.head)


def _restore_index(git: Git, state: TrackedFiles) -> None:
    if git.attempt("diff", "--cached", "--quiet", state.index) is None:
        git.run("read-tree", "--reset", f"{state.index}^{{tree}}")
        _refresh(git)


def _refresh(git: Git) -> None:
    git.attempt("update-index", "-q", "--refresh")  # ends with an error if files differ, which they may


def _commit(git: Git) -> str:
    return (git.attempt("rev-parse", "--verify", "--quiet", "HEAD^{commit}") or "").strip()


def _branch(git: Git) -> str:
    return (git.attempt("symbolic-ref", "--quiet", "HEAD") or "").strip()


def _files(names: list[str]) -> str:
    if not names:
        return "No file that git tracks was"
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    are = "was" if len(names) == 1 else "were"
    return f"{plural(len(names), 'file')} that git tracks ({', '.join(names[:_SHOWN])}{more}) {are}"
