"""The real Claude CLI for tests: where it is, and the environment that keeps it on loopback."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


def find_claude() -> Path | None:
    """Path of the CLI: `SAMOBOT_TEST_CLAUDE`, else the one `make` put in `.cache`, else the one on PATH."""
    named = os.environ.get("SAMOBOT_TEST_CLAUDE")
    if named:
        return Path(named)
    cached = REPOSITORY / ".cache" / "claude-cli" / "node_modules" / ".bin" / "claude"
    if cached.exists():
        return cached
    on_path = shutil.which("claude")
    return Path(on_path) if on_path else None


def require_claude() -> Path:
    """The CLI's path; without one the test is skipped, or fails where `CI` is true."""
    claude = find_claude()
    if claude is not None and os.access(claude, os.X_OK):
        return claude
    message = "the real Claude CLI is missing: run `make setup` (it needs npm) or set SAMOBOT_TEST_CLAUDE"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


def cli_environment(home: Path, base_url: str) -> dict[str, str]:
    """An environment in which the CLI needs no account and no internet.

    Args:
        home: A HOME of its own; made if missing.
        base_url: Root of a `MessagesApi`.
    """
    home.mkdir(parents=True, exist_ok=True)
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "TERM": "dumb",
        "IS_SANDBOX": "1",
        "ANTHROPIC_BASE_URL": base_url,
        "ANTHROPIC_API_KEY": "anything",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_AUTOUPDATER": "1",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "Test",
        "GIT_AUTHOR_EMAIL": "test@example.invalid",
        "GIT_COMMITTER_NAME": "Test",
        "GIT_COMMITTER_EMAIL": "test@example.invalid",
    }


def subscription_environment(home: Path, base_url: str) -> dict[str, str]:
    """The same for a CLI that believes it is paid by subscription, which alone knows usage limits."""
    environment = cli_environment(home, base_url)
    del environment["ANTHROPIC_API_KEY"]
    return environment | {"CLAUDE_CODE_OAUTH_TOKEN": "anything"}
