"""Workers under systemd: each in a transient scope of its own, so that restarting the bot's service spares them.

A service is stopped with its whole control group, and a new session (setsid) does not leave that group; a scope
made by `systemd-run --user --scope` does. It runs the program in the same process, so its id stays the one that
was spawned.
"""

from __future__ import annotations

import re
import secrets
import shutil
from collections.abc import Callable, Mapping, Sequence

from samobot.system.commands import ask

SERVICE_VARIABLES = frozenset(
    {"INVOCATION_ID", "JOURNAL_STREAM", "NOTIFY_SOCKET", "SYSTEMD_EXEC_PID", "WATCHDOG_PID", "WATCHDOG_USEC"}
)
"""What systemd tells a service about itself; it means nothing to a worker, which is none."""

_PROBE_SECONDS = 5.0
_works: set[str] = set()  # systemd-run programs that have made a scope; a failure may pass and is asked again


def scoped(
    argv: Sequence[str],
    session: str,
    environ: Mapping[str, str],
    probe: Callable[[str, Mapping[str, str]], bool] | None = None,
) -> list[str]:
    """The command line that starts a worker: in a scope where we run under systemd and can make one, else plain.

    Blocks for some 20 ms the first time, and for 5 s at most.

    Args:
        argv: The worker's own command line.
        session: The session's folder name; the scope is named after it.
        environ: Our environment.
        probe: Says whether a `systemd-run` can make a scope here.
    """
    program = shutil.which("systemd-run", path=environ.get("PATH"))
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
    name = re.sub(r"[^A-Za-z0-9_.-]", "_", session)[:128]
    return [
        program,
        "--user",
        "--scope",
        "--collect",
        "--quiet",
        f"--unit=samobot-worker-{name}-{unique}",
        f"--description=samobot worker of {name}",
        "--",
        *argv,
    ]


def can_scope(program: str, environ: Mapping[str, str]) -> bool:
    """Try whether `systemd-run` can make a scope: it needs the user's own service manager."""
    if program in _works:
        return True
    try:
        answer = ask(
            [program, "--user", "--scope", "--collect", "--quiet", "--", "true"],
            seconds=_PROBE_SECONDS,
            environ=environ,
        )
    except OSError:
        return False
    if answer.well:
        _works.add(program)
    return answer.well
