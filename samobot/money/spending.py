"""What all sessions together have cost today, and the thresholds on the way to a cap.

One file a local day in the state folder, one line a finished iteration. Workers of several sessions append
at the same time; each learns what the day's sum was before and after its own line, so that of all of them
exactly one crosses each threshold and sends the notice.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from enum import IntEnum
from pathlib import Path
from typing import Any

from samobot.errors import StorageError
from samobot.frozen import frozen
from samobot.money.charges import is_money
from samobot.money.machine_share import ShareFile
from samobot.session.file_lock import FileLock
from samobot.session.files import JOURNAL_LIMIT, append_line, make_folder, open_regular
from samobot.session.journal_events import stamp
from samobot.text import human_money

FOLDER = "spending"
KEPT_DAYS = 60
"""Days after which a day's file is removed."""

LOCK_SECONDS = 2.0
"""How long another process may hold the lock before a line is written without it."""

_REMEDY = "Set SAMOBOT_STATE_DIR to a folder of your own."
_MAX_LINE = 64 * 1024
_SLACK = 1e-4


class Threshold(IntEnum):
    """The shares of a cap, in percent, at which a notice is sent."""

    HALF = 50
    MOST = 80
    ALL = 100


@frozen
class Spent:
    """The day's sum around one iteration.

    Attributes:
        before: US dollars before it.
        after: US dollars with it.
    """

    before: float
    after: float


def add(state_dir: Path, now: datetime, session: Path, usd: float) -> Spent:
    """Write down what an iteration has cost; it is on disk when this returns.

    Blocks for a moment; from an event loop, call it in a thread.

    Args:
        state_dir: samobot's own folder; created if missing.
        now: When the iteration ended, aware. Its local day is the one that is charged.
        session: The session's folder.
        usd: What it cost, in US dollars; an iteration without cost is not written.

    Raises:
        StorageError: The disk refused.
        ValueError: `usd` is no amount of money.
    """
    if not is_money(usd):
        raise ValueError(f"{usd!r} is no amount of money")
    path = _file_of(state_dir, now)
    if usd == 0:
        total = spent_today(state_dir, now)
        return Spent(total, total)
    make_folder(path.parent, 0o700, remedy=_REMEDY)
    line = json.dumps({"at": stamp(now), "session": os.fspath(session), "usd": usd})
    with _lock(path.parent):
        if not path.exists():
            _prune(path.parent, now.astimezone().date())
        before = _total(path)
        append_line(path, line, mode=0o600)
    return Spent(before, math.fsum((before, usd)))


def spent_today(state_dir: Path, now: datetime) -> float:
    """What all sessions together have cost on the local day of `now`, in US dollars.

    Lines that are damaged are left out.

    Args:
        state_dir: samobot's own folder; need not exist.
        now: The present, aware.

    Raises:
        StorageError: The day's file is there and cannot be read.
    """
    return _total(_file_of(state_dir, now))


def allow(state_dir: Path, now: datetime, usd: float, who: str, *, request: str = "") -> None:
    """Let the sessions spend more than the cap today; does not carry over to tomorrow.

    Args:
        state_dir: samobot's own folder; created if missing.
        now: The present, aware.
        usd: How much more, in US dollars.
        who: Who allowed it.
        request: Names the request; one that is repeated on that day allows it once.

    Raises:
        StorageError: The disk refused.
        ValueError: `usd` is no amount of money.
    """
    if not is_money(usd):
        raise ValueError(f"{usd!r} is no amount of money")
    path = _file_of(state_dir, now)
    make_folder(path.parent, 0o700, remedy=_REMEDY)
    record = {"at": stamp(now), "who": who, "allowed": usd} | ({"request": request} if request else {})
    with _lock(path.parent):
        if not request or all(known.get("request") != request for known in _records(path)):
            append_line(path, json.dumps(record), mode=0o600)


def allowed_today(state_dir: Path, now: datetime) -> float:
    """How much more than the cap may be spent on the local day of `now`, in US dollars.

    Raises:
        StorageError: The day's file is there and cannot be read.
    """
    return _total(_file_of(state_dir, now), "allowed")


def newly_crossed(before: float, after: float, cap: float) -> Threshold | None:
    """Return the highest threshold that the sum has reached only now, if any.

    Args:
        before: The sum before, in US dollars.
        after: The sum now.
        cap: What `Threshold.ALL` stands for.
    """
    crossed = [step for step in Threshold if not _reaches(before, cap, step) and _reaches(after, cap, step)]
    return max(crossed, default=None)


def is_used_up(spent: float, cap: float) -> bool:
    """Whether a cap leaves nothing to spend. Both in US dollars."""
    return _reaches(spent, cap, Threshold.ALL)


@frozen
class DayBudget:
    """A budget of the day.

    Attributes:
        cap: What may be spent, with what the user has allowed on top, in US dollars.
        here: What the sessions of this machine have cost.
        elsewhere: The same of the other machines, by their names; empty if it is a budget of this machine alone.
    """

    cap: float
    here: float
    elsewhere: dict[str, float]

    @property
    def spent(self) -> float:
        """What was spent of it."""
        return math.fsum((self.here, *self.elsewhere.values()))

    @property
    def left(self) -> float:
        """What is left; below 0 if more was spent."""
        return self.cap - self.spent

    @property
    def scope(self) -> str:
        """What it is over: all sessions of this machine, or all machines."""
        return "all machines" if self.elsewhere else "all sessions"


def day_budget(state_dir: Path, now: datetime, daily_usd: float | None) -> DayBudget | None:
    """Return the budget of the day of which the least is left; None if there is none.

    There are two on a host: its own, and that of the hub, over all machines.

    Args:
        state_dir: samobot's state folder.
        now: The time.
        daily_usd: What the sessions of this machine may cost in a day, in US dollars; None is no limit.

    Raises:
        StorageError: The day's spending cannot be read.
    """
    share = ShareFile(state_dir).read()
    is_shared = share is not None and share.day == now.astimezone().date().isoformat()
    if daily_usd is None and not is_shared:
        return None
    here, allowed = spent_today(state_dir, now), allowed_today(state_dir, now)
    budgets = [DayBudget(daily_usd + allowed, here, {})] if daily_usd is not None else []
    if share is not None and is_shared and share.cap_usd is not None:
        budgets.append(DayBudget(share.cap_usd + share.allowed_usd + allowed, here, share.spent_usd))
    return min(budgets, key=lambda each: each.left, default=None)


def day_is_over(state_dir: Path, now: datetime, daily_usd: float | None) -> str | None:
    """Return the message that the day's budget is used up; None if something is left.

    Raises:
        StorageError: The day's spending cannot be read.
    """
    budget = day_budget(state_dir, now, daily_usd)
    if budget is None or not is_used_up(budget.spent, budget.cap):
        return None
    most = max(budget.elsewhere, key=budget.elsewhere.__getitem__, default="")
    share = f", {human_money(budget.elsewhere[most])} of it on {most}" if budget.elsewhere.get(most) else ""
    return (
        f"The day's budget of {human_money(budget.cap)} over {budget.scope} is used up: "
        f"{human_money(budget.spent)} today{share}. Resume it tomorrow, or allow more for today."
    )


def _reaches(spent: float, cap: float, step: Threshold) -> bool:
    # Sums of cents are not exact in binary: ten times 0.1 has to reach 1.
    return spent + _SLACK >= cap * step / 100


def _file_of(state_dir: Path, now: datetime) -> Path:
    return state_dir / FOLDER / f"{now.astimezone():%Y-%m-%d}.jsonl"


def _total(path: Path, kind: str = "usd") -> float:
    amounts = (record.get(kind) for record in _records(path))
    return math.fsum(float(usd) for usd in amounts if is_money(usd))


def _records(path: Path) -> Iterator[dict[str, Any]]:
    try:
        with open_regular(path, limit=JOURNAL_LIMIT) as file:
            for line in iter(lambda: file.readline(_MAX_LINE), b""):
                if not line.startswith(b"{"):
                    continue  # millions of them would take a parser minutes
                try:
                    record = json.loads(line)
                except (ValueError, RecursionError):
                    continue
                if isinstance(record, dict):
                    yield record
    except FileNotFoundError:
        return
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}.") from error


def _prune(folder: Path, today: date) -> None:
    """Remove the files of days long past; what is not a day's file stays."""
    oldest = today - timedelta(days=KEPT_DAYS)
    with contextlib.suppress(OSError):
        for path in folder.glob("????-??-??.jsonl"):
            with contextlib.suppress(ValueError):
                if date.fromisoformat(path.stem) < oldest:
                    path.unlink()


@contextlib.contextmanager
def _lock(folder: Path) -> Iterator[None]:
    """Keep other workers from adding meanwhile.

    Without it the worst is a notice that is sent twice; so a frozen process that holds it does not keep money
    from being counted.
    """
    with FileLock(folder / ".lock") as lock:
        lock.acquire(wait=LOCK_SECONDS)
        yield
