"""Whether git can commit in a folder, and whether a session has left work without a commit."""

from __future__ import annotations

from pathlib import Path

from samobot.session.diff import DiffSummary
from samobot.session.git import Git, GitError
from samobot.session.git_config import untrusted_programs

_TIMEOUT_S = 20.0


def commit_problem(path: Path) -> str | None:
    """Make a commit that no branch names, as the agent's would be signed; return why that fails, else None.

    A repository whose own configuration names the signing program is tried without a signature, as samobot
    does not run that program. Nothing is tried without a repository, or without a name and an address for commits,
    which an agent can set and doctor reports.

    Raises:
        UsageError: git is not installed.
    """
    git = Git(path)
    if not git.ok("rev-parse", "--git-dir") or not git.ok("var", "GIT_COMMITTER_IDENT"):
        return None
    signed = False
    try:
        signed = signs_commits(git)
        tree = git.run("mktree").strip()
        sign = ["--gpg-sign"] if signed else ["--no-gpg-sign"]
        git.run("commit-tree", *sign, "-m", "samobot: can this repository commit?", tree, timeout=_TIMEOUT_S)
    except GitError as failure:
        return f"git cannot commit in {path}: {failure.message} {_remedy(signed=signed)}"
    return None


def signs_commits(git: Git) -> bool:
    """Return whether commits are to be signed, by a program that the user's own configuration names.

    Raises:
        GitError: The configuration cannot be read.
        UsageError: git is not installed.
    """
    if (git.attempt("config", "--type=bool", "commit.gpgsign") or "").strip() != "true":
        return False
    return not any(key.startswith("gpg.") for key in untrusted_programs(git.configuration()))


def unfinished_work(path: Path, found: DiffSummary | None) -> str:
    """Return what keeps a session's work from being complete in git, for display; empty if nothing does.

    Args:
        path: The working directory.
        found: What changed there since the branch began; None if there is no repository.
    """
    if found is None:
        return ""
    problems = []
    if found.uncommitted:
        problems.append(
            "1 file is not committed"
            if found.uncommitted == 1
            else f"{found.uncommitted} files are not committed"
        )
    if not found.commits and _is_linked_worktree(path):
        problems.append("nothing was committed")
    return ", ".join(problems)


def _is_linked_worktree(path: Path) -> bool:
    folders = (
        Git(path).attempt("rev-parse", "--path-format=absolute", "--git-dir", "--git-common-dir") or ""
    ).split("\n")
    return len(folders) > 1 and folders[0] != folders[1]


def _remedy(*, signed: bool) -> str:
    if signed:
        return (
            "commit.gpgsign is on: fix the signing key (user.signingkey), "
            "or turn signing off with “git config commit.gpgsign false”."
        )
    return "Fix the repository, then resume."
