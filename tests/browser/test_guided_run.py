"""The whole guided run by clicking, against the real bot and its loop; its pictures are the README's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.async_api import Locator, ViewportSize

from samobot.sandbox.demo.launcher import DemoOptions, RunningDemo
from tests.browser.guided_run import PACE, STOPS, play
from tests.browser.pictures import Camera
from tests.support.browser import DESKTOP, PHONE, Window

pytestmark = pytest.mark.asyncio(loop_scope="package")

SIZES = [ViewportSize(width=width, height=height) for width, height in (DESKTOP, PHONE)]


async def test_the_guided_run_is_played_to_its_end_by_clicking_and_can_be_pictured(
    window: Window, tmp_path: Path
) -> None:
    async with RunningDemo(DemoOptions(pace=PACE, poll=0.1), os.environ) as stage:
        page = await window.open(stage.page.url)
        camera = Camera(page, tmp_path)

        async def visit(stop: str, subject: Locator | None) -> None:
            for size in SIZES:
                await page.set_viewport_size(size)
                # No message is wider than the screen.
                assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
                if stop in ("plan", "diff"):
                    assert await window.violations(page) == []
            await camera.take(stop, subject)

        async def click(button: Locator) -> None:
            for size in SIZES:
                await page.set_viewport_size(size)
                await button.click(trial=size is not SIZES[-1])

        try:
            diff = await play(page, visit, click)
        except BaseException:
            print(*(f"{m.id}: {m.text!r} {m.labels}" for m in stage.page.chat.messages), sep="\n")
            for log in (stage.bot_log, *stage.folder.glob("sessions/*/_logs/journal.jsonl")):
                print(log.read_text())
            raise
        folder = stage.folder
    assert window.trouble == []
    assert not folder.exists()
    assert 'GREETING = "Hello"' in diff
    taken = list(tmp_path.iterdir())
    assert {path.name for path in taken} == {f"{stop}{end}.png" for stop in STOPS for end in ("", "-dark")}
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in taken)
