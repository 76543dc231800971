"""The configuration of the nats-server: who may do what. Pure.

There are two accounts, and the streams are in the hub's. All hosts share the other one, in which nothing is but what is
imported here. Permissions alone do not keep a host to its own: the server sends its answers (the number of a stored
message, a control value) wherever the request wants them, without asking whether the requester may send there. In one
account a host could so make the server write others' snapshots and control values, or delete a stream. From its own
account such an answer reaches nothing, since an import does not take it any further.

Only users differ from one configuration to the next: the server takes those over while it runs, whereas accounts that
a reload adds do not get their imports.

Format: docs.nats.io/running-a-nats-service/configuration, which takes JSON.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from samobot.frozen import frozen
from samobot.hosts import subjects

_HUB_ACCOUNT = "HUB"
_HOSTS_ACCOUNT = "HOSTS"

_TO_HUB = (
    subjects.ALL_RECEIPTS,
    subjects.ALL_NEWS,
    subjects.ALL_FETCHES,
    subjects.ALL_ENROLLMENTS,
    f"{subjects.snapshot_prefix('*')}*",
    subjects.beat("*"),
    f"$JS.ACK.{subjects.DECISIONS}.>",
    subjects.CONTROL_READS,
)
"""What hosts send the hub's account; it answers."""

_TO_HOSTS = (subjects.ALL_DELIVERIES, subjects.CONTROL_HINT)
"""What hosts get from the hub's account without asking."""

_MAX_PAYLOAD = 1024 * 1024
_PING = {"ping_interval": "10s", "ping_max": 2}
"""A host that is cut off silently is noticed after 30 s."""


@frozen
class ServerFiles:
    """Files and secrets of a server.

    Attributes:
        certificate: Its certificate, PEM.
        key: The certificate's private key, PEM.
        store: Folder for its streams.
        store_key: Key that encrypts them.
    """

    certificate: Path
    key: Path
    store: Path
    store_key: str


def render(
    listen: str,
    port: int,
    files: ServerFiles,
    hub_key: str,
    hosts: Mapping[str, str],
    invitations: Iterable[tuple[str, str]],
) -> str:
    """Return the configuration.

    Args:
        listen: Address on which it listens.
        port: Port on which it listens; -1 is a free one.
        files: Its files.
        hub_key: The hub's public key.
        hosts: Public key of each host, by name.
        invitations: Names of invited hosts, each with its invitation's public key.
    """
    users = [_user(key, _host_permissions(name)) for name, key in sorted(hosts.items())]
    users += [_user(key, _invitation_permissions(name)) for name, key in sorted(invitations)]
    config = {
        "listen": f"{listen}:{port}",
        "server_name": "samobot-hub",
        "max_payload": _MAX_PAYLOAD,
        **_PING,
        "tls": {"cert_file": str(files.certificate), "key_file": str(files.key), "timeout": 10},
        "authorization": {"timeout": 10},
        "jetstream": {
            "store_dir": str(files.store),
            # Otherwise a write is confirmed up to two minutes before it is on disk.
            "sync_interval": "always",
            # The streams have bounds of their own. After a kill the server counts what they reserve more than once.
            "max_file_store": 1024**4,
            "max_memory_store": 16 * 1024**3,
            "cipher": "chachapoly",
            "key": files.store_key,
        },
        "accounts": {
            _HUB_ACCOUNT: {
                "jetstream": "enabled",
                "users": [{"nkey": hub_key}],
                "exports": [{"service": each, "accounts": [_HOSTS_ACCOUNT]} for each in _TO_HUB]
                + [{"stream": each, "accounts": [_HOSTS_ACCOUNT]} for each in _TO_HOSTS],
                "imports": [{"service": {"account": _HOSTS_ACCOUNT, "subject": subjects.ALL_READS}}],
            },
            _HOSTS_ACCOUNT: {
                "users": users,
                "exports": [{"service": subjects.ALL_READS, "accounts": [_HUB_ACCOUNT]}],
                "imports": [{"service": {"account": _HUB_ACCOUNT, "subject": each}} for each in _TO_HUB]
                + [{"stream": {"account": _HUB_ACCOUNT, "subject": each}} for each in _TO_HOSTS],
            },
        },
    }
    return json.dumps(config, indent=2) + "\n"


def _user(key: str, permissions: dict[str, Any]) -> dict[str, Any]:
    return {"nkey": key, "permissions": permissions, "allowed_connection_types": ["STANDARD"]}


def _host_permissions(host: str) -> dict[str, Any]:
    return {
        "publish": {
            "allow": [
                subjects.receipt(host),
                subjects.news(host),
                subjects.fetch(host),
                f"{subjects.snapshot_prefix(host)}*",
                subjects.beat(host),
                subjects.decision_acks(host),
                subjects.CONTROL_READS,
            ]
        },
        "subscribe": {
            "allow": [
                subjects.deliver(host),
                subjects.read(host),
                subjects.CONTROL_HINT,
                f"{subjects.inbox(host)}.>",
            ]
        },
        "allow_responses": {"max": 1, "expires": "1m"},
    }


def _invitation_permissions(host: str) -> dict[str, Any]:
    return {
        "publish": {"allow": [subjects.enroll(host)]},
        "subscribe": {"allow": [f"{subjects.join_inbox(host)}.>"]},
    }
