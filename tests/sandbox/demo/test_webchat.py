"""The web chat over HTTP: who may use it, what it serves, and that a page is told everything."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import httpx
import pytest

from samobot.sandbox.botapi.calls import Upload
from samobot.sandbox.botapi.server import BotApiServer
from samobot.sandbox.demo.webchat import DemoNotice, WebChat
from tests.support.telegram import TOKEN, RawBot

ANN = 1001


@pytest.fixture
async def chat() -> AsyncIterator[WebChat]:
    server = BotApiServer()
    account = server.add_bot(TOKEN, "samo_bot")
    chat = WebChat(server, server.person("Ann", ANN), account, DemoNotice("Telegram.", "bot.", "x", "y", "z"))
    async with server:
        server.private_chat(chat.person)
        yield chat


@pytest.fixture
async def http(chat: WebChat) -> AsyncIterator[httpx.AsyncClient]:
    origin = chat.url.split("/chat/")[0]
    async with httpx.AsyncClient(
        base_url=chat.url, headers={"Origin": origin}, timeout=60, verify=False
    ) as http:
        yield http


async def events(http: httpx.AsyncClient) -> AsyncGenerator[dict[str, Any], None]:
    async with http.stream("GET", "events") as stream:
        async for line in stream.aiter_lines():
            if line.startswith("data: "):
                yield json.loads(line.removeprefix("data: "))


async def test_the_page_and_its_parts_may_load_nothing_from_elsewhere(http: httpx.AsyncClient) -> None:
    for name, kind in (("", "text/html"), ("chat.css", "text/css"), ("chat.js", "text/javascript")):
        answer = await http.get(name)
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith(kind)
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        for foreign in ("http://", "https://"):
            used = answer.text.replace("http://www.w3.org/2000/svg", "")
            assert f'"{foreign}' not in used
            assert f"url({foreign}" not in used


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example:80", "Origin": "http://evil.example:80"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
    ],
    ids=["rebound host", "rebound host and origin", "other site", "opaque origin"],
)
async def test_another_site_gets_nothing_and_does_nothing(
    chat: WebChat, http: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    assert (await http.get("", headers=headers)).status_code == 404
    assert (await http.get("events", headers=headers)).status_code == 404
    assert (await http.post("say", json={"text": "/stop"}, headers=headers)).status_code == 404
    assert chat.chat.messages == []


async def test_without_the_secret_or_the_origin_nothing_is_done(chat: WebChat) -> None:
    root = chat.url.split("/chat/")[0]
    async with httpx.AsyncClient(headers={"Origin": root}, verify=False) as http:
        assert (await http.post(f"{root}/chat/guess/say", json={"text": "hi"})).status_code == 404
        assert (await http.get(f"{root}/chat/guess/")).status_code == 404
    async with httpx.AsyncClient(verify=False) as http:
        assert (await http.post(f"{chat.url}say", json={"text": "hi"})).status_code == 404
        # What a form of another site could send without asking the browser first.
        plain = {"Origin": root, "Content-Type": "text/plain"}
        assert (
            await http.post(f"{chat.url}say", content=b'{"text": "hi"}', headers=plain)
        ).status_code == 400
    assert chat.chat.messages == []


async def test_page_acts_only_as_its_own_user_in_its_own_chat(chat: WebChat, http: httpx.AsyncClient) -> None:
    eve = chat.server.person("Eve", 2002)
    said = await http.post("say", json={"text": "hi", "user": eve.id, "chat": eve.id})
    assert said.json()["ok"]
    assert [(message.sender, message.text) for message in chat.chat.messages] == [(chat.person.user, "hi")]
    for action in ("inject", "add_bot", "fault", "block"):
        assert (await http.post(action, json={})).status_code == 400
    refused = await http.post("say", json={"text": ""})
    assert (refused.status_code, refused.json()["ok"]) == (400, False)


async def test_a_page_gets_a_snapshot_and_then_every_change(chat: WebChat, http: httpx.AsyncClient) -> None:
    chat.person.say("before")
    async with RawBot(chat.server) as bot:
        await bot("setMyCommands", commands=[{"command": "run", "description": "go"}])
        stream = events(http)
        first = await anext(stream)
        assert first["kind"] == "snapshot"
        assert [message["text"] for message in first["messages"]] == ["before"]
        assert first["commands"] == [{"command": "run", "description": "go"}]
        assert first["guide"]["stop"] == "send"
        sent = await bot("sendMessage", chat_id=ANN, text="❓ greet asks", reply_markup={"force_reply": True})
        both = [await anext(stream), await anext(stream)]
        found = {event["kind"]: event for event in both}
        assert found["message"]["message"]["asks_reply"] is True
        assert found["guide"]["guide"]["message"] == sent["message_id"]
        await bot(
            "setMessageReaction", chat_id=ANN, message_id=1, reaction=[{"type": "emoji", "emoji": "👍"}]
        )
        assert (await anext(stream))["message"]["reactions"] == {"42": ["👍"]}
        await bot("pinChatMessage", chat_id=ANN, message_id=sent["message_id"])
        kinds = {(await anext(stream))["kind"] for _ in range(2)}
        assert kinds == {"message", "pinned"}
        chat.announce("The bot has ended.")
        assert await anext(stream) == {"kind": "notice", "text": "The bot has ended."}
        await stream.aclose()


async def test_a_page_hears_nothing_of_other_chats(chat: WebChat, http: httpx.AsyncClient) -> None:
    eve = chat.server.person("Eve", 2002)
    stream = events(http)
    await anext(stream)
    eve.say("secret")
    chat.person.say("mine")
    assert (await anext(stream))["message"]["text"] == "mine"
    await stream.aclose()


async def test_only_real_pictures_are_shown_and_all_else_is_downloaded(
    chat: WebChat, http: httpx.AsyncClient
) -> None:
    page = chat.server.world.files.add(Upload("naïve\r\n.html", "text/html", b"<script>1</script>"))
    answer = await http.get(f"file/{page.id}")
    assert answer.content == b"<script>1</script>"
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith(
        "attachment; filename*=UTF-8''na%C3%AFve%0D%0A.html"
    )
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    gif = b"GIF89a\x10\0\x10\0" + b"\0" * 20
    shown = chat.server.world.files.add(Upload("x.html", "text/html", gif), photo=True)
    assert (await http.get(f"file/{shown.id}")).headers["Content-Type"] == "image/gif"
    assert (await http.get("file/none")).status_code == 404
    assert (await http.get("chat.exe")).status_code == 404


async def test_page_that_is_closed_gets_no_further_events(chat: WebChat, http: httpx.AsyncClient) -> None:
    stream = events(http)
    await anext(stream)
    listeners = chat.server.world.feed._queues
    assert len(listeners) == 1
    await stream.aclose()
    async with asyncio.timeout(60):
        while listeners:
            chat.person.say("anybody?")
            await asyncio.sleep(0)
