"""An invitation: what a machine needs to become a host, as one line for its shell."""

from __future__ import annotations

import shlex

from samobot.frozen import frozen

FINGERPRINT_PREFIX = "sha256:"


@frozen
class HostInvitation:
    """What `samobot host add` prints, and `samobot host join` takes.

    Attributes:
        host: The name of the host to be.
        servers: URLs of the server.
        token: Seed of a key with which the server lets the machine ask once; the hub keeps only its public key.
        fingerprint: SHA-256 of the hub's authority, hexadecimal.
    """

    host: str
    servers: tuple[str, ...]
    token: str
    fingerprint: str

    def line(self) -> str:
        """Return the command that joins."""
        hubs = [argument for server in self.servers for argument in ("--hub", server.removeprefix("tls://"))]
        words = ["samobot", "host", "join", self.host, *hubs, "--token", self.token]
        return shlex.join([*words, "--ca", FINGERPRINT_PREFIX + self.fingerprint])
