"""What each iteration has cost, from the journals of sessions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, TypeGuard

from samobot.config.project import Project
from samobot.errors import SamobotError
from samobot.frozen import frozen
from samobot.session.folder import ARCHIVE, SessionFolder, list_folders
from samobot.session.journal import events, source
from samobot.session.journal_events import EventName, round_of
from samobot.text import one_line


@frozen
class Charge:
    """What one iteration has cost.

    Attributes:
        at: When it ended.
        session: How its session is called here.
        phase: Its phase.
        round: Number of the round of its session, from 1.
        usd: US dollars; None if it ended, or its worker did, without reporting it.
        models: The same by model, as far as Claude reported it.
    """

    at: datetime
    session: str
    phase: str
    usd: float | None
    models: Mapping[str, float]
    round: int = 1


def is_money(value: object) -> TypeGuard[float]:
    """Whether a value out of a file is an amount of US dollars; one beyond any account is damage too."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e9


def collect(projects: Sequence[Project], since: date | None = None) -> tuple[list[Charge], list[str]]:
    """Read the charges of all sessions, archived ones too: what was spent stays spent.

    A journal that cannot be read does not keep the others from being counted.

    Args:
        projects: Where to look.
        since: Journals that have not been written since that day may be left out.

    Returns:
        The charges, and a sentence for each folder or journal that could not be read.
    """
    found: list[tuple[Project, SessionFolder]] = []
    problems: list[str] = []
    for project in projects:
        for place in (project.sessions, project.sessions / ARCHIVE):
            try:
                found += [(project, folder) for folder in list_folders(place)]
            except SamobotError as error:
                problems.append(error.message)
    charges: list[Charge] = []
    for (_, folder), label in zip(found, _labels(found), strict=True):
        try:
            if since is not None and not _written_since(source(folder)[0], since):
                continue
            charges += read_charges(label, events(folder))
        except SamobotError as error:
            problems.append(error.message)
    return charges, problems


def read_charges(session: str, events: Iterable[Mapping[str, Any]]) -> Iterator[Charge]:
    """Find what each iteration of a journal has cost.

    Args:
        session: How the session is to be called.
        events: As `journal.events` gives them; other kinds and strange values are passed over.
    """
    running: Mapping[str, Any] | None = None
    number = 1
    for event in events:
        match event["event"]:
            case EventName.ITERATION_END:
                running = None
                yield _charge(session, event, number)
            case EventName.ITERATION_START | EventName.RUN_START | EventName.RUN_END as name:
                if running is not None:
                    # It has no end: its worker died.
                    yield _charge(session, running, number)
                running = event if name == EventName.ITERATION_START else None
            case EventName.PHASE:
                number = round_of(event) or number
            case _:
                pass


def _charge(session: str, event: Mapping[str, Any], number: int) -> Charge:
    phase, usd, models = event.get("phase"), event.get("cost_usd"), event.get("models")
    return Charge(
        at=event["at"],
        session=session,
        phase=one_line(phase, 40) if isinstance(phase, str) and phase.strip() else "no phase",
        usd=float(usd) if is_money(usd) else None,
        models={one_line(str(name), 60): float(part) for name, part in models.items() if is_money(part)}
        if isinstance(models, dict)
        else {},
        round=number,
    )


def _labels(found: Sequence[tuple[Project, SessionFolder]]) -> list[str]:
    """Shortest unambiguous names of sessions: `name`, `project:name`, or with the folder's date."""
    several = len({project.file for project, _ in found}) > 1
    short = [f"{project.name}:{folder.name}" if several else folder.name for project, folder in found]
    dated = [
        f"{project.name}:{folder.path.name}" if several else folder.path.name for project, folder in found
    ]
    counts: dict[str, int] = {}
    for name in short:
        counts[name] = counts.get(name, 0) + 1
    return [long if counts[name] > 1 else name for name, long in zip(short, dated, strict=True)]


def _written_since(journal: Path, since: date) -> bool:
    try:
        written = date.fromtimestamp(journal.stat().st_mtime)
    except (OSError, ValueError, OverflowError):
        return True  # reading it decides
    # A day of leeway for a clock or a zone that was changed.
    return written >= since or (since - written).days <= 1
