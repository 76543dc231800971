"""The values of settings that choose one of several ways."""

from __future__ import annotations

from enum import StrEnum


class PermissionMode(StrEnum):
    """How far the agent may go without asking: the CLI's modes but `plan`, in which it may do nothing."""

    ACCEPT_EDITS = "acceptEdits"
    AUTO = "auto"
    BYPASS_PERMISSIONS = "bypassPermissions"
    DEFAULT = "default"
    DONT_ASK = "dontAsk"


class FenceMode(StrEnum):
    """Whether the agent runs inside the fence."""

    AUTO = "auto"
    """Where the system allows it, and the CLI is not behind the user's own script."""
    ON = "on"
    OFF = "off"


class HostAlone(StrEnum):
    """What the sessions of a host do while it is cut off from its hub."""

    CONTINUE = "continue"
    """They continue, with what was last known of the other machines."""
    PAUSE = "pause"
    """They wait before their next iteration until the hub is reached again."""


class FenceNet(StrEnum):
    """What an agent inside the fence can connect to."""

    OPEN = "open"
    """Whatever this machine can."""
    ALLOWLIST = "allowlist"
    """The model, and the hosts that the user lists."""
    NONE = "none"
    """The model only: without it nothing works."""


class TopicMode(StrEnum):
    """Whether sessions get a forum topic of their own."""

    AUTO = "auto"
    """In groups with topics, and in private chats if the bot has them switched on."""
    OFF = "off"
