"""All workers of an account share its usage limit, and one of them tries whether it is over."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from samobot.money.machine_share import MachineShare, ShareFile
from samobot.session.provider import Provider
from samobot.worker.usage_limit import PROBE_GRACE, AccountLimit, KnownLimit

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
    assert first.begin_probe(LIMIT, NOW)
    assert first.begin_probe(LIMIT, NOW)
    assert not second.begin_probe(LIMIT, NOW)
    first.end_probe()
    assert second.begin_probe(LIMIT, NOW)
    second.clear()
    assert first.begin_probe(LIMIT, NOW)
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
    assert claude.begin_probe(LIMIT, NOW)
    assert codex.begin_probe(LIMIT, NOW)
    assert codex.of(Provider.CLAUDE).limit(NOW) == LIMIT


def test_limit_is_confirmed_when_a_second_session_meets_it(tmp_path: Path) -> None:
    account = AccountLimit(tmp_path)
    for session, confirmed in (("/a", False), ("/a", False), ("/b", True), ("/a", True)):
        account.record(replace(LIMIT, session=session), NOW)
        known = account.limit(NOW)
        assert known is not None
        assert known.confirmed is confirmed


def host(state: Path) -> AccountLimit:
    """The limit on a machine that belongs to a hub."""
    (state / "hosts").mkdir(parents=True)
    (state / "hosts" / "host.json").write_text("{}")
    return AccountLimit(state)


def test_a_limit_that_the_hub_shares_holds_here_until_it_is_answered_anywhere(tmp_path: Path) -> None:
    here = host(tmp_path)
    here.adopt(3, replace(LIMIT, session="on laptop"))
    known = here.limit(NOW)
    assert known is not None
    assert (known.session, known.shared, here.unshared()) == ("on laptop", 3, None)
    here.adopt(2, None)
    assert here.limit(NOW) is not None, "an older change is no news"
    here.adopt(4, None)
    assert here.limit(NOW) is None
    assert here.answered() == 0, "it was not answered here"


def test_what_is_reached_or_answered_here_is_reported_until_the_hub_has_shared_it(tmp_path: Path) -> None:
    here = host(tmp_path)
    here.record(LIMIT, NOW)
    assert here.unshared() == LIMIT
    here.adopt(1, replace(LIMIT, session="on laptop"))
    assert here.unshared() is None
    here.clear()
    assert here.answered() == 1
    here.adopt(2, None)
    assert here.answered() == 0


def test_a_limit_that_is_reached_again_meanwhile_is_not_lifted_by_an_older_answer(tmp_path: Path) -> None:
    here = host(tmp_path)
    here.adopt(1, LIMIT)
    later = replace(LIMIT, until=NOW + timedelta(days=4), kind="seven_day", session="greet")
    here.record(later, NOW)
    here.adopt(2, None)
    assert here.unshared() == replace(later, confirmed=True)


def test_of_several_machines_the_chosen_one_probes_and_any_if_it_does_not(tmp_path: Path) -> None:
    here = host(tmp_path)
    share = ShareFile(tmp_path)
    share.write(MachineShare(may_probe=False))
    for after, may in ((timedelta(seconds=1), False), (PROBE_GRACE, True)):
        share.confirm(LIMIT.until + after)
        assert here.begin_probe(LIMIT, LIMIT.until + after) is may
        here.end_probe()
    share.confirm(NOW)
    assert here.begin_probe(LIMIT, LIMIT.until + timedelta(seconds=1)), "cut off, it is on its own"
