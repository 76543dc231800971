"""What a user asks for when a session is started, from Telegram or from the terminal."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from samobot.config.model_choice import Profile
from samobot.session.provider import Provider
from samobot.session.user_files import FILE_BYTES

PROFILE_NAMES = tuple(profile.value for profile in Profile)
"""The profiles, from the cheapest to the strongest."""

PROVIDER_NAMES = tuple(provider.value for provider in Provider)
"""The programs."""


class UserFile(BaseModel):
    """A file that the user sends to a session.

    Attributes:
        name: Its name as the sender's device gave it; made safe before it is used.
        data: Its content, at most 50 MB.
    """

    model_config = ConfigDict(defer_build=True, frozen=True, ser_json_bytes="base64", val_json_bytes="base64")

    name: str
    data: Annotated[bytes, Field(repr=False, max_length=FILE_BYTES)]


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

    model_config = ConfigDict(defer_build=True, frozen=True)

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
