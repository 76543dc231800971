"""`samobot` as a process of its own that need not import anything; see `fork_server`."""

from __future__ import annotations

import atexit
import contextlib
import functools
import json
import os
import select
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypedDict

_REPOSITORY = Path(__file__).resolve().parents[2]
_LANGUAGE = "C.UTF-8"

READY = b"ready"
END = b"end"


class Start(TypedDict):
    """What the server is asked for, beside the standard streams, a connection to itself and a pipe for reports."""

    argv: list[str]
    environment: dict[str, str]
    folder: str
    new_session: bool


def start_samobot(
    *arguments: str, folder: Path, environment: Mapping[str, str], forked: bool = True, **more: Any
) -> subprocess.Popen[str]:
    """Start `samobot`, by default with its output in pipes.

    Args:
        arguments: The command line behind the program's name.
        folder: Where it runs.
        environment: Its whole environment.
        forked: Whether a fork will do.
        more: Further arguments of `subprocess.Popen`.
    """
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    argv = [sys.executable, "-m", "samobot", *arguments]
    start = _popen if forked else subprocess.Popen
    return start(argv, cwd=folder, env=environment, text=True, **(streams | more))


def start_at_terminal(
    argv: list[str], *, folder: Path, environment: Mapping[str, str], terminal: int
) -> subprocess.Popen[Any]:
    """Start a program with a terminal as its streams, and as its own: Ctrl-C and a closed window are signals to it.

    Args:
        argv: Its command line.
        folder: Where it runs.
        environment: Its whole environment.
        terminal: The terminal.
    """
    streams = dict.fromkeys(("stdin", "stdout", "stderr"), terminal)
    more: dict[str, Any] = {"cwd": folder, "start_new_session": True, **streams}
    if argv[1:3] == ["-m", "samobot"] and _can_be_forked(argv, environment, more):
        return _ForkedProgram(argv, env=environment, **more)
    take = "import fcntl,os,sys,termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execvp(sys.argv[1], sys.argv[1:])"
    return subprocess.Popen([sys.executable, "-c", take, *argv], env=environment, **more)


def fork_workers(connection: socket.socket | None = None) -> None:
    """Let the workers that this process starts in the background be forks, too.

    Args:
        connection: To the server that this process is a fork of.
    """
    from samobot.fleet import launch

    if connection is not None:
        _inherited.append(connection)
    vars(launch)["subprocess"] = SimpleNamespace(Popen=_popen, DEVNULL=subprocess.DEVNULL)


_inherited: list[socket.socket] = []
_starting = threading.Lock()


def _popen(argv: list[str], *, env: Mapping[str, str], **more: Any) -> subprocess.Popen[Any]:
    kind = _ForkedProgram if _can_be_forked(argv, env, more) else subprocess.Popen
    return kind(argv, env=env, **more)


def _can_be_forked(argv: list[str], environment: Mapping[str, str], more: Mapping[str, object]) -> bool:
    """Whether a new interpreter would start with what the server's has."""
    special = {name for name in environment if name.startswith(("PYTHON", "LC_", "SAMOBOT_PORTABLE"))}
    return (
        sys.platform == "linux"
        and argv[0] == sys.executable
        and not special
        and environment.get("LANG") == _LANGUAGE
        and set(more) <= {"cwd", "stdin", "stdout", "stderr", "text", "start_new_session"}
        and _server() is not None
    )


def _server() -> socket.socket | None:
    """The connection to this process's server; None if the kernel lacks what it needs."""
    if _inherited:
        return _inherited[0]
    with _starting:
        server, connection = _started()
    if connection is not None and server.poll() is not None:
        raise AssertionError("A test has ended the server that other tests fork samobot from.")
    return connection


@functools.cache
def _started() -> tuple[subprocess.Popen[bytes], socket.socket | None]:
    """Start this process's server, which ends with it; returns it and the connection to it."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        server = subprocess.Popen(
            [sys.executable, "-m", "tests.support.fork_server"],
            cwd=_REPOSITORY,
            env={"PATH": os.environ["PATH"], "LANG": _LANGUAGE},
            stdin=theirs.fileno(),
            stdout=subprocess.DEVNULL,
        )
    atexit.register(_end, server, ours)
    return server, ours if ours.recv(len(READY)) == READY else None


def _end(server: subprocess.Popen[bytes], connection: socket.socket) -> None:
    with connection, contextlib.suppress(OSError):
        connection.send(END)  # what it has started holds the connection, too
    server.wait()


class _ForkedProgram(subprocess.Popen[Any]):
    """A process that the server has forked and waits for: in a pipe it reports the pid, and later the exit code."""

    def _execute_child(self, args: list[str], *rest: Any) -> None:
        folder, environment = rest[4:6]
        stdin, _, _, stdout, _, stderr = pipes = rest[9:15]
        start: Start = {
            "argv": args,
            "environment": dict(environment),
            "folder": str(folder or Path.cwd()),
            "new_session": rest[-2],
        }
        reports, report = os.pipe()
        self._reports = os.fdopen(reports)
        self._waiting = threading.Lock()
        try:
            server = _server()
            assert server is not None
            descriptors = [stdin, stdout, stderr, server.fileno(), report]
            socket.send_fds(server, [json.dumps(start).encode()], descriptors)
        finally:
            os.close(report)
            self._close_pipe_fds(*pipes)  # type: ignore[attr-defined]
        self.pid = int(self._reports.readline())
        self._child_created = True

    def _internal_poll(self, **_: object) -> int | None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._wait(0)
        return self.returncode

    def _wait(self, timeout: float | None) -> int:
        if not self._waiting.acquire(timeout=-1 if timeout is None else timeout):  # another thread waits
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        try:
            if self.returncode is None:
                if not select.select([self._reports], [], [], None if self._has_ended() else timeout)[0]:
                    raise subprocess.TimeoutExpired(self.args, timeout or 0)
                with self._reports:
                    self.returncode = int(self._reports.readline())
        finally:
            self._waiting.release()
        return self.returncode

    def _has_ended(self) -> bool:
        """Whether the report is on its way."""
        try:
            return Path(f"/proc/{self.pid}/stat").read_text().rpartition(") ")[2].startswith("Z")
        except (FileNotFoundError, ProcessLookupError):
            return True
