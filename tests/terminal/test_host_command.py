from __future__ import annotations

from pathlib import Path

from samobot.hosts.link import Link, host_link_file, write_link
from samobot.session.file_lock import FileLock
from samobot.terminal.host_command import LOCK_NAME
from tests.support.claude_cli import cli_environment
from tests.support.workshop import Workshop, make_workshop

NOWHERE = "nats://127.0.0.1:9"


def shop(folder: Path) -> Workshop:
    return make_workshop(folder, cli_environment(folder / "home", "http://127.0.0.1:9"))


def test_a_machine_that_has_not_joined_is_told_how(tmp_path: Path) -> None:
    done = shop(tmp_path).quickly("host")
    assert (done.returncode, done.stderr.strip()) == (
        2,
        "samobot: This machine is no host yet. On the hub, run: samobot host add NAME",
    )


def test_a_second_process_on_the_same_state_folder_is_refused(tmp_path: Path) -> None:
    here = shop(tmp_path)
    write_link(host_link_file(here.state), Link(user="laptop", servers=(NOWHERE,)))
    lock = FileLock(here.state / LOCK_NAME)
    assert lock.acquire()
    done = here.quickly("host")
    lock.release()
    assert done.returncode == 75
    assert done.stderr.strip() == "samobot: This host runs already. Stop the other `samobot host` first."
