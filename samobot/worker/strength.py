"""Which model an iteration gets, and the one stronger try when an agent is blocked for want of strength."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from samobot.config.model_choice import ModelChoice, Profile, profile_named
from samobot.config.trust import Content, report_once
from samobot.phases import BlockCause, Phase, Transition
from samobot.session.gate_state import read_plan
from samobot.session.journal import EventName
from samobot.session.plan import open_phase_profile
from samobot.session.signal import Lack, Signal
from samobot.text import full_stop, one_line
from samobot.worker.iteration_config import IterationConfig
from samobot.worker.run import Notice, RunContext
from samobot.worker.session_files import SessionFiles


def choose_model(config: IterationConfig, files: SessionFiles, phase: Phase) -> ModelChoice:
    """Return model and effort of the next iteration of a phase.

    A model or profile of the run goes first, then the profile that the user chose for the session, then that of the
    approved plan for its open part, then the configuration.
    """
    options = config.options[phase]
    profile = None if config.model_is_fixed else _profile(files, phase)
    return ModelChoice(options.model, options.effort) if profile is None else ModelChoice.of(profile)


def _profile(files: SessionFiles, phase: Phase) -> Profile | None:
    chosen = profile_named(files.journal().profile)
    if chosen is not None or phase is not Phase.IMPLEMENTATION:
        return chosen
    return profile_named(_planned(files))


def report_unknown_profile(config: IterationConfig, files: SessionFiles, phase: Phase, now: datetime) -> None:
    """Log once a session that the plan names a profile for the next iteration that does not exist."""
    if phase is not Phase.IMPLEMENTATION or config.model_is_fixed or profile_named(files.journal().profile):
        return  # the plan's profile is not used
    name = one_line(_planned(files), 40)
    if not name or profile_named(name):
        return
    about = Content("unknown profile of the plan", (name,), None)
    if report_once(config.state_dir, config.project, about, files.folder.path.name, now):
        text = f"The plan names the profile “{name}”, which does not exist: it has no effect. There are {', '.join(Profile)}."
        files.log(EventName.NOTICE, text=text)


def _planned(files: SessionFiles) -> str:
    plan = read_plan(files.folder).plan
    return open_phase_profile(plan.text) if plan is not None else ""


class StrongerTry:
    """Gives a blocked agent one more iteration with a stronger model or more effort, once a visit of a phase.

    Args:
        run: The run.
        choose: Returns what the next iteration of a phase gets otherwise.

    Attributes:
        pending: Whether the next iteration is that try.
        reminder: What its agent has to know; empty if it is not pending.
    """

    def __init__(self, run: RunContext, choose: Callable[[Phase], ModelChoice]) -> None:
        self._run = run
        self._choose = choose
        self._tried = ""
        self.reminder = ""

    @property
    def pending(self) -> bool:
        """Whether the next iteration is a stronger try."""
        return bool(self.reminder)

    def end(self) -> None:
        """An iteration has ended with a signal: the next one is an ordinary one."""
        self.reminder = ""

    def forget(self) -> None:
        """Allow another try: the phase has changed."""
        self.reminder = self._tried = ""

    def instead(self, phase: Phase, signal: Signal, decision: Transition, number: int) -> bool:
        """Prepare a stronger try instead of a block.

        Returns:
            Whether there is one; not for what only the user can decide, nor twice in a row.
        """
        if decision.cause is not BlockCause.AGENT or self._tried or not _may_help(phase, signal.lacks):
            return False
        stronger = self._choose(phase).stronger
        if stronger is None:
            return False
        self._tried = str(stronger)
        why = "for want of strength" if signal.lacks is Lack.STRENGTH else "by its environment"
        reason = full_stop(one_line(" ".join(map(full_stop, decision.reason.split("\n"))), 300))
        text = f"{phase.capitalize()} is blocked {why}: {reason} One more try, with {stronger}."
        self.reminder = (
            f"The last iteration signalled `blocked` {why}: {reason} This is a second try with more strength: read what "
            "was tried, and find another way. If there is none, signal `blocked` again."
        )
        files = self._run.files
        files.log(EventName.RETRY, n=number, attempt=1, delay_s=0, outcome="blocked", text=text)
        files.log(EventName.NOTICE, text=text)
        files.flow(text, number)
        files.clear_signal()
        self._run.notify(Notice(text))
        return True

    def with_failed_try(self, reason: str) -> str:
        """Return the reason of a block, with the try that did not help."""
        return f"{reason}\n(A second try with {self._tried} did not help.)" if self._tried else reason


def _may_help(phase: Phase, lacks: Lack | None) -> bool:
    return lacks is Lack.STRENGTH or (lacks is Lack.ENVIRONMENT and phase is Phase.TESTING)
