"""A program that plays the bot's service: starts one child plainly and one as workers are started, and waits."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from samobot.system.scope import scoped

SLEEP = ["sleep", "1000"]


def main(folder: Path) -> None:
    """Write the process ids of both children into files of `folder`."""
    plain = subprocess.Popen(SLEEP, start_new_session=True)
    worker = subprocess.Popen(scoped(SLEEP, "26-11-22-greet", os.environ), start_new_session=True)
    while "sleep" not in Path(f"/proc/{worker.pid}/cmdline").read_text().split("\0")[0]:
        time.sleep(0.01)  # until systemd-run has made the scope and become the program
    (folder / "plain").write_text(str(plain.pid))
    (folder / "scoped").write_text(str(worker.pid))
    time.sleep(1000)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
