"""A stand-in for a forge's tool: a script that runs as a program, or within the test's process.

Starting a Python takes ten times as long as what the script does, and most tests of landings are about the answers.
"""

from __future__ import annotations

import functools
import io
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, SimpleNamespace

import pytest

from samobot.fleet import forge_tool

_IMPORTS = "import fcntl, json, os, subprocess, sys, time\nfrom pathlib import Path\n"


@dataclass(frozen=True)
class ForgeScript:
    """A tool's script with its settings.

    Attributes:
        text: The Python of it, which finds `_IMPORTS` done.
        settings: Its global names, with what is assigned to them as Python.
        program: Where it is as a program.
    """

    text: str
    settings: Mapping[str, str]
    program: Path

    def install(self) -> None:
        """Make the program."""
        settings = "".join(f"{name} = {value}\n" for name, value in self.settings.items())
        self.program.write_text(f"#!{sys.executable} -IS\n{_IMPORTS}{settings}{self.text}")
        self.program.chmod(0o755)

    def run_in_process(self, patch: pytest.MonkeyPatch) -> None:
        """Let this process run the script itself instead of the program.

        Args:
            patch: Undoes it.
        """
        patch.setattr(forge_tool, "subprocess", _Subprocess(self))

    def run(self, arguments: Sequence[str], text: str, folder: str) -> tuple[int, str, str]:
        """Run it here; returns its exit code, output and errors.

        Args:
            arguments: Its command line.
            text: Its input.
            folder: Its working directory.
        """
        output, errors = io.StringIO(), io.StringIO()
        names: dict[str, object] = {}
        exec(_IMPORTS, names)
        names |= {name: eval(value, names) for name, value in self.settings.items()}
        names |= {
            "print": functools.partial(print, file=output),
            "sys": SimpleNamespace(
                argv=list(arguments), stdin=io.StringIO(text), stderr=errors, exit=sys.exit
            ),
            # The working directory is the whole process's.
            "os": SimpleNamespace(
                getppid=os.getpid,
                path=SimpleNamespace(exists=lambda path: os.path.exists(os.path.join(folder, path))),
            ),
        }
        code = 0
        try:
            exec(_compiled(self.text), names)
        except SystemExit as ended:
            code = int(ended.code or 0)
        finally:
            names["lock"].close()  # type: ignore[attr-defined]
        return code, output.getvalue(), errors.getvalue()


@functools.cache
def _compiled(text: str) -> CodeType:
    return compile(text, "the forge's tool", "exec")


class _Subprocess:
    """What `forge_tool` uses of `subprocess`."""

    PIPE = subprocess.PIPE
    TimeoutExpired = subprocess.TimeoutExpired

    def __init__(self, script: ForgeScript) -> None:
        self._script = script

    def Popen(self, argv: Sequence[str], *, cwd: str, **_: object) -> _Run:
        return _Run(self._script, argv, cwd)


class _Run:
    """A run that takes place when its output is waited for."""

    returncode: int | None = None

    def __init__(self, script: ForgeScript, argv: Sequence[str], folder: str) -> None:
        assert argv[0] == str(script.program)
        self._script, self._argv, self._folder = script, argv, folder

    def communicate(self, text: bytes, _: float) -> tuple[bytes, bytes]:
        self.returncode, output, errors = self._script.run(self._argv, text.decode(), self._folder)
        return output.encode(), errors.encode()
