"""What sessions have cost: by session, phase, model and local day. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta, tzinfo

from samobot.frozen import frozen
from samobot.money.charges import Charge

_UNTOLD = "not told"


@frozen
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


@frozen
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


def first_day(now: datetime, days: int, zone: tzinfo | None = None) -> date:
    """The first of the last `days` local days, today being one of them.

    Args:
        now: The present, aware.
        days: At least 1.
        zone: Where a day begins; None is this machine's zone.
    """
    today = now.astimezone(zone).date()
    return today - timedelta(days=min(days - 1, (today - date.min).days))


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
