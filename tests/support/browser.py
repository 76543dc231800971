"""A browser window on the demo's page, which notes down everything that a page should not do."""

from __future__ import annotations

import shutil
from types import TracebackType
from typing import Any, Literal

from playwright.async_api import Browser, BrowserContext, Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
"""The browser; None where there is none."""

Theme = Literal["dark", "light"]
THEMES: tuple[Theme, ...] = ("light", "dark")

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Nothing but loopback has an address.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)

PHONE = (390, 844)
DESKTOP = (1280, 800)


class Window:
    """One window.

    Args:
        browser: The browser, started.
        axe: The source of axe, for `violations`.
        scale: Pixels of the screen for one of the page: 2 as on a phone; 1 is four times less to draw.

    Attributes:
        trouble: Console errors, exceptions, failed requests and requests to other hosts, in words.
    """

    def __init__(self, browser: Browser, axe: str, scale: int = 1) -> None:
        self._browser = browser
        self._axe = axe
        self._scale = scale
        self._context: BrowserContext | None = None
        self.trouble: list[str] = []

    async def __aenter__(self) -> Window:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._context is not None:
            await self._context.close()

    async def open(self, url: str, size: tuple[int, int] = PHONE) -> Page:
        """Open the page as it is at this size, and wait until the chat is there."""
        width, height = size
        self._context = await self._browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=THEMES[0],
            device_scale_factor=self._scale,
        )
        await self._context.grant_permissions(["clipboard-read", "clipboard-write"])
        page = await self._context.new_page()
        own = url.split("/chat/", maxsplit=1)[0]
        page.on(
            "console", lambda entry: self._note(entry.type in {"error", "warning"}, f"console: {entry.text}")
        )
        page.on("pageerror", lambda error: self._note(True, f"exception: {error}"))
        page.on(
            "requestfailed",
            lambda request: self._note(request.resource_type != "eventsource", f"failed: {request.url}"),
        )
        page.on(
            "request",
            lambda request: self._note(
                not request.url.startswith((own, "data:", "blob:")), f"another host: {request.url}"
            ),
        )
        await page.goto(url)
        await page.wait_for_selector("body[data-connected]")
        return page

    def _note(self, wrong: bool, words: str) -> None:
        if wrong:
            self.trouble.append(words)

    async def violations(self, page: Page) -> list[str]:
        """What axe finds wrong with the page as it is now, in each theme."""
        # Through the debugger, which the page's own policy does not bind.
        await page.evaluate(f"{self._axe}; undefined")
        wrong = []
        for theme in THEMES:
            await page.emulate_media(color_scheme=theme)
            found: dict[str, Any] = await page.evaluate(
                "() => axe.run(document, {resultTypes: ['violations']})"
            )
            wrong += [
                f"{theme}: {one['id']}: {one['help']}: {[node['html'][:160] for node in one['nodes'][:4]]} {one['nodes'][0].get('failureSummary', '')[:300]}"
                for one in found["violations"]
            ]
        return wrong
