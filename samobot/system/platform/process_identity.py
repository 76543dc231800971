"""Identity of a process beyond its end: a process id alone passes to another process once its own has ended."""

from __future__ import annotations

from dataclasses import dataclass

PORTABLE_BOOT = "portable:"
"""How the boot ids of the portable platform begin. Its identities never equal those of another platform."""


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """One process of one boot of one machine. No wall-clock time: setting the clock or a suspend changes nothing.

    Attributes:
        pid: Its process id.
        start_ticks: When it started: clock ticks since boot on Linux, microseconds on the portable platform.
        boot_id: The boot it belongs to; the portable platform's may lack the boot.
    """

    pid: int
    start_ticks: int
    boot_id: str

    def may_be_of_boot(self, boot: str) -> bool:
        """Whether the process may belong to a boot: false only if that is certain.

        Args:
            boot: The boot's id.
        """
        ids = (self.boot_id, boot)
        comparable = len({each.startswith(PORTABLE_BOOT) for each in ids}) == 1
        if not comparable or not all(each.removeprefix(PORTABLE_BOOT) for each in ids):
            return True
        return self.boot_id == boot
