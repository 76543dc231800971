"""Whether git can commit in a folder, tried before an iteration is paid for."""

from __future__ import annotations

from pathlib import Path

from samobot.session.git import Git, GitError
from samobot.session.git_config import untrusted_programs

_TIMEOUT_S = 20.0


def commit_problem(path: Path) -> str | None:
    """Make a commit that no branch names, as the agent's would be signed; return why that fails, else None.

    A repository whose own configuration names the signing program is tried without a signature, as samobot
    does not run that program. Without a repository there is nothing to commit.

    Raises:
        UsageError: git is not installed.
    """
    git = Git(path)
    try:
        git.run("rev-parse", "--git-dir")
    except GitError:
        return None
    signed = (git.attempt("config", "--type=bool", "commit.gpgsign") or "").strip() == "true"
    try:
        if any(key.startswith("gpg.") for key in untrusted_programs(git.configuration())):
            signed = False
        tree = git.run("mktree").strip()
        sign = ["--gpg-sign"] if signed else ["--no-gpg-sign"]
        git.run("commit-tree", *sign, "-m", "samobot: can this repository commit?", tree, timeout=_TIMEOUT_S)
    except GitError as failure:
        return f"git cannot commit in {path}: {failure.message} {_remedy(failure.message, signed=signed)}"
    return None


def _remedy(message: str, *, signed: bool) -> str:
    if "user.email" in message or "dentity" in message:
        return "Set user.name and user.email with “git config --global”."
    if signed:
        return (
            "commit.gpgsign is on: fix the signing key (user.signingkey), "
            "or turn signing off with “git config commit.gpgsign false”."
        )
    return "Fix the repository, then resume."
