"""A chat in the browser, beside the Bot API server on the same loopback port: one user, one bot.

Everything lies under `/chat/<secret>/`. The secret is random, so no other page and no other account of the machine can
guess the address; requests must name a loopback host (against DNS rebinding), changes must come from the page itself
(against other sites' forms), and the page may load nothing from anywhere else.

`GET events` first sends a snapshot, then every change: a page that was cut off connects again and is right again.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import asdict
from importlib import resources
from urllib.parse import quote

from aiohttp import web
from pydantic import ValidationError

from samobot.frozen import frozen
from samobot.sandbox.botapi.bots import Bot
from samobot.sandbox.botapi.chat_messages import SandboxMessage
from samobot.sandbox.botapi.chats import SandboxChat
from samobot.sandbox.botapi.control import Control, Order, message_view
from samobot.sandbox.botapi.failure import ApiFailure, SandboxError
from samobot.sandbox.botapi.feed import Event, EventKind
from samobot.sandbox.botapi.keyboards import MarkupKind
from samobot.sandbox.botapi.server import BotApiServer
from samobot.sandbox.botapi.user import UserClient
from samobot.sandbox.demo.guide import guide

_ASSETS = {
    "": ("index.html", "text/html"),
    "chat.css": ("chat.css", "text/css"),
    "chat.js": ("chat.js", "text/javascript"),
    "richtext.js": ("richtext.js", "text/javascript"),
}
_PICTURES = {
    b"\x89PNG": "image/png",
    b"GIF8": "image/gif",
    b"RIFF": "image/webp",
    b"\xff\xd8\xff": "image/jpeg",
}
_ACTIONS = frozenset(["say", "reply", "tap", "edit", "react", "delete", "send_file"])
_SHOWN = frozenset(
    kind for kind in EventKind if kind not in (EventKind.CALL, EventKind.MEMBER, EventKind.TAP)
)
_HEARTBEAT = 15.0
"""Seconds after which an idle stream sends a keep-alive."""

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


@frozen
class DemoNotice:
    """What the page shows about itself.

    Attributes:
        short_simulated: Short form of `simulated`.
        short_real: Short form of `real`.
        simulated: Which parts are simulated.
        real: What is.
        cost: What the user should know about money.
    """

    short_simulated: str
    short_real: str
    simulated: str
    real: str
    cost: str


class WebChat:
    """The chat of one user with one bot. Create it before the server is entered.

    Args:
        server: The Bot API server.
        person: Who sits before the page.
        bot: Whom they talk to.
        about: What the page shows about itself.
        guided: Whether it suggests what to do next.
    """

    def __init__(
        self, server: BotApiServer, person: UserClient, bot: Bot, about: DemoNotice, *, guided: bool = True
    ) -> None:
        self.server = server
        self._control = Control(server)
        self.person = person
        self._bot = bot
        self.about = about
        self._guided = guided
        self._notice = ""
        self._noticed = asyncio.Event()
        self._secret = secrets.token_urlsafe(24)
        self._assets = {
            name: ((resources.files(__package__) / "web" / file).read_bytes(), kind)
            for name, (file, kind) in _ASSETS.items()
        }
        server.more_routes += self._routes()

    @property
    def url(self) -> str:
        """The page's address; whoever knows it can use the chat."""
        return f"{self.server.url}/chat/{self._secret}/"

    @property
    def chat(self) -> SandboxChat:
        """The chat that the page shows."""
        return self.server.private_chat(self.person, self._bot)

    def announce(self, text: str) -> None:
        """Show a notice at the top of every open page: that something of the demo has ended, for example."""
        self._notice = text
        self._noticed.set()
        self._noticed = asyncio.Event()

    # Events for the page.

    def snapshot(self) -> dict[str, object]:
        """Everything that the page shows."""
        chat = self.chat
        user = self._bot.user
        name = self._bot.texts.get(("name", ""), "") or user.first_name
        return {
            "kind": "snapshot",
            "me": self.person.id,
            "bot": {"id": user.id, "name": name, "username": user.username},
            "about": asdict(self.about),
            "notice": self._notice,
            "commands": self._commands(),
            "messages": [self._view(message) for message in chat.messages],
            "pinned": chat.pinned[-1] if chat.pinned else None,
            "guide": self._hint(),
        }

    def _changes(self, event: Event) -> list[dict[str, object]]:
        chat = self.chat
        if event.kind is EventKind.COMMANDS:
            return [{"kind": "commands", "commands": self._commands()}]
        if event.chat is not chat or event.kind not in _SHOWN:
            return []
        message = self._view(event.message) if event.message is not None else None
        change: dict[str, object] = {
            "kind": event.kind.value,
            "message": message,
            "detail": dict(event.detail),
        }
        if event.kind is EventKind.PINNED:
            change["pinned"] = chat.pinned[-1] if chat.pinned else None
        return [change]

    def _view(self, message: SandboxMessage) -> dict[str, object]:
        """A message, with what Telegram's apps get and bots do not."""
        view = message_view(message)
        markup = message.markup
        if markup is not None and markup.kind is MarkupKind.FORCE_REPLY:
            view["placeholder"] = markup.placeholder
        return view

    def _hint(self) -> dict[str, object] | None:
        return guide(self.chat.messages, self.person.id).view() if self._guided else None

    def _commands(self) -> list[dict[str, str]]:
        """The menu that the user's app would show: the narrowest scope that has one."""
        mine = self.person.id
        language = self.person.user.language_code or ""
        for scope, chat_id in (("chat", mine), ("all_private_chats", 0), ("default", 0)):
            for code in (language, ""):
                found = self._bot.commands.get((scope, chat_id, 0, code))
                if found:
                    return found
        return []

    async def _stream(self) -> AsyncGenerator[dict[str, object] | None, None]:
        """A snapshot, then every change; None if nothing happened for a while."""
        subscription = self.server.subscribe()
        try:
            notice, hint = self._notice, self._hint()
            yield self.snapshot()
            upcoming = asyncio.ensure_future(anext(subscription))
            try:
                while True:
                    noticed = asyncio.ensure_future(self._noticed.wait())
                    await asyncio.wait(
                        {upcoming, noticed}, timeout=_HEARTBEAT, return_when=asyncio.FIRST_COMPLETED
                    )
                    noticed.cancel()
                    if self._notice != notice:
                        notice = self._notice
                        yield {"kind": "notice", "text": notice}
                    if not upcoming.done():
                        yield None
                        continue
                    event = upcoming.result()
                    upcoming = asyncio.ensure_future(anext(subscription))
                    for change in self._changes(event):
                        yield change
                    if (now := self._hint()) != hint:
                        hint = now
                        yield {"kind": "guide", "guide": hint}
            finally:
                upcoming.cancel()
        finally:
            subscription.close()

    # HTTP.

    def _routes(self) -> list[web.RouteDef]:
        root = "/chat/{secret}/"
        return [
            web.get(root + "events", self._guarded(self._on_events)),
            web.get(root + "file/{id}", self._guarded(self._on_file)),
            web.get(root + "{asset:[a-z.]*}", self._guarded(self._on_asset)),
            web.post(root + "{action}", self._guarded(self._on_action)),
        ]

    def _guarded(
        self, answer: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            if not self._is_allowed(request):
                return web.Response(status=404, text="Not found", headers=_HEADERS)
            return await answer(request)

        return handle

    def _is_allowed(self, request: web.Request) -> bool:
        """Whether a request names a loopback host and knows the secret, and comes from the page if it changes things."""
        port = self.server.url.rpartition(":")[2]
        hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
        origin = request.headers.get("Origin")
        known = hmac.compare_digest(request.match_info["secret"].encode(), self._secret.encode())
        own = origin == f"http://{request.host}" if origin is not None else request.method == "GET"
        return known and own and request.host in hosts

    async def _on_asset(self, request: web.Request) -> web.StreamResponse:
        asset = self._assets.get(request.match_info["asset"])
        if asset is None:
            return web.Response(status=404, text="Not found", headers=_HEADERS)
        body, kind = asset
        return web.Response(body=body, content_type=kind, charset="utf-8", headers=_HEADERS)

    async def _on_file(self, request: web.Request) -> web.StreamResponse:
        """A picture is shown, everything else is only ever downloaded: what an agent wrote never runs here."""
        try:
            file = self.server.world.files.by_id(request.match_info["id"])
        except ApiFailure:
            return web.Response(status=404, text="Not found", headers=_HEADERS)
        kind = next((kind for magic, kind in _PICTURES.items() if file.data.startswith(magic)), "")
        shown = file.sides is not None and bool(kind)
        headers = _HEADERS | {
            "Content-Disposition": "inline"
            if shown
            else f"attachment; filename*=UTF-8''{quote(file.name, safe='')}",
            "Content-Security-Policy": "default-src 'none'; sandbox",
        }
        return web.Response(
            body=file.data, content_type=kind if shown else "application/octet-stream", headers=headers
        )

    async def _on_action(self, request: web.Request) -> web.StreamResponse:
        action = request.match_info["action"]
        if action not in _ACTIONS or request.content_type != "application/json":
            return web.json_response(
                {"ok": False, "description": "unknown action"}, status=400, headers=_HEADERS
            )
        try:
            order = Order.model_validate_json(await request.read() or b"{}")
            chat = self.chat
            order = order.model_copy(
                update={"user": self.person.id, "chat": chat.id, "bot": self._bot.username}
            )
            result = await self._control.act(action, order)
        except (SandboxError, ValidationError, ValueError) as error:
            return web.json_response({"ok": False, "description": str(error)}, status=400, headers=_HEADERS)
        return web.json_response({"ok": True, "result": result}, headers=_HEADERS)

    async def _on_events(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers=_HEADERS | {"Content-Type": "text/event-stream"})
        stream = self._stream()
        try:
            await response.prepare(request)
            await response.write(b"retry: 1000\n\n")
            async for change in stream:
                line = ": alive" if change is None else f"data: {json.dumps(change, ensure_ascii=False)}"
                await response.write(f"{line}\n\n".encode("utf-8", "replace"))
        except ConnectionError:
            pass
        finally:
            await stream.aclose()
        return response
