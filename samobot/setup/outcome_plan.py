"""What a set-up amounts to: collected first, written in one go at the end."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from samobot.setup.env_file import write_values
from samobot.setup.repositories import write_project_file
from samobot.setup.telegram_check import BotApi

DESCRIPTION = (
    "Runs Claude Code sessions on my machine and asks me when it needs me: questions, plans, problems.\n\n"
    "This bot talks to its owner only."
)
SHORT_DESCRIPTION = "Claude Code sessions, watched and answered from a phone. Private."


@dataclass(slots=True)
class SetupPlan:
    """Everything that was chosen and differs from what holds already.

    Attributes:
        env_file: The `.env` file.
        values: What is to be set in it.
        new_projects: Folders that get a `.samocode`.
    """

    env_file: Path
    values: dict[str, str] = field(default_factory=dict)
    new_projects: list[Path] = field(default_factory=list)

    def lines(self) -> list[str]:
        """A summary of what would be written, without the token."""
        shown = {
            name: "(hidden)" if name == "TELEGRAM_BOT_TOKEN" else value for name, value in self.values.items()
        }
        lines = [
            f"{folder / '.samocode'}: new; git ignores it (.git/info/exclude)" for folder in self.new_projects
        ]
        return lines + [f"{self.env_file}: {name}={value}" for name, value in shown.items()]

    def write(self) -> None:
        """Write it: the projects' files, then `.env`, which makes all of it count. Ctrl-C waits for the end.

        Raises:
            StorageError: A file cannot be written; `.env` is as it was then.
        """
        with _undisturbed():
            for folder in self.new_projects:
                write_project_file(folder)
            if self.values:
                write_values(self.env_file, self.values)


@contextmanager
def _undisturbed() -> Iterator[None]:
    numbers = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def dress(api: BotApi, menu: list[tuple[str, str]]) -> None:
    """Give the bot its command menu and its descriptions, where they differ.

    Args:
        api: The bot.
        menu: Name and description of each command.

    Raises:
        SamobotError: Telegram refused or cannot be reached.
    """
    commands = [{"command": name, "description": text} for name, text in menu]
    if api.call("getMyCommands") != commands:
        api.call("setMyCommands", commands=commands)
    if api.call("getMyDescription").get("description") != DESCRIPTION:
        api.call("setMyDescription", description=DESCRIPTION)
    if api.call("getMyShortDescription").get("short_description") != SHORT_DESCRIPTION:
        api.call("setMyShortDescription", short_description=SHORT_DESCRIPTION)


def changed(values: Mapping[str, str], now: Mapping[str, str]) -> dict[str, str]:
    """Those of `values` that are not so already."""
    return {name: value for name, value in values.items() if now.get(name, "") != value}
