"""One simple command of a shell's text, as far as it is known before it runs."""

from __future__ import annotations

from samobot.frozen import frozen

DYNAMIC = "\0"
"""Stands in a word for what only the shell knows: a variable, the output of a command."""


class UnclearCommandError(ValueError):
    """The text cannot be taken apart: a quote without its end, nesting without one."""


@frozen
class Redirection:
    """A file that a command reads or writes: the operator and the file's name."""

    operator: str
    target: str

    @property
    def writes(self) -> bool:
        """Whether it changes the file."""
        return self.operator in (">", ">>", ">|", "<>", "&>", "&>>") or (
            self.operator == ">&" and not self.target.isdigit() and self.target != "-"
        )


@frozen
class ShellCommand:
    """One simple command.

    Attributes:
        words: Name and arguments without quotes; `DYNAMIC` stands for what is not known before it runs.
        redirections: Its redirections.
        assignments: Variables that are set for it, as `NAME=value`.
        piped: Whether it reads the output of the command before it.
    """

    words: tuple[str, ...]
    redirections: tuple[Redirection, ...] = ()
    assignments: tuple[str, ...] = ()
    piped: bool = False
