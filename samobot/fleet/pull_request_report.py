"""A session's pull request as its forge has it now, with comments and logs of checks."""

from __future__ import annotations

import re

from samobot.config.project import Project
from samobot.fleet.forge import CheckView, CommentView, ForgeError, problem_of
from samobot.fleet.landing_look import look_at
from samobot.fleet.landing_models import LandingStep, PullRequestReport
from samobot.session.folder import SessionFolder
from samobot.text import clip, printable

_LOG_LINES, _LOG_WIDTH = 40, 300
_LOG_PREFIX = re.compile(r"\ufeff?\d{4}-\d\d-\d\dT[\d:.]+Z ?")


def pull_request_report(project: Project, folder: SessionFolder) -> PullRequestReport:
    """Read a session's pull request with all comments, also while the session works on its next round.

    Raises:
        ConflictError: The branch cannot be read.
        NotFoundError: It has no branch of its own.
        SamobotError: The repository is damaged, or the disk refuses.
    """
    look = look_at(project, folder, frozenset(LandingStep))
    comments: tuple[CommentView, ...] = ()
    problem = look.forge_problem
    if look.forge is None:
        problem = f"The remote of {folder.name} cannot be read, or is at no forge that samobot knows."
    elif look.pull_request is not None:
        try:
            comments = look.forge.comments(look.pull_request.number)
        except ForgeError as failure:
            problem = failure.message
    kind = problem_of(problem) if problem else None
    return PullRequestReport(landing=look.view(), comments=comments, problem=kind, problem_text=problem)


def check_log(project: Project, folder: SessionFolder, check: CheckView) -> str:
    """Return the last lines of a failed check's log; empty if it cannot be had, or not yet.

    Raises:
        SamobotError: See `pull_request_report`.
    """
    look = look_at(project, folder, frozenset({LandingStep.MERGE_PR}))
    try:
        text = look.forge.check_log(check) if look.forge is not None else ""
    except ForgeError:
        return ""
    lines = [printable(line.rstrip()) for line in text.splitlines() if line.strip()]
    return "\n".join(clip(_without_job(line), _LOG_WIDTH) for line in lines[-_LOG_LINES:])


def _without_job(line: str) -> str:
    """A line of a log without the names of its job and step and its time, which `gh` puts before each."""
    return _LOG_PREFIX.sub("", line.rpartition("\t")[2])
