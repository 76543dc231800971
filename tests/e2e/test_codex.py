"""Codex in the place of Claude: the real CLI, and what the run makes of how it ends."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from tests.e2e.real import outcomes
from tests.support.codex_cli import codex_shop
from tests.support.responses_api import UNAUTHORIZED, Refusal, ResponsesApi, patch, run, say, usage_limit
from tests.support.responses_api import signal as signalling
from tests.support.waiting import until

pytestmark = pytest.mark.real_cli

SLEEPERS = "sleep 1000 & disown; setsid sleep 1000 & "


def test_codex_edits_runs_commits_and_signals_after_a_reminder(tmp_path: Path, fence: str) -> None:
    outside = "curl -sS -m 20 https://evil.example; " if fence == "on" else ""
    steps = (
        patch("*** Add File: greet.sh\n+echo hello"),
        run(f"{outside}sh greet.sh && git add greet.sh && git commit -q -m 'Greet'"),
        say("I am done."),
        signalling("blocked", reason="Enough", needs="Nothing"),
        say("I stop here."),
    )
    with ResponsesApi(*steps) as api:
        shop = codex_shop(tmp_path, api, fence=fence)
        (shop.repo / ".codex").mkdir()
        hostile = f'[mcp_servers.hostile]\ncommand = "touch"\nargs = ["{shop.repo}/hostile"]\n'
        (shop.repo / ".codex" / "config.toml").write_text(hostile)
        shop.environment["CODEX_PRICE"] = "1,0.1,10"
        done = shop.run("greet", "--budget", "5")
    assert done.returncode == 11, done.stdout + done.stderr
    assert shop.git("log", "--format=%s", "-1") == "Greet"
    # Without a hook, the first one ended without a signal.
    assert outcomes(shop) == ["completed", "completed"]
    assert "no signal" in api.texts("user", 3)
    notices = [each["text"] for each in shop.journal("greet", "notice")]
    if "SAMOBOT_FENCE_NET" in shop.environment:
        assert "CONNECT tunnel failed, response 403" in str(api.requests[2])
        assert ["evil.example:443" in each for each in notices if "refused connections" in each] == [True]
    (said,) = [each for each in notices if "Codex" in each]
    assert "computed from its tokens with CODEX_PRICE" in said
    end = shop.journal("greet", "iteration_end")[0]
    assert (end["tokens"]["input"], end["tokens"]["cache_read"], end["tokens"]["output"]) == (2400, 600, 150)
    assert end["cost_usd"] == pytest.approx(0.0024 + 0.00006 + 0.0015)
    assert 0 < shop.status("greet")["cost_usd"] < 5
    role = api.texts("developer")
    assert "You carry out the approved plan" in role
    assert "# One iteration" in role
    assert "- Session folder: " in api.texts("user")
    assert not (shop.repo / "hostile").exists()
    until(lambda: shop.processes() == [])


@pytest.mark.parametrize(
    ("refusal", "outcome", "code", "phase"),
    [
        (UNAUTHORIZED, "auth", 11, "quality"),
        (usage_limit(int(time.time()) + 3600), "usage_limit", 14, "implementation"),
    ],
    ids=["401", "429"],
)
def test_refusal_of_the_service_is_understood(
    tmp_path: Path, refusal: Refusal, outcome: str, code: int, phase: str
) -> None:
    with ResponsesApi(refusal) as api:
        shop = codex_shop(tmp_path, api, phase=phase)
        done = shop.run("greet", "--no-wait")
    assert done.returncode == code, done.stdout + done.stderr
    assert outcomes(shop) == [outcome]
    assert "Codex" in done.stdout
    assert "Claude" not in done.stdout
    assert (shop.state / "limit-codex.json").exists() is (code == 14)
    assert not (shop.state / "limit.json").exists()  # Claude's sessions continue


def test_stop_ends_codex_with_all_that_it_started(tmp_path: Path, fence: str) -> None:
    with ResponsesApi(run(SLEEPERS + "sleep 1000")) as api:
        shop = codex_shop(tmp_path, api, fence=fence)
        worker = shop.start("run", "--session", "greet")
        until(lambda: shop.processes().count("sleep 1000") == 3)
        worker.send_signal(signal.SIGTERM)
        out, err = worker.communicate(timeout=60)
        assert worker.returncode == 12, out + err
        until(lambda: shop.processes() == [])
    assert outcomes(shop) == ["interrupted"]
