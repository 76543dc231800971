"""Finding repositories that could become projects: in the usual places only, and quickly."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from samobot.config.project import FILE_NAME, load_project
from samobot.errors import StorageError, UsageError
from samobot.frozen import frozen
from samobot.session.files import read_text, write_atomic
from samobot.session.git import Git, GitError
from samobot.session.repository import find_repository
from samobot.text import has_control

MOST = 20
_SECONDS = 2.0
_MOST_ENTRIES = 300
_PLACES = (
    *("", "src", "code", "Code", "projects", "Projects", "work", "dev", "Developer", "git", "repos"),
    *("repositories", "workspace", "Documents", "Desktop", "go/src", "source/repos"),
)


@frozen
class Repository:
    """A folder that could be a project.

    Attributes:
        path: The repository's top.
        configured: Whether it has a `.samocode` file already.
    """

    path: Path
    configured: bool


def find_repositories(cwd: Path, home: Path, seconds: float = _SECONDS) -> list[Repository]:
    """Find repositories: around the current folder first, then one level deep in the usual places of a home.

    Args:
        cwd: The current folder; its own repository comes first, then those beside it.
        home: The home folder.
        seconds: When to end, found all or not: a network drive may be slow.
    """
    deadline = time.monotonic() + seconds
    found: dict[Path, Repository] = {}
    for path in _candidates(cwd, home):
        if len(found) >= MOST or time.monotonic() > deadline:
            break
        if path not in found and is_repository(path):
            found[path] = Repository(path, (path / FILE_NAME).is_file())
    return list(found.values())


def is_repository(path: Path) -> bool:
    """Whether a folder is the top of a repository's main checkout: in a worktree `.git` is a file."""
    return (path / ".git" / "HEAD").is_file()


def _candidates(cwd: Path, home: Path) -> Iterator[Path]:
    top = next((folder for folder in (cwd, *cwd.parents) if is_repository(folder)), None)
    if top is not None:
        yield top
    yield from _folders_in(cwd)
    around = top.parent if top is not None else cwd.parent
    if around != around.parent:  # not all of /
        yield from _folders_in(around)
    for place in _PLACES:
        yield from _folders_in(home / place)


def _folders_in(folder: Path) -> Iterator[Path]:
    try:
        with os.scandir(folder) as entries:
            names = [
                entry.name
                for entry, _ in zip(entries, range(_MOST_ENTRIES), strict=False)
                if not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False)
            ]
    except OSError:
        return
    for name in sorted(names):
        yield folder / name


def as_project(path: Path) -> Path:
    """Make sure that a folder can be a project, and say its absolute path; changes nothing.

    Raises:
        UsageError: It is no folder, no repository, or has a `.samocode` file that cannot be used.
    """
    folder = Path(os.path.abspath(os.path.expanduser(path)))
    if folder.name == FILE_NAME:
        folder = folder.parent
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder.")
    if ":" in str(folder) or has_control(str(folder)):
        raise UsageError(
            f"“{folder}” cannot be listed in SAMOBOT_PROJECTS, which is split at colons: rename it."
        )
    if (folder / FILE_NAME).is_file():
        load_project(folder)
    elif not (folder / ".git").exists():
        raise UsageError(
            f"{folder} is not a git repository. Make it one first: git init, and a first commit."
        )
    return folder


def project_folder(path: Path) -> Path:
    """The folder of a project that is named by its file or its folder."""
    return path.parent if path.name == FILE_NAME else path


def pick(words: str, found: list[Path]) -> list[Path]:
    """The projects that the user chose: numbers and paths separated by commas, all of them or none.

    Args:
        words: The typed line.
        found: The list that they were shown, numbered from 1.

    Raises:
        UsageError: A number or path that cannot be; it is named.
    """
    said = words.strip()
    if said.casefold() in ("none", "n", ""):
        return []
    if os.path.isdir(os.path.expanduser(said)) and not said.isdecimal():  # a comma may be part of its name
        return [as_project(Path(said))]
    chosen: list[Path] = []
    for part in filter(None, (part.strip() for part in said.split(","))):
        numbers = part.split()
        if part.casefold() == "all":
            chosen += found
        elif all(number.isdecimal() for number in numbers):
            chosen += [_numbered(number, found) for number in numbers]
        else:
            chosen.append(Path(part))
    return list(dict.fromkeys(map(as_project, chosen)))


def _numbered(number: str, found: list[Path]) -> Path:
    if not 1 <= int(number) <= len(found):
        raise UsageError(f"There is no number {number} in the list.")
    return found[int(number) - 1]


def project_file(folder: Path) -> str:
    """The text of a new `.samocode`: sessions and worktrees beside the repository, named after it."""
    name = folder.name
    mark = '"' if "'" in name else "'"  # variables are replaced in double quotes only
    return (
        "# Where samobot works. Paths are relative to this file.\n"
        f"MAIN_REPO=.\nWORKTREES={mark}../{name}.worktrees{mark}\nSESSIONS={mark}../{name}.sessions{mark}\n"
    )


def write_project_file(folder: Path) -> bool:
    """Write a folder's `.samocode`, unless it has one, and have git ignore it; return whether it was written.

    Raises:
        StorageError: It cannot be written.
    """
    file = folder / FILE_NAME
    if file.exists():
        return False
    write_atomic(file, project_file(folder), mode=0o644)
    with suppress(GitError, UsageError, StorageError):  # a project works without
        _exclude(folder)
    return True


def _exclude(folder: Path) -> None:
    """List the `.samocode` in `.git/info/exclude`: its paths are this machine's, and no commit should have it."""
    repository = find_repository(folder)
    if repository is None or Git(folder).ok("check-ignore", "--quiet", FILE_NAME):
        return
    path = repository.common / "info" / "exclude"
    text = read_text(path) or ""
    path.parent.mkdir(exist_ok=True)
    write_atomic(path, f"{text}{'' if text.endswith(chr(10)) or not text else chr(10)}/{FILE_NAME}\n")


def has_git_identity(folder: Path, environ: Mapping[str, str]) -> bool:
    """Whether git knows whose commits those in a folder are: a name and an address."""
    if all(environ.get(f"GIT_AUTHOR_{part}") for part in ("NAME", "EMAIL")):
        return True
    git = Git(folder)
    return all(git.attempt("config", f"user.{key}") for key in ("name", "email"))
