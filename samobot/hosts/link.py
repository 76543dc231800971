"""How this machine reaches the NATS server: `hosts/hub.json` on the hub, `hosts/host.json` on a host.

Enrolment writes the files; they hold paths and addresses, and no key.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from samobot.errors import UsageError
from samobot.hosts import subjects
from samobot.session.files import make_folder, read_bytes, write_atomic

FOLDER = "hosts"
"""Folder inside the state folder, mode 0700."""


class Link(BaseModel):
    """One end's way to the server.

    Attributes:
        user: The host's name, or `subjects.HUB`.
        servers: Addresses such as `tls://hub.example.org:4222`.
        ca: File with the authority that signed the server's certificate; None without TLS.
        seed: File with the user's NKey seed; None if the server asks for none.
    """

    model_config = ConfigDict(defer_build=True, frozen=True)

    user: str
    servers: tuple[str, ...]
    ca: Path | None = None
    seed: Path | None = None


def make_private(folder: Path) -> None:
    """Make a folder of the state folder, and that one, for this user alone.

    Raises:
        StorageError: It cannot be made.
    """
    for each in (folder.parent, folder):
        make_folder(each, 0o700, remedy="Set SAMOBOT_STATE_DIR to a folder of your own.")


def hub_link_file(state_dir: Path) -> Path:
    """Return the file of the hub's link; the bot reaches hosts if it is there."""
    return state_dir / FOLDER / "hub.json"


def host_link_file(state_dir: Path) -> Path:
    """Return the file of this host's link."""
    return state_dir / FOLDER / "host.json"


def read_link(file: Path) -> Link | None:
    """Read a link; None if there is no such file.

    Raises:
        UsageError: It is not a link, or names a user that cannot be.
    """
    content = read_bytes(file)
    if content is None:
        return None
    try:
        link = Link.model_validate_json(content)
    except ValidationError as error:
        raise UsageError(f"{file} is not a link to a hub: {error.errors()[0]['msg']}.") from None
    if link.user != subjects.HUB and not subjects.is_host_name(link.user):
        raise UsageError(f"{file}: “{link.user}” cannot be a host's name.")
    return link


def write_link(file: Path, link: Link) -> None:
    """Write a link.

    Raises:
        StorageError: The disk refused.
    """
    make_private(file.parent)
    write_atomic(file, link.model_dump_json(indent=2).encode(), mode=0o600)
