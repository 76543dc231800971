"""The README's pictures, taken from the real chat of the demo: `python -m tests.browser.pictures docs/pictures`."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from pathlib import Path

from playwright.async_api import Locator, Page, async_playwright, expect

from samobot.sandbox.demo.launcher import Demo, Stage
from tests.support.browser import CHROMIUM, FLAGS, THEMES, Window

NAMES = ("card", "question", "plan", "done", "diff")
_SIZE = (390, 640)
_PATIENCE = 90_000
_AT_WORK = re.compile(r"implementation(?s:.*)(Writing|Editing (greet|test|README))")
# What belongs to the demo's guide and to the mouse, not to the chat. A style element the page's policy would refuse.
_TIDY = """
const sheet = new CSSStyleSheet();
sheet.replaceSync(".guide, #toast { display: none !important } .more { opacity: 0 !important }" +
  ".key.suggested { box-shadow: var(--shadow) }");
document.adoptedStyleSheets = [sheet];
"""


class Camera:
    """Takes each picture in both themes: `name.png` and `name-dark.png`."""

    def __init__(self, page: Page, folder: Path) -> None:
        self._page = page
        self._folder = folder

    async def take(self, name: str, subject: Locator | None = None) -> None:
        """Take a picture with the subject at the top of the chat, or with the chat's end."""
        assert name in NAMES
        if subject is not None:
            await subject.evaluate("node => node.scrollIntoView({block: 'start'})")
            await self._page.locator("#log").evaluate("log => log.scrollTop -= 8")
        else:
            await self._page.locator("#log").evaluate("log => log.scrollTop = log.scrollHeight")
        await self._page.mouse.move(0, 0)
        for theme in THEMES:
            await self._page.emulate_media(color_scheme=theme, reduced_motion="reduce")
            end = "" if theme == "light" else "-dark"
            await self._page.screenshot(path=self._folder / f"{name}{end}.png", animations="disabled")


async def take_pictures(window: Window, folder: Path, *, pace: float) -> None:
    """Play the guided run and take its pictures.

    Args:
        window: The browser's window.
        folder: Where the pictures go.
        pace: Seconds after each step of the agent: slow enough and the card is caught at work.
    """
    async with Stage(Demo(pace=pace, poll=0.1), os.environ) as stage:
        page = await window.open(stage.page.url, _SIZE)
        camera = Camera(page, folder)
        await page.locator("#guide-act").wait_for()
        await page.locator("#guide-act").click()
        await page.locator("#guide[data-stop='answer']").wait_for(timeout=_PATIENCE)
        suggested = page.locator(".key.suggested")
        await page.get_by_role("button", name="Accept all 3").wait_for(timeout=_PATIENCE)
        await page.evaluate(_TIDY)
        question = page.locator("article:has(.key.suggested)")
        await camera.take("question", question)
        while await page.locator("#guide").get_attribute("data-stop") != "approve":
            if await suggested.count() and "★" in await suggested.first.inner_text():
                number = await question.get_attribute("id")
                await suggested.click()
                await expect(page.locator(f"#{number}")).to_contain_text("→", timeout=_PATIENCE)
            await page.wait_for_function(
                "!document.querySelector('#guide[data-stop=answer]') || document.querySelector('.key.suggested')"
            )
            await asyncio.sleep(0)
        await camera.take("plan", page.locator("article", has_text="has a plan").last)
        await page.get_by_role("button", name="Approve").click()
        card = page.locator("article:has(.key)", has_text="●◉").first
        await expect(card).to_contain_text(_AT_WORK if pace else "implementation", timeout=_PATIENCE)
        await camera.take("card", card)
        done = page.locator("article", has_text="greet is done")
        await done.wait_for(timeout=_PATIENCE)
        await camera.take("done", done)
        await page.locator(".key.suggested").click()
        await page.get_by_role("link", name="Download greet.diff").wait_for(timeout=_PATIENCE)
        await camera.take("diff")


async def main(folder: Path) -> None:
    """Take the pictures anew."""
    folder.mkdir(parents=True, exist_ok=True)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        async with Window(browser, "") as window:
            await take_pictures(window, folder, pace=0.6)
            for trouble in window.trouble:
                print(trouble, file=sys.stderr)
        await browser.close()


if __name__ == "__main__":
    if CHROMIUM is None:
        sys.exit("Chromium is not here: make browser installs it on Debian, as root.")
    asyncio.run(main(Path(sys.argv[1])))
