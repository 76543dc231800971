"""The user's own Claude Code settings, with the real CLI of both versions: what they do to a run, and what is said."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from samobot.worker.agent_call import LOCAL_SERVERS
from tests.e2e.real import outcomes, real_shop
from tests.support.behaviors import SENT_BACK
from tests.support.claude_cli import require_claude, require_newest_claude
from tests.support.mcp_server import SENTENCE, TOOL, source
from tests.support.messages_api import MessagesApi, bash, say, signal, tool
from tests.support.workshop import Workshop

pytestmark = pytest.mark.real_cli

STEPS = [bash("echo it works"), *signal("blocked", reason="Enough", needs="Nothing")]


@pytest.fixture(params=["pinned", "newest"])
def claude(request: pytest.FixtureRequest) -> Path:
    return require_claude() if request.param == "pinned" else require_newest_claude()


def shop_with(root: Path, api: MessagesApi, claude: Path, settings: object) -> Workshop:
    shop = real_shop(root, api)
    shop.environment["CLAUDE_PATH"] = str(claude)
    folder = root / "home" / ".claude"
    folder.mkdir(parents=True)
    (folder / "settings.json").write_text(json.dumps(settings))
    return shop


@pytest.mark.parametrize(
    "permissions", [{"disableBypassPermissionsMode": "disable"}, {"ask": ["Bash"]}, {"deny": ["Bash"]}]
)
def test_settings_that_deny_the_tools_stop_a_run_before_it_costs_anything(
    tmp_path: Path, claude: Path, permissions: object
) -> None:
    with MessagesApi({"investigation": STEPS}) as api:
        shop = shop_with(tmp_path, api, claude, {"permissions": permissions})
        done = shop.run("greet", "--task", "Greet")
        assert api.requests == []
    assert done.returncode == 2
    assert "No iteration can work" in done.stderr
    assert str(tmp_path / "home" / ".claude" / "settings.json") in done.stderr
    assert not shop.sessions.exists()


def hook(command: str) -> list[object]:
    return [{"hooks": [{"type": "command", "command": command}]}]


def test_an_output_style_does_not_reach_the_agent_and_a_disabled_bypass_with_the_tools_allowed_works(
    tmp_path: Path, claude: Path
) -> None:
    """With hooks that add to each prompt and never let the agent end: they count, and the user reads that."""
    permissions = {"disableBypassPermissionsMode": "disable", "allow": ["Bash", "Edit", "Write", "Read"]}
    again = json.dumps({"decision": "block", "reason": "Run the linter first"})
    settings = {
        "permissions": permissions,
        "outputStyle": "Learning",
        "env": {"CLAUDE_CODE_EFFORT_LEVEL": "max", "CLAUDE_CODE_SIMPLE": "1"},
        "hooks": {"SessionStart": hook("echo Answer in verse"), "Stop": hook(f"echo '{again}'")},
    }
    steps = [*STEPS, *[say("It is done.")] * SENT_BACK]
    with MessagesApi({"investigation": steps}) as api:
        shop = shop_with(tmp_path, api, claude, settings)
        done = shop.run("greet", "--task", "Greet")
        api.check()
    assert done.returncode == 11, done.stdout + done.stderr
    assert "it works" in api.requests[1].text
    request = json.dumps(api.requests[0].body)
    assert "Greet" in request
    assert "Learning" not in request
    assert api.requests[0].body["output_config"] == {"effort": "medium"}
    assert "Skill" in api.requests[0].tools
    assert "TODO(human)" not in request
    assert "Answer in verse" in request
    assert "Run the linter first" in api.requests[len(STEPS)].text
    assert outcomes(shop) == ["completed"]
    (notice,) = [each["text"] for each in shop.journal("greet", "notice")]
    assert "take part in each iteration and can stop it: Stop, SessionStart" in notice
    assert "SAMOBOT_ITERATION" in notice


def test_a_hook_that_refuses_the_prompt_is_named_and_not_tried_again(tmp_path: Path, claude: Path) -> None:
    with MessagesApi({"investigation": STEPS}) as api:
        shop = shop_with(
            tmp_path, api, claude, {"hooks": {"UserPromptSubmit": hook("echo no prompts today >&2; exit 2")}}
        )
        done = shop.run("greet", "--task", "Greet")
        assert api.requests == []
    assert done.returncode == 11, done.stdout + done.stderr
    assert outcomes(shop) == ["start_failed"]
    blocked = shop.status("greet")["blocked"]
    assert "A hook of Claude Code's settings refuses the iteration's prompt" in blocked
    assert "no prompts today" in blocked


def test_an_agent_has_the_mcp_servers_that_the_user_chose_and_the_absent_one_is_reported(
    tmp_path: Path, claude: Path
) -> None:
    name, started = f"mcp__my_birds__{TOOL}", tmp_path / "started"
    servers = {
        "my birds": {"command": sys.executable, "args": ["-c", source()]},
        "broken": {"command": sys.executable, "args": ["-c", "raise SystemExit"]},
        "maps": {"command": "touch", "args": [str(started)]},
    }
    steps = [tool(name), *signal("blocked", reason="Enough", needs="Nothing")]
    with MessagesApi({"investigation": steps}) as api:
        shop = shop_with(tmp_path, api, claude, {})
        shop.environment |= {"SAMOBOT_MCP": "my birds, broken", "SAMOBOT_FENCE": "off"}
        # One of them added in the repository alone: the scope `local`.
        local = {str(shop.repo): {"mcpServers": {"my birds": servers.pop("my birds")}}}
        content = {"mcpServers": servers, "projects": local}
        (tmp_path / "home" / ".claude.json").write_text(json.dumps(content))
        done = shop.run("greet", "--task", "Greet")
        api.check()
    assert done.returncode == 11, done.stdout + done.stderr
    (start,) = shop.journal("greet", "iteration_start")
    assert sorted(start["mcp"]) == ["broken", "my birds"]
    assert name in api.requests[0].tools
    assert SENTENCE in json.dumps(api.requests[-1].body)
    assert not started.exists()
    assert not (shop.session("greet") / "_logs" / LOCAL_SERVERS).exists()
    (notice,) = [each["text"] for each in shop.journal("greet", "notice") if "MCP" in each["text"]]
    assert "without the MCP server broken (failed)" in notice
