"""Views of sessions for tests of the chat: made of keyword arguments, with what a session usually looks like."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from samobot.fleet.models import (
    PlanPhaseView,
    PlanView,
    RunEndView,
    SessionRef,
    SessionView,
)
from samobot.phases import BlockCause, Phase, WaitingFor
from samobot.session.journal import RunEndReason
from samobot.session.question import Option, Question
from samobot.session.status import SessionState

AT = datetime(2026, 1, 15, 14, 0, tzinfo=UTC)
REF = SessionRef(project="demo", folder="26-01-15-greet", name="greet")


def session(**values: Any) -> SessionView:
    """A session that runs its sixth iteration in implementation, unless said otherwise."""
    usual: dict[str, Any] = {
        "ref": REF, "state": SessionState.RUNNING, "phase": Phase.IMPLEMENTATION,
        "visited": (Phase.INVESTIGATION, Phase.REQUIREMENTS, Phase.PLANNING, Phase.IMPLEMENTATION),
        "iteration": 6, "visit": 2, "waiting_for": None, "gate": None, "reason": "", "summary": "",
        "questions": (), "plan": None, "guidance": (), "activity": "Editing src/greet.py", "running_since": AT,
        "has_worker": True, "parked_until": None, "limit": "", "end": None, "run": "run-1", "lost": False,
        "auto": False, "remarks": (), "last_action": "wrote the parser", "next": "phase 2 of 3, tests",
        "started": AT, "updated": AT, "duration_s": 0.0, "waited_s": 0.0, "cost_usd": 1.84,
        "cost_by_phase": {}, "cost_by_model": {}, "budget_usd": None,
        "iterations_by_phase": {"investigation": 1, "requirements": 2, "planning": 1, "implementation": 1},
    }  # fmt: skip
    return SessionView(**(usual | values))


def at_rest(state: SessionState, **values: Any) -> SessionView:
    """A session that no worker holds."""
    return session(
        **({"state": state, "activity": None, "running_since": None, "has_worker": False} | values)
    )


def question(index: int = 0, **values: Any) -> Question:
    """The question for a greeting, with options A, B and C; it suggests B."""
    usual: dict[str, Any] = {
        "index": index, "number": index + 1, "label": f"Q{index + 1}", "identity": f"identity-{index}",
        "text": "Which greeting should it print?",
        "options": (
            Option(letter="A", text="hello"),
            Option(letter="B", text="good day, with the name argument shown in **bold**"),
            Option(letter="C", text="something else"),
        ),
        "suggestion": "B", "reason": "polite, and it takes a name", "answer": None, "round": None,
    }  # fmt: skip
    return Question(**(usual | values))


def asking(*questions: Question, **values: Any) -> SessionView:
    """A session that waits for answers."""
    usual: dict[str, Any] = {
        "phase": Phase.REQUIREMENTS, "waiting_for": WaitingFor.QA_ANSWERS, "questions": questions,
        "gate": "qa:" + "-".join(each.identity for each in questions), "iteration": 3,
        "iterations_by_phase": {"investigation": 1, "requirements": 2}, "end": ended(RunEndReason.WAITING),
    }  # fmt: skip
    return at_rest(SessionState.WAITING, **(usual | values))


def plan(sha256: str = "a" * 64, **values: Any) -> PlanView:
    """A plan of three phases and eleven steps."""
    usual: dict[str, Any] = {
        "name": "01-15-14:00-plan-greeting.md", "sha256": sha256, "title": "Greeting script", "size": 2000,
        "phases": (
            PlanPhaseView(title="Script", steps=4),
            PlanPhaseView(title="Tests", steps=5),
            PlanPhaseView(title="Docs", steps=2),
        ),
    }  # fmt: skip
    return PlanView(**(usual | values))


def planned(shown: PlanView, **values: Any) -> SessionView:
    """A session that waits for a word on its plan."""
    usual: dict[str, Any] = {
        "phase": Phase.PLANNING, "waiting_for": WaitingFor.PLAN_APPROVAL, "plan": shown,
        "gate": f"plan:{shown.sha256}", "iteration": 4, "end": ended(RunEndReason.WAITING),
    }  # fmt: skip
    return at_rest(SessionState.WAITING, **(usual | values))


def blocked(
    asked: str = "3 of 12 tests fail: no network here. Mock it, or skip these?", **values: Any
) -> SessionView:
    """A session that the agent has blocked in testing."""
    usual: dict[str, Any] = {
        "phase": Phase.TESTING, "reason": asked, "end": ended(RunEndReason.BLOCKED, cause=BlockCause.AGENT),
    }  # fmt: skip
    return at_rest(SessionState.BLOCKED, **(usual | values))


def ended(
    reason: RunEndReason, at: datetime = AT, text: str = "", cause: BlockCause | None = None
) -> RunEndView:
    """How a run ended."""
    return RunEndView(at=at, reason=reason, text=text, cause=cause, paused=reason is RunEndReason.PAUSED)
