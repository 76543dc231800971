from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SECRET = "42:a-secret"


def run(code: str, **variables: str) -> str:
    program = "import ctypes, os, subprocess, sys\nfrom samobot.system.process_secrets import *\n" + code
    return subprocess.run(
        [sys.executable, "-c", program],
        env=dict(os.environ) | variables,
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    ).stdout


@pytest.mark.parametrize("before", ["A", "ZZ", "TELEGRAM_BOT_TOKEN_2", "X_TELEGRAM_BOT_TOKEN"])
def test_forgotten_variable_is_in_no_view_of_the_environment(before: str) -> None:
    shown = run(
        "forget_variable('TELEGRAM_BOT_TOKEN')\n"
        "print(open('/proc/self/environ', 'rb').read())\n"
        "print(os.environ)\n"
        "print(subprocess.run(['env'], capture_output=True, text=True).stdout)\n"
        "libc = ctypes.CDLL(None)\nlibc.getenv.restype = ctypes.c_char_p\n"
        "print(libc.getenv(b'TELEGRAM_BOT_TOKEN'))\n",
        **{before: "kept", "TELEGRAM_BOT_TOKEN": SECRET},
    )
    assert SECRET not in shown
    assert shown.count(f"{before}=kept") == 2
    assert shown.splitlines()[-1] == "None"


def test_forgetting_a_variable_that_is_not_set_changes_nothing() -> None:
    assert "KEPT=1" in run("forget_variable('NONE')\nprint(open('/proc/self/environ').read())", KEPT="1")


def test_inspection_is_forbidden_for_this_process_and_not_for_what_it_starts() -> None:
    ask = "import ctypes; print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))"
    code = (
        "forbid_inspection()\nprint(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), flush=True)\n"
        f"subprocess.run([sys.executable, '-c', {ask!r}])"
    )
    assert run(code).split() == ["0", "1"]
