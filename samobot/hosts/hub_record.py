"""What the hub knows of its server and hosts."""

from __future__ import annotations

from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from samobot.session.files import read_bytes

FOLDER, FILE_NAME = "hub", "hub.json"
"""Where it is in the state folder."""


class AdmittedHost(BaseModel):
    """A host that may connect.

    Attributes:
        name: Its name.
        key: Its public key.
        since: When it joined.
    """

    model_config = ConfigDict(defer_build=True, frozen=True)

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

    model_config = ConfigDict(defer_build=True, frozen=True)

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

    model_config = ConfigDict(defer_build=True, frozen=True)

    addresses: tuple[str, ...]
    listen: str
    port: int
    hub_key: str
    revision: int = 1
    hosts: tuple[AdmittedHost, ...] = ()
    invitations: tuple[OpenInvitation, ...] = ()


def admitted_hosts(state_dir: Path) -> frozenset[str] | None:
    """Return the names of the hosts that may connect; None if the record is missing or damaged.

    Raises:
        StorageError: It is there and cannot be read.
    """
    content = read_bytes(state_dir / FOLDER / FILE_NAME)
    try:
        record = HubRecord.model_validate_json(content) if content is not None else None
    except ValidationError:
        return None
    return frozenset(each.name for each in record.hosts) if record is not None else None
