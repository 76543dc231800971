"""What in the user's own Claude Code settings breaks an iteration, or keeps it from asking.

Measured on 2.1.197 and 2.1.332: under `bypassPermissions` too, an `ask` rule denies its tool, `deny` removes it, and
`disableBypassPermissionsMode` denies every tool that no `allow` rule names. Hooks of the user run in each iteration.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from samobot.claude.invocation import ITERATION_VARIABLE, ClaudeOptions
from samobot.errors import UsageError
from samobot.frozen import frozen

_MANAGED = Path("/etc/claude-code")
_MAX_BYTES = 1024 * 1024
_NEEDED = ("Bash", "Edit", "Write")
"""Tools without which no phase can do its work."""

_WHOLE_TOOL = re.compile(r"(\w+)(\(\*?\))?")
_DECIDING_HOOKS = (
    "UserPromptSubmit",
    "PreToolUse",
    "PermissionRequest",
    "Stop",
    "SubagentStop",
    "SessionStart",
)
"""Events whose hooks can refuse the prompt or a tool, send the agent back to work, or add to what it is given."""


@frozen
class SettingsProblem:
    """Something in the user's settings that an unattended run suffers from.

    Attributes:
        text: What it is and what it does.
        remedy: What the user can do.
        fatal: Whether no iteration can do its work with it.
    """

    text: str
    remedy: str
    fatal: bool


def settings_problems(
    options: ClaudeOptions, environ: Mapping[str, str], managed: Path = _MANAGED
) -> tuple[SettingsProblem, ...]:
    """Find what breaks an iteration in the settings of the user and of the machine's administrator.

    Args:
        options: How the CLI is run; with `--setting-sources` in its arguments the user has decided what counts.
        environ: The environment it would get.
        managed: The folder of the administrator's settings.
    """
    if any(arg.partition("=")[0] == "--setting-sources" for arg in options.args):
        return ()
    found = [
        problem
        for file in _files(environ, managed)
        for problem in _in_file(file, options, is_managed=file.is_relative_to(managed))
    ]
    return tuple(sorted(found, key=lambda problem: not problem.fatal))


def check_user_settings(options: ClaudeOptions, environ: Mapping[str, str]) -> None:
    """Refuse to run with settings that leave an iteration without its tools.

    Raises:
        UsageError: Naming the setting, its file and the remedy.
    """
    for problem in settings_problems(options, environ):
        if problem.fatal:
            raise UsageError(f"No iteration can work: {problem.text}. {problem.remedy}")


def config_folder(environ: Mapping[str, str]) -> Path:
    """The folder of the CLI's settings and records."""
    named = environ.get("CLAUDE_CONFIG_DIR")
    return Path(named) if named else Path(environ.get("HOME") or Path.home()) / ".claude"


def settings_environment(environ: Mapping[str, str], managed: Path = _MANAGED) -> dict[str, str]:
    """The variables that the CLI takes from the settings of the user and of the machine's administrator."""
    found: dict[str, str] = {}
    for file in _files(environ, managed):
        variables = _object(_read(file).get("env"))
        found |= {name: value for name, value in variables.items() if isinstance(value, str)}
    return found


def _files(environ: Mapping[str, str], managed: Path) -> Iterator[Path]:
    yield config_folder(environ) / "settings.json"
    yield managed / "managed-settings.json"
    yield from sorted((managed / "managed-settings.d").glob("*.json"))


def _in_file(file: Path, options: ClaudeOptions, *, is_managed: bool) -> Iterator[SettingsProblem]:
    settings = _read(file)
    permissions = _object(settings.get("permissions"))
    allowed = set(_whole_tools(permissions.get("allow")))
    missing = [tool for tool in _NEEDED if tool not in allowed]
    is_off = permissions.get("disableBypassPermissionsMode") == "disable"
    if is_off and missing and options.permission_mode == "bypassPermissions":
        yield SettingsProblem(
            f"{file} has permissions.disableBypassPermissionsMode, so {', '.join(missing)} would be denied",
            f"Remove it there, or add {_quoted(missing)} to permissions.allow.",
            fatal=True,
        )
    for kind in ("deny",) if options.asks else ("ask", "deny"):
        refused = [tool for tool in _NEEDED if tool in _whole_tools(permissions.get(kind))]
        if refused:
            yield SettingsProblem(
                f"permissions.{kind} in {file} holds {_quoted(refused)}, and an iteration cannot ask for permission",
                "Remove that there, or name single commands, such as Bash(git push *).",
                fatal=True,
            )
    free = [tool for tool in _NEEDED if tool in allowed]
    if options.asks and free:
        yield SettingsProblem(
            f"permissions.allow in {file} holds {_quoted(free)}: such calls are never asked about, whatever SAMOBOT_ASK is",
            "Remove that there, or name single commands, such as Bash(npm test).",
            fatal=False,
        )
    if is_managed and settings.get("disableAllHooks") is True:  # samobot turns it off in the user's
        yield SettingsProblem(
            f"{file} has disableAllHooks: nothing sends back an iteration that ends without a signal, or keeps an agent "
            "from starting others past the budget",
            "Ask your administrator to remove it there.",
            fatal=False,
        )
        return
    events = [event for event in _DECIDING_HOOKS if _object(settings.get("hooks")).get(event)]
    if events:
        yield SettingsProblem(
            f"hooks in {file} take part in each iteration and can stop it: {', '.join(events)}",
            f"Let them do nothing where the variable {ITERATION_VARIABLE} is set.",
            fatal=False,
        )


def _read(file: Path) -> dict[str, Any]:
    """A settings file; empty if there is none or the CLI could not read it either."""
    try:
        if os.path.getsize(file) > _MAX_BYTES or not file.is_file():
            return {}
        return _object(json.loads(file.read_bytes()))
    except (OSError, ValueError, RecursionError):
        return {}


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _whole_tools(rules: object) -> Iterator[str]:
    """The tools that rules name without a condition: `Bash`, `Bash()`, `Bash(*)`."""
    for rule in rules if isinstance(rules, list) else ():
        found = _WHOLE_TOOL.fullmatch(rule) if isinstance(rule, str) else None
        if found:
            yield found[1]


def _quoted(tools: list[str]) -> str:
    return ", ".join(f'"{tool}"' for tool in tools)
