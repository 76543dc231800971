"""The fence: bubblewrap around the Claude CLI and all it starts, so that it reaches only what is its own.

Inside, the system is read-only, the home and `/tmp` are private and empty but for what `FenceRule`s let in, and
processes have a namespace of their own that ends with the CLI. Measured with bubblewrap 0.8 and Claude Code 2.1.197
and 2.1.332.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from enum import StrEnum
from pathlib import Path

from samobot.claude.inner_network import LISTEN, InnerNetwork
from samobot.claude.invocation import Invocation, with_settings
from samobot.errors import UsageError
from samobot.frozen import frozen


class Reachable(StrEnum):
    """How far the agent reaches at a path. At one path the later member wins: closed by default."""

    WRITE = "write"
    READ = "read"
    EMPTY = "empty"
    """An empty folder in memory, which the agent may fill: what is there is hidden, and what it writes is gone."""
    HIDDEN = "hidden"


@frozen
class FenceRule:
    """What the agent finds at a path.

    Attributes:
        path: Where it is inside the fence; absolute. A rule for a path below another's wins.
        access: How far it may go.
        source: What is there, as it is: if a link leads to it by now, there is no fence. The path itself if None, its
            links followed, which is for what no agent writes.
    """

    path: Path
    access: Reachable
    source: Path | None = None


def unfollowed(path: Path, access: Reachable) -> FenceRule:
    """A rule for what agents could put a link in the place of; a path without links."""
    return FenceRule(path, access, path)


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

_OF_KERNEL = ("acpi", "dynamic_debug", "fs", "mtrr", "scsi", "sys")
"""Below `/proc`: settings of the whole machine. They are root's to write without any capability, and bubblewrap leaves
them: it takes a folder for read-only if nothing can be created in it."""

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

    Raises:
        UsageError: There is a link where an agent could have made one.
    """
    by_env = env_resets and "=" not in invocation.argv[0]
    listen = () if network is None else (*_PYTHON, LISTEN, str(channel), network.places)
    argv = (
        bwrap,
        *BASE,
        *kernel_settings(),
        *(() if network is None else (NO_NETWORK,)),
        *_mounts(rules),
        "--chdir",
        str(invocation.cwd),
        "--",
        *listen,
        *(RESET_BY_ENV if by_env else (*_PYTHON, _RESET)),
        # The CLI's own sandbox, if the user has turned it on, can make no namespaces in here: every command would fail.
        *with_settings(invocation.argv, sandbox={"enabled": False}),
    )
    env = _environment(invocation.env)
    if network is None:
        return replace(invocation, argv=argv, env=env, fenced=True)
    env |= network.environment
    return replace(invocation, argv=argv, env=env, fenced=True, inherited=(channel,))


def kernel_settings() -> Iterator[str]:
    """The options of bubblewrap that make the machine's settings read-only for root."""
    if os.geteuid() == 0:
        for name in _OF_KERNEL:
            if os.path.exists(path := f"/proc/{name}"):
                yield from ("--ro-bind", path, path)


def _mounts(rules: Iterable[FenceRule]) -> Iterator[str]:
    """The options of bubblewrap, the outermost path first: a later mount covers an earlier one."""
    paths = RealPaths()
    base = {
        paths.real(path): FenceRule(Path(path), Reachable.EMPTY) for path in EMPTIED if os.path.isdir(path)
    }
    found = [_Mount(place, rule.access, place) for place, rule in base.items()]
    found += [_Mount(paths.place(rule.path), rule.access, _source(rule, paths)) for rule in rules]
    strictest: dict[str, _Mount] = {}
    order = list(Reachable)
    emptied = {id(mount) for mount in found[: len(base)]}
    for mount in (*found, *_hidden_elsewhere(found)):
        known = strictest.get(mount.place)
        # What is let in on purpose wins over the emptied base; among rules, the stricter one.
        if known is None or id(known) in emptied or order.index(mount.access) > order.index(known.access):
            strictest[mount.place] = mount
    for place in sorted(strictest, key=lambda path: (path.count(os.sep), path)):
        if not _is_needless(strictest[place], strictest):
            yield from _options(strictest[place])


class RealPaths:
    """Follows links, in each folder once: the rules share most of their folders."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {os.sep: os.sep}

    def real(self, path: str | Path) -> str:
        """Where an absolute path leads."""
        path = os.fspath(path)
        known = self._known.get(path)
        if known is None:
            above, name = os.path.split(path)
            is_plain = name not in ("", ".", "..") and not os.path.islink(path)
            known = os.path.join(self.real(above), name) if is_plain else os.path.realpath(path)
            self._known[path] = known
        return known

    def place(self, path: Path) -> str:
        """Where a path is, its last part not followed: what a link there leads to may be out of reach inside."""
        above, name = os.path.split(path)
        return os.path.join(self.real(above), name)


def _source(rule: FenceRule, paths: RealPaths) -> str:
    real = paths.real(rule.source or rule.path)
    if rule.source is not None and real != os.fspath(rule.source):
        raise UsageError(
            f"{rule.source} is a link, or in a folder that is one: an agent could have made it, and inside the fence it "
            "would open what it leads to. Replace it by what belongs there, or set SAMOBOT_FENCE=off."
        )
    return real


@frozen
class _Mount:
    """What is mounted at a place; both paths without links, but for the last part of the place."""

    place: str
    access: Reachable
    source: str


def _hidden_elsewhere(mounts: Iterable[_Mount]) -> Iterator[_Mount]:
    """What is hidden, at each other path by which a rule would show it: one that is a link, for example."""
    hidden = [mount.source for mount in mounts if mount.access is Reachable.HIDDEN]
    for mount in mounts:
        if mount.source != mount.place and mount.access in (Reachable.WRITE, Reachable.READ):
            for path in hidden:
                if _is_in(path, mount.source):
                    place = os.path.normpath(os.path.join(mount.place, os.path.relpath(path, mount.source)))
                    yield _Mount(place, Reachable.HIDDEN, path)


def _is_needless(mount: _Mount, mounts: Mapping[str, _Mount]) -> bool:
    """Whether the innermost mount around it shows the same, or nothing: bubblewrap takes half a millisecond for each."""
    above = os.path.dirname(mount.place)
    while above not in mounts and above != os.sep:
        above = os.path.dirname(above)
    around = mounts.get(above)
    if around is None:
        return False
    match mount.access:
        case Reachable.READ:
            is_real = around.access is Reachable.READ and around.source == around.place
            return is_real and mount.source == mount.place
        case Reachable.HIDDEN:
            return around.access is Reachable.EMPTY
        case _:
            return False


def _is_in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def _options(mount: _Mount) -> Iterator[str]:
    place, source = mount.place, mount.source
    match mount.access:
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


def _environment(env: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in env.items() if name not in _OUTSIDE} | {"TMPDIR": "/tmp"}  # noqa: S108  # private there
