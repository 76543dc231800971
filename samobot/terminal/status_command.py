"""`samobot status` and `samobot sessions`."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from samobot.config.address import known_projects
from samobot.config.environment import configured_projects
from samobot.config.project import Project
from samobot.frozen import frozen
from samobot.phases import WaitingFor
from samobot.session.file_marks import mark_of_files
from samobot.session.folder import SessionFolder, list_folders
from samobot.session.guidance import GuidanceItem
from samobot.session.status import SILENT, SessionState, Status
from samobot.system.bounded_calls import PATIENCE_SECONDS, BoundedCalls
from samobot.terminal.actor import find, project_reader
from samobot.terminal.finished_sessions import FinishedSessions
from samobot.terminal.options import config_option, name_argument
from samobot.text import human_duration, human_money, one_line, plural, printable

if TYPE_CHECKING:
    from samobot.session.snapshot import Snapshot

WATCH_SECONDS = 1.0
"""How often a watched status is read again."""

_DONE = "done"

SIGNS = {
    SessionState.RUNNING: "▶️",
    SessionState.QUEUED: "⏳",
    SessionState.WAITING: "❓",
    SessionState.BLOCKED: "⛔",
    SessionState.PARKED: "🌙",
    SessionState.STOPPED: "⏹",
    SessionState.DONE: "🏁",
    SessionState.IDLE: "·",
}


@click.command("status")
@name_argument(required=False)
@click.option("--json", "as_json", is_flag=True, help="One JSON object, or a list of them without NAME.")
@click.option("--watch", is_flag=True, help="Show it again and again, until Ctrl-C.")
@config_option
def status_command(name: str | None, as_json: bool, watch: bool, config: Path | None) -> None:
    """Show what one session is doing and needs, or all sessions in short."""
    show = (
        partial(_show_all, config, as_json=as_json)
        if name is None
        else partial(_show_one, name, config, as_json=as_json)
    )
    if watch:
        _watch(show)
    else:
        click.echo(show())


@click.command("sessions")
@click.option("--json", "as_json", is_flag=True, help="A list of JSON objects.")
@config_option
def sessions_command(as_json: bool, config: Path | None) -> None:
    """List the sessions of the project here, or of all known projects, the newest first."""
    click.echo(_show_all(config, as_json=as_json))


def _show_one(name: str, config: Path | None, *, as_json: bool) -> str:
    from samobot.session.snapshot import snapshot

    located = find(name, config)
    current = snapshot(located.folder, located.project.name)
    if as_json:
        return json.dumps(current.status.as_json(), indent=2, ensure_ascii=False)
    return describe(current)


def _show_all(config: Path | None, *, as_json: bool) -> str:
    projects, problems = known_projects(config, Path.cwd(), configured_projects(), project_reader())
    found, silent = _read_all(projects)
    problems += silent
    # Sessions that need the user come first, then running ones, then the others by age.
    order = [SessionState.WAITING, SessionState.BLOCKED, SessionState.RUNNING, SessionState.PARKED]
    epoch = datetime.fromtimestamp(0, UTC)
    found.sort(key=lambda each: each.updated or epoch, reverse=True)
    found.sort(key=lambda each: order.index(each.state) if each.state in order else len(order))
    for problem in problems:
        click.echo(f"samobot: {problem}", err=True)
    if as_json:
        return json.dumps([each.status for each in found], indent=2, ensure_ascii=False)
    if not found:
        return 'No sessions yet. Start one:  samobot run --session NAME --task "…"'
    several = len({each.status["project"] for each in found}) > 1
    return "\n".join(_line(each, several=several) for each in found)


@frozen
class _Listed:
    """A session of the list: its status as JSON object, and what its line shows of it."""

    status: dict[str, Any]
    words: str
    unpriced: int = 0

    @property
    def state(self) -> SessionState:
        return SessionState(self.status["state"])

    @property
    def updated(self) -> datetime | None:
        updated = self.status["updated"]
        return datetime.fromisoformat(updated) if updated is not None else None


def _read_all(projects: Iterable[Project]) -> tuple[list[_Listed], list[str]]:
    """Read all sessions; returns a sentence for each whose files do not answer."""
    found: list[_Listed] = []
    finished = FinishedSessions()

    def read(folder: SessionFolder, project: str) -> None:
        known = finished.find(folder, project)
        if known is not None:
            found.append(_Listed(known.status, _DONE, known.unpriced))
            return
        # Imports all parsers, which takes longer than to list hundreds of finished sessions.
        from samobot.session.snapshot import snapshot

        mark = mark_of_files(folder.all_files)
        current = snapshot(folder, project)
        listed = _Listed(current.status.as_json(), _state_text(current), current.journal.unpriced)
        found.append(listed)
        if listed.state is SessionState.DONE and not current.status.problems:
            finished.keep(folder, mark, listed.status, listed.unpriced)

    calls = BoundedCalls(PATIENCE_SECONDS)
    calls.run(
        {
            f"{project.name}:{folder.path.name}": partial(read, folder, project.name)
            for project in projects
            for folder in list_folders(project.sessions)
        }
    )
    finished.save()
    return found, [f"{key}: {SILENT}" for key in sorted(calls.late)]


def _line(listed: _Listed, *, several: bool) -> str:
    status = listed.status
    name = f"{status['project']}:{status['session']}" if several else status["session"]
    facts = [listed.words]
    if listed.updated is not None and status["worker"] is None:
        facts.append(f"{human_duration((datetime.now(UTC) - listed.updated).total_seconds())} ago")
    if status["cost_usd"]:
        facts.append(human_money(status["cost_usd"], unpriced=listed.unpriced))
    return f"{SIGNS[listed.state]} {name:<24} {' · '.join(facts)}"


def _state_text(current: Snapshot) -> str:
    status = current.status
    phase = status.phase or "no phase"
    match status.state:
        case SessionState.RUNNING:
            return f"{phase}, iteration {status.total_iterations or 0}"
        case SessionState.WAITING:
            questions = len(current.standing.qa.open)
            words = {
                WaitingFor.QA_ANSWERS: plural(questions, "question"),
                WaitingFor.PLAN_APPROVAL: "has a plan",
                WaitingFor.HUMAN_ACTION: "needs you to do something",
                WaitingFor.FILE_UPDATE: "needs a file from you",
                WaitingFor.PERMISSION: "asks before a risky step",
            }
            return words[status.waiting_for] if status.waiting_for else "waits"
        case SessionState.BLOCKED:
            return f"blocked in {phase}: {one_line(status.blocked or '', 60)}"
        case SessionState.PARKED:
            until = current.holder.parked_until if current.holder else None
            until = until or (current.journal.park.until if current.journal.park else None)
            return f"waits for a limit until {until.astimezone():%H:%M}" if until else "waits for a limit"
        case SessionState.DONE:
            return _DONE
        case SessionState.STOPPED if current.end is not None and current.end.paused:
            return f"paused in {phase}"
        case _:
            return f"{status.state} in {phase}"


_FENCE: dict[bool | None, list[str]] = {
    True: ["   🔒 inside the fence: reaches its worktree, its session, tools and caches"],
    False: ["   🔓 without a fence: has all of your rights"],
}

_NETWORK = {
    "allowlist": ["   🌐 network: the model and the hosts of SAMOBOT_FENCE_HOSTS"],
    "none": ["   🌐 network: the model only"],
}


def _where(item: GuidanceItem, current: Snapshot) -> str:
    sent = current.deliveries.get(item.index)
    if sent is None:
        return "for the next iteration"
    return "the agent has it" if sent.taken_up else "sent to the agent"


def _sign(status: Status) -> str:
    return "🔐" if status.waiting_for is WaitingFor.PERMISSION else SIGNS[status.state]


def describe(current: Snapshot) -> str:
    """Show one session in full."""
    from samobot.terminal.permission_lines import describe_asks, describe_rules
    from samobot.terminal.run_descriptions import (  # not for a list of sessions
        describe_plan,
        describe_questions,
    )

    status = current.status
    lines = [f"{_sign(status)} {status.session} · {status.project}: {_state_text(current)}"]
    if current.holder is not None and current.holder.activity:
        lines.append(f"   {current.holder.activity}")
    if current.holder is not None and current.journal.iteration is not None:
        lines += _FENCE.get(current.journal.iteration.fenced, [])
        lines += _NETWORK.get(current.journal.iteration.network, [])
    if status.last_action:
        lines.append(f"   Last: {one_line(status.last_action, 200)}")
    if status.next:
        lines.append(f"   Next: {one_line(status.next, 200)}")
    count = status.total_iterations or 0
    spent = human_money(status.cost_usd or 0.0, unpriced=current.journal.unpriced)
    cost = "" if status.cost_usd is None else f" · {spent}"
    lines.append(f"   {plural(count, 'iteration')}{cost} · {status.path}")
    pending = [item for item in current.guidance if not item.done]
    lines += [f"   ✍️ {one_line(item.text, 200)} ({_where(item, current)})" for item in pending]
    lines += [f"   ⚠️ {problem}" for problem in status.problems]
    if status.state is SessionState.BLOCKED and status.blocked:
        lines += ["", status.blocked]
    lines += describe_rules(status.session, current.standing.asks)
    if status.waiting_for is WaitingFor.PERMISSION:
        lines += ["", describe_asks(status.session, current.standing.asks.waiting)]
    if status.waiting_for is WaitingFor.QA_ANSWERS:
        lines += ["", describe_questions(current.folder)]
    if status.waiting_for is WaitingFor.PLAN_APPROVAL:
        lines += ["", describe_plan(current.folder)]
    return printable("\n".join(lines))


def _watch(show: Callable[[], str]) -> None:
    try:
        while True:
            text = show()
            if sys.stdout.isatty():
                click.clear()
            click.echo(text)
            time.sleep(WATCH_SECONDS)
    except KeyboardInterrupt:
        return
