"""Kinds of outcomes of an iteration, and the remedy for each."""

from __future__ import annotations

from enum import StrEnum


class Remedy(StrEnum):
    """What the loop does about an outcome."""

    CONTINUE = "continue"  # nothing is wrong
    RETRY = "retry"  # something failed here: a few retries, then the user is asked
    BACK_OFF = "back_off"  # the service is at fault: retrying costs nothing
    PARK = "park"  # a limit that resets, usually at a known time
    ASK = "ask"  # only the user can fix it
    CAP = "cap"  # the money is used up

    @property
    def is_no_fault_of_the_iteration(self) -> bool:
        """Whether the service, not the iteration, is the reason."""
        return self in (Remedy.BACK_OFF, Remedy.PARK)


class OutcomeKind(StrEnum):
    """The outcome of one iteration."""

    COMPLETED = "completed"  # it reported success; signal and files show what it did
    MAX_TURNS = "max_turns"  # it used all its turns
    MAX_BUDGET = "max_budget"  # it used all the money it was given
    INTERRUPTED = "interrupted"  # it was stopped
    USAGE_LIMIT = "usage_limit"  # the account's limit; it resets automatically
    AUTH = "auth"  # not logged in, or the key or token is refused
    ACCOUNT = "account"  # money, plan or administrator; waiting does not help
    RATE_LIMITED = "rate_limited"  # too many requests
    OVERLOADED = "overloaded"  # a server error of the API
    NETWORK = "network"  # the API could not be reached
    INVALID_REQUEST = "invalid_request"  # the API refuses the request: an unknown model, a bad parameter
    PROMPT_TOO_LONG = "prompt_too_long"  # the conversation outgrew the model's context
    REFUSED = "refused"  # the model declined under its usage policy
    TRUNCATED = "truncated"  # the answer was cut off in the middle
    FAILED = "failed"  # the CLI reported a failure of an unknown kind
    NO_RESULT = "no_result"  # exit code 0 without a result record
    CRASHED = "crashed"  # it ended by a signal or with an error code
    HUNG_START = "hung_start"  # no record at all
    HUNG_SILENT = "hung_silent"  # no record for too long
    TIMEOUT = "timeout"  # the iteration took longer than it may
    DISK_FULL = "disk_full"  # it was stopped before a disk was full
    START_FAILED = "start_failed"  # it could not start, or refused its own arguments

    @property
    def remedy(self) -> Remedy:
        """What the loop does about it."""
        return _REMEDIES[self]


_REMEDIES: dict[OutcomeKind, Remedy] = {
    OutcomeKind.COMPLETED: Remedy.CONTINUE,
    OutcomeKind.MAX_TURNS: Remedy.CONTINUE,
    OutcomeKind.MAX_BUDGET: Remedy.CAP,
    OutcomeKind.INTERRUPTED: Remedy.RETRY,
    OutcomeKind.USAGE_LIMIT: Remedy.PARK,
    OutcomeKind.AUTH: Remedy.ASK,
    OutcomeKind.ACCOUNT: Remedy.ASK,
    OutcomeKind.RATE_LIMITED: Remedy.BACK_OFF,
    OutcomeKind.OVERLOADED: Remedy.BACK_OFF,
    OutcomeKind.NETWORK: Remedy.BACK_OFF,
    OutcomeKind.INVALID_REQUEST: Remedy.ASK,
    OutcomeKind.PROMPT_TOO_LONG: Remedy.RETRY,
    OutcomeKind.REFUSED: Remedy.ASK,
    OutcomeKind.TRUNCATED: Remedy.RETRY,
    OutcomeKind.FAILED: Remedy.RETRY,
    OutcomeKind.NO_RESULT: Remedy.RETRY,
    OutcomeKind.CRASHED: Remedy.RETRY,
    OutcomeKind.HUNG_START: Remedy.RETRY,
    OutcomeKind.HUNG_SILENT: Remedy.RETRY,
    OutcomeKind.TIMEOUT: Remedy.RETRY,
    OutcomeKind.DISK_FULL: Remedy.ASK,
    OutcomeKind.START_FAILED: Remedy.ASK,
}
