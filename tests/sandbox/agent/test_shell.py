"""How the scripted agent finds what its commands have started."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from samobot.sandbox.agent import shell
from tests.support.fake_programs import put_program


def test_children_are_found_in_proc() -> None:
    with subprocess.Popen(["sleep", "600"]) as child:
        assert child.pid in shell._descendants(os.getpid())
        child.kill()


def test_children_are_found_by_ps_where_there_is_no_proc(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_program(tmp_path, "ps", "printf '    1     0\\n  200   100\\n  300   200\\n  100     1\\n'")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.defpath}")
    monkeypatch.setattr(os.path, "exists", lambda _: False)
    assert shell._descendants(100) == [200, 300]
