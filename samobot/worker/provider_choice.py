"""Which program an iteration's agent runs in, and with which model."""

from __future__ import annotations

from samobot.config.model_choice import ModelChoice
from samobot.phases import Phase
from samobot.session.provider import Provider, provider_named
from samobot.worker.iteration_config import IterationConfig
from samobot.worker.session_files import SessionFiles
from samobot.worker.strength import choose_model


def choose_provider(config: IterationConfig, files: SessionFiles, phase: Phase) -> Provider:
    """Return the program of the next iteration of a phase: of the run, else of the session, else as configured."""
    chosen = None if config.provider_is_fixed else provider_named(files.journal().provider)
    return config.providers[phase] if chosen is None else chosen.for_phase(phase)


def choose_agent_model(
    config: IterationConfig, files: SessionFiles, phase: Phase, provider: Provider
) -> ModelChoice:
    """Return model and effort of that iteration in its program; of a profile, Codex takes only the effort."""
    choice = choose_model(config, files, phase)
    if provider is Provider.CLAUDE:
        return choice
    return ModelChoice(config.codex_model, choice.effort)
