"""The hosts that a program itself needs: the model's API, and the login's."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from samobot.claude.codex_program import base_url
from samobot.claude.user_settings import settings_environment
from samobot.config.destination import Destination, parse_destination
from samobot.config.modes import FenceNet
from samobot.session.provider import Provider

# In Claude Code 2.1.197 and 2.1.332: the API, and where a subscription's login is renewed.
_ANTHROPIC = (Destination("api.anthropic.com", 443), Destination("platform.claude.com", 443))

# In Codex CLI 0.171.0: the API by key, the same for a subscription, and where that one's login is renewed.
_OPENAI = (
    Destination("api.openai.com", 443),
    Destination("chatgpt.com", 443),
    Destination("auth.openai.com", 443),
)

_BASES = (
    "ANTHROPIC_BASE_URL",
    "ANTHROPIC_BEDROCK_BASE_URL",
    "ANTHROPIC_FOUNDRY_BASE_URL",
    "ANTHROPIC_VERTEX_BASE_URL",
)


def model_hosts(environ: Mapping[str, str], provider: Provider = Provider.CLAUDE) -> tuple[Destination, ...]:
    """List them, from the environment and what the program's own settings name.

    Args:
        environ: The environment of the program.
        provider: Which one it is.
    """
    if provider is Provider.CODEX:
        base = base_url(environ)
        return (parse_destination(base),) if base and urlsplit(base).hostname else _OPENAI
    given = (*(environ.get(name, "") for name in _BASES), *map(settings_environment(environ).get, _BASES))
    named = [parse_destination(url) for url in given if url and urlsplit(url).hostname]
    return tuple(dict.fromkeys(named)) or _ANTHROPIC


def reachable_hosts(
    network: FenceNet,
    hosts: tuple[Destination, ...],
    environ: Mapping[str, str],
    provider: Provider = Provider.CLAUDE,
) -> tuple[Destination, ...] | None:
    """List the hosts that agents can connect to; None for whatever this machine can.

    Args:
        network: What the user wants.
        hosts: What the user lists.
        environ: The environment of the program.
        provider: Which one it is.
    """
    match network:
        case FenceNet.OPEN:
            return None
        case FenceNet.ALLOWLIST:
            return tuple(dict.fromkeys((*model_hosts(environ, provider), *hosts)))
        case FenceNet.NONE:
            return model_hosts(environ, provider)
