"""What `samobot doctor` judges about the programs that agents run in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from samobot.assets import plugin_dir
from samobot.claude.codex_program import NO_CODEX_PRICE, CodexProgram
from samobot.claude.invocation import ClaudeOptions
from samobot.claude.preflight import Cli, is_wrapper, preflight
from samobot.claude.trial_start import missing_parts, trial_start
from samobot.claude.user_settings import settings_problems
from samobot.config.project import Project
from samobot.config.settings import Settings
from samobot.config.trust import is_trusted, project_settings
from samobot.errors import UsageError
from samobot.phases import Phase
from samobot.session.provider import Provider
from samobot.setup import doctor
from samobot.setup.doctor import Finding, Level
from samobot.setup.mcp_check import mcp_findings


def claude_findings(settings: Settings, projects: list[Project], environ: Mapping[str, str]) -> list[Finding]:
    """Whether the Claude CLI works here, with the user's settings and MCP servers; takes seconds."""
    options = ClaudeOptions(
        path=settings.claude_path,
        permission_mode=settings.cli_permission_mode,
        asks=settings.asks,
        args=settings.claude_args,
    )
    try:
        cli = preflight(options, environ)
    except UsageError as error:
        return [Finding("Claude", Level.ERROR, *sentence_and_remedy(error.message))]
    findings = [Finding("Claude", Level.OK, f"{cli.version} at {cli.path}")]
    folders = (None, *_trusted_folders(settings, projects))
    problems = dict.fromkeys(
        problem for folder in folders for problem in settings_problems(options, environ, project=folder)
    )
    findings += doctor.claude_settings(list(problems), wrapper=is_wrapper(cli.path))
    if not is_wrapper(cli.path):
        findings += _start_findings(cli, options, environ)
        findings += mcp_findings(settings, projects, environ)
    try:
        preflight(options, environ, login=True)
    except UsageError as error:
        return [*findings, Finding("Claude's login", Level.ERROR, *sentence_and_remedy(error.message))]
    return [*findings, Finding("Claude's login", Level.OK, "logged in")]


def _start_findings(cli: Cli, options: ClaudeOptions, environ: Mapping[str, str]) -> Iterator[Finding]:
    """What this version makes of a start with samobot's flags."""
    remedy = "Use an older version of Claude Code, or a newer samobot."
    try:
        start = trial_start(cli.path, options, environ, plugin_dir())
    except UsageError as error:
        yield Finding("Claude's start", Level.WARNING, error.message, remedy)
        return
    if start.init is None:
        text = f"{cli.version} does not start as samobot calls it; it said: {start.error}"
        yield Finding("Claude's start", Level.ERROR, text, remedy)
    elif missing := missing_parts(start.init, options, plugin_dir()):
        text = f"{cli.version} starts without {', '.join(missing)}"
        yield Finding("Claude's start", Level.WARNING, text, remedy)
    else:
        text = "with all flags, tools, agents and commands of an iteration"
        yield Finding("Claude's start", Level.OK, text)


def _trusted_folders(settings: Settings, projects: list[Project]) -> Iterator[Path]:
    """The projects whose own Claude settings count."""
    for project in projects:
        content = project_settings(project.main_repo)
        if content is not None and is_trusted(settings.samobot_state_dir, project, content):
            yield project.main_repo


def codex_findings(settings: Settings, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Whether Codex works here, and what it cannot do; nothing if no phase is its."""
    phases = [phase for phase in Phase if settings.provider(phase) is Provider.CODEX]
    if not phases:
        return
    program = CodexProgram.configured(settings, plugin_dir())
    try:
        version = program.check(environ, login=True)
    except UsageError as error:
        yield Finding("Codex", Level.ERROR, *sentence_and_remedy(error.message))
        return
    yield Finding("Codex", Level.OK, f"{version}, for {' and '.join(phases)}")
    text = f"it {'; it '.join(program.lacks)}"
    unbudgeted = settings.samobot_budget_usd is None and settings.samobot_daily_budget_usd is None
    if program.price is not None or unbudgeted:
        yield Finding("Codex's limits", Level.OK, text)
    elif settings.codex_price is None:
        yield Finding("Codex's limits", Level.ERROR, text, NO_CODEX_PRICE)
    else:
        remedy = "The budget counts Claude's phases only; watch Codex's costs where they are billed."
        yield Finding("Codex's limits", Level.WARNING, text, remedy)


def sentence_and_remedy(message: str) -> tuple[str, str]:
    """Split an error message into what is wrong and what to do: after a colon, or the last sentence."""
    for mark in (". ", ": "):
        wrong, found, remedy = message.partition(mark)
        if found:
            return wrong, remedy[:1].upper() + remedy[1:]
    return message, ""
