"""A diff cut into files and lines for display. Pure, and linear in the diff's length."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from samobot.frozen import frozen
from samobot.text import clip

LINES_OF_FILE = 400
"""Lines of one file that are shown at most."""

LINES_OF_ALL = 6_000
"""Lines of all files that are shown at most."""

_WIDTH = 400

_KINDS = {"100755": "executable", "120000": "link", "160000": "submodule"}
"""What a file's mode in git makes it, if it is no plain file."""

_ESCAPE = re.compile(rb"\\([0-7]{3}|.)", re.DOTALL)
_LETTERS = {b"a": b"\a", b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}


class LineKind(StrEnum):
    """What a line of a diff is."""

    ADDED = "a"
    REMOVED = "d"
    CONTEXT = "c"
    PLACE = "h"
    """The start of a hunk, with its line numbers."""


@frozen
class DiffLine:
    """One line without its mark."""

    kind: LineKind
    text: str


@dataclass(slots=True)
class FileDiff:
    """The shown part of one file's diff.

    Attributes:
        path: Where it is.
        lines: Its lines.
        hidden: Further lines that are not shown.
        note: What else has happened to it, for display.
        renamed_from: Where it was before; empty if it was not moved.
    """

    path: str
    lines: list[DiffLine]
    hidden: int = 0
    note: str = ""
    renamed_from: str = ""


def files_of(diff: str, *, of_file: int = LINES_OF_FILE, of_all: int = LINES_OF_ALL) -> list[FileDiff]:
    """Return the files of a diff in git's format, in its order.

    Args:
        diff: The diff.
        of_file: Lines of one file that are kept at most.
        of_all: Lines of all files that are kept at most.
    """
    files: list[FileDiff] = []
    left = of_all
    in_hunk = False
    for line in _lines(diff):
        if line.startswith("diff --git "):
            files.append(FileDiff(_path_in_header(line), []))
            in_hunk = False
        elif not files:
            continue
        elif in_hunk or line.startswith("@@"):
            in_hunk = True
            shown = DiffLine(LineKind.PLACE, line) if line.startswith("@@") else _line(line)
            left -= _show(files[-1], shown, min(left, of_file - len(files[-1].lines)))
        else:
            _read_header(files[-1], line)
    return files


def _lines(diff: str) -> Iterator[str]:
    start = 0
    while start < len(diff):
        end = diff.find("\n", start)
        end = len(diff) if end < 0 else end
        yield diff[start:end].removesuffix("\r")
        start = end + 1


def _path_in_header(line: str) -> str:
    """The path in `diff --git a/PATH b/PATH`: without renames, both halves are the same."""
    names = line.removeprefix("diff --git ")
    return _unquoted(names[: len(names) // 2]).removeprefix("a/")


def _unquoted(name: str) -> str:
    """A path as it is, from the form in which git writes one with quotes, backslashes or control characters."""
    if len(name) < 2 or not name.startswith('"') or not name.endswith('"'):
        return name
    plain = _ESCAPE.sub(_escaped_byte, name[1:-1].encode("utf-8", "surrogateescape"))
    return plain.decode("utf-8", "replace")


def _escaped_byte(found: re.Match[bytes]) -> bytes:
    code = found[1]
    return bytes([int(code, 8) & 0xFF]) if len(code) == 3 else _LETTERS.get(code, code)


def _read_header(file: FileDiff, line: str) -> None:
    if line.startswith("new file mode "):
        kind = _KINDS.get(line.removeprefix("new file mode "), "")
        file.note = f"new {kind}".rstrip()
    elif line.startswith("new mode "):
        file.note = "now executable" if line.endswith("755") else "no longer executable"
    elif line.startswith("deleted file"):
        file.note = "deleted"
    elif line.startswith("rename from "):
        file.renamed_from = _unquoted(line.removeprefix("rename from "))
    elif line.startswith("rename to "):
        file.path = _unquoted(line.removeprefix("rename to "))
    elif line.startswith(("+++ b/", '+++ "b/')):
        file.path = _unquoted(line.removeprefix("+++ ").removesuffix("\t")).removeprefix("b/")
    elif line.startswith("Binary files"):
        file.note = f"{file.note} binary".strip()


def _line(line: str) -> DiffLine:
    match line[:1]:
        case "+":
            return DiffLine(LineKind.ADDED, line[1:])
        case "-":
            return DiffLine(LineKind.REMOVED, line[1:])
        case "\\":
            return DiffLine(LineKind.PLACE, line)
        case _:
            return DiffLine(LineKind.CONTEXT, line[1:])


def _show(file: FileDiff, line: DiffLine, left: int) -> int:
    """Add a line if there is room for it; return how much room that took."""
    if left <= 0:
        file.hidden += 1
        return 0
    file.lines.append(DiffLine(line.kind, clip(line.text, _WIDTH)))
    return 1
