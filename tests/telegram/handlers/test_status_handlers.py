"""What `/status` and its buttons show."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from samobot.telegram.markup.html import to_plain
from samobot.telegram.store.bot_store import Store
from tests.support.phone import NOW, Phone, open_phone

pytestmark = pytest.mark.slow


@pytest.fixture
async def phone(tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Phone]:
    async for made in open_phone(tmp_path, store, monkeypatch):
        yield made


@pytest.mark.parametrize("how", ["button", "command"])
async def test_what_waited_for_days_is_summarized_and_shown_on_demand(phone: Phone, how: str) -> None:
    folder = phone.asking()
    ago = (NOW - timedelta(days=4)).timestamp()
    for file in folder.iterdir():
        os.utime(file, (ago, ago))
    await phone.context.notifier.update(await phone.context.fleet.sessions())
    summary = phone.last("1 session waits for you")
    assert [row.key for row in phone.new()] == [summary.key]
    assert "❓ <b>demo</b>  waits for 2 answers, for 4 d" in summary.post.text
    if how == "button":
        await phone.tap(summary, "demo")
    else:
        await phone.say("/status demo")
    await phone.tap(phone.last("Which colour?"), "B")
    assert "B) blue" in (folder / "_qa.md").read_text()


async def test_status_shows_the_project_of_each_session(phone: Phone) -> None:
    phone.asking("greet")
    phone.asking("login", project="shop")
    await phone.say("/status")
    lines = to_plain(phone.last("2 wait for you").post.text).split("\n")
    assert sorted(line.split("  ")[0] for line in lines[1:]) == ["❓ greet · repo", "❓ login · shop"]
    phone.asking("greet", project="shop")
    await phone.say("/status")
    text = to_plain(phone.last("3 wait for you").post.text)
    assert "❓ repo:greet  " in text
    assert "❓ shop:greet  " in text
