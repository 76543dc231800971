"""A fingerprint of all work in a folder, to find out whether an iteration has changed anything."""

from __future__ import annotations

import hashlib
import itertools
import os
import stat
from pathlib import Path

from samobot.errors import StorageError
from samobot.session.files import open_regular
from samobot.session.folder_tree import walk
from samobot.session.git import Git, GitError
from samobot.session.git_seal import common_folder, top_of

_MAX_FILES = 10_000
_MAX_REPOSITORIES = 50
_MAX_HASHED = 16 * 1024 * 1024
_MAX_HASHED_TOTAL = 256 * 1024 * 1024
_MAX_INDEX = 256 * 1024 * 1024
_MAX_ENTRIES = 500
_REFERENCES = ("refs/heads", "refs/tags", "refs/notes", "refs/stash")
_SUBMODULE, _LINK = "160000", "120000"


def tree_state(path: Path) -> str:
    """Return a fingerprint of the commit, the index and the contents of all files that git does not ignore.

    Submodules, nested repositories and what links lead to are part of it, as are files that the index marks
    “skip-worktree” or “assume-unchanged”, tags, stashes and notes, and all branches that no other session has checked
    out. Repositories in ignored folders are part of it, other ignored files are not. Equal fingerprints mean that
    nothing has changed, whatever the files' times say. Of files above 16 MB, and if there is no repository, it is made
    from sizes and times, of at most 10,000 files.
    """
    fingerprint = _Fingerprint()
    fingerprint.add_tree(path)
    return fingerprint.hexdigest()


class _Fingerprint:
    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._seen: set[str] = set()
        self._files_left = _MAX_FILES
        self._bytes_left = _MAX_HASHED_TOTAL

    def hexdigest(self) -> str:
        return self._hash.hexdigest()

    def add_tree(self, path: Path) -> None:
        """Add a repository, or a folder outside of any; each once."""
        real = os.path.realpath(path)
        if real in self._seen or len(self._seen) >= _MAX_REPOSITORIES:
            return
        self._seen.add(real)
        try:
            self._add_repository(path)
        except GitError:
            self._add_folder(path)

    def _add_repository(self, path: Path) -> None:
        top, common = top_of(path), common_folder(path)
        if top is None or common is None:
            raise GitError(f"{path} is in no repository.")
        self._seen.add(os.fspath(top))
        git = Git(top).for_several()
        status = git.run(
            *("status", "--porcelain=v2", "--branch", "--no-ahead-behind", "--no-renames", "-z"),
            *("--untracked-files=all", "--ignored=matching"),
        )
        for line in status.split("\0"):
            kind, _, rest = line.partition(" ")
            if kind == "#" and not rest.startswith(("branch.oid", "branch.head")):
                continue
            if kind == "!":
                self._add_ignored(top / rest, is_folder=rest.endswith("/"))
                continue
            self._add(line)
            if kind in ("1", "u"):
                self._add_file(top / rest.split(" ", 7 if kind == "1" else 9)[-1])
            elif kind == "?":
                self._add_new(top / rest, is_repository=rest.endswith("/"))
        self._add_index(git)
        self._add_references(git, common.parent)

    def _add_references(self, git: Git, main: Path) -> None:
        """Add what the repository's names point to, but the branches of others: of the main checkout, and of sessions,
        whose worktrees lie side by side."""
        top = git.folder
        listed = git.run("for-each-ref", "--format=%(objectname) %(refname) %(worktreepath)", *_REFERENCES)
        for line in listed.splitlines():
            place = line.split(" ", 2)[2]
            owner = Path(place) if place else top
            if owner == top or (owner.parent != top.parent and owner != main):
                self._add(line)

    def _add_ignored(self, path: Path, *, is_folder: bool) -> None:
        """Add the repositories in a folder that git ignores, or directly below it."""
        if not is_folder or path.is_symlink():
            return
        try:
            with os.scandir(path) as entries:
                below = sorted(
                    each.name
                    for each in itertools.islice(entries, _MAX_ENTRIES)
                    if each.is_dir(follow_symlinks=False)
                )
        except OSError:
            return
        for place in (path, *(path / name for name in below)):
            if os.path.lexists(place / ".git"):
                self.add_tree(place)

    def _add_new(self, path: Path, *, is_repository: bool) -> None:
        if is_repository:
            self.add_tree(path)
        else:
            self._add_file(path)
            self._add_link_target(path)

    def _add_index(self, git: Git) -> None:
        """Add what `git status` does not look into: other repositories, links, files with a mark, and ignored modes."""
        modes = [each.value or "true" for each in git.configuration() if each.key == "core.filemode"]
        has_modes = not modes or modes[-1].lower() not in ("false", "no", "off", "0")
        index = git.read("ls-files", "-z", "--stage", "-v", limit=_MAX_INDEX).decode(
            "utf-8", "surrogateescape"
        )
        for line in index.split("\0"):
            about, _, name = line.partition("\t")
            path = git.folder / name
            tag, mode = about[:1], about[2:8]
            if mode == _SUBMODULE:
                if os.path.lexists(path / ".git"):
                    self.add_tree(path)
            elif mode == _LINK:
                self._add_link_target(path)
            elif tag == "S" or tag.islower():
                self._add_file(path)
            elif not has_modes and _is_executable(path):
                self._add(name)

    def _add_link_target(self, path: Path) -> None:
        """Add what a link leads to, unless it is part of the tree, or holds it."""
        if not path.is_symlink():
            return
        target = Path(os.path.realpath(path))
        if any(target.is_relative_to(seen) or Path(seen).is_relative_to(target) for seen in self._seen):
            return
        if target.is_dir():
            self.add_tree(target)
        else:
            self._add_file(target)

    def _add_folder(self, path: Path) -> None:
        for parent, folders, files in walk(path):
            folders[:] = sorted(name for name in folders if name != ".git")
            for name in sorted(files):
                self._files_left -= 1
                if self._files_left < 0:
                    return
                self._add_stat(os.path.join(parent, name))

    def _add_file(self, path: Path) -> None:
        try:
            facts = path.lstat()
            hashed = stat.S_ISREG(facts.st_mode) and facts.st_size <= min(_MAX_HASHED, self._bytes_left)
            if not hashed:
                self._add_stat(path)
                return
            with open_regular(path) as file:
                content = file.read(_MAX_HASHED)
        except (OSError, StorageError, ValueError):
            self._add("gone")
            return
        self._bytes_left -= len(content)
        self._hash.update(b"%d %d\0" % (len(content), bool(facts.st_mode & stat.S_IXUSR)) + content)

    def _add_stat(self, path: str | Path) -> None:
        try:
            facts = os.lstat(path)
        except OSError:
            return
        self._add(f"{path}\0{facts.st_size}\0{facts.st_mtime_ns}\0{facts.st_mode}")

    def _add(self, text: str) -> None:
        self._hash.update(text.encode("utf-8", "surrogateescape") + b"\0")


def _is_executable(path: Path) -> bool:
    try:
        return bool(path.lstat().st_mode & stat.S_IXUSR)
    except (OSError, ValueError):
        return False
