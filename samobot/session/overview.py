"""`_overview.md`: task, state and log of a session, written by the agent and the worker.

Title, `Started:`, `Working Dir:` and `Task:` at the top; keys under `## Status`; a list under `## Flow Log`, and
under `## Files` and `## Plans`. Status keys count only under `## Status`. `overview_edits` changes it.

A task that is more than one plain line is stored as a block quote below `Task:`, so that a `## Status` inside
it is not parsed as the file's own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from samobot.frozen import frozen
from samobot.phases import Phase
from samobot.regex import regex
from samobot.session.blocks import (
    PARSES_KEPT,
    KeyLine,
    Line,
    first_of,
    head_of,
    key_lines,
    keys_of,
    match_key,
    quote_length,
    scan,
    section_of,
    unquote,
)
from samobot.text import nearest, one_line

_HEAD_KEYS = ("started", "working dir", "task")
_NUMBER = regex(r"([0-9]{1,9})(?![0-9])")
_PHASE = regex(r"[*_`\s]{0,8}([a-z]+)[*_`.\s]{0,8}(?:\([^()]*\))?", re.IGNORECASE)
_ITEM = regex(r"[ \t]{0,3}[-*+][ \t]+")
_STAMP = regex(r"\[(?:#?([0-9]{1,6})[ \t]?@[ \t]?)?([0-9][0-9T:. /-]{3,24})\](?:\s|$)")
_ARTEFACT = regex(r"(?:\[[^\[\]]{0,200}\]\(|`)?([^\s`()]{1,200}\.[A-Za-z0-9]{1,8})[`)]?")


@frozen
class FlowEntry:
    """One event of the Flow Log.

    Attributes:
        number: The iteration, if the entry names it.
        when: Its time stamp as written, such as `01-15 10:30`.
        text: What happened.
        artefact: Name of the file that it points to.
    """

    number: int | None
    when: str | None
    text: str
    artefact: str | None


@frozen
class Overview:
    """Content of `_overview.md`; None for what is missing.

    Attributes:
        title: The first heading.
        name: The title without a leading `Session:`.
        started: As written.
        working_dir: As written.
        task: The task; exactly as the user wrote it if samobot stored it.
        phase: The phase, if it is a known one.
        phase_text: The phase as written.
        iteration: Iterations of this visit of the phase.
        total_iterations: Iterations of the session.
        blocked: As written: `no`, `yes`, `waiting_human` or a reason.
        last_action: As written.
        next: As written.
        quality_iteration: Rounds of quality and testing.
        flow: The Flow Log, oldest first.
        files: Items under `## Files`.
        plans: Items under `## Plans`; without a list there, its lines.
        problems: Sentences with line numbers about what could not be parsed.
    """

    title: str | None = None
    name: str | None = None
    started: str | None = None
    working_dir: str | None = None
    task: str | None = None
    phase: Phase | None = None
    phase_text: str | None = None
    iteration: int | None = None
    total_iterations: int | None = None
    blocked: str | None = None
    last_action: str | None = None
    next: str | None = None
    quality_iteration: int | None = None
    flow: tuple[FlowEntry, ...] = ()
    files: tuple[str, ...] = ()
    plans: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


@lru_cache(maxsize=PARSES_KEPT)
def parse_overview(text: str) -> Overview:
    """Read `_overview.md`. Never fails; linear in the text's length.

    Args:
        text: The file as `read_text` returns it.
    """
    lines = scan(text)
    problems: list[str] = []
    title = next((line.title for line in lines if line.level == 1 and line.title), None)
    top = head_of(lines)
    head = keys_of(top)
    section = section_of(lines, "status")
    if section is None:
        problems.append("_overview.md has no “## Status” section; add one with a line “Phase: …”.")
    body = section[1:] if section else ()
    found = key_lines(body)
    status = first_of(found)
    for again in [each.line.number for each in found if each.key.name == "phase"][1:]:
        problems.append(f"_overview.md line {again}: a second “Phase” in “## Status” is ignored; remove it.")
    phase_line = status.get("phase")
    if section is not None and (phase_line is None or not phase_line.key.value):
        problems.append(
            f"_overview.md line {section[0].number}: “## Status” names no phase; add a line “Phase: …” "
            f"with one of {', '.join(Phase)}."
        )
    return Overview(
        title=title,
        name=re.sub(r"^session\s{0,3}:\s*", "", title, flags=re.IGNORECASE) or None if title else None,
        started=_value(head, "started"),
        working_dir=_value(head, "working dir"),
        task=_task(lines, top, head.get("task")),
        phase=_phase(phase_line, problems),
        phase_text=_value(status, "phase"),
        iteration=_number(status, "iteration", problems),
        total_iterations=_number(status, "total iterations", problems),
        blocked=_value(status, "blocked"),
        last_action=_value(status, "last action"),
        next=_value(status, "next"),
        quality_iteration=_number(status, "quality iteration", problems),
        flow=tuple(map(_flow_entry, _items(section_of(lines, "flow log")))),
        files=_items(section_of(lines, "files")),
        plans=_entries(section_of(lines, "plans") or section_of(lines, "plan")),
        problems=tuple(problems),
    )


def _value(keys: Mapping[str, KeyLine], name: str) -> str | None:
    found = keys.get(name)
    return found.key.value or None if found else None


def _number(keys: Mapping[str, KeyLine], name: str, problems: list[str]) -> int | None:
    found = keys.get(name)
    if found is None or not found.key.value:
        return None
    number = _NUMBER.match(found.key.value)
    if number is None:
        said = one_line(found.key.value, 40)
        problems.append(
            f"_overview.md line {found.line.number}: “{name.title()}” is “{said}”; write a number."
        )
        return None
    return int(number[1])


def _phase(found: KeyLine | None, problems: list[str]) -> Phase | None:
    if found is None or not found.key.value:
        return None
    word = _PHASE.fullmatch(found.key.value)
    name = word[1].lower() if word else ""
    if name in list(Phase):
        return Phase(name)
    said = one_line(found.key.value, 40)
    guess = nearest(name or said, Phase)
    hint = f" (did you mean “{guess}”?)" if guess else ""
    problems.append(
        f"_overview.md line {found.line.number}: unknown phase “{said}”{hint}; it is one of {', '.join(Phase)}."
    )
    return None


def _task(lines: Sequence[Line], head: Sequence[Line], found: KeyLine | None) -> str | None:
    if found is not None:
        return _block(found.key.value, task_lines(head, found), crlf=found.line.end == "\r\n") or None
    section = section_of(lines, "task")
    return _block("", section[1:], crlf=section[0].end == "\r\n") or None if section else None


def task_lines(head: Sequence[Line], found: KeyLine) -> Sequence[Line]:
    """Return the lines below `Task:` that belong to it."""
    rest = head[found.line.number :]
    keys = ((index, match_key(line.text)) for index, line in enumerate(rest) if not line.code)
    return rest[: next((index for index, key in keys if key and key.name in _HEAD_KEYS), len(rest))]


def _block(value: str, rest: Sequence[Line], *, crlf: bool) -> str:
    """Return a text that starts after a key and continues below it; a block quote is read back exactly."""
    quoted = quote_length(rest)
    if not value and quoted and all(line.blank for line in rest[quoted:]):
        return unquote(rest[:quoted], crlf=crlf)
    return "\n".join([value, *(line.text for line in rest)]).strip()


def _items(section: Sequence[Line] | None) -> tuple[str, ...]:
    """Return the items of a section's list; lines below an item belong to it."""
    items: list[list[str]] = []
    for line in section[1:] if section else ():
        mark = None if line.code else _ITEM.match(line.text)
        if mark is not None:
            items.append([line.text[mark.end() :]])
        elif items and not line.blank:
            items[-1].append(line.text.strip())
    return tuple("\n".join(item).strip() for item in items)


def _entries(section: Sequence[Line] | None) -> tuple[str, ...]:
    """Return the items of a section's list, or its lines if it has none."""
    lines = (line.text.strip() for line in section[1:] if not line.blank) if section else ()
    return _items(section) or tuple(lines)


def _flow_entry(item: str) -> FlowEntry:
    stamp = _STAMP.match(item)
    text = item[stamp.end() :] if stamp else item
    number = int(stamp[1]) if stamp and stamp[1] else None
    artefact = None
    at, arrow = max((text.rfind("→"), "→"), (text.rfind("->"), "->"))
    if at >= 0:
        name = _ARTEFACT.fullmatch(text[at + len(arrow) :].strip())
        if name is not None:
            text, artefact = text[:at], name[1]
    return FlowEntry(number, stamp[2].strip() if stamp else None, text.strip(), artefact)
