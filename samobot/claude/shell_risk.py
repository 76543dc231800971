"""Why a shell command is risky: it deletes, publishes, reaches other machines or secrets, or leaves the project.

Recognized from the command's text alone. A program that it starts, a script or a build, may do anything: this keeps an
agent from mistakes, and the fence keeps it from the rest. Pure.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from samobot.claude.git_risk import ADDRESS, EXPANDED, REMOTE_COPY, git_reasons
from samobot.claude.risk_places import RiskPlaces, is_secret, runs_later
from samobot.claude.risk_reasons import (
    CONTAINERS,
    DATABASE,
    DELETES,
    EDITS,
    INSTALLS,
    KEPT,
    MADE_UP,
    NETWORK,
    OUTSIDE,
    PUBLISHES,
    RUNS_LATER,
    SECRETS,
)
from samobot.claude.shell_command import DYNAMIC, ShellCommand, UnclearCommandError
from samobot.claude.shell_commands import shell_commands
from samobot.claude.shell_hidden import command_in_variable, commands_in_options, is_loader, loads_code
from samobot.claude.shell_programs import (
    BY_NAME,
    CONTAINER_TOOLS,
    COPIES,
    DROPS,
    HARMLESS_CONTAINER,
    IN_PLACE,
    INTERPRETERS,
    LOOPBACK,
    MOST_WRAPPERS,
    PUBLISHING,
    SHELLS,
    TAKES_VALUE,
    WRAPPERS,
    WRITERS,
)

_OUTPUTS = {"sort": ("--output", "-o")}
"""Options before a file that is written; of other programs `--output`."""

_SETTERS = ("env", "export", "declare", "typeset", "readonly", "local")


def shell_reasons(text: str, places: RiskPlaces, *, edits: bool = False) -> tuple[str, ...]:
    """Return why a command line is risky, as clauses; empty if it is not.

    Args:
        text: The command line.
        places: Where it runs.
        edits: Whether each recognizable change of a file counts as well.
    """
    try:
        found = dict.fromkeys(_Line(places, edits).reasons(text, 0))
    except UnclearCommandError as error:
        return (f"cannot be understood: {error}",)
    except RecursionError:
        return ("cannot be understood: it is nested too deeply",)
    return tuple(found)


class _Line:
    """One command line; follows where `cd` leads."""

    def __init__(self, places: RiskPlaces, edits: bool) -> None:
        self._places = places
        self._edits = edits
        self._base: str | None = os.fspath(places.work_dir)

    def reasons(self, text: str, depth: int) -> Iterator[str]:
        if depth > 4:
            raise UnclearCommandError("it is nested too deeply")
        if DROPS.search(text):
            yield DATABASE
        for command in shell_commands(text):
            yield from self._command(command, command.words, depth)
            yield from self._files(command)

    def _command(self, command: ShellCommand, words: Sequence[str], depth: int) -> Iterator[str]:
        while words and words[0].startswith("-"):  # of the keyword `time`
            words = words[1:]
        yield from self._variables((*command.assignments, *_assigned(words)), depth)
        if not words:
            return
        name = os.path.basename(words[0])
        if EXPANDED.search(words[0]):
            yield MADE_UP
            return
        arguments = words[1:]
        for line in commands_in_options(name, arguments):
            yield from self._line(line, depth)
        if is_loader(name, arguments):
            yield MADE_UP
        if "{" in arguments:  # `coproc NAME {`
            yield from self._command(command, arguments[arguments.index("{") + 1 :], depth + 1)
        if name in ("cd", "pushd"):
            self._enter(arguments)
        elif name in WRAPPERS:
            if depth >= MOST_WRAPPERS:
                raise UnclearCommandError("it is nested too deeply")
            for inner in _unwrapped(name, arguments):
                yield from self._command(command, inner, depth + 1)
        elif name in SHELLS:
            yield from self._shell(command, arguments, depth)
        elif name in ("eval", "trap", "alias"):
            yield from self._eval(name, arguments, depth)
        elif name in ("source", ".") and any(DYNAMIC in each for each in arguments):
            yield MADE_UP
        elif name == "git":
            yield from git_reasons(arguments)
        elif name == "find":
            yield from self._find(command, arguments, depth)
        elif name in CONTAINER_TOOLS:
            first = next((each for each in arguments if not each.startswith("-")), "")
            if first == "push":
                yield PUBLISHES
            elif first not in HARMLESS_CONTAINER and arguments not in (("--version",), ()):
                yield CONTAINERS
        elif name in BY_NAME:
            reason = BY_NAME[name]
            if not (reason == NETWORK and _is_local(arguments)) and arguments not in (
                ("--version",),
                ("--help",),
            ):
                yield reason
        elif name in PUBLISHING and any(each in PUBLISHING[name].split() for each in arguments):
            yield PUBLISHES
        elif (
            (
                name in ("npm", "pnpm", "yarn", "bun")
                and any(each in ("-g", "--global", "global") for each in arguments)
            )
            or (
                name in ("pip", "pip3")
                and any(each in ("--break-system-packages", "--user") for each in arguments)
            )
            or (name, *arguments[:1]) in (("cargo", "install"), ("go", "install"), ("gem", "install"))
        ):
            yield INSTALLS
        elif name == "rsync" and any(REMOTE_COPY.match(each) for each in arguments):
            yield NETWORK
        elif (name == "rm" and any(_is_recursive(each) for each in arguments)) or name.startswith("mkfs"):
            yield DELETES
        if (
            command.piped
            and name in INTERPRETERS
            and not [each for each in arguments if each not in ("-", "-s")]
        ):
            yield MADE_UP

    def _shell(self, command: ShellCommand, arguments: Sequence[str], depth: int) -> Iterator[str]:
        for index, word in enumerate(arguments):
            if word.startswith("-") and not word.startswith("--") and "c" in word:
                script = arguments[index + 1] if index + 1 < len(arguments) else ""
                yield from self._line(script, depth)
                return
        if any(each.operator.startswith("<") for each in command.redirections) or DYNAMIC in "".join(
            arguments
        ):
            yield MADE_UP

    def _eval(self, name: str, arguments: Sequence[str], depth: int) -> Iterator[str]:
        match name:
            case "trap":
                script = arguments[0] if arguments else ""
            case "alias":
                script = "\n".join(each.partition("=")[2] for each in arguments)
            case _:
                script = " ".join(arguments)
        yield from self._line(script, depth)

    def _line(self, text: str, depth: int) -> Iterator[str]:
        """What a command line that is an argument does."""
        if DYNAMIC in text:
            yield MADE_UP
        yield from self.reasons(text.replace(DYNAMIC, "$X"), depth + 1)

    def _variables(self, assignments: Sequence[str], depth: int) -> Iterator[str]:
        for each in assignments:
            if loads_code(each):
                yield MADE_UP
            elif (line := command_in_variable(each)) is not None:
                yield from self._line(line, depth)

    def _find(self, command: ShellCommand, arguments: Sequence[str], depth: int) -> Iterator[str]:
        for index, word in enumerate(arguments):
            if word == "-delete":
                yield DELETES
            elif word in ("-fprint", "-fprint0", "-fprintf", "-fls"):
                yield from self._written("".join(arguments[index + 1 : index + 2]))
            elif word in ("-exec", "-execdir", "-ok", "-okdir"):
                inner = arguments[index + 1 :]
                end = next((at for at, each in enumerate(inner) if each in (";", "+")), len(inner))
                yield from self._command(command, inner[:end], depth + 1)
                if os.path.basename(inner[0] if inner else "") == "rm":
                    yield DELETES

    def _enter(self, arguments: Sequence[str]) -> None:
        target = next((each for each in arguments if not each.startswith("-") or each == "-"), "~")
        self._base = (
            None if self._base is None or target == "-" else self._places.absolute(target, self._base)
        )

    def _files(self, command: ShellCommand) -> Iterator[str]:
        """What the command does to files that its arguments and redirections name."""
        words = _innermost(command.words)
        name = os.path.basename(words[0]) if words else ""
        writes = name in WRITERS and (
            name not in IN_PLACE or any(IN_PLACE[name].match(each) for each in words[1:])
        )
        for index, word in enumerate(words[1:]):
            value = word.partition("=")[2] if word.startswith("-") else word
            is_target = word is words[-1] or words[index] == "-t" or word.startswith("--target-directory=")
            if value and (is_secret(value) or is_secret(self._absolute(value) or "")):
                yield SECRETS
            if word.startswith("--output=") or words[index] in _OUTPUTS.get(name, ("--output",)):
                yield from self._written(value)
            if writes and value and not ADDRESS.match(value) and (name not in COPIES or is_target):
                yield from self._written(value, only_paths=True)
        for redirection in command.redirections:
            if is_secret(redirection.target):
                yield SECRETS
            if redirection.writes:
                yield from self._written(redirection.target)
        if writes and self._edits and name not in ("mkdir",) and not self._is_all_scratch(words[1:]):
            yield EDITS

    def _written(self, target: str, *, only_paths: bool = False) -> Iterator[str]:
        path = self._absolute(target)
        if path is None:
            # A relative path below an unknown folder, or one that is not known before it runs.
            if self._base is None and not only_paths:
                yield OUTSIDE
            return
        if self._places.is_kept(path):
            yield KEPT
        elif runs_later(path) and not self._places.is_of_session(path):
            yield RUNS_LATER
        if not self._places.is_own(path):
            yield OUTSIDE
        elif self._edits and not only_paths and not self._places.is_of_session(path):
            yield EDITS

    def _is_all_scratch(self, arguments: Sequence[str]) -> bool:
        named = [each for each in arguments if not each.startswith("-")]
        paths = [self._absolute(each) for each in named]
        return bool(paths) and all(path is not None and self._places.is_of_session(path) for path in paths)

    def _absolute(self, path: str) -> str | None:
        if self._base is None and not path.startswith(("/", "~")):
            return None
        return self._places.absolute(path, self._base)


def _assigned(words: Sequence[str]) -> Sequence[str]:
    """The variables that a command sets by its arguments, as `NAME=value`."""
    return [each for each in words[1:] if "=" in each] if words and words[0] in _SETTERS else []


def _unwrapped(name: str, arguments: Sequence[str]) -> Iterator[Sequence[str]]:
    """The command that a wrapper starts; more than one if an option could have a value."""
    rest = list(arguments)
    while rest and (rest[0].startswith("-") or (name == "env" and "=" in rest[0])):
        option = rest.pop(0)
        if option in TAKES_VALUE and rest:
            yield tuple(rest)
            rest.pop(0)
    if name in ("timeout", "flock") and rest:
        rest.pop(0)
    if name in ("parallel", "watch"):
        rest = [word for each in rest if each != ":::" for word in each.split()]
    yield rest


def _innermost(words: Sequence[str]) -> Sequence[str]:
    for _ in range(MOST_WRAPPERS):
        if not words or os.path.basename(words[0]) not in WRAPPERS:
            break
        *_, words = _unwrapped(os.path.basename(words[0]), words[1:])
    return words


def _is_recursive(word: str) -> bool:
    return word == "--recursive" or (
        word.startswith("-") and not word.startswith("--") and any(sign in word for sign in "rR")
    )


def _is_local(arguments: Sequence[str]) -> bool:
    """Whether every address is of this machine, and there is one."""
    named = [each for each in arguments if not each.startswith("-")]
    addresses = [each for each in named if ADDRESS.match(each) or _host(f"//{each}") in LOOPBACK]
    return bool(addresses) and all(
        _host(each if "//" in each else f"//{each}") in LOOPBACK for each in addresses
    )


def _host(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""
