"""A real systemd manager of a user, in namespaces of its own, for tests of units and scopes."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.claude_cli import REPOSITORY

_INSIDE = """
set -e
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/system /run/user-manager
chmod 700 /run/user-manager
mount -t tmpfs tmpfs /sys/fs/cgroup 2>/dev/null || true
umount -R /sys/fs/cgroup 2>/dev/null || true
mount -t cgroup2 none /sys/fs/cgroup
mount -t proc proc /proc
export XDG_RUNTIME_DIR=/run/user-manager
/lib/systemd/systemd --user >/dev/null 2>&1 &
for i in $(seq 1200); do
  systemctl --user show --property=Version >/dev/null 2>&1 && break
  sleep 0.05
done
systemctl --user show --property=Version >/dev/null
echo manager runs
set +e
"""


def run_under_user_manager(tmp_path: Path, script: str) -> str:
    """Run a shell script that can talk to a user's systemd, and return what it printed.

    The test is skipped where that cannot be had: it takes root (in namespaces), systemd and cgroup v2.
    """
    needed = ["unshare", "systemctl", "systemd-run"]
    if os.geteuid() != 0 or not all(map(shutil.which, needed)) or not Path("/lib/systemd/systemd").exists():
        pytest.skip("a systemd of one's own needs root and the package systemd")
    (tmp_path / "config" / "systemd" / "user").mkdir(parents=True, exist_ok=True)
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(REPOSITORY),  # services get it from their manager
    }
    done = subprocess.run(
        ["unshare", "--mount", "--pid", "--fork", "--cgroup", "--kill-child", "bash", "-c", _INSIDE + script],
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=280,
    )
    if "manager runs" not in done.stdout:
        pytest.skip(f"no systemd of one's own can be started here: {done.stderr.strip()[-200:]}")
    return done.stdout + done.stderr
