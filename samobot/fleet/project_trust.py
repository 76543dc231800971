"""What a project's own files would run in a session, shown to the user, and the decision whether that counts."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from samobot.config.learned import lessons_content
from samobot.config.project import Project
from samobot.config.trust import (
    Content,
    is_left_out,
    is_trusted,
    leave_out,
    project_settings,
    setup_command,
    trust,
)
from samobot.config.trust_text import whole_text
from samobot.errors import ConflictError
from samobot.session.branch_state import work_dir_of
from samobot.session.folder import SessionFolder
from samobot.text import without_surrogates

if TYPE_CHECKING:
    from samobot.fleet.results import UntrustedView


def session_work_dir(project: Project, folder: SessionFolder) -> Path:
    """Return where a session works, whether that is there or not."""
    return project.file.parent / work_dir_of(folder, project.main_repo)


def all_untrusted(state_dir: Path, project: Project, work_dir: Path) -> list[Content]:
    """Return what does not count yet in a working directory.

    Raises:
        StorageError: The record of what is trusted cannot be read.
    """
    return [each for each in _contents(project, work_dir) if not is_trusted(state_dir, project, each)]


def untrusted_views(state_dir: Path, project: Project, folder: SessionFolder) -> list[UntrustedView]:
    """Return what does not count yet in a session.

    Raises:
        StorageError: The record of what is trusted cannot be read.
    """
    found = all_untrusted(state_dir, project, session_work_dir(project, folder))
    return [_view(state_dir, project, each) for each in found]


def decide_trust(
    state_dir: Path,
    project: Project,
    folder: SessionFolder,
    sha256: str,
    who: str,
    now: datetime,
    *,
    accept: bool,
) -> None:
    """Record that the user trusts exactly what was shown, or leaves it out. Safe to repeat.

    Args:
        state_dir: Where it is recorded.
        project: The session's project.
        folder: The session.
        sha256: `UntrustedView.sha256` as it was shown.
        who: The user.
        now: The time.
        accept: Whether it is trusted.

    Raises:
        ConflictError: There is other content by now.
        StorageError: The record cannot be read or written.
    """
    known = [
        each
        for each in _contents(project, session_work_dir(project, folder))
        if each.sha256 == sha256 and each.files is not None
    ]
    if not known:
        raise ConflictError(
            f"The files of {project.name} have changed since this was shown; nothing was changed."
        )
    content = known[0]
    if accept and not is_trusted(state_dir, project, content):
        trust(state_dir, project, content, who, now)
    elif not accept and not is_left_out(state_dir, project, content):
        leave_out(state_dir, project, content, who, now)


def _contents(project: Project, work_dir: Path) -> list[Content]:
    """What the user has to trust before it counts: settings, the setup command, lessons."""
    found = (project_settings(work_dir), setup_command(project), lessons_content(project))
    return [each for each in found if each is not None]


def _view(state_dir: Path, project: Project, content: Content) -> UntrustedView:
    from samobot.fleet.results import Document, UntrustedView  # late, as a worker needs none of its models

    text = whole_text(content)
    problem = ""
    if content.files is None:
        problem = "It is too large to be trusted, so it is not used."
    elif text is None:
        problem = f"It is too long to be shown here. In the terminal: samobot trust --config {project.file}"
    return UntrustedView(
        title=content.title,
        lines=tuple(map(without_surrogates, content.lines)),
        sha256="" if problem else content.sha256,
        document=None
        if text is None
        else Document(name=f"trust-{content.sha256[:8]}.txt", text=without_surrogates(text)),
        problem=without_surrogates(problem),
        left_out=content.files is not None and is_left_out(state_dir, project, content),
    )
