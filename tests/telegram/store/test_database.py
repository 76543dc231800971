from __future__ import annotations

import logging
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from samobot.errors import StorageError, UsageError
from samobot.telegram.store.bot_store import Store
from samobot.telegram.store.database import Database


def write(database: Database, name: str, *, durable: bool = False) -> None:
    with database.transaction(durable=durable) as connection:
        connection.execute("INSERT INTO facts (name, value) VALUES (?, '1')", (name,))


def broken_off(database: Database, work: Callable[[], object]) -> None:
    """Do something in a transaction that ends with an error."""
    with database.transaction(durable=True):
        work()
        raise ZeroDivisionError


def names(database: Database) -> list[str]:
    return [row["name"] for row in database.rows("SELECT name FROM facts ORDER BY name")]


def test_the_file_and_its_folder_are_for_their_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "state" / "bot.db"
    database = Database(path)
    write(database, "a")
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()} == {0o600}
    database.close()


def test_a_file_that_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    path = tmp_path / "bot.db"
    Database(path).close()
    path.chmod(0o644)
    Database(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_error_in_a_transaction_leaves_nothing_of_it(tmp_path: Path) -> None:
    database = Database(tmp_path / "bot.db")
    with pytest.raises(ZeroDivisionError):
        broken_off(database, lambda: write(database, "inner"))
    assert names(database) == []


def test_what_cannot_be_undone_waits_for_the_commit(tmp_path: Path) -> None:
    database = Database(tmp_path / "bot.db")
    done: list[str] = []
    with database.transaction(durable=False):
        write(database, "a")
        database.after_commit(lambda: done.append("kept"))
        assert done == []
    assert done == ["kept"]
    with pytest.raises(ZeroDivisionError):
        broken_off(database, lambda: database.after_commit(lambda: done.append("undone")))
    write(database, "b")
    assert done == ["kept"]


def test_a_durable_write_cannot_hide_in_a_transaction_that_is_not(tmp_path: Path) -> None:
    database = Database(tmp_path / "bot.db")
    with pytest.raises(RuntimeError), database.transaction(durable=False):
        write(database, "a", durable=True)
    write(database, "b", durable=True)
    assert names(database) == ["b"]


@pytest.mark.parametrize(
    "content", [b"this is no database at all" * 100, b"SQLite format 3\0" + b"\xff" * 8192]
)
def test_a_damaged_file_is_moved_aside_and_a_new_one_begun(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "bot.db"
    path.write_bytes(content)
    with caplog.at_level(logging.ERROR):
        database = Database(path)
    write(database, "a")
    aside = [file for file in tmp_path.iterdir() if ".damaged-" in file.name]
    assert [file.read_bytes() for file in aside] == [content]
    assert str(aside[0]) in caplog.text


def test_damage_inside_an_old_file_is_found_at_start(tmp_path: Path) -> None:
    path = tmp_path / "bot.db"
    database = Database(path)
    with database.transaction(durable=True) as connection:
        connection.executemany(
            "INSERT INTO facts (name, value) VALUES (?, ?)", [(f"n{i}", "x" * 200) for i in range(2000)]
        )
    database.close()
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 40_000] = b"\xa5" * 40_000
    path.write_bytes(data)
    again = Database(path)
    assert names(again) == []
    assert any(".damaged-" in file.name for file in tmp_path.iterdir())


def test_a_file_of_a_newer_samobot_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "bot.db"
    Database(path).close()
    raw = sqlite3.connect(path)
    raw.execute("PRAGMA user_version=999")
    raw.close()
    with pytest.raises(UsageError, match="newer samobot"):
        Database(path)
    assert [file.name for file in tmp_path.iterdir() if "damaged" in file.name] == []


def test_a_folder_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    with pytest.raises(StorageError, match="SAMOBOT_STATE_DIR"):
        Database(tmp_path / "state" / "bot.db")


def test_a_full_disk_is_our_error_and_the_database_goes_on_afterwards(tmp_path: Path) -> None:
    database = Database(tmp_path / "bot.db")
    pages = database.rows("PRAGMA page_count")[0][0]
    database.rows(f"PRAGMA max_page_count={pages}")
    with pytest.raises(StorageError, match="full"), database.transaction(durable=True) as connection:
        connection.execute("INSERT INTO facts (name, value) VALUES ('big', ?)", ("x" * 100_000,))
    database.rows("PRAGMA max_page_count=1000000")
    write(database, "later")
    assert names(database) == ["later"]


def test_a_second_process_can_write_to_the_open_file(tmp_path: Path) -> None:
    store = Store(tmp_path)
    script = (
        "import sys, pathlib; from samobot.telegram.store.bot_store import Store; "
        "print(Store(pathlib.Path(sys.argv[1])).pairing.new_code().code)"
    )
    shown = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], check=True, capture_output=True, text=True
    ).stdout.strip()
    assert store.pairing.redeem(shown)


def test_a_killed_process_loses_nothing_that_was_committed(tmp_path: Path) -> None:
    script = (
        "import os, sys, pathlib; from samobot.telegram.store.bot_store import Store; s = Store(pathlib.Path(sys.argv[1])); "
        "s.updates.record([{'update_id': 7}]); s.told.set('demo:greet', {'phase': 'testing'}); os.kill(os.getpid(), 9)"
    )
    ended = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True)
    assert ended.returncode == -9
    store = Store(tmp_path)
    assert [update.update_id for update in store.updates.unfinished()] == [7]
    assert store.told.get("demo:greet") == {"phase": "testing"}
