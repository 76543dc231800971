"""The real Claude CLI for tests: where it is, and the environment that keeps it on loopback."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


def require_newest_claude() -> Path:
    """The newest CLI, which `make claude` put in `.cache`; without it the test is skipped, or fails where `CI` is true."""
    newest = REPOSITORY / ".cache" / "claude-cli-newest" / "node_modules" / ".bin" / "claude"
    if newest.exists():
        return newest
    message = "the newest Claude CLI is missing: run `make claude` (it needs npm)"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


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
    # Whoever tests a checkout beside the installed one, or another platform, means its programs, too.
    named = {name: os.environ[name] for name in ("PYTHONPATH", "SAMOBOT_PORTABLE") if name in os.environ}
    return {
        **named,
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


@dataclass(frozen=True, slots=True)
class Ended:
    """What a run of the CLI left behind.

    Attributes:
        code: Its exit code.
        records: The objects of its stdout, in order.
        stderr: What it complained about.
    """

    code: int
    records: tuple[dict[str, Any], ...]
    stderr: str

    def of_type(self, kind: str, subtype: str | None = None) -> list[dict[str, Any]]:
        """The records of one type, and of one subtype where it is given."""
        return [
            record
            for record in self.records
            if record["type"] == kind and subtype in (None, record.get("subtype"))
        ]

    @property
    def result(self) -> dict[str, Any]:
        """The last result record."""
        return self.of_type("result")[-1]


def run_claude(
    *flags: str, prompt: str, cwd: Path, environment: Mapping[str, str], claude: Path | None = None
) -> Ended:
    """Run `claude -p` to its end with all permissions and a stream of JSON.

    Args:
        flags: Further flags.
        prompt: Sent on stdin.
        cwd: The working directory.
        environment: Its whole environment.
        claude: The CLI; None is the oldest supported one.
    """
    argv = [str(claude or require_claude()), "-p", "--output-format", "stream-json", "--verbose"]
    argv += ["--model", "opus", "--permission-mode", "bypassPermissions", *flags]
    return run_to_file(argv, stdin=prompt.encode(), cwd=cwd, environment=environment)


def run_to_file(
    argv: Sequence[str], *, stdin: bytes, cwd: Path, environment: Mapping[str, str], timeout: float = 60
) -> Ended:
    """Run a call of the CLI to its end, its stdout a regular file: it loses lines that it writes to a pipe.

    Args:
        argv: The whole call.
        stdin: The prompt.
        cwd: The working directory.
        environment: Its whole environment.
        timeout: Seconds until it is killed and `subprocess.TimeoutExpired` is raised.
    """
    with tempfile.TemporaryFile() as out:
        ended = subprocess.run(
            argv,
            input=stdin,
            stdout=out,
            stderr=subprocess.PIPE,
            cwd=cwd,
            env=dict(environment),
            timeout=timeout,
        )
        out.seek(0)
        records = tuple(json.loads(line) for line in out.read().splitlines())
    return Ended(ended.returncode, records, ended.stderr.decode())
