"""The hub's server as a child process."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import ssl
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from samobot.config.settings import Settings
from samobot.errors import BusyError, SamobotError, StorageError
from samobot.hosts import hub_server, nats_streams, subjects
from samobot.hosts.certificates import Authority, authority_of, fingerprint
from samobot.hosts.hub_messages import Beat
from samobot.hosts.hub_server import HubServer, is_running
from samobot.hosts.joining import works
from samobot.hosts.link import Link, host_link_file, write_link
from samobot.hosts.server_binary import server_binary
from samobot.setup.checks import _telegram
from samobot.setup.doctor import Level
from samobot.setup.hub_checks import examine_hosts, examine_hub
from tests.support.fake_programs import put_program
from tests.support.hub import DEADLINE, Hub, connect, now, running_hub


async def test_a_killed_server_is_started_again(tmp_path: Path) -> None:
    async with running_hub(tmp_path) as hub:
        state = tmp_path / "hub" / "server.json"
        first = json.loads(state.read_text())["pid"]
        os.kill(first, signal.SIGKILL)
        async with asyncio.timeout(DEADLINE):
            while json.loads(state.read_text())["pid"] == first or not hub.server.is_ready.is_set():
                await asyncio.sleep(0.01)
        assert await works(hub.link)


async def test_a_server_whose_disk_was_full_is_started_again_until_it_has_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """After a failed write nats-server 2.15.1 takes nothing more for a stream, also if there is room again."""
    for name in ("_FULL_SECONDS", "_FIRST_RETRY", "_LONGEST_RETRY"):
        monkeypatch.setattr(hub_server, name, 0.0)
    begin = "echo '[1] 2026/01/15 14:05:00.0 "
    binary = put_program(
        tmp_path / "bin",
        "nats-server",
        f"""[ "$1" = -t ] && exit 0
echo >>{tmp_path}/starts
{begin}[INF] Server is ready' >&2
[ $(wc -l <{tmp_path}/starts) -gt 1 ] || {begin}[ERR] JetStream stream "A" critical write error: no space left' >&2
exec sleep 600""",
    )
    registry = Hub(tmp_path / "state").registry
    server = HubServer(registry, binary, now)
    prepare, refused = server._prepare, [StorageError("The disk is full.")]

    def prepare_once_there_is_room() -> int:
        if (tmp_path / "starts").exists() and refused:
            raise refused.pop()
        return prepare()

    monkeypatch.setattr(server, "_prepare", prepare_once_there_is_room)
    running = asyncio.create_task(server.run())
    async with asyncio.timeout(DEADLINE):
        while not (tmp_path / "starts").exists() or len((tmp_path / "starts").read_text()) < 2:
            assert not running.done(), running
            await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert "a write has failed" in caplog.text
    assert "The disk is full." in caplog.text


async def test_one_hub_runs_at_a_time_and_its_end_ends_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_server, "_LOOK_SECONDS", 0.1)
    async with running_hub(tmp_path) as hub:
        assert is_running(hub.registry)
        with pytest.raises(BusyError, match="Another"):
            await HubServer(hub.registry, server_binary(os.environ), now).run()
        pid = json.loads((tmp_path / "hub" / "server.json").read_text())["pid"]
    assert not is_running(hub.registry)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_a_configuration_that_the_server_refuses_is_reported_and_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_hub(tmp_path) as hub:
        with monkeypatch.context() as patched:
            patched.setattr("samobot.hosts.hub_registry.render", lambda *_: "accounts: {")
            with pytest.raises(SamobotError, match="does not accept"):
                await hub.server.reload()
        assert await works(hub.link)


async def test_check_reports_what_runs_and_who_is_absent(tmp_path: Path) -> None:
    async with running_hub(tmp_path / "hub") as hub:
        await hub.add("laptop", tmp_path / "laptop")
        findings = await asyncio.to_thread(examine_hub, tmp_path / "hub", dict(os.environ))
        assert [each.level for each in findings] == [*[Level.OK] * 4, Level.WARNING]
        assert findings[-1].text == "the bot was never connected to the server"
        user = await connect(hub.link)
        await nats_streams.set_up(user.client)  # as the bot does
        last = [await asyncio.to_thread(lambda: examine_hub(tmp_path / "hub", dict(os.environ))[-1])]
        beats: list[dict[str, Any]] = [
            {"newest_protocol": 9, "oldest_protocol": 9, "version": "9.0"},
            {"is_last": True},
            {},
        ]
        for sent in beats:
            beat = Beat(host="laptop", boot="one", at=now(), **sent)
            await user.client.jetstream().publish(subjects.beat("laptop"), beat.encode())
            last.append(await asyncio.to_thread(lambda: examine_hub(tmp_path / "hub", dict(os.environ))[-1]))
        await user.client.close()
        assert [each.level for each in last] == [*[Level.WARNING] * 3, Level.OK]
        skewed = "laptop (samobot 9.0, which this one does not understand; update the older one)"
        assert [each.text.partition(": ")[2] for each in last] == ["laptop", skewed, "laptop", "laptop"]
        environ = dict(os.environ) | {"SAMOBOT_HOST_ALONE": "pause"}
        [host, alone] = await asyncio.to_thread(examine_hosts, tmp_path / "laptop", environ)
        assert host.level is Level.OK
        assert alone.text == "its sessions wait before their next iteration (SAMOBOT_HOST_ALONE=pause)"
    [host, alone] = await asyncio.to_thread(examine_hosts, tmp_path / "laptop", environ)
    assert host.level is Level.ERROR
    assert host.remedy.startswith("Sessions here wait;")


def test_check_names_a_hub_that_does_not_run_and_keys_that_others_may_read(tmp_path: Path) -> None:
    hub = Hub(tmp_path)
    hub.registry.folder.chmod(0o755)
    errors = {each.check: each.remedy for each in examine_hub(tmp_path, {}) if each.level is Level.ERROR}
    assert errors == {
        "Hub's keys": f"Run: chmod 700 {hub.registry.folder}",
        "Hub": "Run: samobot install-service --hub",
    }


def test_a_host_needs_no_token_of_the_bot(tmp_path: Path) -> None:
    settings = Settings(samobot_state_dir=tmp_path)
    assert [each.level for each in _telegram(settings)] == [Level.WARNING]
    write_link(host_link_file(tmp_path), Link(user="laptop", servers=("tls://hub:4222",)))
    assert [each.level for each in _telegram(settings)] == [Level.OK]


def test_check_of_one_machine_has_nothing_to_report(tmp_path: Path) -> None:
    assert examine_hosts(tmp_path, {}) == []


def test_the_certificate_is_renewed_before_it_ends_and_for_new_names(tmp_path: Path) -> None:
    registry = Hub(tmp_path).registry
    ends = registry.certificate_ends_at
    assert not registry.renew_certificate(ends - timedelta(days=61))
    assert registry.renew_certificate(ends - timedelta(days=59))
    assert registry.certificate_ends_at > ends


def test_a_fingerprint_finds_the_authority_in_the_server_s_certificate() -> None:
    authority = Authority.create(now())
    certificate, _ = authority.issue(["hub.example.org", "::1"], now())
    der = ssl.PEM_cert_to_DER_cert(certificate.decode())
    assert authority_of(der, fingerprint(authority.certificate)) == authority.certificate
    with pytest.raises(SamobotError, match="another hub"):
        authority_of(der, fingerprint(Authority.create(now()).certificate))
    with pytest.raises(SamobotError, match="not a samobot hub's"):
        authority_of(ssl.PEM_cert_to_DER_cert(authority.certificate.decode()), "0" * 64)


async def test_the_streams_can_be_made_again_as_at_each_new_connection(tmp_path: Path) -> None:
    async with running_hub(tmp_path) as hub:
        user = await connect(hub.link)
        for _ in range(2):
            await nats_streams.set_up(user.client)
        await user.client.close()
