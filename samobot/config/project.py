"""A project: the `.samocode` file with the locations of the repository, its worktrees and its sessions."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from samobot.errors import NotFoundError, StorageError, UsageError
from samobot.frozen import frozen
from samobot.session.files import read_bytes
from samobot.session.git_seal import repository_folders
from samobot.session.search_path import close_folders
from samobot.text import nearest, one_line

FILE_NAME = ".samocode"
KEYS = ("MAIN_REPO", "WORKTREES", "SESSIONS")
SETUP_KEY = "WORKTREE_SETUP"

ReadFunction = Callable[[Path], bytes | None]
"""Returns a file's content, None if it is missing; raises StorageError."""

_EXAMPLE = "MAIN_REPO=.\nWORKTREES=../worktrees\nSESSIONS=../sessions"


@frozen
class Project:
    """One project of this machine.

    Attributes:
        name: How it is addressed: the name of the folder that holds the file.
        file: The `.samocode` file.
        main_repo: Where the work happens when there is no git repository; else what worktrees are made from.
        worktrees: Folder for git worktrees.
        sessions: Folder of the session folders.
        warnings: Sentences about lines that were not understood; they are kept in the file.
        worktree_setup: The shell command that prepares a new worktree; it runs only once the user trusts it.
    """

    name: str
    file: Path
    main_repo: Path
    worktrees: Path
    sessions: Path
    warnings: tuple[str, ...] = ()
    worktree_setup: str | None = None


def load_project(path: Path, read: ReadFunction = read_bytes) -> Project:
    """Read a `.samocode` file, and look for no program in its folders from then on.

    Args:
        path: The file, or the folder that holds it.
        read: Reads it; `ProjectGuard.read` withstands edits by agents.

    Raises:
        UsageError: It is missing, unreadable or lacks a key; the message shows the file to write.
    """
    file = _file_of(path, read).absolute()
    try:
        content = read(file)
        text = "" if content is None else content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(f"{file} cannot be read: it is not text in UTF-8; write it again.") from None
    except StorageError as error:
        raise UsageError(f"{file} cannot be read. {error.message}") from None
    if content is None:
        raise UsageError(f"There is no {file}. Write it like this:\n{_EXAMPLE}")
    values, warnings = _parse(text, file)
    missing = [key for key in KEYS if not values.get(key)]
    if missing:
        unread = f" {one_line(warnings[0], 300)}" if warnings else ""
        raise UsageError(
            f"{file} lacks {' and '.join(missing)}.{unread} A whole file looks like this:\n{_EXAMPLE}"
        )
    folders = {key: _folder(values[key], file) for key in KEYS}
    if not folders["MAIN_REPO"].is_dir():
        raise UsageError(f"MAIN_REPO in {file} is {folders['MAIN_REPO']}, which is not a folder: correct it.")
    close_folders((*repository_folders(folders["MAIN_REPO"]), folders["WORKTREES"], folders["SESSIONS"]))
    return Project(
        name=re.sub(r"[\s:/]+", "-", file.parent.name) or "project",
        file=file,
        main_repo=folders["MAIN_REPO"],
        worktrees=folders["WORKTREES"],
        sessions=folders["SESSIONS"],
        warnings=tuple(warnings),
        worktree_setup=values.get(SETUP_KEY) or None,
    )


def _file_of(path: Path, read: ReadFunction) -> Path:
    if path.name == FILE_NAME:
        return path
    inside = path / FILE_NAME
    if path.is_dir():
        return inside
    try:  # an agent can have put a file in the place of the folder: then its project is kept, and restored
        return inside if read(inside) is not None else path
    except StorageError:
        return path


def find_project_file(start: Path) -> Path | None:
    """Look for `.samocode` from a folder upwards."""
    for folder in (start, *start.parents):
        if (folder / FILE_NAME).is_file():
            return folder / FILE_NAME
    return None


def choose_project(
    config: Path | None, cwd: Path, configured: Iterable[Path], read: ReadFunction = read_bytes
) -> Project:
    """Find the project a command is about: the given file, else one from here upwards, else the only one.

    Args:
        config: What `--config` named.
        cwd: Where the command was called.
        configured: The paths of SAMOBOT_PROJECTS.
        read: Reads the file.

    Raises:
        UsageError: There is none, or it is not clear which.
    """
    if config is not None:
        return load_project(config, read)
    found = find_project_file(cwd)
    if found is not None:
        return load_project(found, read)
    paths = list(configured)
    if len(paths) == 1:
        return load_project(paths[0], read)
    if paths:
        names = ", ".join(str(path) for path in paths)
        raise NotFoundError(
            f"No {FILE_NAME} from {cwd} upwards, and SAMOBOT_PROJECTS names several: say which with --config ({names})."
        )
    raise NotFoundError(
        f"No {FILE_NAME} from {cwd} upwards. Write one into the project's folder, or name it with --config:\n{_EXAMPLE}"
    )


def parse_values(text: str) -> dict[str, str]:
    """Return the values of the known keys of a `.samocode` file's text."""
    return _parse(text, Path(FILE_NAME))[0]


def _parse(text: str, file: Path) -> tuple[dict[str, str], list[str]]:
    values: dict[str, str] = {}
    warnings: list[str] = []
    for number, line in _lines(text):
        if not line or line.startswith("#"):
            continue
        found = _SETTING.match(line)
        key = found["key"].upper() if found is not None else ""
        if found is None or key not in _KNOWN:
            shown = line.partition("=")[0].strip()[:60]
            near = nearest(shown.lower(), map(str.lower, _KNOWN))
            hint = f"; did you mean {near.upper()}?" if near else "; it is ignored."
            warnings.append(f"{file}, line {number}: “{shown}” is not a key of {FILE_NAME}{hint}")
            continue
        if key in values:
            warnings.append(
                f"{file}, line {number}: {key} is set once more; this line is the one that counts."
            )
        value = found["value"].strip(_BLANK)
        values[key] = _path_text(value) if key in KEYS else _unquote(value)
        if key in KEYS and (left := _NOT_EXPANDED.search(values[key])) is not None and value[:1] not in "'‘":
            warnings.append(
                f"{file}, line {number}: “{left[0]}” in {key} is not expanded: write the folder's path instead."
            )
    return values, warnings


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """The lines with their numbers, those that end in a backslash with what continues them, as in a shell."""
    lines = re.split(r"\r\n|\n|\r", text)
    number = 0
    while number < len(lines):
        first, parts = number, [lines[number].strip(_BLANK)]
        while parts[-1].endswith("\\") and not parts[0].startswith("#") and number + 1 < len(lines):
            number += 1
            parts[-1] = parts[-1][:-1].rstrip(_BLANK)
            parts.append(lines[number].strip(_BLANK))
        number += 1
        yield first + 1, " ".join(parts)


def _path_text(value: str) -> str:
    """Return a path as a shell reads it: without quotation marks and comment, variables replaced but in single quotes."""
    if (found := _QUOTED.fullmatch(value)) is not None:
        inner = _inner(found)
        return inner if value[0] in "'‘" else _VARIABLE.sub(_variable, inner)
    if (found := _QUOTED_START.fullmatch(value)) is not None:
        rest = _path_text(found["rest"])
        return (found["value"] if value[0] == "'" else _VARIABLE.sub(_variable, found["value"])) + rest
    if value[:1] in ("'", '"'):
        return _VARIABLE.sub(_variable, value)
    plain = re.split(r"(?:^|\s)#", value, maxsplit=1)[0].rstrip(" \t;,").replace("\\ ", " ")
    return _VARIABLE.sub(_variable, plain)


def _unquote(value: str) -> str:
    """Return a command without quotation marks around all of it; those of its own words stay."""
    found = _QUOTED.fullmatch(value)
    return ("" if value.startswith("#") else value) if found is None else _inner(found)


def _inner(quoted: re.Match[str]) -> str:
    return quoted["value"] or quoted["double"] or quoted["single"] or ""


_BLANK = " \t\u00a0\u200b\u2060\ufeff"
_KNOWN = (*KEYS, SETUP_KEY)
_SETTING = re.compile(
    r"(?:(?:export|set)\s+|-\s+)?[\"'`]?(?P<key>[A-Za-z_]{1,40})[\"'`]?\s*[=:](?P<value>.*)", re.DOTALL
)
_QUOTED = re.compile(
    r"(?:(?P<quote>[\"'])(?P<value>(?:(?!(?P=quote)).)*)(?P=quote)|“(?P<double>[^”]+)”|‘(?P<single>[^’]+)’)\s*[;,]?\s*(?:#.*)?",
    re.DOTALL,
)
_QUOTED_START = re.compile(r"([\"'])(?P<value>(?:(?!\1).)*)\1(?P<rest>/.*)", re.DOTALL)
_NOT_EXPANDED = re.compile(r"\$(?:\w+|\{[^}]*\}?|\([^)]*\)?)|`[^`]*`|%\w+%")
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_VARIABLES = ("HOME", "USER", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME")
"""Only these are expanded: a repository could put a secret of the environment into a path otherwise."""


def _variable(found: re.Match[str]) -> str:
    name = found[1] or found[2]
    if name == "HOME":
        return os.path.expanduser("~")
    return os.environ.get(name, found[0]) if name in _VARIABLES else found[0]


def _folder(value: str, file: Path) -> Path:
    try:
        expanded = Path(value).expanduser()
    except RuntimeError:
        expanded = None
    if expanded is None or "\0" in value:
        raise UsageError(f"“{value}” in {file} is not a path that can be found: correct it.")
    # normpath, not resolve: the user's symlinks stay as they named them.
    return Path(os.path.normpath(file.parent / expanded))
