"""A usage limit is met once for all sessions of the account, and the day's budget holds over all of them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from samobot.claude.outcome_kinds import OutcomeKind
from samobot.money import spending
from samobot.session.journal import RunEndReason
from samobot.session.requests import RequestKind, WorkerRequest, request
from samobot.worker.run import RunOptions
from samobot.worker.usage_limit import Account, Limit
from tests.support.fake_iteration import Clock, Played, bench
from tests.support.session_folder import make_session

GO_ON = Played({"status": "continue", "summary": "on"})
DONE_SOON = Played({"status": "blocked", "reason": "enough", "needs": "nothing"})


def limit_at(clock: Clock, minutes: float) -> Limit:
    return Limit(clock.now + timedelta(minutes=minutes), "five_hour", "The limit is reached.")


async def test_a_limit_that_another_session_met_costs_this_one_no_iteration(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    there = bench(folder, DONE_SOON)
    limit = limit_at(there.clock, 30)
    Account(folder.path.parent / "state").met(limit)
    end = await there.worker.run()
    assert end.reason is RunEndReason.BLOCKED
    assert there.presence.parked == [limit.until, None]
    assert there.clock.now >= limit.until
    assert len(there.iteration.assignments) == 1
    assert Account(folder.path.parent / "state").limit(there.clock.now) is None


async def test_the_limit_that_a_run_meets_is_told_to_all_and_counts_as_no_failure(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    resets = Clock().now + timedelta(hours=2)
    met = Played(outcome=OutcomeKind.USAGE_LIMIT, resets_at=resets)
    seen: list[Limit | None] = []

    def look(_: object) -> None:
        seen.append(Account(folder.path.parent / "state").limit(there.clock.now))

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
    prober = Account(state)
    prober.met(limit_at(there.clock, -1))
    assert prober.begin_probe()

    def at_nap(number: int) -> None:
        assert there.iteration.assignments == []
        if number == 4:
            prober.lifted()

    there.clock.at_nap = at_nap
    await there.worker.run()
    assert len(there.clock.naps) >= 4
    assert len(there.iteration.assignments) == 1


async def test_a_person_may_try_before_the_reset(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    there = bench(folder, DONE_SOON)
    limit = limit_at(there.clock, 300)
    Account(folder.path.parent / "state").met(limit)
    there.clock.at_nap = lambda number: request(folder, WorkerRequest(RequestKind.RESUME, "Ann"))
    await there.worker.run()
    assert there.clock.now < limit.until
    assert len(there.iteration.assignments) == 1


async def test_a_run_that_does_not_wait_says_until_when(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    there = bench(folder, GO_ON, options=RunOptions(wait_for_limits=False))
    limit = limit_at(there.clock, 30)
    Account(folder.path.parent / "state").met(limit)
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


async def test_more_for_today_lets_it_go_on_until_that_is_spent_too(tmp_path: Path) -> None:
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
