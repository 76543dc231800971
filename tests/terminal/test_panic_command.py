"""`samobot panic`: everything of this state folder is stopped, and stays so until a person releases it."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from samobot.claude.invocation import ITERATION_VARIABLE
from samobot.fleet.emergency_flag import read_flag
from samobot.sandbox.agent.steps import Children, Hang
from tests.support.forked_program import start_samobot
from tests.support.scripted import ScriptedShop, investigation, scripted_shop
from tests.support.waiting import until

pytestmark = pytest.mark.slow


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[ScriptedShop]:
    shop = scripted_shop(tmp_path / "shop", investigation([Children(), Hang()]))
    yield shop
    shop.environment.pop(ITERATION_VARIABLE, None)
    if shop.processes():
        shop.samobot("panic")


def state_of(shop: ScriptedShop) -> Path:
    return Path(shop.environment["XDG_STATE_HOME"]) / "samobot"


def detach(shop: ScriptedShop, name: str) -> None:
    started = shop.samobot("run", "--session", name, "--task", "Wait", "--detach")
    assert started.returncode == 0, started.stderr


@pytest.fixture
def begin(shop: ScriptedShop) -> Iterator[Callable[[str], None]]:
    """Starts a session as in the background, but without the program that would start it there."""
    workers = []

    def start(name: str) -> None:
        command = ("run", "--session", name, "--task", "Wait")
        workers.append(shop.start(*command, start_new_session=True))

    yield start
    for worker in workers:
        worker.terminate()
        worker.communicate(timeout=60)


def elsewhere(shop: ScriptedShop, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run samobot where no project is known, with further variables."""
    program = start_samobot(*arguments, folder=shop.root.parent, environment=shop.environment | more)
    out, err = program.communicate(timeout=110)
    return subprocess.CompletedProcess(arguments, program.returncode, out, err)


def test_it_stops_sessions_of_projects_it_has_never_heard_of(shop: ScriptedShop) -> None:
    detach(shop, "one")
    detach(shop, "two")
    until(lambda: len(shop.runs()) >= 2)
    ended = elsewhere(shop, "panic")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "one: Worker" in ended.stdout
    assert "two: Worker" in ended.stdout
    assert until(lambda: shop.processes() == [])


def test_what_runs_is_stopped_also_where_the_stop_cannot_be_noted(shop: ScriptedShop) -> None:
    detach(shop, "one")
    detach(shop, "two")
    until(lambda: len(shop.runs()) >= 2)

    # No byte can be written: what a full disk does.
    def full() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))

    panic = shop.start("panic", preexec_fn=full)
    out, err = panic.communicate(timeout=60)
    assert panic.returncode == 1, out + err
    assert err.startswith("samobot: The emergency stop could not be noted")
    assert "keeps nothing from starting again" in err
    assert err.count("\n") == 1
    assert "one: Worker" in out
    assert "two: Worker" in out
    assert until(lambda: shop.processes() == [])
    assert read_flag(state_of(shop)) is None


def env_file(shop: ScriptedShop, text: str, mode: int = 0o600) -> None:
    file = shop.root / "some.env"
    file.write_text(text)
    file.chmod(mode)
    shop.environment["SAMOBOT_ENV_FILE"] = str(file)


def a_wrong_setting(shop: ScriptedShop) -> None:
    shop.environment |= {"SAMOBOT_POLL_SECONDS": "x", "CLAUDE_PERMISSION_MODE": "foo"}


def a_token_that_others_may_read(shop: ScriptedShop) -> None:
    env_file(shop, "TELEGRAM_BOT_TOKEN=1:secret\n", 0o644)


def a_broken_line(shop: ScriptedShop) -> None:
    env_file(shop, f'CLAUDE_MODEL="opus\nSAMOBOT_PROJECTS={shop.repo}\n')


def no_such_file(shop: ScriptedShop) -> None:
    shop.environment["SAMOBOT_ENV_FILE"] = str(shop.root / "gone.env")


def a_home_that_is_nobodys(shop: ScriptedShop) -> None:
    env_file(shop, "SAMOBOT_PROJECTS=~nobody-of-this-name/x\nSAMOBOT_STATE_DIR=~nobody-of-this-name/y\n")


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (a_wrong_setting, ""),
        (a_token_that_others_may_read, ""),
        (a_broken_line, "some.env, line 1 (CLAUDE_MODEL), cannot be read"),
        (no_such_file, "gone.env, which is not a file"),
        (a_home_that_is_nobodys, "is not a path"),
    ],
)
def test_both_brakes_work_whatever_is_wrong_in_the_configuration(
    shop: ScriptedShop, begin: Callable[[str], None], spoil: Callable[[ScriptedShop], None], told: str
) -> None:
    begin("one")
    begin("two")
    until(lambda: len(shop.runs()) >= 2)
    spoil(shop)
    assert shop.refused_run("three", "--task", "t").returncode == 2
    for brake, name in ((("stop", "one"), "one"), (("panic",), "two")):
        done = shop.samobot(*brake)
        assert done.returncode == 0, done.stdout + done.stderr
        assert f"{name}: Worker" in done.stdout
        assert told in done.stderr
        assert done.stderr.count("\n") == (1 if told else 0)
    assert until(lambda: shop.processes() == [])
    assert read_flag(state_of(shop)) is not None


def test_workers_are_found_although_their_configuration_was_damaged_since(
    shop: ScriptedShop, begin: Callable[[str], None]
) -> None:
    state = shop.root / "state of its own"
    text = f"SAMOBOT_STATE_DIR={state}\n"
    env_file(shop, text)
    begin("one")
    until(lambda: len(shop.runs()) >= 1)
    env_file(shop, f'CLAUDE_MODEL="opus\nSAMOBOT_POLL_SECONDS=x\n{text}')
    ended = elsewhere(shop, "panic")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "one: Worker" in ended.stdout
    assert until(lambda: shop.processes() == [])
    assert read_flag(state) is not None


def test_nothing_starts_until_it_is_released(shop: ScriptedShop) -> None:
    assert shop.samobot("panic").returncode == 0
    for arguments in (("run", "--session", "x", "--task", "t"), ("resume", "x")):
        refused = shop.quickly(*arguments)
        assert refused.returncode == 1
        assert "emergency stop" in refused.stderr
    assert not shop.sessions.exists()
    assert shop.samobot("resume", "--all").returncode == 0
    assert read_flag(state_of(shop)) is None
    assert shop.samobot("run", "--session", "x", "--task", "t", "--detach").returncode == 0
    assert shop.samobot("panic").returncode == 0
    assert until(lambda: shop.processes() == [])


def test_what_a_killed_worker_left_behind_is_ended(shop: ScriptedShop, begin: Callable[[str], None]) -> None:
    begin("one")
    until(lambda: len(shop.children()) > 0)
    worker = shop.status("one")["worker"]["pid"]
    os.kill(worker, signal.SIGKILL)
    until(lambda: shop.status("one")["worker"] is None)
    assert shop.processes() != []
    assert elsewhere(shop, "panic").returncode == 0
    assert until(lambda: shop.processes() == [])


@pytest.mark.parametrize("variable", ["XDG_STATE_HOME", "SAMOBOT_STATE_DIR", "HOME"])
def test_another_state_folders_sessions_continue(
    shop: ScriptedShop, begin: Callable[[str], None], tmp_path: Path, variable: str
) -> None:
    if variable == "HOME":
        del shop.environment["XDG_STATE_HOME"]
    begin("one")
    until(lambda: len(shop.runs()) >= 1)
    other = elsewhere(shop, "panic", **{variable: str(tmp_path / "other")})
    assert other.returncode == 0
    assert shop.status("one")["worker"] is not None
    assert shop.samobot("panic").returncode == 0


def test_an_agent_cannot_release_it(shop: ScriptedShop) -> None:
    shop.samobot("panic")
    shop.environment[ITERATION_VARIABLE] = "1"
    refused = shop.samobot("resume", "--all")
    assert refused.returncode == 1
    assert "may not release" in refused.stderr
    assert read_flag(state_of(shop)) is not None


def test_releasing_what_was_never_pulled_is_said(shop: ScriptedShop) -> None:
    assert "nothing to release" in shop.quickly("resume", "--all").stderr
    assert "Name the session" in shop.quickly("resume").stderr
    assert "not both" in shop.quickly("resume", "x", "--all").stderr


def test_a_damaged_file_keeps_everything_stopped(shop: ScriptedShop) -> None:
    shop.samobot("panic")
    (state_of(shop) / "panic.json").write_text("{")
    assert "emergency stop" in shop.refused_run("x", "--task", "t").stderr
