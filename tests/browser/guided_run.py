"""The demo's guided run, played in the browser by clicking: for its test and for the README's pictures."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

from playwright.async_api import Locator, Page, expect

STOPS = ("question", "plan", "card", "done", "diff")
PACE = 0.6
"""Seconds after each step of the agent: slow enough that the card is caught at work."""

_PATIENCE = 90_000
_AT_WORK = re.compile(r"implementation(?s:.*)(Writing|Editing (greet|test|README))")


async def _at(page: Page, *stops: str) -> str:
    """Wait until the guide is at one of these stops, and return at which."""
    either = ", ".join(f"#guide[data-stop='{stop}']" for stop in stops)
    await expect(page.locator(either)).to_be_visible(timeout=_PATIENCE)
    return await page.locator("#guide").get_attribute("data-stop") or ""


async def play(
    page: Page,
    visit: Callable[[str, Locator | None], Awaitable[object]],
    click: Callable[[Locator], Awaitable[object]] = Locator.click,
) -> str:
    """Play the guided run to its end, and return the diff that it downloads.

    Args:
        page: The page, at the beginning of the run.
        visit: Called at each of `STOPS` with its name and the message that it is about; without one, with the newest.
        click: How to click.
    """
    await _at(page, "send")
    await expect(page.locator("summary")).to_contain_text("Simulated: Telegram and the agent")
    await click(page.locator("#guide-act"))
    await _at(page, "answer")
    suggested = page.locator(".key.suggested")
    question = page.locator("article:has(.key.suggested)")
    await page.get_by_role("button", name="Accept all 3").wait_for(timeout=_PATIENCE)
    await visit("question", question)
    answered = 0
    while await _at(page, "answer", "approve") == "answer":
        assert (await suggested.inner_text()).startswith("A")
        number = await question.get_attribute("id")
        await click(suggested)
        await expect(page.locator(f"#{number}")).to_contain_text("→ A", timeout=_PATIENCE)
        answered += 1
    assert answered == 3
    await visit("plan", page.locator("article", has_text="has a plan").last)
    await click(page.get_by_role("button", name="Approve"))
    card = page.locator("article:has(.key)", has_text="●◉").first
    await expect(card).to_contain_text(_AT_WORK, timeout=_PATIENCE)
    await visit("card", card)
    await _at(page, "diff")
    await page.locator("article", has_text="greet is done").wait_for(timeout=_PATIENCE)
    card = page.locator("article", has_text="●●●●●●● done")
    await expect(card).to_be_visible(timeout=_PATIENCE)
    await expect(card).to_contain_text("edited")
    await visit("done", None)
    await click(suggested)
    async with page.expect_download() as downloading:
        await click(page.get_by_role("link", name="Download greet.diff"))
    await _at(page, "free")
    await visit("diff", None)
    return (await (await downloading.value).path()).read_text()
