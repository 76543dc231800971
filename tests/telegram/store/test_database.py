from __future__ import annotations

import json
import logging
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from samobot.errors import StorageError, UsageError
from samobot.telegram.store.bot_store import Store
from samobot.telegram.store.database import Database
from samobot.telegram.store.notified import LimitNotice, RestartNotice
from samobot.telegram.store.pairing import PairedBy
from samobot.telegram.store.pending_work import BackgroundTask, OpenPrompt
from samobot.telegram.store.schema import MIGRATIONS


def write(database: Database, name: str, *, durable: bool = False) -> None:
    with database.transaction(durable=durable) as connection:
        connection.execute("INSERT INTO phase_limits (session, phase) VALUES (?, '1')", (name,))


def broken_off(database: Database, work: Callable[[], object]) -> None:
    """Do something in a transaction that ends with an error."""
    with database.transaction(durable=True):
        work()
        raise ZeroDivisionError


def names(database: Database) -> list[str]:
    return [row["session"] for row in database.rows("SELECT session FROM phase_limits ORDER BY session")]


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
            "INSERT INTO phase_limits (session, phase) VALUES (?, ?)",
            [(f"n{i}", "x" * 200) for i in range(2000)],
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


def test_full_disk_is_our_error_and_the_database_continues_afterwards(tmp_path: Path) -> None:
    database = Database(tmp_path / "bot.db")
    pages = database.rows("PRAGMA page_count")[0][0]
    database.rows(f"PRAGMA max_page_count={pages}")
    with pytest.raises(StorageError, match="full"), database.transaction(durable=True) as connection:
        connection.execute("INSERT INTO phase_limits (session, phase) VALUES ('big', ?)", ("x" * 100_000,))
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
        "s.updates.record([{'update_id': 7}]); s.notified.set('demo:greet', {'phase': 'testing'}); os.kill(os.getpid(), 9)"
    )
    ended = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True)
    assert ended.returncode == -9
    store = Store(tmp_path)
    assert [update.update_id for update in store.updates.unfinished()] == [7]
    assert store.notified.get("demo:greet") == {"phase": "testing"}


OLD_FACTS = {
    "looked": "2026-11-27T10:00:00.250000+00:00",
    "restarted:demo:26-11-27-greet": {
        "key": "news:restarted:1",
        "times": 2,
        "at": "2026-11-27T09:00:00+00:00",
    },
    "parked:-100500:3": {
        "key": "parked:1",
        "since": "2026-11-27T08:00:00+00:00",
        "sessions": ["demo:greet"],
        "text": "🌙 <b>Usage limit</b>",
        "digest": "abc",
        "until": "2026-11-27T12:00:00+00:00",
    },
    "parked:11:0": {"key": "parked:2", "since": "2026-11-27T08:00:00", "sessions": [], "text": ""},
    "followed": {"demo:greet": [-100500, 3], "demo:api": [12, None]},
    "plan:demo:greet": "# Plan\n- [ ] “one”",
    "arrival": {"chat": -5, "message": 7, "title": "Team"},
    "moved": {"-5": -100500},
    "asked:-5:11": {
        "action": {"do": "guidance", "session": "demo:greet"},
        "key": "ask:9",
        "at": 1764200000.5,
    },
    "promises": {"upd:9": {"command": "stop", "request": {"chat_id": 11, "about": None}}},
    "finish_phase:demo:greet": "testing",
    "introduced": "digest",
    "username": {"42": "samo_bot"},
    "something else": {"of": "nobody"},
}


def old_database(path: Path, facts: dict[str, str]) -> None:
    """A database as the first schema left it."""
    raw = sqlite3.connect(path)
    for statement in MIGRATIONS[0].split(";\n"):
        raw.execute(statement)
    raw.executemany("INSERT INTO facts (name, value) VALUES (?, ?)", facts.items())
    raw.execute("INSERT INTO told (session, told, at) VALUES ('demo:greet', '{\"card\": true}', 1.0)")
    raw.execute("PRAGMA user_version=1")
    raw.commit()
    raw.close()


def test_migration_moves_every_fact_of_an_old_database_into_its_table(tmp_path: Path) -> None:
    old_database(tmp_path / "bot.db", {name: json.dumps(value) for name, value in OLD_FACTS.items()})
    store = Store(tmp_path)
    eight, twelve = datetime(2026, 11, 27, 8, tzinfo=UTC), datetime(2026, 11, 27, 12, tzinfo=UTC)
    assert store.last_poll.get() == datetime(2026, 11, 27, 10, 0, 0, 250_000, UTC)
    nine = datetime(2026, 11, 27, 9, tzinfo=UTC)
    assert store.restarts.get("demo:26-11-27-greet") == RestartNotice("news:restarted:1", 2, nine)
    text = "🌙 <b>Usage limit</b>"
    assert store.limits.get(-100500, 3) == LimitNotice(
        "parked:1", eight, twelve, ("demo:greet",), text, "abc"
    )
    assert store.limits.get(11, 0) == LimitNotice("parked:2", eight, eight, (), "", "")
    assert store.session_chats.all() == {"demo:greet": (-100500, 3), "demo:api": (12, None)}
    assert store.plans.get("demo:greet") == "# Plan\n- [ ] “one”"
    assert store.last_pairing.find(-5, 7) == PairedBy("Team")
    assert store.migrations.all() == {-5: -100500}
    action = {"do": "guidance", "session": "demo:greet"}
    assert store.prompts.get(-5, 11) == OpenPrompt(action, "ask:9", 1764200000.5)
    assert store.tasks.all() == (BackgroundTask("stop", {"chat_id": 11, "about": None}),)
    assert store.tasks.has("upd:9")
    assert store.phase_limits.all().get("demo:greet") == "testing"
    assert (store.accounts.username("42"), store.accounts.profile("42")) == ("samo_bot", "digest")
    assert store.notified.get("demo:greet") == {"card": True}


@pytest.mark.parametrize("damage", ["{", "null", "7", '"text"', "[]", "{}", '{"a": null}', '{"-5": "x"}'])
def test_migration_keeps_the_database_when_its_facts_are_damaged(tmp_path: Path, damage: str) -> None:
    old_database(tmp_path / "bot.db", dict.fromkeys(OLD_FACTS, damage))
    store = Store(tmp_path)
    assert store.notified.get("demo:greet") == {"card": True}
    assert [file.name for file in tmp_path.iterdir() if "damaged" in file.name] == []
