"""Whether a session's questions and plan are still open, and how they were decided. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from samobot.errors import ConflictError
from samobot.fleet.models import SessionView
from samobot.phases import Phase, WaitingFor
from samobot.session.decisions import DecisionKind
from samobot.session.question import Question
from samobot.session.status import SessionState
from samobot.telegram.handlers.chat_request import ChatRequest
from samobot.telegram.handlers.resolve import is_active
from samobot.telegram.views.wording import spoken_answer

_VERDICTS: Mapping[str, str] = {DecisionKind.APPROVAL: "approved", DecisionKind.REJECTION: "sent back"}


def has_open_questions(view: SessionView) -> bool:
    """Whether questions of a session wait for answers."""
    waits = bool(view.open_questions) and view.state is not SessionState.DONE
    return waits or is_unfinished(view, DecisionKind.ANSWER)


def has_plan(view: SessionView) -> bool:
    """Whether a plan of a session can be decided about."""
    return view.plan is not None and (
        view.waiting_for is WaitingFor.PLAN_APPROVAL
        or (view.plan.verdict is None and (is_active(view) or _stopped_at_its_plan(view)))
        or is_unfinished(view, DecisionKind.APPROVAL, DecisionKind.REJECTION)
    )


def has_plan_for(view: SessionView, request: ChatRequest, verdict: DecisionKind) -> bool:
    """Whether a plan can be decided about, or this request has decided so already: the bot died before its receipt."""
    plan = view.plan
    return has_plan(view) or (
        plan is not None
        and (plan.verdict, plan.by, plan.via) == (verdict, request.person.who, request.person.via)
        and plan.at is not None
        and plan.at.timestamp() >= request.sent_at > 0
    )


def plan_waits(view: SessionView) -> bool:
    """Whether a session waits for the approval of its plan."""
    return view.plan is not None and view.waiting_for is WaitingFor.PLAN_APPROVAL


def how_decided(view: SessionView, request: ChatRequest) -> str:
    """How the plan was decided since feedback was asked for, as a sentence; empty if feedback still counts."""
    plan = view.plan
    if plan is None or view.waiting_for is WaitingFor.PLAN_APPROVAL:
        return ""
    these_words = plan.verdict == DecisionKind.REJECTION and plan.feedback == request.text
    if these_words or (is_unfinished(view, DecisionKind.REJECTION) and plan.by == request.person.who):
        return ""  # the bot died after it recorded this feedback
    if plan.verdict is None and view.phase is Phase.PLANNING and has_plan(view):
        return ""
    return no_plan(view)


def no_plan(view: SessionView) -> str:
    """Why no plan of a session waits for a decision, as a sentence."""
    if view.plan is None:
        return f"{view.ref.name} has no plan yet."
    verdict, who, last = view.plan.verdict, view.plan.by, view.decision
    if verdict is None and last is not None and last.kind in _VERDICTS:
        verdict, who = last.kind, last.who  # an agent that ticks off its steps makes another content of it
    word = _VERDICTS.get(verdict or "", "decided")
    by = f" by {who}" if who else ""
    return f"The plan of {view.ref.name} was {word}{by} already; nothing waits for it."


def check_not_answered(question: Question, words: str, request: ChatRequest) -> None:
    """Refuse to overwrite another user's answer.

    Raises:
        ConflictError: Another user was first.
    """
    same = question.by is None or question.by == request.person.who
    if question.answer is None or same or question.answer == words:
        return
    raise ConflictError(
        f"{question.label} was answered by {question.by} already: {spoken_answer(question.answer, 100)}"
    )


def check_answer_stands(question: Question, words: str, *, before: str | None) -> None:
    """Refuse an answer to a question that was answered after the prompt was sent.

    Args:
        question: The question as it is now.
        words: The answer.
        before: The answer at the time of the prompt.

    Raises:
        ConflictError: It was answered meanwhile, with something else.
    """
    if conflicts_with_answer(question, words, before):
        raise ConflictError(f"{answered_already(question)} Tap Change below it to say something else.")


def conflicts_with_answer(question: Question, words: str, before: str | None) -> bool:
    """Whether a question was answered differently since the prompt was sent; see `check_answer_stands`."""
    answer = question.answer
    if answer is None or answer == before or answer.strip() == words.strip():
        return False
    letter = words.strip().upper()
    return not any(letter == option.letter and answer.startswith(f"{letter})") for option in question.options)


def answered_already(question: Question) -> str:
    """How a question is answered, as a sentence."""
    return f"{question.label} is answered already: {spoken_answer(question.answer or '', 100)}."


def is_not_done(view: SessionView) -> bool:
    """Whether there may be another iteration to read guidance."""
    return view.state is not SessionState.DONE


def check_not_sent_back(view: SessionView) -> None:
    """Refuse to approve a plan that was sent back, unless it is shown again."""
    if view.plan is not None and view.plan.verdict == "rejection" and view.waiting_for is None:
        raise ConflictError(no_plan(view))


def is_unfinished(view: SessionView, *kinds: DecisionKind) -> bool:
    """Whether such a decision is recorded but was not acted on: the bot died in between.

    Repeating it adds nothing and resumes the session.
    """
    rests = view.state is SessionState.IDLE and not view.wanted and not view.lost
    return rests and view.decision is not None and view.decision.kind in kinds


def _stopped_at_its_plan(view: SessionView) -> bool:
    return view.state is SessionState.STOPPED and view.phase is Phase.PLANNING
