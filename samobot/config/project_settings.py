"""Finds what Claude Code would take from a project's own files: settings, and the scripts that they name."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from samobot.config.named_files import named_files
from samobot.config.settings_folders import (
    from_main_checkout,
    in_main_checkout,
    nested_skills,
    project_folders,
)
from samobot.errors import StorageError
from samobot.session.files import open_regular
from samobot.session.folder_tree import walk

_SETTINGS = re.compile(r"settings(\.local)?\.json")
_COMMANDS = re.compile(r"(?m)^[\s-]*(?:command|args|program)\s*:\s*(.+)$|!`([^`\n]+)`")
_MAX_FILES = 2000
_MAX_BYTES = 16 * 1024 * 1024
_MAX_LINES = 60
_MAX_WIDTH = 160


@dataclass(slots=True)
class ProjectSettings:
    """The files that a project's own settings consist of, as far as they are found.

    Attributes:
        work_dir: Where the CLI would run.
        found: What each file holds, by its path; None if it cannot be read.
    """

    work_dir: Path
    found: dict[str, bytes | None] = field(default_factory=dict)
    _bytes: int = 0
    _too_large: bool = False
    _main: Path | None = None
    _of_main: set[str] = field(default_factory=set)

    def add_all(self) -> None:
        """Add everything that the CLI would take."""
        for folder in project_folders(self.work_dir):
            if folder != Path.home():  # that one is the user's own
                self.add_tree(folder / ".claude")
        for folder in (self.work_dir, *self.work_dir.parents):
            self.add(folder / ".mcp.json")
        try:
            for folder in nested_skills(self.work_dir):
                self.add_tree(folder)
        except OverflowError:
            self._too_large = True
            self._put(self.work_dir, None)
        own = set(self.found)
        self._main = in_main_checkout(self.work_dir)
        if self._main is not None:
            for path in from_main_checkout(self.work_dir, self._main):
                if path.is_dir():
                    self.add_tree(path)
                else:
                    self.add(path)
            self._of_main = self.found.keys() - own

    def add_tree(self, folder: Path) -> None:
        """Add all files of a folder."""
        if folder.is_symlink():
            self._put(folder, os.fsencode(os.readlink(folder)))
        for parent, folders, files in walk(folder):
            folders.sort()
            if parent == os.path.join(self.work_dir, ".claude", "worktrees"):
                folders.clear()  # whole checkouts, which `claude --worktree` makes
            links = [name for name in folders if os.path.islink(os.path.join(parent, name))]
            for name in sorted([*files, *links]):
                self.add(Path(parent, name))
                if self._too_large:
                    return

    def add(self, path: Path) -> None:
        """Add a file, and the scripts that it names if it holds settings."""
        if str(path) in self.found or not os.path.lexists(path):
            return
        if len(self.found) >= _MAX_FILES:
            self._too_large = True
            return
        if path.is_dir():  # a link to a folder: what is in there is not known
            self._too_large = True
            self._put(path, None)
            return
        try:
            with open_regular(path) as file:
                content: bytes | None = file.read(_MAX_BYTES + 1)
        except (OSError, StorageError):
            content = None
        self._put(path, content)
        if content is None:
            return
        if _SETTINGS.fullmatch(path.name) or path.name == ".mcp.json":
            for text in _strings(parsed(content)):
                self.add_named(text)
        elif (
            path.suffix == ".md"
        ):  # of an agent, a skill or a command: hooks at its head, commands in its text
            for command in _COMMANDS.findall(content.decode("utf-8", "replace")):
                self.add_named("".join(command))

    def add_named(self, command: str) -> None:
        """Add the files of the project that a command names, and plugins at a folder that it names."""
        for base in filter(None, (self.work_dir, self._main)):
            for path in named_files(command, base, list(project_folders(base))[-1]):
                if path.is_file():
                    self.add(path)
                elif (path / ".claude-plugin").is_dir():
                    self.add_tree(path)

    def _put(self, path: Path, content: bytes | None) -> None:
        self._bytes += len(content or b"")
        self._too_large = self._too_large or self._bytes > _MAX_BYTES
        self.found[str(path)] = content

    def named(self) -> dict[str, bytes | None]:
        """What each file holds, by its path from the working directory.

        What is in the main checkout alone, or the same there, has the name that it has for a session that works there:
        trust in it holds in each worktree.
        """
        contents: dict[str, bytes | None] = {}
        for path, content in self.found.items():
            name = os.path.relpath(path, self.work_dir)
            if self._main is not None and path in self._of_main:
                there = os.path.relpath(path, self._main)
                name = there if contents.get(there, content) == content else name
            contents[name] = content
        return contents

    def digests(self) -> dict[str, str] | None:
        """SHA-256 in hex of each file, by its name; None if they are too large."""
        if self._too_large:
            return None
        return {name: hashlib.sha256(content or b"").hexdigest() for name, content in self.named().items()}

    def lines(self) -> Iterator[str]:
        """What the files hold, for display; long ones are cut."""
        for number, line in enumerate(self._all_lines()):
            if number == _MAX_LINES:
                yield "… and more; read the files."
                return
            yield line if len(line) <= _MAX_WIDTH else line[: _MAX_WIDTH - 1] + "…"

    def _all_lines(self) -> Iterator[str]:
        for name, content in self.named().items():
            values = parsed(content) if content is not None and name.endswith(".json") else None
            settings = list(_flat(values)) if isinstance(values, dict) else []
            yield name + (":" if settings else "")
            yield from (f"  {line}" for line in settings)


def parsed(content: bytes) -> Any:
    """Return a JSON value; None if it is none."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _strings(each)


def _flat(value: Any, path: str = "") -> Iterator[str]:
    """Yield each value of a JSON object with its path: `hooks.Stop[0].command = ./x`."""
    if isinstance(value, dict) and value:
        for key, each in value.items():
            yield from _flat(each, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and value:
        for index, each in enumerate(value):
            yield from _flat(each, f"{path}[{index}]")
    else:
        yield f"{path} = {value if isinstance(value, str) else json.dumps(value)}"
