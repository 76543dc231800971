"""Edits of `_overview.md`: each changes the values it is about and no other byte; see `overview` for the format. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from samobot.phases import Phase
from samobot.session.blocks import (
    head_of,
    keys_of,
    last_used,
    lines_below,
    newline,
    quote,
    replace_values,
    scan,
    section_of,
    with_section,
)
from samobot.session.overview import task_lines
from samobot.text import has_control, one_line, without_surrogates

NOTHING_PLANNED = "Start the phase"
"""Value of `Next` until the agent sets it."""


def new_overview(title: str, *, started: str, working_dir: str, task: str, phase: Phase) -> str:
    """Return the `_overview.md` of a new session.

    Args:
        title: Text after `Session:` in the first heading: the session's name.
        started: Date and time, for display.
        working_dir: Where the iterations run.
        task: Any text; `parse_overview` returns it exactly, lone surrogates replaced.
        phase: The phase to start in.
    """
    task = without_surrogates(task)
    is_plain = task == task.strip() and not has_control(task)
    stored = f" {task}" if is_plain and task else "\n" + quote(task, "\n") if task else ""
    return (
        f"# Session: {one_line(title)}\n\n"
        f"Started: {one_line(started)}\n"
        f"Working Dir: {_single(working_dir)}\n"
        f"Task:{stored}\n\n"
        f"## Status\nPhase: {phase}\nIteration: 0\nTotal Iterations: 0\nBlocked: no\n"
        f"Last Action: Session created\nNext: {NOTHING_PLANNED}\nQuality Iteration: 0\n\n"
        "## Flow Log\n\n## Files\n\n## Plans\n"
    )


def set_status(text: str, changes: Mapping[str, str]) -> str:
    """Return the file with values under `## Status` replaced.

    A key that is missing is added at the end of the section, in the style of the others; a missing section is
    added above the first other one.

    Args:
        text: The file as `read_text` returns it.
        changes: Key as users write it (`Last Action`), to its new value; values are made one line.
    """
    lines = scan(text)
    if section_of(lines, "status") is None:
        text = with_section(text, lines, "Status")
        lines = scan(text)
    section = section_of(lines, "status")
    assert section is not None
    values = {key: one_line(value) for key, value in changes.items()}
    return replace_values(text, section, values)


def set_task(text: str, task: str) -> str:
    """Return the file with another task; unchanged if it has no `Task:`.

    Args:
        text: The file as `read_text` returns it.
        task: Any text; `parse_overview` returns it exactly, lone surrogates replaced.
    """
    head = head_of(scan(text))
    found = keys_of(head).get("task")
    if found is None:
        return text
    last = next((line for line in reversed(task_lines(head, found)) if not line.blank), found.line)
    end = "\n" if "\r" in task else newline(text)
    stored = f"{found.key.opening.rstrip()}{end}{quote(without_surrogates(task), end)}"
    return text[: found.line.start] + stored + text[last.start + len(last.text) :]


def flow_line(text: str, now: datetime, *, number: int | None = None) -> str:
    """Return an entry for `add_flow`: `[NNN @ MM-DD HH:MM] text`.

    Args:
        text: What happened; made one line.
        now: Time of the entry, in the user's time zone.
        number: The iteration.
    """
    stamp = f"{now:%m-%d %H:%M}" if number is None else f"{number:03} @ {now:%m-%d %H:%M}"
    return f"[{stamp}] {one_line(text)}"


def add_flow(text: str, line: str) -> str:
    """Append an entry to the Flow Log; the section is added if it is missing.

    Args:
        text: The file as `read_text` returns it.
        line: The entry without its list mark, see `flow_line`; made one line.
    """
    return _with_item(text, "Flow Log", line)


def add_file(text: str, line: str) -> str:
    """Append an entry to the list of files; the section is added if it is missing.

    Args:
        text: The file as `read_text` returns it.
        line: `name: what it is`, without the list mark; made one line.
    """
    return _with_item(text, "Files", line)


def _with_item(text: str, title: str, line: str) -> str:
    lines = scan(text)
    section = section_of(lines, title.lower())
    end = newline(text)
    entry = f"- {one_line(line)}"
    if section is None:
        closed = text if not text or text.endswith("\n") else text + end
        return f"{closed}{end if text.strip() else ''}## {title}{end}{entry}{end}"
    at, _, block = lines_below(text, last_used(section), [entry])
    return text[:at] + block + text[at:]


def _single(value: str) -> str:
    """Make a path one line; spaces and undecodable bytes stay."""
    return "".join(" " if has_control(char) else char for char in value).strip()
