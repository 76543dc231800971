"""What samobot records of a session outside it: a folder in the state folder, which no agent is shown.

An agent writes in its session's folder, so nothing in there can grant money, pass a gate or decide for the user. The
session's own journal is a copy for reading; the vault's is what counts. A session without a vault was made by hand
or moved here, or the state folder was lost.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

from samobot.errors import StorageError, storage_error
from samobot.session.file_lock import FileLock, locked
from samobot.session.files import make_folder, make_logs_folder

_REMEDY = "Nothing starts without it: make it writable, or set SAMOBOT_STATE_DIR to a folder of your own."
_LOCK_SECONDS = 10.0
_JOURNAL = "journal.jsonl"
_DECISIONS = "decisions.jsonl"
_LOCK = ".lock"
_EDIT_LOCK = "edit.lock"
_RUN_LOCK = "run.lock"
LOCKS = (_LOCK, _EDIT_LOCK, _RUN_LOCK)
"""Names of the locks in a vault."""

_chosen: list[Path] = []


def use_state_dir(path: Path | None) -> None:
    """Set the state folder of this process, from its configuration; None is the environment's."""
    _chosen[:] = [] if path is None else [path]


def state_dir() -> Path:
    """The state folder in use."""
    if _chosen:
        return _chosen[0]
    named = os.environ.get("SAMOBOT_STATE_DIR")
    return Path(named).expanduser() if named else default_state_dir(os.environ)


def default_state_dir(environ: Mapping[str, str]) -> Path:
    """The state folder if SAMOBOT_STATE_DIR is not set, as the XDG base directories have it."""
    home = Path(environ.get("XDG_STATE_HOME") or "~/.local/state")
    with contextlib.suppress(RuntimeError):  # the home of a user who does not exist
        home = home.expanduser()
    return home / "samobot"


@dataclass(frozen=True)
class Vault:
    """The files about one session in the state folder. Only paths: nothing is read or made.

    Attributes:
        path: Its folder, mode 0700.
    """

    path: Path

    @cached_property
    def journal(self) -> Path:
        """The journal that costs, budgets and moves between phases are read from."""
        return self.path / _JOURNAL

    @cached_property
    def decisions(self) -> Path:
        """Every decision that samobot itself has recorded."""
        return self.path / _DECISIONS

    @cached_property
    def run_lock(self) -> Path:
        """Held by the living worker, besides the lock in the session's folder, which an agent can take away."""
        return self.path / _RUN_LOCK

    @cached_property
    def control(self) -> Path:
        """Requests to the living worker."""
        return self.path / "control.json"

    @cached_property
    def streams(self) -> Path:
        """Folder of what the CLI writes to its stdout while an iteration runs."""
        return self.path / "streams"

    @cached_property
    def baseline(self) -> Path:
        """Questions and decisions before an iteration; as long as it exists, edits by hand do not count."""
        return self.path / "baseline.json"

    @cached_property
    def adopted(self) -> Path:
        """Exists once a session that was worked on without records here gets some, until its files were checked."""
        return self.path / "adopted"

    @cached_property
    def guidance(self) -> Path:
        """What `_guidance.md` has to hold, as long as there is a baseline."""
        return self.path / "guidance.md"

    @cached_property
    def turn(self) -> Path:
        """What the running iteration was sent of the guidance, see `samobot.session.turn`."""
        return self.path / "turn.json"

    @cached_property
    def asks(self) -> Path:
        """Calls that the agent may make only after the user has allowed them, see `samobot.session.asks`."""
        return self.path / "asks.json"

    @cached_property
    def tracked(self) -> Path:
        """The tracked files before an iteration that only observes, see `samobot.session.tracked_files`."""
        return self.path / "tracked.json"

    @cached_property
    def overview(self) -> Path:
        """What `_overview.md` would be without the agent, as long as there is a baseline."""
        return self.path / "overview.md"

    @cached_property
    def state_files(self) -> tuple[str, ...]:
        """What changes with any change in here, as strings: for callers that stat them at every poll."""
        path = str(self.path)
        return (path, f"{path}/{_JOURNAL}", f"{path}/{_DECISIONS}")

    def prepare(self) -> None:
        """Make the folder. Safe to repeat.

        Raises:
            StorageError: It cannot be made.
        """
        if not self.path.is_dir():
            make_folder(self.path.parent, 0o700, remedy=_REMEDY)
            make_folder(self.path, 0o700, remedy=_REMEDY)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock under which samobot's processes change what is in here; makes the folder.

        Raises:
            StorageError: It was not free in time, or the file system refused.
        """
        self.prepare()
        with locked(self.path / _LOCK, wait=_LOCK_SECONDS):
            yield

    def clear(self) -> None:
        """Forget the session: a new one begins in its folder. The locks stay, as whoever waits has opened them.

        Raises:
            StorageError: The disk refused.
        """
        try:
            for path in self.path.iterdir():
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                elif path.name not in LOCKS:
                    path.unlink()
        except OSError as error:
            raise storage_error("remove", self.path, error) from error

    def move(self, target: Vault) -> None:
        """Follow a session to its new place, if the disk permits: without its vault it is only less trusted."""
        with contextlib.suppress(OSError):
            if target.path.exists():
                shutil.rmtree(target.path)
            self.path.rename(target.path)


def vault_of(session: Path) -> Vault:
    """The vault of the session in a folder, which need not exist."""
    return _vault(session, _chosen[0] if _chosen else state_dir())


@lru_cache(maxsize=32)  # a worker that sleeps checks its requests each second
def _vault(session: Path, state: Path) -> Vault:
    return Vault(Path(state, "sessions", folder_key(session)))


def folder_key(folder: Path) -> str:
    """Return what a folder is called in the state folder: readable, and different for each."""
    # Resolved above the folder only: what an agent puts in its place changes nothing.
    where = os.path.join(_real_path(os.fspath(folder.parent)), folder.name)
    mark = hashlib.sha256(os.fsencode(where)).hexdigest()[:16]
    name = folder.name.encode("ascii", "replace").decode().replace("?", "_")[:64]
    return f"{name}-{mark}"


_real_path = lru_cache(maxsize=16)(os.path.realpath)
"""Remembered: thousands of sessions lie in one folder, and a call of the system for each of its parents adds up."""


@contextlib.contextmanager
def edit_lock(folder: Path, *, wait: float = 10.0) -> Iterator[None]:
    """Hold the lock under which samobot reads, changes and writes back the files of a session.

    It excludes the worker, the bot, the command line and threads of one process from each other. It is in the vault: an
    agent cannot hold it or take it away.

    Args:
        folder: The session's folder.
        wait: Seconds to wait for the holder.

    Raises:
        StorageError: It was not free in time, or the file system refused.
    """
    make_logs_folder(folder / "_logs")
    vault = vault_of(folder)
    vault.prepare()
    with FileLock(vault.path / _EDIT_LOCK) as lock:
        if not lock.acquire(wait=wait):
            raise StorageError(
                f"Another samobot process has been editing {folder} for {wait:g} s; "
                "try again, or end the process that hangs."
            )
        yield
