"""The real CLI in a network of its own: the model is reached, nothing else is, and the user reads what was refused."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from samobot.claude.fence_probe import fence_problem
from tests.e2e.real import outcomes, real_shop
from tests.support.claude_cli import require_claude, require_newest_claude
from tests.support.messages_api import MessagesApi, bash, signal
from tests.support.waiting import until

_PROBLEM = fence_problem(os.environ, own_network=True)
pytestmark = [
    pytest.mark.real_cli,
    pytest.mark.skipif(_PROBLEM is not None, reason=f"there can be no fence here: {_PROBLEM}"),
]

_TRY = "; ".join(
    f"curl -sS -m 20 {url}" for url in ("https://evil.example", "https://evil.example", "http://203.0.113.1")
)
_WAIT = "until [ -e go ]; do sleep 0.1; done"


@pytest.mark.parametrize(("network", "cli"), [("none", require_newest_claude), ("allowlist", require_claude)])
def test_agent_reaches_the_model_and_what_is_listed_only(
    tmp_path: Path, network: str, cli: Callable[[], Path]
) -> None:
    listed = MessagesApi({})
    ask_listed = f"curl -sS -m 20 {listed.url}/v1/models || echo mis\\sed"
    ending = signal("blocked", reason="Enough", needs="x")
    script = {"investigation": [bash(_TRY), bash(ask_listed), bash(_WAIT), *ending]}
    with listed, MessagesApi(script) as api:
        shop = real_shop(tmp_path, api)
        shop.environment |= {
            "CLAUDE_PATH": str(cli()),
            "SAMOBOT_FENCE_NET": network,
            "SAMOBOT_FENCE_HOSTS": listed.url.removeprefix("http://"),
        }
        run = shop.start("run", "--session", "greet", "--task", "x")
        api.wait_for_requests(3)
        shown = shop.quickly("status", "greet").stdout
        (shop.worktrees / "greet" / "go").touch()
        out, err = run.communicate()
        assert run.returncode == 11, out + err
        api.check()
    assert f"network: the model {'only' if network == 'none' else 'and the hosts'}" in shown
    results = api.requests[-1].text
    assert "CONNECT tunnel failed, response 403" in results
    assert "Refused by samobot's fence: 203.0.113.1:80 is not in SAMOBOT_FENCE_HOSTS" in results
    assert ("missed" in results) is (network == "none")
    assert "evil.example:443 (2 times), 203.0.113.1:80" in json.dumps(shop.journal("greet", "notice"))
    assert outcomes(shop) == ["completed"]
    until(lambda: shop.processes() == [])
