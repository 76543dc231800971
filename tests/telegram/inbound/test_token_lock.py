from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from samobot.errors import BusyError
from samobot.telegram.inbound.token_lock import TokenLock, lock_folder

TOKEN = "42:abcdefghijklmnopqrstuvwxyz"


def test_second_bot_with_the_same_token_reports_who_holds_it(tmp_path: Path) -> None:
    lock = TokenLock(TOKEN, tmp_path)
    with pytest.raises(BusyError, match=str(os.getpid())):
        TokenLock(TOKEN, tmp_path)
    lock.release()
    TokenLock(TOKEN, tmp_path).release()


def test_another_token_is_another_bot(tmp_path: Path) -> None:
    first = TokenLock(TOKEN, tmp_path)
    second = TokenLock(TOKEN + "x", tmp_path)
    first.release()
    second.release()


def test_the_token_is_not_in_the_lock(tmp_path: Path) -> None:
    lock = TokenLock(TOKEN, tmp_path)
    for path in tmp_path.iterdir():
        assert "abcdef" not in path.name + path.read_text()
    lock.release()


def test_a_child_does_not_inherit_the_lock(tmp_path: Path) -> None:
    lock = TokenLock(TOKEN, tmp_path)
    script = "import os; print([os.path.realpath(f'/proc/self/fd/{n}') for n in os.listdir('/proc/self/fd')])"
    child = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, close_fds=False, check=True
    )
    assert str(tmp_path) not in child.stdout
    lock.release()


def test_the_lock_of_a_killed_bot_is_free(tmp_path: Path) -> None:
    script = (
        "import os, sys, pathlib; from samobot.telegram.inbound.token_lock import TokenLock; "
        "lock = TokenLock(sys.argv[1], pathlib.Path(sys.argv[2])); os.kill(os.getpid(), 9)"
    )
    assert subprocess.run([sys.executable, "-c", script, TOKEN, str(tmp_path)]).returncode == -9
    TokenLock(TOKEN, tmp_path).release()


def test_one_place_for_all_locks_of_a_user() -> None:
    assert lock_folder({"XDG_STATE_HOME": "/x"}) == Path("/x/samobot/locks")
    assert lock_folder({"SAMOBOT_STATE_DIR": "/y"}) == Path.home() / ".local/state/samobot/locks"
