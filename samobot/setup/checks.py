"""Gathers what `samobot doctor` judges: asks programs, files and Telegram, all at the same time, each for a while only."""

from __future__ import annotations

import shutil
import sqlite3
import stat
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from samobot.claude.reaper import become_subreaper
from samobot.config.address import known_projects
from samobot.config.project import Project
from samobot.config.project_guard import ProjectGuard
from samobot.config.settings import Settings
from samobot.config.settings_loader import load_settings
from samobot.errors import SamobotError, UsageError
from samobot.fleet import emergency_flag
from samobot.hosts.link import host_link_file
from samobot.session.commit_check import OLD_LOCK
from samobot.session.folder import list_folders
from samobot.session.git import Git, GitError
from samobot.session.lock import holder
from samobot.setup import doctor
from samobot.setup.agent_checks import claude_findings, codex_findings, sentence_and_remedy
from samobot.setup.agent_limits import agent_limits
from samobot.setup.doctor import Finding, Level
from samobot.setup.project_checks import can_be_written, nearest_folder, project_finding
from samobot.setup.repositories import has_git_identity
from samobot.setup.service_checks import service_findings
from samobot.setup.telegram_check import BotApi, RefusedError, TokenError, UnreachableError, clean_token
from samobot.system.clock import utc_now
from samobot.system.platform.current import platform

_SECONDS = 10.0
_MOST_FILES = 2000
_LOCKS = ("index.lock", "HEAD.lock")


def examine(environ: Mapping[str, str], cwd: Path) -> list[Finding]:
    """Look at everything samobot needs; takes a few seconds, mostly the Claude CLI's.

    Args:
        environ: The environment.
        cwd: Where a project is looked for besides the configured ones.
    """
    settings, findings = _configuration(environ)
    projects, problems = _projects(settings, cwd)
    checks: list[Callable[[], list[Finding]]] = [
        lambda: [
            doctor.python(sys.version_info[:3]),
            doctor.subreaper(become_subreaper()),
            *doctor.portable(platform().weaknesses),
        ],
        lambda: claude_findings(settings, projects, environ),
        lambda: list(codex_findings(settings, environ)),
        lambda: list(agent_limits(settings, environ)),
        lambda: _telegram(settings),
        lambda: [_people(settings)] if settings.telegram_bot_token else [],
        lambda: problems + [project_finding(project) for project in projects],
        lambda: [_git(environ)],
        lambda: _disks(settings, projects),
        lambda: [_modes(settings)],
        lambda: [_locks(projects)],
        lambda: service_findings(settings, environ),
        lambda: _hosts(settings.samobot_state_dir, environ),
        lambda: _emergency(settings),
    ]
    with ThreadPoolExecutor(len(checks)) as pool:
        for found in pool.map(_guarded, checks):
            findings += found
    return findings


def _guarded(check: Callable[[], list[Finding]]) -> list[Finding]:
    """One check that fails must not hide the others."""
    try:
        return check()
    except SamobotError as error:
        return [Finding("Check", Level.ERROR, error.message)]
    except OSError as error:
        where = f" {error.filename}" if error.filename else ""
        return [Finding("Check", Level.ERROR, f"could not be made:{where} {error.strerror or error}")]


def _configuration(environ: Mapping[str, str]) -> tuple[Settings, list[Finding]]:
    try:
        settings = load_settings(environ, strict=False)
    except UsageError as error:
        remedy = "Correct that; the lines below are about the defaults."
        return Settings(), [Finding("Configuration", Level.ERROR, error.message, remedy)]
    if settings.env_file is None:
        return settings, [
            Finding("Configuration", Level.WARNING, "there is no .env file", "Run: samobot init")
        ]
    return settings, [Finding("Configuration", Level.OK, str(settings.env_file))]


def _telegram(settings: Settings) -> list[Finding]:
    if not settings.telegram_bot_token:
        if host_link_file(settings.samobot_state_dir).exists():
            return [
                Finding("Bot token", Level.OK, "none here: this machine is a host, the bot runs on its hub")
            ]
        text = "no token is set: sessions run at a terminal, but not from a chat"
        return [Finding("Bot token", Level.WARNING, text, "Run: samobot init")]
    try:
        token = clean_token(settings.telegram_bot_token)
    except UsageError as error:
        return [Finding("Bot token", Level.ERROR, error.message, "Run: samobot init")]
    with BotApi(token, settings.telegram_api_url) as api:
        try:
            me = api.call("getMe")
        except TokenError as error:
            return [Finding("Bot token", Level.ERROR, *sentence_and_remedy(error.message))]
        except (RefusedError, UnreachableError) as error:
            return [Finding("Bot token", Level.ERROR, *sentence_and_remedy(error.message))]
        findings = [Finding("Bot token", Level.OK, f"@{me['username']}")]
        findings.append(_chat(api, settings.telegram_chat_id))
        hook = api.call("getWebhookInfo")
        if hook.get("url"):
            remedy = "Another program uses this bot: give samobot a bot of its own (samobot init)."
            findings.append(Finding("Webhook", Level.ERROR, "one is set, so polling cannot work", remedy))
        findings.append(doctor.clock(api.skew))
    return findings


def _chat(api: BotApi, chat_id: int | None) -> Finding:
    if chat_id is None:
        return Finding("Chat", Level.WARNING, "TELEGRAM_CHAT_ID is not set", "Run: samobot init")
    try:
        chat = api.call("getChat", chat_id=chat_id)
    except (RefusedError, UnreachableError) as error:
        remedy = "Open the chat with the bot and press Start, or run samobot init for another chat."
        return Finding("Chat", Level.ERROR, f"{chat_id} cannot be reached. {error.message}", remedy)
    name = chat.get("title") or chat.get("first_name") or "a chat"
    return Finding("Chat", Level.OK, f"{name} ({chat_id}) can be reached")


def _people(settings: Settings) -> Finding:
    database = settings.samobot_state_dir / "bot.db"
    paired = 0
    if database.is_file():
        try:
            connection = sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True, timeout=5)
            try:
                paired = connection.execute("SELECT count(*) FROM people WHERE kind = 'user'").fetchone()[0]
            finally:
                connection.close()
        except sqlite3.Error as error:
            text = f"{database} cannot be read ({error})"
            return Finding(
                "People",
                Level.WARNING,
                text,
                "Stop the bot and move the file away: no session loses anything.",
            )
    return doctor.people(settings.allowed_users, paired)


def _projects(settings: Settings, cwd: Path) -> tuple[list[Project], list[Finding]]:
    try:
        projects, problems = known_projects(
            None, cwd, settings.samobot_projects, ProjectGuard(settings.samobot_state_dir, utc_now).read
        )
    except SamobotError as error:
        if settings.samobot_projects:
            return [], [Finding("Project", Level.ERROR, error.message)]
        return [], [Finding("Project", Level.WARNING, "none is configured", "Run: samobot init")]
    return projects, [Finding("Project", Level.ERROR, problem) for problem in problems]


def _git(environ: Mapping[str, str]) -> Finding:
    git = Git(Path.home())
    try:
        version = git.run("--version").strip()
    except (GitError, UsageError):
        version = None
    identity = version is not None and has_git_identity(git.folder, environ)
    return doctor.git(version.removeprefix("git version ") if version else None, identity)


def _disks(settings: Settings, projects: list[Project]) -> list[Finding]:
    wanted = [settings.samobot_state_dir]
    wanted += [path for project in projects for path in (project.sessions, project.worktrees)]
    by_device: dict[int, Path] = {}
    for folder in wanted:
        there = nearest_folder(folder)
        by_device.setdefault(there.stat().st_dev, there)
    found = [doctor.disk(shutil.disk_usage(path).free, path) for path in by_device.values()]
    if not can_be_written(state := nearest_folder(settings.samobot_state_dir)):
        text = f"{state} cannot be written: no emergency stop, no daily budget and no bot without it"
        found.append(Finding("State folder", Level.ERROR, text, "Fix that, or set SAMOBOT_STATE_DIR."))
    return found


def _modes(settings: Settings) -> Finding:
    bad: list[tuple[Path, int]] = []
    good = 0
    for path in _secret_paths(settings):
        try:
            mode = stat.S_IMODE(path.lstat().st_mode)
        except FileNotFoundError:
            continue
        if path.is_symlink() or not mode & 0o077:
            good += 1
        else:
            bad.append((path, mode))
    return doctor.modes(bad, good)


def _secret_paths(settings: Settings) -> Iterator[Path]:
    if settings.env_file is not None:
        yield settings.env_file
    state = settings.samobot_state_dir
    if not state.is_dir():
        return
    yield state
    for count, path in enumerate(state.iterdir()):
        if count >= _MOST_FILES:
            return
        yield path


def _locks(projects: list[Project]) -> Finding:
    lost: list[str] = []
    old: list[Path] = []
    seen = 0
    for project in projects:
        for folder in list_folders(project.sessions):
            seen += 1
            try:
                described = folder.lock.stat().st_size > 0
            except OSError:
                continue
            if described and holder(folder) is None:
                lost.append(folder.name)
        dot_git = project.main_repo / ".git"
        for path in (
            place for name in _LOCKS for place in (dot_git / name, *dot_git.glob(f"worktrees/*/{name}"))
        ):
            try:
                if time.time() - path.stat().st_mtime > OLD_LOCK:
                    old.append(path)
            except OSError:
                continue
    return doctor.locks(lost, old, seen)


def _hosts(state_dir: Path, environ: Mapping[str, str]) -> list[Finding]:
    if not (state_dir / "hub").is_dir() and not (state_dir / "hosts").is_dir():
        return []  # one machine needs none of those packages
    try:
        from samobot.setup.hub_checks import examine_hosts
    except ImportError as error:
        remedy = "Install samobot with its extra: samobot[hosts]"
        return [Finding("Hosts", Level.ERROR, f"the package {error.name} is missing", remedy)]
    return examine_hosts(state_dir, environ)


def _emergency(settings: Settings) -> list[Finding]:
    pulled = emergency_flag.read_flag(settings.samobot_state_dir)
    if pulled is None:
        return []
    text = f"{pulled.who} pulled it: nothing starts"
    return [Finding("Emergency stop", Level.WARNING, text, "Release it with: samobot resume --all")]
