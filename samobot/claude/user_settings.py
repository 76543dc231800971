"""What in the user's own Claude Code settings breaks an iteration, or keeps it from asking.

Measured on 2.1.197 and 2.1.332: under `bypassPermissions` too, an `ask` rule denies its tool, `deny` removes it, and
`disableBypassPermissionsMode` denies every tool that no `allow` rule names. Hooks of the user run in each iteration.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Set
from pathlib import Path
from typing import Any

from samobot.claude.invocation import ITERATION_VARIABLE, UNHOOKING, ClaudeOptions
from samobot.claude.permission_rules import whole_tool
from samobot.errors import UsageError
from samobot.frozen import frozen

_MANAGED = Path("/etc/claude-code")
_MAX_BYTES = 1024 * 1024
_OF_PROJECT = (".claude/settings.json", ".claude/settings.local.json")
_NEEDED = ("Bash", "Edit", "Write")
"""Tools without which no phase can do its work."""

_NO_TOOL = re.compile(r"\*|Bash(\(\*{0,2}\))?|Write(\(\*?\))?|(Edit|Read)(\((\*{0,2}|//\*\*)\))?")
"""Rules that refuse a tool of every iteration. What may not be read may not be written either, since 2.1.332."""

_NO_HELP = re.compile(r"(?:Agent|Task|Skill)(?:\((?:\*?|samocode:[^()]*)\))?")
"""Rules that refuse what an iteration can do without, but not as well."""

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
    options: ClaudeOptions,
    environ: Mapping[str, str],
    managed: Path = _MANAGED,
    *,
    project: Path | None = None,
) -> tuple[SettingsProblem, ...]:
    """Find what breaks an iteration in the settings of the user, their plugins, and the machine's administrator.

    Args:
        options: How the CLI is run; with `--setting-sources` in its arguments the user has decided what counts.
        environ: The environment it would get.
        managed: The folder of the administrator's settings.
        project: The working directory, if the user trusts its settings.
    """
    if any(arg.partition("=")[0] == "--setting-sources" for arg in options.args):
        return ()
    files = [*_files(environ, managed), *(project / name for name in _OF_PROJECT if project is not None)]
    read = [(file, _read(file)) for file in files]
    anywhere = {tool for _, settings in read for tool in _whole_tools(_permissions(settings).get("allow"))}
    found = [
        problem
        for file, settings in read
        for problem in _in_file(file, settings, options, anywhere, is_managed=file.is_relative_to(managed))
    ]
    found += _in_plugins(environ, [settings for _, settings in read])
    return tuple(sorted(found, key=lambda problem: not problem.fatal))


def check_user_settings(
    options: ClaudeOptions, environ: Mapping[str, str], project: Path | None = None
) -> tuple[SettingsProblem, ...]:
    """Refuse to run with settings that leave an iteration without its tools; see `settings_problems`.

    Returns:
        What only hinders an iteration.

    Raises:
        UsageError: Naming the setting, its file and the remedy.
    """
    problems = settings_problems(options, environ, project=project)
    for problem in problems:
        if problem.fatal:
            raise UsageError(f"No iteration can work: {problem.text}. {problem.remedy}")
    return problems


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


def _in_file(
    file: Path,
    settings: Mapping[str, Any],
    options: ClaudeOptions,
    anywhere: Set[str],
    *,
    is_managed: bool,
) -> Iterator[SettingsProblem]:
    """What is wrong in a file; `anywhere` are the tools that any of the files allows."""
    permissions = _permissions(settings)
    allowed = set(_whole_tools(permissions.get("allow"), nearly=True))
    missing = [tool for tool in _NEEDED if tool not in anywhere]
    is_off = permissions.get("disableBypassPermissionsMode") == "disable"
    if is_off and missing and options.permission_mode == "bypassPermissions":
        yield SettingsProblem(
            f"{file} has permissions.disableBypassPermissionsMode, so {', '.join(missing)} would be denied",
            f"Remove it there, or add {_quoted(missing)} to permissions.allow.",
            fatal=True,
        )
    for kind in ("deny",) if options.asks else ("ask", "deny"):
        refused = [rule for rule in _rules(permissions.get(kind)) if _NO_TOOL.fullmatch(rule)]
        if refused:
            yield SettingsProblem(
                f"permissions.{kind} in {file} holds {_quoted(refused)}, and an iteration cannot ask for permission",
                "Remove that there, or name single commands or files, such as Bash(git push *) or Read(.env).",
                fatal=True,
            )
        missed = [rule for rule in _rules(permissions.get(kind)) if _NO_HELP.fullmatch(rule)]
        if missed:
            yield SettingsProblem(
                f"permissions.{kind} in {file} holds {_quoted(missed)}: agents work without those skills or sub-agents, which "
                "review what they do",
                "Remove that there.",
                fatal=False,
            )
    free = [tool for tool in _NEEDED if tool in allowed]
    if options.asks and free:
        yield SettingsProblem(
            f"permissions.allow in {file} holds {_quoted(free)}: such calls are never asked about, whatever SAMOBOT_ASK is",
            "Remove that there, or name single commands, such as Bash(npm test).",
            fatal=False,
        )
    if _object(settings.get("sandbox")).get("enabled") is True:
        does = "with it no command can run" if is_managed else "it is not used"
        yield SettingsProblem(
            f"{file} has sandbox.enabled: {does} inside samobot's fence",
            "SAMOBOT_FENCE_NET limits the network of the fence; with SAMOBOT_FENCE=off the sandbox is used instead.",
            fatal=False,
        )
    if is_managed:
        yield from _in_managed(file, settings)
        if settings.get("disableAllHooks") is True:
            return
    if events := _deciding(settings):
        yield SettingsProblem(
            f"hooks in {file} take part in each iteration and can stop it: {events}",
            f"Let them do nothing where the variable {ITERATION_VARIABLE} is set.",
            fatal=False,
        )


def _in_managed(file: Path, settings: Mapping[str, Any]) -> Iterator[SettingsProblem]:
    """What only the administrator's settings can do: samobot's own go before the user's."""
    remedy = "Ask your administrator to remove it there."
    for name in ("disableAllHooks", "allowManagedHooksOnly"):
        if settings.get(name) is True:
            yield SettingsProblem(
                f"{file} has {name}: nothing sends back an iteration that ends without a signal, or keeps an agent from "
                "starting others past the budget",
                remedy,
                fatal=False,
            )
    variables = _object(settings.get("env"))
    fatal = [f"env.{name}" for name in UNHOOKING if variables.get(name) not in (None, "", "0", "false")]
    fatal += ["disableSideloadFlags"] * (settings.get("disableSideloadFlags") is True)
    for name in fatal:
        yield SettingsProblem(f"{file} has {name}, which leaves out samobot's plugin", remedy, fatal=True)


def _in_plugins(environ: Mapping[str, str], read: Iterable[Mapping[str, Any]]) -> Iterator[SettingsProblem]:
    """Hooks of the plugins that the settings enable, as Claude Code keeps them: `installed_plugins.json`, version 2."""
    enabled: dict[str, Any] = {}
    for settings in read:
        enabled |= _object(settings.get("enabledPlugins"))
    listed = _read(config_folder(environ) / "plugins" / "installed_plugins.json")
    for name, installed in _object(listed.get("plugins")).items():
        places = (
            [_object(each).get("installPath") for each in installed] if isinstance(installed, list) else []
        )
        folders = {Path(place) for place in places if isinstance(place, str)}
        found = [_deciding(hooks) for folder in sorted(folders) for hooks in _hooks_of_plugin(folder)]
        # The one of this name that samobot brings takes the place of an installed one.
        counts = enabled.get(name) is True and name.partition("@")[0] != "samocode"
        if counts and (events := next(filter(None, found), "")):
            yield SettingsProblem(
                f"hooks of the plugin {name} take part in each iteration and can stop it: {events}",
                f"Let them do nothing where the variable {ITERATION_VARIABLE} is set, or disable the plugin: "
                f"claude plugin disable {name}.",
                fatal=False,
            )


def _hooks_of_plugin(folder: Path) -> Iterator[dict[str, Any]]:
    """A plugin's hooks in the form of settings: its usual file, and what its manifest names or holds."""
    yield _read(folder / "hooks" / "hooks.json")
    named = _read(folder / ".claude-plugin" / "plugin.json").get("hooks")
    for each in named if isinstance(named, list) else [named]:
        if isinstance(each, str):
            yield _read(folder / each)
        else:
            yield {"hooks": _object(each).get("hooks", each)}


def _deciding(settings: Mapping[str, Any]) -> str:
    """The events of hooks that decide something."""
    return ", ".join(event for event in _DECIDING_HOOKS if _object(settings.get("hooks")).get(event))


def _read(file: Path) -> dict[str, Any]:
    """A settings file; empty if there is none or the CLI could not read it either."""
    try:
        if os.path.getsize(file) > _MAX_BYTES or not file.is_file():
            return {}
        return _object(json.loads(file.read_bytes()))
    except (OSError, ValueError, RecursionError):
        return {}


def _permissions(settings: Mapping[str, Any]) -> dict[str, Any]:
    return _object(settings.get("permissions"))


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _rules(rules: object) -> Iterator[str]:
    yield from (rule for rule in (rules if isinstance(rules, list) else ()) if isinstance(rule, str))


def _whole_tools(rules: object, *, nearly: bool = False) -> Iterator[str]:
    """The tools that rules name without a condition."""
    for rule in _rules(rules):
        if (tool := whole_tool(rule, nearly=nearly)) is not None:
            yield tool


def _quoted(rules: list[str]) -> str:
    return ", ".join(f'"{rule}"' for rule in rules)
