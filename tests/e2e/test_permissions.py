"""Calls that wait for the user, through the real CLI: made after a yes, once, whoever dies in between."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from samobot.session.asks import Ask, read_asks
from samobot.session.folder import SessionFolder
from tests.e2e.real import outcomes, real_shop
from tests.support.claude_cli import require_claude, require_newest_claude
from tests.support.messages_api import MessagesApi, bash, signal
from tests.support.waiting import until
from tests.support.workshop import Workshop

pytestmark = pytest.mark.real_cli


def waiting(shop: Workshop) -> tuple[Ask, ...]:
    """What the session's agent asks for."""
    shop.vault("greet")
    return read_asks(SessionFolder(shop.session("greet")), None).waiting


def one_ask(shop: Workshop, command: str) -> Ask:
    """Wait until the agent asks for this command."""
    until(lambda: [ask.call.input["command"] for ask in waiting(shop)] == [command])
    return waiting(shop)[0]


@pytest.mark.parametrize("claude", [require_claude, require_newest_claude], ids=["oldest", "newest"])
def test_a_risky_call_waits_for_the_user_survives_a_kill_and_is_made_once(
    tmp_path: Path, fence: str, claude: Callable[[], Path]
) -> None:
    made = tmp_path / "made"
    commands = [f"rm -rf nothing; echo {name} >> '{made}'" for name in ("first", "second", "third")]
    ending = signal("blocked", reason="Enough", needs="Nothing")
    first, second, third = map(bash, commands)
    script = {"investigation": [bash("echo harmless > x"), first, second, third, third, *ending]}
    with MessagesApi(script) as api:
        shop = real_shop(tmp_path, api, fence=fence)
        shop.environment |= {
            "CLAUDE_PATH": str(claude()),
            "SAMOBOT_ASK": "risky",
            "SAMOBOT_FENCE_ALLOW": str(tmp_path),
        }
        run = shop.start("run", "--session", "greet")
        api.wait_for_requests(1)
        ask = one_ask(shop, commands[0])
        status = json.loads(shop.samobot("status", "greet", "--json").stdout)
        assert (status["state"], status["waiting_for"]) == ("waiting", "permission")
        assert not made.exists()
        shown = shop.samobot("status", "greet").stdout
        assert commands[0] in shown
        assert f"samobot allow greet {ask.id}" in shown
        told = shop.samobot("allow", "greet", ask.id)
        assert told.stdout.endswith("The running worker takes it up.\n"), told.stderr
        ask = one_ask(shop, commands[1])
        assert made.read_text() == "first\n"
        told = shop.samobot("deny", "greet", ask.id, "--say", "not that one")
        assert told.returncode == 0, told.stderr
        ask = one_ask(shop, commands[2])
        run.kill()
        run.communicate()
        # Whoever died: the question stays, and nothing runs before it is decided.
        again = shop.samobot("run", "--session", "greet")
        assert again.returncode == 10, again.stderr
        assert f"samobot allow greet {ask.id}" in again.stdout
        assert shop.samobot("allow", "greet", ask.id).returncode == 0
        last = shop.samobot("run", "--session", "greet")
        assert last.returncode == 11, last.stdout + last.stderr
        api.check()
        assert made.read_text() == "first\nthird\n"
        assert waiting(shop) == ()
        assert "not that one" in api.requests[3].text
        prompt = next(request for request in api.requests if request.run == api.requests[-1].run)
        assert "make exactly this call" in prompt.text
        assert commands[2] in prompt.text
        assert outcomes(shop) == ["completed"]
        until(lambda: shop.processes() == [])
