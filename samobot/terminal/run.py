"""`samobot run`: one session, at this terminal or in the background."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from datetime import datetime
from pathlib import Path

import click

from samobot.assembly import Assembly
from samobot.claude.reaper import become_subreaper
from samobot.creation import Opening, open_session
from samobot.launch import RunRequest, start_detached
from samobot.loop import RunEnd, RunOptions, Worker
from samobot.project import choose_project
from samobot.session import gate
from samobot.session.folder import SessionFolder
from samobot.session.journal import RunEndReason
from samobot.settings import Settings, load_settings
from samobot.terminal.live import open_display
from samobot.terminal.person import user_name
from samobot.terminal.prompts import decide_here
from samobot.terminal.words import describe_end


@click.command("run")
@click.option("--config", type=click.Path(path_type=Path), help="The project's .samocode file or its folder.")
@click.option("--session", "name", required=True, help="The session's name; a new one is created.")
@click.option("--dive", help="For a new session: what to investigate first.")
@click.option("--task", help="For a new session: what is to be done. For an existing one: guidance.")
@click.option("--timeout", type=click.FloatRange(min=1), help="Seconds one iteration may take.")
@click.option("--model", help="The model, as the Claude CLI names it.")
@click.option("--max-turns", type=click.IntRange(min=1), help="Turns of the model in one iteration.")
@click.option(
    "--budget", type=click.FloatRange(min=0, min_open=True), help="US dollars for the whole session."
)
@click.option("--max-iterations", type=click.IntRange(min=1), help="End after so many iterations.")
@click.option("--no-wait", is_flag=True, help="At a usage limit end with exit code 14 instead of waiting.")
@click.option("--auto", is_flag=True, help="The bot may accept suggestions and the plan after a while.")
@click.option("--detach", is_flag=True, help="Run in the background; watch with samobot status and logs.")
def run_command(
    config: Path | None,
    name: str,
    dive: str | None,
    task: str | None,
    timeout: float | None,
    model: str | None,
    max_turns: int | None,
    budget: float | None,
    max_iterations: int | None,
    no_wait: bool,
    auto: bool,
    detach: bool,
) -> int:
    """Run a session until it is done or a person is needed.

    The project is the nearest .samocode file from here upwards unless --config names one. At a question or a
    plan the run asks right here when this is a terminal; else it ends and says how to decide.

    \b
    Exit codes: 0 done, 10 waiting for a person, 11 blocked, 12 stopped, 13 budget or iteration cap,
    14 parked on a limit (with --no-wait), 1 failed, 2 usage or configuration, 75 held by another worker.

    \b
    Examples:
      samobot run --session greet --task "Add a greeting script"
      samobot run --session greet --budget 5 --detach
    """
    settings = _with_flags(load_settings(), timeout, model, max_turns)
    project = choose_project(config, Path.cwd(), settings.samobot_projects)
    for warning in project.warnings:
        click.echo(f"samobot: {warning}", err=True)
    assembly = Assembly(settings, project, os.environ)
    assembly.preflight()
    opened = open_session(
        project, name, Opening(task, dive), datetime.now().astimezone(), settings.git_branch_prefix
    )
    for note in opened.notes:
        click.echo(f"samobot: {note}", err=True)
    words = "\n\n".join(text for text in (task, dive) if text)
    if words and not opened.created:
        gate.tell(opened.folder, words, user_name(), datetime.now().astimezone())
    if detach:
        request = RunRequest(
            config=project.file,
            session=opened.folder.path.name,
            timeout=timeout,
            model=model,
            max_turns=max_turns,
            budget_usd=budget,
            max_iterations=max_iterations,
            wait_for_limits=not no_wait,
            auto=auto,
        )
        pid = asyncio.run(start_detached(request, opened.folder, settings.samobot_state_dir, os.environ))
        click.echo(f"{opened.folder.name} runs in the background (process {pid}).")
        click.echo(
            f"Watch it: samobot status {opened.folder.name} --watch, or samobot logs {opened.folder.name} -f"
        )
        return 0
    options = RunOptions(
        budget_usd=budget,
        default_budget_usd=settings.samobot_budget_usd,
        max_iterations=max_iterations,
        wait_for_limits=not no_wait,
        auto=auto,
    )
    return _run_here(assembly, opened.folder, options)


def _run_here(assembly: Assembly, folder: SessionFolder, options: RunOptions) -> int:
    """Run in this terminal; at a gate, ask here and go on."""
    interactive = sys.stdin.isatty() and sys.stdout.isatty()
    while True:
        with open_display(folder.name) as display:
            worker = assembly.worker(folder, options, tell=display.notice, watch=display.progress)
            end = asyncio.run(_work(worker))
        click.echo(describe_end(end, folder))
        at_gate = end.reason is RunEndReason.WAITING
        if not (interactive and at_gate and decide_here(folder, end, assembly.key)):
            return end.reason.exit_code


async def _work(worker: Worker) -> RunEnd:
    loop = asyncio.get_running_loop()
    # SIGHUP too: a closed terminal must not leave the agent at work unwatched.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, worker.stop)
    become_subreaper()
    return await worker.run()


def _with_flags(
    settings: Settings, timeout: float | None, model: str | None, max_turns: int | None
) -> Settings:
    flags = {"claude_timeout": timeout, "claude_model": model, "claude_max_turns": max_turns}
    return settings.model_copy(update={name: value for name, value in flags.items() if value is not None})
