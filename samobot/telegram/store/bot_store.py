"""The bot's own state: one object that holds every table of its database."""

from __future__ import annotations

import time
from pathlib import Path

from samobot.telegram.store.bot_account import BotAccounts
from samobot.telegram.store.callback_data import CallbackIds
from samobot.telegram.store.chat_settings import ChatMigrations, ChatSettingsTable
from samobot.telegram.store.database import Clock, Database
from samobot.telegram.store.notified import (
    LastPoll,
    LimitNoticeTable,
    NotifiedStates,
    RestartNotices,
    ShownPlans,
)
from samobot.telegram.store.outbox_queue import OutboxQueue
from samobot.telegram.store.pairing import LastPairing, PairedPeople, Pairing
from samobot.telegram.store.past_rows import PastRows
from samobot.telegram.store.pending_work import BackgroundTasks, OpenPrompts, PhaseLimits
from samobot.telegram.store.sent import SentMessages
from samobot.telegram.store.session_chats import ChatProjects, SessionChats, SessionTopics
from samobot.telegram.store.update_journal import ActedMessages, UpdateJournal
from samobot.telegram.store.watched_pull_requests import WatchedPullRequests
from samobot.telegram.store.webhook_deliveries import WebhookDeliveries

DATABASE_NAME = "bot.db"


class Store:
    """Everything the bot remembers, in `bot.db` of the state folder.

    Calls are short and synchronous; make them on the event loop's thread. Several that belong together go into
    one `transaction`.

    Args:
        state_dir: The folder; made with mode 0700 where missing.
        clock: The time in epoch seconds.

    Raises:
        StorageError: The folder or the file cannot be used.
        UsageError: The file was written by a newer samobot.

    Attributes:
        state_dir: The folder.
        clock: The time in epoch seconds.
        transaction: Makes several calls happen together or not at all, see `Database.transaction`.
        updates: The journal of updates.
        outbox: Rows of messages not yet delivered; use `samobot.telegram.outbound.outbox.Outbox`, which sends them.
        sent: Our messages in chats.
        webhook_deliveries: Deliveries of a forge that were taken.
        acted: Messages of users that were acted on.
        notified: What the chats were last notified of, by session.
        past: The idle sessions of which only a line is kept.
        plans: The plan that was shown last, by session.
        restarts: The messages that count restarts.
        limits: The open messages about usage limits.
        last_poll: When all sessions were last compared.
        callbacks: What buttons mean.
        chats: Preferences of chats.
        people: Who was admitted by a code.
        pairing: The open code.
        last_pairing: The message whose code admitted a user last.
        migrations: Groups that became supergroups.
        session_chats: Which chat a session was started in.
        session_topics: The forum topic that a session has to itself.
        chat_projects: The project that was used last in a chat.
        prompts: Texts that users were asked for.
        tasks: Background work to be restarted after a crash.
        phase_limits: Phases after which sessions pause.
        accounts: The bot as Telegram knows it.
        pull_requests: The pull requests that are watched.
    """

    def __init__(self, state_dir: Path, clock: Clock = time.time) -> None:
        self.state_dir = state_dir
        self.clock = clock
        self._database = Database(state_dir / DATABASE_NAME, clock)
        self.transaction = self._database.transaction
        self.updates = UpdateJournal(self._database)
        self.outbox = OutboxQueue(self._database, state_dir / "outbox")
        self.sent = SentMessages(self._database)
        self.acted = ActedMessages(self._database)
        self.webhook_deliveries = WebhookDeliveries(self._database)
        self.notified = NotifiedStates(self._database)
        self.past = PastRows(self._database)
        self.plans = ShownPlans(self._database)
        self.restarts = RestartNotices(self._database)
        self.limits = LimitNoticeTable(self._database)
        self.last_poll = LastPoll(self._database)
        self.callbacks = CallbackIds(self._database)
        self.chats = ChatSettingsTable(self._database)
        self.people = PairedPeople(self._database)
        self.pairing = Pairing(self._database)
        self.last_pairing = LastPairing(self._database)
        self.migrations = ChatMigrations(self._database)
        self.session_chats = SessionChats(self._database)
        self.session_topics = SessionTopics(self._database)
        self.chat_projects = ChatProjects(self._database)
        self.prompts = OpenPrompts(self._database)
        self.tasks = BackgroundTasks(self._database)
        self.phase_limits = PhaseLimits(self._database)
        self.accounts = BotAccounts(self._database)
        self.pull_requests = WatchedPullRequests(self._database)

    def legacy_runs(self) -> list[tuple[str, str]]:
        """Sessions, and the flags of their runs as JSON, that an earlier version kept here; see `forget_legacy_runs`."""
        rows = self._database.rows("SELECT session, options FROM wanted ORDER BY place, since")
        return [(row["session"], row["options"]) for row in rows]

    def forget_legacy_runs(self) -> None:
        """Remove what `legacy_runs` returns, once the fleet keeps it."""
        self._database.execute("DELETE FROM wanted", durable=True)

    def move_chat(self, old: int, new: int) -> None:
        """Keep what belongs to a group under its number as a supergroup.

        Raises:
            StorageError: The disk refused.
        """
        with self.transaction(durable=True):
            self.outbox.move_chat(old, new)
            self.sent.move_chat(old, new)
            self.chats.move(old, new)
            self.people.move_group(old, new)
            self.migrations.add(old, new)

    def prune(self) -> None:
        """Forget what is long over; a few milliseconds, meant for once an hour."""
        self.updates.prune()
        self.callbacks.prune()
        self.sent.prune()
        self.acted.prune()
        self.webhook_deliveries.prune()
        self.outbox.prune()

    def close(self) -> None:
        """Close the database; nothing of this object works afterwards."""
        self._database.close()
