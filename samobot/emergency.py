"""The emergency stop carried out: every worker and agent of this user is found and ended, whatever project it is of."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from samobot.claude.reaper import SESSION_VARIABLE
from samobot.halt import Halted, halt
from samobot.project import Project
from samobot.session.folder import SessionFolder, list_folders
from samobot.session.lock import holder

_ROUNDS = 5
_LOCK_TAIL = ("_logs", "run.lock")


@dataclass(frozen=True, slots=True)
class Ended:
    """One session that was stopped."""

    folder: SessionFolder
    halted: Halted


def stop_everything(projects: Iterable[Project]) -> Iterator[Ended]:
    """Stop every session that anything runs for, and yield each as it is done.

    Call it after the emergency stop was pulled: it looks until a look finds nothing, and then nothing new starts.
    A worker that has not taken its session yet is ended too.

    Args:
        projects: The known projects; sessions of others are found by their processes.

    Raises:
        StorageError: A session's files cannot be read.
    """
    known = list(projects)
    for _ in range(_ROUNDS):
        early = _end_early_workers()
        active = _active(known)
        for folder in active:
            yield Ended(folder, halt(folder))
        if not active and not early:
            return


def _active(projects: Iterable[Project]) -> list[SessionFolder]:
    """Sessions with a worker, or with processes that an iteration started."""
    found = {
        folder.path.resolve(): folder
        for project in projects
        for folder in list_folders(project.sessions)
        if holder(folder) is not None
    }
    for process in _own_processes():
        for path in (_marked_with(process), _locked_by(process)):
            if path is not None and path.is_dir():
                found.setdefault(path.resolve(), SessionFolder(path))
    return list(found.values())


def _end_early_workers() -> int:
    """End workers that are only starting: they may have looked for the emergency stop before it was pulled."""
    early = [process for process in _own_processes() if _is_worker(process) and _locked_by(process) is None]
    for process in early:
        try:
            process.terminate()
        except psutil.Error:
            continue
    _, stubborn = psutil.wait_procs(early, timeout=5)
    for process in stubborn:
        try:
            process.kill()
        except psutil.Error:
            continue
    return len(early)


def _own_processes() -> Iterator[psutil.Process]:
    """This user's processes but ourselves and what we were started from."""
    own = psutil.Process()
    spared = {own.pid, *(parent.pid for parent in own.parents())}
    for process in psutil.process_iter():
        try:
            if process.pid not in spared and process.uids().real == os.getuid():
                yield process
        except psutil.Error:
            continue


def _is_worker(process: psutil.Process) -> bool:
    """Whether it is `samobot run`: as a module of Python, or the installed script."""
    try:
        words = process.cmdline()
    except psutil.Error:
        return False
    for position, word in enumerate(words[:-1]):
        if words[position + 1] == "run" and (word == "samobot" or word.endswith("/samobot")):
            return "python" in Path(words[0]).name or position == 0
    return False


def _locked_by(process: psutil.Process) -> Path | None:
    """The session whose run lock a worker has open."""
    if not _is_worker(process):
        return None
    try:
        files = [Path(file.path) for file in process.open_files()]
    except psutil.Error:
        return None
    return next((file.parent.parent for file in files if file.parts[-2:] == _LOCK_TAIL), None)


def _marked_with(process: psutil.Process) -> Path | None:
    """The session that an iteration's process was started for."""
    try:
        mark = process.environ().get(SESSION_VARIABLE)
    except (psutil.Error, OSError):
        return None
    return Path(mark) if mark else None
