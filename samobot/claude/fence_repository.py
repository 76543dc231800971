"""What the agent reaches of its repository inside the fence: what a commit needs, and nothing that starts a program."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from samobot.claude.fence import FenceRule, Reachable, unfollowed
from samobot.claude.fence_places import FencePlaces
from samobot.errors import StorageError, UsageError
from samobot.session.files import is_regular, read_bytes
from samobot.session.git_seal import top_of

# In a repository's common folder: what a commit in a linked worktree writes, and what it only reads. Configuration and
# hooks would run programs outside the fence.
_GIT_WRITTEN = ("lfs", "logs", "objects", "refs", "reftable")
_GIT_READ = ("HEAD", "shallow")
_GIT_SETTINGS = ("config", "hooks", "info", "modules")
"""Read-only to all agents, also in the checkout itself: a link among them is the user's, and is followed."""
_HEADS = "refs/heads/"
_LINE = 4096
"""Bytes of a file that holds one line."""
_PACKED = 64 * 1024 * 1024
"""Bytes of the packed references, some 70 for each."""
# What stands for the commit is written to a file, whose folder agents write: it must be nothing that could run.
_PACKED_BRANCH = re.compile(r"^([0-9a-f]{40,64}) refs/heads/(.+)$", re.MULTILINE)

_ON_BRANCH = f"ref: {_HEADS}"

_OWN_CONFIG = "config.worktree"
"""Counts if the repository has `extensions.worktreeConfig`, and names programs as well as `config` does."""

_COMMON = "commondir"
"""A file that leads git to another folder with configuration and hooks."""
_ITSELF = b"."
"""What that file holds where it leads nowhere else."""

_CHECKOUT_READ = ("hooks", "info", "modules", "worktrees")
"""Below the git folder of a checkout: programs, and the folders of others' worktrees."""

_LINKED = frozenset(
    {
        "HEAD", "config", "hooks", "info", "lfs", "modules", "objects", "packed-refs", "refs", "remotes", "rr-cache",
        "shallow", "svn", "worktrees",
    }
)  # fmt: skip
"""Below the git folder of a checkout: what tools link that share a repository. Git does not write through these files."""

_ADMIN_READ = (_COMMON, _OWN_CONFIG, "gitdir", "samobot-prepared", "samobot-setup-done")


def repository_rules(places: FencePlaces) -> Iterator[FenceRule]:
    """The working directory, and of git's folder what a commit there needs."""
    top = top_of(places.work_dir)
    if places.repository is None or top is None:
        work_dir, main_repo = places.work_dir.resolve(), places.main_repo.resolve()
        _require_inside(work_dir, (main_repo, places.worktrees))
        if main_repo != work_dir:
            yield FenceRule(places.main_repo, Reachable.READ, main_repo)
        yield FenceRule(places.work_dir, Reachable.WRITE, work_dir)
        return
    repository, common = map(Path.resolve, places.repository)
    if repository != top:
        yield unfollowed(repository, Reachable.READ)
    yield unfollowed(top, Reachable.WRITE)
    _remove_links(common, top)
    yield from _own_objects(common)
    if top == common.parent:
        # Git replaces files by renaming, which a read-only file in a place of its own withstands.
        yield unfollowed(common, Reachable.WRITE)
        for name in _CHECKOUT_READ:
            (common / name).mkdir(exist_ok=True)
            yield unfollowed(common / name, Reachable.READ)
        # Nothing can be mounted where no file is, and git takes no empty one.
        with contextlib.suppress(FileExistsError), (common / _COMMON).open("xb") as file:
            file.write(_ITSELF)
        for name in (_COMMON, "config"):
            yield unfollowed(common / name, Reachable.READ)
        places.empty_file.touch()
        own = common / _OWN_CONFIG
        yield FenceRule(own, Reachable.READ, own if own.exists() else places.empty_file)
        return
    admin = _admin_folder(common, top)
    if admin is None:
        raise UsageError(
            f"{top} is not a worktree of {places.main_repo}: inside the fence an agent works only in its project. "
            "Correct “Working Dir:” in the session's overview, or set SAMOBOT_FENCE=off."
        )
    yield unfollowed(top / ".git", Reachable.READ)
    # An empty folder of their own keeps git's lock files from failing; what is to last is let in one by one.
    yield FenceRule(common, Reachable.EMPTY)
    for name in _GIT_WRITTEN:
        yield unfollowed(common / name, Reachable.WRITE)
    for name in _GIT_READ:
        yield unfollowed(common / name, Reachable.READ)
    for name in _GIT_SETTINGS:
        yield FenceRule(common / name, Reachable.READ)
    for branch in _branches_of_others(common, admin):
        yield from pinned(branch.parent, common / "refs")
        yield unfollowed(branch, Reachable.READ)
        yield from _log_of_other(branch.relative_to(common), common)
    yield from _log_of_other(Path("HEAD"), common)
    packed = common / "packed-refs"
    places.empty_file.touch()
    yield FenceRule(packed, Reachable.READ, packed if packed.exists() else places.empty_file)
    yield unfollowed(admin, Reachable.WRITE)
    for name in _ADMIN_READ:
        is_missing = name == _OWN_CONFIG and not (admin / name).exists()
        yield FenceRule(admin / name, Reachable.READ, places.empty_file if is_missing else admin / name)


def _own_objects(common: Path) -> Iterator[FenceRule]:
    """The list of further folders with objects: with it git outside would show what the agent cannot read itself."""
    info = common / "objects" / "info"
    info.mkdir(parents=True, exist_ok=True)
    alternates = info / "alternates"
    # Nothing can be mounted where no file is; git takes an empty one for none.
    with contextlib.suppress(FileExistsError):
        alternates.open("xb").close()
    if not is_regular(alternates):
        raise UsageError(f"{alternates} is not a regular file: remove it, or set SAMOBOT_FENCE=off.")
    yield from pinned(info, common)
    yield unfollowed(alternates, Reachable.READ)


def restore_repository(places: FencePlaces) -> None:
    """Remove links that an agent left, and what stands in a checkout only while it works there; safe to repeat."""
    top = top_of(places.work_dir)
    if places.repository is None or top is None:
        return
    common = places.repository[1].resolve()
    with contextlib.suppress(OSError, StorageError):
        if read_bytes(common / _COMMON, limit=_LINE) == _ITSELF:
            (common / _COMMON).unlink()
    with contextlib.suppress(OSError):
        _remove_links(common, top)


def _remove_links(common: Path, top: Path) -> None:
    """Remove links in git's folder that git outside would write through: the message of a commit, its log, the index."""
    refs = os.path.join(common, "refs", "")
    admin = common if top == common.parent else _admin_folder(common, top)
    folders = [os.path.join(common, "logs"), refs[:-1], *([] if admin is None else [os.fspath(admin)])]
    while folders:
        folder = folders.pop()
        with contextlib.suppress(OSError), _opened(folder) as opened, os.scandir(opened) as entries:
            for entry in entries:
                path = os.path.join(folder, entry.name)
                if not entry.is_symlink():
                    if folder != os.fspath(common) and entry.is_dir():
                        folders.append(path)
                elif folder == os.fspath(common) and entry.name in _LINKED:
                    continue
                # A symbolic reference may be a link, to another one.
                elif not (path.startswith(refs) and os.path.realpath(path).startswith(refs)):
                    os.unlink(entry.name, dir_fd=opened)


@contextlib.contextmanager
def _opened(folder: str) -> Iterator[int]:
    """A folder that no link leads to, also if an agent puts one in its place meanwhile.

    Raises:
        OSError: There is none.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        if os.readlink(f"/proc/self/fd/{descriptor}") != folder:
            raise NotADirectoryError(folder)
        yield descriptor
    finally:
        os.close(descriptor)


def _log_of_other(name: Path, common: Path) -> Iterator[FenceRule]:
    """The log of a reference that is another checkout's: to that, git outside appends."""
    log = common / "logs" / name
    if os.path.realpath(log) == os.path.normpath(log) and log.is_file():
        yield from pinned(log.parent, common / "logs")
        yield unfollowed(log, Reachable.READ)


def _branches_of_others(common: Path, admin: Path) -> Iterator[Path]:
    """The files of the branches that are checked out elsewhere: in the main checkout, and for other sessions."""
    heads = common / "refs" / "heads"
    packed: dict[str, str] | None = None
    for folder in (common, *sorted((common / "worktrees").iterdir())):
        name = "" if folder == admin else _branch(folder / "HEAD")
        path = heads / name
        # Other agents write that file: it must not open any place.
        if heads not in path.parents or os.path.realpath(path) != os.path.normpath(path):
            continue
        if not path.is_file():
            packed = _packed_branches(common) if packed is None else packed
            _unpack(path, packed.get(name), common)
        if path.is_file():
            yield path


def _branch(head: Path) -> str:
    """The branch that is checked out; empty if none is. Agents write the file, and could make it anything."""
    with contextlib.suppress(StorageError):
        reference = os.fsdecode(read_bytes(head, limit=_LINE) or b"").strip()
        if reference.startswith(_ON_BRANCH) and "\0" not in reference:
            return reference.removeprefix(_ON_BRANCH)
    return ""


def _packed_branches(common: Path) -> dict[str, str]:
    """The commits of branches that have no file of their own.

    Raises:
        UsageError: They cannot be read: branches of others would stay open.
    """
    try:
        text = os.fsdecode(read_bytes(common / "packed-refs", limit=_PACKED, lines=None) or b"")
    except StorageError as error:
        raise UsageError(f"The fence cannot be made: {error.message}") from None
    return {name: commit for commit, name in _PACKED_BRANCH.findall(text)}


def _unpack(branch: Path, commit: str | None, common: Path) -> None:
    """Give a packed branch a file of its own, unless somebody is faster; git takes both for the same."""
    if commit is None:
        return
    branch.parent.mkdir(parents=True, exist_ok=True)
    draft = common / f"samobot-{os.getpid()}"  # not below `refs`, where it would be a branch
    draft.unlink(missing_ok=True)
    with draft.open("x") as file:  # never through a link that an agent made
        file.write(f"{commit}\n")
        file.flush()
        os.fsync(file.fileno())
    with contextlib.suppress(FileExistsError):
        os.link(draft, branch)
    draft.unlink()


def pinned(folder: Path, outer: Path) -> Iterator[FenceRule]:
    """A folder and those around it below another, each in a place of its own: they cannot be moved with what is mounted there."""
    for each in (folder, *folder.parents):
        if each == outer or not each.is_relative_to(outer):
            return
        yield unfollowed(each, Reachable.WRITE)


def _admin_folder(common: Path, top: Path) -> Path | None:
    """The folder of a linked worktree in git's: the one that leads back to it. The way there is the agent's to write."""
    folder = common / "worktrees"
    for entry in sorted(folder.iterdir()) if folder.is_dir() else ():
        with contextlib.suppress(OSError, StorageError, ValueError):  # it may hold a NUL
            pointer = os.fsdecode(read_bytes(entry / "gitdir", limit=_LINE) or b"")
            back = Path(entry, pointer.strip())
            if not entry.is_symlink() and back.name == ".git" and back.parent.resolve() == top:
                return entry
    return None


def _require_inside(path: Path, folders: Iterable[Path]) -> None:
    if not any(path.is_relative_to(folder.resolve()) for folder in folders):
        raise UsageError(
            f"{path} is outside the project: inside the fence an agent works only in its project. "
            "Correct “Working Dir:” in the session's overview, or set SAMOBOT_FENCE=off."
        )
