"""The hosts that the Claude CLI itself needs: the model's API, and the login's."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from samobot.claude.user_settings import settings_environment
from samobot.config.destination import Destination, parse_destination
from samobot.config.modes import FenceNet

# In Claude Code 2.1.197 and 2.1.332: the API, and where a subscription's login is renewed.
_ANTHROPIC = (Destination("api.anthropic.com", 443), Destination("platform.claude.com", 443))

_BASES = (
    "ANTHROPIC_BASE_URL",
    "ANTHROPIC_BEDROCK_BASE_URL",
    "ANTHROPIC_FOUNDRY_BASE_URL",
    "ANTHROPIC_VERTEX_BASE_URL",
)


def model_hosts(environ: Mapping[str, str]) -> tuple[Destination, ...]:
    """List them, from the environment and the variables in the CLI's own settings.

    Args:
        environ: The environment of the CLI.
    """
    given = (*(environ.get(name, "") for name in _BASES), *map(settings_environment(environ).get, _BASES))
    named = [parse_destination(url) for url in given if url and urlsplit(url).hostname]
    return tuple(dict.fromkeys(named)) or _ANTHROPIC


def reachable_hosts(
    network: FenceNet, hosts: tuple[Destination, ...], environ: Mapping[str, str]
) -> tuple[Destination, ...] | None:
    """List the hosts that agents can connect to; None for whatever this machine can.

    Args:
        network: What the user wants.
        hosts: What the user lists.
        environ: The environment of the CLI.
    """
    match network:
        case FenceNet.OPEN:
            return None
        case FenceNet.ALLOWLIST:
            return tuple(dict.fromkeys((*model_hosts(environ), *hosts)))
        case FenceNet.NONE:
            return model_hosts(environ)
