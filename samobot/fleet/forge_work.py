"""Work that waits at a project's forge: issues with a label, pull requests to review."""

from __future__ import annotations

from samobot.config.project import Project
from samobot.fleet.forge import (
    Forge,
    ForgeError,
    ForgeProblem,
    WorkItem,
    WorkSource,
    problem_of,
    split_address,
)
from samobot.fleet.forges import forge_at
from samobot.fleet.landing_models import WorkReport
from samobot.session.push import remote_address
from samobot.session.repository import find_repository
from samobot.text import clip

_TEXT = 4000


def work_report(project: Project, source: WorkSource, label: str) -> WorkReport:
    """Read what waits at a project's forge; takes up to a minute.

    Args:
        project: The project.
        source: What is asked for.
        label: The label of the issues.

    Raises:
        SamobotError: The repository is damaged, or has several remotes.
    """
    forge, name = _forge_of(project)
    if forge is None:
        text = f"The remote of {project.name} is at no forge that samobot knows: GitHub or GitLab."
        return WorkReport(forge=name, problem=ForgeProblem.OTHER, problem_text=text)
    try:
        found = forge.labelled_issues(label) if source is WorkSource.ISSUE else forge.review_requests()
    except ForgeError as failure:
        return WorkReport(forge=name, problem=problem_of(failure.message), problem_text=failure.message)
    return WorkReport(forge=name, items=tuple(map(_clipped, found)))


def pull_request_diff(project: Project, number: int) -> str:
    """Return the changes of a pull request of a project's repository; empty if they cannot be had.

    Raises:
        SamobotError: The repository is damaged, or has several remotes.
    """
    forge, _ = _forge_of(project)
    try:
        return forge.diff(number) if forge is not None else ""
    except ForgeError:
        return ""


def _forge_of(project: Project) -> tuple[Forge | None, str]:
    repository = find_repository(project.main_repo) if project.main_repo.is_dir() else None
    found = split_address(remote_address(repository)) if repository is not None else None
    return (None, "") if found is None else (forge_at(*found), "/".join(found))


def _clipped(item: WorkItem) -> WorkItem:
    return item.model_copy(update={"text": clip(item.text, _TEXT), "title": clip(item.title, 200)})
