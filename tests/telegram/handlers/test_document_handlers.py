"""Documents of a session that are asked for in the chat: the review guide, its files, and the lessons for its project."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from samobot.fleet.models import SessionRef
from samobot.telegram.handlers import document_handlers
from samobot.telegram.outbound.post_content import PostContent
from samobot.telegram.outbound.secret_filter import SecretFilter
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


async def test_a_large_file_is_fetched_and_checked_once_in_the_background(
    phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = phone.session("greet")
    (folder / "film.md").write_text("frame\n" * 40)
    monkeypatch.setattr(document_handlers, "_QUICK_BYTES", 100)
    arrived = asyncio.Event()
    fetch, checked = phone.context.fleet.file, []

    async def slowly(ref: SessionRef, name: str) -> bytes:
        await arrived.wait()
        return await fetch(ref, name)

    class Counting(SecretFilter):
        def names_in(self, data: bytes) -> tuple[str, ...]:
            checked.append(len(data))
            return super().names_in(data)

    monkeypatch.setattr(phone.context.fleet, "file", slowly)
    phone.context.outbox.secrets = Counting()
    monkeypatch.setattr(phone.context.outbox, "_content", PostContent(phone.context.outbox.secrets))
    assert await phone.say("/files greet film.md") == [], "the update is handled without it"
    [(command, request)] = phone.context.background.unfinished()
    assert (command, request.text) == ("files", "repo:26-01-31-greet film.md"), "a killed bot sends it again"
    arrived.set()
    await phone.context.background.finish(20)
    assert phone.last("📁 greet").post.file_name == "film.md"
    assert checked == [240]
