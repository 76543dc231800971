"""What the environment and the one `.env` file say, as text: `settings` checks it and gives it types.

Commands that only look for sessions read it here: they start in half the time without the checking, and still
work where a value that is none of their business is wrong.
"""

from __future__ import annotations

import os
import re
import shlex
import stat
from collections.abc import Mapping
from pathlib import Path

from samobot.errors import UsageError
from samobot.frozen import frozen
from samobot.session.vault import default_state_dir

BOT_SECRETS = ("TELEGRAM_BOT_TOKEN", "SAMOBOT_TRANSCRIBE_KEY", "SAMOBOT_WEBHOOK_SECRET")
"""Variables that hold what only the bot may know."""

_NAME = re.compile(r"(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)[ \t]*=")


@frozen
class Whereabouts:
    """Where samobot's things are, as far as that could be read.

    Attributes:
        state_dir: The state folder.
        projects: The `.samocode` files, or their folders, that SAMOBOT_PROJECTS names.
        problems: A sentence for each thing that could not be read.
    """

    state_dir: Path
    projects: tuple[Path, ...]
    problems: tuple[str, ...] = ()


def default_env_file(environ: Mapping[str, str]) -> Path:
    """Where the user's own `.env` is expected by default."""
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
    checkout = Path(__file__).resolve().parents[2]
    candidates = [default_env_file(environ)]
    if (checkout / "pyproject.toml").is_file():
        candidates.append(checkout / ".env")
    return next((path for path in candidates if path.is_file()), None)


def read_values(environ: Mapping[str, str], path: Path | None, *, strict: bool = True) -> dict[str, str]:
    """What is set: the variables of the environment, and those of the `.env` file that it does not set.

    Args:
        environ: The environment; an empty value there counts as none.
        path: The `.env` file, if there is one.
        strict: Refuse a file with a token that others may read. Commands that repair it say False.

    Raises:
        UsageError: The file or a line of it cannot be read, or its mode lets others read the token.
    """
    values: dict[str, str] = {}
    if path is not None:
        values, problems = _read_env_file(path)
        if problems:
            raise UsageError(problems[0])
        if strict:
            _refuse_an_open_token(path, values)
    return values | _set(environ)


def configured_projects() -> tuple[Path, ...]:
    """The `.samocode` files, or their folders, that SAMOBOT_PROJECTS names.

    Raises:
        UsageError: As `find_env_file` and `read_values`.
    """
    return split_paths(read_values(os.environ, find_env_file(os.environ)).get("SAMOBOT_PROJECTS", ""))


def find_whereabouts(environ: Mapping[str, str] | None = None) -> Whereabouts:
    """Where the state folder and the projects are, for what has to work whatever is wrong: stopping.

    Of a `.env` file that is damaged or open to others, what can be read is taken; nothing is refused.
    """
    environ = os.environ if environ is None else environ
    values: dict[str, str] = {}
    problems: list[str] = []
    try:
        path = find_env_file(environ)
        if path is not None:
            values, problems = _read_env_file(path)
    except UsageError as error:
        problems.append(error.message)
    except (OSError, RuntimeError) as error:
        problems.append(f"The .env file cannot be looked for: {error}.")
    values |= _set(environ)
    named = values.get("SAMOBOT_STATE_DIR")
    state_dir = expanded(named) if named else default_state_dir(environ)
    if state_dir is None:
        state_dir = default_state_dir(environ)
        problems.append(f"SAMOBOT_STATE_DIR “{named}” is not a path; looking in {state_dir} instead.")
    return Whereabouts(state_dir.absolute(), split_paths(values.get("SAMOBOT_PROJECTS", "")), tuple(problems))


def expanded(value: str) -> Path | None:
    """A path with its `~` resolved; None where it is no path, or the home of somebody who is not there."""
    try:
        return None if "\0" in value else Path(value).expanduser()
    except RuntimeError:
        return None


def split_paths(value: str) -> tuple[Path, ...]:
    """The paths of a list with `:` between them; one that cannot be resolved stays as it is written."""
    parts = (part.strip() for part in value.split(":"))
    return tuple(expanded(part) or Path(part) for part in parts if part)


def _set(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environ.items() if value}


def _read_env_file(path: Path) -> tuple[dict[str, str], list[str]]:
    """What a file sets, as it is written there, and a sentence for each line that cannot be read.

    Raises:
        UsageError: The file cannot be read at all.
    """
    from dotenv.parser import parse_stream

    values: dict[str, str] = {}
    problems: list[str] = []
    try:
        with path.open(encoding="utf-8") as file:
            for binding in parse_stream(file):
                if binding.error:
                    problems.append(_broken(path, binding.original.string, binding.original.line))
                elif binding.key is not None and binding.value is not None:
                    values[binding.key] = binding.value
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{path} cannot be read ({error}): correct it, or name another in SAMOBOT_ENV_FILE."
        ) from None
    return values, problems


def _broken(path: Path, text: str, line: int) -> str:
    """Say where a line is that cannot be read, without its text: that may be a token."""
    start = text.lstrip()
    number = line + text[: len(text) - len(start)].count("\n")
    name = _NAME.match(start)
    which = f"line {number} ({name[1]})" if name else f"line {number}"
    return (
        f"{path}, {which}, cannot be read: write it as NAME=value, and end a quotation mark that you begin."
    )


def _refuse_an_open_token(path: Path, values: Mapping[str, str]) -> None:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error}).") from None
    if values.get("TELEGRAM_BOT_TOKEN") and mode & 0o077:
        raise UsageError(
            f"{path} holds the bot's token and others may read it (mode {mode:04o}): run `chmod 600 {shlex.quote(str(path))}`."
        )
