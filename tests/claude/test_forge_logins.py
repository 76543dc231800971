"""An agent that tries to push or merge itself finds no login, with and without the fence."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from samobot.claude.fence_probe import fence_problem
from samobot.claude.forge_logins import FORGE_TOKENS
from samobot.claude.invocation import child_environment
from tests.claude.fenced_world import FencedWorld, make_world

_PROBLEM = fence_problem(os.environ)

TOKEN = "s3cret-login"
ASK = "printf 'protocol=https\\nhost=%s\\n\\n' {host} | git credential fill"
HELPERS = f"""
[credential]
	helper = "!f() {{ echo username=ann; echo password={TOKEN}; }}; f"
[credential "https://github.com"]
	helper = "!f() {{ echo username=ann; echo password={TOKEN}; }}; f"
"""
VARIABLES = {
    **dict.fromkeys(FORGE_TOKENS, TOKEN),
    "SSH_AUTH_SOCK": f"/run/{TOKEN}",
    "SSH_AGENT_PID": "1",
    "SSH_ASKPASS": f"/bin/{TOKEN}",
    "GIT_ASKPASS": f"/bin/{TOKEN}",
    "GIT_SSH_COMMAND": f"ssh -i {TOKEN}",
}

FENCES = [
    pytest.param(False, id="unfenced"),
    pytest.param(
        True,
        id="fenced",
        marks=pytest.mark.skipif(_PROBLEM is not None, reason=f"there can be no fence here: {_PROBLEM}"),
    ),
]


@pytest.fixture
def world(tmp_path: Path) -> FencedWorld:
    made = make_world(tmp_path)
    with (made.home / ".gitconfig").open("a") as file:
        file.write(HELPERS)
    return made


@pytest.mark.slow
@pytest.mark.parametrize("fenced", FENCES)
def test_agent_finds_no_login_in_its_environment(world: FencedWorld, fenced: bool) -> None:
    shown = world.run("env", fenced=fenced, environ=VARIABLES, given=child_environment).stdout
    assert "HOME=" in shown
    assert TOKEN not in shown
    assert not [name for name in VARIABLES if f"{name}=" in shown]


@pytest.mark.slow
@pytest.mark.parametrize("fenced", FENCES)
@pytest.mark.parametrize("host", ["github.com", "example.org"])
def test_agents_git_asks_no_credential_helper(world: FencedWorld, fenced: bool, host: str) -> None:
    ask = ASK.format(host=host)
    assert TOKEN in world.run(ask, fenced=False).stdout  # as it is for the user
    done = world.run(ask, fenced=fenced, given=child_environment)
    assert TOKEN not in done.stdout
    assert done.returncode != 0


@pytest.mark.parametrize("count", ["", "2", "-1", "many"])
def test_configuration_from_the_environment_is_kept(count: str) -> None:
    given = {"HOME": "/home/ann", "GIT_CONFIG_COUNT": count, "GIT_CONFIG_KEY_0": "user.name"}
    found = child_environment(given)
    number = int(count) if count == "2" else 0
    assert found["GIT_CONFIG_COUNT"] == str(number + 1)
    assert (found[f"GIT_CONFIG_KEY_{number}"], found[f"GIT_CONFIG_VALUE_{number}"]) == (
        "credential.helper",
        "",
    )
    assert number == 0 or found["GIT_CONFIG_KEY_0"] == "user.name"
