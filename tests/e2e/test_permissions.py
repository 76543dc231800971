"""Calls that wait for the user, through the real CLI: made after a yes, once, whoever dies in between."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal as signals
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from samobot.session.asks import Ask, read_asks
from samobot.session.folder import SessionFolder
from tests.e2e.real import outcomes, real_shop
from tests.support.chat_room import chat_room
from tests.support.claude_cli import cli_environment, require_claude, require_newest_claude
from tests.support.messages_api import MessagesApi, bash, signal
from tests.support.waiting import until
from tests.support.workshop import Workshop, make_workshop

pytestmark = pytest.mark.real_cli


def kill_at_once(worker: int) -> None:
    """Kill a worker and what it started at one moment.

    A CLI that saw the end of its input would take that for a denial, and ask the scripted model for its next step.
    """
    started = psutil.Process(worker).children(recursive=True)
    for process in started:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.suspend()
    os.kill(worker, signals.SIGKILL)
    for process in started:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def waiting(shop: Workshop) -> tuple[Ask, ...]:
    """What the session's agent asks for."""
    shop.vault("greet")
    return read_asks(SessionFolder(shop.session("greet")), None).waiting


def one_ask(shop: Workshop, command: str) -> Ask:
    """Wait until the agent asks for this command."""
    until(lambda: [ask.call.input["command"] for ask in waiting(shop)] == [command])
    return waiting(shop)[0]


@pytest.mark.parametrize(
    ("fence", "claude"),
    [("off", require_claude), ("on", require_newest_claude)],
    ids=["unfenced-oldest", "fenced-newest"],
    indirect=["fence"],
)
def test_a_risky_call_waits_for_the_user_survives_a_kill_and_is_made_once(
    tmp_path: Path, fence: str, claude: Callable[[], Path]
) -> None:
    made = tmp_path / "made"
    commands = [
        f"rm -rf nothing; echo {name} >> '{made}'" for name in ("first", "second", "third", "fourth", "fifth")
    ]
    first, second, third, fourth, fifth = map(bash, commands)
    script = {"investigation": [bash("echo harmless > x"), first, second, third, third, fourth, fifth]}
    with MessagesApi(script) as api:
        shop = real_shop(tmp_path, api, fence=fence)
        shop.environment |= {
            "CLAUDE_PATH": str(claude()),
            "SAMOBOT_ASK": "risky",
            "SAMOBOT_FENCE_ALLOW": str(tmp_path),
        }
        settings = shop.repo / ".claude" / "settings.json"
        settings.parent.mkdir()
        settings.write_text('{"permissions": {"allow": ["Bash"], "defaultMode": "bypassPermissions"}}')
        shop.git("add", "-f", str(settings))
        shop.git("commit", "-qm", "Allow everything")
        run = shop.start("run", "--session", "greet")
        api.wait_for_requests(1)
        ask = one_ask(shop, commands[0])
        status = shop.status("greet")
        assert (status["state"], status["waiting_for"]) == ("waiting", "permission")
        assert not made.exists()
        shown = shop.quickly("status", "greet").stdout
        assert commands[0] in shown
        assert f"samobot allow greet {ask.id}" in shown
        told = shop.quickly("allow", "greet", ask.id)
        assert told.stdout.endswith("The running worker takes it up.\n"), told.stderr
        ask = one_ask(shop, commands[1])
        assert made.read_text() == "first\n"
        told = shop.quickly("deny", "greet", ask.id, "--say", "not that one")
        assert told.returncode == 0, told.stderr
        ask = one_ask(shop, commands[2])
        kill_at_once(run.pid)
        run.communicate()
        # Whoever died: the question stays, and nothing runs before it is decided.
        again = shop.samobot("run", "--session", "greet")
        assert again.returncode == 10, again.stderr
        assert f"samobot allow greet {ask.id}" in again.stdout
        assert shop.quickly("allow", "greet", ask.id).returncode == 0
        last = shop.start("run", "--session", "greet")
        one_ask(shop, commands[3])
        assert shop.quickly("tell", "greet", "--now", "another", "way").returncode == 0
        one_ask(shop, commands[4])
        assert "another way" in api.requests[-1].text
        assert shop.samobot("stop", "greet").returncode == 0
        out, err = last.communicate(timeout=240)
        assert last.returncode == 12, out + err
        api.check()
        assert made.read_text() == "first\nthird\n"
        assert waiting(shop) == ()
        assert "not that one" in api.requests[3].text
        prompt = next(request for request in api.requests if request.run == api.requests[-1].run)
        assert "make exactly this call" in prompt.text
        assert commands[2] in prompt.text
        assert outcomes(shop) == ["interrupted"]
        until(lambda: shop.processes() == [])


async def test_a_call_is_allowed_in_the_chat_although_bot_worker_and_cli_died_meanwhile(
    tmp_path: Path,
) -> None:
    made = tmp_path / "made"
    commands = [f"rm -rf nothing; echo {name} >> '{made}'" for name in ("first", "second")]
    first, second = map(bash, commands)
    ending = signal("blocked", reason="Enough", needs="Nothing")
    with MessagesApi({"investigation": [first, second, second, first, *ending]}) as api:
        environment = cli_environment(tmp_path / "home", api.url)
        environment |= {"CLAUDE_PATH": str(require_claude()), "SAMOBOT_ASK": "risky"}
        environment["SAMOBOT_FENCE_ALLOW"] = str(tmp_path)
        async with chat_room(make_workshop(tmp_path, environment)) as room:
            await room.start()
            room.say("/run greet: Try it")
            ask = await room.see("greet asks before a risky step", commands[0])
            assert not ask.silent
            await room.tap(ask, "Allow for this session")
            ask = await room.see("greet asks before a risky step", commands[1])
            assert made.read_text() == "first\n"
            await room.kill()
            room.shop.vault("greet")
            worker = room.shop.status("greet")["worker"]["pid"]
            kill_at_once(worker)
            await room.start()
            await room.tap(ask, "✅ Allow once")
            await room.see("greet is blocked", "Enough")
            assert made.read_text() == "first\nsecond\nfirst\n", "the first is not asked about again"
            status = await room.see("Allowed in this session", after=room.say("/status greet"))
            await room.tap(status, "↩️ Withdraw")
            folder = SessionFolder(room.shop.session("greet"))
            await asyncio.to_thread(until, lambda: read_asks(folder, None).rules == {})
        api.check()


async def test_a_call_that_is_allowed_once_is_made_once_although_the_bot_dies_around_the_tap(
    tmp_path: Path,
) -> None:
    made = tmp_path / "made"
    command = f"rm -rf nothing; echo once >> '{made}'"
    ending = signal("blocked", reason="Enough", needs="Nothing")
    with MessagesApi({"investigation": [bash(command), bash(command), *ending]}) as api:
        environment = cli_environment(tmp_path / "home", api.url)
        environment |= {"CLAUDE_PATH": str(require_claude()), "SAMOBOT_ASK": "risky"}
        environment["SAMOBOT_FENCE_ALLOW"] = str(tmp_path)
        async with chat_room(make_workshop(tmp_path, environment)) as room:
            await room.start()
            room.say("/run greet: Try it")
            ask = await room.see("greet asks before a risky step", command)
            await room.kill()
            room.ann.tap(ask, "✅ Allow once")
            await room.start()
            await asyncio.to_thread(until, lambda: made.exists() and made.read_text() == "once\n")
            # The tap may be on record and not yet answered: the next bot may not carry it out again.
            await room.kill()
            await room.start()
            room.shop.vault("greet")
            folder = SessionFolder(room.shop.session("greet"))

            def asked_again() -> bool:
                return len(read_asks(folder, None).waiting) == 1 and len(api.requests) == 2

            await asyncio.to_thread(until, asked_again)
            (again,) = read_asks(folder, None).waiting
            denied = room.shop.quickly("deny", "greet", again.id)
            assert denied.returncode == 0, denied.stderr
            await room.see("greet is blocked", "Enough")
        assert made.read_text() == "once\n"
        api.check()
