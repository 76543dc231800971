"""The README's pictures, taken from the real chat of the demo: `python -m tests.browser.pictures docs/pictures`."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from playwright.async_api import Locator, Page, async_playwright

from samobot.sandbox.demo.launcher import DemoOptions, RunningDemo
from tests.browser.guided_run import PACE, play
from tests.support.browser import CHROMIUM, FLAGS, THEMES, Window

_SIZE = (390, 640)
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

    async def take(self, name: str, subject: Locator | None) -> None:
        """Take a picture with the subject at the top of the chat, or with the chat's end."""
        await self._page.evaluate(_TIDY)
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
        await self._page.evaluate("document.adoptedStyleSheets = []")


async def main(folder: Path) -> None:
    """Take the pictures anew."""
    folder.mkdir(parents=True, exist_ok=True)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        async with (
            Window(browser, "", scale=2) as window,
            RunningDemo(DemoOptions(pace=PACE, poll=0.1), os.environ) as stage,
        ):
            page = await window.open(stage.page.url, _SIZE)
            await play(page, Camera(page, folder).take)
            for trouble in window.trouble:
                print(trouble, file=sys.stderr)
        await browser.close()


if __name__ == "__main__":
    if CHROMIUM is None:
        sys.exit("Chromium is not here: make browser installs it on Debian, as root.")
    asyncio.run(main(Path(sys.argv[1])))
