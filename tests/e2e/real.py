"""A workshop with the real Claude CLI in it, talking to a scripted model."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

from tests.support.claude_cli import cli_environment, require_claude, subscription_environment
from tests.support.messages_api import MessagesApi
from tests.support.workshop import Workshop, make_workshop


def real_shop(
    root: Path, api: MessagesApi, *, remote: bool = False, subscription: bool = False, fence: str = "auto"
) -> Workshop:
    """Make a workshop whose CLI is the real one.

    Args:
        root: An empty folder.
        api: The scripted model.
        remote: Whether the repository has a remote.
        subscription: Whether the CLI believes it is paid by subscription.
        fence: `SAMOBOT_FENCE`.
    """
    make = subscription_environment if subscription else cli_environment
    environment = make(root / "home", api.url) | {
        "CLAUDE_PATH": str(require_claude()),
        "SAMOCODE_RETRY_DELAY": "0",
        "CLAUDE_CODE_MAX_RETRIES": "1",
        "SAMOBOT_FENCE": fence,
    }
    return make_workshop(root, environment, remote=remote)


def outcomes(shop: Workshop, name: str = "greet") -> list[str]:
    """What each iteration came to."""
    return [each["outcome"] for each in shop.journal(name, "iteration_end")]


def peak_memory(process: subprocess.Popen[str]) -> float:
    """Follow a process to its end and return the most memory that it held at once, in MB.

    Its output has to go somewhere that does not fill up.
    """
    status = Path(f"/proc/{process.pid}/status")
    most = 0
    while process.poll() is None:
        try:
            lines = status.read_text().splitlines()
        except OSError:
            break
        most = max([most, *(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))])
        time.sleep(0.01)  # the mark only rises; seen late, it is the same
    process.wait()
    return most / 1024
