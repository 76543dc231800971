"""The prompt of an iteration besides its agent's role: the workflow, the context, and what the user wrote.

The agent's own text replaces the CLI's default system prompt, and with it the working directory and the platform;
the text made here is appended and restores them. Agent and appended text are one cached block, so only what stays the
same for all iterations of a phase is in it; what changes is in the message that starts the iteration. Everything is a
function of `IterationContext`; the loop gathers it.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from samobot.claude.mcp import mcp_name
from samobot.config.learned import LEARNED, LESSON_CHARACTERS, LESSON_LINES
from samobot.frozen import frozen
from samobot.phases import RULES, Phase, SignalStatus
from samobot.text import human_duration

_TAGS = ("task", "lessons", "learned", "calls", "feedback", "answers", "guidance")
_ANY_TAG = re.compile(rf"<(?=\s*/?\s*(?:{'|'.join(_TAGS)})\b)", re.IGNORECASE)
_STATUS_LINES = 12
_STATUS_WIDTH = 120


@frozen
class AnsweredQuestion:
    """A question and its answer since the last iteration."""

    question: str
    answer: str


@frozen
class IterationContext:
    """The context of one iteration, for its agent.

    Attributes:
        phase: The phase it works on.
        visit: Number of this iteration in this visit of the phase, from 1.
        visit_limit: Iterations that a visit may have.
        number: Number of this iteration in the session, from 1.
        session: The session's folder, absolute.
        workdir: The working directory, absolute.
        task: The task as the user wrote it; may be empty.
        platform: Operating system, for example `Linux 6.1`.
        branch: The current git branch; None if there is none.
        git_status: The output of `git status --short`, of which the first lines are shown; None if the
            working directory is no git repository.
        guidance: The user's guidance for this iteration, oldest first, verbatim.
        repeated: The same that an interrupted iteration was given already.
        feedback: Why the user returned the plan, if there is no newer plan.
        answers: What was answered since the last iteration.
        verdicts: What the user decided about calls that earlier iterations asked for, each with the call.
        reminder: What was wrong with the last iteration's signal or end.
        base: The commit at which the branch left the default one, if known.
        seconds: When the iteration is ended, from its start; None for no limit.
        budget_left: US dollars it may cost; None for no limit.
        learned: What earlier iterations noted for those after them.
        lessons: What earlier sessions of the project learned, as the user accepted it.
        browsers: MCP servers that show web pages.
        reachable: The hosts that can be connected to; None for no limit.
    """

    phase: Phase
    visit: int
    visit_limit: int
    number: int
    session: Path
    workdir: Path
    task: str
    platform: str
    branch: str | None = None
    git_status: str | None = None
    guidance: tuple[str, ...] = ()
    repeated: tuple[str, ...] = ()
    feedback: str = ""
    answers: tuple[AnsweredQuestion, ...] = ()
    verdicts: tuple[str, ...] = ()
    reminder: str = ""
    base: str | None = None
    seconds: float | None = None
    budget_left: float | None = None
    learned: str = ""
    lessons: str = ""
    browsers: tuple[str, ...] = ()
    reachable: tuple[str, ...] | None = None


def iteration_context(facts: IterationContext, workflow: str) -> str:
    """Build the text that is appended to the agent's own: the same for all iterations of a phase.

    Args:
        facts: About this iteration.
        workflow: The contract of an iteration (`assets.workflow_text`).
    """
    parts = [
        workflow.strip(),
        _where(facts),
        _section("The task, as the user wrote it", facts.task or "See `_overview.md`.", tag="task"),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def iteration_prompt(facts: IterationContext) -> str:
    """Build the message that starts the iteration, with everything that is new in it."""
    parts = [
        f"Carry out iteration {facts.number} of this session: one piece of the {facts.phase} phase. "
        "Begin with `_overview.md`, end with `_signal.json`.",
        _now(facts),
        _section(
            "Learned in earlier sessions of this project (may be out of date)",
            _without_tags(_clipped(facts.lessons)),
            tag="lessons",
        ),
        _section(
            "Learned by earlier iterations (may be out of date)",
            _without_tags(_clipped(facts.learned)),
            tag="learned",
        ),
        _section("Last time", facts.reminder),
        _section("The user returned the plan with this feedback", facts.feedback, tag="feedback"),
        _section("Answers since the last iteration", _answers(facts.answers), tag="answers"),
        _section(
            "Calls of tools that the user decided about",
            _without_tags("\n\n".join(facts.verdicts)),
            tag="calls",
        ),
        _section(
            "Guidance from the user that an interrupted iteration had already: look first at what it did about it",
            _guidance(facts.repeated),
            tag="guidance",
        ),
        _section("Guidance for this iteration, from the user", _guidance(facts.guidance), tag="guidance"),
    ]
    return "\n\n".join(part for part in parts if part)


def hook_environment(phase: Phase, signal: Path) -> dict[str, str]:
    """The environment variables of the plugin's Stop hook, which does nothing without them.

    Args:
        phase: The phase of the iteration.
        signal: Where its signal has to be, absolute.
    """
    rule = RULES[phase]
    return {
        "SAMOCODE_SIGNAL": str(signal),
        "SAMOCODE_PHASE": phase.value,
        "SAMOCODE_STATUSES": " ".join(rule.signals),
        "SAMOCODE_TARGETS": " ".join(rule.targets),
    }


def _where(facts: IterationContext) -> str:
    lines = [
        "# This iteration",
        "",
        f"- Phase: {facts.phase}",
        f"- Session folder: {facts.session}",
        f"- Working directory: {facts.workdir}",
        f"- Platform: {facts.platform}",
        f"- Signals: {_signals(facts.phase)}",
    ]
    if facts.base:
        lines.append(f"- Base of the branch (`BASE`): {facts.base}")
    if facts.reachable is not None:
        lines.append(
            f"- Network: only {', '.join(facts.reachable)} can be connected to, by programs that use the proxy in "
            "`HTTPS_PROXY`; everything else is refused (403). If the task needs another host, name it to the user."
        )
    if facts.seconds is not None:
        lines.append(f"- Time: the iteration is ended after {human_duration(facts.seconds)}, finished or not")
    if any(shlex.quote(str(path)) != str(path) for path in (facts.session, facts.workdir)):
        lines += ["", "These paths have to be quoted in shell commands."]
    return "\n".join(lines)


def _now(facts: IterationContext) -> str:
    lines = [
        f"- Iteration: {facts.visit} of at most {facts.visit_limit} in this visit, {facts.number} in the session",
        f"- Git: {_git(facts)}",
    ]
    if facts.budget_left is not None:
        lines.append(f"- Money: ${facts.budget_left:.2f} left")
    if facts.browsers:
        tools = ", ".join(f"`mcp__{mcp_name(name)}`" for name in facts.browsers)
        lines.append(
            f"- Browser: {tools}. Look at every page that changed with it, and save screenshots into the session folder."
        )
    if facts.visit >= facts.visit_limit:
        lines.append(
            "- This is the last iteration of this visit. Bring the phase to its end, or signal `blocked` and say "
            "what is left."
        )
    if facts.git_status and facts.git_status.strip():
        lines += [
            "",
            "Not committed at the start (`git status --short`):",
            "",
            "```",
            _status(facts.git_status),
            "```",
        ]
    return "\n".join(lines)


def _clipped(text: str) -> str:
    """The first lines of what earlier iterations noted: an agent may write more than is asked for."""
    lines = text.strip().splitlines()
    shown = "\n".join(lines[:LESSON_LINES])[:LESSON_CHARACTERS]
    return shown if shown == text.strip() else f"{shown}\n… (more in `{LEARNED}`)"


def _git(facts: IterationContext) -> str:
    if facts.git_status is None:
        return "the working directory is not a git repository; do not make it one"
    branch = f"branch `{facts.branch}`" if facts.branch else "no branch is checked out"
    return f"{branch}, {'with uncommitted changes' if facts.git_status.strip() else 'nothing uncommitted'}"


def _signals(phase: Phase) -> str:
    rule = RULES[phase]
    said = ", ".join(f"`{status}`" for status in rule.signals)
    if SignalStatus.CONTINUE not in rule.signals:
        return f"{said}; this is the last phase"
    targets = " or ".join(f"`{target}`" for target in rule.targets)
    return f"{said}; `phase` is `{phase}` while work is left here, then {targets}"


def _status(text: str) -> str:
    lines = text.splitlines()
    shown = [
        line if len(line) <= _STATUS_WIDTH else line[:_STATUS_WIDTH] + "…" for line in lines[:_STATUS_LINES]
    ]
    if len(lines) > _STATUS_LINES:
        shown.append(f"… and {len(lines) - _STATUS_LINES} more")
    return "\n".join(shown)


def _answers(answers: tuple[AnsweredQuestion, ...]) -> str:
    return "\n".join(f"- {_without_tags(item.question)}\n  {item.answer}" for item in answers)


def _guidance(items: tuple[str, ...]) -> str:
    return "\n".join(f"- {item}" for item in items)


def _without_tags(text: str) -> str:
    """An agent's text, which must not end its section and pose as guidance or an answer of the user in the next one."""
    return _ANY_TAG.sub("&lt;", text)


def _section(title: str, text: str, *, tag: str = "") -> str:
    """A section, or nothing; what others wrote is enclosed in tags, so that its end is clear."""
    text = text.strip()
    if not text:
        return ""
    body = f"<{tag}>\n{text}\n</{tag}>" if tag else text
    return f"# {title}\n\n{body}"
