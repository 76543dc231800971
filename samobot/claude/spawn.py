"""Starting the Claude CLI so that it can be followed and does not outlive its worker.

- stdout and stderr are regular files. The CLI exits without draining a pipe, and loses its result. stdin is a file
  that holds the prompt, or for a CLI that reads further messages a pipe.
- It has a session of its own: a Ctrl-C in the worker's terminal reaches only the worker, which then stops the CLI;
  and `reaper` can distinguish its descendants from the worker's other children.
- A small wrapper asks the kernel, if it can do that, to send SIGINT to the CLI when the worker dies (on SIGINT the CLI
  ends its tools too) and resets signal handlers: a worker started in a shell's background ignores SIGINT, which would be inherited.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import IO

from samobot.claude.fence_mounts import MAKE_MOUNTS
from samobot.claude.invocation import Invocation
from samobot.claude.turn_input import TurnInput, open_input
from samobot.system.platform.current import platform

MAX_PROCESSES = 8192
"""Limit for processes and threads of the user inside the fence, against a fork without end; does not bind root."""

MEMORY_SCORE = 500
"""Linux's `oom_score_adj` of the CLI and all that it starts."""

# Runs in a Python of its own between fork and exec: a preexec_fn may deadlock in a program with threads.
# bubblewrap has to ignore the signals that stop the CLI, or it would end the CLI before that has written its result.
# The parent may have died before the kernel was asked to watch it, hence the check afterwards.
_WRAPPER = """
import os, sys
import _signal as signal  # `signal` makes its numbers enumerations, which takes a third of the start
call = sys.argv[4:]
stopped = signal.SIG_IGN if sys.argv[2] == "fenced" else signal.SIG_DFL
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
    signal.signal(number, stopped)
# An agent that takes all memory is ended before the worker and the bot; 0 is usual, 1000 the first to go.
try:
    with open("/proc/self/oom_score_adj", "w") as file:
        file.write("MEMORY_SCORE")
except OSError:
    pass
if sys.argv[2] == "fenced":
    import resource
    is_detached = False
    _, hard = resource.getrlimit(resource.RLIMIT_NPROC)
    most = MAX_PROCESSES if hard == resource.RLIM_INFINITY else min(hard, MAX_PROCESSES)
    resource.setrlimit(resource.RLIMIT_NPROC, (most, most))
    # A keyring of its own: that of the login may hold tickets. 1 is KEYCTL_JOIN_SESSION_KEYRING.
    number = {"x86_64": 250, "aarch64": 219}.get(os.uname().machine)
    if number:
        import ctypes
        ctypes.CDLL(None).syscall(number, 1, None)
    # Abstract sockets (X, D-Bus) have no path that could be hidden. From ABI 6 on Landlock keeps to those that were made
    # inside (Linux 6.12): 444 creates a rule set, 446 enforces it, which needs PR_SET_NO_NEW_PRIVS, 38.
    if os.access(call[0], os.X_OK) and not os.stat(call[0]).st_mode & 0o4000:
        import ctypes
        kernel = ctypes.CDLL(None, use_errno=True)
        if kernel.syscall(444, None, 0, 1) >= 6:
            rules = kernel.syscall(444, (ctypes.c_uint64 * 3)(0, 0, 1), 24, 0)
            if rules >= 0 and kernel.prctl(38, 1, 0, 0, 0) == 0:
                kernel.syscall(446, rules, 0)
        # A disk that is mounted outside later would appear inside as well, writable: the copies of mounts that bubblewrap
        # makes follow the originals. A mount namespace whose mounts are private comes between (CLONE_NEWNS 0x20000; for
        # an ordinary user with CLONE_NEWUSER 0x10000000; MS_REC | MS_PRIVATE 0x44000). It is tried in a child first:
        # where only bubblewrap may have namespaces (AppArmor), a failure would leave a user without a name.
        def detach():
            user, group = os.geteuid(), os.getegid()
            if kernel.unshare(0x10020000 if user else 0x20000):
                return False
            if user:
                maps = {"uid_map": f"{user} {user} 1", "setgroups": "deny", "gid_map": f"{group} {group} 1"}
                for name, text in maps.items():
                    with open(f"/proc/self/{name}", "w") as file:
                        file.write(text)
            return not kernel.mount(None, b"/", None, 0x44000, None)
        trial = os.fork() if os.geteuid() else 0
        if trial:
            is_detached = os.waitpid(trial, 0)[1] == 0 and detach()
        elif os.geteuid():
            try:
                os._exit(not detach())
            finally:
                os._exit(1)
        else:
            is_detached = detach()
    # Other programs' sockets come and go: over one that is gone by now nothing can be mounted.
    for at in range(len(call) - 3, -1, -1):
        if call[at:at + 2] == ["--ro-bind", os.devnull] and not os.path.lexists(call[at + 2]):
            del call[at:at + 3]
    if is_detached:
        call = make_mounts(kernel, call)
if sys.argv[3]:
    import resource
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    most = int(sys.argv[3]) if hard == resource.RLIM_INFINITY else min(hard, int(sys.argv[3]))
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
signal.pthread_sigmask(signal.SIG_SETMASK, ())
FOLLOW_PARENT
if os.getppid() != int(sys.argv[1]):
    sys.exit(1)
try:
    os.execvp(call[0], call)
except OSError as error:
    sys.exit(f"{call[0]}: {error.strerror}")
""".replace("MAX_PROCESSES", str(MAX_PROCESSES)).replace("MEMORY_SCORE", str(MEMORY_SCORE))


async def spawn(invocation: Invocation, stderr: Path) -> tuple[Process, TurnInput | None]:
    """Start the CLI.

    Args:
        invocation: What to start.
        stderr: File to append its stderr to.

    Returns:
        The process, and its input if it reads further messages.

    Raises:
        OSError: It cannot be started, or the files cannot be written.
    """
    async with _input(invocation) as (stdin, turn_input):
        with _append(invocation.log) as stdout, _append(stderr) as errors:
            process = await asyncio.create_subprocess_exec(
                *wrapped(invocation),
                stdin=stdin,
                stdout=stdout,
                stderr=errors,
                cwd=invocation.cwd,
                env=dict(invocation.env),
                start_new_session=True,
                pass_fds=invocation.inherited,
            )
    return process, turn_input


def wrapped(invocation: Invocation) -> tuple[str, ...]:
    """The command of a call, to be started by this process."""
    kind = "fenced" if invocation.fenced else "plain"
    limit = "" if invocation.file_limit is None else str(invocation.file_limit)
    program = _WRAPPER.replace("FOLLOW_PARENT", platform().follow_parent)
    if invocation.fenced:
        program = f"import ctypes, errno, os, resource, sys\n{MAKE_MOUNTS}{program}"
    return (sys.executable, "-I", "-S", "-c", program, str(os.getpid()), kind, limit, *invocation.argv)


@asynccontextmanager
async def _input(invocation: Invocation) -> AsyncIterator[tuple[int | IO[bytes], TurnInput | None]]:
    """What the process reads from; our end of a pipe is closed again if it does not start."""
    if not invocation.steerable:
        with _prompt_file(invocation.stdin) as file:
            yield file, None
        return
    reading, turn_input = await open_input(invocation.stdin)
    try:
        yield reading, turn_input
    except BaseException:
        turn_input.close()
        raise
    finally:
        os.close(reading)


@contextmanager
def _prompt_file(prompt: bytes) -> Iterator[IO[bytes]]:
    """The prompt as an open file, which needs no feeding."""
    with tempfile.TemporaryFile() as file:
        file.write(prompt)
        file.seek(0)
        yield file


def _append(path: Path) -> IO[bytes]:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    return os.fdopen(descriptor, "ab", buffering=0)
