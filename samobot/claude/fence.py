"""The fence: bubblewrap around the Claude CLI and all it starts, so that it reaches only what is its own.

Inside, the system is read-only, the home and `/tmp` are private and empty but for what `FenceRule`s let in, and
processes have a namespace of their own that ends with the CLI. Measured with bubblewrap 0.8 and Claude Code 2.1.197
and 2.1.332.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from samobot.claude.inner_network import LISTEN, InnerNetwork
from samobot.claude.invocation import Invocation


class Reachable(StrEnum):
    """How far the agent reaches at a path. At one path the later member wins: closed by default."""

    WRITE = "write"
    READ = "read"
    EMPTY = "empty"
    """An empty folder in memory, which the agent may fill: what is there is hidden, and what it writes is gone."""
    HIDDEN = "hidden"


@dataclass(frozen=True, slots=True)
class FenceRule:
    """What the agent finds at a path.

    Attributes:
        path: Where it is inside the fence; absolute. A rule for a path below another's wins.
        access: How far it may go.
        source: What is there; the path itself if None.
    """

    path: Path
    access: Reachable
    source: Path | None = None


BASE = (
    "--ro-bind", "/", "/",
    "--dev", "/dev",
    "--proc", "/proc",
    "--unshare-pid",
    "--unshare-ipc",
    "--unshare-uts",
    "--unshare-cgroup-try",
    "--die-with-parent",
    "--cap-drop", "ALL",
)  # fmt: skip
"""Options of bubblewrap without which there is no fence."""

EMPTIED = ("/tmp", "/run", "/var/tmp", "/home", "/root")  # noqa: S108
"""Where sockets of other programs are (the Docker daemon, ssh-agent, D-Bus, X), and the homes."""

# Names of sockets and displays that are out of reach inside; a program that finds the name would wait for it.
_OUTSIDE = (
    "DBUS_SESSION_BUS_ADDRESS",
    "DISPLAY",
    "DOCKER_HOST",
    "GPG_AGENT_INFO",
    "SSH_AGENT_PID",
    "SSH_AUTH_SOCK",
    "WAYLAND_DISPLAY",
    "XAUTHORITY",
    "XDG_RUNTIME_DIR",
)

# The program outside ignores the signals that stop the CLI, so that bubblewrap lives until the CLI has written its
# result; inside they are set back: by env of GNU coreutils 8.31 or newer, which starts in a tenth of Python's time.
RESET_BY_ENV = ("env", "--default-signal=HUP,INT,QUIT,TERM")
"""Sets signals back and starts the program after it, which may not have `=` in its path."""

_RESET = """
import os, signal, sys
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
    signal.signal(number, signal.SIG_DFL)
try:
    os.execvp(sys.argv[1], sys.argv[1:])
except OSError as error:
    sys.exit(f"{sys.argv[1]}: {error.strerror}")
"""
_PYTHON = (sys.executable, "-I", "-S", "-c")


NO_NETWORK = "--unshare-net"
"""Option of bubblewrap that leaves only a loopback device, and no abstract sockets of the machine."""


def fence(
    invocation: Invocation,
    rules: Iterable[FenceRule],
    bwrap: str,
    *,
    env_resets: bool = False,
    network: InnerNetwork | None = None,
    channel: int = -1,
) -> Invocation:
    """Put a call of the CLI inside the fence.

    Args:
        invocation: The call as it would be without.
        rules: What it reaches besides the read-only system.
        bwrap: Path of bubblewrap.
        env_resets: Whether `RESET_BY_ENV` works here.
        network: The network inside; that of the machine if None.
        channel: The network's descriptor.
    """
    by_env = env_resets and "=" not in invocation.argv[0]
    listen = () if network is None else (*_PYTHON, LISTEN, str(channel), network.places)
    argv = (
        bwrap,
        *BASE,
        *(() if network is None else (NO_NETWORK,)),
        *_mounts(rules),
        "--chdir",
        str(invocation.cwd),
        "--",
        *listen,
        *(RESET_BY_ENV if by_env else (*_PYTHON, _RESET)),
        *invocation.argv,
    )
    env = _environment(invocation.env)
    if network is None:
        return replace(invocation, argv=argv, env=env, fenced=True)
    env |= network.environment
    return replace(invocation, argv=argv, env=env, fenced=True, inherited=(channel,))


def _mounts(rules: Iterable[FenceRule]) -> Iterator[str]:
    """The options of bubblewrap, the outermost path first: a later mount covers an earlier one."""
    base = [
        FenceRule(Path(os.path.realpath(path)), Reachable.EMPTY) for path in EMPTIED if os.path.isdir(path)
    ]
    strictest: dict[Path, FenceRule] = {}
    order = list(Reachable)
    for rule in (*base, *rules):
        place = _place(rule.path)
        known = strictest.get(place)
        # What is let in on purpose wins over the emptied base; among rules, the stricter one.
        if known is None or known in base or order.index(rule.access) > order.index(known.access):
            strictest[place] = FenceRule(place, rule.access, rule.source or rule.path)
    for place in sorted(strictest, key=lambda path: (len(path.parts), path)):
        yield from _options(strictest[place])


def _options(rule: FenceRule) -> Iterator[str]:
    place, source = str(rule.path), os.path.realpath(rule.source or rule.path)
    match rule.access:
        case Reachable.WRITE if os.path.exists(source):
            yield from ("--bind", source, place)
        case Reachable.READ if os.path.exists(source):
            yield from ("--ro-bind", source, place)
        case Reachable.EMPTY:
            yield from ("--tmpfs", place)
        case Reachable.HIDDEN if os.path.isdir(source):
            yield from ("--tmpfs", place)
        case Reachable.HIDDEN if os.path.exists(source):
            yield from ("--ro-bind", os.devnull, place)
        case _:
            pass  # nothing is there


def _place(path: Path) -> Path:
    """Where a path is, its last part not followed: what a link there leads to may be out of reach inside."""
    return Path(os.path.realpath(path.parent)) / path.name


def _environment(env: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in env.items() if name not in _OUTSIDE} | {"TMPDIR": "/tmp"}  # noqa: S108  # private there
