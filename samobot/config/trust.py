"""What a repository would run with the user's rights, and which of it the user has trusted.

Claude Code runs hooks, MCP servers and helpers that a project's own files name, and sends its requests, key and
all, to the address that they name. A cloned repository can hold such files, and an agent can write them. So they
count only if the user has seen and trusted exactly that content; the same goes for `WORKTREE_SETUP`.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from samobot.config.named_files import named_files
from samobot.config.project import SETUP_KEY, Project
from samobot.errors import StorageError
from samobot.session.files import append_line, make_folder, open_regular
from samobot.session.journal_events import stamp

_RECORD = "trusted.jsonl"
_SETTINGS = re.compile(r"settings(\.local)?\.json")
_COMMANDS = re.compile(r"(?m)^[\s-]*(?:command|args|program)\s*:\s*(.+)$|!`([^`\n]+)`")
_MAX_FILES = 2000
_MAX_BYTES = 16 * 1024 * 1024
_MAX_LINES = 60
_MAX_WIDTH = 160


@dataclass(frozen=True, slots=True)
class Content:
    """Something of a project that the user has to trust before it counts.

    Attributes:
        title: What it is, for display.
        lines: What it would run or change, for display.
        files: SHA-256 in hex of each of its files, by name; None if it is too large to be trusted.
    """

    title: str
    lines: tuple[str, ...]
    files: Mapping[str, str] | None


def project_settings(work_dir: Path) -> Content | None:
    """Read what Claude Code takes from a project's own files; None if there is nothing.

    These are `.claude/` (settings, hooks, agents, skills, commands) of the working directory and the folders above
    it in the repository, `.mcp.json` of all folders above it, and the scripts that they name; not what those in turn run.

    Args:
        work_dir: Where the CLI would run.
    """
    collected = _Collected(work_dir)
    for folder in project_folders(work_dir):
        if folder != Path.home():  # that one is the user's own
            collected.add_tree(folder / ".claude")
    for folder in (work_dir, *work_dir.parents):
        collected.add(folder / ".mcp.json")
    if not collected.found:
        return None
    return Content("Claude Code settings of the project", tuple(collected.lines()), collected.digests())


def setup_command(project: Project) -> Content | None:
    """Return the project's `WORKTREE_SETUP` as something to trust; None if it has none.

    It is the command alone: what it runs is the repository's, as it is in each worktree.
    """
    command = project.worktree_setup
    if command is None:
        return None
    digest = hashlib.sha256(command.encode("utf-8", "surrogateescape")).hexdigest()
    return Content(f"{SETUP_KEY}, run in each new worktree", (command,), {SETUP_KEY: digest})


def untrusted(state_dir: Path, project: Project, work_dir: Path) -> list[Content]:
    """Return what the user has not trusted of a project as it is now.

    Raises:
        StorageError: The record of what is trusted cannot be read.
    """
    found = (project_settings(work_dir), setup_command(project))
    return [
        content for content in found if content is not None and not is_trusted(state_dir, project, content)
    ]


def is_trusted(state_dir: Path, project: Project, content: Content) -> bool:
    """Whether the user has trusted all files of this content, as they are, at once.

    Files that were trusted with them may be missing: a worktree lacks what git ignores.

    Raises:
        StorageError: The record cannot be read.
    """
    if content.files is None:
        return False
    trusted = (record.get("trusted") for record in _records(state_dir, project))
    return any(isinstance(files, dict) and content.files.items() <= files.items() for files in trusted)


def trust(state_dir: Path, project: Project, content: Content, who: str, now: datetime) -> None:
    """Record that the user trusts this content in this project.

    Raises:
        StorageError: The record cannot be written.
        ValueError: The content is too large to be trusted.
    """
    if content.files is None:
        raise ValueError(f"{content.title}: too large to be trusted")
    _append(state_dir, project, now, who=who, trusted=dict(content.files))


def report_once(state_dir: Path, project: Project, content: Content, session: str, now: datetime) -> bool:
    """Whether the user should hear that this content does not count; only the first call returns True.

    Raises:
        StorageError: The record cannot be read or written.
    """
    files = None if content.files is None else dict(content.files)
    reported = [session, content.title, files]
    if any(record.get("reported") == reported for record in _records(state_dir, project)):
        return False
    _append(state_dir, project, now, reported=reported)
    return True


def _append(state_dir: Path, project: Project, now: datetime, **fields: object) -> None:
    make_folder(state_dir, 0o700)
    record = {"at": stamp(now), "project": os.fspath(project.file), **fields}
    append_line(state_dir / _RECORD, json.dumps(record), mode=0o600)


def _records(state_dir: Path, project: Project) -> list[dict[str, Any]]:
    try:
        with open_regular(state_dir / _RECORD) as file:
            lines = file.read(_MAX_BYTES).splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StorageError(f"{state_dir / _RECORD} cannot be read: {error.strerror}.") from error
    records = (_parsed(line) for line in lines)
    return [
        record
        for record in records
        if isinstance(record, dict) and record.get("project") == os.fspath(project.file)
    ]


def project_folders(work_dir: Path) -> Iterator[Path]:
    """The working directory and those above it, up to the top of the repository."""
    above = [work_dir, *work_dir.parents]
    top = next((index for index, folder in enumerate(above) if os.path.lexists(folder / ".git")), 0)
    yield from above[: top + 1]


@dataclass(slots=True)
class _Collected:
    work_dir: Path
    found: dict[str, bytes | None] = field(default_factory=dict)
    _bytes: int = 0
    _too_large: bool = False

    def add_tree(self, folder: Path) -> None:
        if folder.is_symlink():
            self._put(folder, os.fsencode(os.readlink(folder)))
        for parent, folders, files in os.walk(folder):
            folders.sort()
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
            for text in _strings(_parsed(content)):
                self.add_named(text)
        elif (
            path.suffix == ".md"
        ):  # of an agent, a skill or a command: hooks at its head, commands in its text
            for command in _COMMANDS.findall(content.decode("utf-8", "replace")):
                self.add_named("".join(command))

    def add_named(self, command: str) -> None:
        """Add the files of the project that a command names, and plugins at a folder that it names."""
        for path in named_files(command, self.work_dir, list(project_folders(self.work_dir))[-1]):
            if path.is_file():
                self.add(path)
            elif (path / ".claude-plugin").is_dir():
                self.add_tree(path)

    def _put(self, path: Path, content: bytes | None) -> None:
        self._bytes += len(content or b"")
        self._too_large = self._too_large or self._bytes > _MAX_BYTES
        self.found[str(path)] = content

    def digests(self) -> dict[str, str] | None:
        if self._too_large:
            return None
        return {
            os.path.relpath(path, self.work_dir): hashlib.sha256(content or b"").hexdigest()
            for path, content in self.found.items()
        }

    def lines(self) -> Iterator[str]:
        for number, line in enumerate(self._all_lines()):
            if number == _MAX_LINES:
                yield "… and more; read the files."
                return
            yield line if len(line) <= _MAX_WIDTH else line[: _MAX_WIDTH - 1] + "…"

    def _all_lines(self) -> Iterator[str]:
        for path, content in self.found.items():
            name = os.path.relpath(path, self.work_dir)
            values = _parsed(content) if content is not None and path.endswith(".json") else None
            settings = list(_flat(values)) if isinstance(values, dict) else []
            yield name + (":" if settings else "")
            yield from (f"  {line}" for line in settings)


def _parsed(content: bytes) -> Any:
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
