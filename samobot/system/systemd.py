"""The bot, the hub or a host as a systemd user service: rendering, installing, enabling, and its state."""

from __future__ import annotations

import getpass
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from samobot.assets import service_template
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

_BACK_OFF_SINCE = 254
"""The version of systemd that knows RestartSteps; an older one warns about it at every load."""

_BACK_OFF = "RestartSteps=6\nRestartMaxDelaySec=300"
_SECONDS = 60.0
_MANAGER = Path("/run/systemd/system")


def render(template: str, command: Sequence[str], environ: Mapping[str, str], version: int) -> str:
    """Fill in the unit; pure.

    Args:
        template: The text of a unit of `deploy/`.
        command: The service's command line, its program by absolute path.
        environ: Source of the variables that the service needs as well.
        version: The version of systemd.

    Raises:
        UsageError: A path or variable contains what a unit file cannot hold.
    """
    variables = [f"{name}={environ[name]}" for name in KEPT_VARIABLES if environ.get(name)]
    for value in [*command, *variables]:
        if re.search(r"[\x00-\x1f\x7f]", value):
            raise UsageError(
                f"{value!r} cannot stand in a unit file: it holds a control character. Rename or unset it."
            )
    program, *arguments = command
    if re.search(r"[\"'\\]", program):
        raise UsageError(
            f"systemd starts no program with a quote or backslash in its path: {program}. Rename it."
        )
    # A dollar sign means a variable in arguments, but not in the program's own path or in Environment.
    words = [_quote(program), *(_quote(argument).replace("$", "$$") for argument in arguments)]
    filled = {
        "@EXEC_START@": " ".join(words),
        "@ENVIRONMENT@": "\n".join(f"Environment={_quote(variable)}" for variable in variables),
        "@BACK_OFF@": _BACK_OFF if version >= _BACK_OFF_SINCE else "",
    }
    lines = [
        line[: -len(marker)] + filled[marker] if (marker := _marker(line)) in filled else line
        for line in template.split("\n")
    ]
    return "\n".join(lines)


def _marker(line: str) -> str:
    """The `@NAME@` at the end of a line; empty without one."""
    found = re.search(r"@[A-Z_]+@$", line)
    return found[0] if found is not None else ""


def _quote(word: str) -> str:
    """Quote one word of a unit file."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return escaped if re.fullmatch(r"[A-Za-z0-9_@%+=:,./-]+", escaped) else f'"{escaped}"'


def definition_path(environ: Mapping[str, str], service: Service = Service.BOT) -> Path:
    """Path of a unit."""
    base = environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(base).expanduser() / "systemd" / "user" / service.unit


def render_here(environ: Mapping[str, str], service: Service = Service.BOT) -> str:
    """A unit for this machine and this installation.

    Raises:
        SamobotError: The installation is damaged, or a value cannot be written into a unit.
    """
    return render(service_template(service), service.command(), environ, systemd_version(environ))


def without_variables(definition: str) -> str:
    """A unit without the PATH it got: that differs from shell to shell."""
    return "\n".join(line for line in definition.splitlines() if not line.startswith("Environment="))


def systemd_version(environ: Mapping[str, str]) -> int:
    """The version of systemd; 0 without it."""
    done = _systemctl(environ, "--version")
    found = re.match(r"systemd (\d+)", done.out) if done is not None else None
    return int(found[1]) if found is not None else 0


def require_manager(
    environ: Mapping[str, str], *, service: Service = Service.BOT, root: Path = _MANAGER
) -> None:
    """Check that the user's service manager can be reached.

    Raises:
        UsageError: It cannot; with what to do instead.
    """
    instead = start_otherwise(service)
    if find_program("systemctl", environ) is None:
        raise UsageError(f"There is no systemd on this machine (no systemctl). {instead}")
    done = _systemctl(environ, "--user", "show", "--property=Version")
    if done is not None and done.succeeded:
        return
    if not root.is_dir():
        raise UsageError(f"This machine was not started by systemd (a container, perhaps). {instead}")
    said = " ".join(done.err.split())[:200] if done is not None else "no answer within a minute"
    raise UsageError(
        f"systemd's manager of your user cannot be reached ({said}). After su or sudo, log in as that user "
        f"properly instead (ssh, or machinectl shell). {instead}"
    )


def install(environ: Mapping[str, str], *, now: bool, service: Service = Service.BOT) -> InstalledService:
    """Write the unit, load it, enable it, and with `now` start or restart it.

    Can be repeated; the file is written only if it differs.

    Raises:
        UsageError: There is no systemd manager of the user.
        StorageError: The file cannot be written.
        SamobotError: systemd refused; with its message.
    """
    require_manager(environ, service=service)
    text = render_here(environ, service)
    path = definition_path(environ, service)
    changed = write_definition(path, text)
    _must(environ, "--user", "daemon-reload")
    _must(environ, "--user", "enable", "--quiet", service.unit)
    if now:
        _must(environ, "--user", "restart", service.unit)
    return InstalledService(path, changed, now, lingers(environ))


def lingers(environ: Mapping[str, str]) -> bool | None:
    """Whether the user's services run while the user is logged out; None if unknown."""
    done = _ask(environ, "loginctl", "show-user", str(os.getuid()), "--property=Linger", "--value")
    if done is None or not done.succeeded:
        return None
    return {"yes": True, "no": False}.get(done.out.strip())


def service_state(environ: Mapping[str, str], service: Service = Service.BOT) -> ServiceState:
    """Return the state of a service."""
    done = _systemctl(
        environ, "--user", "show", service.unit, "--property=LoadState", "--property=ActiveState"
    )
    if done is None or not done.succeeded:
        return ServiceState.NO_MANAGER
    values = dict(line.partition("=")[::2] for line in done.out.splitlines())
    if values.get("LoadState") == "not-found":
        return ServiceState.ABSENT
    match values.get("ActiveState"):
        case "active":
            return ServiceState.RUNNING
        case "activating" | "reloading":
            return ServiceState.STARTING
        case "failed":
            return ServiceState.FAILED
        case _:
            return ServiceState.STOPPED


def _must(environ: Mapping[str, str], *arguments: str) -> None:
    done = _systemctl(environ, *arguments)
    if done is None or not done.succeeded:
        said = " ".join(done.err.split())[:300] if done is not None else "no answer within a minute"
        unit = next((each for each in arguments if each.endswith(".service")), Service.BOT.unit)
        raise SamobotError(
            f"systemctl {' '.join(arguments)} did not work: {said} See: journalctl --user -u {unit.removesuffix('.service')} -n 50"
        )


def _systemctl(environ: Mapping[str, str], *arguments: str) -> CommandResult | None:
    return _ask(environ, "systemctl", *arguments)


def _ask(environ: Mapping[str, str], *argv: str) -> CommandResult | None:
    """Run a program of systemd; None if it is missing or does not end in time."""
    try:
        return run_command(argv, seconds=_SECONDS, environ=own_environment(environ))
    except OSError:
        return None


def hints(service: Service = Service.BOT) -> ServiceHints:
    """What a user runs by hand."""
    return ServiceHints(
        manager="systemd of your user",
        start=f"systemctl --user start {service}",
        look=f"systemctl --user status {service}",
        logs=f"journalctl --user -u {service} -n 50",
        outlive=f"Run once: sudo loginctl enable-linger {getpass.getuser()}",
        variables="~/.config/environment.d/claude.conf (mode 0600)",
    )
