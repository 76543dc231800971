"""The Claude Code plugin that samobot brings along, and other files that are data rather than code."""

from __future__ import annotations

from pathlib import Path

from samobot.errors import SamobotError

_PACKAGE = Path(__file__).resolve().parent
_MANIFEST = Path(".claude-plugin", "plugin.json")


def plugin_dir() -> Path:
    """The folder to give to the CLI as `--plugin-dir`.

    In an installed samobot it is package data, `samobot/plugin/`; in a checkout it is the repository's top,
    of which the CLI reads only a plugin's well-known folders.

    Raises:
        SamobotError: Neither is there: the installation is damaged.
    """
    for folder in (_PACKAGE / "plugin", _PACKAGE.parent):
        if (folder / _MANIFEST).is_file():
            return folder
    raise SamobotError(
        f"The samocode plugin is missing: there is no {_MANIFEST} in {_PACKAGE / 'plugin'} or {_PACKAGE.parent}. "
        "Install samobot again."
    )


def workflow_text() -> str:
    """The contract of one iteration, which every agent is given.

    Raises:
        SamobotError: It cannot be read: the installation is damaged.
    """
    path = plugin_dir() / "workflow.md"
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SamobotError(f"{path} cannot be read: {error}. Install samobot again.") from error


def service_template(name: str = "samobot") -> str:
    """A systemd unit, with markers for what depends on the machine.

    Args:
        name: The service's: the bot's, the hub's or a host's.

    Raises:
        SamobotError: It cannot be read: the installation is damaged.
    """
    path = plugin_dir() / "deploy" / f"{name}.service"
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SamobotError(f"{path} cannot be read: {error}. Install samobot again.") from error
