"""Runs one iteration: prepare, run the CLI, revert forbidden changes, read the result."""

from __future__ import annotations

import asyncio
import contextlib
import platform
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
from samobot.config.project import Project
from samobot.config.project_guard import ProjectGuard
from samobot.config.trust import is_trusted, project_settings, report_once
from samobot.errors import StorageError
from samobot.phases import RULES, Phase, SignalStatus
from samobot.session.commit_check import commit_problem, unfinished_work
from samobot.session.diff import checkout, diff_summary
from samobot.session.files import read_text, write_atomic
from samobot.session.folder import SessionFolder
from samobot.session.guidance import GuidanceItem
from samobot.session.journal import EventName
from samobot.session.log_copy import new_stream
from samobot.session.signal import Signal, SignalProblem
from samobot.session.worktree import base_of
from samobot.worker.agent_fence import AgentFence
from samobot.worker.agent_guard import AgentGuard
from samobot.worker.assignment import Assignment, Progress, Report
from samobot.worker.halt import end_leftovers
from samobot.worker.heartbeat import Heartbeat
from samobot.worker.prompt import (
    LEARNED,
    IterationContext,
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
    other_files: tuple[Path, ...] = ()


class IterationRunner:
    """Carries out the iterations of one session.

    Args:
        files: The session's files.
        surroundings: The configuration.
        heartbeat: Shows the worker's state to other processes.
        now: The clock, aware.
        watch: Receives the progress, repeatedly.

    Attributes:
        guard: Keeps from the agent what it must not change.
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
        own, fence = surroundings.project.file, surroundings.fence
        # A fence keeps the agent from the files of other projects.
        guarded = (own,) if fence.holds else (own, *surroundings.other_files)
        self.guard = AgentGuard(files, ProjectGuard(surroundings.state_dir, now), guarded)
        self._answered: Callable[[], None] | None = None
        self._refusal_noted = False

    async def clean_up_after_a_dead_worker(self) -> None:
        """End what a killed worker left running, and revert what its agent was not allowed to write."""
        await asyncio.to_thread(end_leftovers, self._files.folder)
        await asyncio.to_thread(self.guard.settle, self._world.project.file)
        self.guard.revert(after_crash=True)

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
        self.guard.release()  # something that a killed worker left behind may have written since
        session_id = str(uuid.uuid4())
        guidance = files.pending_guidance()
        work_dir = find_work_dir(world.project, files)
        files.begin_iteration(assignment.phase, assignment.visit, assignment.number)
        context = folder.logs / f"{stem}.context.md"
        # These read many files and run git, so they run concurrently.
        untrusted, facts, trace_before = await asyncio.gather(
            asyncio.to_thread(self._untrusted_settings, work_dir),
            asyncio.to_thread(self._facts, assignment, guidance, work_dir),
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
        self.guard.hold()
        steering = Steering(folder, session_id, guidance)
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
                    on_record=lambda record: self._record(record, evidence, progress, work_dir, steering),
                    on_start=lambda pid: self._heartbeat.show_iteration(
                        assignment.number, assignment.phase, pid
                    ),
                    stop=stop,
                    steer=steering.follow,
                )
        finally:
            self._heartbeat.clear_activity()
        outcome = classify(evidence, end, self._now())
        reverted = self.guard.end()
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
            outcome=outcome,
            signal=signal,
            reverted=reverted,
            guidance=steering.received,
            lost=self.guard.lost,
            unfinished=await asyncio.to_thread(_unfinished, signal, work_dir),
            changed=not _stays(signal, assignment.phase)
            or trace_before != await asyncio.to_thread(trace, work_dir, folder),
        )

    def _facts(
        self, assignment: Assignment, guidance: tuple[GuidanceItem, ...], work_dir: Path
    ) -> IterationContext:
        tree = checkout(work_dir)
        feedback = self._files.feedback()
        return IterationContext(
            phase=assignment.phase,
            visit=assignment.visit,
            visit_limit=RULES[assignment.phase].limit,
            number=assignment.number,
            session=self._files.folder.path,
            workdir=work_dir,
            task=self._files.overview().task or "",
            platform=f"{platform.system()} {platform.release()}",
            branch=tree.branch,
            git_status=tree.status,
            # A rejection is part of the guidance too, so that it is never lost; the agent reads it once.
            guidance=tuple(item.text for item in guidance if item.text != feedback),
            feedback=feedback,
            answers=self._files.fresh_answers(),
            reminder=assignment.reminder,
            base=base_of(work_dir) if tree.branch else None,
            seconds=self._world.clocks.total,
            budget_left=assignment.budget_left,
            learned=_learned(self._files.folder),
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


def _learned(folder: SessionFolder) -> str:
    """What earlier iterations noted; empty if their file is none that can be read: an agent may make it anything."""
    with contextlib.suppress(StorageError):
        return read_text(folder.path / LEARNED) or ""
    return ""


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
