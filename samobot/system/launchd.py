"""The bot, the hub or a host as a launchd agent of its user on macOS (launchd.plist(5), launchctl(1)).

Rendered and tested as text, and against a scripted launchctl: on macOS itself it has not been tried. An agent runs while
its user is logged in. launchd starts what failed again whatever its exit code, hence the interval.
"""

from __future__ import annotations

import os
import plistlib
import re
import time
from collections.abc import Mapping
from pathlib import Path

from samobot.errors import SamobotError, UsageError
from samobot.session.search_path import find_program, own_environment
from samobot.system.commands import CommandResult, run_command
from samobot.system.service import (
    KEPT_VARIABLES,
    InstalledService,
    Service,
    ServiceHints,
    ServiceState,
    start_otherwise,
    write_definition,
)

_SECONDS = 60.0
_RESTART_SECONDS = 30
_END_SECONDS = 45
_HUB_FILES = 16_384
"""Files that the hub may have open: a connection is one, and so is each block of a stream."""

_AGAIN_SECONDS = 10.0
_PAUSE_SECONDS = 0.2
"""For how long loading is tried again, and how often: an agent that is unloaded takes a while to be gone."""


def require_manager(environ: Mapping[str, str], *, service: Service = Service.BOT) -> None:
    """Check that launchctl is there.

    Raises:
        UsageError: It is not; with what to do instead.
    """
    if find_program("launchctl", environ) is None:
        raise UsageError(f"There is no launchd on this machine (no launchctl). {start_otherwise(service)}")


def render_here(environ: Mapping[str, str], service: Service = Service.BOT) -> str:
    """The property list of an agent for this machine and this installation.

    Raises:
        UsageError: A path or variable contains what a property list cannot hold.
    """
    home = Path("~").expanduser()
    log = str(home / "Library" / "Logs" / f"{service}.log")
    values: dict[str, object] = {
        "Label": str(service),
        "ProgramArguments": service.command(),
        "WorkingDirectory": str(home),
        "EnvironmentVariables": {name: environ[name] for name in KEPT_VARIABLES if environ.get(name)},
        "RunAtLoad": True,
        "KeepAlive": {"SuccessfulExit": False},
        "ThrottleInterval": _RESTART_SECONDS,
        "ExitTimeOut": _END_SECONDS,
        # Workers outlive the bot.
        "AbandonProcessGroup": True,
        "Umask": 0o077,
        "HardResourceLimits": {"Core": 0},
        "StandardOutPath": log,
        "StandardErrorPath": log,
    }
    if service is Service.HUB:
        values["SoftResourceLimits"] = {"NumberOfFiles": _HUB_FILES}
    try:
        return plistlib.dumps(values, sort_keys=False).decode("utf-8")
    except (ValueError, UnicodeEncodeError) as error:
        raise UsageError(
            f"A path or variable cannot stand in a property list: {error}. Rename or unset it."
        ) from None


def definition_path(environ: Mapping[str, str], service: Service = Service.BOT) -> Path:
    """Path of a property list."""
    return Path("~/Library/LaunchAgents").expanduser() / f"{service}.plist"


def without_variables(definition: str) -> str:
    """A property list without the environment it gives: PATH differs from shell to shell."""
    try:
        values = plistlib.loads(definition.encode())
    except (ValueError, plistlib.InvalidFileException):
        return definition
    return repr({name: value for name, value in values.items() if name != "EnvironmentVariables"})


def install(environ: Mapping[str, str], *, now: bool, service: Service = Service.BOT) -> InstalledService:
    """Write the property list, with which the agent starts at each login, and with `now` load it again.

    Raises:
        UsageError: There is no launchd.
        StorageError: The file cannot be written.
        SamobotError: launchd refused; with its message.
    """
    require_manager(environ, service=service)
    text = render_here(environ, service)
    path = definition_path(environ, service)
    changed = write_definition(path, text)
    _must(_launchctl(environ, "enable", _target(service)))
    if now:
        _launchctl(environ, "bootout", _target(service))  # fails if it was not loaded
        _load(environ, path)
    return InstalledService(path, changed, now, lingers(environ))


def _load(environ: Mapping[str, str], path: Path) -> None:
    deadline = time.monotonic() + _AGAIN_SECONDS
    while not (done := _launchctl(environ, "bootstrap", _domain(), str(path))).succeeded:
        if time.monotonic() >= deadline:
            _must(done)
        time.sleep(_PAUSE_SECONDS)


def service_state(environ: Mapping[str, str], service: Service = Service.BOT) -> ServiceState:
    """Return the state of an agent; by the text of `launchctl print`, which is made for people."""
    if find_program("launchctl", environ) is None:
        return ServiceState.NO_MANAGER
    done = _launchctl(environ, "print", _target(service))
    if not done.succeeded:
        return ServiceState.STOPPED if definition_path(environ, service).exists() else ServiceState.ABSENT
    match _printed(done.out, "state"):
        case "running":
            return ServiceState.RUNNING
        case "spawn scheduled" | "spawning":
            return ServiceState.STARTING
        case _:
            failed = _printed(done.out, "last exit code")[:1] in {*"123456789"}
            return ServiceState.FAILED if failed else ServiceState.STOPPED


def lingers(environ: Mapping[str, str]) -> bool:
    """An agent never runs while its user is logged out."""
    return False


def hints(service: Service = Service.BOT) -> ServiceHints:
    """What a user runs by hand."""
    return ServiceHints(
        manager="launchd",
        start=f"launchctl kickstart {_target(service)}",
        look=f"launchctl print {_target(service)}",
        logs=f"tail -n 50 ~/Library/Logs/{service}.log",
        outlive="Stay logged in (a locked screen is fine), and keep the machine awake.",
        variables=f"{definition_path({}, service)}, under EnvironmentVariables (installing again removes it)",
    )


def _printed(text: str, name: str) -> str:
    """The value of a line `name = value`; empty without one."""
    found = re.search(rf"^\s*{name} = (.*)$", text, re.MULTILINE)
    return found[1].strip() if found is not None else ""


def _domain() -> str:
    return f"gui/{os.getuid()}"


def _target(service: Service) -> str:
    return f"{_domain()}/{service}"


def _must(done: CommandResult) -> None:
    if not done.succeeded:
        raise SamobotError(f"launchctl did not work: {' '.join(done.err.split())[:300] or 'no reason given'}")


def _launchctl(environ: Mapping[str, str], *arguments: str) -> CommandResult:
    try:
        return run_command(["launchctl", *arguments], seconds=_SECONDS, environ=own_environment(environ))
    except OSError as error:
        raise SamobotError(f"launchctl cannot be started: {error}") from None
