"""A whole chat for end-to-end tests: the strict server, a person with a phone, and the real `samobot bot`."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

from samobot.sandbox.agent.scenario import Note, read_runs
from samobot.sandbox.botapi.chat_messages import SandboxMessage
from samobot.sandbox.botapi.chats import SandboxChat
from samobot.sandbox.botapi.server import BotApiServer
from samobot.sandbox.botapi.user import UserClient
from tests.support.forked_program import start_samobot
from tests.support.workshop import Workshop

TOKEN = "42:AAE-test-token-of-the-end-to-end-tests-0123"
WAIT = 90.0


class ChatRoom:
    """A workshop with a chat.

    Args:
        shop: The workshop.
        server: The Bot API server, entered.
        more: Further environment of the bot.
    """

    def __init__(self, shop: Workshop, server: BotApiServer, more: Mapping[str, str] | None = None) -> None:
        self.shop = shop
        self.server = server
        self.bot_account = server.add_bot(TOKEN, "samo_bot", privacy=False)
        self.ann = server.person("Ann", user_id=1234)
        self.chat = server.private_chat(self.ann, started=False)
        shop.environment |= {
            "TELEGRAM_BOT_TOKEN": TOKEN,
            "TELEGRAM_API_URL": server.url,
            "SAMOBOT_PROJECTS": str(shop.repo),
            "SAMOBOT_POLL_SECONDS": "0.2",
            **(more or {}),
        }
        self.bot: subprocess.Popen[str] | None = None
        self._starts = 0

    # The process.

    async def start(self, *arguments: str, reached: bool = True) -> None:
        """Start the bot, without file watching, and wait until it polls, if it can reach Telegram."""
        self._starts += 1
        before = self.server.calls.count
        with (self.shop.root / f"bot-{self._starts}.out").open("wb") as out:
            self.bot = await asyncio.to_thread(
                start_samobot, "bot", "--no-watch", *arguments,
                folder=self.shop.root, environment=self.shop.environment, stdout=out, stderr=out,
            )  # fmt: skip
        if reached:
            await self.server.wait_until(
                lambda: self.server.calls.of("getUpdates", after=before), WAIT, "the bot to poll"
            )

    async def end(self) -> int:
        """End the bot as systemd would; its exit code."""
        assert self.bot is not None
        self.bot.terminate()
        return await asyncio.to_thread(self.bot.wait, WAIT)

    async def kill(self) -> None:
        """End the bot in the hardest way."""
        assert self.bot is not None
        self.bot.kill()
        await asyncio.to_thread(self.bot.wait)

    def output(self) -> str:
        """All that the bots of this room have printed and logged."""
        files = [*self.shop.root.glob("bot-*.out"), *self.state.rglob("*.log*")]
        return "\n".join(file.read_text(errors="replace") for file in sorted(files))

    @property
    def state(self) -> Path:
        """The bot's state folder."""
        return self.shop.root / "state" / "samobot"

    # The person.

    async def see(
        self,
        *words: str,
        after: int = 0,
        chat: SandboxChat | None = None,
        fits: Callable[[SandboxMessage], bool] | None = None,
    ) -> SandboxMessage:
        """Wait until a message of the bot holds all these words."""
        return await (chat or self.chat).wait_for(
            lambda message: all(word in message.text for word in words) and (fits is None or fits(message)),
            WAIT,
            after=after,
        )

    def say(self, text: str, person: UserClient | None = None) -> int:
        """Say something; returns the message's number."""
        return (person or self.ann).say(text).id

    async def tap(self, message: SandboxMessage, button: str, person: UserClient | None = None) -> str:
        """Tap a button and wait for the answer at the top of the chat."""
        tap = (person or self.ann).tap(message, button)
        return (await self.server.answer_of(tap, WAIT)).text

    def runs(self) -> list[Note]:
        """What the scripted agent was given, run by run."""
        return read_runs(self.shop.root / "agent" / "scenario.json")

    def state_of(self, name: str) -> str:
        """The state that `samobot status` shows."""
        return str(self.shop.status(name)["state"])


@contextlib.asynccontextmanager
async def chat_room(
    shop: Workshop, *, paired: bool = True, more: Mapping[str, str] | None = None
) -> AsyncIterator[ChatRoom]:
    """Open a room, and leave nothing behind.

    Args:
        shop: The workshop.
        paired: Whether the owner's chat is configured.
        more: Further environment of the bot.
    """
    async with BotApiServer() as server:
        room = ChatRoom(shop, server, more)
        if paired:
            room.chat.started = True
            shop.environment["TELEGRAM_CHAT_ID"] = str(room.chat.id)
        try:
            yield room
        finally:
            if room.bot is not None:
                await room.kill()
            while left := [pid for pid, _ in shop.marked() if pid != os.getpid()]:
                for pid in left:  # what one of them was starting is found by the next look
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                await asyncio.sleep(0.01)
