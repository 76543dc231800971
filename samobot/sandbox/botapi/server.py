"""The Bot API over real HTTP, on loopback: what a bot's library talks to instead of Telegram."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import TypeVar

from aiohttp import web

from samobot.sandbox.botapi import editing, profile, sending, topics
from samobot.sandbox.botapi.bots import Bot, ButtonPress, TapAnswer
from samobot.sandbox.botapi.calls import Arguments, Call, Calls
from samobot.sandbox.botapi.chats import ChatType, MemberStatus, SandboxChat
from samobot.sandbox.botapi.control import control_routes
from samobot.sandbox.botapi.failure import ApiFailure, SandboxError
from samobot.sandbox.botapi.fault_responses import (
    DOWNLOAD,
    cut,
    failure_response,
    json_failure,
    reset,
    response_of,
)
from samobot.sandbox.botapi.faults import Fault, FaultKind, Faults
from samobot.sandbox.botapi.feed import EventKind, Subscription
from samobot.sandbox.botapi.methods import Context, call, unknown_parameters
from samobot.sandbox.botapi.profile import result_json
from samobot.sandbox.botapi.user import UserClient
from samobot.sandbox.botapi.wire import MAX_BODY, read_arguments
from samobot.sandbox.botapi.world import TOKEN, World

_T = TypeVar("_T")
METHOD_MODULES = (editing, profile, sending, topics)
"""Importing them fills the table of methods."""


class BotApiServer:
    """A strict Bot API server with people in it, for as long as it is entered (`async with`).

    Bots call `{url}/bot<token>/<method>` and download from `{url}/file/bot<token>/<path>`; other processes play
    the people under `{url}/user/…` with `secret` (see `control`). Everything runs on the loop that entered it.

    Args:
        world: The state; a new, strict one by default.
        host: Address to listen on.
        port: 0 for a free one.
        secret: Guards `/user/`; by default a random one.

    `more_routes` takes what else is to be served on the same port, such as the web chat; to be filled before entering.
    """

    def __init__(
        self, world: World | None = None, *, host: str = "127.0.0.1", port: int = 0, secret: str | None = None
    ) -> None:
        self.world = world or World()
        self.calls = Calls()
        self.faults = Faults()
        self.secret = secret or secrets.token_urlsafe(24)
        self.more_routes: list[web.RouteDef] = []
        self._host = host
        self._port = port
        self._runner: web.AppRunner | None = None

    # Life.

    async def __aenter__(self) -> BotApiServer:
        app = web.Application(client_max_size=MAX_BODY)
        app.router.add_route("*", "/bot{token}/{method}", self._on_call)
        app.router.add_get("/file/bot{token}/{path:.+}", self._on_download)
        app.router.add_routes(control_routes(self))
        app.router.add_routes(self.more_routes)
        # A caller that goes away ends its long poll; what is still open at the end is cut at once.
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.05, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self._port, reuse_address=True).start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    @property
    def url(self) -> str:
        """The root, without a slash at the end: what `TELEGRAM_API_URL` takes."""
        if not self._port:
            raise SandboxError("The server has no address before it is entered.")
        return f"http://{self._host}:{self._port}"

    # Who there is.

    def add_bot(self, token: str, username: str = "samo_test_bot", *, privacy: bool = True) -> Bot:
        """Register a bot; calls with other tokens get 401."""
        return self.world.add_bot(token, username, privacy=privacy)

    def revoke(self, token: str) -> None:
        """Make a token invalid from now on."""
        self.world.bots.pop(token, None)

    def person(
        self, first_name: str = "Ann", user_id: int | None = None, username: str | None = None
    ) -> UserClient:
        """Somebody new."""
        return UserClient(self.world, self.world.add_user(first_name, user_id, username=username))

    def private_chat(
        self, person: UserClient, bot: Bot | None = None, *, started: bool = True
    ) -> SandboxChat:
        """The chat between a user and a bot; with `started` the user has pressed Start before."""
        return self.world.private_chat(person.user, bot, started=started)

    def group(
        self,
        title: str,
        members: Iterable[UserClient],
        *,
        bots: Iterable[Bot] | None = None,
        forum: bool = False,
        admin: bool = False,
        basic: bool = False,
    ) -> SandboxChat:
        """A group.

        Args:
            title: Its name.
            members: The first is its creator.
            bots: By default all.
            forum: Whether it has topics.
            admin: Whether the bots are admins.
            basic: A basic group instead of a supergroup.
        """
        people = [person.user for person in members]
        chat = self.world.shared_chat(
            title, people, ChatType.GROUP if basic else ChatType.SUPERGROUP, forum=forum
        )
        for bot in self.world.bots.values() if bots is None else bots:
            chat.members[bot.user.id] = MemberStatus.ADMINISTRATOR if admin else MemberStatus.MEMBER
        return chat

    def channel(
        self, title: str, owner: UserClient, *, bots: Iterable[Bot] = (), username: str | None = None
    ) -> SandboxChat:
        """A channel owned by a user; the bots are its admins."""
        chat = self.world.shared_chat(title, [owner.user], ChatType.CHANNEL, username=username)
        for bot in bots:
            chat.members[bot.user.id] = MemberStatus.ADMINISTRATOR
        return chat

    # Listening, waiting, trouble.

    def subscribe(self) -> Subscription:
        """Every change from now on."""
        return self.world.feed.subscribe()

    async def wait_until(self, look: Callable[[], _T | None], timeout: float = 10.0, what: str = "") -> _T:
        """Wait until something is true of the chats or calls; looked at after every change.

        Raises:
            SandboxTimeout: It did not come about; the sentence has the last calls.
        """
        return await self.world.feed.wait_for(look, timeout, lambda: self._unmet(timeout, what))

    async def answer_of(self, tap: ButtonPress, timeout: float = 10.0) -> TapAnswer:
        """Wait for the bot's answer to a tap."""
        return await self.wait_until(lambda: tap.answer, timeout, f"an answer to the tap on {tap.data!r}")

    def inject(
        self, update: str | dict[str, object], bot: Bot | None = None, number: int | None = None
    ) -> None:
        """Queue an update as it is: repeated, of an unknown kind, or malformed.

        Args:
            update: JSON text that goes out as it stands, or an object to be encoded.
            bot: Whose; may be left out if there is only one.
            number: The `update_id` that it counts as; by default its own, else the next.
        """
        if isinstance(update, dict):
            own = update.get("update_id")
            number = own if number is None and isinstance(own, int) else number
            update = json.dumps(update)
        (bot or self.world.only_bot()).queue.add_raw(update, number)

    def fault(
        self,
        kind: FaultKind,
        method: str = "*",
        count: int | None = 1,
        *,
        retry_after: int = 1,
        seconds: float = 0.0,
    ) -> Fault:
        """Let the next calls of a method fail; see `Fault` for more."""
        return self.faults.add(Fault(kind, method, count, retry_after, seconds))

    def _unmet(self, timeout: float, what: str) -> str:
        recent = [
            f"{one.method} {one.status or '…'} {one.error or ''}".strip() for one in self.calls.of()[-8:]
        ]
        return (
            f"Waited {timeout} s for {what or 'a condition'}; the last calls: {', '.join(recent) or 'none'}."
        )

    # The Bot API.

    async def _on_call(self, request: web.Request) -> web.StreamResponse:
        world = self.world
        bot = world.bots.get(request.match_info["token"])
        name = request.match_info["method"]
        at, started = world.wall(), world.monotonic()
        refused: ApiFailure | None = None
        arguments = Arguments()
        try:
            arguments = await read_arguments(request)
        except ApiFailure as error:
            refused = error
        entry = self.calls.add(bot.username if bot is not None else None, name, arguments, at, started)
        world.feed.publish(EventKind.CALL, method=name, number=entry.number, status=None)
        try:
            return await self._answer(request, bot, entry, refused)
        except asyncio.CancelledError:
            entry.error = "the caller went away"
            raise
        except (
            Exception
        ) as error:  # a bug of the sandbox: logged in the journal, returned by aiohttp as a 500
            entry.status, entry.error = 500, repr(error)
            raise
        finally:
            entry.ended = world.monotonic()
            world.feed.publish(EventKind.CALL, method=name, number=entry.number, status=entry.status)

    async def _answer(
        self, request: web.Request, bot: Bot | None, entry: Call, refused: ApiFailure | None
    ) -> web.StreamResponse:
        fault = self.faults.take(entry)
        entry.fault = fault.kind.value if fault is not None else None
        if fault is not None:
            failed = await response_of(request, entry, fault)
            if failed is not None:
                return failed
        try:
            if bot is None:
                raise _unknown_bot(request.match_info["token"])
            if refused is not None:
                raise refused
            entry.unknown = unknown_parameters(entry.method, entry.arguments)
            result = await call(Context(self.world, bot, entry.arguments), entry.method)
            entry.status, entry.result = 200, result
            response: web.StreamResponse = web.Response(
                text=result_json(result), content_type="application/json"
            )
        except ApiFailure as error:
            response = failure_response(entry, error)
        if fault is not None and fault.kind is FaultKind.SLOW:
            await asyncio.sleep(fault.seconds)
        if fault is not None and fault.kind is FaultKind.DROP_AFTER_DOING:
            return reset(request)
        return response

    async def _on_download(self, request: web.Request) -> web.StreamResponse:
        """A file's content; faults hit it under the method name `download`."""
        bot = self.world.bots.get(request.match_info["token"])
        if bot is None:
            return json_failure(_unknown_bot(request.match_info["token"]))
        wall, monotonic = self.world.wall(), self.world.monotonic()
        entry = self.calls.add(bot.username, DOWNLOAD, Arguments(), wall, monotonic)
        fault = self.faults.take(entry)
        if fault is not None:
            entry.fault = fault.kind.value
            failed = await response_of(request, entry, fault)
            if failed is not None:
                return failed
        file = self.world.files.by_path(request.match_info["path"])
        if file is None:
            return json_failure(ApiFailure(404, "Not Found"))
        if fault is not None and fault.kind is FaultKind.SLOW:
            await asyncio.sleep(fault.seconds)
        entry.status = 200
        if fault is not None and fault.kind is FaultKind.CUT:
            return await cut(request, file.data)
        return web.Response(body=file.data, content_type="application/octet-stream")


def _unknown_bot(token: str) -> ApiFailure:
    return ApiFailure(401, "Unauthorized") if TOKEN.fullmatch(token) else ApiFailure(404, "Not Found")
