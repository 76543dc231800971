"""What the hub knows of its server and hosts."""

from __future__ import annotations

from pydantic import AwareDatetime, BaseModel, ConfigDict


class AdmittedHost(BaseModel):
    """A host that may connect.

    Attributes:
        name: Its name.
        key: Its public key.
        since: When it joined.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    key: str
    since: AwareDatetime


class OpenInvitation(BaseModel):
    """An invitation that was not used yet. Of its token only the public key is kept.

    Attributes:
        host: The name of the host to be.
        key: Public key of the token.
        until: When it ends.
    """

    model_config = ConfigDict(frozen=True)

    host: str
    key: str
    until: AwareDatetime


class HubRecord(BaseModel):
    """What the hub knows of its server and hosts: `hub.json` in its folder.

    Attributes:
        addresses: Names or IP addresses by which hosts reach the server.
        listen: Address on which it listens.
        port: Its port.
        hub_key: Public key of the hub's own user.
        revision: Counts the changes.
        hosts: The hosts.
        invitations: The open invitations.
    """

    model_config = ConfigDict(frozen=True)

    addresses: tuple[str, ...]
    listen: str
    port: int
    hub_key: str
    revision: int = 1
    hosts: tuple[AdmittedHost, ...] = ()
    invitations: tuple[OpenInvitation, ...] = ()
