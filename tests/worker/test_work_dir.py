"""Where a session works if its working directory has gone."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from samobot.config.project import Project
from samobot.errors import WorktreeGoneError
from samobot.session.branch_state import work_dir_of
from samobot.session.folder import SessionFolder
from samobot.session.worktree import prepare_worktree
from samobot.worker.session_files import SessionFiles
from samobot.worker.work_dir import find_work_dir
from tests.support.repository import commit, git, make_repository
from tests.support.session_folder import NOW, make_session


@pytest.fixture
def project(tmp_path: Path) -> Project:
    repo = make_repository(tmp_path / "repo")
    (repo / "apps" / "web").mkdir(parents=True)
    commit(repo, "apps/web/page")
    here = repo / "apps" / "web"
    return Project("web", here / ".samocode", here, repo / ".worktrees", tmp_path / "sessions")


@pytest.fixture
def folder(project: Project, tmp_path: Path) -> SessionFolder:
    made = make_session(tmp_path)
    work_dir = prepare_worktree(project.main_repo, project.worktrees, "greet").path
    lines = made.overview.read_text().splitlines()
    kept = [line for line in lines if not line.startswith("Working Dir:")]
    made.overview.write_text("\n".join([*kept[:1], f"Working Dir: {work_dir}", *kept[1:]]) + "\n")
    return made


def places(project: Project, folder: SessionFolder) -> set[Path]:
    files = SessionFiles(folder, lambda: NOW)
    return {find_work_dir(project, files), work_dir_of(folder, project.main_repo)}


def test_folder_that_the_agent_moved_leaves_the_session_in_its_worktree(
    project: Project, folder: SessionFolder
) -> None:
    root = project.worktrees / "greet"
    assert places(project, folder) == {root / "apps" / "web"}
    git(root, "mv", "apps/web", "apps/site")
    assert places(project, folder) == {root / "apps"}
    git(root, "mv", "apps", "packages")
    assert places(project, folder) == {root}


def test_worktree_that_was_deleted_does_not_lead_to_the_repository_around_it(
    project: Project, folder: SessionFolder
) -> None:
    shutil.rmtree(project.worktrees / "greet")
    with pytest.raises(WorktreeGoneError):
        places(project, folder)
    shutil.rmtree(project.worktrees)
    (project.worktrees.parent / ".git").rename(project.worktrees.parent / "git")
    (project.worktrees.parent / ".git").write_text("gitdir: git\n")
    with pytest.raises(WorktreeGoneError):
        places(project, folder)
    work_dir = work_dir_of(folder, project.main_repo)
    assert work_dir == project.worktrees / "greet" / "apps" / "web"


def test_worktree_that_was_deleted_does_not_lead_to_the_worktree_around_all_of_them(tmp_path: Path) -> None:
    repo = make_repository(tmp_path / "repo")
    git(repo, "worktree", "add", "-q", "-b", "dev", str(tmp_path / "dev"))
    worktrees = tmp_path / "dev" / "worktrees"
    worktrees.mkdir()
    folder = make_session(tmp_path)
    text = folder.overview.read_text().replace("Task:", f"Working Dir: {worktrees / 'greet'}\nTask:", 1)
    folder.overview.write_text(text)
    project = Project("repo", repo / ".samocode", repo, worktrees, tmp_path / "sessions")
    with pytest.raises(WorktreeGoneError):
        find_work_dir(project, SessionFiles(folder, lambda: NOW))
