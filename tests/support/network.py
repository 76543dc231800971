"""Machines in network namespaces: one switch, and a cable to each machine that can be pulled or made to swallow all.

Needs no right but that of making user namespaces, and of Linux `iproute2` and `util-linux`.
"""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator, Sequence

ADDRESS = "10.77.0.{}"


class NoNamespacesError(Exception):
    """Namespaces cannot be made here; the text is why."""


class _Namespace:
    """A network namespace, kept by a process that ends when its input does: also if the test is killed."""

    def __init__(self, enter: Sequence[str]) -> None:
        try:
            self._keeper = subprocess.Popen(
                [*enter, "sh", "-c", "echo made && exec cat"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        except FileNotFoundError as error:
            raise NoNamespacesError(f"{error.filename} is missing") from None
        assert self._keeper.stdout is not None
        line = self._keeper.stdout.readline().strip()
        if line != "made":
            self.close()
            raise NoNamespacesError(line or "unshare ended")
        self.pid = self._keeper.pid
        self.prefix = (
            *("nsenter", "--preserve-credentials", f"--target={self.pid}"),
            *("--user", "--net", "--"),
        )

    def run(self, *command: str) -> None:
        try:
            done = subprocess.run(
                [*self.prefix, *command], capture_output=True, text=True, check=False, timeout=60
            )
        except FileNotFoundError as error:
            raise NoNamespacesError(f"{error.filename} is missing") from None
        if done.returncode != 0:
            raise NoNamespacesError(f"{' '.join(command)}: {done.stderr.strip()}")

    def close(self) -> None:
        assert self._keeper.stdin is not None
        assert self._keeper.stdout is not None
        self._keeper.stdin.close()
        self._keeper.wait()
        self._keeper.stdout.close()


class Cable:
    """A machine's cable.

    Attributes:
        address: The machine's IP address.
        prefix: What to put before a command to run it on the machine.
    """

    def __init__(self, switch: _Namespace, machine: _Namespace, name: str, address: str) -> None:
        self._switch = switch
        self._name = name
        self.address = address
        self.prefix = machine.prefix
        switch.run(
            "ip",
            "link",
            "add",
            "name",
            name,
            "type",
            "veth",
            "peer",
            "name",
            "eth0",
            "netns",
            str(machine.pid),
        )
        switch.run("ip", "link", "set", "dev", name, "master", "switch", "up")
        machine.run("ip", "address", "add", f"{address}/24", "dev", "eth0")
        machine.run("ip", "link", "set", "eth0", "up")
        machine.run("ip", "link", "set", "lo", "up")

    def pull(self) -> None:
        """Take it out: both ends see that."""
        self._switch.run("ip", "link", "set", "dev", self._name, "down")

    def plug(self) -> None:
        """Put it in again."""
        self._switch.run("ip", "link", "set", "dev", self._name, "up")

    def swallow(self) -> None:
        """Let everything vanish, in both directions, with neither end being informed."""
        self._switch.run("bridge", "link", "set", "dev", self._name, "state", "0")

    def carry(self) -> None:
        """Let everything through again."""
        self._switch.run("bridge", "link", "set", "dev", self._name, "state", "3")


class Network:
    """A switch and its machines."""

    def __init__(self, stack: contextlib.ExitStack) -> None:
        self._stack = stack
        self._machines = 0
        self._switch = self._made("unshare", "--user", "--map-root-user", "--net")
        self._switch.run("ip", "link", "add", "name", "switch", "type", "bridge")
        self._switch.run("ip", "link", "set", "switch", "up")

    def _made(self, *enter: str) -> _Namespace:
        namespace = _Namespace(enter)
        self._stack.callback(namespace.close)
        return namespace

    def join(self, name: str) -> Cable:
        """Add a machine; its name has up to 15 characters."""
        self._machines += 1
        machine = self._made(*self._switch.prefix, "unshare", "--net")
        return Cable(self._switch, machine, name, ADDRESS.format(self._machines))


@contextlib.contextmanager
def network() -> Iterator[Network]:
    """A network of its own; it vanishes at the end.

    Raises:
        NoNamespacesError: It cannot be made here.
    """
    with contextlib.ExitStack() as stack:
        yield Network(stack)
