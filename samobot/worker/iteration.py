"""Runs one iteration: prepare, run the CLI, revert forbidden changes, read the result."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path

from samobot.assets import workflow_text
from samobot.claude.activity import activity
from samobot.claude.invocation import ClaudeOptions, build
from samobot.claude.outcome import Evidence, classify
from samobot.claude.preflight import is_wrapper
from samobot.claude.process import Timeouts, run
from samobot.claude.records import ApiRetry, Assistant, Record
from samobot.claude.risk_places import RiskPlaces
from samobot.claude.turn_input import TurnInput
from samobot.config.project import Project
from samobot.config.project_guard import VOID_KIND, ProjectGuard
from samobot.config.trust import is_trusted, project_settings, report_once
from samobot.phases import RULES, Phase, SignalStatus
from samobot.session import baseline, tamper
from samobot.session.ask_level import AskLevel
from samobot.session.asks import Ask, read_asks
from samobot.session.commit_check import commit_problem, unfinished_work
from samobot.session.diff import diff_summary
from samobot.session.files import write_atomic
from samobot.session.journal import EventName
from samobot.session.journal_copy import remove_requests, restore_copy
from samobot.session.log_copy import new_stream, restore_logs
from samobot.session.overview_guard import OverviewGuard
from samobot.session.signal import Signal, SignalProblem
from samobot.session.vault import edit_lock
from samobot.session.worktree import base_of
from samobot.worker.agent_fence import AgentFence
from samobot.worker.assignment import Assignment, Progress, Report
from samobot.worker.halt import end_leftovers
from samobot.worker.heartbeat import Heartbeat
from samobot.worker.iteration_facts import gather_facts
from samobot.worker.permission_gate import AskPolicy, PermissionGate
from samobot.worker.prompt import (
    hook_environment,
    iteration_context,
    iteration_prompt,
)
from samobot.worker.session_files import SessionFiles
from samobot.worker.setup_command import run_setup
from samobot.worker.steering import Steering
from samobot.worker.work_dir import find_work_dir, trace


@dataclass(frozen=True, slots=True)
class IterationConfig:
    """The configuration of a worker's iterations.

    Attributes:
        project: The session's project.
        options: How the CLI is called in each phase.
        plugin: Folder of the Claude Code plugin.
        key: Marks decisions that the bot or the command line wrote.
        environ: The worker's environment.
        clocks: How long a silent process is given.
        python: The interpreter that the plugin's hook runs with.
        state_dir: samobot's state folder.
        ask: Before which calls the user is asked.
        fence: What keeps the agent to its own.
        other_files: The `.samocode` files of the other configured projects.
    """

    project: Project
    options: Mapping[Phase, ClaudeOptions]
    plugin: Path
    key: bytes
    environ: Mapping[str, str]
    clocks: Timeouts
    python: str
    state_dir: Path
    fence: AgentFence
    ask: AskLevel = AskLevel.OFF
    other_files: tuple[Path, ...] = ()


class IterationRunner:
    """Carries out the iterations of one session.

    Args:
        files: The session's files.
        surroundings: The configuration.
        heartbeat: Shows the worker's state to other processes.
        now: The clock, aware.
        watch: Receives the progress, repeatedly.
    """

    def __init__(
        self,
        files: SessionFiles,
        surroundings: IterationConfig,
        heartbeat: Heartbeat,
        *,
        now: Callable[[], datetime],
        watch: Callable[[Progress], None],
    ) -> None:
        self._files = files
        self._world = surroundings
        self._heartbeat = heartbeat
        self._now = now
        self._watch = watch
        self._backup = OverviewGuard(files.folder)
        self._project_file = ProjectGuard(surroundings.state_dir, now)
        self._answered: Callable[[], None] | None = None
        self._refusal_noted = False

    async def clean_up_after_a_dead_worker(self) -> None:
        """End what a killed worker left running, and revert what its agent was not allowed to write."""
        await asyncio.to_thread(end_leftovers, self._files.folder)
        await asyncio.to_thread(self._project_file.settle, self._world.project.file)
        self.revert(after_crash=True)

    def _guarded_files(self) -> tuple[Path, ...]:
        """The `.samocode` files that the agent must not change; a fence keeps it from those of other projects."""
        own = self._world.project.file
        return (own,) if self._world.fence.holds else (own, *self._world.other_files)

    async def set_up(self, stop: asyncio.Event) -> str | None:
        """Run the project's WORKTREE_SETUP before the first iteration; a sentence for the user if that failed."""
        if self._world.project.worktree_setup is None or self._files.journal().iterations:
            return None
        world = self._world
        work_dir = find_work_dir(world.project, self._files)
        self._heartbeat.show_activity("⚙️ Sets the worktree up")
        note = await run_setup(
            world.project, work_dir, self._files.folder, world.state_dir, world.environ, stop
        )
        self._heartbeat.clear_activity()
        self._heartbeat.show_idle()
        if note is not None:
            self._files.log(EventName.NOTICE, text=note)
        return note

    async def commit_problem(self) -> str | None:
        """Return why the agent could not commit its work, checked before the first cost; None if it could."""
        return await asyncio.to_thread(commit_problem, find_work_dir(self._world.project, self._files))

    async def carry_out(
        self, assignment: Assignment, stop: asyncio.Event, *, answered: Callable[[], None]
    ) -> Report:
        """Run the CLI once and report what came of it.

        Args:
            assignment: What it is to do.
            stop: Ends it early when set.
            answered: Called once the model has answered for the first time.
        """
        files, folder, world = self._files, self._files.folder, self._world
        stem = f"{self._now().astimezone():%m-%d-%H%M}-{assignment.number:03d}-{assignment.phase}"
        log = folder.logs / f"{stem}.jsonl"
        if folder.vault.baseline.exists():
            self.revert()  # something that a killed worker left behind may have written since
        session_id = str(uuid.uuid4())
        guidance = files.pending_guidance()
        asks = read_asks(folder, world.key)
        work_dir = find_work_dir(world.project, files)
        files.begin_iteration(assignment.phase, assignment.visit, assignment.number)
        context = folder.logs / f"{stem}.context.md"
        # These read many files and run git, so they run concurrently.
        untrusted, facts, trace_before = await asyncio.gather(
            asyncio.to_thread(self._untrusted_settings, work_dir),
            asyncio.to_thread(gather_facts, files, assignment, guidance, asks, work_dir, world.clocks.total),
            asyncio.to_thread(trace, work_dir, folder),
        )
        prompt = iteration_prompt(facts)
        write_atomic(context, iteration_context(facts, workflow_text()))
        write_atomic(folder.logs / f"{stem}.prompt.md", f"{prompt}\n")
        options = world.options[assignment.phase]
        invocation = build(
            options,
            plugin=world.plugin,
            agent=RULES[assignment.phase].agent,
            session_id=session_id,
            context_file=context,
            prompt=prompt,
            cwd=work_dir,
            session_dir=folder.path,
            log=new_stream(folder, log.name),
            budget_left=assignment.budget_left,
            signal_file=folder.signal,
            environ=world.environ,
            python=world.python,
            trust_project=not untrusted,
            steerable=not is_wrapper(options.path),
        )
        hook = hook_environment(assignment.phase, folder.signal)
        invocation = replace(invocation, env={**invocation.env, **hook}, copy=log)
        self._backup.hold()
        with edit_lock(folder.path):
            baseline.save(folder)
        guarded = self._guarded_files()
        for file in guarded:
            self._project_file.begin(file, folder)
        steering = Steering(folder, session_id, guidance)
        permissions = PermissionGate(
            folder,
            AskPolicy(world.ask, self._places(work_dir), world.key),
            session_id,
            assignment.number,
            now=self._now,
            asked=lambda ask: self._asked(ask, progress),
        )

        async def steer(turn_input: TurnInput) -> None:
            await asyncio.gather(steering.follow(turn_input), permissions.follow(turn_input))

        def on_record(record: Record) -> None:
            permissions.record(record)
            self._record(record, evidence, progress, work_dir, steering)

        about = {
            "n": assignment.number,
            "phase": assignment.phase,
            "session_id": session_id,
            "log": str(log.relative_to(folder.path)),
        }
        self._report_absent_fence()
        chosen = {
            "model": options.model,
            "effort": options.effort,
            "fenced": world.fence.holds,
            "steerable": invocation.steerable,
        }
        files.log(
            EventName.ITERATION_START, visit=assignment.visit, **about, **chosen, guidance=len(guidance)
        )
        evidence = Evidence()
        self._answered = answered
        self._refusal_noted = False
        progress = Progress(assignment.phase, assignment.number, files.cost())
        began = time.monotonic()
        try:
            with world.fence.around(invocation, folder.path) as fenced:
                end = await run(
                    fenced,
                    world.clocks,
                    on_record=on_record,
                    on_start=lambda pid: self._heartbeat.show_iteration(
                        assignment.number, assignment.phase, pid
                    ),
                    stop=stop,
                    steer=steer,
                )
        finally:
            self._heartbeat.clear_activity()
        outcome = classify(evidence, end, self._now())
        reverted = self.revert()
        lost = self._backup.lost
        for file in guarded:
            moved = self._project_file.end(file, folder)
            if moved is not None:
                self._void(VOID_KIND, moved)
                reverted += (moved,)
        self._heartbeat.renew()
        signal = files.signal()
        files.log(
            EventName.ITERATION_END,
            **about,
            outcome=outcome.kind,
            text=outcome.text,
            cost_usd=outcome.cost_usd,
            tokens={
                "input": outcome.tokens.input,
                "output": outcome.tokens.output,
                "cache_read": outcome.tokens.cache_read,
                "cache_write": outcome.tokens.cache_write,
            },
            models={use.name: use.cost_usd for use in outcome.models},
            turns=outcome.turns,
            duration_s=round(time.monotonic() - began, 3),
        )
        self._log_signal(signal, assignment.number)
        self._heartbeat.show_idle()
        return Report(
            number=assignment.number,
            process=session_id,
            outcome=outcome,
            signal=signal,
            reverted=reverted,
            guidance=steering.received,
            told=tuple(ask.id for ask in asks.untold),
            lost=lost,
            unfinished=await asyncio.to_thread(_unfinished, signal, work_dir),
            changed=not _stays(signal, assignment.phase)
            or trace_before != await asyncio.to_thread(trace, work_dir, folder),
        )

    def _record(
        self, record: Record, evidence: Evidence, progress: Progress, work_dir: Path, steering: Steering
    ) -> None:
        evidence.add(record)
        steering.record(record)
        if isinstance(record, Assistant) and not record.error and self._answered is not None:
            self._answered()
            self._answered = None
        if isinstance(record, ApiRetry) and record.status in (401, 403) and not self._refusal_noted:
            self._refusal_noted = True
            text = f"Claude refuses the login ({record.status}); the CLI repeats the request. Check the login if this lasts."
            self._files.log(EventName.NOTICE, text=text)
        doing = activity(record, work_dir, self._files.folder.path)
        if doing is not None:
            progress.activity = f"{doing.sign} {doing.words}"
            self._heartbeat.show_activity(progress.activity)
        self._watch(progress)

    def _places(self, work_dir: Path) -> RiskPlaces:
        world = self._world
        scratch = world.environ.get("TMPDIR")
        own = (*world.fence.allowed, *([Path(scratch)] if scratch else ()))
        return RiskPlaces(work_dir, self._files.folder.path, own)

    def _asked(self, ask: Ask, progress: Progress) -> None:
        """Show that the agent waits for the user."""
        self._files.log(
            EventName.ASK, id=ask.id, tool=ask.call.tool, sha256=ask.sha256, reasons=list(ask.reasons)
        )
        progress.activity = f"🔐 Asks before {ask.call.tool}: samobot status {self._files.folder.name}"
        self._heartbeat.show_activity(f"🔐 Asks before {ask.call.tool}")
        self._watch(progress)

    def _untrusted_settings(self, work_dir: Path) -> bool:
        """Whether the project has Claude settings that the user has not trusted; reports them once a session."""
        world, folder = self._world, self._files.folder
        content = project_settings(work_dir)
        if content is None or is_trusted(world.state_dir, world.project, content):
            return False
        if report_once(world.state_dir, world.project, content, folder.path.name, self._now()):
            text = (
                "This project has Claude Code settings of its own (hooks, MCP servers, …) that you have not "
                f"trusted: they are not used. To see and trust them, in the terminal: "
                f"samobot trust --config {world.project.file} --session {folder.name}"
            )
            self._files.log(EventName.NOTICE, text=text)
        return True

    def revert(self, *, after_crash: bool = False) -> tuple[str, ...]:
        """Undo what was written in samobot's or the user's name, report it, and accept edits by hand again.

        Args:
            after_crash: Whether the last worker may have been killed.

        Returns:
            A sentence for each thing that was undone.
        """
        folder = self._files.folder
        found: tuple[str, ...] = ()
        if folder.vault.baseline.exists():
            found = self._backup.restore()
            if self._backup.lost is not None:
                found = ()  # the end of the run reports this; not twice
        folder.prepare()
        logs = (*restore_logs(folder, after_crash=after_crash), restore_copy(folder, after_crash=after_crash))
        found += tuple(each for each in (*logs, remove_requests(folder)) if each is not None)
        for sentence in found:
            self._void("overview", sentence)
        with edit_lock(folder.path):
            voided = tamper.revert(folder)
        for item in voided:
            self._void(item.kind, item.detail)
        with edit_lock(folder.path):
            if folder.vault.baseline.exists():
                baseline.close(folder)
        return found + tuple(item.detail for item in voided)

    def _void(self, kind: str, sentence: str) -> None:
        self._files.log(EventName.VOID, kind=kind, detail=sentence)
        self._files.flow(f"Void: {sentence}")

    def _report_absent_fence(self) -> None:
        reason = self._world.fence.new_absence()
        if reason is not None:
            text = f"The agent runs without a fence, with all of your rights. {reason}"
            self._files.log(EventName.NOTICE, text=text)

    def _log_signal(self, signal: Signal | SignalProblem, number: int) -> None:
        if isinstance(signal, SignalProblem):
            self._files.log(EventName.SIGNAL, n=number, status=None, problem=signal.message)
            return
        tests = {} if signal.tests is None else {"tests": asdict(signal.tests)}
        self._files.log(
            EventName.SIGNAL,
            n=number,
            status=signal.status,
            phase=signal.phase,
            summary=signal.summary,
            reason=signal.reason,
            needs=signal.needs,
            **{"for": signal.waiting_for},
            **tests,
            problem=None,
        )


def _stays(signal: Signal | SignalProblem, phase: Phase) -> bool:
    """Whether the agent wants another iteration of the same phase: only then it matters that nothing changed."""
    return (
        isinstance(signal, Signal)
        and signal.status is SignalStatus.CONTINUE
        and signal.phase in (None, phase)
    )


def _unfinished(signal: Signal | SignalProblem, work_dir: Path) -> str:
    is_done = isinstance(signal, Signal) and signal.status is SignalStatus.DONE
    return unfinished_work(work_dir, diff_summary(work_dir, base_of(work_dir))) if is_done else ""
