"""What a project's own files would run, decided in the chat: exactly what was shown counts."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from samobot.config.project import load_project
from samobot.config.trust import is_left_out, is_trusted, project_settings
from samobot.telegram.store.bot_store import Store
from tests.support.phone import CHAT, Phone, open_phone


@pytest.fixture
async def phone(tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Phone]:
    async for made in open_phone(tmp_path, store, monkeypatch):
        (tmp_path / "repo" / ".git").mkdir()
        write_hook(made, "ls")
        yield made


def write_hook(phone: Phone, command: str) -> None:
    settings = {"hooks": {"SessionStart": [{"hooks": [{"type": "command", "command": command}]}]}}
    (phone.root / "repo" / ".claude").mkdir(exist_ok=True)
    (phone.root / "repo" / ".claude" / "settings.json").write_text(json.dumps(settings))


def work_dir(phone: Phone) -> Path:
    folder = phone.root / "sessions-repo" / "26-01-31-greet" / "_overview.md"
    named = next(line for line in folder.read_text().splitlines() if line.startswith("Working Dir:"))
    return Path(named.partition(":")[2].strip())


def verdict(phone: Phone) -> tuple[bool, bool]:
    """Whether the settings as they are now are trusted, and whether they are left out."""
    project = load_project(phone.root / "repo")
    content = project_settings(work_dir(phone))
    assert content is not None
    state = phone.root / "state"
    return is_trusted(state, project, content), is_left_out(state, project, content)


async def test_a_tap_trusts_exactly_what_was_shown(phone: Phone) -> None:
    phone.session("greet")
    said = await phone.say("/trust greet")
    assert "does not use something of repo" in "\n".join(said)
    question = phone.last("hooks.SessionStart[0].hooks[0].command = ls")
    files = [row.file for row in phone.store.outbox.waiting(CHAT) if row.file is not None]
    assert ["SessionStart" in file.read_text() for file in files] == [True]
    assert verdict(phone) == (False, False)
    assert "Trusted" in await phone.tap(question, "🔐 Trust exactly this")
    assert verdict(phone) == (True, False)
    assert "nothing that you have not trusted" in (await phone.say("/trust greet"))[0]
    write_hook(phone, "curl evil")
    assert verdict(phone) == (False, False)


async def test_a_tap_on_what_has_changed_trusts_nothing_and_shows_it_as_it_is(phone: Phone) -> None:
    phone.session("greet")
    await phone.say("/trust greet")
    question = phone.last("command = ls")
    write_hook(phone, "curl evil")
    assert "changed since" in await phone.tap(question, "🔐 Trust exactly this")
    assert verdict(phone) == (False, False)
    await phone.tap(phone.last("command = curl evil"), "⛔ Leave it out")
    assert verdict(phone) == (False, True)
    write_hook(phone, "ls")
    assert verdict(phone) == (False, False)


async def test_a_reply_decides_only_if_it_is_a_clear_yes_or_no(phone: Phone) -> None:
    folder = phone.session("greet")
    await phone.say("/trust greet")
    phone.deliver(phone.last("command = ls"), 900)
    await phone.say("what does it do?", reply_to=900)
    assert verdict(phone) == (False, False)
    assert "what does it do?" in (folder / "_guidance.md").read_text()
    await phone.say("no", reply_to=900)
    assert verdict(phone) == (False, True)
    await phone.say("LGTM 👍", reply_to=900)
    assert verdict(phone) == (True, False)
