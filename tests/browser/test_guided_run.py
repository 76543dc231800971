"""The whole guided run by clicking, against the real bot and its loop."""

from __future__ import annotations

import os

import pytest
from playwright.async_api import Page, expect

from samobot.sandbox.demo.launcher import Demo, Stage
from tests.support.browser import DESKTOP, PHONE, Window

# The agent works fast here; a person would watch for about a minute.
PLAY = Demo(pace=0.02, poll=0.1)
PATIENCE = 90_000


async def _at(page: Page, *stops: str) -> str:
    """Wait until the guide is at one of these stops, and say at which."""
    either = ", ".join(f"#guide[data-stop='{stop}']" for stop in stops)
    await expect(page.locator(either)).to_be_visible(timeout=PATIENCE)
    return await page.locator("#guide").get_attribute("data-stop") or ""


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
async def test_the_guided_run_is_played_to_its_end_by_clicking(window: Window, size: tuple[int, int]) -> None:
    async with Stage(PLAY, os.environ) as stage:
        page = await window.open(stage.page.url, size)
        try:
            await _play(window, page)
        except BaseException:
            print(*(f"{m.id}: {m.text!r} {m.labels}" for m in stage.page.chat.messages), sep="\n")
            for log in (stage.bot_log, *stage.folder.glob("sessions/*/_logs/journal.jsonl")):
                print(log.read_text())
            raise
        folder = stage.folder
    assert window.trouble == []
    assert not folder.exists()


async def _play(window: Window, page: Page) -> None:
    assert await _at(page, "send") == "send"
    await expect(page.locator("summary")).to_contain_text("Simulated: Telegram and the agent")
    await page.locator("#guide-act").click()
    answered = 0
    while await _at(page, "answer", "approve") == "answer":
        suggested = page.locator(".key.suggested")
        label = await suggested.inner_text()
        assert label.startswith("A")
        number = await page.locator("article:has(.key.suggested)").get_attribute("id")
        await suggested.click()
        await expect(page.locator(f"#{number}")).to_contain_text("→ A", timeout=PATIENCE)
        answered += 1
    assert answered == 3
    assert await window.violations(page) == []
    await page.get_by_role("button", name="Approve").click()
    await _at(page, "diff")
    card = page.locator("article", has_text="●●●●●●● done")
    await expect(card).to_be_visible(timeout=PATIENCE)
    await expect(card).to_contain_text("edited")
    async with page.expect_download() as downloading:
        await page.locator(".key.suggested").click()
        await page.get_by_role("link", name="Download greet.diff").click()
    diff = (await (await downloading.value).path()).read_text()
    assert 'GREETING = "Hello"' in diff
    await _at(page, "free")
    assert await window.violations(page) == []
    # No message is wider than the screen.
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
