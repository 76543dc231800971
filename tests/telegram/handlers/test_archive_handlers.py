"""The archive in the chat: what is in it can be seen and restored, and nothing open is archived unasked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from samobot.telegram.markup.html import to_plain
from samobot.telegram.store.bot_store import Store
from samobot.telegram.store.outbox_rows import Op
from tests.support.phone import CHAT, Phone, open_phone
from tests.support.repository import commit, git, make_repository


@pytest.fixture
async def phone(tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Phone]:
    async for made in open_phone(tmp_path, store, monkeypatch):
        yield made


def _done(phone: Phone, name: str = "greet") -> Path:
    return phone.session(name, phase="done", signal='{"status": "done"}')


@pytest.mark.parametrize(
    "command", ["/status greet", "/resume greet", "/land greet", "/pause 26-01-31-greet"]
)
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
    assert phone.precedes_alert("greet is restored")
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


def _worktree(phone: Phone, name: str = "greet") -> Path:
    """Give a finished session a worktree with a commit; returns it."""
    (phone.root / "repo" / ".samocode").rename(phone.root / "samocode")
    (phone.root / "repo").rmdir()
    repository = make_repository(phone.root / "repo")
    (phone.root / "samocode").rename(repository / ".samocode")
    worktree = phone.root / "worktrees" / name
    git(repository, "worktree", "add", "--quiet", "-b", name, str(worktree))
    commit(worktree, "greet.py")
    return worktree


async def test_an_archived_session_is_read_in_place(phone: Phone) -> None:
    worktree = _worktree(phone)
    folder = _done(phone)
    overview = (folder / "_overview.md").read_text()
    (folder / "_overview.md").write_text(overview.replace(f"{phone.root}/repo", str(worktree)))
    (folder / "01-31-11:30-plan-greeting.md").write_text("# Greeting\n\n## Phase 1: Script\n- [ ] write it\n")
    await phone.say("/archive greet")
    shown = (await phone.say("/status greet"))[0]
    assert shown.startswith("🗄 greet · repo")
    assert "greet is archived. Done" in shown
    card = phone.last("greet is archived. Done")
    said = await phone.say("/diff repo:greet")
    assert any("1 commit · 1 file" in text for text in said), said
    assert any("2 files" in text for text in await phone.say("/files 26-01-31-greet"))
    assert any("write it" in text for text in await phone.say("/plan greet"))
    assert any("nothing yet" in text for text in await phone.say("/log greet"))
    for label, found in (("± Diff", "1 commit · 1 file"), ("📁 Files", "2 files")):
        await phone.tap(card, label)
        assert any(found in to_plain(row.post.text) for row in phone.new())
    assert not folder.exists(), "reading must not take it out of the archive"
    await phone.tap(card, "♻️ Restore greet")
    assert folder.exists()


async def test_a_reply_to_an_archived_session_offers_to_restore_it(phone: Phone) -> None:
    folder = _done(phone)
    await phone.say("/archive greet")
    await phone.say("/status greet")
    phone.deliver(phone.last("greet is archived. Done"), 77)
    assert (await phone.say("also add colors", reply_to=77)) == [
        "🗄 greet is archived. Your message was not used."
    ]
    assert any("is archived." in text for text in await phone.say("/resume", reply_to=77))
    assert not folder.exists()
    assert (await phone.say("/status", reply_to=77))[0].startswith("🗄 greet")


async def test_a_tap_that_archives_can_be_undone_as_well(phone: Phone) -> None:
    folder = _done(phone)
    await phone.say("/status greet")
    await phone.tap(phone.last("Done"), "📦 Archive")
    assert not folder.exists()
    await phone.tap(phone.last("Its branch stays."), "♻️ Restore greet")
    assert folder.exists()


async def test_the_card_of_an_archived_session_never_comes_to_life(phone: Phone) -> None:
    fleet, notifier = phone.context.fleet, phone.context.notifier
    phone.asking("greet")
    await notifier.update(await fleet.sessions())
    (card,) = [row for row in phone.store.outbox.waiting(CHAT) if row.key.startswith("card:")]
    phone.deliver(card, 50)
    await phone.say("/archive greet")
    await phone.tap(phone.last("Archive it anyway?"), "📦 Archive")
    (last,) = [row for row in phone.store.outbox.waiting(CHAT) if row.op is Op.SHOW]
    assert "greet is archived" in to_plain(last.post.text)
    phone.deliver(last, 50)
    phone.asking("greet")  # a new one of the same name on the same day, from the terminal
    await notifier.update(await fleet.sessions())
    (new,) = [row for row in phone.store.outbox.waiting(CHAT) if row.op is Op.SHOW]
    assert "greet · repo" in to_plain(new.post.text)
    assert phone.store.sent.by_key(CHAT, new.key) is None, "the new card is another message"
    old = phone.store.sent.find(CHAT, 50)
    assert old is not None
    assert old.about.session == "repo:26-01-31-greet"


async def test_the_archive_is_continued_where_its_name_is_used_again(phone: Phone) -> None:
    folder = phone.session("greet", blocked="yes", signal='{"status": "blocked", "reason": "no key"}')
    await phone.say("/archive greet")
    await phone.tap(phone.last("Archive it anyway?"), "📦 Archive")
    phone.new()
    said = await phone.say("/run repo:greet Use the key in .env")
    assert "An archived session is called greet already." in said[0]
    await phone.tap(phone.last("is called greet already"), "▶️ Continue greet")
    await phone.context.background.finish(20)
    assert "Use the key in .env" in (folder / "_guidance.md").read_text()
    assert not (phone.root / "sessions-repo" / "_archive" / folder.name).exists()


@pytest.mark.parametrize("choice", ["▶️ Continue greet", "▶️ New: greet-2", "Cancel"])
async def test_a_branch_with_commits_of_its_own_is_never_taken_silently(phone: Phone, choice: str) -> None:
    worktree = _worktree(phone)
    head = git(worktree, "rev-parse", "HEAD")
    said = await phone.say("/run repo:greet Add a greeting")
    assert "There is a branch greet already, with commits of its own." in said[0]
    assert await phone.context.fleet.sessions() == []
    await phone.tap(phone.last("There is a branch"), choice)
    await phone.context.background.finish(20)
    names = [view.ref.name for view in await phone.context.fleet.sessions()]
    assert names == {"▶️ Continue greet": ["greet"], "▶️ New: greet-2": ["greet-2"], "Cancel": []}[choice]
    assert git(worktree, "rev-parse", "greet") == head
    if choice.startswith("▶️ New"):
        assert git(worktree, "rev-parse", "greet-2") == git(worktree, "rev-parse", "main")


async def test_a_derived_name_is_not_that_of_a_branch_with_commits(phone: Phone) -> None:
    _worktree(phone, "add-greeting")
    await phone.say("/run repo: Add a greeting")
    await phone.context.background.finish(20)
    assert [view.ref.name for view in await phone.context.fleet.sessions()] == ["add-greeting-2"]
