"""One account's usage limit on several machines: all wait, one tries, and none can keep the others waiting for days."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from samobot.hosts.control_values import MachineReport, ReachedLimit, SharedLimit
from samobot.hosts.limit_sharing import next_limit

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
FIVE = ReachedLimit(until=NOW + timedelta(hours=3), kind="five_hour", text="Limit")
WEEK = ReachedLimit(until=NOW + timedelta(days=4), kind="seven_day", text="Limit")
IDLE = MachineReport()
WAITS = MachineReport(running=1, parked=1)


def reports(limit: ReachedLimit, known: int = 0) -> MachineReport:
    return WAITS.model_copy(update={"reached": limit, "known": known})


def test_a_limit_that_one_machine_reaches_holds_for_all_and_that_one_probes_it() -> None:
    seen = next_limit(SharedLimit(), {"a": WAITS, "b": reports(FIVE)}, ["b"], NOW)
    assert seen == SharedLimit(n=1, limit=FIVE, by="b", probe="b")
    again = next_limit(seen, {"a": WAITS, "b": reports(FIVE)}, [], NOW)
    assert again == seen, "a report that was taken into account is no news"


def test_an_answer_on_any_machine_lifts_it_and_an_old_answer_does_not() -> None:
    held = SharedLimit(n=4, limit=FIVE, by="b", probe="b")
    answered = WAITS.model_copy(update={"answered": 4, "known": 4})
    assert next_limit(held, {"a": answered, "b": WAITS}, [], NOW) == SharedLimit(n=5)
    late = WAITS.model_copy(update={"answered": 3})
    assert next_limit(held, {"a": late, "b": WAITS}, [], NOW) == held


def test_a_machine_that_goes_away_or_has_nothing_waiting_gives_up_the_probe() -> None:
    held = SharedLimit(n=1, limit=FIVE, by="b", probe="b")
    for others, chosen in (
        ({"a": WAITS, "b": MachineReport(running=1)}, "b"),  # it is trying just now
        ({"a": WAITS, "b": IDLE}, "a"),
        ({"a": WAITS}, "a"),
        ({"a": IDLE}, ""),
    ):
        assert next_limit(held, others, [], NOW).probe == chosen, others


def test_a_limit_of_days_is_tried_by_another_machine_until_two_have_reached_it() -> None:
    machines = {"a": reports(WEEK), "b": WAITS, "c": WAITS}
    doubted = next_limit(SharedLimit(), machines, ["a"], NOW)
    assert (doubted.by, doubted.probe) == ("a", "b")
    machines["b"] = reports(WEEK, known=1)
    confirmed = next_limit(doubted, machines, ["b"], NOW)
    assert confirmed.limit is not None
    assert confirmed.limit.confirmed
    assert confirmed.n == 2


def test_numbers_continue_after_those_that_the_machines_know() -> None:
    after = next_limit(SharedLimit(), {"a": reports(FIVE, known=17)}, ["a"], NOW)
    assert after.n == 18, "a hub that was set up anew must be heard"


def test_a_limit_longer_than_any_is_not_believed() -> None:
    forged = replace_until(FIVE, timedelta(days=300))
    assert next_limit(SharedLimit(), {"a": reports(forged)}, ["a"], NOW).limit is None


def replace_until(limit: ReachedLimit, wait: timedelta) -> ReachedLimit:
    return limit.model_copy(update={"until": NOW + wait})
