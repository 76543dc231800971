"""What can be a service of its user, whoever runs it: systemd, or launchd on macOS."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from samobot.frozen import frozen
from samobot.session.files import make_folder, read_text, write_atomic


class Service(StrEnum):
    """What can be a service, by its name."""

    BOT = "samobot"
    HUB = "samobot-hub"
    HOST = "samobot-host"

    @property
    def unit(self) -> str:
        """Name of its systemd unit."""
        return f"{self}.service"

    def command(self, python: str = sys.executable) -> list[str]:
        """Its command line. -P: a `samobot` folder in the working directory is not what is started."""
        arguments = {Service.BOT: ["bot"], Service.HUB: ["hub", "run"], Service.HOST: ["host"]}
        return [python, "-P", "-m", "samobot", *arguments[self]]

    @property
    def install_command(self) -> str:
        """The command that makes it a service."""
        option = {Service.BOT: "", Service.HUB: " --hub", Service.HOST: " --host"}
        return f"samobot install-service{option[self]}"


KEPT_VARIABLES = (
    "PATH",
    "SAMOBOT_ENV_FILE",
    "SAMOBOT_STATE_DIR",
    "XDG_CONFIG_HOME",
    "XDG_STATE_HOME",
    "CLAUDE_CONFIG_DIR",
    "SAMOBOT_NATS_SERVER",
)
"""Variables by which the service finds the same programs and files as the shell that installs it; no secrets."""


def start_otherwise(service: Service) -> str:
    """How to start a service without a service manager, as a sentence."""
    return (
        f"Start the {service.name.lower()} otherwise: `{' '.join(service.command()[3:])}` in tmux, from cron (@reboot), "
        "or as a container's command."
    )


@frozen
class InstalledService:
    """The result of installing.

    Attributes:
        path: The file that defines the service.
        changed: Whether it was written: it was missing or different.
        running: Whether it was started.
        lingers: Whether the service outlives the user's last logout; None if unknown.
    """

    path: Path
    changed: bool
    running: bool
    lingers: bool | None


class ServiceState(StrEnum):
    """State of the service."""

    NO_MANAGER = "no service manager"
    ABSENT = "not installed"
    RUNNING = "running"
    STARTING = "starting"
    FAILED = "failed"
    STOPPED = "stopped"


@frozen
class ServiceHints:
    """What a user runs by hand around one service.

    Attributes:
        manager: Who runs it.
        start: The command that starts it.
        look: The command that shows its state.
        logs: The command that shows what it printed last.
        outlive: How to keep it running after the last logout.
        variables: Where a variable of the environment for it is kept.
    """

    manager: str
    start: str
    look: str
    logs: str
    outlive: str
    variables: str


class ServiceManager(Protocol):
    """What runs services: a module with these functions."""

    def require_manager(self, environ: Mapping[str, str], *, service: Service = Service.BOT) -> None:
        """Check that the user's service manager can be reached.

        Raises:
            UsageError: It cannot; with what to do instead.
        """

    def render_here(self, environ: Mapping[str, str], service: Service = Service.BOT) -> str:
        """The file that defines a service, for this machine and this installation.

        Raises:
            SamobotError: The installation is damaged, or a value cannot be written into such a file.
        """

    def definition_path(self, environ: Mapping[str, str], service: Service = Service.BOT) -> Path:
        """Path of that file."""

    def without_variables(self, definition: str) -> str:
        """Such a file without the environment it gives: PATH differs from shell to shell."""

    def install(
        self, environ: Mapping[str, str], *, now: bool, service: Service = Service.BOT
    ) -> InstalledService:
        """Write the file and enable the service, and with `now` start or restart it. Can be repeated.

        Raises:
            UsageError: The service manager cannot be reached.
            StorageError: The file cannot be written.
            SamobotError: The service manager refused; with its message.
        """

    def service_state(self, environ: Mapping[str, str], service: Service = Service.BOT) -> ServiceState:
        """Return the state of a service."""

    def lingers(self, environ: Mapping[str, str]) -> bool | None:
        """Whether the user's services run while the user is logged out; None if unknown."""

    def hints(self, service: Service = Service.BOT) -> ServiceHints:
        """What a user runs by hand."""


def write_definition(path: Path, text: str) -> bool:
    """Write a service's definition where it differs; return whether it did.

    Raises:
        StorageError: The file cannot be written.
    """
    if read_text(path) == text:
        return False
    make_folder(path.parent)
    write_atomic(path, text, mode=0o644)
    return True
