"""Guards the gates against the agent: decisions that appeared during an iteration without the user are reverted.

`save` keeps the user's files as they were before an iteration; `undo` compares afterwards. What the bot or
the command line wrote meanwhile carries a fresh mark and stays; anything else in these two files that decides
for the user is void. The copy on disk is for the next worker, if this one is killed in between.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from samobot.session.decisions import Decision, DecisionKind, is_marked, parse_line
from samobot.session.file_lock import edit_lock
from samobot.session.files import is_unusable, move_aside, read_bytes, remove, write_atomic
from samobot.session.folder import SessionFolder
from samobot.session.qa import parse_qa
from samobot.session.qa_restore import ChangeKind, QaChange, restore_answers
from samobot.text import one_line


class VoidKind(StrEnum):
    """What an agent did that only the user may do."""

    ANSWER = "answer"
    ANSWER_REMOVED = "answer_removed"
    QUESTION_REMOVED = "question_removed"
    QUESTIONS_DELETED = "questions_deleted"
    DECISION = "decision"
    DECISIONS_REWRITTEN = "decisions_rewritten"


@dataclass(frozen=True, slots=True)
class Baseline:
    """The user's files before an iteration; None for one that was not there."""

    qa: bytes | None
    decisions: bytes | None


@dataclass(frozen=True, slots=True)
class Voided:
    """One change that was declared void, with a sentence for the user."""

    kind: VoidKind
    detail: str


def save(folder: SessionFolder) -> Baseline:
    """Keep the user's files as they are now, on disk too, in case the worker is killed.

    Raises:
        StorageError: One of them cannot be read, or the copy not written.
    """
    with edit_lock(folder.path):
        baseline = Baseline(read_bytes(folder.qa), read_bytes(folder.decisions))
        values = {"qa": _encode(baseline.qa), "decisions": _encode(baseline.decisions)}
        write_atomic(_saved_path(folder), json.dumps(values) + "\n", mode=0o600)
        return baseline


def saved(folder: SessionFolder) -> Baseline | None:
    """Return the baseline of an iteration whose worker died before `undo`, or None.

    Raises:
        StorageError: It cannot be read.
    """
    content = read_bytes(_saved_path(folder))
    if content is None:
        return None
    try:
        values = json.loads(content)
        return Baseline(_restored(values["qa"]), _restored(values["decisions"]))
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def undo(folder: SessionFolder, baseline: Baseline, key: bytes) -> tuple[Voided, ...]:
    """Revert what appeared since the baseline without the user, and report it. Safe to repeat.

    Args:
        folder: The session.
        baseline: What `save` kept before the iteration.
        key: The key of the marks.

    Raises:
        StorageError: A file cannot be read or restored.
    """
    with edit_lock(folder.path):
        for path in (folder.qa, folder.decisions, _saved_path(folder)):
            if is_unusable(path):
                move_aside(path, folder.logs)
        fresh, voided = _settle_decisions(folder, baseline, key)
        voided += _settle_answers(folder, baseline, fresh)
        remove(_saved_path(folder))
        return tuple(voided)


def _settle_decisions(
    folder: SessionFolder, baseline: Baseline, key: bytes
) -> tuple[list[Decision], list[Voided]]:
    """Leave the baseline's lines and the freshly marked ones; return the fresh ones and what was void."""
    before = _lines(baseline.decisions)
    now = _lines(read_bytes(folder.decisions))
    known = {decision.id for decision in map(_parse, before) if decision is not None}
    remaining = Counter(before)
    fresh: list[Decision] = []
    kept: list[bytes] = []
    voided: list[Voided] = []
    for line in now:
        if remaining[line] > 0:
            remaining[line] -= 1
            continue
        decision = _parse(line)
        if decision is not None and decision.id not in known and is_marked(folder, decision, key):
            known.add(decision.id)
            fresh.append(decision)
            kept.append(line)
        else:
            voided.append(Voided(VoidKind.DECISION, _describe(decision)))
    if now[: len(before)] != before:
        detail = "The record of decisions was deleted or rewritten during the iteration; it was restored."
        voided.append(Voided(VoidKind.DECISIONS_REWRITTEN, detail))
    if voided:
        content = b"".join(line + b"\n" for line in (*before, *kept))
        if content or baseline.decisions is not None:
            write_atomic(folder.decisions, content)
        else:
            remove(folder.decisions)
    return fresh, voided


def _settle_answers(folder: SessionFolder, baseline: Baseline, fresh: list[Decision]) -> list[Voided]:
    content = read_bytes(folder.qa)
    said = {
        decision.asked: decision.text
        for decision in fresh
        if decision.kind is DecisionKind.ANSWER and decision.asked and decision.text is not None
    }
    voided: list[Voided] = []
    before = parse_qa(_decode(baseline.qa or b"")).questions
    if content is None and before and baseline.qa is not None:
        content = baseline.qa
        write_atomic(folder.qa, content)
        detail = "The file of questions and answers was deleted during the iteration; it was restored."
        voided.append(Voided(VoidKind.QUESTIONS_DELETED, detail))
    if content is None:
        return voided
    text = _decode(content)
    restored = restore_answers(_decode(baseline.qa or b""), text, said)
    copy = _keep_copy(folder, baseline.qa) if restored.keep_before and baseline.qa is not None else None
    voided += [_voided(change, copy) for change in restored.changes]
    if restored.text != text:
        if restored.keep_after:
            _keep_copy(folder, content)
        write_atomic(folder.qa, restored.text)
    return voided


def _voided(change: QaChange, copy: Path | None) -> Voided:
    written, answer = one_line(change.written or "", 80), one_line(change.restored or "", 80)
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


def _keep_copy(folder: SessionFolder, content: bytes) -> Path:
    """Keep the questions as they were; equal contents are kept once."""
    path = folder.logs / f"qa-{hashlib.sha256(content).hexdigest()[:12]}.md"
    if not path.exists():
        write_atomic(path, content)
    return path


def _lines(content: bytes | None) -> list[bytes]:
    return [line for line in (content or b"").split(b"\n") if line.strip()]


def _parse(line: bytes) -> Decision | None:
    return parse_line(_decode(line))


def _decode(content: bytes) -> str:
    return content.decode("utf-8", "surrogateescape")


def _saved_path(folder: SessionFolder) -> Path:
    return folder.logs / "baseline.json"


def _encode(content: bytes | None) -> str | None:
    return None if content is None else base64.b64encode(content).decode("ascii")


def _restored(value: str | None) -> bytes | None:
    return None if value is None else base64.b64decode(value, validate=True)
