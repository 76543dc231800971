"""Promises of the cost report: every iteration counts once, under its own session, phase, model and local day."""

from __future__ import annotations

import json
import os
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from samobot.config.project import Project, load_project
from samobot.money.charges import collect, read_charges
from samobot.money.cost_table import cost_lines
from samobot.money.costs import Amount, add_up, first_day
from samobot.money.spending import add
from samobot.session import journal
from samobot.session.folder import ARCHIVE, SessionFolder
from samobot.session.journal import EventName, append
from samobot.terminal.cost_command import cost_command

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
OPUS, HAIKU = "claude-opus-4-5-20251101", "claude-haiku-4-5-20251001"


def end(
    at: datetime = NOW, phase: str = "planning", usd: Any = 1.0, models: Any = None, **more: Any
) -> dict[str, Any]:
    return {
        "at": at,
        "event": "iteration_end",
        "phase": phase,
        "cost_usd": usd,
        "models": {} if models is None else models,
    } | more


def make_project(parent: Path, name: str = "shop") -> Project:
    root = parent / name
    (root / "sessions").mkdir(parents=True)
    (root / ".samocode").write_text(f"MAIN_REPO={root}\nWORKTREES={root}/trees\nSESSIONS={root}/sessions\n")
    return load_project(root / ".samocode")


def make_session(sessions: Path, name: str, *usd: float, at: datetime = NOW) -> SessionFolder:
    folder = SessionFolder(sessions / name)
    folder.prepare()
    for cost in usd:
        append(folder, EventName.ITERATION_END, at, phase="testing", cost_usd=cost, models={OPUS: cost}, n=1)
    return folder


def test_costs_are_added_up_by_session_phase_model_and_day() -> None:
    first = read_charges("greet", [end(models={OPUS: 0.75, HAIKU: 0.25}), end(phase="testing", usd=2)])
    second = read_charges("other", [end(at=NOW - timedelta(days=1), usd=0.5, models={HAIKU: 0.5})])
    costs = add_up([*first, *second], zone=UTC)
    assert costs.total == Amount(3.5, 3)
    assert costs.by_session == {"greet": Amount(3.0, 2), "other": Amount(0.5, 1)}
    assert costs.by_phase == {"testing": Amount(2.0, 1), "planning": Amount(1.5, 2)}
    assert list(costs.by_model.items()) == [
        ("not told", Amount(2.0, 1)),
        (HAIKU, Amount(0.75, 2)),
        (OPUS, Amount(0.75, 1)),
    ]
    assert list(costs.by_day) == ["2026-11-22", "2026-11-21"]


def test_costs_of_one_session_are_split_by_round() -> None:
    begins = {"at": NOW, "event": "phase", "from": "done", "to": "requirements", "by": "person", "round": 2}
    moves = {"at": NOW, "event": "phase", "from": "requirements", "to": "planning", "by": "agent"}
    charges = list(read_charges("greet", [end(usd=2.0), begins, end(usd=0.5), moves, end(usd=0.25)]))
    costs = add_up(charges, zone=UTC)
    assert costs.by_round == {"1": Amount(2.0, 1), "2": Amount(0.75, 2)}
    shown = cost_lines(costs)
    assert shown[shown.index("By round") + 1].startswith("round 1 ")
    assert "By round" not in cost_lines(add_up(read_charges("greet", [end()]), zone=UTC))
    assert add_up([*charges, *read_charges("other", [end()])], zone=UTC).by_round == {}


def test_day_is_a_day_in_the_users_zone() -> None:
    late = end(at=datetime(2026, 11, 22, 23, 30, tzinfo=UTC))
    east = add_up(read_charges("s", [late]), zone=timezone(timedelta(hours=2)))
    assert list(east.by_day) == ["2026-11-23"]


def test_only_the_days_asked_for_count() -> None:
    charges = list(read_charges("s", [end(at=NOW - timedelta(days=days)) for days in range(10)]))
    since = first_day(NOW, 7, UTC)
    assert since == date(2026, 11, 16)
    assert add_up(charges, since=since, zone=UTC).total == Amount(7.0, 7)
    assert first_day(NOW, 10**9, UTC) == date.min


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "at": st.datetimes(timezones=st.just(UTC)),
                "event": st.sampled_from(["iteration_end", "iteration_start", "run_start", "gate", ""]),
                "phase": st.none() | st.text(max_size=5) | st.integers(),
                "cost_usd": st.none() | st.floats() | st.integers() | st.booleans() | st.text(max_size=3),
                "models": st.none() | st.dictionaries(st.text(max_size=5), st.floats() | st.none()),
            }
        ),
        max_size=20,
    ),
    st.integers(30, 100),
)
def test_no_journal_is_too_strange_to_be_added_up(records: list[dict[str, Any]], width: int) -> None:
    costs = add_up(read_charges("s", records))
    assert 0 <= costs.total.usd < float("inf")
    lines = cost_lines(costs, width=width)
    assert all("\n" not in line for line in lines)


def test_the_table_fits_a_phone_and_its_columns_stand_below_each_other() -> None:
    charges = [
        charge
        for number in range(30)
        for charge in read_charges(
            f"a-session-with-quite-a-long-name-{number}",
            [end(usd=1000 + number, models={OPUS: 1000 + number}, phase="implementation")],
        )
    ]
    lines = cost_lines(add_up(charges, zone=UTC))
    assert max(map(len, lines)) <= 36
    assert lines[0] == "$30,435.00 in 30 iterations"
    table = lines[lines.index("By session") + 1 : lines.index("By phase") - 1]
    assert len(table) == 11
    assert len({len(line) for line in table}) == 1
    assert table[-1].startswith("20 others")
    assert any(line.startswith("implementation") for line in lines)
    assert any(line.startswith("opus-4-5 ") for line in lines)
    assert any(line.startswith("Sun 22 Nov") for line in lines)


def test_what_ended_without_a_price_makes_the_sum_a_least_one() -> None:
    died = {"at": NOW, "event": "iteration_start", "phase": "testing"}
    again = {"at": NOW, "event": "run_start"}
    running = died | {"at": NOW + timedelta(hours=1)}
    charges = read_charges("greet", [end(usd=1.0), end(usd=None), died, again, died, end(usd=0), running])
    costs = add_up(charges, zone=UTC)
    assert costs.total == Amount(1.0, 4, 2)
    assert costs.by_phase["testing"] == Amount(0.0, 1, 1)
    assert cost_lines(costs)[:2] == ["At least $1.00 in 4 iterations", "2 of them ended without a price"]


def test_nothing_spent_is_reported_as_a_sentence() -> None:
    assert cost_lines(add_up([])) == ["Nothing spent yet."]
    assert cost_lines(add_up([], since=date(2026, 11, 22))) == ["Nothing spent since Sun 22 Nov."]


def test_archived_sessions_still_count(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    make_session(project.sessions, "26-11-22-greet", 1.0)
    make_session(project.sessions / ARCHIVE, "26-11-01-old", 2.0)
    charges, problems = collect([project])
    assert problems == []
    assert {charge.session: charge.usd for charge in charges} == {"greet": 1.0, "old": 2.0}


def test_sessions_of_one_name_stay_apart(tmp_path: Path) -> None:
    shop, blog = make_project(tmp_path, "shop"), make_project(tmp_path, "blog")
    make_session(shop.sessions, "26-11-22-greet", 1.0)
    make_session(shop.sessions / ARCHIVE, "26-11-01-greet", 2.0)
    make_session(blog.sessions, "26-11-22-greet", 4.0)
    charges, _ = collect([shop, blog])
    assert {charge.session: charge.usd for charge in charges} == {
        "shop:26-11-22-greet": 1.0,
        "shop:26-11-01-greet": 2.0,
        "blog:greet": 4.0,
    }


def test_a_journal_that_cannot_be_read_does_not_hide_the_others(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    make_session(project.sessions, "26-11-22-greet", 1.0)
    make_session(project.sessions, "26-11-22-odd").journal.mkdir()
    charges, problems = collect([project])
    assert [charge.session for charge in charges] == ["greet"]
    assert len(problems) == 1
    assert "26-11-22-odd" in problems[0]


def test_old_journals_are_not_even_opened_for_a_few_days(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    old = make_session(project.sessions, "26-01-01-old", 1.0, at=NOW - timedelta(days=300))
    stamp = (NOW - timedelta(days=300)).timestamp()
    os.utime(old.vault.journal, (stamp, stamp))
    old.vault.journal.chmod(0o000)
    assert collect([project], since=first_day(NOW, 7)) == ([], [])


def test_the_command_shows_all_sessions_or_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = make_project(tmp_path)
    now = datetime.now(UTC)
    make_session(project.sessions, "26-11-22-greet", 1.0, 0.5, at=now)
    make_session(project.sessions, "26-11-22-other", 2.0, at=now - timedelta(days=3))
    monkeypatch.setenv("SAMOBOT_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("SAMOBOT_DAILY_BUDGET_USD", "10")
    add(tmp_path / "state", now, project.sessions / "26-11-22-greet", 1.5)
    config = ["--config", str(project.file)]
    everything = CliRunner().invoke(cost_command, config)
    assert everything.exit_code == 0, everything.output
    assert everything.output.startswith("$3.50 in 3 iterations\n\nBy session\nother")
    assert everything.output.endswith("Today $1.50 of $10.00 (SAMOBOT_DAILY_BUDGET_USD)\n")
    one = CliRunner().invoke(cost_command, ["greet", *config])
    assert one.output.startswith("$1.50 in 2 iterations\n\nBy phase\ntesting")
    recent = json.loads(CliRunner().invoke(cost_command, ["--days", "1", "--json", *config]).output)
    assert recent["total"] == {"usd": 1.5, "iterations": 2, "unpriced": 0}
    assert recent["by_session"] == {"greet": {"usd": 1.5, "iterations": 2, "unpriced": 0}}
    assert recent["since"] == f"{now.astimezone():%Y-%m-%d}"


def test_the_report_agrees_with_the_session_s_own_sum(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    folder = make_session(project.sessions, "26-11-22-greet", 0.1, 0.2, 0.3)
    charges, _ = collect([project])
    assert add_up(charges).total.usd == journal.read(folder).cost_usd
