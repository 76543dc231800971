"""Another round of a session that is done: the same folder and branch, with a task of its own.

The user's text becomes part of the task, so that every iteration of the round is given it. Approvals of earlier
rounds no longer count. Safe to repeat after a crash at any point.
"""

from __future__ import annotations

from datetime import datetime

from samobot.errors import ConflictError, UsageError
from samobot.phases import Phase
from samobot.session import journal
from samobot.session.baseline import edit_overview
from samobot.session.decisions import Decision, DecisionKind, is_marked, record
from samobot.session.files import read_text
from samobot.session.folder import SessionFolder
from samobot.session.gate_effects import Person, journal_decisions, look_closely
from samobot.session.journal import EventName
from samobot.session.last_run import is_done
from samobot.session.lock import holder
from samobot.session.overview import parse_overview
from samobot.session.overview_edits import NOTHING_PLANNED, add_flow, flow_line, set_status, set_task
from samobot.session.turn import remove_signal
from samobot.session.vault import edit_lock
from samobot.text import one_line, without_surrogates


def follow_up(
    folder: SessionFolder, text: str, person: Person, now: datetime, key: bytes, *, questions: bool = True
) -> bool:
    """Begin another round of a session that is done.

    Args:
        folder: The session.
        text: What is to be done now, verbatim.
        person: Who asks for it.
        now: When.
        key: The key of the marks.
        questions: Whether it starts in requirements; else in planning.

    Returns:
        Whether it was begun; False if exactly this round had been begun before.

    Raises:
        UsageError: There is no text.
        ConflictError: The session is running, or is not done.
        StorageError: The disk refused.
    """
    text = without_surrogates(text).strip()
    if not text:
        raise UsageError("Say what is to be done next.")
    with edit_lock(folder.path):
        rounds = [
            each
            for each in look_closely(folder).decisions.decisions
            if each.kind is DecisionKind.FOLLOW_UP and is_marked(folder, each, key)
        ]
        last = rounds[-1] if rounds else None
        begun = last is not None and _is_begun(folder, last)
        done = holder(folder) is None and _done(folder)
        if last is not None and last.text == text and not done:
            if not begun:
                _journal_round(folder, len(rounds) + 1, now)
            return False
        if not done:
            raise ConflictError(f"{folder.name} is not done yet; give it guidance instead.")
        if last is None or begun or last.text != text:
            last = record(
                folder, Decision(now, person.who, person.via, DecisionKind.FOLLOW_UP, text=text), key
            )
            rounds.append(last)
        journal_decisions(folder, now, key)
        _begin(folder, last, len(rounds) + 1, Phase.REQUIREMENTS if questions else Phase.PLANNING, now)
    return True


def _begin(folder: SessionFolder, decision: Decision, number: int, phase: Phase, now: datetime) -> None:
    words = decision.text or ""

    def change(content: str) -> str:
        task = parse_overview(content).task or ""
        content = set_task(content, _task(task, words, number, decision.who))
        content = set_status(
            content, {"Phase": phase, "Iteration": "0", "Blocked": "no", "Next": NOTHING_PLANNED}
        )
        return add_flow(
            content, flow_line(f"Round {number}, {decision.who}: {one_line(words, 200)}", now.astimezone())
        )

    remove_signal(folder)
    edit_overview(folder, change)
    _journal_round(folder, number, now)


def _journal_round(folder: SessionFolder, number: int, now: datetime) -> None:
    phase = parse_overview(read_text(folder.overview) or "").phase or Phase.REQUIREMENTS
    journal.append(
        folder, EventName.PHASE, now, **{"from": Phase.DONE, "to": phase, "by": "person", "round": number}
    )


def _task(task: str, words: str, number: int, who: str) -> str:
    return (
        f"{task}\n\nThis was done. Round {number}, asked for by {who}, is to do this now:\n\n{words}".strip()
    )


def _done(folder: SessionFolder) -> bool:
    return is_done(look_closely(folder), journal.read(folder))


def _is_begun(folder: SessionFolder, decision: Decision) -> bool:
    """Whether the round of a decision has left the last phase."""
    moves = journal.read(folder).phases
    return any(
        move.source == Phase.DONE
        and move.by == "person"
        and decision.at is not None
        and move.at >= decision.at
        for move in moves
    )
