"""Whether a change is ready for a reader: what a maintainer would send back at first sight. Pure.

It looks at the added lines only, and states where; it judges nothing that needs understanding. Remarks, not gates.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from samobot.regex import regex
from samobot.review.diff_view import DiffLine, FileDiff, LineKind, files_of
from samobot.session.diff import FileChange
from samobot.text import clip, one_line, plural

MOST_LINES = 800
"""Changed lines above which a change is hard to review in one piece."""

MOST_FILES = 30
SUBJECT = 72
"""Characters of a commit's first line."""

_SCANNED = 20_000
_PLACES = 3
_DOCUMENTED = 200
_PROSE = frozenset({".adoc", ".html", ".md", ".po", ".rst", ".svg", ".txt"})
_DATA = frozenset({"", ".cfg", ".csv", ".ini", ".json", ".lock", ".sum", ".toml", ".yaml", ".yml"})
_TEST = regex(r"(?:^|[/_.-])(?:tests?|specs?|__tests__|testdata|fixtures)(?:[/_.-]|$)|Tests?\.\w+$")
_STRAY = regex(
    r"(?:\.(?:orig|rej|swp|pyc|log|tmp|bak)|~|/?\.DS_Store|/?nohup\.out)$|(?:^|/)(?:node_modules|__pycache__)/"
)
_HUNK = regex(r"@@ -\S+ \+(\d+)")

_LINES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("Marks of a merge conflict", regex(r"^(?:<{7}|>{7}) ")),
    ("Tests switched off or run alone", regex(
        r"@(?:pytest\.mark\.(?:skip|xfail)|unittest\.skip|Ignore|Disabled)\b|\b(?:it|test|describe)\.(?:skip|only)\("
        r"|\b(?:xit|xdescribe|fit|fdescribe)\(|\bt\.Skip\(")),
    ("Notes of work to do", regex(r"\b(?:TODO|FIXME|XXX|HACK)\b")),
    ("Debug output", regex(
        r"\b(?:breakpoint|set_trace|var_dump|console\.debug|console\.log)\(|\bdbg!\(|\bbinding\.pry\b|^\s*debugger;?\s*$"
        r"|\bprint(?:ln)?[!(]+\s*f?[\"'](?:debug|here|xxx|>>>|---|###|\*\*\*)", re.IGNORECASE)),
)  # fmt: skip
_DEAD = "Commented-out code"
_DEAD_LINE = regex(
    r"(?:# |//)\s*+(?:(?:if|elif|for|while|with|def|class)\b.*:|(?:try|else|finally):|import [\w.]+|from [\w.]+ import .+"
    r"|return\b.*[;)\]]|[\w.]+\(.*\);?|[\w.\[\]]+ [+-]?= .+|.*[;{}])"
)
_SPACES = "Hunks that change white space only"
_UNFINISHED = regex(r"(?:(?:wip|tmp|temp)\b|(?:fixup|squash|amend)! )", re.IGNORECASE)
_VAGUE = regex(
    r"(?:fix(?:es)?|updates?|changes?|misc|stuff|cleanup|tests?|commit|more|again)\.?", re.IGNORECASE
)


def readiness(
    files: Sequence[FileChange], diff: str, subjects: Sequence[str], *, is_cut: bool = False
) -> tuple[str, ...]:
    """Return what a maintainer would send back, each as a sentence; empty if it is ready.

    Args:
        files: The changed files with their counts.
        diff: The change in git's format.
        subjects: First lines of its commits, without merges.
        is_cut: Whether the diff is longer than that.
    """
    places: dict[str, list[str]] = defaultdict(list)
    for file in files_of(diff, of_file=_SCANNED, of_all=_SCANNED):
        _look(file, places)
    order = (*(label for label, _ in _LINES), _DEAD, _SPACES, "Stray files", "New binary files")
    found = [f"{label}: {_listed(places[label])}." for label in order if places[label]]
    cut = ["The diff is longer than what was looked through here."] if is_cut else []
    return (*_size(files), *found, *cut, *_companions(files), *_commits(subjects))


def _look(file: FileDiff, places: dict[str, list[str]]) -> None:
    path = one_line(file.path, 120)
    if file.note.startswith("new"):
        if _STRAY.search(file.path):
            places["Stray files"].append(path)
        elif "binary" in file.note and not _TEST.search(file.path):
            places["New binary files"].append(path)
    is_prose = PurePosixPath(file.path).suffix.lower() in _PROSE
    dead = 0
    for number, line in _added(file):
        place = f"{path}:{number}"
        for label, pattern in _LINES[: 1 if is_prose else None]:
            if pattern.search(line):
                places[label].append(place)
                break
        # One such line may be prose; two in a row rarely are.
        dead = dead + 1 if not is_prose and line and _DEAD_LINE.fullmatch(line.strip()) else 0
        if dead == 2:
            places[_DEAD].append(place)
    places[_SPACES] += [f"{path}:{number}" for number in _respaced(file)]


def _added(file: FileDiff) -> Iterator[tuple[int, str]]:
    """The added lines with their numbers; an empty one wherever lines are not adjacent."""
    number = 0
    for line in file.lines:
        match line.kind:
            case LineKind.ADDED:
                yield number, line.text
                number += 1
            case LineKind.CONTEXT:
                yield number, ""
                number += 1
            case LineKind.PLACE:
                number = _start(line, number)
                yield number, ""
            case LineKind.REMOVED:
                pass


def _respaced(file: FileDiff) -> Iterator[int]:
    """The first lines of hunks whose removed and added text is the same but for white space."""
    start, removed, added = 0, "", ""
    for line in (*file.lines, DiffLine(LineKind.PLACE, "@@ -0 +0")):
        match line.kind:
            case LineKind.PLACE if line.text.startswith("@@"):
                if removed and removed == added:
                    yield start
                start, removed, added = _start(line, start), "", ""
            case LineKind.REMOVED:
                removed += "".join(line.text.split())
            case LineKind.ADDED:
                added += "".join(line.text.split())
            case _:
                pass


def _start(line: DiffLine, number: int) -> int:
    found = _HUNK.match(line.text)
    return int(found[1]) if found else number


def _size(files: Sequence[FileChange]) -> list[str]:
    own = [file for file in files if PurePosixPath(file.path).suffix.lower() not in (".lock", ".sum")]
    lines = sum((file.added or 0) + (file.removed or 0) for file in own)
    if lines <= MOST_LINES and len(own) <= MOST_FILES:
        return []
    return [f"{lines:,} changed lines in {plural(len(own), 'file')}: hard to review in one piece."]


def _companions(files: Sequence[FileChange]) -> list[str]:
    code = sum(file.added or 0 for file in files if _is_code(file.path))
    if not code:
        return []
    without = []
    if not any(_TEST.search(file.path) for file in files):
        without.append("test")
    prose = any(PurePosixPath(file.path).suffix.lower() in _PROSE for file in files)
    if code >= _DOCUMENTED and not prose:
        without.append("documentation")
    return (
        [f"{plural(code, 'line')} of code added, and no {' or '.join(without)} changed."] if without else []
    )


def _is_code(path: str) -> bool:
    suffix = PurePosixPath(path).suffix.lower()
    return suffix not in _PROSE | _DATA and not _TEST.search(path)


def _commits(subjects: Sequence[str]) -> list[str]:
    kinds = {
        "Unfinished commits": [each for each in subjects if _UNFINISHED.match(each)],
        "Commits whose subject does not say what changed": [
            each for each in subjects if _VAGUE.fullmatch(each)
        ],
        f"Commit subjects of more than {SUBJECT} characters": [
            each for each in subjects if len(each) > SUBJECT
        ],
    }
    return [
        f"{label}: {_listed([f'“{clip(one_line(each, SUBJECT), SUBJECT)}”' for each in found])}."
        for label, found in kinds.items()
        if found
    ]


def _listed(items: Sequence[str]) -> str:
    more = len(items) - _PLACES
    shown = ", ".join(items[:_PLACES])
    return f"{shown} and {more:,} more" if more > 0 else shown
