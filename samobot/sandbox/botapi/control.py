"""The people's side over HTTP: `{url}/user/…`, for other processes and for a page that shows the chats.

Every request carries the server's secret as `Authorization: Bearer …` or `?secret=…`. `POST /user/<action>` takes
a JSON object and answers `{"ok": true, "result": …}`, or `{"ok": false, "description": …}` with status 400.
`GET /user/chats`, `/user/messages?chat=…`, `/user/calls` read; `GET /user/events` streams changes (server-sent events).

People are named by id, bots by username (not needed if there is one), chats by the id that bots use.
"""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from aiohttp import web
from pydantic import BaseModel, ConfigDict, ValidationError

from samobot.sandbox.botapi.bots import Bot, ButtonPress
from samobot.sandbox.botapi.chat_messages import SandboxMessage
from samobot.sandbox.botapi.chats import MemberStatus, SandboxChat
from samobot.sandbox.botapi.failure import SandboxError
from samobot.sandbox.botapi.faults import Fault, FaultKind
from samobot.sandbox.botapi.feed import Event
from samobot.sandbox.botapi.user import UserClient

if TYPE_CHECKING:
    from samobot.sandbox.botapi.server import BotApiServer


class Order(BaseModel):
    """An action of a user; each action uses the fields it needs."""

    model_config = ConfigDict(extra="forbid")

    user: int = 0
    bot: str | None = None
    chat: int | None = None
    message: int | None = None
    to: int | None = None
    text: str = ""
    name: str = ""
    username: str | None = None
    token: str = ""
    button: str | int | None = None
    data: str | None = None
    reply_to: int | None = None
    thread_id: int | None = None
    emoji: list[str] = []
    members: list[int] = []
    forum: bool = False
    admin: bool = False
    started: bool = True
    file: str = ""
    """Base64."""
    status: MemberStatus = MemberStatus.MEMBER
    kind: FaultKind | None = None
    method: str = "*"
    count: int | None = 1
    retry_after: int = 1
    seconds: float = 0.0
    update: str | dict[str, object] = ""
    after: int = 0
    timeout: float = 10.0


class Control:
    """Turns orders into calls of `Person`."""

    def __init__(self, server: BotApiServer) -> None:
        self.server = server
        self.world = server.world

    async def act(self, action: str, order: Order) -> object:
        """Carry out one order.

        Raises:
            SandboxError: It makes no sense.
        """
        match action:
            case "add_bot":
                return self.server.add_bot(order.token, order.username or "samo_test_bot").user.api()
            case "add_person":
                return self.server.person(order.name or "Ann", order.user or None, order.username).user.api()
            case "add_private_chat":
                return self.server.private_chat(
                    self._person(order.user), self._bot(order), started=order.started
                ).api()
            case "add_group":
                people = [self._person(member) for member in order.members]
                return self.server.group(order.name, people, forum=order.forum, admin=order.admin).api()
            case "fault":
                if order.kind is None:
                    raise SandboxError("A fault needs its kind.")
                fault = Fault(
                    order.kind, order.method, order.count, order.retry_after, order.seconds, order.text
                )
                self.server.faults.add(fault)
                return True
            case "clear_faults":
                self.server.faults.clear()
                return True
            case "inject":
                self.server.inject(order.update, self._bot(order))
                return True
            case "wait":
                return await self._wait(order)
            case _:
                return self._by_person(action, order, self._person(order.user))

    def _by_person(self, action: str, order: Order, person: UserClient) -> object:
        match action:
            case "say" | "reply":
                reply_to = self._message(order, order.reply_to) if order.reply_to else None
                said = person.say(order.text, self._chat(order), reply_to=reply_to, thread_id=order.thread_id)
                return message_view(said)
            case "start":
                return message_view(person.start(order.text, self._chat(order)))
            case "say_anonymously":
                return message_view(person.say_anonymously(order.text, self._chat(order)))
            case "post":
                return message_view(person.post(order.text, self._chat(order)))
            case "send_file":
                data = base64.b64decode(order.file)
                return message_view(
                    person.send_file(data, order.name or "file.txt", order.text, self._chat(order))
                )
            case "tap":
                message = self._message(order, order.message)
                if order.data is not None:
                    return tap_view(person.tap_data(message, order.data))
                return tap_view(person.tap(message, order.button if order.button is not None else 0))
            case "edit":
                message = self._message(order, order.message)
                person.edit(message, order.text)
                return message_view(message)
            case "forward":
                to = self._chat(order, order.to) if order.to is not None else self._chat(order)
                return message_view(person.forward(self._message(order, order.message), to))
            case "react":
                person.react(self._message(order, order.message), *order.emoji)
            case "delete":
                person.delete(self._message(order, order.message))
            case "block":
                person.block(self._bot(order))
            case "unblock":
                person.unblock(self._bot(order))
            case "join":
                person.join(self._chat(order))
            case "leave":
                person.leave(self._chat(order))
            case "set_bot_status":
                person.set_bot_status(self._chat(order), order.status, self._bot(order))
            case _:
                raise SandboxError(f"There is no action {action!r}.")
        return True

    async def _wait(self, order: Order) -> object:
        message = await self._chat(order).wait_for(
            lambda m: order.text in m.text, order.timeout, after=order.after
        )
        return message_view(message)

    def messages(self, order: Order) -> object:
        """What is in a chat."""
        return [message_view(message) for message in self._chat(order).messages if message.id > order.after]

    def _person(self, user_id: int) -> UserClient:
        user = self.world.users.get(user_id)
        if user is None:
            raise SandboxError(f"There is no user {user_id}.")
        return UserClient(self.world, user)

    def _bot(self, order: Order) -> Bot:
        if order.bot is None:
            return self.world.only_bot()
        bot = next((bot for bot in self.world.bots.values() if bot.username == order.bot), None)
        if bot is None:
            raise SandboxError(f"There is no bot {order.bot!r}.")
        return bot

    def _chat(self, order: Order, chat_id: int | None = None) -> SandboxChat:
        chat_id = chat_id if chat_id is not None else order.chat if order.chat is not None else order.user
        chat = self.world.chat_by_id(chat_id, self._bot(order) if chat_id > 0 else None)
        if chat is None:
            raise SandboxError(f"There is no chat {chat_id}.")
        return chat

    def _message(self, order: Order, number: int | None) -> SandboxMessage:
        message = self._chat(order).by_id.get(number or 0)
        if message is None:
            raise SandboxError(f"There is no message {number} in that chat.")
        return message


def message_view(message: SandboxMessage) -> dict[str, object]:
    """A message for people: what bots see of it, and what only a screen shows."""
    return message.api() | {
        "html": message.html,
        "silent": message.silent,
        "edited": message.edited,
        "deleted": message.deleted,
        "asks_reply": message.asks_reply,
        "reactions": {str(user): list(emoji) for user, emoji in message.reactions.items()},
    }


def tap_view(tap: ButtonPress) -> dict[str, object]:
    """A tap and, if there is one, its answer."""
    answer = (
        {"text": tap.answer.text, "show_alert": tap.answer.show_alert} if tap.answer is not None else None
    )
    return {"id": tap.id, "data": tap.data, "answer": answer}


def event_view(event: Event) -> dict[str, object]:
    """An event as JSON values."""
    return {
        "number": event.number,
        "at": event.at,
        "kind": event.kind.value,
        "chat": event.chat.api() if event.chat is not None else None,
        "bot": event.chat.bot.username if event.chat is not None and event.chat.bot is not None else None,
        "message": message_view(event.message) if event.message is not None else None,
        "detail": dict(event.detail),
    }


def control_routes(server: BotApiServer) -> list[web.RouteDef]:
    """The routes under `/user/`."""
    control = Control(server)

    def guarded(
        answer: Callable[[web.Request], Awaitable[object]],
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            given = request.headers.get("Authorization", "").removeprefix("Bearer ") or request.query.get(
                "secret", ""
            )
            if not hmac.compare_digest(given.encode(), server.secret.encode()):
                return web.json_response({"ok": False, "description": "wrong secret"}, status=403)
            try:
                result = await answer(request)
            except (SandboxError, ValidationError, ValueError) as error:
                return web.json_response({"ok": False, "description": str(error)}, status=400)
            if isinstance(result, web.StreamResponse):
                return result
            return web.json_response({"ok": True, "result": result})

        return handle

    async def on_action(request: web.Request) -> object:
        return await control.act(
            request.match_info["action"], Order.model_validate_json(await request.read() or b"{}")
        )

    async def on_chats(_: web.Request) -> object:
        chats = server.world.chats
        return [chat.api() | {"bot": chat.bot.username if chat.bot is not None else None} for chat in chats]

    async def on_messages(request: web.Request) -> object:
        return control.messages(Order.model_validate(_fields(request.query)))

    async def on_calls(request: web.Request) -> object:
        query = request.query
        calls = server.calls.of(
            query.get("method", ""), bot=query.get("bot", ""), after=int(query.get("after", 0))
        )
        return [entry.api() for entry in calls]

    async def on_events(request: web.Request) -> object:
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
        )
        subscription = server.subscribe()
        try:
            await response.prepare(request)
            await response.write(b": listening\n\n")
            async for event in subscription:
                await response.write(
                    f"data: {json.dumps(event_view(event), ensure_ascii=False)}\n\n".encode()
                )
        except ConnectionError:
            pass
        finally:
            subscription.close()
        return response

    return [
        web.get("/user/chats", guarded(on_chats)),
        web.get("/user/messages", guarded(on_messages)),
        web.get("/user/calls", guarded(on_calls)),
        web.get("/user/events", guarded(on_events)),
        web.post("/user/{action}", guarded(on_action)),
    ]


def _fields(query: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in query.items() if name != "secret"}
