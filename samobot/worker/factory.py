"""Builds a worker from the settings and a project."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property

from samobot.assets import plugin_dir
from samobot.claude.invocation import ClaudeOptions, check_args
from samobot.claude.preflight import check_root, find, is_wrapper, preflight
from samobot.claude.process import Timeouts
from samobot.config.project import Project
from samobot.config.settings import Settings
from samobot.phases import Phase
from samobot.session.decisions import load_key
from samobot.session.folder import SessionFolder
from samobot.system.clock import utc_now
from samobot.worker.assignment import Progress
from samobot.worker.budget import BudgetGuard
from samobot.worker.heartbeat import Heartbeat
from samobot.worker.iteration import IterationConfig, IterationRunner
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
            permission_mode=settings.claude_permission_mode,
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
            UsageError: The CLI is missing or cannot run here, or nobody is logged in.
        """
        check_args(self._options.args)
        check_root(self._options, self._environ)
        self._options = replace(self._options, path=find(self._options.path, self._environ))
        if new and not is_wrapper(self._options.path):
            preflight(self._options, self._environ, login=True)

    def worker(
        self,
        folder: SessionFolder,
        options: RunOptions,
        *,
        tell: Callable[[Notice], None],
        watch: Callable[[Progress], None],
    ) -> Worker:
        """Build the worker of one run."""
        settings = self._settings
        files = SessionFiles(folder, utc_now)
        surroundings = IterationConfig(
            project=self._project,
            options={
                phase: replace(self._options, model=settings.model(phase), effort=settings.effort(phase))
                for phase in Phase
            },
            plugin=plugin_dir(),
            key=self.key,
            environ=self._environ,
            clocks=Timeouts(total=settings.claude_timeout),
            python=sys.executable,
            state_dir=settings.samobot_state_dir,
        )
        heartbeat = Heartbeat()
        iteration = IterationRunner(files, surroundings, heartbeat, now=utc_now, watch=watch)
        retry_policy = RetryPolicy(
            max_retries=settings.samocode_max_retries,
            retry_delay=settings.samocode_retry_delay,
            after_reset=settings.samobot_after_reset_seconds,
        )
        state_dir = settings.samobot_state_dir
        money = BudgetGuard(files, state_dir, settings.samobot_daily_budget_usd, now=utc_now)
        run = RunContext(files, options, retry_policy, utc_now, tell)
        return Worker(run, iteration, heartbeat, AccountLimit(state_dir), money)
