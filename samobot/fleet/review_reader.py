"""The facts of a session's review guide, read from its folder and its repository."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from samobot.errors import ConflictError, StorageError
from samobot.fleet.documents import MAX_FILES, artefacts, open_unlinked
from samobot.review.debt import DEBT_FILE, open_findings
from samobot.review.facts import AgentNote, Change, PlanPart, ReviewFacts
from samobot.review.readiness import readiness
from samobot.session.branch_point import base_of
from samobot.session.branch_state import work_dir_of
from samobot.session.commit_check import unfinished_work
from samobot.session.decisions import DecisionKind
from samobot.session.diff import branch_of, diff_summary, diff_text
from samobot.session.file_marks import written_ns
from samobot.session.folder import SessionFolder
from samobot.session.gate_state import GateState, look
from samobot.session.git import Git
from samobot.session.journal import Journal
from samobot.session.journal import read as read_journal
from samobot.session.plan import Outline, outline, spoken_phase, spoken_title
from samobot.text import clip, one_line, without_surrogates

_DIFF_BYTES = 400_000
_NOTE_BYTES = 40_000
_MOST_NOTES = 4
_MOST_PARTS = 40
_MOST_REMARKS = 20
_MOST_COMMITS = 200
_TASK = 4_000
_NOTE_NAME = r"\d\d-\d\d-\d\d:\d\d-{kind}(?:-.*)?\.md"


def read_review(folder: SessionFolder, main_repo: Path, name: str) -> ReviewFacts:
    """Read what a session's review guide shows.

    Args:
        folder: The session.
        main_repo: Where it works if its overview names no folder.
        name: Its name.

    Raises:
        StorageError: Its folder or a file in it cannot be read.
    """
    state, journal = look(folder), read_journal(folder)
    plan = outline(without_surrogates(state.plan.text)) if state.plan is not None else None
    summaries = _notes(folder, "summary")
    tests = _notes(folder, "test")
    return ReviewFacts(
        name=name,
        task=clip(without_surrogates(state.overview.task or ""), _TASK),
        change=read_change(work_dir_of(folder, main_repo)),
        plan=spoken_title(plan.title) if plan is not None else "",
        approval=_approval(state),
        parts=_parts(plan),
        summary=summaries[0] if summaries else None,
        test=tests[0] if tests else None,
        quality=_notes(folder, "quality"),
        tests=journal.tests,
        iterations=dict(journal.iterations_by_phase),
        cost_usd=journal.cost_usd,
        unpriced=journal.unpriced,
        duration_s=journal.duration_s,
        waited_s=journal.waited_s,
        debt=read_debt(folder),
        remarks=_remarks(journal),
    )


def read_debt(folder: SessionFolder) -> tuple[str, ...]:
    """Return the findings of a session's reviews that were left open.

    Raises:
        StorageError: A note of it cannot be read.
    """
    listed = next((path for path, _ in artefacts(folder) if path.name == DEBT_FILE), None)
    debt = without_surrogates(_text(listed)) if listed is not None else ""
    return open_findings(debt, (note.text for note in _notes(folder, "quality")))[:_MOST_REMARKS]


def read_change(work_dir: Path) -> Change | None:
    """Return what the branch that is checked out somewhere changes; None if git cannot read it."""
    base = base_of(work_dir)
    try:
        found = diff_summary(work_dir, base)
    except ConflictError:
        return None
    if found is None:
        return None
    diff = diff_text(work_dir, base, _DIFF_BYTES)
    text, is_cut = (without_surrogates(diff.text), diff.cut) if diff is not None else ("", False)
    return Change(
        branch=branch_of(work_dir),
        base=base,
        commits=found.commits,
        files=tuple(replace(file, path=without_surrogates(file.path)) for file in found.files[:MAX_FILES]),
        more=max(0, len(found.files) - MAX_FILES),
        added=found.added,
        removed=found.removed,
        uncommitted=found.uncommitted,
        unfinished=unfinished_work(work_dir, found),
        diff=text,
        is_cut=is_cut,
        objections=readiness(found.files, text, _subjects(work_dir, base), is_cut=is_cut),
    )


def _subjects(work_dir: Path, base: str | None) -> list[str]:
    """First lines of the newest commits since a base, without merges."""
    if base is None:
        return []
    log = Git(work_dir).attempt(
        "log", "--no-merges", f"--max-count={_MOST_COMMITS}", "--format=%s", f"{base}..HEAD"
    )
    return without_surrogates(log or "").split("\n")[:-1]


def _approval(state: GateState) -> str:
    if state.plan is None:
        return ""
    for decision in reversed(state.decisions.decisions):
        if decision.kind is DecisionKind.APPROVAL and decision.file == state.plan.name:
            when = f", {decision.at:%Y-%m-%d %H:%M} UTC" if decision.at is not None else ""
            return f"Approved by {one_line(decision.who, 80)} ({one_line(decision.via, 20)}{when})"
    return "No approval of this plan is on record."


def _parts(plan: Outline | None) -> tuple[PlanPart, ...]:
    return tuple(
        PlanPart(
            title=clip(spoken_phase(phase.title), 200),
            risk=clip(phase.risk, 400),
            steps=len(phase.steps),
            ticked=phase.ticked,
        )
        for phase in (plan.phases if plan is not None else ())[:_MOST_PARTS]
    )


def _remarks(journal: Journal) -> tuple[str, ...]:
    noticed = (remark for remark in journal.notices if remark.kind != "landing")  # done by the user
    found = sorted((*journal.voids, *noticed), key=lambda remark: remark.at)
    return tuple(one_line(remark.text, 400) for remark in found[-_MOST_REMARKS:])


def _notes(folder: SessionFolder, kind: str) -> tuple[AgentNote, ...]:
    """The agents' notes of a kind, the newest first."""
    pattern = re.compile(_NOTE_NAME.format(kind=kind), re.DOTALL)
    found = sorted(
        (
            (written_ns(facts), path.name, path)
            for path, facts in artefacts(folder)
            if pattern.fullmatch(path.name)
        ),
        reverse=True,
    )
    return tuple(
        AgentNote(name=without_surrogates(name), text=_text(path)) for _, name, path in found[:_MOST_NOTES]
    )


def _text(path: Path) -> str:
    try:
        with open(path, "rb", opener=open_unlinked) as file:
            content = file.read(_NOTE_BYTES + 1)
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}.") from error
    text = content[:_NOTE_BYTES].decode("utf-8", "replace")
    return f"{text}\n\n… (cut)" if len(content) > _NOTE_BYTES else text
