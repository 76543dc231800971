"""`samobot stop`, `pause`, `resume`, `archive`."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import click

from samobot.config.address import LocatedSession, known_projects, locate
from samobot.config.environment import find_whereabouts
from samobot.config.settings_loader import load_settings
from samobot.errors import ConflictError, UsageError
from samobot.fleet.desired_runs import desired_sessions
from samobot.fleet.emergency_flag import refuse_during_emergency
from samobot.fleet.launch import RunRequest, start_detached
from samobot.fleet.models import SessionRef
from samobot.phases import WaitingFor
from samobot.session import folder as folders
from samobot.session import gate, requests
from samobot.session.decisions import load_key
from samobot.session.folder import list_folders
from samobot.session.last_run import holds
from samobot.session.lock import holder
from samobot.session.requests import RequestKind, WakeResult, WorkerRequest
from samobot.session.snapshot import snapshot
from samobot.terminal.actor import find, person_at, project_reader, refuse_an_agent, user_name
from samobot.terminal.allowance import no_money
from samobot.terminal.options import US_DOLLARS, config_option, name_argument
from samobot.terminal.panic_command import release_panic
from samobot.terminal.worktree_prompt import ensure_worktree, recreate_option
from samobot.worker.halt import HaltResult, halt
from samobot.worker.session_files import SessionFiles

_AN_AGENT_SIGNALS = (
    "An agent may not stop or pause a session; write the signal and end the iteration instead."
)

_WOKEN = {
    WakeResult.UNPARKED: "continues now",
    WakeResult.PAUSE_LIFTED: "is running; the pause is canceled",
    WakeResult.RUNNING: "is running",
}


@click.command("stop")
@name_argument(required=False)
@click.option("--all", "everything", is_flag=True, help="Stop every running session of the known projects.")
@config_option
def stop_command(name: str | None, everything: bool, config: Path | None) -> int:
    """Stop a session now: its worker, the agent and all they started. It can be run again afterwards."""
    if (name is None) != everything:
        raise UsageError("Say which session to stop, or --all; not both.")
    # Not the settings: nothing that is wrong in them may keep a session running.
    places = find_whereabouts()
    _complain(places.problems)
    desired = desired_sessions(places.state_dir)
    projects, unreadable = known_projects(config, Path.cwd(), places.projects, project_reader())
    if name is not None:
        located = [locate(name, projects)]
    else:
        _complain(unreadable)
        located = [
            LocatedSession(project, folder)
            for project in projects
            for folder in list_folders(project.sessions)
            if holder(folder) is not None or _key(LocatedSession(project, folder)) in desired
        ]
        if not located:
            click.echo("Nothing is running.")
    for each in located:
        refuse_an_agent(each.folder, _AN_AGENT_SIGNALS)
    clean = True

    def end(one: LocatedSession) -> HaltResult:
        return halt(one.folder, desired=_key(one) in desired)

    # Side by side: each may take its worker some seconds.
    with ThreadPoolExecutor(max_workers=8) as pool:
        for each, halted in zip(located, pool.map(end, located), strict=True):
            clean = clean and halted.clean
            click.echo(f"⏹ {each.folder.name}: {halted.summary}")
    return 0 if clean else 1


def _key(one: LocatedSession) -> str:
    return SessionRef(project=one.project.name, folder=one.folder.path.name, name=one.folder.name).key


def _complain(problems: Iterable[str]) -> None:
    for problem in problems:
        click.echo(f"samobot: {problem}", err=True)


@click.command("pause")
@name_argument()
@config_option
def pause_command(name: str, config: Path | None) -> None:
    """Pause a session after the iteration that runs now."""
    folder = find(name, config).folder
    if holder(folder) is None:
        raise ConflictError(f"{folder.name} is not running, so there is nothing to pause.")
    refuse_an_agent(folder, _AN_AGENT_SIGNALS)
    requests.request(folder, WorkerRequest(RequestKind.PAUSE, user_name()))
    click.echo(f"⏸ {folder.name} pauses after this iteration. Continue with: samobot resume {folder.name}")


@click.command("resume")
@name_argument(required=False)
@click.option("--all", "everything", is_flag=True, help="Release the emergency stop (samobot panic).")
@click.option("--budget", type=US_DOLLARS, help="US dollars for the whole session.")
@recreate_option
@config_option
def resume_command(
    name: str | None, everything: bool, budget: float | None, recreated: bool, config: Path | None
) -> None:
    """Continue a session in the background: paused, stopped, blocked, parked, or when what it needed is done.

    Without a name, release the emergency stop: sessions may start again, none is started by that.
    """
    settings = load_settings()
    if everything or name is None:
        release_panic(settings, name, everything=everything)
        return
    refuse_during_emergency(settings.samobot_state_dir)
    located = find(name, config)
    folder = located.folder
    person = person_at(folder)
    now = datetime.now(UTC)
    current = snapshot(folder, located.project.name)
    if current.holder is not None:
        if budget is not None:
            requests.request(folder, WorkerRequest(RequestKind.BUDGET, person.who, budget))
        click.echo(f"▶ {folder.name} {_WOKEN[requests.wake(folder, person.who)]}.")
        return
    refused = no_money(SessionFiles(folder, lambda: now), budget, settings)
    if refused is not None:
        raise ConflictError(refused)
    ensure_worktree(located.project, folder, settings, recreated=recreated)
    key = load_key(settings.samobot_state_dir)
    still = ""
    if current.status.waiting_for in gate.DECIDED_GATES and holds(current.end):
        gate.retry(folder, person, now, key)
        still = " is no longer paused; it still"
    match current.status.waiting_for:
        case WaitingFor.QA_ANSWERS:
            raise ConflictError(f"{folder.name}{still} waits for answers: samobot answer {folder.name} Q1=…")
        case WaitingFor.PLAN_APPROVAL:
            raise ConflictError(
                f"{folder.name}{still} waits for its plan: samobot approve {folder.name}, or reject it."
            )
        case WaitingFor.PERMISSION:
            raise ConflictError(f"{folder.name} waits for your permission: samobot status {folder.name}")
        case WaitingFor.HUMAN_ACTION | WaitingFor.FILE_UPDATE:
            gate.action_done(folder, person, now, key)
        case None:
            gate.retry(folder, person, now, key)
    request = RunRequest(config=located.project.file, session=folder.path.name, budget_usd=budget)
    pid = asyncio.run(start_detached(request, folder, settings.samobot_state_dir, os.environ))
    click.echo(f"▶ {folder.name} continues in the background (process {pid}).")


@click.command("archive")
@name_argument()
@config_option
def archive_command(name: str, config: Path | None) -> None:
    """Move a session's folder into _archive/; its branch and worktree stay."""
    folder = find(name, config).folder
    click.echo(f"📦 {folder.name} is in {folders.archive(folder)}")
