"""Which program an iteration gets."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from samobot.claude.invocation import ClaudeOptions
from samobot.config.model_choice import ModelChoice
from samobot.config.settings_loader import load_settings
from samobot.errors import UsageError
from samobot.fleet.session_settings import write_profile, write_provider
from samobot.phases import Phase
from samobot.session.provider import Provider
from samobot.worker.iteration_config import IterationConfig
from samobot.worker.provider_choice import choose_agent_model, choose_provider
from samobot.worker.session_files import SessionFiles
from tests.support.session_folder import ANNA, NOW, make_session

CLAUDE, CODEX = Provider.CLAUDE, Provider.CODEX


def config(*, fixed: bool = False, **environ: str) -> IterationConfig:
    settings = load_settings(environ)
    there = SimpleNamespace(
        options={phase: ClaudeOptions(model="opus", effort="low") for phase in Phase},
        model_is_fixed=False,
        providers={phase: settings.provider(phase) for phase in Phase},
        provider_is_fixed=fixed,
        codex_model="gpt-5.5",
    )
    return cast(IterationConfig, there)


def test_codex_is_given_the_phases_that_it_can_do_and_the_user_goes_before(tmp_path: Path) -> None:
    files = SessionFiles(make_session(tmp_path, phase="quality"), lambda: NOW)
    both = config(SAMOBOT_PROVIDER="codex")
    chosen = {phase for phase in Phase if choose_provider(both, files, phase) is CODEX}
    assert chosen == {Phase.IMPLEMENTATION, Phase.QUALITY}
    reviewer = config(SAMOBOT_PROVIDER_QUALITY="codex")
    assert choose_provider(reviewer, files, Phase.QUALITY) is CODEX
    assert choose_provider(reviewer, files, Phase.IMPLEMENTATION) is CLAUDE
    write_provider(files.folder, "claude", ANNA, NOW)
    assert choose_provider(both, files, Phase.QUALITY) is CLAUDE
    assert choose_provider(config(fixed=True, SAMOBOT_PROVIDER="codex"), files, Phase.QUALITY) is CODEX
    write_provider(files.folder, "", ANNA, NOW)
    assert choose_provider(both, files, Phase.QUALITY) is CODEX


def test_codex_takes_its_own_model_and_the_effort_of_a_profile(tmp_path: Path) -> None:
    files = SessionFiles(make_session(tmp_path, phase="quality"), lambda: NOW)
    there = config(SAMOBOT_PROVIDER="codex")
    assert choose_agent_model(
        there, files, Phase.QUALITY, choose_provider(there, files, Phase.QUALITY)
    ) == ModelChoice("gpt-5.5", "low")
    write_profile(files.folder, "light", ANNA, NOW)
    assert choose_agent_model(
        there, files, Phase.QUALITY, choose_provider(there, files, Phase.QUALITY)
    ) == ModelChoice("gpt-5.5", "medium")
    assert choose_agent_model(
        there, files, Phase.TESTING, choose_provider(there, files, Phase.TESTING)
    ) == ModelChoice("sonnet", "medium")


def test_configuration_refuses_codex_for_a_phase_that_it_cannot_do() -> None:
    with pytest.raises(UsageError, match="SAMOBOT_PROVIDER_PLANNING=codex cannot be used: Codex works only"):
        load_settings({"SAMOBOT_PROVIDER_PLANNING": "codex"})
    with pytest.raises(UsageError, match="SAMOBOT_PROVIDER_QUALITY in the environment cannot be used: 'x'"):
        load_settings({"SAMOBOT_PROVIDER_QUALITY": "x"})


def test_program_of_a_run_goes_before_those_of_phases() -> None:
    settings = load_settings({"SAMOBOT_PROVIDER_QUALITY": "codex"})
    assert settings.for_run(provider=CLAUDE).provider(Phase.QUALITY) is CLAUDE
    assert settings.for_run(provider=CODEX).provider(Phase.IMPLEMENTATION) is CODEX
