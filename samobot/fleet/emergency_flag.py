"""The emergency stop's flag: while its file exists, no worker of this user starts."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from samobot.errors import ConflictError, StorageError
from samobot.frozen import frozen
from samobot.session.files import make_folder, read_text, write_atomic

_FILE = "panic.json"


@frozen
class EmergencyStop:
    """Who raised the flag, and when; None if the file does not say."""

    who: str
    at: datetime | None


def raise_flag(state_dir: Path, who: str, now: datetime) -> None:
    """Keep everything from starting.

    Raises:
        StorageError: The state folder cannot be written.
    """
    make_folder(state_dir, 0o700)
    write_atomic(
        state_dir / _FILE, json.dumps({"who": who, "at": now.astimezone(UTC).isoformat()}), mode=0o600
    )


def read_flag(state_dir: Path) -> EmergencyStop | None:
    """The emergency stop in force; a damaged file counts as one.

    Raises:
        StorageError: The file is there and cannot be read.
    """
    text = read_text(state_dir / _FILE)
    if text is None:
        return None
    try:
        values = json.loads(text)
        at = datetime.fromisoformat(values["at"])
        return EmergencyStop(str(values["who"]), at if at.tzinfo is not None else at.replace(tzinfo=UTC))
    except (ValueError, TypeError, KeyError, RecursionError):
        return EmergencyStop("somebody", None)


def refuse_during_emergency(state_dir: Path) -> None:
    """Refuse to start a worker while the emergency stop is in force.

    Raises:
        ConflictError: It is; with who raised it and how to lower it.
    """
    panic = read_flag(state_dir)
    if panic is not None:
        since = f" at {panic.at.astimezone():%Y-%m-%d %H:%M}" if panic.at is not None else ""
        raise ConflictError(
            f"The emergency stop is on ({panic.who}{since}): nothing starts until /resume in the chat, "
            "or `samobot resume --all`, turns it off."
        )


def lower_flag(state_dir: Path) -> bool:
    """Let workers start again; returns whether the flag was raised."""
    try:
        (state_dir / _FILE).unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise StorageError(f"{state_dir / _FILE} cannot be removed: {error.strerror}.") from error
    return True
