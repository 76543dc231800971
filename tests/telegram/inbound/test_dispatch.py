"""What goes wrong with a message before its command is reached is a sentence in the chat, not a failed update."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from samobot.errors import StorageError
from samobot.telegram.store.bot_store import Store
from samobot.telegram.views.buttons import Rows
from tests.support.phone import Phone, open_phone


@pytest.fixture
async def phone(tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Phone]:
    async for made in open_phone(tmp_path, store, monkeypatch):
        yield made


async def test_full_disk_at_the_confirmation_of_an_old_command_is_said(
    phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone.session("greet")

    def full(scope: str, buttons: Rows) -> None:
        if buttons:
            raise StorageError("The disk is full.")

    monkeypatch.setattr(phone.context, "keyboard", full)
    assert await phone.say("/pause greet", minutes_ago=60) == ["⚠️ The disk is full."]
