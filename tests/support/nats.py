"""A real nats-server on loopback, for one test or for a module of them."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

from samobot.hosts.server_binary import server_binary
from tests.support.waiting import until

PLAIN = "jetstream { store_dir: %(folder)s/store, sync_interval: always }"
"""A server that asks for no key; `%(folder)s` is its folder."""


def free_port() -> int:
    """Return a port that is free now, and that the system gives nobody who asks for any: those are above 32768."""
    for _ in range(100):
        port = random.randrange(20000, 30000)
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", port)) == 0:
                continue
        with socket.socket() as tried, contextlib.suppress(OSError):
            tried.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no free port")


class NatsServer:
    """One nats-server in a folder of its own; it keeps its port and its store over restarts.

    Args:
        folder: Existing folder for its files.
        config: Its configuration but for `listen`, with `%(folder)s` for the folder.
    """

    def __init__(self, folder: Path, config: str = PLAIN) -> None:
        self.folder = folder
        self.config = config
        self.port = -1  # the server picks a free one at its first start
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its address for a client without TLS."""
        return f"nats://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """Everything it has logged so far."""
        return (self.folder / "server.log").read_text(encoding="utf-8")

    def write_config(self) -> Path:
        """Write its configuration file and return it."""
        file = self.folder / "server.conf"
        listen = f"listen: 127.0.0.1:{self.port}\n"
        file.write_text(listen + self.config % {"folder": self.folder}, encoding="utf-8")
        return file

    def start(self) -> None:
        """Start it; returns once clients can connect."""
        assert self.process is None, "it runs already"
        file = self.write_config()
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [server_binary(os.environ), "--config", file, "--ports_file_dir", self.folder],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        ports = self.folder / f"nats-server_{self.process.pid}.ports"
        self.port = until(lambda: self._listening(ports))

    def _listening(self, ports: Path) -> int:
        """The port it listens on; 0 until it does."""
        assert self.process is not None
        assert self.process.poll() is None, f"it ended: {self.log}"
        # Written once all listeners are open, but not in one step.
        with contextlib.suppress(FileNotFoundError, ValueError):
            return int(json.loads(ports.read_text(encoding="utf-8"))["nats"][0].rpartition(":")[2])
        return 0

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self.process is not None
        self.process.send_signal(number)

    def reload(self) -> None:
        """Write `config` and make the server take it over; returns once it has."""
        self.write_config()
        before = self.log.count("Reloaded server configuration")
        self.send(signal.SIGHUP)
        until(lambda: self.log.count("Reloaded server configuration") > before)

    def kill(self) -> None:
        """End it with SIGKILL."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it in order."""
        self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)  # a test may have stopped it with SIGSTOP
            self.process.send_signal(number)
            self.process.wait()
            self.process = None


@contextlib.contextmanager
def nats_server(folder: Path, config: str = PLAIN) -> Iterator[NatsServer]:
    """A running server, ended at the end.

    Raises:
        UsageError: This platform has no nats-server: the package has no build for it, and none is named.
    """
    server = NatsServer(folder, config)
    server.start()
    try:
        yield server
    finally:
        server.kill()
