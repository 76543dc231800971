"""The Bot API server over raw HTTP: addresses, tokens, encodings, faults, the journal."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest

from samobot.sandbox.botapi.failure import ApiFailure, SandboxError, SandboxTimeout
from samobot.sandbox.botapi.faults import Fault, FaultKind
from samobot.sandbox.botapi.feed import EventKind
from samobot.sandbox.botapi.server import BotApiServer
from samobot.sandbox.botapi.world import World
from tests.support.telegram import TOKEN, RawBot

pytestmark = pytest.mark.slow


async def test_a_known_token_is_served_and_others_are_not(server: BotApiServer, bot: RawBot) -> None:
    assert (await bot("getMe"))["username"] == "samo_bot"
    async with httpx.AsyncClient(base_url=server.url, verify=False) as http:
        unknown = await http.get("/bot43:other/getMe")
        assert unknown.status_code == 401
        assert unknown.json() == {"ok": False, "error_code": 401, "description": "Unauthorized"}
        assert (await http.get("/botnonsense/getMe")).status_code == 404
    server.revoke(TOKEN)
    with pytest.raises(ApiFailure, match="Unauthorized"):
        await bot("getMe")


async def test_an_unknown_method_is_not_found(bot: RawBot) -> None:
    with pytest.raises(ApiFailure, match="Not Found: method not found") as caught:
        await bot("sendMesage", chat_id=1)
    assert caught.value.code == 404


async def test_parameters_come_as_query_form_json_or_multipart_and_mean_the_same(
    server: BotApiServer, bot: RawBot
) -> None:
    chat = server.private_chat(server.person())
    markup = {"inline_keyboard": [[{"text": "Go", "callback_data": "go"}]]}
    fields = {"chat_id": str(chat.id), "text": "ä 🚀", "reply_markup": json.dumps(markup)}
    await bot.http.get("/sendMessage", params=fields)
    await bot.http.post("/sendMessage", data=fields)
    await bot.http.post("/SENDMESSAGE", json={"chat_id": chat.id, "text": "ä 🚀", "reply_markup": markup})
    await bot.http.post("/sendMessage", files={name: (None, value) for name, value in fields.items()})
    assert [(message.text, message.labels) for message in chat.messages] == [("ä 🚀", ["Go"])] * 4


async def test_a_parameter_that_telegram_lacks_is_refused_and_noted(
    server: BotApiServer, bot: RawBot
) -> None:
    chat = server.private_chat(server.person())
    assert "reply_to" in await bot.refusal("sendMessage", chat_id=chat.id, text="x", reply_to=1)
    assert server.calls.of("sendMessage")[0].unknown == ("reply_to",)
    server.world.strict = False
    await bot("sendMessage", chat_id=chat.id, text="x", reply_to=1)


async def test_bytes_that_are_not_utf8_are_refused(server: BotApiServer, bot: RawBot) -> None:
    chat = server.private_chat(server.person())
    body = f"chat_id={chat.id}&text=%ff%fe"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = (await bot.http.post("/sendMessage", content=body, headers=headers)).json()
    assert answer["description"] == "Bad Request: strings must be encoded in UTF-8"
    body = json.dumps({"chat_id": chat.id, "text": "\ud800"})
    answer = (
        await bot.http.post("/sendMessage", content=body, headers={"Content-Type": "application/json"})
    ).json()
    assert answer["description"] == "Bad Request: strings must be encoded in UTF-8"


@pytest.mark.parametrize("body", [b"{", b"[1]", b"\xff"])
async def test_a_body_that_is_no_json_object_is_refused_not_crashed_on(bot: RawBot, body: bytes) -> None:
    answer = await bot.http.post("/getMe", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400


async def test_a_document_comes_back_as_it_went(server: BotApiServer, bot: RawBot) -> None:
    chat = server.private_chat(server.person())
    data = bytes(range(256)) * 10
    files = {"document": ("plan.md", data, "text/markdown")}
    sent = await bot.http.post("/sendDocument", data={"chat_id": chat.id, "caption": "<b>p</b>"}, files=files)
    document = sent.json()["result"]["document"]
    assert (document["file_name"], document["file_size"]) == ("plan.md", len(data))
    path = (await bot("getFile", file_id=document["file_id"]))["file_path"]
    async with httpx.AsyncClient(verify=False) as http:
        assert (await http.get(f"{server.url}/file/bot{TOKEN}/{path}")).content == data
        assert (await http.get(f"{server.url}/file/bot{TOKEN}/documents/none")).status_code == 404
        assert (await http.get(f"{server.url}/file/bot1:other/{path}")).status_code == 401
    again = await bot("sendDocument", chat_id=chat.id, document=document["file_id"])
    assert again["document"] == document
    assert "attach" not in await bot.refusal("sendDocument", chat_id=chat.id, document="attach://none")
    attached = await bot.http.post(
        "/sendDocument",
        data={"chat_id": chat.id, "document": "attach://part"},
        files={"part": ("a.txt", b"x", "text/plain")},
    )
    assert attached.json()["ok"]
    empty = await bot.http.post("/sendDocument", data={"chat_id": chat.id}, files={"document": ("e", b"")})
    assert empty.json()["description"] == "Bad Request: file must be non-empty"


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (FaultKind.RATE_LIMIT, 429),
        (FaultKind.UNAUTHORIZED, 401),
        (FaultKind.FORBIDDEN, 403),
        (FaultKind.CONFLICT, 409),
        (FaultKind.BAD_GATEWAY, 502),
    ],
)
async def test_a_fault_hits_as_often_as_asked_then_all_is_well(
    server: BotApiServer, bot: RawBot, kind: FaultKind, status: int
) -> None:
    server.fault(kind, "send*", count=2, retry_after=7)
    chat = server.private_chat(server.person())
    for _ in range(2):
        answer = await bot.http.post("/sendMessage", json={"chat_id": chat.id, "text": "x"})
        assert answer.status_code == status
        if kind is FaultKind.RATE_LIMIT:
            assert answer.json()["parameters"] == {"retry_after": 7}
        if kind is FaultKind.BAD_GATEWAY:
            assert "<html>" in answer.text
    assert not chat.messages
    await bot("sendMessage", chat_id=chat.id, text="x")
    assert len(chat.messages) == 1
    assert not server.calls.rejected()


async def test_a_reset_does_nothing_and_a_drop_does_it_first(server: BotApiServer, bot: RawBot) -> None:
    chat = server.private_chat(server.person())
    server.fault(FaultKind.RESET, "sendMessage")
    with pytest.raises(httpx.TransportError):
        await bot("sendMessage", chat_id=chat.id, text="never")
    server.fault(FaultKind.DROP_AFTER_DOING, "sendMessage")
    with pytest.raises(httpx.TransportError):
        await bot("sendMessage", chat_id=chat.id, text="done")
    assert [message.text for message in chat.messages] == ["done"]


async def test_a_hang_lasts_until_the_caller_goes_away(server: BotApiServer, bot: RawBot) -> None:
    server.fault(FaultKind.HANG, "getMe")
    call = asyncio.create_task(bot("getMe"))
    await server.wait_until(lambda: server.calls.of("getMe"))
    call.cancel()
    entry = server.calls.of("getMe")[0]
    await server.wait_until(lambda: entry.ended)
    assert (entry.error, entry.fault, entry.status) == ("the caller went away", "hang", None)


async def test_a_fault_can_be_for_one_bot_and_one_kind_of_call(server: BotApiServer, bot: RawBot) -> None:
    server.add_bot("43:other", "other_bot")
    fault = server.faults.add(
        Fault(FaultKind.BAD_REQUEST, count=None, bot="samo_bot", when=lambda call: "x" in call.arguments)
    )
    assert await bot.refusal("getMe", x=1) == "chat not found"
    await bot("getMe")
    server.faults.remove(fault)
    assert not len(server.faults)


async def test_the_journal_holds_every_call_with_its_times_and_no_token(
    server: BotApiServer, bot: RawBot
) -> None:
    chat = server.private_chat(server.person())
    await bot("sendMessage", chat_id=chat.id, text="hello")
    await bot.refusal("sendMessage", chat_id=chat.id, text="")
    good, bad = server.calls.of("sendmessage", bot="samo_bot")
    assert good.ended is not None
    assert good.started <= good.ended <= bad.started
    assert (good.status, good.error, good.arguments.text("text")) == (200, None, "hello")
    assert (bad.status, bad.error) == (400, "Bad Request: message text is empty")
    assert server.calls.rejected() == [bad]
    assert server.calls.of(after=good.number) == [bad]
    assert "test-token" not in repr(server.calls.of())


async def test_the_rate_limits_are_off_until_they_are_wanted() -> None:
    now = [1000.0]
    world = World(monotonic=lambda: now[0], rate_limits=False)
    async with BotApiServer(world) as server:
        server.add_bot(TOKEN)
        bot = RawBot(server)
        async with bot:
            ann = server.person()
            chat, group = server.private_chat(ann), server.group("G", [ann])
            for _ in range(3):
                await bot("sendMessage", chat_id=chat.id, text="x")
            world.rate_limits = True
            sent = await bot("sendMessage", chat_id=chat.id, text="x")
            with pytest.raises(ApiFailure, match="Too Many Requests: retry after 1") as caught:
                await bot("editMessageText", chat_id=chat.id, message_id=sent["message_id"], text="y")
            assert (caught.value.code, caught.value.retry_after) == (429, 1)
            now[0] += 1
            await bot("sendMessage", chat_id=chat.id, text="x")
            for _ in range(20):
                now[0] += 1
                await bot("sendMessage", chat_id=group.id, text="x")
            now[0] += 1
            with pytest.raises(ApiFailure) as caught:
                await bot("sendMessage", chat_id=group.id, text="x")
            assert caught.value.retry_after == 40


async def test_expectation_that_fails_reports_what_came_instead(server: BotApiServer, bot: RawBot) -> None:
    chat = server.private_chat(server.person())
    await bot("sendMessage", chat_id=chat.id, text="something else")
    with pytest.raises(SandboxTimeout, match="something else"):
        await chat.wait_for(lambda message: "saved" in message.text, timeout=0.01)
    with pytest.raises(SandboxTimeout, match="sendMessage 200"):
        await server.wait_until(lambda: None, timeout=0.01)


async def test_feed_sends_a_listener_everything_in_order(server: BotApiServer, bot: RawBot) -> None:
    ann = server.person()
    chat = server.private_chat(ann)
    listener = server.subscribe()
    ann.say("hi")
    sent = await bot("sendMessage", chat_id=chat.id, text="a")
    await bot("editMessageText", chat_id=chat.id, message_id=sent["message_id"], text="b")
    await bot("sendChatAction", chat_id=chat.id, action="typing")
    await bot("deleteMessage", chat_id=chat.id, message_id=sent["message_id"])
    events = [await anext(listener) for _ in range(13)]
    listener.close()
    assert [event.kind for event in events if event.kind is not EventKind.CALL] == [
        EventKind.MESSAGE,
        EventKind.MESSAGE,
        EventKind.EDITED,
        EventKind.ACTION,
        EventKind.DELETED,
    ]
    assert [event.number for event in events] == list(range(events[0].number, events[0].number + 13))


async def test_a_server_that_ends_leaves_no_caller_hanging() -> None:
    server = BotApiServer()
    with pytest.raises(SandboxError, match="address"):
        server.url  # noqa: B018
    async with server:
        server.add_bot(TOKEN)
        bot = RawBot(server)
        poll = asyncio.create_task(bot("getUpdates", timeout=50))
        await server.wait_until(lambda: server.calls.of("getUpdates"))
    with pytest.raises(httpx.TransportError):
        await poll
    await bot.http.aclose()


async def test_a_slow_answer_comes_after_the_thing_is_done(server: BotApiServer, bot: RawBot) -> None:
    chat = server.private_chat(server.person())
    server.fault(FaultKind.SLOW, "sendMessage", seconds=60)
    call = asyncio.create_task(bot("sendMessage", chat_id=chat.id, text="done"))
    await chat.wait_for(lambda message: message.text == "done")
    assert not call.done()
    call.cancel()
    entry = server.calls.of("sendMessage")[0]
    await server.wait_until(lambda: entry.ended)
    assert (entry.status, entry.error) == (200, "the caller went away")
