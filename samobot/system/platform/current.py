"""The platform in use: Linux's, or the portable one elsewhere and where `SAMOBOT_PORTABLE` is set."""

from __future__ import annotations

import os
import sys

from samobot.system.platform.interface import Platform
from samobot.system.platform.linux import LinuxPlatform
from samobot.system.platform.portable import PortablePlatform
from samobot.system.platform.process_identity import ProcessIdentity

PORTABLE_VARIABLE = "SAMOBOT_PORTABLE"
"""Variable of the environment that forces the portable platform; `0` and nothing do not."""

_LINUX = LinuxPlatform()
_PORTABLE = PortablePlatform()


def platform() -> Platform:
    """Return the platform of this process; asked again each time, and cheap."""
    if sys.platform != "linux" or os.environ.get(PORTABLE_VARIABLE, "0") not in ("", "0"):
        return _PORTABLE
    return _LINUX


def identify(pid: int) -> ProcessIdentity | None:
    """Return the identity of the process that has this id now, a zombie included; None if there is none."""
    return platform().identify(pid)


def own_identity() -> ProcessIdentity | None:
    """The identity of this process; None if the system does not show it."""
    return platform().identify(os.getpid())


def boot_id() -> str:
    """The id of this boot of the machine."""
    return platform().boot_id()
