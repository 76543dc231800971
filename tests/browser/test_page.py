"""The page shows what Telegram's apps show, and does what a thumb does: with a bot that says anything."""

from __future__ import annotations

import struct
import zlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import expect

from samobot.sandbox.botapi.server import BotApiServer
from samobot.sandbox.botapi.user import UserClient
from samobot.sandbox.demo.webchat import DemoNotice, WebChat
from tests.support.browser import DESKTOP, PHONE, Window
from tests.support.telegram import TOKEN, RawBot

pytestmark = pytest.mark.asyncio(loop_scope="package")

ABOUT = DemoNotice("Telegram.", "this test.", "Telegram", "This test", "Nothing")
ANN = 1001


@dataclass
class Room:
    """A chat without the product: a server, a page's address, a bot by hand."""

    server: BotApiServer
    person: UserClient
    page: WebChat
    bot: RawBot

    async def say(self, text: str, **more: object) -> int:
        """The bot writes; the number of its message."""
        sent = await self.bot("sendMessage", chat_id=ANN, text=text, parse_mode="HTML", **more)
        return int(sent["message_id"])

    async def send(self, method: str, field: str, name: str, data: bytes, caption: str) -> None:
        """The bot sends a file."""
        form = {"chat_id": str(ANN), "caption": caption}
        url = f"{self.server.url}/bot{TOKEN}/{method}"
        async with httpx.AsyncClient() as http:
            (await http.post(url, data=form, files={field: (name, data)})).raise_for_status()


@pytest_asyncio.fixture(loop_scope="package")
async def room() -> AsyncIterator[Room]:
    server = BotApiServer()
    account = server.add_bot(TOKEN, "samo_bot")
    person = server.person("Ann", ANN)
    page = WebChat(server, person, account, ABOUT)
    async with server, RawBot(server) as bot:
        server.private_chat(person)
        yield Room(server, person, page, bot)


def keys(*rows: list[str]) -> dict[str, object]:
    return {"inline_keyboard": [[{"text": text, "callback_data": text} for text in row] for row in rows]}


def picture(width: int = 320, height: int = 120) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress((b"\0" + b"\x88" * width) * height)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


async def furnish(room: Room) -> None:
    """One message of every kind."""
    await room.bot("setMyCommands", commands=[{"command": "status", "description": "what is going on"}])
    card = await room.say(
        "▶️ <b>greet</b> · demo", disable_notification=True, reply_markup=keys(["⏸ Pause", "⏹ Stop"])
    )
    await room.say(
        "❓ <b>greet</b> asks\nWhich?", reply_markup=keys(["A ★", "B"], ["Accept all 2 suggestions"])
    )
    await room.say(
        "<pre><code class='language-diff'>--- a\n+++ b\n@@ -1 +1 @@\n-old\n+" + "long " * 40 + "</code></pre>"
        "<tg-spoiler>hidden</tg-spoiler> <i>it</i> <u>u</u> <s>s</s> <code>code</code> /status "
        "<a href='https://example.org/'>link</a>\n<blockquote expandable>1\n2\n3\n4\n5\n6</blockquote>",
        disable_notification=True,
    )
    await room.send("sendDocument", "document", "plan.md", b"# plan\n", "the plan")
    await room.send("sendPhoto", "photo", "chart.png", picture(), "timeline")
    said = room.person.say("go on & <b>do</b> it")
    await room.bot(
        "setMessageReaction", chat_id=ANN, message_id=said.id, reaction=[{"type": "emoji", "emoji": "👍"}]
    )
    await room.bot("pinChatMessage", chat_id=ANN, message_id=card, disable_notification=True)
    await room.say(
        "What should change?",
        reply_parameters={"message_id": card},
        reply_markup={"force_reply": True, "input_field_placeholder": "Your words"},
    )


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
async def test_every_kind_of_message_is_accessible_and_fits(
    room: Room, window: Window, size: tuple[int, int]
) -> None:
    await furnish(room)
    page = await window.open(room.page.url, size)
    assert await window.violations(page) == []
    await page.locator(".expand").click()
    await page.locator("#about summary").click()
    await page.locator("#menu").click()
    await expect(page.locator("#commands")).to_be_visible()
    assert await window.violations(page) == []
    await page.keyboard.press("Escape")
    await expect(page.locator("#commands")).to_be_hidden()
    await page.locator(".mine .more").press("Enter")
    await expect(page.get_by_role("menuitem", name="Reply")).to_be_focused()
    assert await window.violations(page) == []
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    wide = "[...document.querySelectorAll('#log article')].filter(one => one.scrollWidth > one.clientWidth + 1).length"
    assert await page.evaluate(wide) == 0
    assert window.trouble == []


async def test_the_menu_of_a_message_follows_it_while_the_chat_scrolls(room: Room, window: Window) -> None:
    for number in range(40):
        await room.say(f"message {number}")
    page = await window.open(room.page.url)
    button = page.locator("article", has_text="message 38").locator(".more")
    await button.click()
    menu = page.get_by_role("menu")
    await expect(menu).to_be_visible()
    scrolled = "async by => { const log = document.querySelector('#log'); log.scrollTop -= by;"
    scrolled += " await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))); }"
    await page.evaluate(scrolled, 30)
    await expect(menu).to_be_visible()
    below = "([menu, of]) => of.getBoundingClientRect().bottom <= menu.getBoundingClientRect().top"
    above = "([menu, of]) => menu.getBoundingClientRect().bottom <= of.getBoundingClientRect().top"
    both = [await menu.element_handle(), await button.element_handle()]
    assert await page.evaluate(below, both) or await page.evaluate(above, both), "beside its button"
    await page.evaluate(scrolled, 2000)
    await expect(menu).to_be_hidden()


async def test_what_an_agent_wrote_never_becomes_markup(room: Room, window: Window) -> None:
    page = await window.open(room.page.url)
    nasty = "<img src=x onerror=alert(1)><script>alert(2)</script>"
    await room.bot("sendMessage", chat_id=ANN, text=nasty)
    await room.bot(
        "sendMessage",
        chat_id=ANN,
        text="😀 ab cd",
        entities=[
            {"type": "bold", "offset": 3, "length": 4},
            {"type": "pre", "offset": 0, "length": 2, "language": "x"},
        ],
    )
    await expect(page.locator("article").first).to_contain_text(nasty)
    await expect(page.locator("article strong")).to_have_text("ab c")
    assert await page.locator("#log img, #log script").count() == 0
    assert window.trouble == []


async def test_a_tap_an_edit_and_a_notice_reach_both_sides(room: Room, window: Window) -> None:
    page = await window.open(room.page.url)
    number = await room.say("❓ <b>x</b> asks", reply_markup=keys(["A ★", "B"]))
    await page.get_by_role("button", name="B", exact=True).click()
    await expect(page.locator(".key.busy")).to_have_text("B")
    # The page shows the tap before the server knows of it.
    (update,) = await room.bot("getUpdates", timeout=50)
    query = update["callback_query"]
    assert (query["data"], query["message"]["message_id"]) == ("B", number)
    await room.bot("answerCallbackQuery", callback_query_id=query["id"], text="Saved")
    await expect(page.locator("#toast")).to_have_text("Saved")
    await expect(page.locator(".key.busy")).to_have_count(0)
    await room.bot("editMessageText", chat_id=ANN, message_id=number, text="✅ x")
    await expect(page.locator(f"#m{number}")).to_contain_text("edited")
    await expect(page.locator(".key")).to_have_count(0)
    room.page.announce("The bot has ended.")
    await expect(page.get_by_role("alert")).to_have_text("The bot has ended.")
    assert window.trouble == []


async def test_it_can_be_used_without_a_mouse(room: Room, window: Window) -> None:
    await room.bot(
        "setMyCommands",
        commands=[{"command": c, "description": c} for c in ("run", "resume", "status")],
    )
    page = await window.open(room.page.url)
    await page.locator("#field").press_sequentially("/r")
    await expect(page.locator("#commands [role=option]")).to_have_count(2)
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Tab")
    await page.keyboard.type("x")
    await page.keyboard.press("Enter")
    await expect(page.locator("article")).to_contain_text("/resume x")
    await page.keyboard.press("ArrowUp")
    await page.keyboard.type("y")
    await page.keyboard.press("Enter")
    await expect(page.locator("article")).to_contain_text("/resume xy")
    asked = await room.say("Why?", reply_markup={"force_reply": True, "input_field_placeholder": "Because"})
    await expect(page.locator("#field")).to_have_attribute("placeholder", "Because")
    await page.keyboard.type("so")
    await page.keyboard.press("Enter")
    await expect(page.locator(".mine .quoted")).to_contain_text("Why?")
    reply = room.page.chat.last
    assert reply is not None
    assert reply.reply_to is room.page.chat.by_id[asked]
    assert window.trouble == []


async def test_page_that_was_cut_off_recovers_automatically(room: Room, window: Window) -> None:
    first = await room.say("one")
    page = await window.open(room.page.url)
    await expect(page.locator("article")).to_contain_text("one")
    await room.server.__aexit__(None, None, None)
    await expect(page.locator("#presence")).to_have_text("connecting…")
    chat = room.page.chat
    room.server.world.delete(chat.by_id[first])
    room.person.say("two")
    await room.server.__aenter__()
    await expect(page.locator("article")).to_contain_text("two")
    await expect(page.locator("article")).to_have_count(1)
    await expect(page.locator("#presence")).to_have_text("bot")
