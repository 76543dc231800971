"""Headless Chromium for the tests of the page: one browser for all of them, one fresh profile a test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from importlib import resources
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright, expect

from tests.support.browser import CHROMIUM, FLAGS, Window

expect.set_options(timeout=60_000)  # ms; the default of 5 s is too short for a machine that is busy


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without Chromium these tests say so once and are skipped."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)
            if CHROMIUM is None:
                item.add_marker(pytest.mark.skip(reason="Chromium is not here: apt-get install chromium"))


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="package")
async def window(browser: Browser) -> AsyncIterator[Window]:
    axe = (resources.files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
    async with Window(browser, axe) as window:
        yield window
