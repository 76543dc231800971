"""A chat as a person sees it, told by the real notifier, outbox and store through the strict Bot API server."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from telegram import Bot

from samobot.config.settings import Settings
from samobot.errors import ConflictError, NotFoundError
from samobot.fleet.models import PastSession, SessionRef, SessionView
from samobot.fleet.results import DiffView, Document, FileView, LessonsView, UntrustedView
from samobot.review.facts import ReviewFacts
from samobot.sandbox.botapi.chat_messages import SandboxMessage
from samobot.sandbox.botapi.chats import SandboxChat
from samobot.sandbox.botapi.server import BotApiServer
from samobot.session.gate import Person
from samobot.telegram.notify.notifier import Notifier
from samobot.telegram.notify.recipients import Recipients
from samobot.telegram.outbound.outbox import Outbox
from samobot.telegram.outbound.rate_limit import RateLimits
from samobot.telegram.store.bot_store import Store

FAST = RateLimits(
    sends_per_second=1000.0,
    burst=1000,
    edits_per_second=1000.0,
    edit_burst=1000,
    group_per_minute=1000,
    overall_per_second=1000,
)


@dataclass
class FakeFleet:
    """Sessions that a test sets, and what was decided about them.

    Attributes:
        idle: Whether nothing happens in any session, so that one may become past.
        past: The past sessions by key.
    """

    views: dict[str, SessionView] = field(default_factory=dict)
    plan: str = "# Plan\n- [ ] a step"
    said_last: str = ""
    summary: Document | None = None
    reviewed: ReviewFacts | None = None
    shots: dict[str, bytes] = field(default_factory=dict)
    learned: LessonsView = field(default_factory=LessonsView)
    not_trusted: list[UntrustedView] | None = field(default_factory=list)
    decided: list[tuple[str, str]] = field(default_factory=list)
    refuse: bool = False
    archived: set[str] = field(default_factory=set)
    idle: bool = False
    past: dict[str, PastSession] = field(default_factory=dict)

    def put(self, view: SessionView) -> SessionView:
        self.views[view.ref.key] = view
        self.past.pop(view.ref.key, None)
        return view

    async def mark_past(self, keys: list[str]) -> list[PastSession]:
        if not self.idle:
            return []
        gone = {key: self.views.pop(key) for key in keys}
        marked = [PastSession(key, view.updated, view.state, 1) for key, view in gone.items()]
        self.past |= {each.key: each for each in marked}
        return marked

    async def view(self, ref: SessionRef) -> SessionView:
        if ref.key not in self.views:
            raise NotFoundError(f"There is no session {ref.name}.")
        return self.views[ref.key]

    async def is_archived(self, ref: SessionRef) -> bool:
        return ref.key in self.archived

    async def plan_text(self, ref: SessionRef) -> Document:
        return Document(name="plan.md", text=self.plan)

    async def summary_text(self, ref: SessionRef) -> Document | None:
        return self.summary

    async def lessons(self, ref: SessionRef) -> LessonsView:
        return self.learned

    async def untrusted(self, ref: SessionRef) -> list[UntrustedView]:
        if self.not_trusted is None:
            raise NotFoundError("It cannot be read.")
        return self.not_trusted

    async def pictures(self, ref: SessionRef) -> list[FileView]:
        return [FileView(name=name, size=len(data)) for name, data in self.shots.items()]

    async def file(self, ref: SessionRef, name: str) -> bytes:
        return self.shots[name]

    async def review(self, ref: SessionRef) -> ReviewFacts:
        if self.reviewed is None:
            raise NotFoundError("It is not part of this test.")
        return self.reviewed

    async def diff(self, ref: SessionRef) -> DiffView:
        raise NotFoundError("There is no repository.")

    async def ask_text(self, ref: SessionRef, ask: str) -> Document:
        raise NotFoundError("It asks for nothing.")

    async def last_message(self, ref: SessionRef) -> str:
        return self.said_last

    async def accept_suggestions(
        self, ref: SessionRef, by: Person, *, expected: Sequence[str] | None = None
    ) -> object:
        if self.refuse:
            raise ConflictError("It is running.")
        self.decided.append(("accept", ",".join(expected or ())))
        return None

    async def approve(self, ref: SessionRef, by: Person, *, expected: str | None = None) -> None:
        self.decided.append(("approve", expected or ""))


@dataclass
class Phone:
    """One person's chat with the bot, and the bot's notifier, which can be killed and started again."""

    server: BotApiServer
    chat: SandboxChat
    store: Store
    bot: Bot
    fleet: FakeFleet
    settings: Settings
    now: datetime

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """Start the bot's part anew: nothing is known but what the store holds."""
        self.outbox = Outbox(self.bot, self.store, limits=FAST, backoff=0.01)
        self.places = Recipients(self.store, self.settings)
        self.notifier = Notifier(self.fleet, self.store, self.outbox, self.places, lambda: self.now)

    @contextlib.asynccontextmanager
    async def delivering(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.outbox.run())
        await asyncio.sleep(0)
        try:
            yield
            assert await self.outbox.drain(20)
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def look(
        self, *views: SessionView, after: timedelta = timedelta(seconds=2)
    ) -> list[SandboxMessage]:
        """Poll with these sessions, after some time, and return what came into the chat by that."""
        self.now += after
        for view in views:
            self.fleet.put(view)
        seen = max((message.id for message in self.messages), default=0)
        async with self.delivering():
            await self.notifier.update(list(self.fleet.views.values()), list(self.fleet.past.values()))
        return [message for message in self.messages if message.id > seen]

    async def look_at(self, view: SessionView, by: Person | None = None) -> list[SandboxMessage]:
        """Look at one session after a decision, and return what came into the chat by that."""
        self.fleet.put(view)
        seen = max((message.id for message in self.messages), default=0)
        async with self.delivering():
            with self.notifier.deciding(view.ref, by) if by is not None else contextlib.nullcontext():
                await self.notifier.refresh(view.ref)
        return [message for message in self.messages if message.id > seen]

    @property
    def messages(self) -> list[SandboxMessage]:
        return self.chat.from_bot()

    def one(self, beginning: str) -> SandboxMessage:
        """The only message that begins so."""
        (found,) = [message for message in self.messages if message.text.startswith(beginning)]
        return found
