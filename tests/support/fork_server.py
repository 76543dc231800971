"""Starts `samobot` as a fork of a process that has imported it: imports are most of the cost of a short command.

Each start is a process of its own, as `python -m samobot` is, with its own arguments and environment in /proc, by which
samobot and the tests recognize processes. See `forked_program` for its client.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import functools
import gc
import importlib
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from typing import NoReturn

from tests.support.forked_program import END, READY, Start, fork_workers

# Packages and commands: whatever `run` and those around it import, now or later; and others when one is started.
_OF_COMMANDS = (
    ("claude", "config", "fleet", "money", "session", "system", "worker"),
    ("control_commands", "decision_commands", "land_command", "run_command", "status_command"),
)
_OF_OTHERS = {
    "bot": (("telegram",), ("bot_command",)),
    "demo": (("sandbox",), ("demo_command",)),
    "init": (("setup", "telegram"), ("init_command",)),
}

_PR_SET_MM, _PR_SET_MM_MAP = 35, 14
_LIBC = ctypes.CDLL(None, use_errno=True)
_LIBC.sbrk.restype = ctypes.c_void_p


class _MemoryMap(ctypes.Structure):
    """`struct prctl_mm_map` of linux/prctl.h."""

    _fields_ = (
        ("code_and_data", ctypes.c_uint64 * 4),
        ("start_brk", ctypes.c_uint64),
        ("brk", ctypes.c_uint64),
        ("start_stack", ctypes.c_uint64),
        ("arguments", ctypes.c_uint64 * 2),
        ("environment", ctypes.c_uint64 * 2),
        ("auxv", ctypes.c_uint64),
        ("auxv_size", ctypes.c_uint32),
        ("exe_fd", ctypes.c_int32),
    )


def show_in_proc(argv: Sequence[str], environment: Mapping[str, str]) -> object:
    """Let /proc show other arguments and another environment of this process.

    Returns:
        The memory that the kernel reads them from; it must not be freed.

    Raises:
        OSError: This kernel cannot (before Linux 3.18, or without checkpoints).
    """
    words = b"".join(os.fsencode(each) + b"\0" for each in argv)
    values = b"".join(os.fsencode(f"{name}={value}") + b"\0" for name, value in environment.items())
    memory = ctypes.create_string_buffer(words + values)
    with open("/proc/self/stat") as file:
        # Numbered as in proc(5): the third field follows the name in brackets.
        stat = dict(enumerate(file.read().rpartition(") ")[2].split(), start=3))
    begin = ctypes.addressof(memory)
    middle = begin + len(words)
    layout = _MemoryMap(
        code_and_data=(int(stat[26]), int(stat[27]), int(stat[45]), int(stat[46])),
        start_brk=int(stat[47]),
        start_stack=int(stat[28]),
        arguments=(begin, middle),
        environment=(middle, middle + len(values)),
        exe_fd=-1,
    )
    place, size = ctypes.byref(layout), ctypes.sizeof(layout)
    layout.brk = _LIBC.sbrk(0)  # last, as memory that is allocated in between may move it
    if _LIBC.prctl(_PR_SET_MM, _PR_SET_MM_MAP, place, size, 0):
        raise OSError(ctypes.get_errno(), "PR_SET_MM_MAP was refused")
    return memory


@functools.cache
def _preload(packages: tuple[str, ...], commands: tuple[str, ...]) -> None:
    for name in packages:
        package = importlib.import_module(f"samobot.{name}")
        for module in pkgutil.walk_packages(package.__path__, f"samobot.{name}."):
            importlib.import_module(module.name)
    for name in commands:
        importlib.import_module(f"samobot.terminal.{name}")
    gc.freeze()  # collecting garbage would copy the memory that forks share


def _run(start: Start, streams: Sequence[int]) -> NoReturn:
    """Be the program."""
    *standard, connection = range(len(streams))
    for number, stream in enumerate(streams):
        os.dup2(stream, number, inheritable=number in standard)
    os.closerange(len(streams), 1024)
    if start["new_session"]:
        os.setsid()
        if os.isatty(0):
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    sys.stdout.reconfigure(line_buffering=os.isatty(1))  # type: ignore[union-attr]
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(start["folder"])
    os.environ.clear()
    os.environ.update(start["environment"])
    time.tzset()
    place = start["argv"].index("-m")
    sys.path[:1] = [] if "-P" in start["argv"][:place] else [start["folder"]]
    module, *sys.argv[1:] = start["argv"][place + 1 :]
    shown = show_in_proc(start["argv"], start["environment"])
    fork_workers(socket.socket(fileno=connection))
    runpy.run_module(module, run_name="__main__", alter_sys=True)
    sys.exit(f"{module} left {shown} without an exit code")


def serve(client: socket.socket) -> None:
    """Start what the client and what it has started ask for, and report how each ended, until the client is gone."""
    ended, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    reports: dict[int, int] = {}
    while True:
        ready, _, _ = select.select([client.fileno(), ended], [], [])
        if ended in ready:
            os.read(ended, 4096)
            _report_ends(reports)
        if client.fileno() in ready:
            message, descriptors, _, _ = socket.recv_fds(client, 1 << 20, 5)
            if message in (b"", END):
                return
            start: Start = json.loads(message)
            for command in _OF_OTHERS.keys() & set(start["argv"]):
                _preload(*_OF_OTHERS[command])
            *streams, report = descriptors
            pid = os.fork()
            if pid == 0:
                signal.set_wakeup_fd(-1)
                client.detach()
                _run(start, streams)
            reports[pid] = report
            _report(report, pid)
            for stream in streams:
                os.close(stream)


def _report(pipe: int, number: int) -> None:
    with contextlib.suppress(BrokenPipeError):  # whoever has started the program may have been killed
        os.write(pipe, f"{number}\n".encode())


def _report_ends(reports: dict[int, int]) -> None:
    while reports:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        report = reports.pop(pid)
        _report(report, os.waitstatus_to_exitcode(status))
        os.close(report)


if __name__ == "__main__":
    _preload(*_OF_COMMANDS)
    own = show_in_proc(sys.argv, os.environ)  # where this cannot be, no client hears that the server is ready
    with socket.socket(fileno=0) as connection:
        connection.send(READY)
        serve(connection)
