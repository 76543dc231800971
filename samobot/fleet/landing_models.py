"""What the fleet's landing calls take and return: values that could cross a network."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from samobot.fleet.forge import CommentView, ForgeProblem, PullRequestView, QueueView, WorkItem
from samobot.fleet.models import SessionRef


class _Reply(BaseModel):
    model_config = ConfigDict(defer_build=True, frozen=True)


class LandingStep(StrEnum):
    """One thing that can be done with a session's finished branch."""

    MERGE = "merge"
    """Merge it into the local base branch: fast-forward, or a merge commit if the base has moved on."""
    SQUASH = "squash"
    """Merge it into the local base branch as one commit."""
    PUSH = "push"
    """Push it to the remote, under its own name."""
    OPEN_PR = "open-pr"
    """Open a pull request of it."""
    OPEN_DRAFT = "open-draft"
    """Open a draft of one."""
    READY_PR = "ready-pr"
    """Take its pull request out of the draft state."""
    MERGE_PR = "merge-pr"
    """Let the forge merge its pull request, with a merge commit."""
    SQUASH_PR = "squash-pr"
    """Let the forge merge its pull request as one commit."""
    CLEAN_UP = "clean-up"
    """Remove branch and worktree of what is merged, here and at the remote."""
    DISCARD = "discard"
    """Remove branch and worktree here although they are not merged."""


OPENS = frozenset({LandingStep.OPEN_PR, LandingStep.OPEN_DRAFT})
"""Steps that open a pull request."""

REMOVES = frozenset({LandingStep.CLEAN_UP, LandingStep.DISCARD})
"""Steps that remove branch and worktree, after which the session is archived."""


class LandingOffer(_Reply):
    """A step as it could be decided now.

    Attributes:
        step: Which one.
        identity: Fingerprint of what the step would do; the decision names it.
        refusal: Why it cannot be done now, as a sentence; empty if it can.
    """

    step: LandingStep
    identity: str
    refusal: str = ""


class LandingView(_Reply):
    """A session's branch, and what can be done with it.

    Attributes:
        branch: The branch.
        head: The commit that it names.
        base: The local branch that it would be merged into; empty if there is none.
        base_head: The commit that this one names.
        ahead: Commits that the base does not have.
        behind: Commits of the base that the branch does not have.
        subjects: First lines of its newest commits, newest first.
        files: Number of changed files.
        added: Lines added in them.
        removed: Lines removed from them.
        uncommitted: Files in the worktree with changes that no commit has.
        left: The first of these files.
        submodules: Submodules in the worktree, whose own changes are not looked at.
        remote: Address that it would be pushed to, without credentials; empty if there is none.
        forge: Where its pull request is or would be, as `host/owner/name`; empty if that is unknown.
        pull_request: The newest pull request of the branch.
        title: Title that a new pull request would have.
        body: Text that it would have, Markdown.
        debt: Findings of reviews that were left open.
        objections: What a maintainer would send back at first sight; see `readiness`.
        offers: The steps that are possible here at all.
    """

    branch: str
    head: str
    base: str
    base_head: str
    ahead: int
    behind: int
    subjects: tuple[str, ...]
    files: int
    added: int
    removed: int
    uncommitted: int
    left: tuple[str, ...] = ()
    submodules: tuple[str, ...] = ()
    remote: str
    forge: str = ""
    pull_request: PullRequestView | None = None
    title: str = ""
    body: str = ""
    debt: tuple[str, ...] = ()
    objections: tuple[str, ...] = ()
    offers: tuple[LandingOffer, ...]

    def offer(self, step: LandingStep) -> LandingOffer | None:
        """Return the offer of a step; None if it is not possible here at all."""
        return next((each for each in self.offers if each.step is step), None)


class LandingResult(_Reply):
    """What a step has done.

    Attributes:
        step: Which one.
        text: The same as a sentence.
        commit: The commit that the branch or the base names now.
        repeated: Whether exactly this had been done before.
    """

    step: LandingStep
    text: str
    commit: str
    repeated: bool = False


class PullRequestReport(_Reply):
    """A session's pull request as the forge has it now.

    Attributes:
        landing: The branch, its pull request, and what can be done with them.
        comments: What was written about it, the oldest first.
        queue: What the merge queue has done with it.
        problem: Why the forge could not be asked; None if it was.
        problem_text: The same in the tool's terms.
    """

    landing: LandingView
    comments: tuple[CommentView, ...] = ()
    queue: QueueView = QueueView()
    problem: ForgeProblem | None = None
    problem_text: str = ""


class WorkReport(_Reply):
    """What waits at a project's forge.

    Attributes:
        forge: The repository there, as `host/owner/name`.
        items: Issues or pull requests, the newest first.
        problem: Why the forge could not be asked; None if it was.
        problem_text: The same in the tool's terms.
    """

    forge: str
    items: tuple[WorkItem, ...] = ()
    problem: ForgeProblem | None = None
    problem_text: str = ""


class Leftover(_Reply):
    """A session's worktree with its branch, which can be removed.

    Attributes:
        session: The session.
        archived: Whether it is archived; else it is done.
        branch: The branch.
        merged: Whether the base branch has all of its changes.
        commits: Commits that the base branch does not have.
        uncommitted: Files in the worktree with changes that no commit has.
        size: Bytes of the worktree on the disk.
        identity: Fingerprint of what would be removed; the decision names it.
    """

    session: SessionRef
    archived: bool
    branch: str
    merged: bool
    commits: int
    uncommitted: int
    size: int
    identity: str

    @property
    def is_safe(self) -> bool:
        """Whether nothing is lost with it."""
        return self.merged and not self.uncommitted

    @property
    def is_offered(self) -> bool:
        """Whether it is listed; else it has to be named."""
        return self.archived or self.is_safe

    @property
    def lost(self) -> str:
        """What would be lost with it; empty if nothing."""
        commits = "1 commit" if self.commits == 1 else f"{self.commits} commits"
        files = "1 file" if self.uncommitted == 1 else f"{self.uncommitted} files"
        parts = [] if self.merged else [f"{commits} not merged"]
        return ", ".join(parts + ([f"{files} not committed"] if self.uncommitted else []))

    @property
    def state(self) -> str:
        """What the user has to know of it: whether it is merged, and what would be lost."""
        return ", ".join(part for part in ("merged" if self.merged else "", self.lost) if part)
