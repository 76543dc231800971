"""The emergency stop's file."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from samobot.errors import StorageError
from samobot.fleet.emergency_flag import Panic, pull, pulled, release

NOW = datetime(2026, 1, 15, 10, 30, tzinfo=UTC)


def test_what_was_pulled_stays_until_it_is_lifted(tmp_path: Path) -> None:
    state = tmp_path / "state"
    assert pulled(state) is None
    pull(state, "anna", NOW)
    assert pulled(state) == Panic("anna", NOW)
    assert (state / "panic.json").stat().st_mode & 0o777 == 0o600
    assert release(state)
    assert pulled(state) is None
    assert not release(state)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '{"who": 1}', '{"who": "a", "at": 7}', '{"who": "a", "at": "soon"}', "\x00" * 9],
)
def test_in_doubt_nothing_starts(tmp_path: Path, text: str) -> None:
    (tmp_path / "panic.json").write_text(text)
    found = pulled(tmp_path)
    assert found is not None
    assert found.at is None
    assert release(tmp_path)


def test_a_time_without_zone_is_utc(tmp_path: Path) -> None:
    (tmp_path / "panic.json").write_text('{"who": "anna", "at": "2026-01-15T10:30:00"}')
    assert pulled(tmp_path) == Panic("anna", NOW)


def test_what_cannot_be_read_or_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "panic.json").mkdir()
    for call in (lambda: pulled(tmp_path), lambda: pull(tmp_path, "anna", NOW), lambda: release(tmp_path)):
        with pytest.raises(StorageError, match=r"panic\.json"):
            call()
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="file"):
        pull(tmp_path / "file" / "state", "anna", NOW)
    assert not [name for name in os.listdir(tmp_path) if name.endswith(".tmp")]
