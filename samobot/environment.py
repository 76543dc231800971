"""What the environment and the one `.env` file say, as text: `settings` checks it and gives it types.

Commands that only look for sessions read it here: they start in half the time without the checking, and still
work where a value that is none of their business is wrong.
"""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Mapping
from pathlib import Path

from samobot.errors import UsageError


def default_env_file(environ: Mapping[str, str]) -> Path:
    """Where a person's own `.env` is expected when nothing else is said."""
    base = environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(base).expanduser() / "samobot" / ".env"


def find_env_file(environ: Mapping[str, str]) -> Path | None:
    """Find the `.env` file: SAMOBOT_ENV_FILE, else the configuration folder's, else the checkout's own.

    Raises:
        UsageError: SAMOBOT_ENV_FILE names a file that is not there.
    """
    named = environ.get("SAMOBOT_ENV_FILE")
    if named:
        path = Path(named).expanduser()
        if not path.is_file():
            raise UsageError(f"SAMOBOT_ENV_FILE names {path}, which is not a file: correct or unset it.")
        return path
    checkout = Path(__file__).resolve().parent.parent
    candidates = [default_env_file(environ)]
    if (checkout / "pyproject.toml").is_file():
        candidates.append(checkout / ".env")
    return next((path for path in candidates if path.is_file()), None)


def read_values(environ: Mapping[str, str], path: Path | None, *, strict: bool = True) -> dict[str, str]:
    """What is set: the variables of the environment, and those of the `.env` file that it does not set.

    Args:
        environ: The environment; an empty value there counts as none.
        path: The `.env` file, where there is one.
        strict: Refuse a file with a token that others may read. Commands that repair it say False.

    Raises:
        UsageError: The file cannot be read, or its mode lets others read the token.
    """
    values = {} if path is None else _read_env_file(path, strict=strict)
    return values | {name: value for name, value in environ.items() if value}


def configured_projects(environ: Mapping[str, str] | None = None) -> tuple[Path, ...]:
    """The `.samocode` files, or their folders, that SAMOBOT_PROJECTS names.

    Raises:
        UsageError: As `find_env_file` and `read_values`.
    """
    environ = os.environ if environ is None else environ
    return split_paths(read_values(environ, find_env_file(environ)).get("SAMOBOT_PROJECTS", ""))


def split_paths(value: str) -> tuple[Path, ...]:
    """The paths of a list with `:` between them."""
    return tuple(Path(part.strip()).expanduser() for part in value.split(":") if part.strip())


def _read_env_file(path: Path, *, strict: bool) -> dict[str, str]:
    from dotenv import dotenv_values

    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        # interpolate=False: a token or path is taken as it is written, never mixed with the environment.
        values = {k: v for k, v in dotenv_values(path, interpolate=False).items() if v is not None}
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{path} cannot be read ({error}): correct it, or name another in SAMOBOT_ENV_FILE."
        ) from None
    if strict and values.get("TELEGRAM_BOT_TOKEN") and mode & 0o077:
        raise UsageError(
            f"{path} holds the bot's token and others may read it (mode {mode:04o}): run `chmod 600 {shlex.quote(str(path))}`."
        )
    return values
