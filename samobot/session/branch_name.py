"""The name of a session's branch, and what keeps git from having it."""

from __future__ import annotations

import re
from pathlib import Path

from samobot.errors import UsageError
from samobot.session.git import Git

_COMMIT_ID = re.compile(r"[0-9a-f]{40}")


def branch_name(git: Git, name: str, prefix: str) -> str:
    """Return a branch name that git allows: a session's name may hold `..` or end in `.lock`.

    Raises:
        UsageError: The prefix or the name cannot be part of a branch's name.
    """
    last = re.sub(r"\.{2,}", ".", name)
    last = re.sub(r"(?:\.lock|\.)+$", "", last) or "session"
    lead = prefix.strip().strip("/").removeprefix("refs/heads").strip("/")
    if not lead and _COMMIT_ID.fullmatch(last):
        last = f"session-{last}"
    branch = f"{lead}/{last}".lstrip("/")
    if git.ok("check-ref-format", "--branch", branch):
        return branch
    if lead and not git.ok("check-ref-format", "--branch", f"{lead}/x"):
        raise UsageError(f"“{branch}” cannot be a branch in git; correct GIT_BRANCH_PREFIX.")
    raise UsageError(f"“{branch}” cannot be a branch in git; give the session another name.")


def refuse_if_taken(branch: str, places: list[tuple[Path, str]]) -> None:
    """Refuse a branch that is checked out elsewhere: in MAIN_REPO, or in another session.

    Names that differ only in what a branch may not hold, such as `foo` and `foo.lock`, share one.
    """
    place = next((folder for folder, checked_out in places if checked_out == branch), None)
    if place is not None:
        raise UsageError(
            f"The session's branch would be “{branch}”, which is checked out in {place}: give the session another name."
        )


def refuse_if_nested(git: Git, branch: str) -> None:
    """Refuse a branch below another, or above: git keeps branches as files, and their first parts as folders."""
    below = git.run("for-each-ref", "--count=1", "--format=%(refname:lstrip=2)", f"refs/heads/{branch}/")
    parts = branch.split("/")
    above = ("/".join(parts[:count]) for count in range(1, len(parts)))
    other = below.strip() or next(
        (each for each in above if git.ok("show-ref", "--verify", "--quiet", f"refs/heads/{each}")), ""
    )
    if other:
        remedy = "give the session another name" if below else "set another GIT_BRANCH_PREFIX"
        raise UsageError(
            f"The session's branch would be “{branch}”, but there is a branch “{other}”, "
            f"and git cannot have both: {remedy}, or rename that branch."
        )


def refuse_alias(git: Git, branch: str) -> None:
    """Refuse a branch that stands for another one (`git symbolic-ref`): the session would commit to that."""
    meant = git.attempt("symbolic-ref", "--quiet", f"refs/heads/{branch}")
    if meant is not None:
        raise UsageError(
            f"The session's branch would be “{branch}”, which stands for {meant.strip()}: give the session another name."
        )
