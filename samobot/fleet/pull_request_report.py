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
_LOG_PREFIX = re.compile(r"\ufeff?\d{4}-\d\d-\d\dT[\d:.]+Z ?(?:[0-9a-f]{2}[OE][+ ])?")
"""The time that both forges put before a line, and GitLab's stream after it."""

_COLORS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_SECTION = re.compile(r"section_(?:start|end):\d+:")
"""GitLab's mark of a foldable section, which its pages do not show."""


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
    elif look.pull_request is not None and not problem:
        try:
            comments = look.forge.comments(look.pull_request.number)
        except ForgeError as failure:
            problem = failure.message
    kind = problem_of(problem) if problem else None
    return PullRequestReport(
        landing=look.view(), comments=comments, queue=look.queue, problem=kind, problem_text=problem
    )


def check_log(project: Project, folder: SessionFolder, check: CheckView) -> str:
    """Return the last lines of a failed check's log; empty if it cannot be had, or not yet.

    Raises:
        SamobotError: See `pull_request_report`.
    """
    look = look_at(project, folder, frozenset({LandingStep.OPEN_PR}))
    try:
        text = look.forge.check_log(check) if look.forge is not None else ""
    except ForgeError:
        return ""
    plain = (_LOG_PREFIX.sub("", line, count=1).rstrip() for line in _COLORS.sub("", text).splitlines())
    lines = [printable(line) for line in plain if line and not _SECTION.match(line)]
    return "\n".join(clip(line, _LOG_WIDTH) for line in lines[-_LOG_LINES:])
