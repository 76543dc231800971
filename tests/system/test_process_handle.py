from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator

import pytest

from samobot.system.platform.current import identify
from samobot.system.platform.process_identity import ProcessIdentity
from samobot.system.process_handle import ProcessHandle


@pytest.fixture(params=[True, False], ids=["pidfd", "no pidfd"])
def child(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[subprocess.Popen[bytes]]:
    if not request.param:
        monkeypatch.setenv("SAMOBOT_PORTABLE", "1")
    process = subprocess.Popen(["sleep", "600"])
    yield process
    process.kill()
    process.wait()


def test_process_is_signalled_and_waited_for(child: subprocess.Popen[bytes]) -> None:
    handle = ProcessHandle.open(child.pid)
    assert handle is not None
    with handle:
        assert handle.identity == identify(child.pid)
        assert not handle.wait(0)
        handle.send(signal.SIGTERM)
        assert child.wait() == -signal.SIGTERM
        assert handle.wait(0)
        handle.send(signal.SIGTERM)  # nobody is there


def test_process_that_is_not_meant_is_not_held(child: subprocess.Popen[bytes]) -> None:
    assert ProcessHandle.open(child.pid, lambda _: False) is None
    child.kill()
    child.wait()
    assert ProcessHandle.open(child.pid) is None


def test_process_with_a_reused_id_gets_no_signal(child: subprocess.Popen[bytes]) -> None:
    own = identify(child.pid)
    assert own is not None
    earlier = ProcessIdentity(own.pid, own.start_ticks - 1, own.boot_id)
    handle = ProcessHandle(earlier, None)
    handle.send(signal.SIGKILL)
    assert handle.wait(0)
    os.kill(child.pid, 0)
    assert child.poll() is None
