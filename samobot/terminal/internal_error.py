"""Keeps the details of an internal error in a file that can be handed on: without secrets."""

from __future__ import annotations

import contextlib
import os
import tempfile
import traceback

from samobot.config.environment import BOT_SECRETS, find_env_file, read_values
from samobot.errors import SamobotError
from samobot.system.logs import Redaction

_LOGINS = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN", "OPENAI_API_KEY")


def keep_details(error: Exception) -> str:
    """Write the traceback of an internal error to a file; returns the message."""
    what = f"Internal error ({type(error).__name__})."
    text = _redaction()("".join(traceback.format_exception(error)))
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="samobot-", suffix=".log", delete=False, encoding="utf-8", errors="backslashreplace"
        ) as details:
            details.write(text)
    except OSError:
        return f"{what} The details could not be written."
    return f"{what} Please report it with the details in {details.name}."


def _redaction() -> Redaction:
    """An exception's own text may hold a secret: a library's quotes a URL with the token, or a refused value."""
    values = dict(os.environ)
    with contextlib.suppress(SamobotError, OSError, RuntimeError):
        values = read_values(os.environ, find_env_file(os.environ), strict=False)
    return Redaction(values[name] for name in (*BOT_SECRETS, *_LOGINS) if name in values)
