"""Running another program to its end: without a terminal, and with a timeout."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence

from samobot.frozen import frozen


@frozen
class CommandResult:
    """The result of a program.

    Attributes:
        code: Its exit code; negative if a signal ended it.
        out: Its stdout; undecodable bytes are replaced.
        err: Its stderr.
    """

    code: int
    out: str
    err: str

    @property
    def succeeded(self) -> bool:
        """Whether its exit code is 0."""
        return self.code == 0


def run_command(
    argv: Sequence[str], *, seconds: float, environ: Mapping[str, str] | None = None
) -> CommandResult:
    """Run a program to its end.

    Args:
        argv: The program, by path or by a name on the PATH that it gets, and its arguments.
        seconds: Timeout; then it is killed.
        environ: Its environment; None is our own.

    Raises:
        TimeoutError: It did not end in time.
        OSError: It could not be started (missing, not executable, of another kind of machine). `TimeoutError`
            is a subclass: a caller that does not need the reason catches only `OSError`.
    """
    try:
        done = subprocess.run(
            argv,
            env=None if environ is None else dict(environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",  # whatever the locale: git and systemctl name files as they are
            errors="replace",
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise TimeoutError(f"{argv[0]} did not answer within {seconds:g} s") from None
    return CommandResult(done.returncode, done.stdout, done.stderr)
