"""Asking for a yes in the terminal before something is done."""

from __future__ import annotations

import sys

import click

from samobot.errors import ConflictError, UsageError


def confirm(question: str, *, instead: str, declined: str) -> None:
    """Return once the user has said yes.

    Args:
        question: What is asked.
        instead: How to do it without being asked, as a sentence.
        declined: What holds after a no, as a sentence.

    Raises:
        ConflictError: The user said no.
        UsageError: The standard input is no terminal.
    """
    if not sys.stdin.isatty():
        raise UsageError(f"Nobody can be asked here. {instead}")
    if not click.confirm(question):
        raise ConflictError(declined)
