"""The scripted agent's Bash tool: one command at a time, in a process session of its own, as the real CLI's.

Standard library only, see `samobot.sandbox.agent.main`.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator

TYPE_CHECKING = False  # `typing` is not imported: see `samobot.sandbox.agent.main`
if TYPE_CHECKING:
    import subprocess


class Interrupted(BaseException):
    """SIGINT arrived."""


class Shell:
    """Runs the commands of one run.

    Args:
        note: Notes down the pids of children.
    """

    def __init__(self, note: Callable[..., None]) -> None:
        self._note = note
        self._running: subprocess.Popen[bytes] | None = None
        self._starting = False
        self._pending = False

    def interrupt(self, _number: int, _frame: object) -> None:
        """The handler of SIGINT: while a command is being started it waits until the command can be killed."""
        if self._starting:
            self._pending = True
        else:
            raise Interrupted

    def run(self, command: str, pids: int = 0) -> tuple[int, str]:
        """Run a command and wait for it; returns its exit code and the beginning of its output.

        Args:
            command: For bash.
            pids: How many pids it prints as its first lines, to be noted down.
        """
        import subprocess
        import tempfile

        # A file and not a pipe, as in the CLI: children that stay behind must not keep the tool waiting.
        with tempfile.TemporaryFile() as output:
            self._starting = True
            self._running = subprocess.Popen(
                ["bash", "-c", command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
            self._starting = False
            if self._pending:
                raise Interrupted
            if pids:
                self._note(event="children", pids=_first_pids(output.fileno(), pids))
            code = self._running.wait()
            self._running = None
            output.seek(0)
            return code, output.read(30_000).decode("utf-8", "replace").rstrip("\n")

    def end(self) -> None:
        """Kill the command that runs, with everything below it, as the CLI does on SIGINT."""
        running, self._running = self._running, None
        if running is None:
            return
        for pid in [*_descendants(running.pid), running.pid]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        running.wait()


def _first_pids(fd: int, count: int) -> list[int]:
    """Wait for the pids that children print first."""
    while True:
        pids = [int(line) for line in os.pread(fd, 1 << 16, 0).split(b"\n")[:-1] if line.isdigit()]
        if len(pids) >= count:
            return pids[:count]
        time.sleep(0.005)


def _descendants(pid: int) -> list[int]:
    """All processes below one, deepest last."""
    children: dict[int, list[int]] = {}
    for child, parent in _processes_with_parents():
        children.setdefault(parent, []).append(child)
    found = [pid]
    for parent in found:
        found += children.get(parent, [])
    return found[1:]


def _processes_with_parents() -> Iterator[tuple[int, int]]:
    """From `/proc`, else from `ps`: this program has neither psutil nor the rest of samobot."""
    if not os.path.exists("/proc/self/stat"):
        import subprocess

        listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=False)
        for line in listed.stdout.splitlines():
            pid, parent = map(int, line.split())
            yield pid, parent
        return
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError), open(f"/proc/{entry}/stat", "rb") as file:
                yield int(entry), int(file.read().rpartition(b")")[2].split()[1])
