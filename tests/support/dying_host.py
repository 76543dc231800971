"""`samobot host` that kills itself at a point of the first decision that reaches it: `python -m … POINT`."""

from __future__ import annotations

import os
import signal
import sys

import pytest

from samobot.cli import main
from tests.support.crash_points import CrashPoint, at_point


async def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    at_point(CrashPoint(sys.argv[1]), die, pytest.MonkeyPatch())
    sys.argv = ["samobot", "host"]
    main()
