"""Documents of a session that are asked for in the chat: the review guide, and the lessons for its project."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from samobot.telegram.store.bot_store import Store
from tests.support.phone import Phone, open_phone


@pytest.fixture
async def phone(tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Phone]:
    async for made in open_phone(tmp_path, store, monkeypatch):
        yield made


async def test_lessons_are_kept_by_a_tap_and_then_no_longer_offered(phone: Phone) -> None:
    folder = phone.session("greet", phase="done", signal='{"status": "done"}')
    (folder / "_learned.md").write_text("- tests need a database\n")
    said = await phone.say("/learn greet")
    assert "tests need a database" in said[0]
    kept = folder.parent / "_learned.md"
    assert not kept.exists()
    await phone.tap(phone.last("tests need a database"), "Keep for the project")
    assert "- tests need a database (from greet, " in kept.read_text()
    assert "noted nothing that repo does not know" in (await phone.say("/learn greet"))[0]


async def test_review_guide_comes_as_a_page(phone: Phone) -> None:
    phone.session("greet", phase="done", signal='{"status": "done"}')
    assert "greet · review guide" in (await phone.say("/review greet"))[0]
