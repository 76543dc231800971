"""Every kind of message in the web chat at a phone's width, for a look: `python -m tests.browser.gallery FOLDER`."""

from __future__ import annotations

import asyncio
import json
import re
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import Page, async_playwright, expect

from samobot.sandbox.botapi.server import BotApiServer
from samobot.sandbox.botapi.user import UserClient
from samobot.sandbox.demo.webchat import DemoNotice, WebChat
from samobot.telegram.markup.html import to_plain
from samobot.telegram.markup.split import split_html
from samobot.telegram.store.bot_store import Store
from samobot.telegram.views.buttons import keyboard
from tests.support.answers import Said, conversations
from tests.support.browser import CHROMIUM, FLAGS, Window
from tests.support.exhibits import Sheet, sheets
from tests.support.phone import open_phone
from tests.support.telegram import TOKEN, RawBot

_WIDTH, _TALLEST = 390, 8_000
_ABOUT = DemoNotice("Telegram.", "these messages.", "Telegram", "The messages", "Nothing")
_LINES = 12

# What belongs to the demo and not to the chat. A style element the page's policy would refuse.
_TIDY = """
const sheet = new CSSStyleSheet();
sheet.replaceSync(".guide, .banner, .composer, .bar, .day, #toast, #to-end, #pinned { display: none !important } " +
  ".more { opacity: 0 !important }");
document.adoptedStyleSheets = [sheet];
"""
# What does not fit: beyond the screen (but for what scrolls by itself), cut within a button, or markup as words.
_WRONG = r"""
() => {
  const found = [];
  const log = document.querySelector("#log");
  const scrolls = node => { for (let at = node; at && at !== log; at = at.parentElement)
    if (["auto", "scroll"].includes(getComputedStyle(at).overflowX)) return at; return null; };
  for (const node of log.querySelectorAll("*")) {
    const box = node.getBoundingClientRect(), scroller = scrolls(node);
    if (scroller && scroller !== node) continue;
    if (box.right > innerWidth + 0.5 || box.left < -0.5) found.push(`wider than the screen: ${node.outerHTML.slice(0, 200)}`);
  }
  for (const key of log.querySelectorAll(".key, .file-name"))
    if (key.scrollWidth > key.clientWidth + 1 && key.clientWidth || key.scrollHeight > key.clientHeight + 2 && key.clientHeight)
      found.push(`cut: ${key.textContent}`);
  // Telegram cuts what does not fit beside others, so a label of ours has to fit on one line.
  for (const row of log.querySelectorAll(".keys-row"))
    for (const key of row.children)
      if (row.children.length > 2 && key.clientHeight > 46) found.push(`too long beside others: ${key.textContent}`);
  if (document.documentElement.scrollWidth > innerWidth) found.push("the page scrolls sideways");
  for (const text of log.querySelectorAll(".text"))
    if (!text.querySelector("pre") && /<\/?[a-z]+>|\*\*|&(lt|gt|amp|quot);/.test(text.innerText.replace(/<(old|name)>/g, "")))
      found.push(`raw markup: ${text.innerText.slice(0, 300)}`);
  return found;
}
"""


@dataclass
class Wall:
    """A chat that shows what it is given, and nothing else.

    Attributes:
        page: The browser's page.
        wrong: What did not fit, by sheet.
        dark_too: Whether each sheet is taken in the dark theme, too.
    """

    page: Page
    server: BotApiServer
    person: UserClient
    chat: WebChat
    bot: RawBot
    store: Store
    folder: Path
    wrong: list[str]
    dark_too: bool

    async def hang(self, sheet: Sheet) -> None:
        """Show a sheet of messages, take its picture and note what is wrong with it."""
        self._clear()
        for each in sheet.shown:
            with self.store.transaction(durable=False):
                made = keyboard(self.store.callbacks, each.buttons, sheet.name)
            pieces = [each.text] if each.attachment else split_html(each.text)
            for piece in pieces:
                last = piece is pieces[-1]
                file = (each.attachment.name, each.attachment.data) if each.attachment else None
                await self._send(piece, made if last else None, file, silent=sheet.silent)
            lines = to_plain(each.text).count("\n") + 1
            if sheet.brief and lines > _LINES:
                self.wrong.append(f"{sheet.name}: {lines} lines: {to_plain(each.text)}")
        await self._take(sheet.name)

    async def talk(self, name: str, talk: list[Said]) -> None:
        """Show what a person said and what the bot answered."""
        self._clear()
        for said in talk:
            self.person.say(said.words)
            for post, data in said.answers:
                file = (post.file_name or "file", data) if data is not None else None
                await self._send(post.text, post.markup, file, photo=post.photo, silent=post.silent)
        await self._take(name)

    def _clear(self) -> None:
        for message in list(self.chat.chat.messages):
            self.server.world.delete(message)

    async def _send(
        self,
        text: str,
        markup: dict[str, Any] | None,
        file: tuple[str, bytes] | None,
        *,
        photo: bool = False,
        silent: bool = False,
    ) -> None:
        values: dict[str, Any] = {"chat_id": self.person.id, "parse_mode": "HTML"}
        if silent:
            values["disable_notification"] = True
        if file is None:
            more = {"reply_markup": markup} if markup else {}
            await self.bot("sendMessage", text=text, **values, **more)
            return
        form = {key: str(value) for key, value in values.items()} | {"caption": text}
        if markup:
            form["reply_markup"] = json.dumps(markup)
        method, field = ("sendPhoto", "photo") if photo else ("sendDocument", "document")
        async with httpx.AsyncClient() as http:
            url = f"{self.server.url}/bot{TOKEN}/{method}"
            (await http.post(url, data=form, files={field: file})).raise_for_status()

    async def _take(self, name: str) -> None:
        newest = self.chat.chat.messages[-1].id
        count = len(self.chat.chat.messages)
        await expect(self.page.locator("#log article")).to_have_count(count)
        await expect(self.page.locator("#log article").last).to_have_id(re.compile(rf"\D{newest}$"))
        await self.page.evaluate(
            "Promise.all([...document.querySelectorAll('#log img')].map(image => image.decode()))"
        )
        await self.page.set_viewport_size({"width": _WIDTH, "height": 600})
        tall = int(await self.page.evaluate("document.querySelector('#log').scrollHeight"))
        await self.page.set_viewport_size({"width": _WIDTH, "height": min(tall + 2, _TALLEST)})
        self.wrong += [f"{name}: {each}" for each in await self.page.evaluate(_WRONG)]
        await self._picture(f"{name}.png")
        if self.dark_too:
            await self.page.emulate_media(color_scheme="dark", reduced_motion="reduce")
            await self._picture(f"{name}-dark.png")
            await self.page.emulate_media(color_scheme="light", reduced_motion="reduce")

    async def _picture(self, file: str) -> None:
        await self.page.screenshot(path=self.folder / file, animations="disabled")


@asynccontextmanager
async def _wall(window: Window, folder: Path, store: Store, *, dark_too: bool) -> AsyncIterator[Wall]:
    server = BotApiServer()
    account = server.add_bot(TOKEN, "samo_bot")
    person = server.person("Ann")
    chat = WebChat(server, person, account, _ABOUT, guided=False)
    async with server, RawBot(server) as bot:
        server.private_chat(person)
        page = await window.open(chat.url, (_WIDTH, 844))
        await page.emulate_media(color_scheme="light", reduced_motion="reduce")
        await page.evaluate(_TIDY)
        yield Wall(page, server, person, chat, bot, store, folder, [], dark_too)


async def show_all(window: Window, folder: Path, scratch: Path, *, dark_too: bool = False) -> list[str]:
    """Take a picture of every kind of message, and return what is wrong with them.

    Args:
        window: The browser's window.
        folder: Where the pictures go.
        scratch: An empty folder for the sessions that are talked about.
        dark_too: Whether each is taken in the dark theme, too.
    """
    with pytest.MonkeyPatch.context() as patch, closing(Store(scratch / "state")) as store:
        async with _wall(window, folder, store, dark_too=dark_too) as wall:
            for sheet in sheets():
                await wall.hang(sheet)
            async for phone in open_phone(scratch, store, patch):
                for name, said in (await conversations(phone)).items():
                    await wall.talk(name, said)
            return wall.wrong


async def main(folder: Path) -> int:
    """Take the pictures; 1 where something is wrong with a message."""
    folder.mkdir(parents=True, exist_ok=True)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        async with Window(browser, "", scale=2) as window:
            with tempfile.TemporaryDirectory() as scratch:
                wrong = [*await show_all(window, folder, Path(scratch), dark_too=True), *window.trouble]
        await browser.close()
    print(*wrong, f"The gallery is in {folder}.", sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    if CHROMIUM is None:
        sys.exit("Chromium is not here: make browser installs it on Debian, as root.")
    sys.exit(asyncio.run(main(Path(sys.argv[1]))))
