"""The journal's records of the end of an iteration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from samobot.claude.outcome import Outcome
from samobot.session.journal import EventName
from samobot.session.signal import Signal, SignalProblem
from samobot.worker.session_files import SessionFiles


def log_end(
    files: SessionFiles, about: Mapping[str, object], outcome: Outcome, seconds: float, head: str | None
) -> None:
    """Record what became of an iteration.

    Args:
        files: The session's files.
        about: The fields that name the iteration.
        outcome: Its outcome.
        seconds: How long it took.
        head: The commit that is checked out, if known.
    """
    files.log(
        EventName.ITERATION_END,
        **about,
        outcome=outcome.kind,
        text=outcome.text,
        cost_usd=outcome.cost_usd,
        tokens={
            "input": outcome.tokens.input,
            "output": outcome.tokens.output,
            "cache_read": outcome.tokens.cache_read,
            "cache_write": outcome.tokens.cache_write,
        },
        models={use.name: use.cost_usd for use in outcome.models},
        turns=outcome.turns,
        duration_s=round(seconds, 3),
        head=head,
    )


def log_signal(files: SessionFiles, signal: Signal | SignalProblem, number: int) -> None:
    """Record the signal of iteration `number`, or what is wrong with it."""
    if isinstance(signal, SignalProblem):
        files.log(EventName.SIGNAL, n=number, status=None, problem=signal.message)
        return
    tests = {} if signal.tests is None else {"tests": asdict(signal.tests)}
    files.log(
        EventName.SIGNAL,
        n=number,
        status=signal.status,
        phase=signal.phase,
        summary=signal.summary,
        reason=signal.reason,
        needs=signal.needs,
        **{"for": signal.waiting_for},
        **tests,
        problem=None,
    )
