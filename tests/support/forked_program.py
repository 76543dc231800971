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
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.support.fork_server import READY, Start

_REPOSITORY = Path(__file__).resolve().parents[2]
_LANGUAGE = "C.UTF-8"


def start_samobot(
    *arguments: str, folder: Path, environment: Mapping[str, str], **more: Any
) -> subprocess.Popen[str]:
    """Start `samobot` with its output in pipes.

    Args:
        arguments: The command line behind the program's name.
        folder: Where it runs.
        environment: Its whole environment.
        more: Further arguments of `subprocess.Popen`.
    """
    argv = [sys.executable, "-m", "samobot", *arguments]
    kind = _ForkedProgram if _can_be_forked(environment, more) else subprocess.Popen
    return kind(
        argv,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **more,
    )


def _can_be_forked(environment: Mapping[str, str], more: Mapping[str, object]) -> bool:
    """Whether a new interpreter would start with what the server's has."""
    special = {name for name in environment if name.startswith(("PYTHON", "LC_", "SAMOBOT_PORTABLE"))}
    return (
        sys.platform == "linux"
        and not special
        and environment.get("LANG") == _LANGUAGE
        and set(more) <= {"start_new_session"}
        and _server() is not None
    )


def _server() -> socket.socket | None:
    """The connection to this process's server; None if the kernel lacks what it needs."""
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
    atexit.register(server.wait)
    atexit.register(ours.close)
    return server, ours if ours.recv(len(READY)) == READY else None


class _ForkedProgram(subprocess.Popen[str]):
    """A process that the server has forked and waits for: in a pipe it reports the pid, and later the exit code."""

    def _execute_child(self, args: list[str], *rest: Any) -> None:
        folder, environment = rest[4:6]
        stdin, _, _, stdout, _, stderr = pipes = rest[9:15]
        start: Start = {
            "argv": args,
            "environment": dict(environment),
            "folder": str(folder),
            "new_session": rest[-2],
        }
        reports, report = os.pipe()
        self._reports = os.fdopen(reports)
        try:
            server = _server()
            assert server is not None
            socket.send_fds(server, [json.dumps(start).encode()], [stdin, stdout, stderr, report])
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
        if self.returncode is None:
            if not select.select([self._reports], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
            with self._reports:
                self.returncode = int(self._reports.readline())
        return self.returncode
