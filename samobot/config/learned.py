"""What sessions of a project learned: `SESSIONS/_learned.md`, which counts only as the user accepted it.

A session's agents note for each other in its own `_learned.md` how to build, start and test, and traps. What the user
keeps of that is appended to the project's file and given to the agents of later sessions. An agent could write that file,
so its content counts only if the user has trusted exactly it, as `samobot.config.trust` records.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from datetime import datetime
from pathlib import Path

from samobot.config.project import Project
from samobot.config.trust import Content, is_trusted, trust
from samobot.errors import ConflictError, StorageError, UsageError
from samobot.frozen import frozen
from samobot.session.file_lock import locked
from samobot.session.files import make_folder, read_text, write_atomic
from samobot.session.folder import SessionFolder
from samobot.text import one_line, visible, without_surrogates

LEARNED = "_learned.md"
"""The file of lessons: of a session in its folder, of a project beside its sessions."""

LESSON_LINES = 60
LESSON_CHARACTERS = 4_000
"""Lines and characters of such a file that an agent is given, and that a project's may have."""

_MOST_OFFERED = 20
_LESSON = 300
_TITLE = "# Learned"
_MARK = re.compile(r"\s*(?:[-*+]|\d{1,3}[.)])\s+")
_SOURCE = re.compile(r" \(from [^()]*\)$")
_WAIT_S = 10.0


@frozen
class Lessons:
    """What a session learned.

    Attributes:
        new: The lessons that the project does not have yet.
        sha256: Of all that the session has: what the user keeps is what was shown.
    """

    new: tuple[str, ...]
    sha256: str


def project_lessons(state_dir: Path, project: Project) -> str:
    """Return what sessions of a project learned, as the user accepted it; empty if they did not, or it cannot be read."""
    try:
        text = _text(project)  # read once: an agent may exchange the file at any time
        content = _content(project, text)
        return text if content is not None and is_trusted(state_dir, project, content) else ""
    except StorageError:
        return ""


def lessons_content(project: Project) -> Content | None:
    """Return a project's lessons as something to trust; None if there are none."""
    try:
        text = _text(project)
    except StorageError as error:
        return Content("Lessons of earlier sessions", (error.message,), None)
    return _content(project, text)


def _content(project: Project, text: str) -> Content | None:
    if not text.strip():
        return None
    files = None if _is_too_long(text) else {_name(project): _digest(text)}
    lines = text.splitlines()[:LESSON_LINES]
    return Content(
        "Lessons of earlier sessions, given to each agent",
        tuple(one_line(each, _LESSON) for each in lines),
        files,
        {_name(project): text.encode("utf-8", "surrogateescape")},
    )


def session_lessons(project: Project, folder: SessionFolder) -> Lessons:
    """Return what a session learned, and what of it is new to its project.

    Raises:
        StorageError: A file cannot be read.
    """
    return _offered(folder, _text(project))


def session_notes(folder: SessionFolder) -> str:
    """Return what a session's iterations noted for each other; empty if there is no such file that can be read.

    The next agent is given it: a link could lead to what the fence keeps from agents.
    """
    with contextlib.suppress(StorageError):
        return read_text(folder.path / LEARNED, follow=False) or ""
    return ""


def _offered(folder: SessionFolder, text: str) -> Lessons:
    """What a session learned that the text of its project's lessons does not hold."""
    found = _lessons(read_text(folder.path / LEARNED, follow=False) or "")[:_MOST_OFFERED]
    known = {_plain(each) for each in _lessons(text)}
    new = tuple(each for each in found if _plain(each) not in known)
    return Lessons(new, _digest("\n".join(found)))


def keep_lessons(
    state_dir: Path,
    project: Project,
    folder: SessionFolder,
    who: str,
    now: datetime,
    *,
    expected: str | None = None,
) -> tuple[str, ...]:
    """Add what a session learned to its project, in the user's name. Safe to repeat.

    Args:
        state_dir: Where it is recorded that the user accepted it.
        project: The project.
        folder: The session.
        who: The user.
        now: The time.
        expected: `Lessons.sha256` as it was shown; None takes the lessons as they are.

    Returns:
        The lessons that were added.

    Raises:
        ConflictError: The lessons were changed since they were shown, or the project's since they were accepted.
        UsageError: The project's would be too long.
        StorageError: The disk refused.
    """
    make_folder(state_dir, 0o700)
    with locked(state_dir / "learned.lock", wait=_WAIT_S):
        return _keep(state_dir, project, folder, who, now, expected)


def _keep(
    state_dir: Path, project: Project, folder: SessionFolder, who: str, now: datetime, expected: str | None
) -> tuple[str, ...]:
    kept = _text(project)
    found = _offered(folder, kept)
    if expected is not None and found.sha256 != expected:
        raise ConflictError(f"{folder.name} has noted other lessons since these were shown; look again.")
    if not found.new:
        return ()
    content = _content(project, kept)
    if content is not None and not is_trusted(state_dir, project, content):
        raise ConflictError(
            f"{LEARNED} of {project.name} was changed since you accepted it; see what it holds now and trust it: "
            f"/trust {folder.name} in the chat, or samobot trust --config {project.file}"
        )
    source = f" (from {one_line(folder.name)}, {now:%Y-%m-%d})"
    before = kept.rstrip("\n") or _TITLE
    gap = "\n" if before.endswith(_TITLE) else ""
    text = f"{before}\n{gap}" + "".join(f"- {each}{source}\n" for each in found.new)
    if _is_too_long(text):
        raise UsageError(
            f"{project.sessions / LEARNED} would have more than {LESSON_LINES} lines or {LESSON_CHARACTERS:,} "
            "characters: shorten it by hand, then run: samobot trust"
        )
    # First the record: a file that nobody has accepted must not be there, not even after a crash.
    trust(state_dir, project, Content("", (), {_name(project): _digest(text)}), who, now)
    write_atomic(project.sessions / LEARNED, text)
    return found.new


def _text(project: Project) -> str:
    """The project's lessons, and nothing in them that the user could not see."""
    return visible(without_surrogates(read_text(project.sessions / LEARNED) or ""))


def _name(project: Project) -> str:
    return str(project.sessions / LEARNED)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def _is_too_long(text: str) -> bool:
    return len(text) > LESSON_CHARACTERS or len(text.splitlines()) > LESSON_LINES


def _lessons(text: str) -> list[str]:
    """The lines of a text that hold a lesson: neither headings nor fences."""
    lines = (_MARK.sub("", line, count=1) for line in visible(without_surrogates(text)).splitlines())
    found = (
        one_line(line, _LESSON) for line in lines if not line.lstrip().startswith(("#", "```", "~~~", "---"))
    )
    return [line for line in dict.fromkeys(found) if line]


def _plain(lesson: str) -> str:
    return _SOURCE.sub("", lesson).casefold()
