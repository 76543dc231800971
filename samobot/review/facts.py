"""What a review guide is made of: values that could cross a network, all of bounded size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, ConfigDict

from samobot.session.diff import FileChange
from samobot.session.signal import SuiteResult


class _Facts(BaseModel):
    model_config = ConfigDict(defer_build=True, frozen=True)


class AgentNote(_Facts):
    """A note of an agent: its file's name and its text."""

    name: str
    text: str


class PlanPart(_Facts):
    """One phase of the plan: its title, the risk as the plan states it, and its steps."""

    title: str
    risk: str
    steps: int
    ticked: int


class Change(_Facts):
    """What the session's branch changes.

    Attributes:
        branch: Its name, if it has one.
        base: The commit at which it began, if known.
        commits: Commits since then.
        files: The changed files.
        more: Changed files that are not in `files`.
        uncommitted: Files with changes that are not committed.
        unfinished: What keeps the work from being complete in git, for display.
        diff: The diff, with the files' contents.
        is_cut: Whether the diff is longer.
        objections: What a maintainer would send back at first sight; see `readiness`.
    """

    branch: str | None
    base: str | None
    commits: int
    files: tuple[FileChange, ...]
    more: int
    added: int
    removed: int
    uncommitted: int
    unfinished: str
    diff: str
    is_cut: bool
    objections: tuple[str, ...] = ()


class ReviewFacts(_Facts):
    """Everything that a review guide shows.

    Attributes:
        name: The session's name.
        task: The task as the user wrote it.
        change: What was changed; None if the session does not work in a git repository.
        plan: The plan's title.
        approval: Who approved the plan as it is now, and when.
        parts: The plan's phases.
        summary: The newest summary.
        test: The newest testing note.
        quality: The quality notes, the newest first.
        tests: Counts of the last test run that an agent reported.
        iterations: Iterations by phase.
        cost_usd: US dollars.
        unpriced: Iterations without a reported cost.
        duration_s: Seconds from the first event to the last.
        waited_s: Seconds of these that it waited for the user.
        debt: Findings of reviews that were left open.
        remarks: What the program reverted or noticed, oldest first.
        is_masked: Whether secrets were masked in these texts.
    """

    name: str
    task: str = ""
    change: Change | None = None
    plan: str = ""
    approval: str = ""
    parts: tuple[PlanPart, ...] = ()
    summary: AgentNote | None = None
    test: AgentNote | None = None
    quality: tuple[AgentNote, ...] = ()
    tests: SuiteResult | None = None
    iterations: dict[str, int] = {}
    cost_usd: float = 0.0
    unpriced: int = 0
    duration_s: float = 0.0
    waited_s: float = 0.0
    debt: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    is_masked: bool = False

    def masked(self, mask: Callable[[Any], Any]) -> ReviewFacts:
        """Return the same with secrets masked.

        Args:
            mask: Masks the secrets in every text of a JSON value.
        """
        value = self.model_dump(mode="json")
        found = mask(value)
        return self if found == value else ReviewFacts.model_validate({**found, "is_masked": True})
