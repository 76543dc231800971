"""The user's files as they were before an iteration, kept in the vault, and what counts of them meanwhile.

As long as there is a baseline, only samobot changes these files in the user's name: what the agent or a process that it
left behind writes there has no effect, whether or not it was reverted yet. Without one, edits by hand count.

The baseline stays after an iteration if its worker was killed, until the next worker has put everything back; and for
good if a process that a killed worker left behind may still be alive.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable
from pathlib import Path

from samobot.errors import StorageError
from samobot.frozen import frozen
from samobot.session import journal
from samobot.session.decisions import (
    Decision,
    DecisionKind,
    DecisionLog,
    is_marked,
    parse_decisions,
    parse_line,
)
from samobot.session.files import JOURNAL_LIMIT, read_bytes, read_text, remove, write_atomic
from samobot.session.folder import SessionFolder
from samobot.session.overview_edits import set_status
from samobot.session.overview_restore import restore_overview
from samobot.session.qa import parse_qa
from samobot.session.qa_restore import restore_answers
from samobot.system.platform.current import boot_id, own_identity


@frozen
class Baseline:
    """Questions and decisions before an iteration.

    Attributes:
        qa: The file of questions and answers; None if there was none.
        decisions: The same of decisions.
        recorded: Lines of the vault's record of decisions: what samobot recorded later counts too.
    """

    qa: bytes | None
    decisions: bytes | None
    recorded: int


def save(folder: SessionFolder) -> Baseline:
    """Keep the user's files as they are now. The caller holds the folder's edit lock.

    Raises:
        StorageError: One of them cannot be read, or the vault not be written.
    """
    vault = folder.vault
    vault.prepare()
    baseline = Baseline(read_bytes(folder.qa), read_bytes(folder.decisions), len(_recorded(folder)))
    for source, kept in ((folder.overview, vault.overview), (folder.guidance, vault.guidance)):
        content = read_bytes(source)
        if content is None:
            remove(kept)
        else:
            write_atomic(kept, content, mode=0o600)
    return _write(folder, baseline)


def distrust(folder: SessionFolder, key: bytes) -> Baseline:
    """Keep a baseline of a session whose own was lost: only what samobot has recorded or marked here counts.

    The phase is that of the iteration that never ended. The caller holds the folder's edit lock.

    Args:
        folder: The session.
        key: The key of the marks.

    Raises:
        StorageError: A file cannot be read, or the vault not be written.
    """
    vault = folder.vault
    vault.prepare()
    if not vault.decisions.exists():
        found = ((line, parse_line(text_of(line))) for line in lines_of(read_bytes(folder.decisions)))
        marked = [
            line for line, decision in found if decision is not None and is_marked(folder, decision, key)
        ]
        write_atomic(vault.decisions, b"".join(line + b"\n" for line in marked), mode=0o600)
    left = {path: content for path in (vault.overview, vault.guidance) if (content := read_bytes(path))}
    save(folder)
    open_iteration = journal.read(folder).iteration if vault.journal.exists() else None
    if open_iteration is not None and open_iteration.phase:
        _edit(folder, vault.overview, lambda text: set_status(text, {"Phase": open_iteration.phase}))
    for path, content in left.items():
        write_atomic(path, content, mode=0o600)
    baseline = _write(folder, Baseline(None, None, 0))
    journal.adopt(folder)
    remove(vault.adopted)
    return baseline


def lacks_records(folder: SessionFolder) -> bool:
    """Whether a session that was worked on has no records of this machine that its files were checked against."""
    vault = folder.vault
    return vault.adopted.exists() if vault.journal.exists() else journal.has_worked(folder)


def load(folder: SessionFolder) -> Baseline | None:
    """Return the baseline in force; None if edits by hand count.

    One that is damaged knows of nothing, so only what samobot has recorded counts.

    Raises:
        StorageError: It cannot be read.
    """
    content = read_bytes(folder.vault.baseline)
    if content is None:
        return None
    try:
        values = json.loads(content)
        return Baseline(_decode(values["qa"]), _decode(values["decisions"]), int(values["recorded"]))
    except (ValueError, TypeError, KeyError, RecursionError, OverflowError):
        return Baseline(None, None, 0)


def close(folder: SessionFolder) -> None:
    """Let edits by hand count again once everything was reverted, unless something may still be writing.

    The caller holds the folder's edit lock.

    Raises:
        StorageError: The disk refused.
    """
    if may_be_written(folder):
        save(folder)
        return
    for path in (folder.vault.baseline, folder.vault.overview, folder.vault.guidance):
        remove(path)


def may_be_written(folder: SessionFolder) -> bool:
    """Whether a process that a killed worker of this session left behind may be alive.

    Not after the machine was rebooted, nor if the worker had a scope of its own: everything in it was ended.

    Raises:
        StorageError: The journal cannot be read.
    """
    known = journal.read(folder)
    runs = list(known.killed_runs)
    if known.run is not None and known.run.end is None and known.run.worker != own_identity():
        runs.append(known.run)
    here = boot_id()
    return any(run.scope is None and (run.worker is None or run.worker.may_be_of_boot(here)) for run in runs)


def expected_decisions(folder: SessionFolder, baseline: Baseline) -> list[bytes]:
    """The lines that the record of decisions has to hold.

    Raises:
        StorageError: The vault cannot be read.
    """
    before = lines_of(baseline.decisions)
    known = set(before)
    return [*before, *(line for line in _recorded(folder)[baseline.recorded :] if line not in known)]


def decided_since(folder: SessionFolder, baseline: Baseline) -> list[Decision]:
    """The decisions that samobot has recorded since the baseline.

    Raises:
        StorageError: The vault cannot be read.
    """
    found = (parse_line(text_of(line)) for line in _recorded(folder)[baseline.recorded :])
    return [decision for decision in found if decision is not None]


def answers_in(decisions: Iterable[Decision]) -> dict[str, str]:
    """The newest answer to each question, by its fingerprint."""
    return {
        decision.asked: decision.text
        for decision in decisions
        if decision.kind is DecisionKind.ANSWER and decision.asked and decision.text is not None
    }


def counting_decisions(folder: SessionFolder, baseline: Baseline | None) -> DecisionLog:
    """Read the decisions that count.

    Raises:
        StorageError: They cannot be read.
    """
    if baseline is None:
        return parse_decisions(read_text(folder.decisions) or "")
    return parse_decisions(text_of(b"\n".join(expected_decisions(folder, baseline))))


def counting_qa(folder: SessionFolder, baseline: Baseline | None) -> str | None:
    """Read the questions, with the answers that count.

    Raises:
        StorageError: They cannot be read.
    """
    text = read_text(folder.qa)
    if baseline is None:
        return text
    before = text_of(baseline.qa or b"")
    if text is None and not parse_qa(before).questions:
        return None
    said = answers_in(decided_since(folder, baseline))
    return restore_answers(before, before if text is None else text, said).text


def counting_guidance(folder: SessionFolder, baseline: Baseline | None) -> str | None:
    """Read the guidance that counts.

    Raises:
        StorageError: It cannot be read.
    """
    return read_text(folder.guidance if baseline is None else folder.vault.guidance)


def counting_overview(folder: SessionFolder, baseline: Baseline | None) -> str | None:
    """Read the overview, its phase and head as they count.

    Raises:
        StorageError: It cannot be read.
    """
    text = read_text(folder.overview)
    before = None if baseline is None else read_text(folder.vault.overview)
    return text if before is None else restore_overview(before, text).text


def edit_overview(folder: SessionFolder, change: Callable[[str], str]) -> None:
    """Change the overview in samobot's name. The caller holds the folder's edit lock.

    Args:
        folder: The session.
        change: Returns the new content for the old one.

    Raises:
        StorageError: The disk refused.
    """
    if folder.vault.overview.exists():
        _edit(folder, folder.vault.overview, change)
    text = read_text(folder.overview) or ""
    new = change(text)
    if new != text:
        write_atomic(folder.overview, new)


def edit_guidance(folder: SessionFolder, change: Callable[[str], str]) -> None:
    """Change the guidance in the user's name; see `edit_overview`.

    Raises:
        StorageError: The disk refused.
    """
    is_kept = _edit(folder, folder.vault.guidance, change)
    try:
        text = read_text(folder.guidance) or ""
        write_atomic(folder.guidance, change(text))
    except StorageError:
        if not is_kept:  # else the file is restored from there
            raise


def _edit(folder: SessionFolder, kept: Path, change: Callable[[str], str]) -> bool:
    """Change what a file has to be, if that is kept now."""
    if not folder.vault.baseline.exists():
        return False
    text = read_text(kept) or ""
    new = change(text)
    if new != text:
        write_atomic(kept, new, mode=0o600)
    return True


def lines_of(content: bytes | None) -> list[bytes]:
    """The lines of a file that are not blank."""
    return [line for line in (content or b"").split(b"\n") if line.strip()]


def text_of(content: bytes) -> str:
    """Decode a file as `read_text` does."""
    return content.decode("utf-8", "surrogateescape")


def _write(folder: SessionFolder, baseline: Baseline) -> Baseline:
    values = {
        "qa": _encode(baseline.qa),
        "decisions": _encode(baseline.decisions),
        "recorded": baseline.recorded,
    }
    write_atomic(folder.vault.baseline, json.dumps(values) + "\n", mode=0o600)
    return baseline


def _recorded(folder: SessionFolder) -> list[bytes]:
    return lines_of(read_bytes(folder.vault.decisions, limit=JOURNAL_LIMIT, lines=None))


def _encode(content: bytes | None) -> str | None:
    return None if content is None else base64.b64encode(content).decode("ascii")


def _decode(value: str | None) -> bytes | None:
    return None if value is None else base64.b64decode(value, validate=True)
