"""Why a call of git is risky: it publishes, discards work or history, changes settings, or reaches other machines. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from samobot.claude.risk_reasons import DISCARDS, GIT_SETTINGS, MADE_UP, NETWORK, PUBLISHES
from samobot.claude.shell_command import DYNAMIC
from samobot.regex import regex

ADDRESS = regex(r"^[a-z][a-z0-9+.-]*://", re.IGNORECASE)
"""An address with its scheme."""

REMOTE_COPY = regex(r"^(?:[\w.-]+@)?[\w.-]+:(?!//)")
"""A place on another machine as scp names it."""

EXPANDED = regex(rf"{DYNAMIC}|[*?{{]|\[.+\]")
"""A name that the shell makes another one of, before it runs."""

_PRESERVING_CONFIG = (
    "user.",
    "color.",
    "advice.",
    "core.quotepath",
    "core.pager",
    "commit.",
    "diff.",
    "log.",
    "init.",
)

_STARTING_CONFIG = re.compile(
    r"core\.pager=(?!(?:cat|less|)$)|diff\.external=|diff\..*\.(?:command|textconv)=|init\.templatedir=",
    re.IGNORECASE,
)
"""Settings among those that name programs."""


def git_reasons(arguments: Sequence[str]) -> Iterator[str]:
    """Why a call of git is risky, from its arguments."""
    rest = list(arguments)
    while rest and rest[0].startswith("-"):
        option = rest.pop(0)
        if option == "-c" and rest:
            setting = rest.pop(0)
            if not setting.startswith(_PRESERVING_CONFIG) or _STARTING_CONFIG.match(setting):
                yield GIT_SETTINGS
        elif option.startswith(("--config-env", "--exec-path=")):
            yield GIT_SETTINGS
        elif option in ("-C", "--git-dir", "--work-tree", "--namespace", "--exec-path") and rest:
            rest.pop(0)
    command, rest = (rest[0], rest[1:]) if rest else ("", [])
    flags = {each for each in rest if each.startswith("-")}
    named = [each for each in rest if not each.startswith("-")]
    match command:
        case "push" | "send-email" | "request-pull" | "svn" | "p4":
            yield PUBLISHES
        case "clone" | "ls-remote" | "fetch-pack" | "archive" if any(_is_remote(each) for each in named):
            yield NETWORK
        case "fetch" | "pull" if any(_is_remote(each) for each in named):
            yield NETWORK
        case "remote" if named and named[0] in ("add", "set-url", "remove", "rm", "rename"):
            yield GIT_SETTINGS
        case "config" if not flags & {"--get", "--get-all", "--list", "-l", "--get-regexp"} and (
            len(named) > 1 or flags - {"--global", "--local"}
        ):
            yield GIT_SETTINGS
        case "submodule" if named and named[0] in ("add", "update", "set-url", "foreach"):
            yield NETWORK
        case "reset" if "--hard" in flags or "--merge" in flags:
            yield DISCARDS
        case "clean" if not flags & {"-n", "--dry-run"}:
            yield DISCARDS
        case "checkout" if flags & {"-f", "--force", "--"} or "." in named:
            yield DISCARDS
        case "restore" if not ("--staged" in flags and "--worktree" not in flags):
            yield DISCARDS
        case "switch" if flags & {"-f", "--force", "--discard-changes", "-C"}:
            yield DISCARDS
        case "branch" if flags & {"-D", "-d", "--delete", "-f", "--force", "-M"}:
            yield DISCARDS
        case "tag" if flags & {"-d", "--delete", "-f"}:
            yield DISCARDS
        case "stash" if named and named[0] in ("drop", "clear"):
            yield DISCARDS
        case "reflog" if named and named[0] in ("expire", "delete"):
            yield DISCARDS
        case "worktree" if named and named[0] in ("remove", "prune", "move"):
            yield DISCARDS
        case "update-ref" | "filter-branch" | "filter-repo" | "replace" | "gc" | "prune":
            yield DISCARDS
        case _:
            if EXPANDED.search(command):
                yield MADE_UP


def _is_remote(word: str) -> bool:
    return bool(ADDRESS.match(word) or REMOTE_COPY.match(word) or DYNAMIC in word)
