"""What a set-up has chosen so far, beside what holds already: written nowhere before the end."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path

from dotenv import dotenv_values

from samobot.config.environment import default_env_file, find_env_file
from samobot.config.settings import Settings
from samobot.config.settings_loader import load_settings
from samobot.frozen import frozen
from samobot.setup.outcome_plan import SetupPlan, changed


@frozen
class Flags:
    """What the command line specifies; None or empty is asked for.

    Attributes:
        yes: Ask nothing.
        token_file: Where the token is; `-` is stdin.
        chat_id: The owner's chat.
        projects: Folders that become projects.
        service: Whether to install the service.
        message: Whether to send the first message.
    """

    yes: bool
    token_file: str | None
    chat_id: int | None
    projects: tuple[Path, ...]
    service: bool | None
    message: bool


@frozen
class Choices:
    """What was chosen.

    Attributes:
        flags: What need not be asked.
        environ: The environment.
        file: The `.env` file that is to be written; need not be there yet.
        settings: The current settings.
        values: What is to be set in the file, by name.
    """

    flags: Flags
    environ: Mapping[str, str]
    file: Path
    settings: Settings
    values: dict[str, str] = field(default_factory=dict)

    def plan(self, new_projects: list[Path]) -> SetupPlan:
        """What is left to be written of it.

        Args:
            new_projects: Folders that get a `.samocode`.
        """
        written = dotenv_values(self.file, interpolate=False) if self.file.is_file() else {}
        known = {name: value for name, value in written.items() if value is not None}
        return SetupPlan(self.file, changed(self.values, known), new_projects)


def nothing_chosen(flags: Flags, environ: Mapping[str, str]) -> Choices:
    """How a set-up begins.

    Raises:
        UsageError: What is configured already cannot be used.
    """
    file = _target(environ)
    return Choices(flags, environ, file, _settings(environ, file))


def _target(environ: Mapping[str, str]) -> Path:
    """The `.env` file that is written: the one that is read, or would be."""
    named = environ.get("SAMOBOT_ENV_FILE")
    if named:
        return Path(named).expanduser().absolute()
    return find_env_file(environ) or default_env_file(environ)


def _settings(environ: Mapping[str, str], file: Path) -> Settings:
    """The settings as they are; the file may not be there yet."""
    if file.is_file():
        return load_settings({**environ, "SAMOBOT_ENV_FILE": str(file)}, strict=False)
    with tempfile.NamedTemporaryFile(prefix="samobot-") as empty:
        return load_settings({**environ, "SAMOBOT_ENV_FILE": empty.name}, strict=False)
