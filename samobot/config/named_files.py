"""Which files of a project a shell command names: what it would run, as far as its text shows."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

_RUN_BY = {
    **dict.fromkeys(("npm", "npx", "pnpm", "yarn", "bun"), ("package.json",)),
    "make": ("GNUmakefile", "makefile", "Makefile"),
    "just": ("justfile", "Justfile", ".justfile"),
    **dict.fromkeys(("uv", "poetry", "hatch", "pdm"), ("pyproject.toml",)),
    "deno": ("deno.json", "deno.jsonc"),
    "task": ("Taskfile.yml", "Taskfile.yaml"),
    "docker": ("compose.yml", "compose.yaml", "docker-compose.yml", "docker-compose.yaml"),
}
"""Files by which programs that run other programs find them."""

_MAX_FOLDERS = 8


def named_files(command: str, work_dir: Path, top: Path) -> Iterator[Path]:
    """Yield the files and folders of a project that a shell command names, or that what it starts reads.

    Args:
        command: The command.
        work_dir: Where it runs.
        top: The project's topmost folder; nothing outside is named.
    """
    parts = list(_parts(command))
    folders = [work_dir]
    for part in parts:
        name = re.sub(r"^\$\{?CLAUDE_PROJECT_DIR(:-[^}]*)?\}?/?", "", part)
        if not name or "\0" in name or len(name) >= 4096:
            continue
        for folder in tuple(folders):
            path = Path(os.path.normpath(folder / name))
            if path.is_relative_to(top) and path != work_dir and os.path.lexists(path):
                yield path
                if path.is_dir() and len(folders) < _MAX_FOLDERS:
                    folders.append(path)  # of `cd scripts && ./start.sh`
        module = work_dir / name.replace(".", "/")
        for path in (module.with_name(f"{module.name}.py"), module / "__main__.py"):
            if re.fullmatch(r"[\w.]+", name) and path.is_file():
                yield path  # of `python -m scripts.start`
    for runner in {os.path.basename(part) for part in parts} & _RUN_BY.keys():
        for name in _RUN_BY[runner]:
            if (work_dir / name).is_file():
                yield work_dir / name


def _parts(command: str) -> Iterator[str]:
    """The parts of a command that may be names of files, also those of a command inside it."""
    try:
        words = shlex.split(command)
    except ValueError:
        words = []
    for text in (*words, command):
        for part in re.split(r"[\s;|&()<>`'\"=]+", text):
            yield part.strip("\\,")
    yield from (word for word in words if " " in word)
