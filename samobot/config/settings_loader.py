"""Reads the settings from the environment and the samobot .env file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from samobot.config.environment import BOT_SECRETS, find_env_file, read_values
from samobot.config.settings import PHASE_VARIABLES, Settings
from samobot.errors import UsageError
from samobot.phases import Phase
from samobot.session.provider import CODEX_PHASES, Provider
from samobot.session.vault import default_state_dir


def load_settings(environ: Mapping[str, str] | None = None, *, strict: bool = True) -> Settings:
    """Read the settings from the environment and the `.env` file.

    Args:
        environ: The environment; None is the process's own.
        strict: Refuse a `.env` file with a token that others may read. Commands that repair it say False.

    Raises:
        UsageError: A value cannot be used, or the file's mode lets others read the token.
    """
    environ = os.environ if environ is None else environ
    path = find_env_file(environ)
    values = read_values(environ, path, strict=strict)
    names = {name for name in Settings.model_fields if name not in ("env_file", *PHASE_VARIABLES)}
    known: dict[str, object] = {name: values[name.upper()] for name in names if values.get(name.upper())}
    for name, prefix in PHASE_VARIABLES.items():
        known[name] = {phase: value for phase in Phase if (value := values.get(f"{prefix}{phase.upper()}"))}
    _refuse_codex(known["samobot_providers"])
    known.setdefault("samobot_state_dir", default_state_dir(environ))
    try:
        return Settings.model_validate(known | {"env_file": path})
    except ValidationError as error:
        raise UsageError(_explain(error, path, environ)) from None


def _refuse_codex(chosen: object) -> None:
    """Refuse Codex for a phase that it cannot do; where it is chosen for all of them, Claude does the others."""
    for phase, name in chosen.items() if isinstance(chosen, dict) else ():
        if name == Provider.CODEX and phase not in CODEX_PHASES:
            raise UsageError(
                f"SAMOBOT_PROVIDER_{phase.upper()}=codex cannot be used: Codex works only on "
                f"{' and '.join(CODEX_PHASES)}. Set it to claude, or leave it out."
            )


def _variable(place: tuple[int | str, ...]) -> str:
    """The environment variable that a validation error is about."""
    if not place:
        return "configuration"
    prefix = PHASE_VARIABLES.get(str(place[0]))
    return str(place[0]).upper() if prefix is None else f"{prefix}{str(place[1]).upper()}"


def _explain(error: ValidationError, path: Path | None, environ: Mapping[str, str]) -> str:
    first = error.errors(include_url=False, include_context=False)[0]
    name = _variable(first["loc"])
    where = "in the environment" if environ.get(name) else f"in {path}"
    if name in BOT_SECRETS:
        return f"{name} {where} cannot be used."
    return f"{name} {where} cannot be used: {first['input']!r}: {first['msg'].removeprefix('Value error, ')}."
