"""Commands that stand in options and variables of other commands: `tar --to-command=…`, `GIT_EDITOR=… git commit`. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

_LOADING = re.compile(
    r"(?:LD_(?:PRELOAD|LIBRARY_PATH|AUDIT)|GIT_SSH\w*|GIT_CONFIG_(?:COUNT|PARAMETERS|(?:KEY|VALUE)_\d+)|GIT_EXEC_PATH"
    r"|PROMPT_COMMAND|BASH_ENV|PERL5OPT|RUBYOPT|PYTHONSTARTUP|LESSOPEN)\+?="
    r"|GIT_CONFIG_(?:GLOBAL|SYSTEM)=(?!/dev/null$)"
    r"|NODE_OPTIONS=.*(?:-r\b|--(?:require|import|loader|experimental-loader))"
)
"""Variables by which a program runs what the command does not show."""

_STARTING = re.compile(
    r"(?:(?:GIT_)?(?:EDITOR|PAGER)|GIT_(?:ASKPASS|EXTERNAL_DIFF|PROXY_COMMAND|SEQUENCE_EDITOR)|MANPAGER|SSH_ASKPASS|VISUAL"
    r"|BROWSER)=(.*)",
    re.DOTALL,
)
"""Variables that name a command line."""

_OPTIONS = {
    "compgen": "-C", "complete": "-C", "env": "-S --split-string", "flock": "-c --command", "mapfile": "-C",
    "readarray": "-C", "rg": "--pre", "rsync": "-e --rsh", "script": "-c -qc --command", "sort": "--compress-program",
    "split": "--filter",
    "tar": "-I -F --use-compress-program --to-command --checkpoint-action --info-script --new-volume-script --rsh-command",
    "git rebase": "-x --exec", "git difftool": "-x --extcmd", "git grep": "-O --open-files-in-pager",
    "git fetch": "--upload-pack", "git clone": "-u --upload-pack", "git pull": "--upload-pack",
}  # fmt: skip
"""Options, by the program, whose value is a command line."""

_LOADERS = {"bind": "-x", "enable": "-f", "hash": "-p", "bash": "--rcfile --init-file"}
"""Options with which a shell runs what the command does not show."""


def loads_code(assignment: str) -> bool:
    """Whether a variable, as `NAME=value`, makes programs run what the command does not show."""
    return _LOADING.match(assignment) is not None


def command_in_variable(assignment: str) -> str | None:
    """The command line that a variable, as `NAME=value`, names; None if it names none."""
    found = _STARTING.fullmatch(assignment)
    return None if found is None else found[1]


def is_loader(name: str, arguments: Sequence[str]) -> bool:
    """Whether a shell's command runs what its text does not show."""
    return any(each in arguments for each in _LOADERS.get(name, "").split())


def commands_in_options(name: str, arguments: Sequence[str]) -> Iterator[str]:
    """The command lines among a program's options."""
    command = next((each for each in arguments if not each.startswith("-")), "")
    options = _OPTIONS.get(name) or (_OPTIONS.get(f"git {command}") if name == "git" else None) or ""
    for option in options.split():
        for index, word in enumerate(arguments):
            if word == option:
                yield from arguments[index + 1 : index + 2]
            elif word.startswith(f"{option}=" if option.startswith("--") else option):
                value = word.removeprefix(option).removeprefix("=")
                yield value.removeprefix("exec=")  # as `--checkpoint-action` has it
    if name == "git" and command == "bisect" and "run" in arguments:
        yield " ".join(arguments[arguments.index("run") + 1 :])
