"""The people's side over HTTP, as another process or a page uses it."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from samobot.sandbox.botapi.server import BotApiServer
from tests.support.telegram import RawBot

pytestmark = pytest.mark.slow


class Remote:
    """The control API's client."""

    def __init__(self, server: BotApiServer) -> None:
        headers = {"Authorization": f"Bearer {server.secret}"}
        self.http = httpx.AsyncClient(
            base_url=f"{server.url}/user", headers=headers, timeout=60, verify=False
        )

    async def __call__(self, action: str, **order: object) -> Any:
        answer = (await self.http.post(f"/{action}", json=order)).json()
        assert answer["ok"], answer["description"]
        return answer["result"]


@pytest.fixture
async def remote(server: BotApiServer) -> AsyncIterator[Remote]:
    remote = Remote(server)
    async with remote.http:
        yield remote


async def test_nothing_is_sent_or_done_without_the_secret(server: BotApiServer) -> None:
    async with httpx.AsyncClient(base_url=f"{server.url}/user", verify=False) as http:
        assert (await http.get("/chats")).status_code == 403
        assert (await http.get("/events", params={"secret": "é"})).status_code == 403
        wrong = {"Authorization": "Bearer wrong"}
        assert (await http.post("/add_person", json={"name": "Eve"}, headers=wrong)).status_code == 403
        assert (await http.get("/chats", params={"secret": server.secret})).json() == {
            "ok": True,
            "result": [],
        }
    assert all(user.first_name != "Eve" for user in server.world.users.values())


async def test_a_conversation_from_outside(server: BotApiServer, bot: RawBot, remote: Remote) -> None:
    ann = (await remote("add_person", name="Ann"))["id"]
    await remote("add_private_chat", user=ann)
    await remote("start", user=ann, text="code")
    markup = {"inline_keyboard": [[{"text": "Yes", "callback_data": "y"}]]}
    await bot("sendMessage", chat_id=ann, text="<b>Go?</b>", parse_mode="HTML", reply_markup=markup)
    asked = await remote("wait", user=ann, text="Go?")
    assert (asked["html"], asked["silent"]) == ("<b>Go?</b>", False)
    await remote("tap", user=ann, message=asked["message_id"], button="Yes")
    said = await remote("reply", user=ann, text="go on", reply_to=asked["message_id"])
    await remote("edit", user=ann, message=said["message_id"], text="go on!")
    await remote("react", user=ann, message=asked["message_id"], emoji=["👍"])
    await remote("forward", user=ann, message=asked["message_id"])
    content = base64.b64encode(b"# x").decode()
    sent = await remote("send_file", user=ann, name="x.md", file=content, text="see")
    assert (sent["document"]["file_size"], sent["caption"]) == (3, "see")
    updates = await bot("getUpdates")
    kinds = [next(kind for kind in update if kind != "update_id") for update in updates]
    assert kinds == ["message", "callback_query", "message", "edited_message", "message", "message"]
    messages = (await remote.http.get("/messages", params={"chat": ann, "after": 2})).json()["result"]
    assert [message.get("text") for message in messages] == ["go on!", "Go?", None]
    calls = (await remote.http.get("/calls", params={"method": "sendMessage"})).json()["result"]
    assert [call["parameters"]["chat_id"] for call in calls] == [str(ann)]
    (chat,) = (await remote.http.get("/chats")).json()["result"]
    assert (chat["id"], chat["bot"]) == (ann, "samo_bot")
    await remote("block", user=ann)
    await remote("unblock", user=ann)
    await remote("delete", user=ann, message=said["message_id"])


async def test_groups_faults_and_raw_updates_from_outside(
    server: BotApiServer, bot: RawBot, remote: Remote
) -> None:
    ann, ben = [(await remote("add_person", name=name))["id"] for name in ("Ann", "Ben")]
    group = (await remote("add_group", name="Team", members=[ann]))["id"]
    await remote("join", user=ben, chat=group)
    await remote("say", user=ben, chat=group, text="/stop")
    await remote("say_anonymously", user=ann, chat=group, text="/stop")
    await remote("set_bot_status", user=ann, chat=group, status="administrator")
    await remote("leave", user=ben, chat=group)
    await remote("inject", update="{broken")
    assert len(server.world.only_bot().queue) == 6
    await remote("fault", kind="429", method="getMe", retry_after=3, count=None)
    assert (await bot.failure("getMe")).retry_after == 3
    await remote("clear_faults")
    await bot("getMe")
    await remote("add_bot", token="44:third", username="third_bot")
    async with RawBot(server, "44:third") as third:
        assert (await third("getMe"))["username"] == "third_bot"


@pytest.mark.parametrize(
    ("action", "order", "complaint"),
    [
        ("dance", {"user": 777000}, "no action"),
        ("say", {"user": 5, "text": "x"}, "no user 5"),
        ("say", {"user": 777000, "chat": 6, "text": "x"}, "no chat 6"),
        ("say", {"shout": "x"}, "shout"),
        ("fault", {}, "kind"),
        ("add_private_chat", {"user": 777000, "bot": "nobody"}, "no bot"),
        ("add_bot", {"token": "nonsense"}, "token"),
    ],
)
async def test_an_order_that_makes_no_sense_is_explained(
    remote: Remote, action: str, order: dict[str, object], complaint: str
) -> None:
    answer = await remote.http.post(f"/{action}", json=order)
    assert answer.status_code == 400
    assert complaint in answer.json()["description"]


async def test_events_stream_to_a_page(server: BotApiServer, remote: Remote) -> None:
    ann = server.person()
    chat = server.private_chat(ann)
    async with remote.http.stream("GET", "/events") as stream:
        lines = stream.aiter_lines()
        assert await anext(lines) == ": listening"
        ann.say("hi <b>", chat)
        line = await anext(line async for line in lines if line.startswith("data: "))
    event = json.loads(line.removeprefix("data: "))
    assert (event["kind"], event["chat"]["id"], event["message"]["html"]) == (
        "message",
        ann.id,
        "hi &lt;b&gt;",
    )
