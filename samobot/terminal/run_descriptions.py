"""The end of a run, its questions and its plan, as the terminal shows them."""

from __future__ import annotations

from samobot.config.model_choice import profile_named
from samobot.phases import WaitingFor
from samobot.session.asks import read_asks
from samobot.session.files import read_text
from samobot.session.folder import SessionFolder
from samobot.session.gate_state import read_plan
from samobot.session.journal import RunEndReason
from samobot.session.plan import PlanPhase, outline, spoken_phase, spoken_title
from samobot.session.qa import parse_qa
from samobot.session.question import Question
from samobot.terminal.permission_lines import describe_asks
from samobot.text import capitalize_first, one_line, plural, printable
from samobot.worker.run import RunResult


def describe_end(end: RunResult, folder: SessionFolder) -> str:
    """Why a run ended and what the user can do now."""
    return printable(_end_text(end, folder))


def _end_text(end: RunResult, folder: SessionFolder) -> str:
    name = folder.name
    match end.reason:
        case RunEndReason.DONE:
            if end.unfinished:
                return f"⚠️ {name} is done, but {end.unfinished}\n{end.text}"
            return f"🏁 {name} is done\n{end.text}"
        case RunEndReason.WAITING:
            return _describe_gate(end, folder)
        case RunEndReason.BLOCKED:
            return (
                f"⛔ {name} is blocked in {end.phase}\n{end.text}\n\n"
                f'Help it:  samobot tell {name} "…"\nTry again:  samobot run --session {name}'
            )
        case RunEndReason.STOPPED:
            return f"⏹ {name} is stopped in {end.phase}\nContinue:  samobot run --session {name}"
        case RunEndReason.PAUSED:
            return f"⏸ {name} is paused in {end.phase}\nContinue:  samobot resume {name}"
        case RunEndReason.BUDGET if end.of_day:
            return (
                f"💰 {name}: {end.text}\nContinue:  samobot run --session {name}   tomorrow, or today with a higher "
                "SAMOBOT_DAILY_BUDGET_USD"
            )
        case RunEndReason.BUDGET:
            return f"💰 {name}: {end.text}\nContinue:  samobot run --session {name} --budget USD"
        case RunEndReason.ITERATIONS:
            return f"⏸ {name}: {end.text}\nContinue:  samobot run --session {name}"
        case RunEndReason.PARKED:
            until = f" It can continue at {end.until.astimezone():%Y-%m-%d %H:%M}." if end.until else ""
            return f"🌙 {name} waits for a limit: {end.text}{until}\nContinue:  samobot run --session {name}"
        case RunEndReason.FAILED:
            return f"⚠️ {name} failed in {end.phase}\n{end.text}\n\nTry again:  samobot run --session {name}"


def describe_questions(folder: SessionFolder) -> str:
    """Show the questions that are open, with their options."""
    qa = parse_qa(read_text(folder.qa) or "")
    return "\n\n".join(describe_question(question) for question in qa.questions if question.answer is None)


def describe_question(question: Question) -> str:
    """Show one question."""
    lines = [f"{question.label}  {question.text.strip()}"]
    lines += [f"    {option.letter})  {option.text}" for option in question.options]
    if question.suggestion or question.reason:
        what = " - ".join(part for part in (question.suggestion, question.reason) if part)
        lines.append(f"    💡 It suggests {what}")
    return printable("\n".join(lines))


def describe_plan(folder: SessionFolder) -> str:
    """Show the plan's outline and where the whole of it is."""
    choice = read_plan(folder)
    plan = choice.plan
    if plan is None:
        return f"{capitalize_first(choice.problem)}."
    shape = outline(plan.text)
    lines = [
        f"{spoken_title(shape.title)}: {plural(len(shape.phases), 'phase')}, {plural(shape.steps, 'step')}",
        "",
    ]
    lines += [
        f"  {number}  {spoken_phase(phase.title)} · {plural(len(phase.steps), 'step')}{_profile(phase)}"
        for number, phase in enumerate(shape.phases, start=1)
    ]
    return printable("\n".join([*lines, "", f"The whole plan: {plan.path}"]))


def _profile(phase: PlanPhase) -> str:
    if not phase.profile:
        return ""
    known = profile_named(phase.profile)
    return (
        f" · profile {known}"
        if known
        else f" · no profile is named “{one_line(phase.profile, 40)}”: no effect"
    )


def _describe_gate(end: RunResult, folder: SessionFolder) -> str:
    name = folder.name
    then = (
        f"samobot resume {name}   (it stays paused until then)"
        if end.paused
        else f"samobot run --session {name}"
    )
    match end.waiting_for:
        case WaitingFor.QA_ANSWERS:
            return (
                f"❓ {name} asks\n\n{describe_questions(folder)}\n\n"
                f'Answer:  samobot answer {name} Q1=A "Q2=in your own words"   or   samobot answer {name} --suggestions\n'
                f"Then:    {then}"
            )
        case WaitingFor.PLAN_APPROVAL:
            return (
                f"📋 {name} has a plan\n\n{describe_plan(folder)}\n\n"
                f'Decide:  samobot approve {name}   or   samobot reject {name} --feedback "…"\n'
                f"Then:    {then}"
            )
        case WaitingFor.PERMISSION:
            return printable(
                f"🔐 {name} asks before a risky step\n\n{describe_asks(name, read_asks(folder, None).waiting)}\n\n"
                f"Then:    {then}"
            )
        case _:
            return (
                f"✋ {name} needs you to do something\n{end.text}\n\nWhen it is done:  samobot resume {name}"
            )
