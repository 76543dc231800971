"""Asking right in the terminal: the questions and the plan, as soon as `samobot run` comes to a gate."""

from __future__ import annotations

import os
import select
import sys
import termios
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial

import click

from samobot.errors import SamobotError
from samobot.phases import WaitingFor
from samobot.session import gate
from samobot.session.asks import read_asks
from samobot.session.decisions import DecisionKind
from samobot.session.files import read_text
from samobot.session.folder import SessionFolder
from samobot.session.gate import Person
from samobot.session.gate_state import read_plan
from samobot.session.permissions import decide
from samobot.session.qa import parse_qa
from samobot.session.question import Question
from samobot.terminal.actor import person_at
from samobot.terminal.live_line import show
from samobot.terminal.permission_lines import describe_asks
from samobot.terminal.run_descriptions import describe_plan, describe_question
from samobot.text import one_line, printable
from samobot.worker.run import RunResult

LOOK_EVERY = 0.5
"""Seconds between checks whether the question was answered elsewhere meanwhile."""


_VERDICTS = {"a": DecisionKind.ALLOW_ONCE, "s": DecisionKind.ALLOW_SESSION, "d": DecisionKind.DENY}


class _DecidedElsewhere(Exception):
    """The gate was passed in the chat or by hand while the terminal was asking."""


def decide_here(folder: SessionFolder, end: RunResult, key: bytes) -> bool:
    """Ask for what a waiting session needs; True if it has that now.

    Args:
        folder: The session, which no worker holds now.
        end: Why the run ended.
        key: Marks decisions as written by us.
    """
    try:
        person = person_at(folder)
        match end.waiting_for:
            case WaitingFor.QA_ANSWERS:
                _ask_each(folder, person, key)
                return True
            case WaitingFor.PLAN_APPROVAL:
                return _ask_about_plan(folder, person, key)
            case WaitingFor.PERMISSION:
                return _ask_permissions(folder, person, key)
            case _:
                return _ask_whether_done(folder, person, key)
    except _DecidedElsewhere:
        click.echo(f"\nDecided elsewhere{'' if end.paused else '; continuing'}.")
        return True
    except (EOFError, KeyboardInterrupt):
        show("\nLeft open. What was answered is saved.")
        return False


def ask_questions(folder: SessionFolder, person: Person, key: bytes) -> bool:
    """Ask for the answer to each open question; Enter takes what the agent suggests.

    Args:
        folder: The session.
        person: Who answers.
        key: Marks decisions as written by us.

    Returns:
        Whether all are answered; False if the user has left.
    """
    try:
        _ask_each(folder, person, key)
    except _DecidedElsewhere:
        click.echo("\nAnswered elsewhere.")
    except (EOFError, KeyboardInterrupt):
        show("\nLeft open. What was answered is saved.")
        return False
    return True


def _ask_each(folder: SessionFolder, person: Person, key: bytes) -> None:
    at_gate = gate.open_gate(folder) is not None
    while waiting := _open_questions(folder):
        question = waiting[0]
        click.echo(f"\n{describe_question(question)}")
        try:
            words = _read_line(_hint(question), partial(_is_over, folder, question, at_gate=at_gate))
        except _DecidedElsewhere:
            if gate.open_gate(folder) is None if at_gate else not _open_questions(folder):
                raise
            click.echo(f"\n{question.label} is no longer open.")
            continue
        if not words.strip():
            if not question.suggested_answer:
                click.echo("Please answer, or leave with Ctrl-C.")
                continue
            words = question.suggested_answer
        try:
            gate.answer(
                folder,
                {question.index: words},
                person,
                datetime.now(UTC),
                key,
                expect={question.index: question.identity},
                change=False,
            )
        except SamobotError as error:
            click.echo(error.message)


def _open_questions(folder: SessionFolder) -> Sequence[Question]:
    return parse_qa(read_text(folder.qa) or "").open


def _is_over(folder: SessionFolder, question: Question, *, at_gate: bool) -> bool:
    is_open = any(each.identity == question.identity for each in _open_questions(folder))
    return not is_open or (at_gate and gate.open_gate(folder) is None)


def _gate_is_open(folder: SessionFolder) -> bool:
    return gate.open_gate(folder) is None


def _hint(question: Question) -> str:
    letters = "/".join(option.letter for option in question.options)
    default = question.suggestion or (f"“{one_line(question.reason, 40)}”" if question.reason else "")
    take = f", Enter takes {default}" if default else ""
    return printable(f"{question.label} [{letters + ' or ' if letters else ''}your words{take}]: ")


def _ask_about_plan(folder: SessionFolder, person: Person, key: bytes) -> bool:
    decided = partial(_gate_is_open, folder)
    while (plan := read_plan(folder).plan) is not None:
        choice = (
            _read_line("\n[a]pprove, [r]equest changes, [s]how it, or [l]ater: ", decided).strip().lower()
        )
        now = datetime.now(UTC)
        try:
            if choice in ("a", "approve"):
                gate.approve(folder, person, now, key, expected=plan.sha256)
                return True
            if choice in ("r", "request changes"):
                feedback = _read_line("What should be different? ", decided)
                gate.reject(folder, feedback, person, now, key, expected=plan.sha256)
                return True
        except SamobotError as error:
            click.echo(f"{error.message}\n\n{describe_plan(folder)}")
            continue
        if choice in ("s", "show"):
            click.echo_via_pager(printable(plan.text))
        elif choice in ("l", "later"):
            return False
    return False


def _ask_permissions(folder: SessionFolder, person: Person, key: bytes) -> bool:
    while waiting := read_asks(folder, key).waiting:
        ask = waiting[0]
        click.echo(printable(f"\n{describe_asks(folder.name, [ask])}"))
        decided = partial(_is_decided, folder, ask.id, key)
        choice = _read_line("\n[a]llow once, allow for this [s]ession, [d]eny, or [l]ater: ", decided)
        kind = _VERDICTS.get(choice.strip().lower()[:1])
        if kind is None:
            return False
        say = _read_line("What should the agent know? ", decided) if kind is DecisionKind.DENY else ""
        try:
            decide(folder, ask.id, kind, person, datetime.now(UTC), key, expected=ask.sha256, text=say)
        except SamobotError as error:
            click.echo(error.message)
    return True


def _is_decided(folder: SessionFolder, ask_id: str, key: bytes) -> bool:
    return all(each.id != ask_id for each in read_asks(folder, key).waiting)


def _ask_whether_done(folder: SessionFolder, person: Person, key: bytes) -> bool:
    choice = _read_line("\n[d]one, or [l]ater: ", partial(_gate_is_open, folder)).strip().lower()
    if choice not in ("d", "done"):
        return False
    gate.action_done(folder, person, datetime.now(UTC), key)
    return True


def _read_line(prompt: str, is_decided: Callable[[], bool]) -> str:
    """Read a line, unless what it is about is decided elsewhere meanwhile.

    Raises:
        EOFError: End of input.
        _DecidedElsewhere: It is decided.
    """
    _forget_what_was_typed()
    click.echo(prompt, nl=False)
    while not select.select([sys.stdin], [], [], LOOK_EVERY)[0]:
        if is_decided():
            raise _DecidedElsewhere
    # Unbuffered: a line that Python had read ahead would never be seen by select.
    line = _read_to_line_end(sys.stdin.fileno())
    return line.decode("utf-8", "replace").rstrip("\r\n")


def _forget_what_was_typed() -> None:
    """Discard keys pressed before the question was shown."""
    descriptor = sys.stdin.fileno()
    if not os.isatty(descriptor):
        return  # a script has said everything beforehand, and may
    # In the background, what is typed is the shell's, and touching it would stop us.
    with suppress(OSError):  # it is not the terminal that we belong to
        if os.tcgetpgrp(descriptor) != os.getpgrp():
            return
    with suppress(termios.error):  # a terminal that is gone is met when it is read
        termios.tcflush(descriptor, termios.TCIFLUSH)


def _read_to_line_end(descriptor: int) -> bytes:
    """Read one line from the terminal.

    Raises:
        EOFError: There is nothing more to come.
    """
    line = b""
    while not line.endswith(b"\n"):
        try:
            byte = os.read(descriptor, 1)
        except OSError:  # the terminal is gone
            byte = b""
        if not byte:
            raise EOFError
        line += byte
    return line
