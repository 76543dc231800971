"""The PATH on which samobot looks for the programs that it runs itself: nothing that an agent can put there.

An active virtual environment is an entry of the PATH, or `node_modules/.bin`: what stands there for `git` or `gh` is
the repository's. Agents keep the whole PATH, as their builds need it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

_SYSTEM = frozenset(["/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin"])
"""Always open: a `.samocode` of a stranger that names /usr must not take git from the other projects."""

_closed: set[str] = set()


def close_folders(folders: Iterable[Path]) -> None:
    """Look for no program in these folders from now on, in this process.

    A folder that the home lies in is left out: the user's own programs are in there.

    Args:
        folders: Where others write.
    """
    home = os.path.realpath(os.path.expanduser("~"))
    _closed.update(form for each in folders for form in _forms(each) if not _lies_in(home, _prefixes([form])))


def own_environment(environ: Mapping[str, str], *folders: Path) -> dict[str, str]:
    """Return an environment with the PATH on which samobot's own programs are found.

    Args:
        environ: The environment.
        folders: Where others write, besides the folders that were closed.
    """
    closed = _prefixes({*_closed}.union(*map(_forms, folders)))
    entries = environ.get("PATH", os.defpath).split(os.pathsep)
    path = os.pathsep.join([each for each in entries if _is_open(each, closed)])
    return {**environ, "PATH": path or os.defpath}  # an empty one is the working directory


def find_program(name: str, environ: Mapping[str, str]) -> str | None:
    """Return the absolute path of a program that samobot runs itself; None if there is none outside closed folders.

    Args:
        name: Its name, or a path that the user has named.
        environ: The environment.
    """
    found = shutil.which(os.path.expanduser(name), path=own_environment(environ)["PATH"])
    return None if found is None else os.path.abspath(found)


def _is_open(entry: str, closed: tuple[str, ...]) -> bool:
    """Whether an entry of the PATH is absolute, and lies in no closed folder."""
    if entry in _SYSTEM:
        return True
    forms = (os.path.normpath(entry), os.path.realpath(entry))
    return os.path.isabs(entry) and not any(_lies_in(form, closed) for form in forms)


def _prefixes(folders: Iterable[str]) -> tuple[str, ...]:
    # As texts: each call of git asks for each entry of the PATH.
    return tuple(each if each.endswith("/") else f"{each}/" for each in folders)


def _lies_in(path: str, prefixes: tuple[str, ...]) -> bool:
    """Whether a normalized path is one of these folders, or in one."""
    return f"{path}/".startswith(prefixes)


def _forms(path: str | Path) -> frozenset[str]:
    """A path as it is written, and where it leads: a link in there can be changed as well."""
    return frozenset([os.path.normpath(path), os.path.realpath(path)])
