"""What is mounted outside while an agent runs."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from samobot.claude.fence_probe import fence_problem
from samobot.claude.spawn import wrapped
from tests.claude.fenced_world import SECRET, FencedWorld

_PROBLEM = fence_problem(os.environ)
_OWN_MOUNTS = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--mount", "--map-root-user"]

# As systemd has it, each mount passes on what is mounted there. The parent that `wrapped` names is this shell.
_OUTSIDE = """
mount --make-rshared / && mkfifo ready go && mkdir later || exit 1
python=$1 program=$5; shift 6
"$python" -I -S -c "$program" $$ "$@" &
read _ < ready
mount -t tmpfs none later && echo SECRET > later/key
echo > go
wait
ls later
"""
_INSIDE = (
    "echo > ready; read _ < go; cat later/key; echo evil > later/planted; test -e later/planted && echo done"
)


@pytest.mark.slow
@pytest.mark.skipif(_PROBLEM is not None, reason=f"there can be no fence here: {_PROBLEM}")
@pytest.mark.parametrize("fenced", [True, False])
def test_disk_that_is_mounted_while_the_agent_runs_is_out_of_reach(world: FencedWorld, fenced: bool) -> None:
    if subprocess.run([*_OWN_MOUNTS, "mount", "--make-rshared", "/"], check=False).returncode:
        pytest.skip("no mount can be made here")
    call = world.invocation(_INSIDE, fenced=fenced)
    command = [*_OWN_MOUNTS, "sh", "-c", _OUTSIDE.replace("SECRET", SECRET), "sh", *wrapped(call)]
    assert command[-len(wrapped(call))] == sys.executable
    done = subprocess.run(
        command, cwd=call.cwd, env=dict(call.env), capture_output=True, text=True, timeout=60, check=False
    )
    assert "done" in done.stdout, done.stderr
    assert (SECRET in done.stdout) is not fenced
    assert ("planted" in done.stdout) is not fenced
