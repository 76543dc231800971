"""A login that is renewed inside the fence, and what an agent could put in its place."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from samobot.claude.kept_login import KeptLogin

OLD, NEW, USERS = b'{"token": "old"}', b'{"token": "new"}', b'{"token": "logged in again"}'


@pytest.fixture
def login(tmp_path: Path) -> KeptLogin:
    (tmp_path / "inside").mkdir()
    login = KeptLogin(tmp_path / "auth.json", tmp_path / "inside" / "auth.json")
    login.outside.write_bytes(OLD)
    login.outside.chmod(0o600)
    login.exchange()
    assert login.inside.read_bytes() == OLD
    return login


def replace(path: Path, content: bytes) -> None:
    """As a program does that writes a file beside it first."""
    draft = path.with_suffix(".tmp")
    draft.write_bytes(content)
    draft.rename(path)


@pytest.mark.parametrize("write", [replace, Path.write_bytes])
def test_renewed_login_is_kept_whether_the_file_was_replaced_or_written(
    login: KeptLogin, write: Callable[[Path, bytes], object]
) -> None:
    write(login.inside, NEW)
    login.exchange()
    assert login.outside.read_bytes() == NEW
    assert login.outside.stat().st_mode & 0o777 == 0o600


def test_login_that_another_session_renewed_reaches_this_one(login: KeptLogin) -> None:
    replace(login.outside, NEW)
    login.exchange()
    assert login.inside.read_bytes() == NEW


def test_users_own_change_counts_if_both_sides_changed(login: KeptLogin) -> None:
    replace(login.inside, NEW)
    replace(login.outside, USERS)
    login.exchange()
    assert (login.outside.read_bytes(), login.inside.read_bytes()) == (USERS, USERS)


def test_user_who_logged_out_stays_so_and_nobody_is_logged_in_by_an_agent(login: KeptLogin) -> None:
    login.outside.unlink()
    replace(login.inside, NEW)
    login.exchange()
    assert not login.outside.exists()


@pytest.mark.parametrize("what", ["link", "pipe", "folder", "huge", "half", "gone"])
def test_what_is_no_login_is_not_taken(login: KeptLogin, tmp_path: Path, what: str) -> None:
    login.inside.unlink()
    match what:
        case "link":
            (tmp_path / "other").write_bytes(NEW)
            login.inside.symlink_to(tmp_path / "other")
        case "pipe":
            os.mkfifo(login.inside)
        case "folder":
            login.inside.mkdir()
        case "huge":
            login.inside.write_bytes(b'{"x": "' + b"x" * 300_000 + b'"}')
        case "half":
            login.inside.write_bytes(NEW[:-1])
        case _:
            assert what == "gone"
    login.exchange()
    assert login.outside.read_bytes() == OLD


async def test_last_renewal_is_kept_when_the_program_has_ended(login: KeptLogin) -> None:
    async with login.kept():
        replace(login.inside, NEW)
    assert login.outside.read_bytes() == NEW
