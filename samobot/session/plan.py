"""The plan: which file it is, exactly which content, and what it proposes."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from samobot.errors import StorageError
from samobot.session.files import open_regular
from samobot.session.folder import SessionFolder
from samobot.text import human_size

PLAN_LIMIT = 1_000_000
"""Bytes of the largest plan that is read: nobody approves more on a phone."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan file as it was when it was read.

    Attributes:
        path: Where it is.
        sha256: Of its bytes, in hexadecimal: what an approval is bound to.
        text: Its text; bytes that are not UTF-8 are replaced.
    """

    path: Path
    sha256: str
    text: str

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.name


@dataclass(frozen=True, slots=True)
class PlanPhase:
    """One part of a plan: its title and its steps."""

    title: str
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outline:
    """A plan in short: its title, and its phases with their steps."""

    title: str
    phases: tuple[PlanPhase, ...]

    @property
    def steps(self) -> int:
        """Number of all steps."""
        return sum(len(phase.steps) for phase in self.phases)


def newest_plan(folder: SessionFolder) -> Plan | None:
    """Read the newest `*-plan-*.md` directly in the folder, by time of change, then by name; else None.

    Raises:
        StorageError: It is there and cannot be read, or is larger than `PLAN_LIMIT`.
    """
    found: list[tuple[int, str]] = []
    try:
        with os.scandir(folder.path) as entries:
            for entry in entries:
                if "-plan-" in entry.name and entry.name.endswith(".md"):
                    try:
                        if entry.is_file(follow_symlinks=False):
                            found.append((entry.stat().st_mtime_ns, entry.name))
                    except FileNotFoundError:
                        continue
        if not found:
            return None
        path = folder.path / max(found)[1]
        with open_regular(path) as file:
            content = file.read(PLAN_LIMIT + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise StorageError(
            f"The plan in {folder.path} cannot be read: {error.filename} ({error.strerror})."
        ) from error
    if len(content) > PLAN_LIMIT:
        raise StorageError(
            f"The plan {path} is larger than {human_size(PLAN_LIMIT)}, so it is not read: "
            "shorten it, or move it away and run the session again."
        )
    return Plan(path, hashlib.sha256(content).hexdigest(), content.decode("utf-8", "replace"))


_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_HEADING = re.compile(r" {0,3}(#{1,6})[ \t]+(.*?)[ \t]*#*[ \t]*")
_PHASE = re.compile(r"(?:phase|part|stage|milestone|step)\b[ \t]*\d+", re.IGNORECASE)
_STEP = re.compile(r"(\s*)(?:[-*+][ \t]+\[[ xX]\]|\d{1,3}[.)])[ \t]+(\S.*)")
_BULLET = re.compile(r"( {0,3})[-*+][ \t]+(\S.*)")


_PLAN_PREFIX = re.compile(r"^plan\s*[:–—-]\s*", re.IGNORECASE)
_PHASE_PREFIX = re.compile(r"^(?:phase|part|stage|milestone|step)\s+\d+\s*[.:–—-]\s*", re.IGNORECASE)


@dataclass(slots=True)
class _Section:
    level: int
    title: str
    steps: list[str]
    bullets: list[str]


def outline(text: str) -> Outline:
    """Read a plan's title, phases and steps out of its Markdown, however it is laid out.

    A phase is a section whose heading says so (`## Phase 1: Script`), or, where none does, any section
    that has steps. A step is an outermost check box or numbered line; a phase without any has its bullets.
    """
    title, sections = _sections(text)
    named = [place for place, section in enumerate(sections) if _PHASE.match(section.title)]
    if named:
        level = min(sections[place].level for place in named)
        phases = [_under(sections, place) for place in named if sections[place].level == level]
    else:
        phases = [(section.title or title, section.steps) for section in sections if section.steps]
    return Outline(title, tuple(PlanPhase(name, tuple(steps)) for name, steps in phases))


def spoken_title(title: str) -> str:
    """A plan's title as people say it: who is told of a plan need not read `Plan:` before its name."""
    return _PLAN_PREFIX.sub("", title) or title


def spoken_phase(title: str) -> str:
    """A phase's title as people say it, without `Phase 2:`: a list has numbers of its own."""
    return _PHASE_PREFIX.sub("", title) or title


def _sections(text: str) -> tuple[str, list[_Section]]:
    title = ""
    sections = [_Section(1, "", [], [])]
    fence = ""
    indent: int | None = None
    for line in text.splitlines():
        mark = _FENCE.match(line)
        if fence:
            if mark and mark[1].startswith(fence) and not line.strip().strip(fence[0]):
                fence = ""
            continue
        if mark:
            fence = mark[1]
            continue
        heading = _HEADING.fullmatch(line)
        if heading:
            indent = None
            if not title and len(heading[1]) == 1:
                title = _plain(heading[2])
            else:
                sections.append(_Section(len(heading[1]), _plain(heading[2]), [], []))
            continue
        step = _STEP.fullmatch(line)
        if step:
            depth = len(step[1].expandtabs(4))
            indent = depth if indent is None else min(indent, depth)
            if depth == indent:
                sections[-1].steps.append(_plain(step[2]))
        elif bullet := _BULLET.fullmatch(line):
            sections[-1].bullets.append(_plain(bullet[2]))
    return title, sections


def _under(sections: list[_Section], place: int) -> tuple[str, list[str]]:
    """Give a phase the steps of the deeper sections below it."""
    phase = sections[place]
    steps = list(phase.steps)
    bullets = list(phase.bullets)
    # By its number: a slice, or a search for the beginning, would make many phases cost their square.
    for number in range(place + 1, len(sections)):
        section = sections[number]
        if section.level <= phase.level:
            break
        steps += section.steps
        bullets += section.bullets
    return phase.title, steps or bullets


def _plain(text: str) -> str:
    return re.sub(r"\*\*|__|`", "", text).strip()
