"""What can be new about a watched pull request."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from samobot.fleet.forge import CheckView, CommentView, QueueRemoval


class NewsKind(StrEnum):
    """What can be new about a pull request."""

    ATTENTION = "attention"
    """Red checks, new comments, or both."""
    READY = "ready"
    """It could be merged now."""
    AHEAD = "ahead"
    """The session has commits that were not pushed."""
    UNFIXED = "unfixed"
    """A round that was to fix red checks has committed nothing."""
    FOREIGN = "foreign"
    """Its head is a commit that was never here."""
    RETARGETED = "retargeted"
    """It goes into another branch now."""
    REPLACED = "replaced"
    """The branch has a newer pull request."""
    MISSING = "missing"
    """The forge has no pull request of this branch any longer."""
    UNQUEUED = "unqueued"
    """It was removed from the merge queue without a merge."""
    MERGED = "merged"
    CLOSED = "closed"
    PROBLEM = "problem"
    """The forge could not be asked."""
    RECOVERED = "recovered"


class News(BaseModel):
    """One thing that is new.

    Attributes:
        kind: What.
        number: The pull request.
        url: Its page.
        head: The commit that it is about.
        checks: Red checks that were not reported yet.
        comments: Comments that were not reported yet, or not with this text.
        removal: Why it is no longer in the merge queue.
        text: A detail as text, such as the forge's error.
    """

    model_config = ConfigDict(defer_build=True, frozen=True)

    kind: NewsKind
    number: int
    url: str = ""
    head: str = ""
    checks: tuple[CheckView, ...] = ()
    comments: tuple[CommentView, ...] = ()
    removal: QueueRemoval | None = None
    text: str = ""
