"""The emergency stop's file."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from samobot.errors import StorageError
from samobot.fleet.emergency_flag import EmergencyStop, lower_flag, raise_flag, read_flag

NOW = datetime(2026, 1, 15, 10, 30, tzinfo=UTC)


def test_what_was_pulled_stays_until_it_is_lifted(tmp_path: Path) -> None:
    state = tmp_path / "state"
    assert read_flag(state) is None
    raise_flag(state, "anna", NOW)
    assert read_flag(state) == EmergencyStop("anna", NOW)
    assert (state / "panic.json").stat().st_mode & 0o777 == 0o600
    assert lower_flag(state)
    assert read_flag(state) is None
    assert not lower_flag(state)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '{"who": 1}', '{"who": "a", "at": 7}', '{"who": "a", "at": "soon"}', "\x00" * 9],
)
def test_in_doubt_nothing_starts(tmp_path: Path, text: str) -> None:
    (tmp_path / "panic.json").write_text(text)
    found = read_flag(tmp_path)
    assert found is not None
    assert found.at is None
    assert lower_flag(tmp_path)


def test_a_time_without_zone_is_utc(tmp_path: Path) -> None:
    (tmp_path / "panic.json").write_text('{"who": "anna", "at": "2026-01-15T10:30:00"}')
    assert read_flag(tmp_path) == EmergencyStop("anna", NOW)


def test_what_cannot_be_read_or_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "panic.json").mkdir()
    for call in (
        lambda: read_flag(tmp_path),
        lambda: raise_flag(tmp_path, "anna", NOW),
        lambda: lower_flag(tmp_path),
    ):
        with pytest.raises(StorageError, match=r"panic\.json"):
            call()
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="file"):
        raise_flag(tmp_path / "file" / "state", "anna", NOW)
    assert not [name for name in os.listdir(tmp_path) if name.endswith(".tmp")]
