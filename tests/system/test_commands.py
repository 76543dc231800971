"""Asking a program: an answer, or a reason why there is none, whatever the program does."""

from __future__ import annotations

import os
from pathlib import Path

import psutil
import pytest

from samobot.system.commands import run_command

ENV = {"PATH": os.environ["PATH"]}


def test_both_outputs_and_the_exit_code_come_back_also_where_they_are_no_text() -> None:
    answer = run_command(["sh", "-c", r"printf 'a\377b'; echo no >&2; exit 3"], seconds=60, environ=ENV)
    assert (answer.code, answer.out, answer.err, answer.succeeded) == (3, "a\ufffdb", "no\n", False)
    assert run_command(["true"], seconds=60).succeeded


def test_a_program_gets_the_given_environment_and_nobody_to_ask_back() -> None:
    answer = run_command(
        ["sh", "-c", "cat; echo ${HOME-none} $MARK"], seconds=60, environ=ENV | {"MARK": "here"}
    )
    assert answer.out == "none here\n"


def test_a_name_is_looked_for_on_the_path_that_the_program_gets(tmp_path: Path) -> None:
    program = tmp_path / "only-there"
    program.write_text("#!/bin/sh\necho found\n")
    program.chmod(0o755)
    assert (
        run_command(["only-there"], seconds=60, environ={"PATH": f"{tmp_path}:/bin:/usr/bin"}).out
        == "found\n"
    )
    with pytest.raises(FileNotFoundError):
        run_command(["only-there"], seconds=60, environ=ENV)


@pytest.mark.slow
def test_a_program_that_does_not_end_is_killed(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    for seconds in (1, 4, 16, 64):  # longer only where the machine did not even start the program
        with pytest.raises(TimeoutError, match=f"sh did not answer within {seconds} s"):
            run_command(["sh", "-c", f"echo $$ > {note}; exec sleep 86399"], seconds=seconds, environ=ENV)
        if note.exists() and note.read_text():
            break
    assert not psutil.pid_exists(int(note.read_text()))


@pytest.mark.parametrize("content", [None, b"\x7fELF nonsense"])
def test_what_cannot_be_started_is_an_error_of_the_system(tmp_path: Path, content: bytes | None) -> None:
    program = tmp_path / "program"
    if content is not None:
        program.write_bytes(content)
        program.chmod(0o755)
    with pytest.raises(OSError, match=r"No such file|Exec format") as raised:
        run_command([str(program)], seconds=60)
    assert not isinstance(raised.value, TimeoutError)
