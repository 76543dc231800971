"""Evidence about one process, collected from its records while it runs."""

from __future__ import annotations

from dataclasses import dataclass, field

from samobot.claude.errors_text import is_disguised_failure
from samobot.claude.records import (
    ApiRetry,
    Assistant,
    Init,
    PermissionRequest,
    RateLimit,
    Record,
    Result,
    Tokens,
)

_LIMITS_KEPT = 32
_AGENTS_KEPT = 1000


@dataclass(slots=True)
class Evidence:
    """Evidence from the records of one process, in bounded memory.

    Attributes:
        records: Number of records.
        init: The first `Init`.
        result: The last `Result`: a process whose background agents finish late has several.
        limits: The latest record of each kind of usage limit.
        error: The error message that the CLI wrote in place of the model, if it was the last message.
        retry: The latest retry, if the API has not answered since.
        last_words: The last text of the main agent.
        answered: Whether the model has answered at least once.
        asked: Whether the CLI asked for a permission: then the user, or the level that they chose, has decided.
    """

    records: int = 0
    init: Init | None = None
    result: Result | None = None
    limits: dict[str, RateLimit] = field(default_factory=dict)
    error: Assistant | None = None
    retry: ApiRetry | None = None
    last_words: str = ""
    answered: bool = False
    asked: bool = False
    _used: Tokens = field(default_factory=Tokens)
    _latest: dict[str, tuple[str, Tokens]] = field(default_factory=dict)

    def add(self, record: Record) -> None:
        """Take one more record into account."""
        self.records += 1
        if isinstance(record, Assistant):
            self._count(record)
            self.answered = self.answered or not record.error
        match record:
            case Init():
                self.init = self.init or record
            case Result():
                self.result = record
                self.retry = None
            case RateLimit():
                if record.kind in self.limits or len(self.limits) < _LIMITS_KEPT:
                    self.limits[record.kind] = record
            case Assistant(sub_agent=""):
                self.error = record if record.error else None
                self.retry = None
                self.last_words = record.text or self.last_words
            case ApiRetry():
                self.retry = record
            case PermissionRequest():
                self.asked = True
            case _:
                pass

    @property
    def tokens(self) -> Tokens:
        """Lower bound of the tokens used, for a process without a `Result`."""
        return sum((tokens for _, tokens in self._latest.values()), self._used)

    def rejected(self) -> tuple[RateLimit, ...]:
        """The usage limits that stop work: rejected in the latest record, and not covered by paid extra usage."""
        return tuple(
            limit for limit in self.limits.values() if limit.status == "rejected" and not limit.overage
        )

    def complaint(self) -> str:
        """The CLI's own message about a failure; empty without one."""
        if self.result is not None:
            if self.result.is_error:
                return self.result.text or "; ".join(self.result.errors)
            return self.result.text if is_disguised_failure(self.result.text) else ""
        return (self.error.text or self.error.error) if self.error is not None else ""

    def _count(self, record: Assistant) -> None:
        """Count the tokens of a message once, though it comes in several records; the last one is the most complete.

        Agents of one process write concurrently, each of them one message after the other.
        """
        before = self._latest.get(record.sub_agent)
        if before is None and len(self._latest) >= _AGENTS_KEPT:
            return
        if before is not None and before[0] != record.message:
            self._used += before[1]
        self._latest[record.sub_agent] = (record.message, record.tokens)
