"""The loop, stopping and the bot with the portable platform: promises that other modules keep on Linux.

`SAMOBOT_PORTABLE=1` before pytest runs any other test in the same way.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from samobot.sandbox.agent.steps import Children
from tests.e2e import test_chat
from tests.e2e.real import real_shop
from tests.e2e.test_stops import STUCK, script, start_until_stuck
from tests.support.scripted import blocked, investigation, scripted_shop
from tests.support.waiting import until
from tests.worker import test_halt, test_loop

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _portable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMOBOT_PORTABLE", "1")


async def test_loop_goes_to_done_and_refuses_a_second_worker(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    await test_loop.test_session_continues_through_the_phases_to_done(tmp_path / "one")
    await test_loop.test_second_worker_is_refused_with_the_holder_of_the_session(tmp_path / "two")


def test_stop_finds_the_worker_after_the_clock_was_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    test_halt.test_stop_finds_the_worker_after_the_clock_was_set(tmp_path, monkeypatch, 86_400.0)


def test_stop_does_not_believe_a_forged_description(tmp_path: Path) -> None:
    test_halt.test_stop_believes_the_kernel_about_who_holds_the_lock(tmp_path, '{"pid": BYSTANDER}')


def test_stop_ends_the_worker_whose_lock_its_agent_took_away(tmp_path: Path) -> None:
    test_halt.test_stop_ends_the_worker_whose_lock_its_agent_took_away(tmp_path, "deleted")


def test_stop_never_calls_a_held_session_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    test_halt.test_stop_never_calls_a_held_session_free(tmp_path, monkeypatch, '{"pid": 1}')


def test_stop_finds_a_worker_that_has_recorded_nothing(tmp_path: Path) -> None:
    test_halt.test_worker_that_ended_before_its_first_record_leaves_a_stopped_session(tmp_path)


def test_stop_reports_a_process_that_fled_before_it_was_seen(tmp_path: Path) -> None:
    test_halt.test_a_worker_that_ended_in_order_has_ended_all_that_it_started(tmp_path)


def test_stop_rather_warns_once_too_often_of_a_killed_worker(tmp_path: Path) -> None:
    test_halt.test_stop_does_not_speak_of_workers_that_were_killed_before_the_machine_was_booted(tmp_path)


@pytest.mark.real_cli
def test_a_killed_worker_leaves_nothing_once_the_session_is_run_again(tmp_path: Path) -> None:
    with script(STUCK) as api:
        shop = real_shop(tmp_path, api, fence="off")
        run = start_until_stuck(shop)
        run.kill()
        run.communicate()
        done = shop.run("greet")
        assert done.returncode == 11, done.stdout + done.stderr
        until(lambda: shop.processes() == [])
        api.check()


async def test_bot_goes_from_pairing_to_done(tmp_path: Path) -> None:
    await test_chat.test_from_pairing_to_done_with_a_thumb(tmp_path)


# Of what opens something in /proc, the first that is not the standard library is named.
WATCHED = """
import sys
found = set()
def watch(event, arguments):
    if event in ("open", "os.listdir", "os.scandir") and str(arguments[0]).startswith("/proc"):
        frame = sys._getframe(1)
        while frame is not None and not ("samobot" in frame.f_code.co_filename or "psutil" in frame.f_code.co_filename):
            frame = frame.f_back
        found.add("nobody" if frame is None else frame.f_code.co_filename)
sys.addaudithook(watch)
sys.argv[0] = "samobot"
from samobot.cli import main
try:
    main()
finally:
    print("\\nopened by:", *sorted(found))
"""


@pytest.mark.parametrize("portable", [True, False])
def test_nothing_of_ours_opens_proc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, portable: bool) -> None:
    if not portable:
        monkeypatch.setenv("SAMOBOT_PORTABLE", "0")  # that the watch sees what it is to see
    shop = scripted_shop(tmp_path, investigation([Children(kind="setsid"), blocked()]))
    opened: set[str] = set()
    for arguments, code in (
        (("run", "--config", str(shop.config), "--session", "greet"), 11),
        (("stop", "greet"), 0),
    ):
        done = subprocess.run(
            [sys.executable, "-c", WATCHED, *arguments],
            cwd=shop.repo, env=shop.environment, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        opened |= set(done.stdout.rpartition("opened by:")[2].split())
    assert len(shop.children()) == 1
    assert shop.processes() == [], "what the agent left behind was ended, with or without a subreaper"
    ours = {name for name in opened if "psutil" not in name}
    assert bool(ours) is not portable, ours
    assert opened, "psutil reads /proc on Linux"
