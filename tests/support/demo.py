"""What the demo leaves behind."""

from __future__ import annotations

from pathlib import Path

import psutil


def nothing_is_left(temporary: Path) -> bool:
    """Whether no process and no folder of a demo is left.

    Args:
        temporary: The folder for temporary files that it was given.
    """
    for process in psutil.process_iter():
        try:
            if process.environ().get("SANDBOX_STAGE", "").startswith(str(temporary)):
                return False
        except (psutil.Error, OSError):
            continue
    return list(temporary.glob("samobot-demo-*")) == []
