"""An invitation: what a machine needs to become a host, as one line for its shell."""

from __future__ import annotations

import shlex

from samobot.errors import ConflictError
from samobot.frozen import frozen

FINGERPRINT_PREFIX = "sha256:"


def used_up(host: str) -> ConflictError:
    """Return the error of an invitation that can no longer be used."""
    return ConflictError(
        "This invitation was used, or has ended (ten minutes). "
        f"For another one, run on the hub: samobot host add {host}"
    )


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
