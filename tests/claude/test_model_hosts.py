"""What agents with a limited network can connect to, and when such a network is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from samobot.claude.fence_probe import network_problem
from samobot.claude.model_hosts import reachable_hosts
from samobot.config.destination import parse_destinations
from samobot.config.modes import FenceMode, FenceNet

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
