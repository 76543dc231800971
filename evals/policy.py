"""The person of the eval: answers questions as the task says, and approves plans. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from evals.attempt import Question
from evals.task import EvalTask

_DEFAULT = "Decide that yourself; what people would expect is right."


def answers(task: EvalTask, questions: Sequence[Question]) -> dict[int, str]:
    """Answer the open questions, by number: what the task knows, else what was suggested, else "you decide"."""
    return {
        question.number: task.answer_to(question.text) or question.suggestion or _DEFAULT
        for question in questions
        if question.answer is None
    }
