"""The base of what hub and hosts send each other."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Message(BaseModel):
    """Base of everything that is sent."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="ignore")

    def encode(self) -> bytes:
        """Return it as JSON."""
        return self.model_dump_json(exclude_defaults=True).encode()
