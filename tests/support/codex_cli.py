"""The real Codex CLI for tests: where it is, and a project in which it works against a scripted model."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from samobot.claude.fence_probe import network_problem
from samobot.config.modes import FenceMode, FenceNet
from tests.support.claude_cli import REPOSITORY, cli_environment
from tests.support.responses_api import ResponsesApi
from tests.support.session_folder import make_session
from tests.support.workshop import Workshop, make_workshop


def require_codex() -> Path:
    """The CLI that `make claude` put in `.cache`; without it the test is skipped."""
    codex = REPOSITORY / ".cache" / "codex-cli" / "node_modules" / ".bin" / "codex"
    if not os.access(codex, os.X_OK):
        pytest.skip("the real Codex CLI is missing: run `make claude` (it needs npm)")
    return codex


def configure_codex(folder: Path, url: str) -> None:
    """Write a CODEX_HOME whose model is at a URL, without repeated requests."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.toml").write_text(
        f"""\
model = "gpt-5.5"
model_provider = "loopback"
[model_providers.loopback]
name = "loopback"
base_url = "{url}"
wire_api = "responses"
env_key = "LOOPBACK_KEY"
request_max_retries = 0
stream_max_retries = 0
supports_websockets = false
"""
    )


def codex_environment(home: Path, url: str) -> dict[str, str]:
    """Configure Codex in a HOME for a model at a URL, and return the variables with which it is found there."""
    configure_codex(home / ".codex", url)
    return {
        "CODEX_PATH": str(require_codex()),
        "CODEX_HOME": str(home / ".codex"),
        "LOOPBACK_KEY": "fake",
    }


def codex_shop(
    root: Path, api: ResponsesApi, *, fence: str = "off", phase: str = "implementation"
) -> Workshop:
    """Make a workshop with the session `greet`, whose phase is Codex's.

    Args:
        root: An empty folder.
        api: The scripted model.
        fence: `SAMOBOT_FENCE`; inside it, where that is possible, only the model and a listed host can be connected to.
        phase: The phase that the session is in.
    """
    environment = cli_environment(root / "home", api.url) | {
        **codex_environment(root / "home", api.url),
        "CLAUDE_PATH": "/bin/true",  # which is there, and is not asked for anything
        "SAMOBOT_PROVIDER": "codex",
        "SAMOCODE_RETRY_DELAY": "0",
        "SAMOBOT_FENCE": fence,
    }
    if fence == "on" and network_problem(FenceNet.ALLOWLIST, FenceMode.ON, os.environ) is None:
        environment |= {"SAMOBOT_FENCE_NET": "allowlist", "SAMOBOT_FENCE_HOSTS": "listed.example"}
    shop = make_workshop(root, environment)
    shop.sessions.mkdir()
    make_session(shop.sessions, phase=phase)
    return shop
