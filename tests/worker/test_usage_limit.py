"""All workers of an account share its usage limit, and one of them tries whether it is over."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from samobot.session.provider import Provider
from samobot.worker.usage_limit import AccountLimit, KnownLimit

NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)
LIMIT = KnownLimit(NOW + timedelta(hours=3), "five_hour", "The limit is reached.")


def test_what_one_worker_met_every_other_one_knows(tmp_path: Path) -> None:
    AccountLimit(tmp_path / "state").record(LIMIT, NOW)
    assert AccountLimit(tmp_path / "state").limit(NOW) == LIMIT
    assert (tmp_path / "state" / "limit.json").stat().st_mode & 0o077 == 0


def test_an_answered_iteration_lifts_it_for_all(tmp_path: Path) -> None:
    AccountLimit(tmp_path).record(LIMIT, NOW)
    AccountLimit(tmp_path).clear()
    assert AccountLimit(tmp_path).limit(NOW) is None


def test_only_one_worker_tries_and_the_next_may_when_it_has_ended(tmp_path: Path) -> None:
    first, second = AccountLimit(tmp_path), AccountLimit(tmp_path)
    assert first.begin_probe()
    assert first.begin_probe()
    assert not second.begin_probe()
    first.end_probe()
    assert second.begin_probe()
    second.clear()
    assert first.begin_probe()
    first.end_probe()


@pytest.mark.parametrize(
    "text",
    ["", "nonsense", "[]", '{"until": 3}', '{"until": "soon", "kind": "", "text": ""}',
     '{"until": "9999-12-31T23:59:59+00:00", "kind": "x", "text": "y"}'],
)  # fmt: skip
def test_a_damaged_file_holds_nobody_up(tmp_path: Path, text: str) -> None:
    (tmp_path / "limit.json").write_text(text)
    assert AccountLimit(tmp_path).limit(NOW) is None


@pytest.mark.parametrize(
    ("kind", "wait", "believed"),
    [
        ("five_hour", timedelta(hours=5, minutes=2), True),
        ("five_hour", timedelta(days=6), False),
        ("seven_day", timedelta(days=7, minutes=2), True),
        ("seven_day_opus", timedelta(days=9), False),
        ("", timedelta(days=31), True),
        ("overage", timedelta(days=40), False),
    ],
)
def test_limit_is_ignored_when_it_is_further_away_than_its_kind_can_be(
    tmp_path: Path, kind: str, wait: timedelta, believed: bool
) -> None:
    AccountLimit(tmp_path).record(KnownLimit(NOW + wait, kind, "The limit is reached."), NOW)
    assert (AccountLimit(tmp_path).limit(NOW) is not None) is believed


def test_limit_of_one_program_is_none_of_another(tmp_path: Path) -> None:
    claude = AccountLimit(tmp_path)
    claude.record(LIMIT, NOW)
    assert claude.of(Provider.CLAUDE) is claude
    codex = claude.of(Provider.CODEX)
    assert codex.limit(NOW) is None
    codex.clear()
    assert claude.begin_probe()
    assert codex.begin_probe()
    assert codex.of(Provider.CLAUDE).limit(NOW) == LIMIT


def test_limit_is_confirmed_when_a_second_session_meets_it(tmp_path: Path) -> None:
    account = AccountLimit(tmp_path)
    for session, confirmed in (("/a", False), ("/a", False), ("/b", True), ("/a", True)):
        account.record(replace(LIMIT, session=session), NOW)
        known = account.limit(NOW)
        assert known is not None
        assert known.confirmed is confirmed
