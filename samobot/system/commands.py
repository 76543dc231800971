"""Asking another program something: started without a terminal to ask back at, and given a while only."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CommandResult:
    """What a program said, and how it ended.

    Attributes:
        code: Its exit code; below 0 where a signal ended it.
        out: Its output; bytes that are no text are replaced.
        err: What it said on the error output.
    """

    code: int
    out: str
    err: str

    @property
    def succeeded(self) -> bool:
        """Whether it says that it ended well."""
        return self.code == 0


def run_command(
    argv: Sequence[str], *, seconds: float, environ: Mapping[str, str] | None = None
) -> CommandResult:
    """Run a program to its end.

    Args:
        argv: The program, by path or by a name on the PATH that it gets, and its arguments.
        seconds: How long it may take; then it is killed.
        environ: The environment it gets; None is our own.

    Raises:
        TimeoutError: It did not end in time.
        OSError: It could not be started (missing, not executable, of another kind of machine). `TimeoutError`
            is one of these: who needs an answer and not a reason catches this alone.
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
