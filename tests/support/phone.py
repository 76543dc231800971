"""A context with a phone before it: the bot's handlers, real sessions on disk, and no network."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from telegram import Bot, Update

from samobot.config.settings import Settings
from samobot.errors import UsageError
from samobot.fleet.desired_runs import DesiredRuns
from samobot.fleet.fleet import Fleet
from samobot.fleet.launch import RunRequest
from samobot.fleet.local_fleet import LocalFleet
from samobot.fleet.schedules import Schedules
from samobot.fleet.triggers import Triggers
from samobot.system.transcription import Transcriber
from samobot.telegram.handlers import callbacks
from samobot.telegram.handlers.context import HandlerContext
from samobot.telegram.inbound.dispatch import UpdateDispatcher
from samobot.telegram.markup.html import to_plain
from samobot.telegram.notify.forum_topics import Topics
from samobot.telegram.notify.notifier import Notifier
from samobot.telegram.notify.recipients import Recipients
from samobot.telegram.outbound.bot_client import build_bot
from samobot.telegram.outbound.downloads import FileDownloads
from samobot.telegram.outbound.outbox import Outbox
from samobot.telegram.store.bot_store import Store
from samobot.telegram.store.outbox_rows import Op, OutboxRow
from samobot.telegram.store.sent import SentMessage
from samobot.telegram.views.buttons import MessageView

ANN = {"id": 11, "is_bot": False, "first_name": "Ann"}
NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
CHAT = 11

OVERVIEW = """# Session: {name}
Started: 2026-01-31 11:00
Working Dir: {root}/repo

## Status
Phase: {phase}
Iteration: 2
Total Iterations: 3
Blocked: {blocked}
Last Action: did it
Next: more
"""

QA = """### Q1: Which colour?
A) red
B) blue
**Suggestion:** A - warm
**Answer:** _waiting_

### Q2: How many?
**Answer:** _waiting_
"""

PLAN = "# Greeting\n\n## Phase 1: Script\n- [ ] write it\n- [ ] try it\n"


WORKER = ["/bin/sh", "-c", f"echo 'samobot: Claude is not here.'; exit {UsageError.exit_code}"]
"""What takes the place of `samobot run`, which would take half a second to come to the same end."""


@dataclass
class Phone:
    """A context with a phone before it: says and taps without a network, and reads what is queued.

    A worker that is started ends at once, as one without a Claude CLI does: see `WORKER`.
    """

    root: Path
    store: Store
    context: HandlerContext
    front: UpdateDispatcher
    bot: Bot
    seen: set[int] = field(default_factory=set)
    number: int = 0
    now: datetime = NOW
    last_update: Update | None = None
    toasts: list[tuple[str, bool]] = field(default_factory=list)

    @property
    def desired_runs(self) -> DesiredRuns:
        """What should be running."""
        assert isinstance(self.context.fleet, LocalFleet)
        return self.context.fleet.desired_runs

    async def say(
        self,
        text: str,
        *,
        reply_to: int | None = None,
        reply_text: str = "",
        user: dict[str, Any] = ANN,
        minutes_ago: int = 0,
        group: int | None = None,
    ) -> list[str]:
        """Say something, here or in a group, also in reply to a text of the bot; returns what is said to it, as plain text."""
        chat = {"id": group, "type": "group", "title": "Team"} if group else {"id": CHAT, "type": "private"}
        self.number += 1
        message: dict[str, Any] = {
            "message_id": 1000 + self.number,
            "date": int(NOW.timestamp()) - 60 * minutes_ago,
            "chat": chat,
            "from": user,
            "text": text,
        }
        if reply_to is not None:
            message["reply_to_message"] = {
                "message_id": reply_to, "date": 0, "chat": chat, "text": reply_text,
                "from": {"id": 42, "is_bot": True, "first_name": "samobot", "username": "samo_bot"},
            }  # fmt: skip
        await self._update({"message": message})
        return [to_plain(row.post.text) for row in self.new(group or CHAT) if row.op is Op.SEND]

    async def tap(self, row: OutboxRow, label: str, user: dict[str, Any] = ANN) -> str:
        """Tap a button of a queued message; returns the answer at the top of the chat."""
        keys = [key for keys in (row.post.markup or {})["inline_keyboard"] for key in keys]
        data = next(key["callback_data"] for key in keys if key["text"].startswith(label))
        self.number += 1
        query = {
            "id": str(self.number), "from": user, "chat_instance": "1", "data": data,
            "message": {
                "message_id": 5, "date": 1, "chat": {"id": CHAT, "type": "private"},
                "text": to_plain(row.post.text), "reply_markup": row.post.markup,
            },
        }  # fmt: skip
        await self._update({"callback_query": query})
        return self.toasts[-1][0] if self.toasts else ""

    def new(self, chat: int = CHAT) -> list[OutboxRow]:
        """What has been queued since the last look."""
        rows = [row for row in self.store.outbox.waiting(chat) if row.id not in self.seen]
        self.seen |= {row.id for row in rows}
        return rows

    def last(self, words: str) -> OutboxRow:
        """The newest queued message with these words."""
        return next(
            row for row in reversed(list(self.store.outbox.waiting(CHAT))) if words in to_plain(row.post.text)
        )

    def precedes_alert(self, words: str) -> bool:
        """Whether a queued message with these words is sent before an alert that is queued now, at any pace."""
        self.context.publisher.alert(self.context.places.at(CHAT, None), "alert", MessageView("An alert"))
        waiting = [to_plain(row.post.text) for row in self.store.outbox.waiting(CHAT)]
        place = next(number for number, text in enumerate(waiting) if words in text)
        return place < waiting.index("An alert")

    def deliver(self, row: OutboxRow, message_id: int) -> None:
        """Let a queued message be in the chat."""
        self.store.sent.put(SentMessage(CHAT, message_id, row.key, row.about, None, "", 0.0))
        self.store.outbox.done(row)

    def session(
        self,
        name: str,
        *,
        phase: str = "implementation",
        project: str = "repo",
        blocked: str = "no",
        **files: str,
    ) -> Path:
        """Put a session's folder there."""
        folder = self.root / f"sessions-{project}" / f"26-01-31-{name}"
        folder.mkdir(parents=True)
        (folder / "_overview.md").write_text(
            OVERVIEW.format(name=name, phase=phase, blocked=blocked, root=self.root)
        )
        for file, text in files.items():
            (
                folder
                / {"qa": "_qa.md", "signal": "_signal.json", "plan": "01-31-11:30-plan-greeting.md"}[file]
            ).write_text(text)
        return folder

    def asking(self, name: str = "demo", project: str = "repo") -> Path:
        """Put a session there that waits for two answers."""
        return self.session(
            name, phase="requirements", project=project, blocked="waiting_human", qa=QA,
            signal='{"status": "waiting", "for": "qa_answers", "summary": "Asked"}',
        )  # fmt: skip

    def planned(self, name: str = "demo") -> Path:
        """Put a session there that waits for the approval of its plan."""
        return self.session(
            name, phase="planning", blocked="waiting_human", plan=PLAN,
            signal='{"status": "waiting", "for": "plan_approval", "summary": "Planned"}',
        )  # fmt: skip

    async def repeat(self) -> None:
        """Handle the last update once more, as after a crash before it was recorded as done."""
        assert self.last_update is not None
        await self.front.on_update(self.last_update)

    async def _update(self, content: dict[str, Any]) -> None:
        self.now += timedelta(seconds=1)
        self.last_update = Update.de_json({"update_id": self.number, **content}, self.bot)
        assert self.last_update is not None
        await self.front.on_update(self.last_update)


async def open_phone(
    root: Path,
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    projects: Sequence[str] = ("repo", "shop"),
    with_hosts: Callable[[Fleet], Fleet] = lambda local: local,
) -> AsyncIterator[Phone]:
    """Put a context there with two projects, `repo` and `shop`, or others, and other machines."""
    configs = []
    for project in projects:
        (root / project).mkdir(exist_ok=True)
        config = root / project / ".samocode"
        config.write_text(f"MAIN_REPO=.\nWORKTREES=../worktrees\nSESSIONS=../sessions-{project}\n")
        configs.append(config)
    settings = Settings(
        samobot_projects=tuple(configs), samobot_state_dir=root / "state", telegram_chat_id=CHAT,
        claude_path="/nowhere/claude",
    )  # fmt: skip
    bot = build_bot("42:token-for-tests", "https://api.telegram.org")
    outbox = Outbox(bot, store)
    fleet = with_hosts(LocalFleet(settings, environ={"PATH": "/usr/bin:/bin"}, now=lambda: made.now))
    places = Recipients(store, settings)
    notifier = Notifier(fleet, store, outbox, places, lambda: made.now)
    context = HandlerContext(
        fleet,
        store,
        outbox,
        notifier,
        places,
        lambda: made.now,
        FileDownloads(bot, first_backoff=0.01),
        Transcriber(),
        Topics(bot, store, outbox, fleet, enabled=True),
        Schedules(root / "state", lambda: made.now),
        Triggers(root / "state", lambda: made.now),
    )
    made = Phone(root, store, context, UpdateDispatcher(context, lambda: "samo_bot"), bot)
    answered: set[str] = set()

    def answer(
        query: str, text: str = "", *, alert: bool = False, missed: Callable[[], None] | None = None
    ) -> None:
        assert query not in answered, "Telegram takes one answer to a tap"
        answered.add(query)
        made.toasts.append((text, alert))

    monkeypatch.setattr(outbox, "answer", answer)
    monkeypatch.setattr(RunRequest, "argv", lambda self: WORKER)
    # However slow the machine: what a tap came to is its answer.
    monkeypatch.setattr(callbacks, "ANSWER_SECONDS", 600.0)
    yield made
    await context.background.finish(5)
