"""Which account the Claude CLI is logged in to."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from samobot.claude.mcp import servers_file


def account_id(environ: Mapping[str, str]) -> str:
    """Return a name of the account that reveals nothing of it; empty if it is unknown, as with an API key.

    Format: `oauthAccount.accountUuid` in the CLI's own `.claude.json`, seen in its versions 1.0 to 2.1.
    """
    try:
        account = json.loads(servers_file(environ).read_bytes())["oauthAccount"]["accountUuid"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return ""
    return hashlib.sha256(f"samobot {account}".encode()).hexdigest()[:16] if isinstance(account, str) else ""
