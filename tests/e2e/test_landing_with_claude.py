"""From a task to merged by taps alone, with the real Claude CLI, a scripted model and a forge."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from tests.e2e.real import real_shop
from tests.e2e.test_journey import COMMIT, PLAN
from tests.support.chat_room import chat_room
from tests.support.fake_gh import GREEN, RED, put_gh
from tests.support.messages_api import MessagesApi, Step, bash, signal, write
from tests.support.waiting import until

pytestmark = [pytest.mark.real_cli, pytest.mark.xdist_group("real_cli_chat")]

COMMENT = {"id": "IC_1", "author": {"login": "bob"}, "body": "Greet politely", "createdAt": "2026-01-15T10:00:00Z",
           "url": "https://github.com/ann/demo/pull/12#c1"}  # fmt: skip
FIX = "echo 'Good day' > greet.txt && git add greet.txt && git commit -qm 'Greet politely'"


def journey() -> dict[str, list[Step]]:
    """A task that is finished, and a round that works a comment in."""
    return {
        "investigation": [*signal("continue", phase="requirements", summary="Looked around")],
        "requirements": [
            write("{session}/_qa.md", "### Q1: Which greeting?\nA) hello\n**Answer:** _waiting_\n"),
            *signal("waiting", waiting_for="qa_answers", summary="Asked"),
            *signal("continue", phase="planning", summary="Folded the answer in"),
        ],
        "planning": [
            write("{session}/01-02-03:05-plan-greeting.md", PLAN),
            *signal("waiting", waiting_for="plan_approval", summary="Wrote a plan"),
            write("{session}/01-02-03:08-plan-fix.md", PLAN + "- [ ] greet politely\n"),
            *signal("waiting", waiting_for="plan_approval", summary="Planned the fix"),
        ],
        "implementation": [
            bash(COMMIT),
            *signal("continue", phase="testing", summary="Wrote greet.py"),
            bash(FIX),
            *signal("continue", phase="testing", summary="Fixed it"),
        ],
        "testing": [
            *signal("continue", phase="done", summary="It prints"),
            *signal("continue", phase="done", summary="It prints politely"),
        ],
        "done": [
            write("{session}/01-02-03:07-summary.md", "# Summary\nAdded `greet.py`.\n"),
            *signal("done", summary="Added greet.py"),
            *signal("done", summary="Greets politely"),
        ],
    }


async def test_task_is_merged_by_taps_with_a_red_check_and_a_comment_worked_in_though_the_bot_is_killed(
    tmp_path: Path,
) -> None:
    with MessagesApi(journey()) as api:
        shop = real_shop(tmp_path, api, remote=True)
        bare = tmp_path / "remote.git"
        forge = put_gh(tmp_path, bare)
        shop.environment["PATH"] = f"{forge.folder}{os.pathsep}{shop.environment['PATH']}"
        shop.git("config", "--global", f"url.{bare}.insteadOf", "https://github.com/ann/demo.git")
        shop.git("remote", "set-url", "origin", "https://github.com/ann/demo.git")
        async with chat_room(shop) as room:
            await room.start()
            room.say("/run demo:demo add a greeting")
            await room.tap(await room.see("Which greeting?", fits=lambda each: bool(each.labels)), "A")
            plan = await room.see("has a plan", fits=lambda each: "✅ Approve" in each.labels)
            await room.tap(plan, "✅ Approve")
            done = await room.see("is done", fits=lambda each: "🔀 Land" in each.labels)
            await room.tap(done, "🔀 Land")
            landing = await room.see("→ main", fits=lambda each: "⬆️ Push" in each.labels)
            await room.tap(landing, "⬆️ Push")
            pushed = await room.see("demo is pushed to origin", fits=lambda each: bool(each.labels))
            await room.tap(pushed, "🔀 What is next")
            landing = await room.see(
                "→ main", after=pushed.id, fits=lambda each: "🔀 Open PR…" in each.labels
            )
            await room.tap(landing, "🔀 Open PR…")
            text = await room.see("→ main at", "add a greeting", fits=lambda each: "As draft" in each.labels)
            # Both are there from the beginning: a look that came between them would report them one by one.
            head = shop.git("rev-parse", "refs/heads/demo")
            forge.report(head, GREEN, RED)
            forge.change(comments=[COMMENT])
            await room.tap(text, "As draft")
            opened = await room.see("A draft pull request of demo into main is open")
            assert [each["headRefOid"] for each in forge.read()["prs"]] == [head]

            # It is watched since it was opened: what is new reaches the chat, with a button that fixes exactly that.
            news = await room.see("1 check failed and 1 new comment", "Greet politely", after=opened.id)
            assert news.labels == ["🔁 Let it fix", "Keep fixing until green", "Ignore", "Open"]
            said = room.say("/land demo")
            red = await room.see("#12 has red checks: lint", "✗ lint", after=said)
            assert "✅ Merge PR" not in red.labels
            await room.tap(news, "🔁 Let it fix")
            plan = await room.see("has a plan", after=news.id, fits=lambda each: "✅ Approve" in each.labels)
            await room.tap(plan, "✅ Approve")
            ahead = await room.see("not pushed yet", after=plan.id, fits=lambda each: bool(each.labels))
            fixed = shop.git("rev-parse", "refs/heads/demo")
            assert fixed != head
            assert (
                shop.git("rev-parse", "refs/heads/demo", cwd=bare) == head
            )  # nothing is pushed without a tap
            forge.report(fixed, GREEN)
            await room.tap(ahead, "⬆️ Push")
            pushed = await room.see(
                "demo is pushed to origin", after=ahead.id, fits=lambda each: bool(each.labels)
            )
            await room.tap(pushed, "🔀 What is next")
            draft = await room.see(
                "is draft", after=pushed.id, fits=lambda each: "Ready for review" in each.labels
            )
            await room.tap(draft, "Ready for review")
            ready = await room.see("#12 is ready for review", after=draft.id)
            await room.tap(ready, "🔀 What is next")
            green = await room.see("✓ test", after=ready.id, fits=lambda each: "✅ Merge PR" in each.labels)
            forge.change(linger=True)
            await room.tap(green, "✅ Merge PR")
            # The bot is killed when the forge has merged and nothing of that is recorded here.
            await asyncio.to_thread(until, lambda: forge.read()["merges"] == [fixed])
            await room.kill()
            forge.change(linger=False)
            await room.start()
            merged = await room.see(
                "#12 is merged into main", after=green.id, fits=lambda each: bool(each.labels)
            )
            assert forge.read()["merges"] == [fixed]
            [landed] = [each for each in shop.journal("demo", "landing") if each["step"] == "merge-pr"]
            assert landed["commit"] == fixed
            assert "greet.txt" in shop.git("ls-tree", "--name-only", "main", cwd=bare)
            await room.tap(merged, "🔀 What is next")
            over = await room.see(
                "#12 is merged", after=merged.id, fits=lambda each: "🧹 Clean up" in each.labels
            )
            await room.tap(over, "🧹 Clean up")
            await room.see("its branch and worktree are removed, here and at origin", after=over.id)
            assert not (shop.root / "worktrees" / "demo").exists()
            # The tool never runs where the repository's configuration could reach it, and gets no token of the bot.
            expected = {
                "pr list",
                "pr create",
                "pr ready",
                "pr merge",
                "pr view",
                "api --hostname",
                "api graphql",
            }
            assert {" ".join(call[:2]) for call in forge.read()["calls"]} == expected
            api.check()
            # What others wrote reached the model quoted, in the round's task.
            assert "> Greet politely" in "\n".join(
                f"{each.system}{each.text}" for each in api.of_phase("planning")
            )
            # An edit that Telegram took just before the kill may be made again: nothing comes of it.
            assert all(
                "message is not modified" in (call.error or "") for call in room.server.calls.rejected()
            )
            assert await room.end() == 0
            until(lambda: shop.processes() == [])
