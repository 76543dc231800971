"""What `samobot doctor` looks at in a project: its folders, its repository, and whether that can take commits."""

from __future__ import annotations

import os
from pathlib import Path

from samobot.config.project import Project
from samobot.errors import UsageError
from samobot.session.commit_check import commit_hooks, commit_problem
from samobot.session.git import GitError
from samobot.session.repository import check_for_lost_commits, commit_of, find_repository
from samobot.session.worktree import has_folder
from samobot.setup.doctor import Finding, Level


def project_finding(project: Project) -> Finding:
    """Check a project, without asking its remote."""
    name = f"Project {project.name}"
    for folder in (project.sessions, project.worktrees):
        if not can_be_written(there := nearest_folder(folder)):
            return Finding(
                name, Level.ERROR, f"{there} cannot be written", f"Fix that, or correct {project.file}."
            )
    try:
        finding = _repository(project.main_repo, name)
    except (GitError, UsageError) as error:
        return Finding(name, Level.ERROR, error.message, "Until then no session of it starts.")
    if finding is not None:
        return finding
    problem = commit_problem(project.main_repo, locks=False)
    if problem is not None:
        return Finding(name, Level.ERROR, problem, "Until then no session of it starts.")
    if project.warnings:
        return Finding(name, Level.WARNING, project.warnings[0], f"Correct {project.file}.")
    hooks = " and ".join(hook.name for hook in commit_hooks(project.main_repo))
    tried = f" (its hook {hooks} may refuse an agent's commits)" if hooks else ""
    return Finding(name, Level.OK, f"{project.main_repo}{tried}")


def _repository(main_repo: Path, name: str) -> Finding | None:
    """What keeps sessions from having a worktree, as far as can be known without asking the remote.

    Raises:
        GitError: git cannot read the repository.
        UsageError: A start would be refused.
    """
    repository = find_repository(main_repo)
    if repository is None:
        text = f"{main_repo} is not a git repository: the agent works in it directly, with no way back"
        return Finding(name, Level.WARNING, text, f"Run: git -C {main_repo} init")
    if commit_of(repository, "HEAD") is None:
        check_for_lost_commits(repository)
        text = f"{main_repo} has no commit yet, so no worktree can be made from it"
        return Finding(name, Level.ERROR, text, "Make a first commit.")
    if repository.prefix and not has_folder(repository.git, "HEAD", repository.prefix, main_repo):
        text = f"{main_repo} is not part of the git repository around it: the agent works in it directly, with no way back"
        return Finding(name, Level.WARNING, text, "Commit it, or keep it outside.")
    return None


def nearest_folder(folder: Path) -> Path:
    """Return a folder, or the one above it in which it would be made."""
    return next(path for path in (folder, *folder.parents) if path.exists())


def can_be_written(folder: Path) -> bool:
    """Whether files can be made in a folder."""
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)
