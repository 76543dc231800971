"""What counts of a journal that its session's agent could write."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from samobot.session.journal_events import EventName


def untrusted(found: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Take from events what could grant something.

    No run decides gates automatically, the budget is the lowest that was ever named, no profile or program was chosen, and
    no user moved a phase or lifted a block.
    """
    least: float | None = None
    for record in found:
        match record["event"]:
            case EventName.RUN_START:
                least = _lower(least, record.get("budget_usd"))
                record.update({"auto": False} | ({} if least is None else {"budget_usd": least}))
            case EventName.BUDGET:
                least = _lower(least, record.get("usd"))
                record.update({} if least is None else {"usd": least})
            case EventName.PROFILE:
                record.update(profile="")  # a stronger one costs more
            case EventName.PROVIDER:
                record.update(provider="")  # another one keeps fewer promises
            case EventName.PHASE if record.get("by") == "person":
                record.update(by="copy")
            case EventName.DECISION if record.get("kind") in ("retry", "action_done"):
                record.update(kind="copy")
            case _:
                pass
        yield record


def _lower(least: float | None, value: object) -> float | None:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < float("inf"):
        return least
    return float(value) if least is None else min(least, float(value))
