"""Runs one iteration: prepare, run the CLI, revert forbidden changes, read the result."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from samobot.claude.activity import activity
from samobot.claude.outcome import Evidence, classify
from samobot.claude.process import run
from samobot.claude.records import ApiRetry, Assistant, Init, Record
from samobot.claude.risk_places import RiskPlaces
from samobot.claude.turn_input import TurnInput
from samobot.config.model_choice import ModelChoice
from samobot.config.project_guard import ProjectGuard
from samobot.config.trust import is_trusted, setup_command
from samobot.errors import ConflictError, StorageError
from samobot.phases import Phase, SignalStatus
from samobot.session.asks import Ask, read_asks
from samobot.session.branch_point import base_of
from samobot.session.commit_check import commit_problem, unfinished_work
from samobot.session.diff import diff_summary, head
from samobot.session.files import remove
from samobot.session.journal import EventName
from samobot.session.provider import Provider
from samobot.session.signal import Signal, SignalProblem
from samobot.worker.agent_call import LOCAL_SERVERS, CallBuilder, report_untrusted
from samobot.worker.agent_guard import AgentGuard
from samobot.worker.assignment import Assignment, Progress, Report
from samobot.worker.confinement_notices import ConfinementNotices
from samobot.worker.disk_guard import DiskGuard
from samobot.worker.halt import end_leftovers
from samobot.worker.heartbeat import Heartbeat
from samobot.worker.iteration_config import IterationConfig
from samobot.worker.iteration_log import log_end, log_signal
from samobot.worker.permission_gate import AskPolicy, PermissionGate
from samobot.worker.provider_choice import choose_agent_model, choose_provider
from samobot.worker.session_files import SessionFiles
from samobot.worker.setup_command import run_setup
from samobot.worker.steering import Steering, settle_guidance
from samobot.worker.work_dir import find_work_dir, trace


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
        self._calls = CallBuilder(files, surroundings, now)
        own, fence = surroundings.project.file, surroundings.fence
        # A fence keeps the agent from the files of other projects.
        guarded = (own,) if fence.holds else (own, *surroundings.other_files)
        self.guard = AgentGuard(files, ProjectGuard(surroundings.state_dir, now), guarded)
        self._answered: Callable[[], None] | None = None
        self._refusal_noted = False
        self._confinement = ConfinementNotices(files)

    async def clean_up_after_a_dead_worker(self) -> None:
        """End what a killed worker left running, tick what its agent was given, and revert what that was not to write."""
        await asyncio.to_thread(end_leftovers, self._files.folder)
        await asyncio.to_thread(settle_guidance, self._files)
        await asyncio.to_thread(self.guard.settle, self._world.project.file)
        self.guard.revert(after_crash=True)

    async def set_up(self, stop: asyncio.Event) -> str | None:
        """Run the project's WORKTREE_SETUP once in the worktree, as soon as it is trusted; a sentence if that failed."""
        world = self._world
        command = setup_command(world.project)
        if command is None:
            return None
        asks = not is_trusted(world.state_dir, world.project, command)
        work_dir = find_work_dir(world.project, self._files)
        self._heartbeat.show_activity("⚙️ Sets the worktree up")
        note = await run_setup(
            world.project, work_dir, self._files.folder, world.state_dir, world.environ, stop
        )
        self._heartbeat.clear_activity()
        self._heartbeat.show_idle()
        if note is not None and asks:
            return note if report_untrusted(self._files, world, command, note, self._now()) else None
        if note is not None:
            self._files.log(EventName.NOTICE, text=note)
        return note

    def model(self, phase: Phase) -> ModelChoice:
        """Return model and effort of the next iteration of a phase."""
        return choose_agent_model(self._world, self._files, phase, self.provider(phase))

    def provider(self, phase: Phase) -> Provider:
        """Return the program of the next iteration of a phase."""
        return choose_provider(self._world, self._files, phase)

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
        asks = read_asks(folder, world.key)
        work_dir = find_work_dir(world.project, files)
        files.begin_iteration(assignment.phase, assignment.visit, assignment.number)
        # These read many files and run git, so they run concurrently.
        call, trace_before, head_before = await asyncio.gather(
            self._calls.build(
                assignment, session_id=session_id, guidance=guidance, asks=asks, work_dir=work_dir, log=log
            ),
            asyncio.to_thread(trace, work_dir, folder),
            asyncio.to_thread(head, work_dir),
        )
        invocation = call.invocation
        only_observes = assignment.phase is Phase.TESTING and world.project.worktrees in work_dir.parents
        await asyncio.to_thread(
            self.guard.hold, work_dir if only_observes else None, folder.logs / f"{stem}.patch"
        )
        steering = Steering(folder, session_id, guidance, number=assignment.number, log=log.name)
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
        self._confinement.absent_fence(world.fence)
        chosen = {
            "provider": call.program.provider,
            "model": call.choice.model,
            "effort": call.choice.effort,
            "stronger": assignment.stronger,
            "fenced": world.fence.holds,
            "network": world.fence.network,
            "steerable": invocation.steerable,
            "mcp": call.servers.names,
            "head": head_before,
        }
        files.log(
            EventName.ITERATION_START, visit=assignment.visit, **about, **chosen, guidance=len(guidance)
        )
        evidence = Evidence()
        self._answered = answered
        self._refusal_noted = False
        progress = Progress(assignment.phase, assignment.number, files.cost())
        began, refused = time.monotonic(), Counter[str]()
        disk = self._disk_guard(work_dir)
        invocation = replace(invocation, file_limit=disk.file_limit)
        try:
            async with world.fence.around(invocation, folder.path, refused) as fenced:
                end = await run(
                    fenced,
                    world.clocks,
                    on_record=on_record,
                    on_start=lambda pid: self._heartbeat.show_iteration(
                        assignment.number, assignment.phase, pid
                    ),
                    stop=stop,
                    steer=steer,
                    disk_is_full=disk.is_full,
                )
                # Before what the agent wrote to a private home is gone.
                full = await asyncio.to_thread(disk.report)
        finally:
            self._heartbeat.clear_activity()
            with contextlib.suppress(StorageError):  # an agent may have put anything there
                remove(folder.logs / LOCAL_SERVERS)
        self._confinement.refusals(refused)
        outcome = classify(evidence, end, self._now(), call.program.provider.display_name)
        outcome = call.program.with_cost(outcome)
        reverted = await asyncio.to_thread(self.guard.end)
        signal, seconds = files.signal(), time.monotonic() - began
        stays = _stays(signal, assignment.phase)
        unfinished, changed, head_after = await asyncio.gather(
            asyncio.to_thread(_unfinished, signal, work_dir),
            asyncio.to_thread(lambda: not stays or trace(work_dir, folder) != trace_before),
            asyncio.to_thread(head, work_dir),
        )
        log_end(files, about, outcome, seconds, head_after)
        log_signal(files, signal, assignment.number)
        self._heartbeat.renew()  # may end the run, so after what the iteration has cost was recorded
        self._heartbeat.show_idle()
        return Report(
            number=assignment.number,
            outcome=outcome,
            signal=signal,
            reverted=reverted,
            guidance=steering.received,
            process=session_id,
            asks_reported=tuple(ask.id for ask in asks.unreported),
            lost=self.guard.lost or full,
            restored=self.guard.restored,
            unfinished=unfinished,
            changed=changed,
        )

    def _disk_guard(self, work_dir: Path) -> DiskGuard:
        world = self._world
        # Without a fence the agent may write anywhere: the usual places are watched.
        free = (
            () if world.fence.holds else (Path(tempfile.gettempdir()), Path(world.environ.get("HOME", "/")))
        )
        own = (work_dir, self._files.folder.path, world.state_dir / "fence")
        return DiskGuard((*own, *free), world.disk_free_mb, time.time())

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
            text = f"The service refuses the login ({record.status}); the CLI repeats the request. Check the login if this lasts."
            self._files.log(EventName.NOTICE, text=text)
        if isinstance(record, Init):
            self._confinement.absent_servers(record)
        doing = activity(record, work_dir, self._files.folder.path)
        if doing is not None:
            progress.activity = f"{doing.sign} {doing.words}"
            self._heartbeat.show_activity(progress.activity)
        self._watch(progress)


def _stays(signal: Signal | SignalProblem, phase: Phase) -> bool:
    """Whether the agent wants another iteration of the same phase: only then it matters that nothing changed."""
    return (
        isinstance(signal, Signal)
        and signal.status is SignalStatus.CONTINUE
        and signal.phase in (None, phase)
    )


def _unfinished(signal: Signal | SignalProblem, work_dir: Path) -> str:
    if not isinstance(signal, Signal) or signal.status is not SignalStatus.DONE:
        return ""
    try:
        return unfinished_work(work_dir, diff_summary(work_dir, base_of(work_dir)))
    except ConflictError as error:
        return error.message
