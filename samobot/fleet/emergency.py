"""Carrying out the emergency stop: every worker and agent of this user is found and ended, in any project."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Container, Iterable, Iterator
from pathlib import Path

import psutil

from samobot.claude.reaper import SESSION_VARIABLE
from samobot.config.environment import find_whereabouts
from samobot.config.project import Project
from samobot.errors import SamobotError
from samobot.fleet.desired_runs import desired_sessions
from samobot.fleet.models import SessionRef
from samobot.frozen import frozen
from samobot.session.folder import SessionFolder, list_folders
from samobot.session.lock import holder
from samobot.session.snapshot import snapshot
from samobot.session.status import SessionState
from samobot.system.processes import end_processes, environment_of, is_alive, other_processes
from samobot.worker.halt import halt
from samobot.worker.worker_process import is_worker

_ROUNDS = 5
_EARLY_SECONDS = 15.0
"""Seconds for a worker without a session; one that has just taken it ends its agent first."""

_LOCK_TAIL = ("_logs", "run.lock")


@frozen
class StoppedSession:
    """One session that was stopped, or that could not be.

    Attributes:
        folder: The session.
        words: What was checked, or why it could not be stopped; for the user.
        clean: Whether no process of it is left.
    """

    folder: SessionFolder
    words: str
    clean: bool


def stop_everything(state_dir: Path, projects: Iterable[Project]) -> Iterator[StoppedSession]:
    """Stop every session that anything runs for, and yield each as it is done.

    Call it after the flag was raised: it repeats until nothing is found, and nothing new starts. A worker that has not
    taken its session yet is ended too. What runs under another state folder, which has a flag of its own, is left
    alone. What cannot be read or stopped does not keep the rest from being stopped.

    Args:
        state_dir: The state folder whose emergency stop it is.
        projects: The known projects; sessions of others are found by their processes.
    """
    known = list(projects)
    desired = desired_sessions(state_dir)
    refused: set[Path] = set()
    for _ in range(_ROUNDS):
        ours = [process for process in _own_processes() if _belongs(process, state_dir, known)]
        early = _end_early_workers(ours)
        active = [folder for folder in _active(known, ours) if folder.path.resolve() not in refused]
        for folder in active:
            try:
                halted = halt(folder)
            except SamobotError as error:
                refused.add(folder.path.resolve())
                yield StoppedSession(folder, error.message, clean=False)
            else:
                yield StoppedSession(folder, halted.summary, clean=halted.clean)
        if not active and not early:
            break
    for folder in _queued(known, desired):
        with contextlib.suppress(SamobotError):  # the bot starts none before the emergency stop is released
            halt(folder, desired=True)


def _active(projects: Iterable[Project], processes: Iterable[psutil.Process]) -> list[SessionFolder]:
    """Sessions with a worker, or with processes that an iteration started."""
    found: dict[Path, SessionFolder] = {}
    for project in projects:
        with contextlib.suppress(SamobotError):  # what runs there is found by its processes
            found |= {
                folder.path.resolve(): folder
                for folder in list_folders(project.sessions)
                if holder(folder) is not None
            }
    for process in processes:
        for path in (_marked_with(process), _locked_by(process)):
            if path is not None and path.is_dir():
                found.setdefault(path.resolve(), SessionFolder(path))
    return list(found.values())


def _queued(projects: Iterable[Project], desired: Container[str]) -> Iterator[SessionFolder]:
    """Sessions that the bot would start when there is room."""
    for project in projects:
        with contextlib.suppress(SamobotError):
            for folder in list_folders(project.sessions):
                ref = SessionRef(project=project.name, folder=folder.path.name, name=folder.name)
                if ref.key in desired and snapshot(folder, "").status.state is SessionState.IDLE:
                    yield folder


def _end_early_workers(processes: Iterable[psutil.Process]) -> int:
    """End workers that are still starting: they may have read the flag before it was raised."""
    early = [process for process in processes if is_worker(process) and _locked_by(process) is None]
    end_processes(
        lambda: [process for process in early if is_alive(process)],
        grace=_EARLY_SECONDS,
        seconds=2 * _EARLY_SECONDS,
    )
    return len(early)


def _own_processes() -> Iterator[psutil.Process]:
    """This user's processes, without this one and its ancestors."""
    for process in other_processes():
        with contextlib.suppress(psutil.Error):
            if process.uids().real == os.getuid():
                yield process


def _belongs(process: psutil.Process, state_dir: Path, projects: Iterable[Project]) -> bool:
    """Whether a process is one of a worker's or agent's of this state folder, by its own environment."""
    marked = _marked_with(process)
    if marked is None and not is_worker(process):
        return False
    if marked is not None and any(marked.is_relative_to(project.sessions) for project in projects):
        return True
    environ = environment_of(process)
    if not environ:
        return False
    # The default is below the home folder: with another home it is another samobot.
    theirs = find_whereabouts(environ).state_dir
    return environ.get("HOME") == os.environ.get("HOME") and theirs.resolve() == state_dir.resolve()


def _locked_by(process: psutil.Process) -> Path | None:
    """The session whose run lock a worker has open."""
    if not is_worker(process):
        return None
    try:
        files = [Path(file.path) for file in process.open_files()]
    except psutil.Error:
        return None
    return next((file.parent.parent for file in files if file.parts[-2:] == _LOCK_TAIL), None)


def _marked_with(process: psutil.Process) -> Path | None:
    """The session of an iteration's process, by its environment."""
    mark = environment_of(process).get(SESSION_VARIABLE)
    return Path(mark) if mark else None
