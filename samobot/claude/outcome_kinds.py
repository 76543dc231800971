"""The kinds of end that one iteration can have, and what the loop does about each."""

from __future__ import annotations

from enum import StrEnum


class Remedy(StrEnum):
    """What the loop does about an outcome. The comment beside each says when it is right."""

    CONTINUE = "continue"  # nothing is wrong
    RETRY = "retry"  # something failed here: a few tries, then a person
    BACK_OFF = "back_off"  # the service is at fault: it will be back, and trying costs nothing
    PARK = "park"  # a limit that time lifts, at a known hour as a rule
    ASK = "ask"  # only a person can cure it
    CAP = "cap"  # the money is used up

    @property
    def is_no_fault_of_the_iteration(self) -> bool:
        """Whether the iteration could do nothing, through no fault of its own."""
        return self in (Remedy.BACK_OFF, Remedy.PARK)


class OutcomeKind(StrEnum):
    """What one iteration came to. The comment beside each says what it means."""

    COMPLETED = "completed"  # it said it had finished; what it did is for the signal and the files to tell
    MAX_TURNS = "max_turns"  # it used all its turns
    MAX_BUDGET = "max_budget"  # it used all the money it was given
    INTERRUPTED = "interrupted"  # somebody stopped it
    USAGE_LIMIT = "usage_limit"  # the subscription's limit; it resets by itself
    AUTH = "auth"  # not logged in, or the key or token is refused
    ACCOUNT = "account"  # money, plan or administrator; waiting does not cure it
    RATE_LIMITED = "rate_limited"  # too many requests for now
    OVERLOADED = "overloaded"  # the API failed on its side
    NETWORK = "network"  # the API could not be reached
    INVALID_REQUEST = "invalid_request"  # the API refuses what was asked: an unknown model, a bad parameter
    PROMPT_TOO_LONG = "prompt_too_long"  # the conversation outgrew the model's context
    REFUSED = "refused"  # the model declined under its usage policy
    TRUNCATED = "truncated"  # the answer was cut off in the middle
    FAILED = "failed"  # the CLI reported a failure of a kind nobody has described
    NO_RESULT = "no_result"  # it ended calmly without saying what came of it
    CRASHED = "crashed"  # it died
    HUNG_START = "hung_start"  # nothing was ever heard from it
    HUNG_SILENT = "hung_silent"  # it fell silent
    TIMEOUT = "timeout"  # the iteration took longer than it may
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
    OutcomeKind.START_FAILED: Remedy.ASK,
}
