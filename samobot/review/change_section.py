"""The change on the review page, file by file: those to look at first are first, and open."""

from __future__ import annotations

from collections.abc import Sequence

from samobot.review.diff_view import FileDiff, LineKind, files_of
from samobot.review.facts import Change
from samobot.review.markup import escaped
from samobot.review.notes import Pointer
from samobot.session.diff import FileChange
from samobot.text import plural

_MOST_FILES = 300
_MARKS = {LineKind.ADDED: "+", LineKind.REMOVED: "-", LineKind.CONTEXT: " ", LineKind.PLACE: ""}


def change_section(change: Change | None, pointers: Sequence[Pointer]) -> str:
    """Return the section's HTML; empty if nothing was changed."""
    if change is None or not (change.files or change.diff):
        return ""
    counts = {file.path: file for file in change.files}
    first = {pointer.path: number for number, pointer in reversed(list(enumerate(pointers))) if pointer.path}
    files = files_of(change.diff)
    files.sort(key=lambda file: first.get(file.path, len(pointers)))
    shown = "\n".join(
        _file(file, _counts(file, counts.get(file.path)), first.get(file.path))
        for file in files[:_MOST_FILES]
    )
    return f"{shown}{_left_out(change, files)}"


def _file(file: FileDiff, counts: str, number: int | None) -> str:
    lines = "".join(
        f'<span class="{line.kind}">{_MARKS[line.kind]}{escaped(line.text)}</span>' for line in file.lines
    )
    hidden = (
        f'<p class="soft small">… {plural(file.hidden, "more line")}: see the diff itself.</p>'
        if file.hidden
        else ""
    )
    opening = f' open id="file-{number}"' if number is not None else ""
    moved = f"renamed from <code>{escaped(file.renamed_from)}</code>" if file.renamed_from else ""
    notes = ", ".join(filter(None, (file.note, moved)))
    note = f' <span class="soft">{notes}</span>' if notes else ""
    return (
        f"<details{opening}><summary><code>{escaped(file.path)}</code>{note} {counts}</summary>"
        f'<pre class="diff">{lines}</pre>{hidden}</details>'
    )


def _counts(file: FileDiff, counted: FileChange | None) -> str:
    if counted is None or counted.added is None:
        return ""
    added, removed = counted.added, counted.removed or 0
    if file.renamed_from:  # counted as a new file; its diff is with the old one
        kinds = [line.kind for line in file.lines]
        added, removed = kinds.count(LineKind.ADDED), kinds.count(LineKind.REMOVED)
    return f'<span class="good">+{added:,}</span> <span class="bad">−{removed:,}</span>'


def _left_out(change: Change, files: Sequence[FileDiff]) -> str:
    notes = []
    if change.is_cut or len(files) > _MOST_FILES:
        notes.append("The diff is longer than this page shows: read the rest in the diff itself.")
    if change.uncommitted:
        notes.append(
            f"{plural(change.uncommitted, 'file')} not committed; new ones among them are not shown."
        )
    return "".join(f'<p class="warn small">{note}</p>' for note in notes)
