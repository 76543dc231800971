"""An agent cannot pass its own gate: what it wrote in the user's name is reverted.

As long as there is a baseline (see `baseline`), what the bot or the command line wrote is recorded in the vault and
stays; anything else in `_qa.md`, `_decisions.jsonl` and `_guidance.md` that speaks for the user is void.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from samobot.frozen import frozen
from samobot.phases import Phase
from samobot.session import journal
from samobot.session.baseline import (
    Baseline,
    answers_in,
    counting_guidance,
    decided_since,
    distrust,
    edit_overview,
    expected_decisions,
    lacks_records,
    lines_of,
    load,
    text_of,
)
from samobot.session.decisions import Decision, load_key, parse_line
from samobot.session.files import is_unusable, move_aside, read_bytes, read_text, remove, write_atomic
from samobot.session.folder import SessionFolder
from samobot.session.gate_state import BLOCKED_WAITING, look
from samobot.session.guidance import GuidanceItem, parse_guidance
from samobot.session.journal import EventName
from samobot.session.overview_edits import set_status
from samobot.session.qa import parse_qa
from samobot.session.qa_restore import ChangeKind, QaChange, restore_answers
from samobot.session.vault import state_dir
from samobot.text import one_line

_AFTER_APPROVAL = (Phase.IMPLEMENTATION, Phase.TESTING, Phase.QUALITY)
_ANSWER = 80
_MOST_NAMED = 5
"""Forged pieces of guidance that are named one by one."""


class VoidKind(StrEnum):
    """What an agent did that only the user may do."""

    ANSWER = "answer"
    ANSWER_REMOVED = "answer_removed"
    QUESTION_REMOVED = "question_removed"
    QUESTIONS_DELETED = "questions_deleted"
    DECISION = "decision"
    DECISIONS_REWRITTEN = "decisions_rewritten"
    GUIDANCE = "guidance"
    GUIDANCE_REWRITTEN = "guidance_rewritten"
    RECORDS = "records"


@frozen
class Voided:
    """One change that was declared void, with a sentence for the user."""

    kind: VoidKind
    detail: str


def revert(folder: SessionFolder) -> tuple[Voided, ...]:
    """Revert what appeared since the baseline without the user, and report it. Safe to repeat.

    The caller holds the folder's edit lock. Without a baseline, nothing is done; but a session that was worked on and
    has no records gets one that knows of nothing.

    Raises:
        StorageError: A file cannot be read or restored.
    """
    voided = list(replace_lost_baseline(folder)) if lacks_records(folder) else []
    baseline = load(folder)
    if baseline is None:
        return ()
    for path in (folder.qa, folder.decisions, folder.guidance):
        if is_unusable(path):
            move_aside(path, folder.logs)
    voided += _settle_decisions(folder, baseline)
    voided += _settle_answers(folder, baseline)
    voided += _settle_guidance(folder, baseline)
    return tuple(voided)


def replace_lost_baseline(folder: SessionFolder) -> tuple[Voided, ...]:
    """Give a session one that knows of nothing, if its iteration never ended or its records are gone with the baseline.

    The caller holds the folder's edit lock, and knows that the worker of that iteration is dead: a living one that has
    reverted all is about to record the end.

    Raises:
        StorageError: A file cannot be read, or the vault not be written.
    """
    lacking = lacks_records(folder)
    if load(folder) is not None or (not lacking and journal.read(folder).iteration is None):
        return ()
    distrust(folder, load_key(state_dir()))
    if not lacking:
        return ()
    text = (
        "samobot has no records of this session in its state folder: only decisions that bear its mark count"
    )
    state = look(folder)
    if state.overview.phase in _AFTER_APPROVAL and not state.plan_approved:
        blocked = "no" if state.plan is None else BLOCKED_WAITING
        edit_overview(folder, lambda old: set_status(old, {"Phase": Phase.PLANNING, "Blocked": blocked}))
        text += ". Its plan has to be approved again"
    return (Voided(VoidKind.RECORDS, f"{text}."),)


def revert_and_log(folder: SessionFolder, now: datetime) -> tuple[Voided, ...]:
    """The same before a decision or guidance is accepted; journaled, which notifies the user.

    Raises:
        StorageError: As for `revert`, or the journal cannot be written.
    """
    voided = revert(folder)
    for item in voided:
        journal.append(folder, EventName.VOID, now, kind=item.kind, detail=item.detail)
    return voided


def _settle_decisions(folder: SessionFolder, baseline: Baseline) -> list[Voided]:
    """Leave the baseline's lines and those that samobot recorded; return what was void."""
    content = read_bytes(folder.decisions)
    now, expected = lines_of(content), expected_decisions(folder, baseline)
    if now == expected:
        return []
    remaining = Counter(expected)
    voided: list[Voided] = []
    kept: list[bytes] = []
    for line in now:
        if remaining[line] > 0:
            remaining[line] -= 1
            kept.append(line)
        else:
            voided.append(Voided(VoidKind.DECISION, _describe(_parse(line))))
    if voided and content is not None:
        _keep(folder, "decisions", content)
    if kept != expected:
        detail = "The record of decisions was deleted or rewritten during the iteration; it was restored."
        voided.append(Voided(VoidKind.DECISIONS_REWRITTEN, detail))
    if expected or baseline.decisions is not None:
        write_atomic(folder.decisions, b"".join(line + b"\n" for line in expected))
    else:
        remove(folder.decisions)
    return voided


def _settle_guidance(folder: SessionFolder, baseline: Baseline) -> list[Voided]:
    """Restore the users' guidance, ticked where samobot ticked it; return what was void."""
    expected, found = counting_guidance(folder, baseline), read_text(folder.guidance)
    if found == expected or (not expected and not found):
        return []
    before, now = parse_guidance(expected or ""), parse_guidance(found or "")
    spoken = Counter(map(_words_of, before))
    forged: list[GuidanceItem] = []
    for item in now:
        if spoken[_words_of(item)] > 0:
            spoken[_words_of(item)] -= 1
        else:
            forged.append(item)
    kept = f"; what stood there is in _logs/{_keep(folder, 'guidance', found).name}" if found else ""
    voided = [
        Voided(
            VoidKind.GUIDANCE,
            f"Guidance that no user gave was written in the name of {one_line(item.who or 'a user', 40)} and was "
            f"removed: “{one_line(item.text, 80)}”{kept}.",
        )
        for item in forged[:_MOST_NAMED]
    ]
    if len(forged) > _MOST_NAMED:
        voided.append(
            Voided(VoidKind.GUIDANCE, f"{len(forged) - _MOST_NAMED} more of that kind were removed.")
        )
    if not forged or spoken.total():
        what = "deleted" if found is None else "rewritten"
        text = f"The guidance was {what} during the iteration; it was restored{kept}."
        voided.append(Voided(VoidKind.GUIDANCE_REWRITTEN, text))
    if expected is None:
        remove(folder.guidance)
    else:
        write_atomic(folder.guidance, expected)
    return voided


def _words_of(item: GuidanceItem) -> tuple[str | None, str]:
    return item.who, item.text


def _settle_answers(folder: SessionFolder, baseline: Baseline) -> list[Voided]:
    content = read_bytes(folder.qa)
    said = answers_in(decided_since(folder, baseline))
    voided: list[Voided] = []
    before = parse_qa(text_of(baseline.qa or b"")).questions
    if content is None and before and baseline.qa is not None:
        content = baseline.qa
        write_atomic(folder.qa, content)
        detail = "The file of questions and answers was deleted during the iteration; it was restored."
        voided.append(Voided(VoidKind.QUESTIONS_DELETED, detail))
    if content is None:
        return voided
    text = text_of(content)
    restored = restore_answers(text_of(baseline.qa or b""), text, said)
    copy = _keep(folder, "qa", baseline.qa) if restored.keep_before and baseline.qa is not None else None
    voided += [_voided(change, copy) for change in restored.changes]
    if restored.text != text:
        if restored.keep_after or any(_is_cut(change.written or "") for change in restored.changes):
            _keep(folder, "qa", content)
        write_atomic(folder.qa, restored.text)
    return voided


def _is_cut(answer: str) -> bool:
    """Whether the sentence about an answer does not hold all of it."""
    return one_line(answer, _ANSWER) != answer


def _voided(change: QaChange, copy: Path | None) -> Voided:
    written, answer = one_line(change.written or "", _ANSWER), one_line(change.restored or "", _ANSWER)
    match change.kind:
        case ChangeKind.ANSWER_REMOVED:
            return Voided(
                VoidKind.ANSWER_REMOVED,
                f"{change.label}: the answer “{answer}” had been removed; it is back.",
            )
        case ChangeKind.ANSWERED:
            now = "it is open again" if change.restored is None else f"restored to “{answer}”"
            return Voided(
                VoidKind.ANSWER, f"{change.label}: the answer “{written}” was not given by a user; {now}."
            )
        case ChangeKind.QUESTION_REMOVED:
            kept = f"; the questions as they were are in _logs/{copy.name}" if copy is not None else ""
            return Voided(
                VoidKind.QUESTION_REMOVED,
                f"{change.label} was removed or changed before it was answered{kept}.",
            )


def _describe(decision: Decision | None) -> str:
    if decision is None:
        return "A line that appeared in the record of decisions during the iteration was removed."
    about = decision.question or decision.file
    what = f"{decision.kind.replace('_', ' ')}{f' ({one_line(about, 80)})' if about else ''}"
    return f"A decision that no user made appeared during the iteration and was removed: {what}."


def _keep(folder: SessionFolder, name: str, content: str | bytes) -> Path:
    """Keep a file as it was; equal contents are kept once."""
    data = content.encode("utf-8", "surrogateescape") if isinstance(content, str) else content
    path = folder.logs / f"{name}-{hashlib.sha256(data).hexdigest()[:12]}.md"
    if not path.exists():
        write_atomic(path, data)
    return path


def _parse(line: bytes) -> Decision | None:
    return parse_line(text_of(line))
