"""How the usage limit of one account is shared: who has reached it, who probes it, when it is lifted. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from samobot.claude.limits import longest_wait
from samobot.hosts.control_values import MachineReport, ReachedLimit, SharedLimit

_SAME = timedelta(hours=1)
"""Wake-up times after one reset differ by a random part."""


def next_limit(
    state: SharedLimit, reports: Mapping[str, MachineReport], fresh: Collection[str], now: datetime
) -> SharedLimit:
    """Return the limit as it should be after what the machines have reported.

    A machine that is stolen can keep others waiting by a limit that it makes up, so one of days is first tried by
    another machine, and counts as confirmed only if that has reached it too.

    Args:
        state: The limit as it was shared last.
        reports: The last reports of the account's machines that can be reached, by name.
        fresh: Those whose `reached` was not taken into account yet.
        now: The time.
    """
    after = max([state.n, *(each.known for each in reports.values())])
    lifted = any(each.answered == state.n for each in reports.values())
    if state.limit is not None and lifted:
        state = SharedLimit(n=after + 1)
    for name in sorted(fresh):
        reached = reports[name].reached
        if reached is None or reached.until - now > longest_wait(reached.kind) + _SAME:
            continue  # made up, or by a clock that is wrong
        known, n = state.limit, max(after, state.n) + 1
        if known is None or known.kind != reached.kind or abs(known.until - reached.until) > _SAME:
            limit = reached.model_copy(update={"confirmed": False})
            state = SharedLimit(n=n, limit=limit, by=name)
        elif name != state.by and not known.confirmed:
            limit = known.model_copy(update={"confirmed": True})
            state = state.model_copy(update={"n": n, "limit": limit})
    return state.model_copy(update={"probe": _prober(state, reports, now)})


def _prober(state: SharedLimit, reports: Mapping[str, MachineReport], now: datetime) -> str:
    """Choose the machine that tries whether the limit has reset; the one before, as long as something runs there."""
    if state.limit is None:
        return ""
    before = reports.get(state.probe)
    if before is not None and before.running:
        return state.probe
    doubtful = _is_doubtful(state.limit, now)
    waiting = sorted(
        (name for name, each in reports.items() if each.parked),
        key=lambda name: (name == state.by if doubtful else name != state.by, name),
    )
    return waiting[0] if waiting else ""


def _is_doubtful(limit: ReachedLimit, now: datetime) -> bool:
    return not limit.confirmed and limit.until - now > longest_wait("five_hour")
