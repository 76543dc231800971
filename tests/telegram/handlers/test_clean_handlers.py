"""`/clean` in the chat: what is listed goes after a tap, and nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from samobot.telegram.markup.html import to_plain
from samobot.telegram.store.bot_store import Store
from tests.support.phone import Phone, open_phone
from tests.support.repository import commit, git

pytestmark = pytest.mark.slow


@pytest.fixture
async def phone(tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Phone]:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    git(tmp_path, "config", "--global", "user.name", "Ann")
    git(tmp_path, "config", "--global", "user.email", "ann@example.org")
    async for made in open_phone(tmp_path, store, monkeypatch, projects=("repo",)):
        repo = tmp_path / "repo"
        git(repo, "init", "--quiet", "--initial-branch=main")
        (repo / ".git" / "info" / "exclude").write_text(".samocode\n")
        commit(repo, "first")
        for name in ("merged", "open", "dirty"):
            worktree = tmp_path / "worktrees" / name
            git(repo, "worktree", "add", "--quiet", "-b", name, str(worktree))
            commit(worktree, f"{name}.py")
            if name != "open":
                git(repo, "merge", "--quiet", "--no-edit", name)
            folder = made.session(name, phase="done", signal='{"status": "done"}')
            overview = folder / "_overview.md"
            overview.write_text(overview.read_text().replace(f"{tmp_path}/repo", str(worktree)))
        (tmp_path / "worktrees" / "dirty" / "notes").write_text("mine")
        yield made


def _worktrees(phone: Phone) -> list[str]:
    return sorted(each.name for each in (phone.root / "worktrees").iterdir())


async def _say(phone: Phone, text: str) -> str:
    await phone.say(text)
    await phone.context.background.finish(60)
    phone.new()
    *_, last = phone.store.outbox.waiting(11)
    return to_plain(last.post.text)


async def test_clean_removes_after_a_tap_what_is_merged_and_nothing_else(phone: Phone) -> None:
    await phone.say("/archive open")
    said = await _say(phone, "/clean")
    assert said.startswith("1 worktree to remove · ")
    assert "merged · done, merged" in said
    assert "open · archived, 1 commit not merged" in said
    assert "dirty" not in said, "it is done and not archived: landing is what it waits for"
    assert _worktrees(phone) == ["dirty", "merged", "open"]
    await phone.tap(phone.last("worktree to remove"), "Remove 1")
    await phone.context.background.finish(60)
    assert _worktrees(phone) == ["dirty", "open"]
    assert phone.precedes_alert("1 worktree removed, with the branches.")
    assert [ref.name for ref in await phone.context.fleet.archived()] == ["open", "merged"]
    assert await _say(phone, "/clean") == (
        "Nothing to remove\n\nThese stay; /clean name removes one:\n"
        + said.rpartition("\n")[2]
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "lost"), [("open", "1 commit not merged"), ("dirty", "1 file not committed")]
)
async def test_clean_removes_by_name_what_would_be_lost(phone: Phone, name: str, lost: str) -> None:
    assert f"This is lost: {lost}." in await _say(phone, f"/clean {name}")
    asked = phone.last("This is lost")
    await phone.tap(asked, "Cancel")
    assert len(_worktrees(phone)) == 3
    await _say(phone, f"/clean {name}")
    await phone.tap(phone.last("This is lost"), "Remove anyway")
    await phone.context.background.finish(60)
    assert name not in _worktrees(phone)
    assert git(phone.root / "repo", "for-each-ref", f"refs/samobot/discarded/{name}")


async def test_clean_refuses_what_has_changed_since_it_was_shown(phone: Phone) -> None:
    await _say(phone, "/clean")
    commit(phone.root / "worktrees" / "merged", "late.py")
    await phone.tap(phone.last("worktree to remove"), "Remove 1")
    await phone.context.background.finish(60)
    assert len(_worktrees(phone)) == 3
    assert "changed since" in to_plain(phone.last("Nothing was removed.").post.text)


async def test_clean_knows_no_such_name(phone: Phone) -> None:
    assert "Nothing is left of “nope”" in await _say(phone, "/clean nope")
