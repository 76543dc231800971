"""A usage limit is met once for all sessions of the account, and the day's budget holds over all of them."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from samobot.claude.outcome_kinds import OutcomeKind
from samobot.money import spending
from samobot.session.journal import RunEndReason
from samobot.session.requests import RequestKind, WorkerRequest, request
from samobot.session.snapshot import snapshot
from samobot.worker.limit_wait import shown_time
from samobot.worker.run import RunOptions
from samobot.worker.usage_limit import AccountLimit, KnownLimit
from tests.support.fake_iteration import Clock, Played, bench
from tests.support.session_folder import make_session

GO_ON = Played({"status": "continue", "summary": "on"})
DONE_SOON = Played({"status": "blocked", "reason": "enough", "needs": "nothing"})


def limit_at(clock: Clock, minutes: float) -> KnownLimit:
    return KnownLimit(clock.now + timedelta(minutes=minutes), "five_hour", "The limit is reached.")


async def test_a_limit_that_another_session_met_costs_this_one_no_iteration(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    there = bench(folder, DONE_SOON)
    limit = limit_at(there.clock, 30)
    AccountLimit(folder.path.parent / "state").record(limit, there.clock.now)
    end = await there.worker.run()
    assert end.reason is RunEndReason.BLOCKED
    assert there.heartbeat.parked == [limit.until, None]
    assert there.clock.now >= limit.until
    assert len(there.iteration.assignments) == 1
    assert AccountLimit(folder.path.parent / "state").limit(there.clock.now) is None


async def test_limit_that_a_run_reaches_is_shared_and_counts_as_no_failure(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    resets = Clock().now + timedelta(hours=2)
    met = Played(outcome=OutcomeKind.USAGE_LIMIT, resets_at=resets)
    seen: list[KnownLimit | None] = []

    def look(_: object) -> None:
        seen.append(AccountLimit(folder.path.parent / "state").limit(there.clock.now))

    there = bench(folder, met, Played({"status": "blocked", "reason": "r", "needs": "n"}, act=look))
    await there.worker.run()
    assert seen[0] is not None
    assert resets + timedelta(seconds=60) <= seen[0].until <= resets + timedelta(seconds=120)
    first, second = (each.visit for each in there.iteration.assignments)
    assert first == second, "the limit used up none of the phase's iterations"


async def test_while_one_tries_the_others_wait_for_what_it_finds(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    state = folder.path.parent / "state"
    there = bench(folder, DONE_SOON)
    prober = AccountLimit(state)
    prober.record(limit_at(there.clock, -1), there.clock.now)
    assert prober.begin_probe(limit_at(there.clock, -1), there.clock.now)

    def at_nap(number: int) -> None:
        assert there.iteration.assignments == []
        if number == 4:
            prober.clear()

    there.clock.at_nap = at_nap
    await there.worker.run()
    assert len(there.clock.naps) >= 4
    assert len(there.iteration.assignments) == 1


async def test_user_may_try_before_the_reset(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    there = bench(folder, DONE_SOON)
    limit = limit_at(there.clock, 300)
    AccountLimit(folder.path.parent / "state").record(limit, there.clock.now)
    there.clock.at_nap = lambda number: request(folder, WorkerRequest(RequestKind.RESUME, "Ann"))
    await there.worker.run()
    assert there.clock.now < limit.until
    assert len(there.iteration.assignments) == 1


async def test_run_that_does_not_wait_reports_until_when(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    there = bench(folder, GO_ON, options=RunOptions(wait_for_limits=False))
    limit = limit_at(there.clock, 30)
    AccountLimit(folder.path.parent / "state").record(limit, there.clock.now)
    end = await there.worker.run()
    assert (end.reason, end.until) == (RunEndReason.PARKED, limit.until)
    assert there.iteration.assignments == []


async def test_the_days_budget_stops_within_one_iteration_and_is_warned_about(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    there = bench(folder, Played({"status": "continue", "summary": "on"}, cost=0.3), daily_usd=1.0)
    spending.add(folder.path.parent / "state", there.clock.now, Path("/another/session"), 0.1)
    end = await there.worker.run()
    assert end.reason is RunEndReason.BUDGET
    assert "day" in end.text
    assert len(there.iteration.assignments) == 3
    assert [round(each.budget_left or 0, 2) for each in there.iteration.assignments] == [0.9, 0.6, 0.3]
    said = [notice.partition(" %")[0] for notice in there.notices if "%" in notice]
    assert said == ["50", "100"]
    assert [remark.text.partition(" %")[0] for remark in there.files.journal().notices] == said
    assert end.of_day


async def test_more_for_today_continues_it_until_that_is_spent_too(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    state = folder.path.parent / "state"
    spends = Played({"status": "continue", "summary": "on"}, cost=0.5)
    first = bench(folder, spends, daily_usd=1.0)
    assert (await first.worker.run()).reason is RunEndReason.BUDGET
    spending.allow(state, first.clock.now, 1.0, "Ann")
    second = bench(folder, spends, daily_usd=1.0)
    assert (await second.worker.run()).reason is RunEndReason.BUDGET
    assert (len(first.iteration.assignments), len(second.iteration.assignments)) == (2, 2)
    assert spending.spent_today(state, second.clock.now) == 2.0
    tomorrow = second.clock.now + timedelta(days=1)
    assert spending.allowed_today(state, tomorrow) == spending.spent_today(state, tomorrow) == 0.0


async def test_long_limit_of_one_other_session_is_tried_before_it_is_believed(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    there = bench(folder, DONE_SOON)
    account = AccountLimit(folder.path.parent / "state")
    forged = KnownLimit(there.clock.now + timedelta(days=6), "seven_day", "The limit is reached.", "/another")
    account.record(forged, there.clock.now)
    await there.worker.run()
    assert there.clock.naps == []
    assert account.limit(there.clock.now) is None


async def test_long_limit_that_a_second_session_met_is_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("samobot.worker.sleep.POLL_SECONDS", 600.0)  # six days have half a million seconds
    folder = make_session(tmp_path)
    met = Played(outcome=OutcomeKind.USAGE_LIMIT, resets_at=Clock().now + timedelta(days=6), kind="seven_day")
    there = bench(folder, met, DONE_SOON)
    account = AccountLimit(folder.path.parent / "state")
    limit = KnownLimit(there.clock.now + timedelta(days=6), "seven_day", "The limit is reached.", "/another")
    account.record(limit, there.clock.now)
    await there.worker.run()
    assert timedelta(days=6) <= timedelta(seconds=there.clock.slept) <= timedelta(days=6, minutes=5)
    assert len(there.iteration.assignments) == 2


async def test_parked_run_continues_when_another_session_is_answered(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    met = Played(outcome=OutcomeKind.USAGE_LIMIT, resets_at=datetime(2100, 1, 1, tzinfo=UTC))
    there = bench(folder, met, met, DONE_SOON)
    account = AccountLimit(folder.path.parent / "state")

    def at_nap(number: int) -> None:
        if number in (5, 10):
            account.clear()

    there.clock.at_nap = at_nap
    started = there.clock.now
    await there.worker.run()
    parked = [moment for moment in there.heartbeat.parked if moment is not None]
    assert all(moment <= there.clock.now + timedelta(hours=6) for moment in parked)
    # The first answer of another session ends the wait; the second one does not, for the limit was met again.
    assert timedelta(hours=5) <= there.clock.now - started <= timedelta(hours=6)
    assert len(there.iteration.assignments) == 3


@pytest.mark.parametrize(("wait", "reason"), [(False, RunEndReason.PARKED), (True, RunEndReason.BLOCKED)])
async def test_rate_limit_without_a_reset_ends_a_run_that_does_not_wait(
    tmp_path: Path, wait: bool, reason: RunEndReason
) -> None:
    folder = make_session(tmp_path)
    busy = [Played(outcome=OutcomeKind.RATE_LIMITED)] * 30
    there = bench(folder, *busy, DONE_SOON, options=RunOptions(wait_for_limits=wait))
    end = await there.worker.run()
    assert end.reason is reason
    assert there.clock.slept >= 600
    assert snapshot(folder, "demo").status.state.value == ("parked" if not wait else "blocked")


@pytest.mark.parametrize(
    ("kind", "may_help", "iterations"),
    [
        (OutcomeKind.INVALID_REQUEST, True, 2),
        (OutcomeKind.INVALID_REQUEST, False, 1),
        (OutcomeKind.AUTH, True, 2),
        (OutcomeKind.AUTH, False, 1),
        (OutcomeKind.ACCOUNT, False, 1),
    ],
)
async def test_what_a_fresh_process_may_cure_gets_exactly_one(
    tmp_path: Path, kind: OutcomeKind, may_help: bool, iterations: int
) -> None:
    folder = make_session(tmp_path)
    there = bench(folder, Played(outcome=kind, restart_may_help=may_help))
    end = await there.worker.run()
    assert end.reason is RunEndReason.BLOCKED
    assert len(there.iteration.assignments) == iterations
    said = [remark.text for remark in there.files.journal().notices]
    assert len(said) == iterations - 1
    assert all("fresh process" in text for text in said)


@pytest.mark.parametrize(
    ("moment", "shown"),
    [
        (datetime(2026, 1, 15, 14, 40, tzinfo=UTC), "14:40"),
        (datetime(2026, 1, 16, 9, 5, tzinfo=UTC), "01-16 09:05"),
        (datetime(2027, 1, 1, 0, 0, tzinfo=UTC), "2027-01-01 00:00"),
    ],
)
def test_time_is_shown_with_as_much_of_its_date_as_is_needed(
    monkeypatch: pytest.MonkeyPatch, moment: datetime, shown: str
) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    try:
        assert shown_time(moment, Clock().now) == shown
    finally:
        monkeypatch.undo()
        time.tzset()
