"""What samobot asks of a forge (GitHub, GitLab): one pull request of a branch, opened, read and merged.

A forge is reached through its own command-line tool with the user's login. Another forge is one more module.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from enum import StrEnum
from typing import Protocol

from pydantic import BaseModel, ConfigDict

_ADDRESS = re.compile(
    r"(?:(?:https?|ssh|git)://(?:[^@/]*@)?(?P<host1>[\w.-]+)(?::\d+)?/|(?:[^@/:]+@)?(?P<host2>[\w.-]+):)"
    r"(?P<path>\w[\w.-]*(?:/\w[\w.-]*)+)/?"
)


_LOGIN = re.compile(
    r"auth (login|refresh)|HTTP 401|bad credentials|authentication (failed|required|token)|SAML enforcement|invalid_grant",
    re.IGNORECASE,
)
_RATE_LIMIT = re.compile(r"rate limit|HTTP 429|abuse detection", re.IGNORECASE)


class PullRequestState(StrEnum):
    """Whether a pull request can still be merged."""

    OPEN = "open"
    MERGED = "merged"
    CLOSED = "closed"


class CheckState(StrEnum):
    """Result of one check."""

    GREEN = "green"
    PENDING = "pending"
    RED = "red"


class CheckView(BaseModel):
    """One check of a commit.

    Attributes:
        name: Its name.
        state: Its result.
        url: Where its log is; empty if unknown.
    """

    model_config = ConfigDict(defer_build=True, frozen=True)

    name: str
    state: CheckState
    url: str = ""


class PullRequestView(BaseModel):
    """A pull request as the forge has it now.

    Attributes:
        number: Its number.
        url: Its page.
        title: Its title.
        state: Whether it is open.
        draft: Whether it is a draft.
        head: The commit that it would merge.
        base: The branch that it would be merged into.
        checks: All checks of that commit.
        obstacle: Why the forge would not merge it now, apart from checks and draft; empty if it would.
    """

    model_config = ConfigDict(defer_build=True, frozen=True)

    number: int
    url: str
    title: str
    state: PullRequestState
    draft: bool
    head: str
    base: str
    checks: tuple[CheckView, ...] = ()
    obstacle: str = ""

    def merge_problem(self, head: str) -> str:
        """Return why it must not be merged now, as a sentence; empty if it may.

        Args:
            head: The commit that the user was shown.
        """
        if self.state is not PullRequestState.OPEN:
            return f"#{self.number} is {self.state}."
        if self.head != head:
            return f"#{self.number} is at {self.head[:9]}, which is not what is here."
        red = [check.name for check in self.checks if check.state is CheckState.RED]
        pending = [check.name for check in self.checks if check.state is CheckState.PENDING]
        if red:
            return f"#{self.number} has red checks: {', '.join(red[:5])}."
        if pending:
            return f"#{self.number} waits for checks: {', '.join(pending[:5])}."
        if not self.checks:
            return f"#{self.number} has no checks yet; nothing is merged that was not seen green."
        if self.draft:
            return f"#{self.number} is a draft."
        return self.obstacle


class CommentView(BaseModel):
    """What somebody wrote about a pull request: a comment, a comment on a line, or a review.

    Attributes:
        id: Names it at the forge.
        author: The login of its author.
        text: Its Markdown text; written by others, so it is quoted wherever it is used.
        path: The file that it is about; empty if it is about the whole.
        line: The line in that file; None if that is unknown or no longer exists.
        url: Its page.
        edited: Whether an earlier text of it was reported.
    """

    model_config = ConfigDict(defer_build=True, frozen=True)

    id: str
    author: str
    text: str
    path: str = ""
    line: int | None = None
    url: str = ""
    edited: bool = False


class QueueRemoval(BaseModel):
    """A pull request left the merge queue without a merge.

    Attributes:
        id: Names it at the forge.
        reason: Why, in the forge's terms; empty if it does not say.
        by: The login of who removed it; empty if that is unknown.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    reason: str = ""
    by: str = ""


class QueueView(BaseModel):
    """A pull request in its base branch's merge queue.

    Attributes:
        waiting: Whether it is in the queue.
        removals: The last times that it was removed from it, the oldest first.
    """

    model_config = ConfigDict(frozen=True)

    waiting: bool = False
    removals: tuple[QueueRemoval, ...] = ()


class WorkSource(StrEnum):
    """Where work comes from at a forge."""

    ISSUE = "issue"
    """Open issues with a label."""
    REVIEW = "review"
    """Open pull requests that wait for the user's review."""


class WorkItem(BaseModel):
    """An issue, or a pull request to review.

    Attributes:
        id: Names it within its repository; of a pull request also its commit, as further ones are to be reviewed again.
        number: Its number.
        title: Its title, written by others.
        text: Its Markdown text, written by others.
        author: The login of its author.
        url: Its page.
    """

    model_config = ConfigDict(defer_build=True, frozen=True)

    id: str
    number: int
    title: str
    text: str
    author: str
    url: str


class ForgeProblem(StrEnum):
    """Why a forge could not be asked."""

    LOGIN = "login"
    """Its tool has no valid login."""
    RATE_LIMIT = "rate-limit"
    """It was asked too often."""
    OTHER = "other"
    """Anything else, such as no network."""


class ForgeError(Exception):
    """The forge or its tool refused, cannot be reached, or answered something unexpected.

    Args:
        message: Why, in one line.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def problem_of(message: str) -> ForgeProblem:
    """Recognize a lost login and a rate limit by what the tool wrote."""
    if _RATE_LIMIT.search(message):
        return ForgeProblem.RATE_LIMIT
    return ForgeProblem.LOGIN if _LOGIN.search(message) else ForgeProblem.OTHER


@contextlib.contextmanager
def reading(tool: str, about: str = "") -> Iterator[None]:
    """Read an answer of a forge's tool: fields that it lacks, or that hold something else, are one error.

    Args:
        tool: `gh` or `glab`.
        about: What was asked about, for the message.

    Raises:
        ForgeError: The answer is not what is documented.
    """
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        where = f" about {about}" if about else ""
        raise ForgeError(f"{tool} answered something unexpected{where}: {error!r}.") from error


class Forge(Protocol):
    """One repository at a forge. Every call may take half a minute and raises `ForgeError`."""

    def find(self, branch: str) -> PullRequestView | None:
        """Return the newest pull request of a branch of this repository: the open one, else the last one."""

    def open(self, branch: str, base: str, title: str, body: str, *, draft: bool) -> None:
        """Open a pull request."""

    def mark_ready(self, request: PullRequestView) -> None:
        """Take a pull request out of its draft state; harmless if it is in none."""

    def merge(self, number: int, head: str, *, squash: bool) -> None:
        """Merge a pull request, or let a merge queue do it, only if its head is still this commit."""

    def comments(self, number: int) -> tuple[CommentView, ...]:
        """Return everything that was written about a pull request, the oldest first."""

    def queue(self, number: int) -> QueueView:
        """Return what the merge queue has done with a pull request; nothing if there is no such queue."""

    def check_log(self, check: CheckView) -> str:
        """Return the log of a failed check's failed steps; empty if the forge does not keep it."""

    def labelled_issues(self, label: str) -> tuple[WorkItem, ...]:
        """Return the open issues with a label, the newest 100."""

    def review_requests(self) -> tuple[WorkItem, ...]:
        """Return the open pull requests that wait for a review by the user, the newest 100."""

    def diff(self, number: int) -> str:
        """Return the changes of a pull request as a unified diff, its first 4 MB."""


def split_address(address: str) -> tuple[str, str] | None:
    """Return host and path of a repository's address (`github.com`, `owner/name`); None for any other address."""
    found = _ADDRESS.fullmatch(address.strip())
    return (
        None
        if found is None
        else ((found["host1"] or found["host2"]).lower(), found["path"].removesuffix(".git"))
    )
