"""Landing in the chat: a tap does what was shown and nothing else, once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from samobot.telegram.handlers.command_table import find_command
from samobot.telegram.markup.html import to_plain
from samobot.telegram.store.bot_store import Store
from tests.support.phone import CHAT, Phone, open_phone
from tests.support.repository import commit, git

pytestmark = pytest.mark.slow


class Killed(BaseException):
    """The end of the bot."""


@pytest.fixture
async def phone(tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Phone]:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    git(tmp_path, "config", "--global", "user.name", "Ann")
    git(tmp_path, "config", "--global", "user.email", "ann@example.org")
    async for made in open_phone(tmp_path, store, monkeypatch):
        repo = tmp_path / "repo"
        git(repo, "init", "--quiet", "--initial-branch=main")
        (repo / ".git" / "info" / "exclude").write_text(".samocode\n")
        commit(repo, "first")
        git(tmp_path, "init", "--quiet", "--bare", "bare.git")
        git(repo, "remote", "add", "origin", f"file://{tmp_path}/bare.git")
        git(repo, "worktree", "add", "--quiet", "-b", "greet", str(tmp_path / "worktrees" / "greet"))
        commit(tmp_path / "worktrees" / "greet", "greet.py")
        folder = made.session("greet", phase="done", signal='{"status": "done"}')
        overview = folder / "_overview.md"
        overview.write_text(overview.read_text().replace(f"{tmp_path}/repo", f"{tmp_path}/worktrees/greet"))
        yield made


def tip(phone: Phone, branch: str = "main", where: str = "repo") -> str:
    return git(phone.root / where, "rev-parse", f"refs/heads/{branch}")


async def shown(phone: Phone) -> None:
    """Ask for what can be done, and wait for it."""
    await phone.say("/land greet")
    await phone.context.background.finish(60)


def said(phone: Phone) -> list[str]:
    return [to_plain(row.post.text) for row in phone.new()]


async def test_land_shows_the_branch_and_its_steps(phone: Phone) -> None:
    await shown(phone)
    text = to_plain(phone.last("→ main").post.text)
    assert "🔀 greet greet → main" in text
    assert "1 commit · 1 file, +1 −0" in text
    assert f"{tip(phone, 'greet')[:9]} onto {tip(phone)[:9]}" in text
    assert f"Push goes to file://{phone.root}/bare.git" in text


async def test_tap_merges_what_was_shown_and_replies(phone: Phone) -> None:
    await shown(phone)
    message = phone.last("→ main")
    await phone.tap(message, "🔀 Merge here")
    await phone.context.background.finish(60)
    assert tip(phone) == tip(phone, "greet")
    assert any("1 commit of greet merged into main" in text for text in said(phone))


async def test_receipt_goes_out_before_the_news_that_follows_from_it(phone: Phone) -> None:
    await shown(phone)
    await phone.tap(phone.last("→ main"), "⬆️ Push")
    await phone.context.background.finish(60)
    assert phone.precedes_alert("is pushed to")


async def test_pull_request_whose_text_holds_a_secret_is_not_offered(phone: Phone) -> None:
    (folder,) = (phone.root / "sessions-repo").glob("*greet")
    (folder / "01-15-14:05-summary-greet.md").write_text("It uses ghp_" + "a1B2c3D4e5F6" * 3)
    await phone.say("/land greet open-pr")
    await phone.context.background.finish(60)
    row = phone.last("It uses")
    assert "holds a secret" in to_plain(row.post.text)
    assert "a1B2c3" not in row.post.text


async def test_tap_pushes(phone: Phone) -> None:
    await shown(phone)
    await phone.tap(phone.last("→ main"), "⬆️ Push")
    await phone.context.background.finish(60)
    assert tip(phone, "greet", "bare.git") == tip(phone, "greet")


async def test_second_tap_changes_nothing(phone: Phone) -> None:
    await shown(phone)
    message = phone.last("→ main")
    await phone.tap(message, "Squash")
    await phone.context.background.finish(60)
    after = tip(phone)
    assert "already" in await phone.tap(message, "Squash")
    await phone.context.background.finish(60)
    assert tip(phone) == after


async def test_tap_on_what_has_changed_does_nothing_and_shows_it_as_it_is(phone: Phone) -> None:
    await shown(phone)
    message, before = phone.last("→ main"), tip(phone)
    head = commit(phone.root / "worktrees" / "greet", "late.py")
    said(phone)
    await phone.tap(message, "🔀 Merge here")
    await phone.context.background.finish(60)
    texts = said(phone)
    assert tip(phone) == before
    assert any("has changed since this was shown" in text for text in texts)
    assert any("2 commits" in text and head[:9] in text for text in texts)


async def test_step_that_a_kill_cut_off_is_done_once_by_the_next_bot(phone: Phone) -> None:
    await shown(phone)
    message = phone.last("→ main")
    land = phone.context.fleet.land

    async def cut_off(*arguments: object, **named: object) -> object:
        await land(*arguments, **named)  # type: ignore[arg-type]
        raise Killed  # dead before the chat hears of it, and before the note of the task is removed

    phone.context.fleet.land = cut_off  # type: ignore[method-assign, assignment]
    await phone.tap(message, "🔀 Merge here")
    await phone.context.background.finish(60)
    phone.context.fleet.land = land  # type: ignore[method-assign]
    after = tip(phone)
    said(phone)
    ((name, request),) = phone.context.background.unfinished()
    command = find_command(name)
    assert command is not None
    await command.handler(phone.context, request)
    await phone.context.background.finish(60)
    assert tip(phone) == after == tip(phone, "greet")
    assert any("Done before: 1 commit of greet merged into main" in text for text in said(phone))
    assert phone.context.background.unfinished() == []


async def test_session_that_is_not_done_is_refused(phone: Phone) -> None:
    phone.session("busy")
    await phone.say("/land busy")
    await phone.context.background.finish(60)
    assert any("busy is not done yet" in text for text in said(phone))


async def test_step_that_does_not_exist_is_refused(phone: Phone) -> None:
    assert any("is no step of landing" in text for text in await phone.say("/land greet explode 123"))
    assert list(phone.store.outbox.waiting(CHAT))


async def test_discard_says_what_is_lost_before_it_is_done(phone: Phone) -> None:
    (phone.root / "worktrees" / "greet" / "notes.txt").write_text("mine")
    await shown(phone)
    await phone.tap(phone.last("→ main"), "🗑 Discard…")
    await phone.context.background.finish(60)
    question = phone.last("discard greet?")
    text = to_plain(question.post.text)
    assert "1 commit that main does not have" in text
    assert "notes.txt" in text
    assert (phone.root / "worktrees" / "greet").exists()
    await phone.tap(question, "🗑 Discard")
    await phone.context.background.finish(60)
    assert not (phone.root / "worktrees" / "greet").exists()
    assert any("greet is discarded" in text for text in said(phone))
    assert not (phone.root / "sessions-repo" / "26-01-31-greet").exists()


async def test_merged_session_is_cleaned_up_with_a_tap(phone: Phone) -> None:
    await shown(phone)
    await phone.tap(phone.last("→ main"), "🔀 Merge here")
    await phone.context.background.finish(60)
    await phone.tap(phone.last("merged into main"), "🔀 What is next")
    await phone.context.background.finish(60)
    await phone.tap(phone.last("→ main"), "🧹 Clean up")
    await phone.context.background.finish(60)
    assert not (phone.root / "worktrees" / "greet").exists()
    assert not (phone.root / "sessions-repo" / "26-01-31-greet").exists()


async def test_conflict_becomes_a_task_for_the_agent(phone: Phone) -> None:
    repo = phone.root / "repo"
    (repo / "greet.py").write_text("mine")
    git(repo, "add", "greet.py")
    git(repo, "commit", "--quiet", "-m", "mine")
    await shown(phone)
    message = phone.last("→ main")
    assert "conflict in greet.py" in to_plain(message.post.text)
    await phone.tap(message, "🔁 Bring up to date")
    overview = (phone.root / "sessions-repo" / "26-01-31-greet" / "_overview.md").read_text()
    assert "Phase: requirements" in overview
    assert "merge the local branch main" in overview
