"""What agents with a limited network can connect to, and when such a network is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from samobot.claude.fence_probe import network_problem
from samobot.claude.model_hosts import reachable_hosts
from samobot.config.destination import parse_destinations
from samobot.config.modes import FenceMode, FenceNet
from samobot.session.provider import Provider

LISTED = parse_destinations("pypi.org")
FOUND = {
    (FenceNet.ALLOWLIST, "", ""): "api.anthropic.com:443 platform.claude.com:443 pypi.org:443",
    (FenceNet.NONE, "", ""): "api.anthropic.com:443 platform.claude.com:443",
    (FenceNet.NONE, "http://127.0.0.1:4000/v1", ""): "127.0.0.1:4000",
    (FenceNet.NONE, "", "https://gateway.example"): "gateway.example:443",
    (
        FenceNet.ALLOWLIST,
        "https://a.example",
        "https://b.example",
    ): "a.example:443 b.example:443 pypi.org:443",
    (FenceNet.NONE, "nonsense", ""): "api.anthropic.com:443 platform.claude.com:443",
}


def test_model_is_always_reachable_and_listed_hosts_with_an_allowlist_only(tmp_path: Path) -> None:
    (tmp_path / ".claude").mkdir()
    for (network, in_environment, in_settings), expected in FOUND.items():
        settings = {"env": {"ANTHROPIC_BASE_URL": in_settings, "OTHER": 1}}
        (tmp_path / ".claude" / "settings.json").write_text(json.dumps(settings))
        environ = {"HOME": str(tmp_path), "ANTHROPIC_BASE_URL": in_environment}
        found = reachable_hosts(network, LISTED, environ)
        assert " ".join(map(str, found or ())) == expected
    assert reachable_hosts(FenceNet.OPEN, LISTED, {"HOME": str(tmp_path)}) is None


@pytest.mark.parametrize(
    ("mode", "environ", "named"),
    [
        (FenceMode.OFF, {}, "SAMOBOT_FENCE_NET=none needs the fence"),
        (FenceMode.AUTO, {"https_proxy": "http://proxy"}, "unset https_proxy"),
        (FenceMode.AUTO, {"PATH": "/nowhere"}, "there can be no fence: bubblewrap is not installed"),
    ],
)
def test_network_that_cannot_be_limited_is_refused_with_the_remedy(
    mode: FenceMode, environ: dict[str, str], named: str
) -> None:
    assert named in (network_problem(FenceNet.NONE, mode, environ) or "")


def test_codex_needs_its_own_model_and_not_claudes(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path)}
    (tmp_path / ".codex").mkdir()
    file = tmp_path / ".codex" / "config.toml"
    provider = '[model_providers.own]\nbase_url = "http://127.0.0.1:8080/v1"\n'
    for text, hosts in {
        "": "api.openai.com:443 chatgpt.com:443 auth.openai.com:443",
        "model_provider = 'absent'\n" + provider: "api.openai.com:443 chatgpt.com:443 auth.openai.com:443",
        "model_provider = 'own'\n" + provider: "127.0.0.1:8080",
    }.items():
        file.write_text(text)
        found = reachable_hosts(FenceNet.NONE, (), environ, Provider.CODEX)
        assert found is not None
        assert " ".join(f"{each.host}:{each.port}" for each in found) == hosts
