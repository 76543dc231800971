"""`samobot run`: one session, at this terminal or in the background."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path

import click

from samobot.claude.reaper import become_subreaper
from samobot.config.model_choice import Profile
from samobot.config.project import Project, choose_project
from samobot.config.settings import Settings
from samobot.config.settings_loader import load_settings
from samobot.config.trust import report_once, untrusted
from samobot.errors import BusyError, SessionDoneError, UsageError
from samobot.fleet.emergency_flag import refuse_during_emergency
from samobot.fleet.launch import RunRequest, start_detached
from samobot.fleet.session_creator import find_session, open_or_guide
from samobot.fleet.start_request import StartRequest
from samobot.session.files import read_text
from samobot.session.folder import SessionFolder
from samobot.session.gate_effects import refuse_if_done
from samobot.session.journal import RunEndReason
from samobot.session.lock import holder
from samobot.session.overview import parse_overview
from samobot.session.provider import Provider
from samobot.terminal.actor import person_at, project_reader, user_name
from samobot.terminal.allowance import no_money
from samobot.terminal.gate_prompts import decide_here
from samobot.terminal.interrupts import Stopped, StopSignals
from samobot.terminal.live_line import open_display, show
from samobot.terminal.options import US_DOLLARS, FiniteRange, complete_session, config_option
from samobot.terminal.run_descriptions import describe_end
from samobot.terminal.trust_command import ask_to_trust
from samobot.terminal.worktree_prompt import ensure_worktree, recreate_option
from samobot.worker.factory import WorkerFactory
from samobot.worker.loop import Worker
from samobot.worker.run import RunOptions, RunResult
from samobot.worker.session_files import SessionFiles
from samobot.worker.work_dir import find_work_dir

_ASKED = "asked in the terminal"
"""Instead of a session's name in the record of what was reported: a refusal is not asked about again."""


@click.command("run")
@config_option
@click.option(
    "--session",
    "name",
    required=True,
    shell_complete=complete_session,
    help="The session's name; a new one is created.",
)
@click.option("--dive", help="For a new session: what to investigate first.")
@click.option("--task", help="For a new session: what is to be done. For an existing one: guidance.")
@click.option(
    "--from", "base", metavar="SESSION", help="For a new session: begin on the commits of another one."
)
@click.option("--timeout", type=FiniteRange(min=1), help="Seconds one iteration may take.")
@click.option("--model", help="The model, as the Claude CLI names it.")
@click.option(
    "--profile",
    type=click.Choice([each.value for each in Profile]),
    help="Model and effort of all phases.",
)
@click.option(
    "--provider",
    type=click.Choice([each.value for each in Provider]),
    help="The program of implementation and quality; the other phases are Claude's.",
)
@click.option("--max-turns", type=click.IntRange(min=1), help="Turns of the model in one iteration.")
@click.option("--budget", type=US_DOLLARS, help="US dollars for the whole session.")
@click.option("--max-iterations", type=click.IntRange(min=1), help="End after so many iterations.")
@click.option("--no-wait", is_flag=True, help="At a usage limit end with exit code 14 instead of waiting.")
@click.option("--auto", is_flag=True, help="The bot may accept suggestions and the plan after a while.")
@recreate_option
@click.option("--detach", is_flag=True, help="Run in the background; watch with samobot status and logs.")
def run_command(
    config: Path | None,
    name: str,
    dive: str | None,
    task: str | None,
    base: str | None,
    timeout: float | None,
    model: str | None,
    profile: str | None,
    provider: str | None,
    max_turns: int | None,
    budget: float | None,
    max_iterations: int | None,
    no_wait: bool,
    auto: bool,
    recreated: bool,
    detach: bool,
) -> int:
    """Run a session until it is done or needs you.

    The project is the nearest .samocode file from here upwards unless --config names one. At a question or a
    plan the run asks right here when this is a terminal; else it ends and shows how to decide.

    \b
    Exit codes: 0 done, 10 waiting for you, 11 blocked, 12 stopped, 13 budget or iteration cap,
    14 parked on a limit (with --no-wait), 1 failed, 2 usage or configuration, 75 held by another worker.

    \b
    Examples:
      samobot run --session greet --task "Add a greeting script"
      samobot run --session greet --budget 5 --detach
    """
    settings = load_settings()
    refuse_during_emergency(settings.samobot_state_dir)
    project = choose_project(config, Path.cwd(), settings.samobot_projects, project_reader())
    for warning in project.warnings:
        click.echo(f"samobot: {warning}", err=True)
    start = StartRequest(
        project=project.name, session=name, task=task, dive=dive, base=base, budget_usd=budget, auto=auto
    )
    request = RunRequest(
        config=project.file,
        session=name,
        timeout=timeout,
        model=model,
        profile=None if profile is None else Profile(profile),
        provider=None if provider is None else Provider(provider),
        max_turns=max_turns,
        budget_usd=budget,
        max_iterations=max_iterations,
        wait_for_limits=not no_wait,
        auto=auto,
    )
    try:
        with StopSignals() as signals:
            return _run(start, request, project, settings, signals, detach=detach, recreated=recreated)
    except Stopped:
        show("⏹ Stopped before the run began.")
        return RunEndReason.STOPPED.exit_code


def _run(
    start: StartRequest,
    request: RunRequest,
    project: Project,
    settings: Settings,
    signals: StopSignals,
    *,
    detach: bool,
    recreated: bool,
) -> int:
    assembly = WorkerFactory(_with_flags(settings, request), project, os.environ)
    assembly.preflight(new=find_session(project, start.session) is None)
    folder = _open(start, project, settings)
    held = holder(folder) if detach else None
    if held is not None:
        raise BusyError(f"Another worker holds {folder.name}: {held.describe()}. It continues on its own.")
    if holder(folder) is None and not _files(folder).is_done():
        ensure_worktree(project, folder, settings, recreated=recreated)
    if detach and not _has_nothing_to_do(folder, request, settings):
        find_work_dir(project, _files(folder))
        pid = asyncio.run(
            start_detached(
                replace(request, session=folder.path.name), folder, settings.samobot_state_dir, os.environ
            )
        )
        click.echo(f"▶ {folder.name} runs in the background (process {pid}).")
        click.echo(f"Watch it:  samobot status {folder.name} --watch   or   samobot logs {folder.name} -f")
        return 0
    options = RunOptions(
        budget_usd=request.budget_usd,
        default_budget_usd=settings.samobot_budget_usd,
        max_iterations=request.max_iterations,
        wait_for_limits=request.wait_for_limits,
        auto=request.auto,
        model_is_fixed=request.model is not None or request.profile is not None,
        provider_is_fixed=request.provider is not None,
    )
    return _run_here(assembly, folder, options, signals)


def _open(start: StartRequest, project: Project, settings: Settings) -> SessionFolder:
    """Find the session or create it; text for an existing one becomes guidance."""
    now = datetime.now().astimezone()
    _ask_to_trust(project, project.main_repo, settings)
    opened = open_or_guide(
        project,
        start,
        user_name(),
        now,
        branch_prefix=settings.git_branch_prefix,
        refuse=_refuse_guidance,
    )
    folder = opened.folder
    work_dir = parse_overview(read_text(folder.overview) or "").working_dir
    if work_dir is not None:
        _ask_to_trust(project, project.file.parent / Path(work_dir).expanduser(), settings)
    for note in opened.notes:
        click.echo(f"samobot: {note}", err=True)
    return opened.folder


def _refuse_guidance(folder: SessionFolder) -> None:
    """Refuse text for a session that would not read it before it is asked for again."""
    try:
        refuse_if_done(folder)
    except SessionDoneError as error:
        raise UsageError(f"{error.message.removesuffix('.')}, or leave out --task.") from None
    person_at(folder)
    held = holder(folder)
    if held is not None:
        raise BusyError(
            f"Another worker holds {folder.name}: {held.describe()}. Your text was not saved; send it with "
            f"its next iteration with: samobot tell {folder.name} …"
        )


def _ask_to_trust(project: Project, work_dir: Path, settings: Settings) -> None:
    """At a terminal, ask about what the project's own files would run; else the run reports what is not used."""
    if sys.stdin.isatty() and sys.stdout.isatty():
        found = untrusted(settings.samobot_state_dir, project, work_dir)
        for content in found:
            if report_once(settings.samobot_state_dir, project, content, _ASKED, datetime.now().astimezone()):
                ask_to_trust([content], project, settings.samobot_state_dir)


def _has_nothing_to_do(folder: SessionFolder, request: RunRequest, settings: Settings) -> bool:
    """Whether a run would end at once: it is better said here than into a log."""
    files = _files(folder)
    return (
        files.is_done()
        or files.open_gate() is not None
        or no_money(files, request.budget_usd, settings) is not None
    )


def _files(folder: SessionFolder) -> SessionFiles:
    return SessionFiles(folder, lambda: datetime.now().astimezone())


def _run_here(
    assembly: WorkerFactory, folder: SessionFolder, options: RunOptions, signals: StopSignals
) -> int:
    """Run in this terminal; at a gate, ask here and continue."""
    interactive = sys.stdin.isatty() and sys.stdout.isatty()
    while True:
        with open_display(folder.name) as display:
            worker = assembly.worker(folder, options, notify=display.notice, watch=display.progress)
            end = asyncio.run(_work(worker, signals))
        show(describe_end(end, folder))
        at_gate = end.reason is RunEndReason.WAITING
        if not (interactive and at_gate and decide_here(folder, end, assembly.key)):
            return end.reason.exit_code
        if end.paused:
            show(f"⏸ {folder.name} stays paused, as asked.\nContinue:  samobot resume {folder.name}")
            return RunEndReason.PAUSED.exit_code
        options = _left_of(options, worker.ran)


async def _work(worker: Worker, signals: StopSignals) -> RunResult:
    loop = asyncio.get_running_loop()

    def stop(number: int) -> None:
        # Ctrl-C and a closed terminal come from the user; SIGTERM alone from the service manager or a shutdown.
        by_person = number != signal.SIGTERM
        # A signal may come in while the loop is being closed.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(partial(worker.stop, by_person=by_person))

    with signals.calling(stop):
        become_subreaper()
        return await worker.run()


def _left_of(options: RunOptions, ran: int) -> RunOptions:
    """The options for the rest of a run after a gate that was decided in the terminal."""
    most = options.max_iterations
    # Zero is fine: the worker then ends before the first one.
    return options if most is None else replace(options, max_iterations=max(0, most - ran))


def _with_flags(settings: Settings, request: RunRequest) -> Settings:
    flags: dict[str, object] = {
        "claude_timeout": request.timeout,
        "claude_max_turns": request.max_turns,
    }
    chosen = settings.for_run(model=request.model, profile=request.profile, provider=request.provider)
    return chosen.model_copy(update={name: value for name, value in flags.items() if value is not None})
