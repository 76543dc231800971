"""A bot that dies at any change of the disk while it carries out a command: done once, one receipt, nothing lost.

Telegram hands an update over until it is acknowledged. Each crash is followed by a second life of the bot on what the
first one left on disk. Messages stay in the outbox, whose rows are what the chat gets; its own crashes are in
`test_outbox`.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from samobot.fleet.launch import RunRequest
from samobot.fleet.models import SessionView
from samobot.session import journal
from samobot.session.decisions import DecisionKind
from samobot.session.decisions import read as read_decisions
from samobot.session.folder import SessionFolder
from samobot.session.guidance import parse_guidance
from samobot.session.lock import RunLock
from samobot.session.lock_holder import Holder
from samobot.session.requests import RequestKind, take_kind
from samobot.session.status import SessionState
from samobot.session.vault import folder_key, use_state_dir, vault_of
from samobot.system.processes import Swept
from samobot.telegram.inbound import polling
from samobot.telegram.inbound.polling import Poller
from samobot.telegram.markup.html import to_plain
from samobot.telegram.store.bot_store import Store
from samobot.telegram.store.outbox_rows import Op, OutboxRow
from tests.support.crashing import CrashError, DyingDisk
from tests.support.phone import ANN, CHAT, NOW, Phone, open_phone
from tests.support.waiting import until

pytestmark = pytest.mark.filterwarnings(
    "ignore:coroutine .* was never awaited"
)  # the bot died before it could

WAIT = 60.0
QUESTION = "### Q1: Which colour?\nA) red\nB) blue\n**Suggestion:** A - warm\n**Answer:** _waiting_\n"
UPDATE, MESSAGE = 4711, 1001

telephone = contextlib.asynccontextmanager(open_phone)


class Telegram:
    """Hands one message over until it is acknowledged."""

    def __init__(self, text: str) -> None:
        message = {
            "message_id": MESSAGE, "date": int(NOW.timestamp()), "chat": {"id": CHAT, "type": "private"},
            "from": ANN, "text": text,
        }  # fmt: skip
        self._updates = [{"update_id": UPDATE, "message": message}]
        self.acknowledged = asyncio.Event()

    async def do_api_request(
        self, name: str, api_kwargs: dict[str, Any], **_: object
    ) -> list[dict[str, Any]]:
        """Answer getUpdates."""
        self._updates = [each for each in self._updates if api_kwargs.get("offset", 0) <= UPDATE]
        if not self._updates:
            self.acknowledged.set()
            await asyncio.Event().wait()
        return self._updates


@dataclass
class Left:
    """What there is in the end.

    Attributes:
        view: The session.
        folder: Its files.
        rows: What the chat gets.
        starts: How many workers were started.
        interruptions: How often the worker interrupted the agent; it looks after each life.
    """

    view: SessionView
    folder: SessionFolder
    rows: list[OutboxRow]
    starts: int
    interruptions: int = 0

    def texts(self, beginning: str) -> list[OutboxRow]:
        """The messages that begin so, new or edited."""
        return [
            row
            for row in self.rows
            if row.op is not Op.SHOW and to_plain(row.post.text).startswith(beginning)
        ]

    def check_reaction(self, emoji: str) -> None:
        """There is one receipt, and no message in reply."""
        (receipt,) = [row for row in self.rows if row.op is Op.REACT]
        assert emoji in str(receipt.post)
        assert not [row for row in self.rows if row.key.startswith("reply:")]

    def check_decided(self, kind: DecisionKind) -> None:
        """One decision is recorded, and journaled once; it is acted on, and one worker was started."""
        (decision,) = read_decisions(self.folder).decisions
        assert (decision.kind, decision.who) == (kind, "Ann")
        assert journal.read(self.folder).decision_ids == {decision.id}
        # A line that was cut short has no end; one that is missing in the session's copy is not written later.
        records, copy = (
            [
                line
                for line in each.read_text().splitlines()
                if f'"{decision.id}"' in line and line.endswith("}")
            ]
            for each in (self.folder.vault.journal, self.folder.journal)
        )
        assert len(records) == 1
        assert len(copy) <= 1
        assert self.folder.overview.read_text().count("Blocked: no") == 1
        assert self.starts == 1


class Bot:
    """A bot on one folder, life after life.

    Args:
        root: The folder.
        disk: Lets it die.
        patch: Undoes it.
    """

    def __init__(self, root: Path, disk: DyingDisk, patch: pytest.MonkeyPatch) -> None:
        self.root = root
        self._disk = disk
        self._patch = patch
        self._workers: list[RunLock] = []
        root.mkdir()
        use_state_dir(root / "state")
        start = "samobot.fleet.worker_processes.WorkerProcesses.start"
        patch.setattr(start, lambda _, key, request, folder: self._start_worker(request, folder))
        patch.setattr("samobot.worker.halt.end_leftovers", lambda _: Swept())  # there are none
        patch.setattr(polling, "_REPLY_FIRST_SECONDS", 0)

    def move(self, to: Path, *, copy: bool) -> None:
        """Take all files to another folder, with the session's records, whose place follows from its path."""
        before = folder_key(self._folder.path)
        if copy:
            shutil.copytree(self.root, to)
        else:
            self.root.rename(to)
        self.root = to
        use_state_dir(to / "state")
        records = vault_of(self._folder.path).path
        if (old := records.with_name(before)).exists():
            old.rename(records)

    async def put(self, session: Callable[[Phone], Path]) -> None:
        """Put a session there that the chat knows of."""
        async with self._alive() as phone:
            session(phone)
            await _look(phone)
            for number, row in enumerate(phone.store.outbox.waiting(CHAT), start=900):
                phone.deliver(row, number)

    async def die(self, telegram: Telegram, at: int) -> bool:
        """Listen, and die at one of the changes; whether it came that far."""
        loop, dead = asyncio.get_running_loop(), asyncio.Event()
        loop.set_exception_handler(
            lambda *_: None
        )  # nobody asks what the tasks of a dead process have raised
        begin = lambda: self._disk.begin(at, lambda: loop.call_soon_threadsafe(dead.set))  # noqa: E731
        life, death = asyncio.create_task(self.live(telegram, begin)), asyncio.create_task(dead.wait())
        await asyncio.wait({life, death}, return_when=asyncio.FIRST_COMPLETED)
        death.cancel()
        life.cancel()
        with contextlib.suppress(asyncio.CancelledError, CrashError):
            await life
        return self._disk.end()

    async def live(self, telegram: Telegram, begin: Callable[[], object] = bool) -> Left:
        """Start, take what Telegram hands over, and look, until nothing is left to do."""
        problems: list[object] = []
        async with self._alive() as phone:
            updates = phone.store.updates
            poller = Poller(telegram, updates, phone.front.on_update, on_problem=problems.append)  # type: ignore[arg-type]
            await poller.catch_up()
            await _look(phone)
            await phone.front.resume_unfinished()
            begin()
            polls = asyncio.create_task(poller.run())
            heard = asyncio.create_task(telegram.acknowledged.wait())
            try:
                await asyncio.wait({polls, heard}, return_when=asyncio.FIRST_COMPLETED, timeout=WAIT)
                await poller.wait_until_handled(WAIT)
                await phone.front.finish()
                await phone.context.background.finish(WAIT)
                await _look(phone)
                (view,) = await phone.context.fleet.sessions()
            finally:
                polls.cancel()
                heard.cancel()
                await asyncio.wait({polls, heard})
            assert not problems
            assert not updates.unfinished()
            return Left(view, self._folder, list(phone.store.outbox.waiting(CHAT)), len(self._workers))

    def take_interruption(self) -> int:
        """Be the worker, which interrupts the agent once there is guidance for that."""
        guidance = self._folder.guidance
        if not guidance.exists() or not guidance.read_text():
            return 0
        return int(take_kind(self._folder, RequestKind.INTERRUPT) is not None)

    @property
    def _folder(self) -> SessionFolder:
        (path,) = (self.root / "sessions-repo").iterdir()
        return SessionFolder(path)

    def end_workers(self) -> None:
        """Workers outlive the bot; end them."""
        while self._workers:
            self._workers.pop().release()

    @contextlib.asynccontextmanager
    async def _alive(self) -> AsyncIterator[Phone]:
        store = Store(self.root / "state", NOW.timestamp)
        try:
            async with telephone(self.root, store, self._patch, ("repo",)) as phone:
                try:
                    yield phone
                finally:
                    await phone.context.fleet.close()
        finally:
            store.close()

    async def _start_worker(self, request: RunRequest, folder: SessionFolder) -> int:
        with self._disk.of_another_process():
            self._workers.append(RunLock.acquire(folder, NOW))
        return 1


async def _look(phone: Phone) -> None:
    for _ in range(2):  # what the first look starts is seen by the second
        found = await phone.context.fleet.poll()
        phone.context.notifier.notify_fleet_news(found.events)
        await phone.context.fleet.wait_for_starts()
        await phone.context.notifier.update(found.sessions, found.past)


def _put_asking(phone: Phone) -> Path:
    return phone.session(
        "demo", phase="requirements", blocked="waiting_human", qa=QUESTION,
        signal='{"status": "waiting", "for": "qa_answers", "summary": "Asked"}',
    )  # fmt: skip


def _check_answered(left: Left) -> None:
    left.check_decided(DecisionKind.ANSWER)
    left.check_reaction("👍")
    assert left.folder.qa.read_text().count("**Answer:** A) red") == 1
    assert left.folder.overview.read_text().count("1 question answered") == 1
    assert len(left.texts("✅ demo has its answers")) == len(left.texts("✅ demo · question 1")) == 1


def _check_approved(left: Left) -> None:
    left.check_decided(DecisionKind.APPROVAL)
    left.check_reaction("👍")
    assert left.folder.overview.read_text().count("approved the plan") == 1
    assert len(left.texts("✅ demo · plan")) == 1


def _check_guided(left: Left) -> None:
    left.check_reaction("👍")
    assert [item.text for item in parse_guidance(left.folder.guidance.read_text())] == ["be brief"]
    assert left.starts == 0


def _check_interrupted(left: Left) -> None:
    _check_guided(left)
    assert left.interruptions == 1


def _check_stopped(left: Left) -> None:
    assert left.view.state is SessionState.STOPPED
    assert len(left.texts("⏹ demo is stopped")) == 1
    assert left.starts == 0


@dataclass(frozen=True)
class Case:
    """What is typed, about which session, whether it runs, and what has to be true after it, wherever the bot dies."""

    says: str
    session: Callable[[Phone], Path]
    check: Callable[[Left], None]
    reaches: set[str] = field(default_factory=lambda: {"COMMIT", "write", "rest of a line", "replace"})
    runs: bool = False


CASES = (
    Case("/answer demo Q1 A", _put_asking, _check_answered),
    Case("/approve demo", Phone.planned, _check_approved),
    Case("/tell demo be brief", lambda phone: phone.session("demo"), _check_guided),
    Case("/tell! demo be brief", lambda phone: phone.session("demo"), _check_interrupted, runs=True),
    Case("/stop demo", _put_asking, _check_stopped),
)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.says.split()[0][1:])
def test_command_survives_a_crash_at_any_change_of_the_disk(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads_before = set(threading.enumerate())  # other tests may have left some
    if case.runs:
        monkeypatch.setattr("samobot.session.user_guidance.holder", lambda _: Holder())
    disk = DyingDisk(monkeypatch)
    bot = Bot(tmp_path / "before", disk, monkeypatch)
    asyncio.run(bot.put(case.session))
    died, at = True, 0
    while died:
        telegram = Telegram(case.says)
        bot.root = tmp_path / "before"
        bot.move(tmp_path / f"life{at}", copy=True)
        died = asyncio.run(bot.die(telegram, at))
        _join_threads(threads_before)
        died_at = disk.reached[-1] if died else "nothing"
        if not case.runs:  # a session that runs has requests waiting under its path
            # Under another name, as a process has caches by path.
            bot.move(tmp_path / f"next{at}", copy=False)
        interruptions = bot.take_interruption()
        left = asyncio.run(bot.live(telegram))
        if case.runs:  # it was handed over, but that did not reach Telegram
            left = asyncio.run(bot.live(Telegram(case.says)))
        left.interruptions = interruptions + bot.take_interruption()
        try:
            case.check(left)
        except AssertionError as error:
            error.add_note(f"It died before change {at}, {died_at}, of {disk.reached}.")
            raise
        finally:
            bot.end_workers()
        at += 1
    assert set(disk.reached) >= case.reaches


def _join_threads(others: set[threading.Thread]) -> None:
    """Wait for the dead bot's threads: one that still reads must not meet the next life."""

    def are_gone() -> bool:  # one that is about to start is listed, but cannot be joined yet
        return not any(
            thread.name.startswith(("fleet-", "bounded-")) for thread in set(threading.enumerate()) - others
        )

    until(are_gone, WAIT)
