"""What a repository would run with the user's rights, and which of it the user has trusted.

Claude Code runs hooks, MCP servers and helpers that a project's own files name, and sends its requests, key and
all, to the address that they name. A cloned repository can hold such files, and an agent can write them. So they
count only if the user has seen and trusted exactly that content; the same goes for `WORKTREE_SETUP`.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from pathlib import Path
from typing import Any

from samobot.config.project import SETUP_KEY, Project
from samobot.config.project_settings import ProjectSettings, parsed
from samobot.errors import StorageError
from samobot.frozen import frozen
from samobot.session.files import append_line, make_folder, open_regular
from samobot.session.journal_events import stamp

_RECORD = "trusted.jsonl"
_MAX_BYTES = 16 * 1024 * 1024


@frozen
class Content:
    """Something of a project that the user has to trust before it counts.

    Attributes:
        title: What it is, for display.
        lines: What it would run or change, for display; long ones are cut.
        files: SHA-256 in hex of each of its files, by name; None if it is too large to be trusted.
        sources: What these files hold, by the same names; None for one that cannot be read.
    """

    title: str
    lines: tuple[str, ...]
    files: Mapping[str, str] | None
    sources: Mapping[str, bytes | None] = field(default_factory=dict, repr=False, compare=False)

    @property
    def sha256(self) -> str:
        """Digest of all its files, in hex; empty if it is too large to be trusted."""
        return (
            ""
            if self.files is None
            else hashlib.sha256(json.dumps(sorted(self.files.items())).encode()).hexdigest()
        )


def project_settings(work_dir: Path) -> Content | None:
    """Read what Claude Code takes from a project's own files; None if there is nothing.

    These are `.claude/` (settings, hooks, agents, skills, commands) of the working directory, the folders above it in
    the repository and the same folders of the main checkout, `.mcp.json` of all folders above it, the skills of the
    folders below it, and the scripts that they name; not what those in turn run.

    Args:
        work_dir: Where the CLI would run.
    """
    collected = ProjectSettings(work_dir)
    collected.add_all()
    if not collected.found:
        return None
    return Content(
        "Claude Code settings of the project",
        tuple(collected.lines()),
        collected.digests(),
        collected.named(),
    )


def setup_command(project: Project) -> Content | None:
    """Return the project's `WORKTREE_SETUP` as something to trust; None if it has none.

    It is the command alone: what it runs is the repository's, as it is in each worktree.
    """
    command = project.worktree_setup
    if command is None:
        return None
    source = command.encode("utf-8", "surrogateescape")
    files = {SETUP_KEY: hashlib.sha256(source).hexdigest()}
    return Content(f"{SETUP_KEY}, run in each new worktree", (command,), files, {SETUP_KEY: source})


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
    return _verdict(state_dir, project, content) is True


def is_left_out(state_dir: Path, project: Project, content: Content) -> bool:
    """Whether the user has decided not to trust exactly this content, and need not be asked again.

    Raises:
        StorageError: The record cannot be read.
    """
    return _verdict(state_dir, project, content) is False


def _verdict(state_dir: Path, project: Project, content: Content) -> bool | None:
    """The user's last decision about this content; None if there is none."""
    verdict = None
    if content.files is not None:
        for record in _records(state_dir, project):
            files = record.get("trusted")
            if isinstance(files, dict) and content.files.items() <= files.items():
                verdict = True
            elif record.get("left_out") == content.sha256:
                verdict = False
    return verdict


def trust(state_dir: Path, project: Project, content: Content, who: str, now: datetime) -> None:
    """Record that the user trusts this content in this project.

    Raises:
        StorageError: The record cannot be written.
        ValueError: The content is too large to be trusted.
    """
    if content.files is None:
        raise ValueError(f"{content.title}: too large to be trusted")
    _append(state_dir, project, now, who=who, trusted=dict(content.files))


def leave_out(state_dir: Path, project: Project, content: Content, who: str, now: datetime) -> None:
    """Record that the user does not trust this content; it ends an earlier trust in exactly the same.

    Raises:
        StorageError: The record cannot be written.
    """
    _append(state_dir, project, now, who=who, left_out=content.sha256)


def is_reported(state_dir: Path, project: Project, content: Content, session: str | None = None) -> bool:
    """Whether the user has heard that this content does not count, in a session or, with None, in any.

    Raises:
        StorageError: The record cannot be read.
    """
    found = (record.get("reported") for record in _records(state_dir, project))
    about = [content.title, content.sha256]
    return any(
        isinstance(each, list) and each[1:] == about and session in (None, each[0]) for each in found if each
    )


def report_once(state_dir: Path, project: Project, content: Content, session: str, now: datetime) -> bool:
    """Whether the user should hear that this content does not count; only the first call returns True.

    Raises:
        StorageError: The record cannot be read or written.
    """
    if is_reported(state_dir, project, content, session):
        return False
    _append(state_dir, project, now, reported=[session, content.title, content.sha256])
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
    records = (parsed(line) for line in lines)
    return [
        record
        for record in records
        if isinstance(record, dict) and record.get("project") == os.fspath(project.file)
    ]
