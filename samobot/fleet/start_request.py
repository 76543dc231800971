"""What a user asks for when a session is started, from Telegram or from the terminal."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from samobot.config.model_choice import Profile
from samobot.fleet.results import UserFile
from samobot.session.provider import Provider

PROFILE_NAMES = tuple(profile.value for profile in Profile)
"""The profiles, from the cheapest to the strongest."""

PROVIDER_NAMES = tuple(provider.value for provider in Provider)
"""The programs."""


class StartRequest(BaseModel):
    """A session to create or to continue.

    Attributes:
        project: The project's name.
        session: A new name, a session's name, or its folder's.
        task: What is to be done; guidance for a session that exists.
        dive: What to investigate first; guidance for a session that exists.
        base: The session on whose commits a new one begins, archived or not; None is the default branch.
        budget_usd: US dollars that the whole session may cost; None leaves it as it is.
        auto: Whether the bot may decide the gates after a while.
        profile: Name of the profile that the session gets; empty for the configured models, None leaves it as it is.
        provider: Name of the program that the session gets, with the same meaning of empty and None.
        files: What belongs to the task; the next iteration is given them.
    """

    model_config = ConfigDict(frozen=True)

    project: str
    session: str
    task: str | None = None
    dive: str | None = None
    base: str | None = None
    budget_usd: float | None = None
    auto: bool = False
    profile: str | None = None
    provider: str | None = None
    files: tuple[UserFile, ...] = ()

    @property
    def text(self) -> str:
        """Task and dive together, as guidance for a session that exists; empty if there is neither."""
        return "\n\n".join(part for part in (self.task, self.dive) if part)
