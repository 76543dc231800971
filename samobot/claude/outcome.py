"""The outcome of one iteration, classified from its records and from how its process ended. Pure.

Neither the exit code nor "success" is reliable: the CLI exits with 0 without a result and reports API errors as
successes. Only the CLI's own messages are evidence of a limit: rate-limit events, its error messages and the final
result of a failed run; never what a tool printed or a model wrote.
"""

from __future__ import annotations

import signal
from dataclasses import field
from datetime import datetime

from samobot.claude.end import ProcessEnd, StoppedBy
from samobot.claude.errors_text import (
    Cure,
    RequestFailure,
    classify_failure,
    is_disguised_failure,
    refused_by_hook,
    stated_status,
    without_body,
)
from samobot.claude.evidence import Evidence
from samobot.claude.invocation import ITERATION_VARIABLE
from samobot.claude.limits import is_account_problem, is_spending_cap, stated_reset, usage_limit
from samobot.claude.outcome_kinds import OutcomeKind, Remedy
from samobot.claude.records import ModelUse, Result, Tokens
from samobot.frozen import frozen
from samobot.text import full_stop, human_duration

__all__ = ["Evidence", "Outcome", "OutcomeKind", "Remedy", "classify"]

_SENTENCE = 300

_DENIED = (
    "Look for `ask`, `deny`, `disableBypassPermissionsMode` and hooks before tools in Claude Code's settings: no "
    "permission can be given during an iteration."
)
_RAISE_THE_CAP = "Raising the spending limit in Claude's settings ends this sooner; then resume the session."

# A stream that the server cut short ends as a "success" whose stop reason is null.
_CUT_OFF = (None, "max_tokens")
_HOOK_STOPPED = ("hook_stopped", "stop_hook_prevented", "tool_deferred")
_CONTEXT_FULL = ("prompt_too_long", "blocking_limit", "model_context_window_exceeded")


@frozen
class Outcome:
    """The outcome of one iteration.

    Attributes:
        kind: The classification.
        text: One sentence for display.
        note: Additional information (the CLI did not exit on its own, the agent was hindered); usually empty.
        hindrance: How Claude's settings kept the agent from its work, and what to do about it; usually empty.
        resets_at: When a usage limit resets, aware; None if unknown or no limit.
        restart_may_help: Whether a fresh process may succeed although only the user can cure this kind as a rule.
        limit_kind: Which limit: `five_hour`, `seven_day`, …; empty when unknown or no limit.
        cost_usd: Cost of the process; None without a result record. A process that could not start cost nothing.
        tokens: Tokens used; a lower bound without a result record.
        models: What each model cost and used.
        turns: Turns of the last result.
        session_id: The CLI's own session, for `claude --resume`.
        unreported_agents: Sub-agents whose reports never came: what they were to check is unchecked.
        result_text: The final text, else the last text of the agent.
    """

    kind: OutcomeKind
    text: str
    note: str = ""
    hindrance: str = ""
    resets_at: datetime | None = None
    restart_may_help: bool = False
    limit_kind: str = ""
    cost_usd: float | None = None
    tokens: Tokens = field(default_factory=Tokens)
    models: tuple[ModelUse, ...] = ()
    turns: int = 0
    session_id: str = ""
    unreported_agents: int = 0
    result_text: str = ""


def classify(evidence: Evidence, end: ProcessEnd, now: datetime, program: str = "Claude") -> Outcome:
    """Classify a process that has ended.

    Args:
        evidence: What its records amount to.
        end: How it ended.
        now: The current time, aware; relative reset times are computed from it.
        program: The program's name, for the sentences.
    """
    verdict = _judge(evidence, end, now)
    result = evidence.result or Result("", is_error=False)
    hindrances = _hindrances(result, asked=evidence.asked)
    return Outcome(
        kind=verdict.kind,
        text=_sentence(verdict, program),
        note=" ".join([*hindrances, *_notes(end, program)]),
        hindrance=" ".join(f"{what} {remedy}" for what, remedy in hindrances.items()),
        resets_at=verdict.resets_at,
        restart_may_help=verdict.restart_may_help,
        limit_kind=verdict.limit_kind,
        cost_usd=0.0 if verdict.kind is OutcomeKind.START_FAILED else result.cost_usd,
        tokens=_tokens(evidence),
        models=result.models,
        turns=result.num_turns,
        session_id=result.session_id or (evidence.init.session_id if evidence.init else ""),
        unreported_agents=result.unreported_agents,
        result_text=result.text or evidence.last_words,
    )


def _tokens(evidence: Evidence) -> Tokens:
    result = evidence.result
    if result is None:
        return evidence.tokens
    return sum((model.tokens for model in result.models), Tokens()) if result.models else result.usage


@frozen
class _Verdict:
    """A kind, and its sentence: ours, which names Claude whichever program it was, then the program's own message."""

    kind: OutcomeKind
    text: str
    message: str = ""
    advice: str = ""
    resets_at: datetime | None = None
    limit_kind: str = ""
    restart_may_help: bool = False


def _judge(evidence: Evidence, end: ProcessEnd, now: datetime) -> _Verdict:
    if evidence.result is not None and _is_good(evidence.result):
        return _Verdict(OutcomeKind.COMPLETED, "The iteration ended well")
    if end.stopped_by is StoppedBy.PERSON:
        return _Verdict(OutcomeKind.INTERRUPTED, "The iteration was stopped by the user")
    if (limit := _limit(evidence, now)) is not None:
        return limit
    if evidence.result is not None and not (end.stopped_by and _is_aborted(evidence.result)):
        return _by_result(evidence, evidence.result)
    if evidence.result is None and (complaint := evidence.complaint()):
        return _failed_request(evidence, classify_failure(None, complaint), complaint)
    return _by_end(evidence, end)


def _is_good(result: Result) -> bool:
    return (
        result.subtype == "success"
        and not result.is_error
        and result.stop_reason not in _CUT_OFF
        and result.stop_reason != "refusal"
        and result.terminal_reason not in _CONTEXT_FULL
        and not is_disguised_failure(result.text)
    )


def _is_aborted(result: Result) -> bool:
    """Whether the result only reports the interruption by a signal, which a timeout sends as well."""
    return result.subtype == "error_during_execution"


def _limit(evidence: Evidence, now: datetime) -> _Verdict | None:
    """A limit of the account, from the CLI's own messages and from the rate-limit events."""
    text = evidence.complaint()
    said = usage_limit(text, now)
    is_cap = is_spending_cap(text)
    rejected = evidence.rejected()
    resets = [limit.resets_at for limit in rejected if limit.resets_at is not None]
    stated = said.resets_at if said else None
    if is_account_problem(text) and said is None and not (is_cap and resets):
        return _Verdict(OutcomeKind.ACCOUNT, "Claude's account refuses work", text)
    if said is None and not is_cap:
        # A refusal in an event means nothing on its own if the run then ended for another reason.
        result = evidence.result
        is_429 = result is not None and result.is_error and _status(result) == 429
        stated = stated_reset(text, now) if is_429 else None
        if not (rejected and (is_429 or result is None)) and stated is None:
            return None
    when = max(resets) if resets else stated
    # If several limits refuse, work can continue only when the last of them has reset.
    kinds = sorted((limit.resets_at != when, limit.kind) for limit in rejected if limit.kind)
    kind = kinds[0][1] if kinds else (said.kind if said else "")
    return _Verdict(
        OutcomeKind.USAGE_LIMIT,
        f"Claude's {'spending' if is_cap else 'usage'} limit is reached",
        text,
        advice=_RAISE_THE_CAP if is_cap else "",
        resets_at=when,
        limit_kind=kind,
    )


def _status(result: Result) -> int | None:
    return stated_status(result.text) if result.api_error_status is None else result.api_error_status


def _by_result(evidence: Evidence, result: Result) -> _Verdict:
    words = evidence.complaint()
    match result.subtype:
        case "error_max_turns":
            return _Verdict(OutcomeKind.MAX_TURNS, "The iteration used all the turns it may take")
        case "error_max_budget_usd":
            return _Verdict(OutcomeKind.MAX_BUDGET, "The iteration used all the money it was given")
        case "error_during_execution" if result.terminal_reason.startswith("aborted"):
            return _Verdict(OutcomeKind.INTERRUPTED, "The iteration was interrupted from outside")
        case _:
            pass
    if result.terminal_reason in _CONTEXT_FULL:
        return _Verdict(OutcomeKind.PROMPT_TOO_LONG, "The conversation is too long for the model", words)
    if result.stop_reason == "refusal":
        return _Verdict(OutcomeKind.REFUSED, "Claude declined", result.text)
    if not evidence.answered and (refusal := refused_by_hook(result.text)) is not None:
        lead = "A hook of Claude Code's settings refuses the iteration's prompt"
        return _Verdict(OutcomeKind.START_FAILED, lead, refusal)
    if not words and result.stop_reason in _CUT_OFF:
        return _Verdict(OutcomeKind.TRUNCATED, "Claude's answer was cut off in the middle")
    return _failed_request(evidence, classify_failure(result.api_error_status, words), words)


def _failed_request(evidence: Evidence, found: RequestFailure, text: str) -> _Verdict:
    restart = found.cure is Cure.RESTART or (found.cure is Cure.RESTART_IF_ANSWERED and evidence.answered)
    return _Verdict(found.kind, found.lead, text, restart_may_help=restart)


def _by_end(evidence: Evidence, end: ProcessEnd) -> _Verdict:
    """Classify by how the process ended, if it reported no failure itself."""
    retrying = ""
    if evidence.retry is not None:
        retrying = f"It was repeating a failed request (attempt {evidence.retry.attempt})."
    match end.stopped_by:
        case StoppedBy.FIRST_EVENT:
            return _Verdict(OutcomeKind.HUNG_START, "Claude started but said nothing, and was ended")
        case StoppedBy.SILENCE:
            return _Verdict(OutcomeKind.HUNG_SILENT, "Claude fell silent and was ended", advice=retrying)
        case StoppedBy.DISK:
            return _Verdict(OutcomeKind.DISK_FULL, "The iteration was ended because a disk was nearly full")
        case StoppedBy.TIMEOUT:
            taken = _span(end.duration_s)
            lead = f"The iteration was ended because it had taken {taken}"
            return _Verdict(OutcomeKind.TIMEOUT, lead, advice=retrying)
        case _:
            pass
    if end.start_error or (evidence.records == 0 and end.stderr.strip() and (end.returncode or 0) > 0):
        return _Verdict(
            OutcomeKind.START_FAILED, "Claude could not be started", end.start_error or end.stderr
        )
    if end.returncode is not None and end.returncode < 0:
        lead = f"Claude was killed by {_signal_name(-end.returncode)}"
        return _Verdict(OutcomeKind.CRASHED, lead, advice=retrying)
    if end.returncode == 0:
        lead = "Claude ended without saying what came of the iteration"
        return _Verdict(OutcomeKind.NO_RESULT, lead, advice=retrying)
    lead = f"Claude ended with exit code {end.returncode} and without a result"
    return _Verdict(OutcomeKind.CRASHED, lead, _last_line(end.stderr), retrying)


def _hindrances(result: Result, *, asked: bool) -> dict[str, str]:
    """How Claude's settings kept the agent from its work, and the remedy for each."""
    found = {}
    if result.denials and not asked:
        tools = ", ".join(sorted({denial.tool for denial in result.denials}))
        denied = f"Denied because a permission was missing: {tools} ({len(result.denials)} times)."
        found[denied] = _DENIED
    if result.terminal_reason in _HOOK_STOPPED:
        found["A hook of Claude Code's settings stopped the agent."] = (
            f"Let it do nothing where the variable {ITERATION_VARIABLE} is set."
        )
    return found


def _notes(end: ProcessEnd, program: str) -> list[str]:
    notes = []
    if end.stopped_by is StoppedBy.EXIT:
        notes.append(f"{program} did not exit after its result and was ended.")
    if end.survivors:
        notes.append(f"Could not be ended: process {', '.join(map(str, end.survivors))}.")
    return notes


def _sentence(verdict: _Verdict, program: str) -> str:
    """The sentence about a failure, with the program's own message, if any."""
    lead = verdict.text.replace("Claude", program)
    message = " ".join(without_body(verdict.message).split())
    if len(message) > _SENTENCE:
        message = message[: _SENTENCE - 1].rstrip() + "…"
    said = f"{lead}: {message}" if message else lead
    return f"{full_stop(said)} {verdict.advice}".strip()


def _span(seconds: float) -> str:
    """A duration; below two minutes in seconds, as minutes would be off by up to half of it."""
    return f"{max(1, round(seconds))} s" if seconds < 120 else human_duration(seconds)


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
