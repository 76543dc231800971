"""Gathers what the prompt of an iteration holds."""

from __future__ import annotations

import contextlib
import platform
from pathlib import Path

from samobot.errors import StorageError
from samobot.phases import RULES
from samobot.session.asks import AskBook
from samobot.session.diff import checkout
from samobot.session.files import read_text
from samobot.session.folder import SessionFolder
from samobot.session.guidance import GuidanceItem
from samobot.session.worktree import base_of
from samobot.worker.assignment import Assignment
from samobot.worker.permission_gate import verdict_lines
from samobot.worker.prompt import LEARNED, IterationContext
from samobot.worker.session_files import SessionFiles


def gather_facts(
    files: SessionFiles,
    assignment: Assignment,
    guidance: tuple[GuidanceItem, ...],
    asks: AskBook,
    work_dir: Path,
    seconds: float,
) -> IterationContext:
    """Read what an iteration has to know. Runs git, and takes tenths of a second.

    Args:
        files: The session's files.
        assignment: What it is to do.
        guidance: The guidance that it is given.
        asks: What earlier iterations asked for.
        work_dir: Where it works.
        seconds: When it is ended, from its start.
    """
    tree = checkout(work_dir)
    feedback = files.feedback()
    return IterationContext(
        phase=assignment.phase,
        visit=assignment.visit,
        visit_limit=RULES[assignment.phase].limit,
        number=assignment.number,
        session=files.folder.path,
        workdir=work_dir,
        task=files.overview().task or "",
        platform=f"{platform.system()} {platform.release()}",
        branch=tree.branch,
        git_status=tree.status,
        # A rejection is part of the guidance too, so that it is never lost; the agent reads it once.
        guidance=tuple(item.text for item in guidance if item.text != feedback),
        feedback=feedback,
        answers=files.fresh_answers(),
        verdicts=verdict_lines(asks),
        reminder=assignment.reminder,
        base=base_of(work_dir) if tree.branch else None,
        seconds=seconds,
        budget_left=assignment.budget_left,
        learned=_learned(files.folder),
    )


def _learned(folder: SessionFolder) -> str:
    """What earlier iterations noted; empty if their file is none that can be read: an agent may make it anything."""
    with contextlib.suppress(StorageError):
        return read_text(folder.path / LEARNED) or ""
    return ""
