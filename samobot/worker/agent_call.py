"""The call of the CLI for one iteration: its facts, its prompt, and what of the user's and the project's counts."""

from __future__ import annotations

import asyncio
import json
import platform
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from samobot.assets import workflow_text
from samobot.claude.agent_program import AgentProgram, ClaudeProgram, IterationOrder
from samobot.claude.invocation import ClaudeOptions, Invocation
from samobot.claude.mcp import PROJECT_FILE, McpServers, find_servers, local_servers, servers_file
from samobot.claude.preflight import is_wrapper
from samobot.claude.user_settings import check_user_settings
from samobot.config.learned import project_lessons, session_notes
from samobot.config.model_choice import ModelChoice
from samobot.config.settings_folders import project_folders
from samobot.config.trust import Content, is_left_out, is_reported, is_trusted, project_settings, report_once
from samobot.frozen import frozen
from samobot.phases import RULES, Phase
from samobot.session.asks import AskBook
from samobot.session.branch_point import base_of
from samobot.session.diff import checkout
from samobot.session.files import write_atomic
from samobot.session.guidance import GuidanceItem
from samobot.session.journal import EventName
from samobot.session.journal_events import TRUST
from samobot.session.log_copy import new_stream
from samobot.session.provider import Provider
from samobot.session.turn import load_turn
from samobot.worker.assignment import Assignment
from samobot.worker.iteration_config import IterationConfig
from samobot.worker.permission_gate import verdict_lines
from samobot.worker.prompt import (
    IterationContext,
    hook_environment,
    iteration_context,
    iteration_prompt,
)
from samobot.worker.provider_choice import choose_agent_model
from samobot.worker.session_files import SessionFiles
from samobot.worker.strength import report_unknown_profile

LOCAL_SERVERS = "mcp-local.json"
"""File in `_logs` from which the CLI takes MCP servers of the scope `local`; there only while an iteration runs."""


@frozen
class AgentCall:
    """A call that is ready to be run.

    Attributes:
        invocation: The call, not yet inside the fence.
        servers: The MCP servers that it offers.
        choice: The model and the effort.
        program: The program that is called.
    """

    invocation: Invocation
    servers: McpServers
    choice: ModelChoice
    program: AgentProgram


class CallBuilder:
    """Builds the calls of one session.

    Args:
        files: The session's files.
        config: The configuration.
        now: The clock, aware.
    """

    def __init__(self, files: SessionFiles, config: IterationConfig, now: Callable[[], datetime]) -> None:
        self._files = files
        self._config = config
        self._now = now

    async def build(
        self,
        assignment: Assignment,
        *,
        session_id: str,
        guidance: tuple[GuidanceItem, ...],
        asks: AskBook,
        work_dir: Path,
        log: Path,
    ) -> AgentCall:
        """Build the call of an iteration, and write its context and prompt beside its log.

        Args:
            assignment: What it is to do.
            session_id: A new UUID.
            guidance: The guidance that its prompt holds.
            asks: What earlier iterations have asked for.
            work_dir: Where it works.
            log: Its log in the session's folder.

        Raises:
            UsageError: The configuration asks for what the program cannot do.
            StorageError: The disk refused.
        """
        folder, config = self._files.folder, self._config
        # Both read many files and run git, so they run concurrently.
        untrusted, facts = await asyncio.gather(
            asyncio.to_thread(self._untrusted_settings, work_dir),
            asyncio.to_thread(self._facts, assignment, guidance, asks, work_dir),
        )
        program = self._program(assignment)
        self._report_lacks(program)
        if program.provider is Provider.CLAUDE:
            self._report_settings(config.options[assignment.phase], None if untrusted else work_dir)
        servers = self._servers(program, assignment.phase, work_dir, trust_project=not untrusted)
        prompt = iteration_prompt(replace(facts, browsers=servers.browsers))
        context = log.with_suffix(".context.md")
        contract = workflow_text()
        # No agent outlives a power cut, and the next one gets files of its own.
        write_atomic(context, iteration_context(facts, contract), durable=False)
        write_atomic(log.with_suffix(".prompt.md"), f"{prompt}\n", durable=False)
        report_unknown_profile(config, self._files, assignment.phase, self._now())
        choice = choose_agent_model(config, self._files, assignment.phase, assignment.provider)
        choice = (assignment.stronger and choice.stronger) or choice
        invocation = program.call(
            IterationOrder(
                agent=RULES[assignment.phase].agent,
                model=choice.model,
                effort=choice.effort,
                session_id=session_id,
                contract=contract,
                facts=iteration_context(facts, ""),
                context_file=context,
                prompt=prompt,
                cwd=work_dir,
                session_dir=folder.path,
                log=new_stream(folder, log.name),
                budget_left=assignment.budget_left,
                signal_file=folder.signal,
                environ=config.environ,
                python=config.python,
                trust_project=not untrusted,
                servers=servers,
                mcp=config.mcp,
            )
        )
        hook = hook_environment(assignment.phase, folder.signal)
        invocation = replace(invocation, env={**invocation.env, **hook}, copy=log)
        return AgentCall(invocation, servers, choice, program)

    def _program(self, assignment: Assignment) -> AgentProgram:
        config = self._config
        if assignment.provider is Provider.CODEX:
            return config.codex
        return ClaudeProgram(config.options[assignment.phase], config.plugin)

    def _facts(
        self, assignment: Assignment, guidance: tuple[GuidanceItem, ...], asks: AskBook, work_dir: Path
    ) -> IterationContext:
        tree = checkout(work_dir)
        feedback, reachable = (
            self._files.feedback(),
            self._config.fence.reachable(assignment.provider),
        )
        before = load_turn(self._files.folder)  # forgotten if that iteration ended well
        repeated = [item for item in guidance if before is not None and before.has_given(item)]
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
            guidance=tuple(item.text for item in guidance if item.text != feedback and item not in repeated),
            repeated=tuple(item.text for item in repeated if item.text != feedback),
            feedback=feedback,
            answers=self._files.fresh_answers(),
            verdicts=verdict_lines(asks),
            reminder=assignment.reminder,
            base=base_of(work_dir) if tree.branch else None,
            seconds=self._config.clocks.total,
            budget_left=assignment.budget_left,
            learned=session_notes(self._files.folder),
            lessons=project_lessons(self._config.state_dir, self._config.project),
            reachable=None if reachable is None else tuple(map(str, reachable)),
        )

    def _report_lacks(self, program: AgentProgram) -> None:
        """Report what a program cannot do, once a session."""
        config, name = self._config, program.provider.display_name
        about = Content(f"limits of {name}", program.lacks, None)
        session = self._files.folder.path.name
        if program.lacks and report_once(config.state_dir, config.project, about, session, self._now()):
            text = f"{name} works on this phase. It {'; it '.join(program.lacks)}."
            self._files.log(EventName.NOTICE, text=text)

    def _report_settings(self, options: ClaudeOptions, project: Path | None) -> None:
        """Report what in the user's and the trusted project's settings hinders an iteration, each thing once a session.

        Raises:
            UsageError: No iteration can work with them.
        """
        if is_wrapper(options.path):
            return
        config, session = self._config, self._files.folder.path.name
        for problem in check_user_settings(options, config.environ, project):
            about = Content("settings that hinder", (problem.text,), None)
            if report_once(config.state_dir, config.project, about, session, self._now()):
                text = f"Your Claude Code settings: {problem.text}. {problem.remedy}"
                self._files.log(EventName.NOTICE, text=text)

    def _servers(
        self, program: AgentProgram, phase: Phase, work_dir: Path, *, trust_project: bool
    ) -> McpServers:
        """Claude's MCP servers that the agent is offered; a script of the user's own decides that itself."""
        config = self._config
        if program.provider is not Provider.CLAUDE or is_wrapper(config.options[phase].path):
            return McpServers()
        own = [folder / PROJECT_FILE for folder in project_folders(work_dir)] if trust_project else []
        users, local = servers_file(config.environ), self._files.folder.logs / LOCAL_SERVERS
        # The user has added them in the main repository; a worktree is another folder.
        folders = (*project_folders(work_dir), *project_folders(config.project.main_repo))
        if servers := local_servers(users, folders):
            write_atomic(local, json.dumps({"mcpServers": servers}), mode=0o600, durable=False)
        return find_servers(config.mcp, (*((local,) if servers else ()), *own, users), phase)

    def _untrusted_settings(self, work_dir: Path) -> bool:
        """Whether the project has Claude settings that the user has not trusted; reports them once a session."""
        config, folder = self._config, self._files.folder
        content = project_settings(work_dir)
        if content is None or is_trusted(config.state_dir, config.project, content):
            return False
        text = (
            "This project has Claude Code settings of its own (hooks, MCP servers, …) that you have not "
            f"trusted: they are not used. To see and trust them, in the terminal: "
            f"samobot trust --config {config.project.file} --session {folder.name}"
        )
        report_untrusted(self._files, config, content, text, self._now())
        return True


def report_untrusted(
    files: SessionFiles, config: IterationConfig, content: Content, text: str, now: datetime
) -> bool:
    """Log once a session that something of the project is not used, unless the user has left it out.

    The first time, the bot asks about it in the chat; a question that was ignored is not asked again in each session,
    which only reports it. Returns whether it was logged.
    """
    state_dir, project = config.state_dir, config.project
    if is_left_out(state_dir, project, content):
        return False
    session = files.folder.path.name
    if is_reported(state_dir, project, content, session):
        return False
    if is_reported(state_dir, project, content):
        files.log(
            EventName.NOTICE,
            text=f"Still not trusted, so not used: {content.title}. /trust in the chat or samobot trust shows it.",
        )
    else:
        files.log(EventName.NOTICE, about=TRUST, text=text)
    # A worker that dies before this reports it twice rather than never.
    report_once(state_dir, project, content, session, now)
    return True
