"""The PATH on which samobot looks for its own programs: nothing that an agent can put into a repository."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path


def path_outside(path: str, folders: Iterable[Path]) -> str:
    """Return a PATH without relative entries, and without those that lie in any of the folders.

    An active virtual environment is such an entry, or `node_modules/.bin`: what stands there for `git` is the
    repository's.

    Args:
        path: The PATH.
        folders: Where others write.
    """
    closed = [form for folder in folders for form in _forms(folder)]
    return os.pathsep.join(
        each
        for each in path.split(os.pathsep)
        if os.path.isabs(each)
        and not any(form.is_relative_to(folder) for form in _forms(each) for folder in closed)
    )


def _forms(path: str | Path) -> tuple[Path, Path]:
    """A path as it is written, and where it leads: a link in there can be changed as well."""
    return Path(os.path.normpath(path)), Path(os.path.realpath(path))
