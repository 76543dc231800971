"""The three standard streams: there, and able to take every character, whatever the program was started with."""

from __future__ import annotations

import io
import os
import sys

_LAST = 2


def prepare_streams() -> None:
    """Put something in the place of closed streams, and let no character that a terminal lacks end a command.

    A worker must not crash on a character that the output encoding lacks, nor write what it shows into a session's
    file that got the number of a closed stream.
    """
    for number in range(_LAST + 1):
        if not _is_open(number):
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: this one
    sys.stdin = sys.stdin or os.fdopen(0, encoding="utf-8", closefd=False)
    sys.stdout = sys.stdout or os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", encoding="utf-8", closefd=False)
    for stream in (sys.stdout, sys.stderr):
        # Another way of not failing is left as it is: bytes of a file's name come out as they went in, for one.
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="replace")


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True
