"""From a task to the remote and the base branch with a thumb: the real bot and workers, a strict Bot API server."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from samobot.sandbox.agent import journeys
from tests.support.chat_room import ChatRoom, chat_room
from tests.support.scripted import scripted_shop

pytestmark = pytest.mark.slow


async def _finish(room: ChatRoom) -> None:
    """Start a session and decide with two taps until it is done."""
    room.say("/run demo:demo add a greeting")
    first = await room.see(
        "Which greeting", fits=lambda message: "Accept all 3 suggestions" in message.labels
    )
    await room.tap(first, "Accept all")
    plan = await room.see("has a plan", fits=lambda message: "✅ Approve" in message.labels)
    await room.tap(plan, "✅ Approve")


async def test_work_is_finished_in_nine_messages_and_pushed_and_merged_by_taps_alone(tmp_path: Path) -> None:
    async with chat_room(scripted_shop(tmp_path, journeys.greeting(), remote=True)) as room:
        await room.start()
        await _finish(room)
        done = await room.see("is done", fits=lambda message: "🔀 Land" in message.labels)
        # Without the report of the bot's first start, which belongs to no session.
        heads = [each.text.split("\n")[0] for each in room.chat.from_bot() if not each.text.startswith("👋")]
        assert len(heads) <= 9, heads
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
