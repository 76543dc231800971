"""Whether this system lets bubblewrap make a fence."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from samobot.claude.fence import BASE, NO_NETWORK, RESET_BY_ENV, kernel_settings
from samobot.config.modes import FenceMode, FenceNet
from samobot.session.search_path import find_program
from samobot.system.commands import run_command
from samobot.system.platform.current import platform

_SECONDS = 10.0
_PROXIES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")
_INSTALL = "Install bubblewrap (Debian, Ubuntu: apt install bubblewrap)."
_NAMESPACES = (
    "User namespaces are not permitted here. On Ubuntu allow them to bwrap by an AppArmor profile (see "
    "docs/security.md); a container needs them from its engine."
)


def find_bwrap(environ: Mapping[str, str]) -> str | None:
    """Path of bubblewrap; None if it is not installed."""
    return find_program("bwrap", environ) if platform().has_fence else None


def fence_problem(environ: Mapping[str, str], *, own_network: bool = False) -> str | None:
    """Say why there can be no fence on this system, with the remedy; None if there can. Asked once, in about 15 ms.

    Args:
        environ: The environment, for PATH.
        own_network: Whether there has to be a network of its own inside.
    """
    if not platform().has_fence:
        return "bubblewrap exists on Linux only, and is not used with SAMOBOT_PORTABLE."
    return _problem(find_bwrap(environ), own_network)


def network_problem(network: FenceNet, mode: FenceMode, environ: Mapping[str, str]) -> str | None:
    """Say why what agents connect to cannot be limited, with the remedy; None if it can.

    Args:
        network: The limit.
        mode: Whether there is to be a fence.
        environ: The environment.
    """
    setting = f"SAMOBOT_FENCE_NET={network}"
    if mode is FenceMode.OFF:
        return f"{setting} needs the fence: set SAMOBOT_FENCE=auto, or SAMOBOT_FENCE_NET=open."
    if (outer := next((name for name in _PROXIES if environ.get(name)), None)) is not None:
        return f"{setting} does not work behind a proxy of your own: unset {outer}, or set SAMOBOT_FENCE_NET=open."
    problem = fence_problem(environ, own_network=True)
    return None if problem is None else f"{setting}, but there can be no fence: {problem}"


@lru_cache(maxsize=4)
def env_resets_signals(path: str | None) -> bool:
    """Whether `env` on this PATH can set signals back, as that of GNU coreutils 8.31 or newer."""
    try:
        environ = {} if path is None else {"PATH": path}
        return run_command([*RESET_BY_ENV, "true"], seconds=_SECONDS, environ=environ).succeeded
    except OSError:
        return False


@lru_cache(maxsize=4)
def _problem(bwrap: str | None, own_network: bool) -> str | None:
    if bwrap is None:
        return f"bubblewrap is not installed. {_INSTALL}"
    try:
        options = (*BASE, *kernel_settings(), *([NO_NETWORK] if own_network else []), "--tmpfs", "/run")
        done = run_command([bwrap, *options, "--", "true"], seconds=_SECONDS, environ={})
    except (OSError, TimeoutError) as error:
        return f"{bwrap} cannot be started ({error}). {_INSTALL}"
    if done.succeeded:
        return None
    said = " ".join(done.err.split())[:200]
    return f"bubblewrap refuses: {said or 'no reason given'}. {_NAMESPACES}"
