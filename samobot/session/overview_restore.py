"""What `_overview.md` has to be after an iteration: the agent's own lines, and the rest as it was before. Pure."""

from __future__ import annotations

import hashlib

from samobot.frozen import frozen
from samobot.session.blocks import scan
from samobot.session.overview import Overview, parse_overview
from samobot.session.overview_edits import set_status
from samobot.text import one_line


@frozen
class RestoredOverview:
    """The restored file.

    Attributes:
        text: Its content.
        notes: A sentence for the user for each thing that was restored and that they should know of.
        keep: Whether the agent's version is to be kept, as `kept_name`.
    """

    text: str
    notes: tuple[str, ...] = ()
    keep: bool = False


def restore_overview(before: str, text: str | None) -> RestoredOverview:
    """Undo what an iteration may not do to the overview: delete or garble it, change its head, its phase, its counters.

    Args:
        before: The file before the iteration, with what samobot has changed since.
        text: The file now; None if it is gone.
    """
    was = parse_overview(before)
    if text is None:
        note = "_overview.md was deleted during the iteration; the overview is back."
        return RestoredOverview(before, (note,))
    now = parse_overview(text)
    notes: list[str] = []
    fixed, keep = text, False
    if _is_overwritten(was, now):
        note = "_overview.md was overwritten during the iteration; it is back, what stood there is in _logs/"
        return RestoredOverview(before, (f"{note}{kept_name(text)}.",), keep=True)
    if _head(now) != _head(was):
        fixed = _with_head(before, text)
        if _head(parse_overview(fixed)) != _head(was):
            fixed = before
        changed = " and ".join(name for name in _HEAD if getattr(now, name) != getattr(was, name))
        notes.append(
            f"The {changed.replace('_', ' ')} in _overview.md was changed during the iteration; it is as before, "
            f"what stood there is in _logs/{kept_name(text)}."
        )
        keep = True
    if now.phase is not was.phase:
        said = one_line(now.phase_text or "nothing", 40)
        notes.append(
            f"The phase in _overview.md was changed to “{said}” during the iteration; it is “{was.phase_text}” again."
        )
    return RestoredOverview(set_status(fixed, _worker_keys(was)), tuple(notes), keep)


def kept_name(text: str) -> str:
    """The name under which an agent's version of the overview is kept in `_logs`."""
    return f"overview-{hashlib.sha256(text.encode('utf-8', 'surrogateescape')).hexdigest()[:12]}.md"


_HEAD = ("title", "started", "task")


def _head(overview: Overview) -> tuple[object, ...]:
    return tuple(getattr(overview, name) for name in _HEAD)


def _with_head(before: str, text: str) -> str:
    """The text with everything above its first section as it was before."""
    return before[: _sections(before)] + text[_sections(text) :]


def _sections(text: str) -> int:
    return next((line.start for line in scan(text) if line.level == 2), len(text))


def _is_overwritten(was: Overview, now: Overview) -> bool:
    """Whether the file is no longer this session's: its task or its place is gone."""
    lost = any(
        before is not None and after is None
        for before, after in ((was.title, now.title), (was.task, now.task), (was.phase_text, now.phase_text))
    )
    return lost or now.working_dir != was.working_dir


def _worker_keys(was: Overview) -> dict[str, str]:
    """The lines under Status that only the worker writes."""
    values = {
        "Phase": was.phase_text,
        "Iteration": was.iteration,
        "Total Iterations": was.total_iterations,
        "Blocked": was.blocked,
        "Quality Iteration": was.quality_iteration,
    }
    return {key: str(value) for key, value in values.items() if value is not None}
