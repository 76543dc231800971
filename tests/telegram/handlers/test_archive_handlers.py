"""The archive in the chat: what is in it can be seen and restored, and nothing open is archived unasked."""

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


def _done(phone: Phone, name: str = "greet") -> Path:
    return phone.session(name, phase="done", signal='{"status": "done"}')


@pytest.mark.parametrize("command", ["/status greet", "/diff greet", "/files greet", "/log 26-01-31-greet"])
async def test_an_archived_session_that_is_named_is_offered_for_restoring(phone: Phone, command: str) -> None:
    folder = _done(phone)
    await phone.say("/archive greet")
    assert not folder.exists()
    assert "greet is archived." in (await phone.say(command))[0]
    await phone.tap(phone.last("is archived."), "♻️ Restore greet")
    assert folder.exists()
    assert any("greet" in text for text in await phone.say("/status greet"))


async def test_archiving_can_be_undone_at_once(phone: Phone) -> None:
    folder = _done(phone)
    await phone.say("/archive greet")
    await phone.tap(phone.last("Its branch stays."), "♻️ Restore greet")
    assert folder.exists()
    assert [view.ref.name for view in await phone.context.fleet.sessions()] == ["greet"]


async def test_archived_sessions_are_listed(phone: Phone) -> None:
    assert "Nothing is archived." in (await phone.say("/sessions archived"))[0]
    for name in ("one", "two"):
        _done(phone, name)
        await phone.say(f"/archive {name}")
    said = (await phone.say("/sessions archived"))[0]
    assert "2 archived sessions" in said
    assert "repo:26-01-31-one" in said
    await phone.say("/restore two")
    assert [view.ref.name for view in await phone.context.fleet.sessions()] == ["two"]
    assert "No archived session is called “three”" in (await phone.say("/restore three"))[0]


async def test_a_session_is_not_restored_over_another_one(phone: Phone) -> None:
    _done(phone)
    await phone.say("/archive greet")
    _done(phone)
    assert any("exists already" in text for text in await phone.say("/restore greet"))
    assert (phone.root / "sessions-repo" / "_archive" / "26-01-31-greet").is_dir()


@pytest.mark.parametrize("kind", ["asking", "planned"])
async def test_what_has_something_open_is_archived_only_after_asking_although_it_is_named(
    phone: Phone, kind: str
) -> None:
    folder = getattr(phone, kind)()
    assert "Archive it anyway?" in (await phone.say("/archive demo"))[0]
    assert folder.exists()
    await phone.tap(phone.last("Archive it anyway?"), "Cancel")
    assert folder.exists()
