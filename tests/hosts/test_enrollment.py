"""How a machine becomes a host, on a real server: once, in ten minutes, with a key of its own."""

from __future__ import annotations

import asyncio
import json
import stat
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import nats
import pytest
from nats.errors import Error

from samobot.errors import ConflictError, NotFoundError, SamobotError, UsageError
from samobot.hosts import joining, keys, subjects
from samobot.hosts.hub_registry import HubRegistry
from samobot.hosts.invitation import HostInvitation
from samobot.hosts.joining import join, works
from samobot.hosts.link import host_link_file, read_link
from tests.support.cases import for_each
from tests.support.hub import DEADLINE, Hub, connect, now, running_hub


async def test_a_machine_joins_once_and_others_stay_connected(tmp_path: Path) -> None:
    async with running_hub(tmp_path / "hub") as hub:
        laptop = await hub.add("laptop", tmp_path / "laptop")
        assert read_link(host_link_file(tmp_path / "laptop")) == laptop
        connected = await connect(laptop)

        invitation = hub.registry.invite("server", now())
        await hub.server.reload()
        server = await join(invitation, tmp_path / "server")
        assert await works(server)
        assert not hub.registry.record().invitations
        with pytest.raises(ConflictError, match="samobot host add server"):
            await join(invitation, tmp_path / "thief")
        # The same line again on the machine that has joined: its answer may have been lost.
        assert await join(invitation, tmp_path / "server") == server

        hub.registry.remove("server")
        await hub.server.reload()
        assert not await works(server)

        assert not connected.is_lost.is_set()
        await connected.client.flush()
        await connected.client.close()


async def test_a_machine_that_the_server_drops_tries_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it does with whoever is just connecting while it takes over another machine."""
    dropped: list[str] = []

    def drop_first(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def dropping(*args: Any, **kwargs: Any) -> Any:
            if name not in dropped:
                dropped.append(name)
                raise ConnectionResetError("Connection lost")
            return call(*args, **kwargs)

        return dropping

    async with running_hub(tmp_path / "hub") as hub:
        invitation = hub.registry.invite("laptop", now())
        await hub.server.reload()
        monkeypatch.setattr(
            joining, "_server_certificate", drop_first("authority", joining._server_certificate)
        )
        monkeypatch.setattr(nats, "connect", drop_first("invitation", nats.connect))
        assert await works(await join(invitation, tmp_path / "laptop"))
    assert dropped == ["authority", "invitation"]
    monkeypatch.setattr(joining, "_RETRY_SECONDS", 0.0)
    with pytest.raises(SamobotError, match=r"cannot be reached: .*refused"):
        await join(invitation, tmp_path / "laptop")


async def test_a_removed_host_is_cut_at_once(tmp_path: Path) -> None:
    async with running_hub(tmp_path / "hub") as hub:
        laptop = await hub.add("laptop", tmp_path / "laptop")
        connected = await connect(laptop)
        hub.registry.remove("laptop")
        await hub.server.reload()
        async with asyncio.timeout(DEADLINE):
            await connected.is_lost.wait()
        with pytest.raises((Error, OSError)):
            await connect(laptop)


async def test_only_its_public_key_leaves_a_machine(tmp_path: Path) -> None:
    async with running_hub(tmp_path / "hub") as hub:
        laptop = await hub.add("laptop", tmp_path / "laptop")
        assert laptop.seed is not None
        seed = laptop.seed.read_text()
        on_the_hub = b"".join(path.read_bytes() for path in (tmp_path / "hub").rglob("*") if path.is_file())
        assert seed.encode() not in on_the_hub
        assert keys.public_key(seed).encode() in on_the_hub
        for path in (*(tmp_path / "hub" / "hub").iterdir(), laptop.seed):
            assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path


async def test_an_invitation_of_another_hub_reaches_nobody(tmp_path: Path) -> None:
    async with running_hub(tmp_path / "hub") as hub:
        real = hub.registry.invite("laptop", now())
        await hub.server.reload()
        other = HostInvitation(real.host, real.servers, real.token, "0" * 64)
        with pytest.raises(UsageError, match="another hub"):
            await join(other, tmp_path / "laptop")
        assert not host_link_file(tmp_path / "laptop").exists()
        assert hub.registry.record().invitations  # the token was not even shown


async def test_a_server_with_a_copied_authority_is_refused(tmp_path: Path) -> None:
    """Somebody in between has the real certificate's bytes, but no key that the authority signed."""
    async with running_hub(tmp_path / "hub") as hub, running_hub(tmp_path / "between") as between:
        invitation = between.registry.invite("laptop", now())
        await between.server.reload()
        link = await join(invitation, tmp_path / "victim")
        assert hub.link.ca is not None
        with pytest.raises((Error, OSError)):
            await connect(link, ca=hub.link.ca)


async def test_an_invitation_under_another_name_is_refused_at_once(tmp_path: Path) -> None:
    async with running_hub(tmp_path / "hub") as hub:
        real = hub.registry.invite("laptop", now())
        await hub.server.reload()
        with pytest.raises(UsageError, match="not one for server; run the line as it was printed"):
            await join(HostInvitation("server", real.servers, real.token, real.fingerprint), tmp_path / "b")
        assert await works(await join(real, tmp_path / "laptop")), "it is not used up"


async def test_an_invited_machine_can_do_nothing_but_ask(tmp_path: Path) -> None:
    async with running_hub(tmp_path / "hub") as hub:
        invitation = hub.registry.invite("laptop", now())
        hub.registry.invite("server", now())
        await hub.server.reload()
        user = await connect(hub.link, seed=invitation.token)
        for subject in (subjects.receipt("laptop"), subjects.enroll("server"), "samobot.decide.laptop.1"):
            await user.client.publish(subject, b"{}")
        await user.client.subscribe(">")
        async with asyncio.timeout(DEADLINE):
            while len(user.refused) < 4:
                await asyncio.sleep(0.01)
        assert all("permissions violation" in text.lower() for text in user.refused)
        await user.client.close()


def test_an_invitation_ends_after_ten_minutes(tmp_path: Path) -> None:
    hub = Hub(tmp_path)
    began = now()
    hub.registry.invite("laptop", began)
    key = keys.public_key(keys.new_seed())
    with pytest.raises(ConflictError, match="run on the hub: samobot host add laptop"):
        hub.registry.admit("laptop", key, began + timedelta(minutes=10))
    assert not hub.registry.close_ended(began + timedelta(minutes=9, seconds=59))
    assert hub.registry.close_ended(began + timedelta(minutes=10))
    hub.registry.write_config()
    assert len(_users(hub.registry)) == 0


def test_an_invitation_is_used_up_even_before_its_key_is_cut(tmp_path: Path) -> None:
    registry = Hub(tmp_path).registry
    registry.invite("laptop", now())
    registry.admit("laptop", keys.public_key(keys.new_seed()), now())
    with pytest.raises(ConflictError, match="was used"):
        registry.admit("laptop", keys.public_key(keys.new_seed()), now())
    assert registry.close_ended(now())  # a crash before `close` leaves nothing open
    assert not registry.record().invitations


@pytest.fixture
def registry(tmp_path: Path) -> HubRegistry:
    return Hub(tmp_path).registry


@for_each("key", ["", "U" * 56, "SU" + "A" * 54, 'UA"}], "x": [{"', "$JS.API.>"])
def test_what_is_no_public_key_never_gets_into_the_configuration(registry: HubRegistry, key: str) -> None:
    registry.invite("laptop", now())
    with pytest.raises(UsageError, match="public key"):
        registry.admit("laptop", key, now())
    assert not registry.record().hosts


@for_each("name", ["", "hub", "Laptop", "a.b", "*", ">", "-x", "a b", "x" * 33, "ä"])
def test_a_name_that_could_mean_another_subject_is_refused(registry: HubRegistry, name: str) -> None:
    with pytest.raises(UsageError, match="cannot be a host's name"):
        registry.invite(name, now())


def test_a_name_is_given_once(tmp_path: Path) -> None:
    registry = Hub(tmp_path).registry
    registry.invite("laptop", now())
    second = registry.invite("laptop", now())  # the first line was lost: its token ends
    assert [each.key for each in registry.record().invitations] == [keys.public_key(second.token)]
    registry.admit("laptop", keys.public_key(keys.new_seed()), now())
    with pytest.raises(ConflictError, match="samobot host remove laptop"):
        registry.invite("laptop", now())
    registry.remove("laptop")
    registry.invite("laptop", now())
    with pytest.raises(NotFoundError, match="samobot host list"):
        registry.remove("server")


def test_the_hub_keeps_of_a_token_only_its_public_key(tmp_path: Path) -> None:
    hub = Hub(tmp_path)
    invitation = hub.registry.invite("laptop", now())
    hub.registry.write_config()
    stored = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert invitation.token.encode() not in stored
    assert keys.public_key(invitation.token).encode() in stored


def test_set_up_again_keeps_keys_and_hosts(tmp_path: Path) -> None:
    hub = Hub(tmp_path)
    hub.registry.invite("laptop", now())
    hub.registry.admit("laptop", keys.public_key(keys.new_seed()), now())
    hosts, authority, seed = (
        hub.registry.record().hosts,
        hub.registry.authority,
        hub.registry.seed_file.read_text(),
    )
    hub.registry.set_up(("hub.example.org", "10.0.0.1"), "0.0.0.0", 4222, now())
    assert hub.registry.record().hosts == hosts
    assert hub.registry.authority == authority
    assert hub.registry.seed_file.read_text() == seed
    assert hub.link.servers == ("tls://127.0.0.1:4222",)


def test_a_machine_is_a_host_of_one_hub_under_one_name(tmp_path: Path) -> None:
    folder = tmp_path / "hosts"
    folder.mkdir()
    (folder / "host.json").write_text(json.dumps({"user": "laptop", "servers": ["tls://127.0.0.1:1"]}))
    invitation = HostInvitation("server", ("tls://127.0.0.1:1",), keys.new_seed(), "0" * 64)
    with pytest.raises(UsageError, match="the host laptop already"):
        asyncio.run(join(invitation, tmp_path))


def test_a_hub_that_cannot_be_reached_is_named(tmp_path: Path) -> None:
    invitation = HostInvitation("laptop", ("tls://127.0.0.1:1",), keys.new_seed(), "0" * 64)
    with pytest.raises(SamobotError, match=r"tls://127\.0\.0\.1:1 cannot be reached"):
        asyncio.run(join(invitation, tmp_path))


def _users(registry: HubRegistry) -> list[object]:
    users = json.loads(registry.config_file.read_text())["accounts"]["HOSTS"]["users"]
    assert isinstance(users, list)
    return users
