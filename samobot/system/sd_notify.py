"""Notifying systemd that the bot is ready, alive, or stopping (`sd_notify(3)`)."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Mapping

log = logging.getLogger(__name__)

READY = "READY=1"
STOPPING = "STOPPING=1"
ALIVE = "WATCHDOG=1"


class ServiceNotifier:
    """Sends states to the service manager; does nothing without one (`systemd.service(5)`).

    Args:
        environ: The process's environment: `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID`.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._address = environ.get("NOTIFY_SOCKET", "")
        self._watchdog = _watchdog(environ)

    @property
    def watchdog(self) -> float | None:
        """Seconds between two watchdog notifications; None if none are expected."""
        return self._watchdog

    def notify(self, state: str) -> None:
        """Send a state such as `READY=1`; failures are only logged."""
        if not self._address.startswith(("/", "@")):
            return
        # A name that begins with @ is in the abstract namespace, which is spelled with a zero byte.
        address = f"\0{self._address[1:]}" if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
                line.sendto(state.encode(), address)
        except OSError as error:
            log.debug("the service manager did not receive %s: %s", state, error)


def _watchdog(environ: Mapping[str, str]) -> float | None:
    """Half of the watchdog's timeout, as `sd_watchdog_enabled(3)` recommends."""
    usec, pid = environ.get("WATCHDOG_USEC", ""), environ.get("WATCHDOG_PID", "")
    if not usec.isdecimal() or int(usec) == 0 or (pid and pid != str(os.getpid())):
        return None
    return int(usec) / 2_000_000
