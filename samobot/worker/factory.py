"""Builds a worker from the settings and a project."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from samobot.assets import plugin_dir
from samobot.claude.clocks import Timeouts
from samobot.claude.codex_program import CodexProgram
from samobot.claude.extra_flags import check_args
from samobot.claude.invocation import ClaudeOptions
from samobot.claude.preflight import check_root, find, is_wrapper, preflight
from samobot.claude.user_settings import check_user_settings
from samobot.config.environment import default_env_file
from samobot.config.project import Project, load_project
from samobot.config.projects import other_files
from samobot.config.settings import Settings
from samobot.errors import SamobotError, UsageError
from samobot.money.machine_share import ShareFile
from samobot.phases import Phase
from samobot.session.decisions import load_key
from samobot.session.folder import SessionFolder
from samobot.session.provider import Provider
from samobot.session.search_path import own_environment
from samobot.system.clock import utc_now
from samobot.worker.agent_fence import AgentFence
from samobot.worker.assignment import Progress
from samobot.worker.budget import BudgetGuard
from samobot.worker.heartbeat import Heartbeat
from samobot.worker.hub_wait import HubWait
from samobot.worker.iteration import IterationRunner
from samobot.worker.iteration_config import IterationConfig
from samobot.worker.loop import Worker
from samobot.worker.run import Notice, RetryPolicy, RunContext, RunOptions
from samobot.worker.session_files import SessionFiles
from samobot.worker.usage_limit import AccountLimit


class WorkerFactory:
    """Builds the workers of one project.

    Args:
        settings: The configuration, with a command line's flags worked in.
        project: The project.
        environ: The environment that the CLI will see, less our secrets.
    """

    def __init__(self, settings: Settings, project: Project, environ: Mapping[str, str]) -> None:
        self._settings = settings
        self._project = project
        self._environ = environ
        self._options = ClaudeOptions(
            path=settings.claude_path,
            model=settings.claude_model,
            max_turns=settings.claude_max_turns,
            permission_mode=settings.cli_permission_mode,
            asks=settings.asks,
            fallback_model=settings.claude_fallback_model,
            args=settings.claude_args,
        )

    @cached_property
    def key(self) -> bytes:
        """The key that marks decisions as written by samobot; created when it is first needed."""
        return load_key(self._settings.samobot_state_dir)

    def preflight(self, *, new: bool) -> None:
        """Check that an iteration could start at all, before anything is created.

        Args:
            new: The session does not exist yet. Asking the CLI who is logged in takes a second: that is for the
                first run only; later ones fail in their first iteration. A script of the user's own is not asked.

        Raises:
            UsageError: The CLI is missing or cannot run here, the user's settings leave it without its tools, or nobody
                is logged in.
        """
        check_args(self._options.args, asks=self._options.asks)
        check_root(self._options, self._environ)
        self._options = replace(self._options, path=find(self._options.path, self._environ))
        _ = self._fence().holds
        if any(self._settings.provider(phase) is Provider.CODEX for phase in Phase):
            self._codex.check(self._environ, login=new)
        if is_wrapper(self._options.path):
            if self._settings.asks:
                raise UsageError(
                    f"SAMOBOT_ASK={self._settings.samobot_ask} needs Claude Code itself, and CLAUDE_PATH names a script: set "
                    "CLAUDE_PATH to the CLI, or SAMOBOT_ASK=off."
                )
            return
        check_user_settings(self._options, self._environ)
        if new:
            preflight(self._options, self._environ, login=True)

    @property
    def _codex(self) -> CodexProgram:
        return CodexProgram.configured(self._settings, plugin_dir())

    def worker(
        self,
        folder: SessionFolder,
        options: RunOptions,
        *,
        notify: Callable[[Notice], None],
        watch: Callable[[Progress], None],
    ) -> Worker:
        """Build the worker of one run.

        Raises:
            UsageError: The session's program cannot run here.
        """
        settings = self._settings
        files = SessionFiles(folder, utc_now)
        if not options.provider_is_fixed and files.journal().provider == Provider.CODEX:
            self._codex.check(self._environ, login=False)
        surroundings = IterationConfig(
            project=self._project,
            options={
                phase: replace(self._options, model=settings.model(phase), effort=settings.effort(phase))
                for phase in Phase
            },
            providers={phase: settings.provider(phase) for phase in Phase},
            codex=self._codex,
            codex_model=settings.codex_model,
            plugin=plugin_dir(),
            key=self.key,
            environ=self._environ,
            clocks=Timeouts(total=settings.claude_timeout),
            python=sys.executable,
            state_dir=settings.samobot_state_dir,
            fence=self._fence(),
            ask=settings.samobot_ask,
            other_files=tuple(other_files(settings.samobot_projects, self._project.file)),
            mcp=settings.samobot_mcp,
            disk_free_mb=settings.samobot_disk_free_mb,
            model_is_fixed=options.model_is_fixed,
            provider_is_fixed=options.provider_is_fixed,
        )
        heartbeat = Heartbeat()
        iteration = IterationRunner(files, surroundings, heartbeat, now=utc_now, watch=watch)
        retry_policy = RetryPolicy(
            max_retries=settings.samocode_max_retries,
            retry_delay=settings.samocode_retry_delay,
            after_reset=settings.samobot_after_reset_seconds,
        )
        state_dir = settings.samobot_state_dir
        priced = settings.codex_price is not None
        money = BudgetGuard(
            files, state_dir, settings.samobot_daily_budget_usd, now=utc_now, codex_is_priced=priced
        )
        run = RunContext(files, options, retry_policy, utc_now, notify)
        hub_wait = HubWait(settings.samobot_host_alone, ShareFile(state_dir))
        return Worker(run, iteration, heartbeat, AccountLimit(state_dir), money, hub_wait)

    def _fence(self) -> AgentFence:
        settings, environ, project = self._settings, self._environ, self._project
        env_files = {default_env_file(environ).parent, *filter(None, [settings.env_file])}
        return AgentFence(
            mode=settings.samobot_fence,
            project=project,
            state_dir=settings.samobot_state_dir,
            secrets=tuple(env_files),
            others=tuple(_other_sessions(settings.samobot_projects, project)),
            allowed=settings.samobot_fence_allow,
            program=self._options.path,
            environ=own_environment(environ),
            network=settings.samobot_fence_net,
            hosts=settings.samobot_fence_hosts,
        )


def _other_sessions(projects: Iterable[Path], own: Project) -> Iterator[Path]:
    """The session folders of the other projects; one that cannot be read has none that anybody knows."""
    for path in projects:
        with contextlib.suppress(SamobotError):
            project = load_project(path)
            if project.sessions != own.sessions:
                yield project.sessions
