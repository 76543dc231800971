"""The day's budget over all machines, and when a machine is cut off from its hub."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from samobot.money import spending
from samobot.money.machine_share import ALONE_SECONDS, MachineShare, ShareFile

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
DAY = NOW.astimezone().date().isoformat()
SHARE = MachineShare(day=DAY, cap_usd=40, spent_usd={"hub": 5.0, "laptop": 30.0}, allowed_usd=2)


def joined(state: Path, *, link: str = "host.json", share: MachineShare = SHARE) -> ShareFile:
    (state / "hosts").mkdir(parents=True)
    (state / "hosts" / link).write_text("{}")
    file = ShareFile(state)
    file.write(share)
    file.confirm(NOW)
    return file


def test_what_other_machines_spent_counts_with_what_was_allowed_anywhere(tmp_path: Path) -> None:
    joined(tmp_path)
    spending.add(tmp_path, NOW, Path("/s"), 4)
    spending.allow(tmp_path, NOW, 1, "anna")
    budget = spending.day_budget(tmp_path, NOW, None)
    assert budget is not None
    assert (budget.cap, budget.spent, budget.scope) == (43, 39, "all machines")
    assert spending.day_is_over(tmp_path, NOW, None) is None
    spending.add(tmp_path, NOW, Path("/s"), 4)
    over = spending.day_is_over(tmp_path, NOW, None)
    assert over == (
        "The day's budget of $43.00 over all machines is used up: $43.00 today, $30.00 of it on laptop. "
        "Resume it tomorrow, or allow more for today."
    )


def test_a_host_keeps_to_its_own_budget_as_well_and_the_one_with_less_left_counts(tmp_path: Path) -> None:
    joined(tmp_path)
    budget = spending.day_budget(tmp_path, NOW, 3)
    assert budget is not None
    assert (budget.cap, budget.spent, budget.scope) == (3, 0, "all sessions")


@pytest.mark.parametrize(
    "share",
    [
        SHARE.model_copy(
            update={"day": "2026-11-27"}
        ),  # yesterday's: what others spend today is not known yet
        SHARE.model_copy(update={"cap_usd": None}),
    ],
)
def test_without_a_budget_of_today_nothing_is_shared(tmp_path: Path, share: MachineShare) -> None:
    joined(tmp_path, share=share)
    assert spending.day_budget(tmp_path, NOW, None) is None


def test_a_machine_that_belongs_to_no_hub_any_longer_ignores_what_was_shared(tmp_path: Path) -> None:
    file = joined(tmp_path)
    (tmp_path / "hosts" / "host.json").unlink()
    assert file.read() is None
    assert not file.is_alone(NOW + timedelta(days=1))


def test_a_damaged_file_holds_nobody_up(tmp_path: Path) -> None:
    joined(tmp_path)
    (tmp_path / "hosts" / "shared.json").write_text('{"spent_usd": 3')
    assert spending.day_budget(tmp_path, NOW, 3) is not None


def test_a_host_is_cut_off_once_its_hub_was_not_reached_for_a_minute(tmp_path: Path) -> None:
    file = joined(tmp_path)
    assert not file.is_alone(NOW + timedelta(seconds=ALONE_SECONDS))
    late = NOW + timedelta(seconds=ALONE_SECONDS + 1)
    assert file.is_alone(late)
    file.confirm(late)
    assert not file.is_alone(late)
    assert not joined(tmp_path / "hub", link="hub.json").is_alone(late), "the hub itself never is"
