"""What sessions have cost: by session, phase, model and local day, from their journals.

Reading is `collect`; the rest is pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any, TypeGuard

from samobot.config.project import Project
from samobot.errors import SamobotError
from samobot.session.folder import ARCHIVE, SessionFolder, list_folders
from samobot.session.journal import events, source
from samobot.session.journal_events import EventName, round_of
from samobot.text import capitalize_first, clip, human_money, one_line

WIDTH = 36
"""Characters of a line that a phone shows in a code block without wrapping."""

_ROWS = 10
_RELEASE = re.compile(r"-\d{8}$")
_UNTOLD = "not told"


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class Amount:
    """A sum: US dollars, the iterations that it is the sum of, and how many of them reported no cost."""

    usd: float = 0.0
    iterations: int = 0
    unpriced: int = 0

    def plus(self, usd: float | None) -> Amount:
        """The sum with one more iteration."""
        return self + Amount(usd or 0.0, 1, int(usd is None))

    def __add__(self, other: Amount) -> Amount:
        return Amount(
            self.usd + other.usd, self.iterations + other.iterations, self.unpriced + other.unpriced
        )


@dataclass(frozen=True, slots=True)
class Costs:
    """Charges added up.

    Attributes:
        since: The first local day that counts; None is all.
        total: All of them.
        by_session: By session, the dearest first.
        by_phase: By phase, the dearest first.
        by_model: By model, the dearest first; what Claude reported for no model is `not told`.
        by_day: By local day (`2026-01-15`), the newest first.
        by_round: By round, the first first; empty if the charges are of several sessions.
    """

    since: date | None
    total: Amount
    by_session: Mapping[str, Amount]
    by_phase: Mapping[str, Amount]
    by_model: Mapping[str, Amount]
    by_day: Mapping[str, Amount]
    by_round: Mapping[str, Amount]


def merge_costs(own: Costs, others: Mapping[str, Costs]) -> Costs:
    """Add up the costs of several machines.

    Args:
        own: This machine's.
        others: The others', by the machine's name, which is added to their sessions' names.
    """
    named = [
        replace(each, by_session={f"{key}@{name}": value for key, value in each.by_session.items()})
        for name, each in others.items()
    ]
    every = [own, *named]

    def add(maps: Iterable[Mapping[str, Amount]], *, newest: bool = False) -> dict[str, Amount]:
        sums: dict[str, Amount] = {}
        for each in maps:
            for key, amount in each.items():
                sums[key] = sums.get(key, Amount()) + amount
        order = (
            sorted(sums.items(), reverse=True) if newest else sorted(sums.items(), key=lambda x: -x[1].usd)
        )
        return dict(order)

    return Costs(
        since=own.since,
        total=sum((each.total for each in every), Amount()),
        by_session=add(each.by_session for each in every),
        by_phase=add(each.by_phase for each in every),
        by_model=add(each.by_model for each in every),
        by_day=add((each.by_day for each in every), newest=True),
        by_round=own.by_round if not others else {},
    )


def is_money(value: object) -> TypeGuard[float]:
    """Whether a value out of a file is an amount of US dollars; one beyond any account is damage too."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e9


def first_day(now: datetime, days: int, zone: tzinfo | None = None) -> date:
    """The first of the last `days` local days, today being one of them.

    Args:
        now: The present, aware.
        days: At least 1.
        zone: Where a day begins; None is this machine's zone.
    """
    today = now.astimezone(zone).date()
    return today - timedelta(days=min(days - 1, (today - date.min).days))


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
        if since is not None and not _written_since(source(folder)[0], since):
            continue
        try:
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
                    # It never said that it ended: its worker died.
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


def add_up(charges: Iterable[Charge], *, since: date | None = None, zone: tzinfo | None = None) -> Costs:
    """Add charges up.

    Args:
        charges: In any order.
        since: The first local day that counts; None is all.
        zone: Where a day begins; None is this machine's zone.
    """
    total = Amount()
    by_session: dict[str, Amount] = {}
    by_phase: dict[str, Amount] = {}
    by_model: dict[str, Amount] = {}
    by_day: dict[str, Amount] = {}
    by_round: dict[int, Amount] = {}
    for charge in charges:
        day = _local_day(charge.at, zone)
        if since is not None and day < since:
            continue
        total = total.plus(charge.usd)
        for sums, key in ((by_session, charge.session), (by_phase, charge.phase), (by_day, day.isoformat())):
            sums[key] = sums.get(key, Amount()).plus(charge.usd)
        by_round[charge.round] = by_round.get(charge.round, Amount()).plus(charge.usd)
        for model, usd in _by_model(charge):
            by_model[model] = by_model.get(model, Amount()).plus(usd)
    return Costs(
        since=since,
        total=total,
        by_session=_dearest_first(by_session),
        by_phase=_dearest_first(by_phase),
        by_model=_dearest_first(by_model),
        by_day=dict(sorted(by_day.items(), reverse=True)),
        by_round={str(number): by_round[number] for number in sorted(by_round)}
        if len(by_session) == 1
        else {},
    )


def cost_lines(costs: Costs, *, width: int = WIDTH, rows: int = _ROWS) -> list[str]:
    """Show costs as columns for a font whose characters are all equally wide.

    Args:
        costs: What to show.
        width: Most characters of a line; at least 30.
        rows: Most lines of each part; the rest is added up in one more.
    """
    since = f" since {_day_words(costs.since.isoformat())}" if costs.since else ""
    if not costs.total.iterations:
        return [f"Nothing spent{since or ' yet'}."]
    count, unpriced = costs.total.iterations, costs.total.unpriced
    usd = capitalize_first(human_money(costs.total.usd, unpriced=unpriced))
    lines = [f"{usd} in {count} iteration{'s' if count != 1 else ''}{since}"]
    if unpriced:
        lines.append(f"{unpriced} of them ended without a price")
    parts: list[tuple[str, Mapping[str, Amount], Callable[[str], str]]] = [
        ("By session", costs.by_session, str),
        ("By round", costs.by_round, "round {}".format),
        ("By phase", costs.by_phase, str),
        ("By model", costs.by_model, _model_words),
        ("By day", costs.by_day, _day_words),
    ]
    tables = {
        title: _rows(sums, words, rows)
        for title, sums, words in parts
        # One line of a session or a round would only repeat the total.
        if sums and (title not in ("By session", "By round") or len(sums) > 1)
    }
    room = max(width - len(_numbers(costs.total, costs.total.usd)), 8)
    longest = min(room, max(len(name) for table in tables.values() for name, _ in table))
    for title, table in tables.items():
        lines += ["", title]
        lines += [
            f"{clip(name, room):<{longest}}{_numbers(amount, costs.total.usd)}" for name, amount in table
        ]
    return lines


def _rows(sums: Mapping[str, Amount], words: Callable[[str], str], most: int) -> list[tuple[str, Amount]]:
    """The lines of a table; if there are too many, the last is the sum of the rest."""
    shown = [(words(name), amount) for name, amount in sums.items()]
    # One line of “others” for a single one would save nothing.
    if len(shown) <= most + 1:
        return shown
    rest = [amount for _, amount in shown[most:]]
    return [*shown[:most], (f"{len(rest)} others", sum(rest, Amount()))]


def _numbers(amount: Amount, whole: float) -> str:
    share = f"{amount.usd / whole:.0%}" if whole else ""
    return f" {human_money(amount.usd):>10}{share:>6}{f'{amount.iterations}×':>5}"


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


def _by_model(charge: Charge) -> Iterator[tuple[str, float]]:
    yield from charge.models.items()
    untold = (charge.usd or 0.0) - sum(charge.models.values())
    if untold >= 0.005:
        yield _UNTOLD, untold


def _local_day(at: datetime, zone: tzinfo | None) -> date:
    try:
        return at.astimezone(zone).date()
    except (OverflowError, OSError, ValueError):
        return at.date()


def _dearest_first(sums: Mapping[str, Amount]) -> dict[str, Amount]:
    return dict(sorted(sums.items(), key=lambda item: (-item[1].usd, item[0])))


def _model_words(model: str) -> str:
    return _RELEASE.sub("", model.removeprefix("claude-")) or model


def _day_words(day: str) -> str:
    return f"{date.fromisoformat(day):%a %d %b}"
