"""Which state folder the commands of this process record sessions in."""

from __future__ import annotations

from samobot.config.environment import find_whereabouts
from samobot.session.vault import use_state_dir


def use_configured_state_dir() -> None:
    """Take the state folder that the environment or the `.env` file names; never fails."""
    use_state_dir(find_whereabouts().state_dir)
