"""From a task to the remote and the base branch with a thumb: the real bot and workers, a strict Bot API server."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from samobot.sandbox.agent import journeys
from tests.support.chat_room import ChatRoom, chat_room
from tests.support.fake_gh import GREEN, RED, put_gh
from tests.support.scripted import scripted_shop
from tests.support.waiting import until

pytestmark = pytest.mark.slow

COMMENT = {"id": "IC_1", "author": {"login": "bob"}, "body": "Greet politely", "createdAt": "2026-01-15T10:00:00Z",
           "url": "https://github.com/ann/demo/pull/12#c1"}  # fmt: skip


async def _finish(room: ChatRoom) -> None:
    """Start a session and decide until it is done."""
    room.say("/run demo:demo add a greeting")
    await room.see("Which greeting")
    room.say("/answer all")
    plan = await room.see("has a plan", fits=lambda message: "✅ Approve" in message.labels)
    await room.tap(plan, "✅ Approve")


async def test_finished_work_is_pushed_and_merged_by_taps_alone(tmp_path: Path) -> None:
    async with chat_room(scripted_shop(tmp_path, journeys.greeting(), remote=True)) as room:
        await room.start()
        await _finish(room)
        done = await room.see("is done", fits=lambda message: "🔀 Land" in message.labels)
        await room.tap(done, "🔀 Land")
        landing = await room.see("→ main", "Push goes to", fits=lambda message: bool(message.labels))
        head = room.shop.git("rev-parse", "refs/heads/demo")
        assert head[:9] in landing.text
        assert landing.labels == ["🔀 Merge here", "Squash", "⬆️ Push", "🗑 Discard…"]

        await room.tap(landing, "⬆️ Push")
        await room.see("demo is pushed to origin")
        assert room.shop.git("rev-parse", "refs/heads/demo", cwd=tmp_path / "remote.git") == head

        said = room.say("/land demo")
        again = await room.see("→ main", after=said)
        assert again.labels == ["🔀 Merge here", "Squash", "🗑 Discard…"]
        assert "origin has demo already" in again.text
        # What a terminal does meanwhile is not lost: the tap is about what was shown.
        (room.shop.repo / "NEWS.md").write_text("news\n")
        room.shop.git("add", "NEWS.md")
        room.shop.git("commit", "--quiet", "-m", "News")
        before = room.shop.git("rev-parse", "refs/heads/main")
        await room.tap(again, "🔀 Merge here")
        await room.see("has changed since this was shown", after=said)
        now = await room.see("main has 1 newer commit", after=again.id)
        assert room.shop.git("rev-parse", "refs/heads/main") == before

        await room.tap(now, "🔀 Merge here")
        await room.see("of demo merged into main", after=now.id)
        assert room.shop.git("rev-parse", "main^1", "main^2").split() == [before, head]
        assert (room.shop.repo / "greet.py").exists()
        [landed] = [each for each in room.shop.journal("demo", "landing") if each["step"] == "merge"]
        assert (landed["who"], landed["via"]) == ("Ann", "telegram")

        shown = await asyncio.to_thread(room.shop.samobot, "land", "demo")
        assert "main has everything of demo already" in shown.stdout

        # Another round on the same branch, whose plan has to be approved again.
        said = room.say("/followup demo Greet louder")
        await room.see("continues with your follow-up", "Greet louder", after=said)
        plan = await room.see("has a plan", after=said, fits=lambda message: "✅ Approve" in message.labels)
        await room.tap(plan, "✅ Approve")
        await room.see("demo is done", after=plan.id)
        assert "Greet louder" in (room.shop.session("demo") / "_overview.md").read_text()
        assert any("Greet louder" in note.appended for note in room.runs())
        assert room.server.calls.rejected() == []
        assert await room.end() == 0


async def test_task_is_merged_by_taps_with_a_red_check_and_a_comment_worked_in_though_the_bot_is_killed(
    tmp_path: Path,
) -> None:
    shop = scripted_shop(tmp_path, journeys.greeting(), remote=True)
    bare = tmp_path / "remote.git"
    forge = put_gh(tmp_path, bare)
    shop.environment["PATH"] = f"{forge.folder}{os.pathsep}{shop.environment['PATH']}"
    shop.git("config", "--global", f"url.{bare}.insteadOf", "https://github.com/ann/demo.git")
    shop.git("remote", "set-url", "origin", "https://github.com/ann/demo.git")
    async with chat_room(shop) as room:
        await room.start()
        await _finish(room)
        done = await room.see("is done", fits=lambda message: "🔀 Land" in message.labels)
        await room.tap(done, "🔀 Land")
        landing = await room.see("→ main", fits=lambda message: "⬆️ Push" in message.labels)
        await room.tap(landing, "⬆️ Push")
        pushed = await room.see("demo is pushed to origin")

        room.say("/land demo")
        landing = await room.see(
            "→ main", after=pushed.id, fits=lambda message: "🔀 Open PR…" in message.labels
        )
        await room.tap(landing, "🔀 Open PR…")
        text = await room.see("→ main at github.com/ann/demo", "add a greeting")
        assert text.labels == ["🔀 Open PR", "As draft"]
        await room.tap(text, "🔀 Open PR")
        opened = await room.see("A pull request of demo into main is open")
        head = shop.git("rev-parse", "refs/heads/demo")
        assert [each["headRefOid"] for each in forge.read()["prs"]] == [head]

        forge.report(head, GREEN, RED, comments=(COMMENT,))
        room.say("/land demo")
        red = await room.see("#12 has red checks: lint", "✗ lint", after=opened.id)
        assert "✅ Merge PR" not in red.labels
        # It is watched since it was opened: what is new reaches the chat, with a button that fixes exactly that.
        news = await room.see("1 check failed and 1 new comment", "bob", "Greet politely", after=opened.id)
        assert news.labels == ["🔁 Let it fix", "Keep fixing until green", "Ignore", "Open"]
        await room.tap(news, "🔁 Let it fix")
        plan = await room.see(
            "has a plan", after=news.id, fits=lambda message: "✅ Approve" in message.labels
        )
        await room.tap(plan, "✅ Approve")
        ahead = await room.see("the session has finished at", "not pushed yet", after=plan.id)
        assert any("> Greet politely" in note.appended for note in room.runs())
        fixed = shop.git("rev-parse", "refs/heads/demo")
        assert fixed != head
        assert shop.git("rev-parse", "refs/heads/demo", cwd=bare) == head  # nothing is pushed without a tap
        await room.tap(ahead, "⬆️ Push")
        await room.see("demo is pushed to origin", after=ahead.id)

        forge.report(fixed, GREEN)
        forge.change(linger=True)
        said = room.say("/land demo")
        green = await room.see("✓ test", after=said, fits=lambda message: "✅ Merge PR" in message.labels)
        await room.tap(green, "✅ Merge PR")
        # The bot is killed when the forge has merged and nothing of that is recorded here.
        await asyncio.to_thread(until, lambda: forge.read()["merges"] == [fixed])
        await room.kill()
        forge.change(linger=False)
        await room.start()
        await room.see("#12 is merged into main", after=green.id)
        assert forge.read()["merges"] == [fixed]
        [landed] = [each for each in shop.journal("demo", "landing") if each["step"] == "merge-pr"]
        assert landed["commit"] == fixed
        assert "greet.py" in shop.git("ls-tree", "--name-only", "main", cwd=bare)
        # The tool never runs where the repository's configuration could reach it, and gets no token of the bot.
        expected = {"pr list", "pr create", "pr merge", "pr view", "api --hostname", "api graphql"}
        assert {" ".join(call[:2]) for call in forge.read()["calls"]} == expected
        # An edit that Telegram took just before the kill may be made again: nothing comes of it.
        assert all("message is not modified" in (call.error or "") for call in room.server.calls.rejected())
        assert await room.end() == 0
