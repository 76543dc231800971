"""What the machines of one hub share: what the others have spent today, and which one probes a usage limit.

`hosts/shared.json` in the state folder, written by `samobot host` and by the hub's bot, read by every worker before an
iteration. When it was last written or touched is when the hub was last reached.
"""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from samobot.session.files import make_folder, read_bytes, write_atomic

FILE_NAME = "shared.json"

ALONE_SECONDS = 60.0
"""A machine that has not reached its hub for this long is cut off."""

_FOLDER, _HUB, _HOST = "hosts", "hub.json", "host.json"
"""The links of `samobot.hosts.link`: a machine that has neither shares nothing."""


class MachineShare(BaseModel):
    """What holds for all machines.

    Attributes:
        day: The local day that the money is of, ISO.
        cap_usd: What the sessions of all machines together may cost on it, without what was allowed on top; None is no
            limit.
        spent_usd: What they have cost on the other machines, by their names.
        allowed_usd: What was allowed on top there.
        limit: Number of the account's usage limit that was taken over last; 0 if there was none.
        is_limited: Whether it is in force.
        may_probe: Whether this machine is the one that tries whether it has reset.
    """

    model_config = ConfigDict(defer_build=True, frozen=True, extra="ignore")

    day: str = ""
    cap_usd: float | None = None
    spent_usd: dict[str, float] = {}
    allowed_usd: float = 0.0
    limit: int = 0
    is_limited: bool = False
    may_probe: bool = True


class ShareFile:
    """The file of what is shared.

    Args:
        state_dir: samobot's state folder.
    """

    def __init__(self, state_dir: Path) -> None:
        self._folder = state_dir / _FOLDER
        self._path = self._folder / FILE_NAME

    def read(self) -> MachineShare | None:
        """Return what is shared; None for a machine without a hub, and if the file is damaged.

        Raises:
            StorageError: The file is there and cannot be read.
        """
        if not (self._is_host or (self._folder / _HUB).exists()):
            return None
        content = read_bytes(self._path)
        try:
            return MachineShare.model_validate_json(content) if content is not None else None
        except ValidationError:
            return None

    def write(self, share: MachineShare) -> None:
        """Replace what is shared.

        Raises:
            StorageError: The disk refused.
        """
        make_folder(self._folder, 0o700)
        write_atomic(self._path, share.model_dump_json(), mode=0o600)

    def confirm(self, now: datetime) -> None:
        """Note that the hub was reached now, and what is shared holds."""
        if self._path.exists():
            os.utime(self._path, (now.timestamp(), now.timestamp()))

    def is_alone(self, now: datetime) -> bool:
        """Whether this machine is a host that is cut off from its hub."""
        if not self._is_host:
            return False
        try:
            reached = self._path.stat().st_mtime
        except OSError:
            return True
        return abs(now.timestamp() - reached) > ALONE_SECONDS

    @property
    def _is_host(self) -> bool:
        return (self._folder / _HOST).exists()
