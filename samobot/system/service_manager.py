"""Who runs services here: systemd, or launchd."""

from __future__ import annotations

from samobot.system import launchd, systemd
from samobot.system.platform.current import platform
from samobot.system.service import ServiceManager


def service_manager() -> ServiceManager:
    """Return the service manager of this system; whether it can be reached is its own `require_manager`'s to say."""
    return systemd if platform().has_systemd else launchd
