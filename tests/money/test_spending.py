"""Promises of the daily sum: every cent of every session counts once, and each threshold is told once."""

from __future__ import annotations

import math
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samobot.errors import StorageError
from samobot.money.spending import FOLDER, KEPT_DAYS, Threshold, add, is_used_up, newly_crossed, spent_today

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
GREET = Path("/sessions/26-11-22-greet")


def day_file(state: Path, now: datetime = NOW) -> Path:
    return state / FOLDER / f"{now.astimezone():%Y-%m-%d}.jsonl"


def test_all_sessions_of_a_day_are_added_up(tmp_path: Path) -> None:
    assert spent_today(tmp_path, NOW) == 0
    first = add(tmp_path, NOW, GREET, 0.25)
    second = add(tmp_path, NOW, Path("/sessions/26-11-22-other"), 1.5)
    assert (first.before, first.after) == (0, 0.25)
    assert (second.before, second.after) == (0.25, 1.75)
    assert spent_today(tmp_path, NOW) == 1.75


def test_a_new_local_day_begins_at_nothing(tmp_path: Path) -> None:
    add(tmp_path, NOW, GREET, 3.0)
    assert spent_today(tmp_path, NOW + timedelta(days=1)) == 0
    assert add(tmp_path, NOW + timedelta(days=1), GREET, 1.0).before == 0
    assert spent_today(tmp_path, NOW) == 3.0


def test_damage_costs_only_the_damaged_line(tmp_path: Path) -> None:
    add(tmp_path, NOW, GREET, 1.0)
    with day_file(tmp_path).open("ab") as file:
        file.write(b'{"usd": NaN}\n{"usd": -5}\n{"usd": true}\n{"usd": "7"}\n{"usd": 1e999}\n[1]\n\xff\xfe\n')
        file.write(b"x" * 200_000 + b"\r\n" + b"[" * 100_000 + b'\n{"usd": 0.5}\r\n{"at": "torn')
    assert spent_today(tmp_path, NOW) == 1.5
    assert add(tmp_path, NOW, GREET, 2.0).after == 3.5
    assert spent_today(tmp_path, NOW) == 3.5


@given(st.binary(max_size=300))
def test_no_file_is_too_strange_to_be_read(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    state = tmp_path_factory.mktemp("state")
    day_file(state).parent.mkdir()
    day_file(state).write_bytes(data)
    total = spent_today(state, NOW)
    assert math.isfinite(total)
    assert total >= 0


@pytest.mark.slow
def test_workers_that_add_at_once_lose_nothing_and_cross_a_threshold_once(tmp_path: Path) -> None:
    script = (
        "import sys; from datetime import datetime, UTC; from pathlib import Path\n"
        "from samobot.money.spending import add, newly_crossed\n"
        "now = datetime.fromisoformat(sys.argv[2])\n"
        "for _ in range(25):\n"
        "    spent = add(Path(sys.argv[1]), now, Path('/s'), 0.01)\n"
        "    print(int(newly_crossed(spent.before, spent.after, 1.0) or 0))\n"
    )
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path), NOW.isoformat()], stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    said = [int(line) for worker in workers for line in worker.communicate()[0].split()]
    assert [worker.returncode for worker in workers] == [0, 0, 0, 0]
    assert spent_today(tmp_path, NOW) == pytest.approx(1.0)
    assert sorted(step for step in said if step) == [50, 80, 100]


def test_nobody_else_may_read_what_was_spent(tmp_path: Path) -> None:
    add(tmp_path / "state", NOW, GREET, 1.0)
    assert stat.S_IMODE((tmp_path / "state" / FOLDER).stat().st_mode) == 0o700
    assert stat.S_IMODE(day_file(tmp_path / "state").stat().st_mode) == 0o600


def test_old_days_are_removed_and_other_files_left_alone(tmp_path: Path) -> None:
    old, kept = NOW - timedelta(days=KEPT_DAYS + 1), NOW - timedelta(days=KEPT_DAYS - 1)
    add(tmp_path, old, GREET, 1.0)
    add(tmp_path, kept, GREET, 1.0)
    strange = tmp_path / FOLDER / "2026-99-99.jsonl"
    strange.write_text("mine")
    add(tmp_path, NOW, GREET, 1.0)
    assert not day_file(tmp_path, old).exists()
    assert day_file(tmp_path, kept).exists()
    assert strange.exists()


def test_an_iteration_without_cost_writes_nothing(tmp_path: Path) -> None:
    add(tmp_path, NOW, GREET, 0.0)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("usd", [-1.0, math.nan, math.inf])
def test_what_is_no_money_is_refused(tmp_path: Path, usd: float) -> None:
    with pytest.raises(ValueError, match="no amount of money"):
        add(tmp_path, NOW, GREET, usd)


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    with pytest.raises(StorageError, match="SAMOBOT_STATE_DIR"):
        add(tmp_path / "state", NOW, GREET, 1.0)


@pytest.mark.parametrize(
    ("before", "after", "step"),
    [
        (0.0, 4.9, None),
        (0.0, 5.0, Threshold.HALF),
        (5.0, 7.9, None),
        (4.0, 8.0, Threshold.MOST),
        (9.0, 10.0, Threshold.ALL),
        (0.0, 40.0, Threshold.ALL),
        (10.0, 11.0, None),
    ],
)
def test_highest_new_threshold_is_reported(before: float, after: float, step: Threshold | None) -> None:
    assert newly_crossed(before, after, 10.0) is step


@given(st.lists(st.floats(0, 3), max_size=40))
def test_each_threshold_is_reported_at_most_once_on_the_way_up(costs: list[float]) -> None:
    told, total = [], 0.0
    for usd in costs:
        told.append(newly_crossed(total, total + usd, 10.0))
        total += usd
    said = [step for step in told if step is not None]
    assert said == sorted(set(said))
    assert (Threshold.ALL in said) == is_used_up(total, 10.0)


def test_cents_that_binary_cannot_hold_reach_a_cap(tmp_path: Path) -> None:
    sums = [add(tmp_path, NOW, GREET, 0.1).after for _ in range(10)]
    assert is_used_up(sums[-1], 1.0)
    assert not is_used_up(0.99, 1.0)
