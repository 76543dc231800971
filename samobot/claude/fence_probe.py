"""Whether this system lets bubblewrap make a fence."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from functools import lru_cache

from samobot.claude.fence import BASE, RESET_BY_ENV
from samobot.system.commands import run_command
from samobot.system.platform.current import platform

_SECONDS = 10.0
_INSTALL = "Install bubblewrap (Debian, Ubuntu: apt install bubblewrap)."
_NAMESPACES = (
    "User namespaces are not permitted here. On Ubuntu allow them to bwrap by an AppArmor profile (see "
    "docs/security.md); a container needs them from its engine."
)


def find_bwrap(environ: Mapping[str, str]) -> str | None:
    """Path of bubblewrap; None if it is not installed."""
    return shutil.which("bwrap", path=environ.get("PATH")) if platform().has_fence else None


def fence_problem(environ: Mapping[str, str]) -> str | None:
    """Say why there can be no fence on this system, with the remedy; None if there can. Asked once, in about 15 ms.

    Args:
        environ: The environment, for PATH.
    """
    if not platform().has_fence:
        return "bubblewrap exists on Linux only, and is not used with SAMOBOT_PORTABLE."
    return _problem(find_bwrap(environ))


@lru_cache(maxsize=4)
def env_resets_signals(path: str | None) -> bool:
    """Whether `env` on this PATH can set signals back, as that of GNU coreutils 8.31 or newer."""
    try:
        environ = {} if path is None else {"PATH": path}
        return run_command([*RESET_BY_ENV, "true"], seconds=_SECONDS, environ=environ).succeeded
    except OSError:
        return False


@lru_cache(maxsize=4)
def _problem(bwrap: str | None) -> str | None:
    if bwrap is None:
        return f"bubblewrap is not installed. {_INSTALL}"
    try:
        done = run_command([bwrap, *BASE, "--tmpfs", "/run", "--", "true"], seconds=_SECONDS, environ={})
    except (OSError, TimeoutError) as error:
        return f"{bwrap} cannot be started ({error}). {_INSTALL}"
    if done.succeeded:
        return None
    said = " ".join(done.err.split())[:200]
    return f"bubblewrap refuses: {said or 'no reason given'}. {_NAMESPACES}"
