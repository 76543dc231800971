"""Workers under systemd: each in a transient scope of its own.

Restarting the bot's service ends its whole control group, which a new session (setsid) does not leave; a scope made by
`systemd-run --user --scope` does. It runs the program in the same process, so its id stays the one that was spawned.
All that a worker starts stays in its scope, also what outlives it.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence

import psutil

from samobot.session.search_path import find_program, own_environment
from samobot.system.commands import run_command
from samobot.system.platform.current import platform
from samobot.system.platform.interface import Platform
from samobot.system.processes import other_processes

_PREFIX = "samobot-worker-"

SERVICE_VARIABLES = frozenset(
    {"INVOCATION_ID", "JOURNAL_STREAM", "NOTIFY_SOCKET", "SYSTEMD_EXEC_PID", "WATCHDOG_PID", "WATCHDOG_USEC"}
)
"""Variables that systemd sets for a service; they do not apply to a worker."""

_PROBE_SECONDS = 5.0
_works: set[str] = (
    set()
)  # systemd-run programs that have made a scope; a failure may be temporary and is checked again


def scoped(
    argv: Sequence[str],
    session: str,
    environ: Mapping[str, str],
    probe: Callable[[str, Mapping[str, str]], bool] | None = None,
) -> list[str]:
    """The command line that starts a worker: in a scope if we run under systemd and can make one, else plain.

    Blocks for some 20 ms the first time, and for 5 s at most.

    Args:
        argv: The worker's own command line.
        session: The session's folder name; the scope is named after it.
        environ: Our environment.
        probe: Returns whether a `systemd-run` can make a scope here.
    """
    program = find_program("systemd-run", environ) if platform().has_systemd else None
    if "INVOCATION_ID" not in environ or program is None or not (probe or can_scope)(program, environ):
        return list(argv)
    return scope_argv(program, argv, session, secrets.token_hex(4))


def scope_argv(program: str, argv: Sequence[str], session: str, unique: str) -> list[str]:
    """The call of `systemd-run` that runs a command in a scope of its own.

    Args:
        program: Path of `systemd-run`.
        argv: The command.
        session: The session's folder name.
        unique: Keeps the scope's name apart from an earlier one of the session that is still going away.
    """
    name = _unit_name(session)
    return [
        program,
        "--user",
        "--scope",
        "--collect",
        "--quiet",
        f"--unit={_PREFIX}{name}-{unique}",
        f"--description=samobot worker of {name}",
        "--",
        *argv,
    ]


def own_scope(session: str, system: Platform | None = None) -> str | None:
    """Return the cgroup of the scope in which this process was started as a session's worker; None without one.

    Args:
        session: The session's folder name.
        system: The platform; by default that of this machine.
    """
    return next((path for path in (system or platform()).cgroups(None) if is_scope_of(path, session)), None)


def is_scope_of(cgroup: str, session: str) -> bool:
    """Whether a cgroup is the scope of a worker of this session, going by its name."""
    pattern = rf"/{re.escape(_PREFIX + _unit_name(session))}-[0-9a-f]{{8}}\.scope"
    return re.search(rf"{pattern}\Z", cgroup) is not None


def scope_members(scopes: Collection[str], system: Platform | None = None) -> list[psutil.Process]:
    """Living processes in these cgroups and below them, without this process and its ancestors."""
    if not scopes:
        return []
    system = system or platform()
    return [
        process
        for process in other_processes()
        if any(
            path == scope or path.startswith(f"{scope}/")
            for path in system.cgroups(process.pid)
            for scope in scopes
        )
    ]


def _unit_name(session: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]", "_", session)[:128]


def can_scope(program: str, environ: Mapping[str, str]) -> bool:
    """Try whether `systemd-run` can make a scope: it needs the user's own service manager."""
    if program in _works:
        return True
    try:
        answer = run_command(
            [program, "--user", "--scope", "--collect", "--quiet", "--", "true"],
            seconds=_PROBE_SECONDS,
            environ=own_environment(environ),
        )
    except OSError:
        return False
    if answer.succeeded:
        _works.add(program)
    return answer.succeeded
