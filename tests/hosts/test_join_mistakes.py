"""Mistakes in the line to join, and hosts that do not fit, are reported in one clear line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from samobot.errors import SamobotError
from samobot.hosts import keys
from samobot.hosts.hub_messages import Beat
from samobot.hosts.hub_registry import HubRegistry
from samobot.hosts.hub_store import HubStore
from samobot.hosts.joining import reason
from samobot.hosts.known_hosts import KnownHosts
from samobot.hosts.link import Link, host_link_file, write_link
from samobot.system.clock import utc_now
from samobot.terminal.host_command import join_command
from samobot.terminal.hub_command import init_command
from tests.support.nats import free_port


@pytest.mark.parametrize(
    ("name", "token", "ca", "expected"),
    [
        ("My Laptop", "", "sha256:00", "“My Laptop” cannot be a host's name."),
        ("laptop", "", "00", "--ca is to begin with sha256:; copy the whole line."),
        ("laptop", "SUAB", "sha256:00", "--token is damaged; copy the whole line."),
        ("laptop", "", "sha256:00", r"tls://127.0.0.1:\d+ cannot be reached: .*Connection refused"),
        (
            "studio",
            "",
            "sha256:00",
            r"This machine is the host laptop already. Remove .*, and laptop on its hub.",
        ),
    ],
)
def test_a_mistake_in_the_line_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, token: str, ca: str, expected: str
) -> None:
    monkeypatch.setenv("SAMOBOT_STATE_DIR", str(tmp_path))
    if name == "studio":
        write_link(host_link_file(tmp_path), Link(user="laptop", servers=("tls://hub:4222",)))
    hub = f"127.0.0.1:{free_port()}"
    with pytest.raises(SamobotError) as raised:
        join_command.main(
            [name, "--hub", hub, "--token", token or keys.new_seed(), "--ca", ca], standalone_mode=False
        )
    assert re.fullmatch(expected, raised.value.message)


def test_a_clock_that_is_wrong_is_named() -> None:
    problem = (
        "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate is not yet valid (_ssl.c:1)"
    )
    assert re.fullmatch(
        r"its certificate is not valid at this machine's time \(.*\); set the clock", reason(problem)
    )
    assert reason("timed out") == "timed out"


def test_a_host_of_another_version_says_what_to_update(tmp_path: Path) -> None:
    known = KnownHosts(HubStore(tmp_path), lambda: True, utc_now, lambda: 0.0)
    newer = Beat(host="laptop", boot="one", at=utc_now(), version="9.0", oldest_protocol=8, newest_protocol=9)
    known.host("laptop").note_beat(newer, 0.0, utc_now())
    assert not known.is_online("laptop")
    assert known.away("laptop") == (
        "laptop runs samobot 9.0, which this one does not understand; update the older one."
    )


def test_a_hub_that_moves_says_what_to_do_on_its_hosts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SAMOBOT_STATE_DIR", str(tmp_path))

    def printed(*arguments: str) -> str:
        init_command.main(["--address", "127.0.0.1", *arguments], standalone_mode=False)
        return capsys.readouterr().out

    assert "host add laptop" in printed()
    assert "hosts/host.json" not in printed("--port", "4333"), "there is no host yet"
    registry = HubRegistry(tmp_path)
    registry.invite("laptop", utc_now())
    registry.admit("laptop", keys.public_key(keys.new_seed()), utc_now())
    assert "hosts/host.json" not in printed()
    assert "put the new one into hosts/host.json" in printed("--port", "4444")
