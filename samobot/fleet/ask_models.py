"""Calls that an agent asks for, and permissions for a session, as values that could cross a network."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from samobot.session.decisions import DecisionKind


class AskView(BaseModel):
    """A call that waits, or waited, for the user.

    Attributes:
        id: Names it in the session.
        sha256: Fingerprint of the call; a verdict is bound to it.
        tool: The tool.
        subject: The command, file or address, in one line.
        text: The whole call, or its beginning.
        size: Characters of the whole call.
        rule: What a permission for the session would allow.
        reasons: Why the user is asked, as clauses.
        said: The agent's last message before it.
        where: The working directory.
        at: When it was asked.
        waiting: Whether it waits for a verdict.
        verdict: The verdict.
        feedback: What the agent reads with a denial.
        by: Who decided.
        via: Where.
        decided_at: When.
    """

    model_config = ConfigDict(defer_build=True, frozen=True)

    id: str
    sha256: str
    tool: str
    subject: str
    text: str
    size: int
    rule: str
    reasons: tuple[str, ...]
    said: str
    where: str
    at: datetime
    waiting: bool
    verdict: DecisionKind | None = None
    feedback: str = ""
    by: str = ""
    via: str = ""
    decided_at: datetime | None = None

    @property
    def is_clipped(self) -> bool:
        """Whether `text` is only the beginning."""
        return self.size > len(self.text)


class PermissionView(BaseModel):
    """A permission for the session: what it allows, who gave it, when."""

    model_config = ConfigDict(defer_build=True, frozen=True)

    rule: str
    by: str
    at: datetime | None
