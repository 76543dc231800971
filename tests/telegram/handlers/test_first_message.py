"""A new user's first message, however it is put: never a refusal, and one tap from text to running."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from samobot.session.folder import SessionFolder
from samobot.telegram.markup.html import to_plain
from samobot.telegram.store.bot_store import Store
from tests.support.phone import Phone, open_phone

TASKS = (
    "Add a greeting script to the demo repo", "add dark mode to the settings page", "Fix the login bug", "fix the login bug please",
    "Can you fix the failing tests?", "could you please add a README", "I want a script that prints hello", "I need a REST endpoint for users",
    "we should upgrade to Python 3.13", "Please refactor the payments module", "Write tests for parser.py", "make the button blue",
    "the page is broken on mobile", "There is a bug: the cart shows 0 items", "Bug: login fails", "feat: add export to CSV",
    "TODO - remove the old API", "Implement https://github.com/acme/shop/issues/12", "https://github.com/acme/shop/issues/12 please",
    "build a CLI --verbose flag", "run the linter and fix what it finds", "start a new project for invoices", "status page shows the wrong uptime",
    "help the user find a file", "stop logging passwords", "plan a migration to Postgres", "hello world app in Rust", "answer emails automatically",
    "Füge eine Begrüßung hinzu", "Добавь тёмную тему", "Agrega un modo oscuro", "ajoute un mode sombre", "ログイン画面を直してください",
    "添加深色模式到设置页面", "Add:\n- dark mode\n- a toggle", "1. add dark mode 2. test it", "dark mode for the settings page, with a toggle & tests",
    "change <title> to “Shop” & keep the rest", "add dark mode " * 40, "Make the greeting friendlier. " * 120,
)  # fmt: skip
GREETINGS = (
    "hello",
    "Hi!",
    "hey there",
    "help",
    "What can you do?",
    "Hola",
    "👋",
    "Привет",
    "good morning",
    "how does this work?",
)


@pytest.fixture
async def phone(tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Phone]:
    async for made in open_phone(tmp_path, store, monkeypatch, projects=("repo",)):
        yield made


@pytest.mark.parametrize("text", TASKS)
async def test_a_task_is_one_tap_from_running_with_one_project(phone: Phone, text: str) -> None:
    said = await phone.say(text)
    assert "No active session. Start one with this text?" in said[0]
    await phone.tap(phone.last("Start one with this text?"), "▶️ New session")
    await phone.context.background.finish(20)
    (view,) = await phone.context.fleet.sessions()
    assert view.wanted
    overview = " ".join(
        (phone.root / "sessions-repo" / view.ref.folder / "_overview.md")
        .read_text()
        .replace("\n> ", "\n")
        .split()
    )
    task = text.removeprefix("Bug: ").removeprefix("feat: ").removeprefix("Add:")
    assert " ".join(task.split()) in overview


@pytest.mark.parametrize("text", TASKS[:6])
async def test_a_task_behind_run_is_taken_whole_without_a_tap(phone: Phone, text: str) -> None:
    await phone.say(f"/run {text}")
    await phone.context.background.finish(20)
    (view,) = await phone.context.fleet.sessions()
    assert f"Task: {text}" in (phone.root / "sessions-repo" / view.ref.folder / "_overview.md").read_text()


@pytest.mark.parametrize("text", GREETINGS)
async def test_a_greeting_gets_help(phone: Phone, text: str) -> None:
    said = await phone.say(text)
    assert any("runs Claude Code sessions" in each for each in said)
    assert await phone.context.fleet.sessions() == []


async def test_the_same_task_twice_makes_two_sessions_of_different_names(phone: Phone) -> None:
    for _ in range(2):
        await phone.say("/run Fix the login bug")
        await phone.context.background.finish(20)
    names = sorted(view.ref.name for view in await phone.context.fleet.sessions())
    assert names == ["fix-login-bug", "fix-login-bug-2"]


async def test_a_new_session_can_be_renamed_before_it_starts(phone: Phone) -> None:
    assert "A new session would be fix-login-bug." in (await phone.say("Fix the login bug"))[0]
    await phone.tap(phone.last("Start one with this text?"), "✏️ Rename")
    await phone.say("Login")
    await phone.context.background.finish(20)
    (view,) = await phone.context.fleet.sessions()
    assert view.ref.name == "login"
    assert (
        "Fix the login bug" in (phone.root / "sessions-repo" / view.ref.folder / "_overview.md").read_text()
    )


async def test_cancel_leaves_it(phone: Phone) -> None:
    await phone.say("Fix the login bug")
    asked = phone.last("Start one with this text?")
    await phone.tap(asked, "Cancel")
    await phone.say("/run")
    assert "Cancelled" in (await phone.say("/cancel"))[-1]
    await phone.say("thanks")
    assert await phone.context.fleet.sessions() == []


async def test_the_emergency_stop_is_said_at_once_and_on_top_of_the_status(phone: Phone) -> None:
    await phone.say("/panic")
    await phone.context.background.finish(20)
    assert any("emergency stop" in each for each in await phone.say("/run"))
    assert any("emergency stop" in each for each in await phone.say("/run Fix the login bug"))
    assert (await phone.say("Fix the login bug"))[
        -1
    ] == "🛑 Emergency stop is on (Ann). /resume turns it off."
    phone.asking()
    await phone.say("Fix the logout bug")
    offer = phone.last("🛑 Emergency stop is on")
    labels = [key["text"] for row in (offer.post.markup or {})["inline_keyboard"] for key in row]
    assert not any("▶️" in label for label in labels)
    assert "Cancel" in labels
    said = await phone.say("/status")
    assert said[-1].startswith("🛑 Emergency stop is on (Ann). /resume turns it off.")


async def test_all_that_was_stopped_is_resumed_at_once(phone: Phone) -> None:
    for name in ("one", "two"):
        reason = '{"status": "blocked", "reason": "no key"}'
        SessionFolder(phone.session(name, blocked="yes", signal=reason)).prepare()
        await phone.say(f"/stop {name}")
        await phone.context.background.finish(20)
    said = await phone.say("/resume all")
    assert {"one", "two"} <= {word for line in said[-1].split("\n") for word in line.split()}
    assert all(view.wanted for view in await phone.context.fleet.sessions())
    assert "Nothing is stopped or paused" in (await phone.say("/resume all"))[0]


async def test_the_name_of_an_archived_session_is_not_taken_silently(phone: Phone) -> None:
    phone.session("greet", phase="done", signal='{"status": "done"}')
    await phone.say("/archive greet")
    said = await phone.say("/run repo:greet Add a greeting")
    assert "An archived session is called greet already." in said[0]
    await phone.tap(phone.last("is called"), "▶️ New: greet-2")
    await phone.context.background.finish(20)
    (view,) = await phone.context.fleet.sessions()
    assert view.ref.name == "greet-2"


async def test_a_task_that_begins_with_the_name_of_a_session_is_asked_about(phone: Phone) -> None:
    phone.session("fix")
    said = await phone.say("/run fix the login bug")
    assert "fix is a session already." in said[0]
    await phone.tap(phone.last("is a session already"), "▶️ New session")
    await phone.context.background.finish(20)
    assert sorted(view.ref.name for view in await phone.context.fleet.sessions()) == ["fix", "fix-login-bug"]


@pytest.fixture
async def two(tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Phone]:
    async for made in open_phone(tmp_path, store, monkeypatch):
        yield made


async def test_the_project_is_remembered_in_the_chat(two: Phone) -> None:
    await two.say("Fix the login bug")
    await two.tap(two.last("Start one with this text?"), "▶️ New session")
    await two.tap(two.last("Which project?"), "shop")
    await two.context.background.finish(20)
    await two.say("add dark mode")
    asked = two.last("What is this for?")
    labels = [key["text"] for keys in (asked.post.markup or {})["inline_keyboard"] for key in keys]
    assert labels[:3] == ["▶️ Start in shop", "Other project", "✏️ Rename"]
    assert labels[-1] == "Cancel"
    await two.tap(asked, "▶️ Start in shop")
    await two.context.background.finish(20)
    assert {view.ref.project for view in await two.context.fleet.sessions()} == {"shop"}
    await two.say("/run add light mode")
    assert "▶️ Start in shop" in str(two.last("Which project?").post.markup)
    assert to_plain(two.last("Which project?").post.text) == "Which project?"
