from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from telegram import Bot, Update

from samobot.errors import StorageError
from samobot.sandbox.botapi.faults import FaultKind
from samobot.sandbox.botapi.server import BotApiServer
from samobot.sandbox.botapi.user import UserClient
from samobot.telegram.inbound.polling import Poller
from samobot.telegram.inbound.update_handling import MAX_TRIES, Problem, ProblemKind, is_outdated
from samobot.telegram.outbound.bot_client import TokenRejectedError, build_bot
from samobot.telegram.store.bot_store import Store
from samobot.telegram.store.update_journal import UpdateJournal
from tests.telegram.conftest import ManualClock

TOKEN = "42:abcdefghijklmnopqrstuvwxyz"


@dataclass
class Scene:
    """A server with one person, and a poller that notes what it is given."""

    server: BotApiServer
    ann: UserClient
    store: Store
    bot: Bot
    handled: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def note(self, update: Update) -> None:
        assert update.message is not None
        self.handled.append(update.message.text or "")
        self.changed.set()

    def note_problem(self, problem: Problem) -> None:
        self.problems.append(problem)
        self.changed.set()

    def poller(self, process: Callable[[Update], Awaitable[None]] | None = None, **more: Any) -> Poller:
        return Poller(
            self.bot,
            self.store.updates,
            process or self.note,
            on_problem=self.note_problem,
            backoff=0.01,
            **more,
        )

    @asynccontextmanager
    async def polling(
        self, process: Callable[[Update], Awaitable[None]] | None = None, **more: Any
    ) -> AsyncIterator[Poller]:
        poller = self.poller(process, **more)
        task = asyncio.create_task(poller.run())
        try:
            yield poller
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def until(self, look: Callable[[], bool]) -> None:
        async with asyncio.timeout(60):
            while not look():
                self.changed.clear()
                await self.changed.wait()

    async def until_handled(self, *texts: str) -> None:
        await self.until(lambda: len(self.handled) >= len(texts))
        assert self.handled == list(texts)

    async def until_acknowledged(self) -> None:
        queue = self.server.world.only_bot().queue
        await self.server.wait_until(lambda: not len(queue) and queue.polled)


@pytest.fixture
async def scene(store: Store) -> AsyncIterator[Scene]:
    async with BotApiServer() as server:
        server.add_bot(TOKEN)
        ann = server.person()
        server.private_chat(ann)
        async with build_bot(TOKEN, server.url) as bot:
            yield Scene(server, ann, store, bot)


async def test_what_is_said_is_handled_in_order_and_acknowledged(scene: Scene) -> None:
    async with scene.polling():
        for text in ("one", "two", "three"):
            scene.ann.say(text)
        await scene.until_handled("one", "two", "three")
        await scene.until_acknowledged()
    assert scene.store.updates.unfinished() == ()


async def test_what_was_said_while_the_bot_was_down_is_handled(scene: Scene) -> None:
    scene.ann.say("/answer 1 A")
    async with scene.polling():
        await scene.until_handled("/answer 1 A")


async def test_an_update_is_on_disk_before_telegram_may_forget_it(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = scene.store.updates.record
    waiting: list[int] = []

    def watched(raws: list[dict[str, Any]], **options: bool) -> Any:
        waiting.append(len(scene.server.world.only_bot().queue))
        return record(raws, **options)

    monkeypatch.setattr(scene.store.updates, "record", watched)
    async with scene.polling():
        scene.ann.say("one")
        await scene.until_handled("one")
        await scene.until_acknowledged()
    assert [count for count in waiting if count] == [1]


async def test_a_reply_goes_out_before_the_update_is_acknowledged(scene: Scene) -> None:
    async def reply(update: Update) -> None:
        await scene.bot.send_message(scene.ann.user.id, "done")
        await scene.note(update)

    async with scene.polling(reply, handled_first=60.0):
        scene.ann.say("one")
        await scene.until_acknowledged()
    methods = [call.method for call in scene.server.calls.of()]
    assert methods.index("sendMessage") == methods.index("getUpdates") + 1


async def test_an_update_that_telegram_repeats_is_handled_once(scene: Scene) -> None:
    async with scene.polling():
        scene.ann.say("one")
        await scene.until_handled("one")
        await scene.until_acknowledged()
        raw = {"update_id": 1_000_000_000} | message("twice")
        scene.server.inject(raw)
        scene.server.inject(raw)
        await scene.until_acknowledged()
        scene.ann.say("two")
        await scene.until(lambda: "two" in scene.handled)
    assert scene.handled == ["one", "twice", "two"]


def message(text: str) -> dict[str, Any]:
    chat = {"id": 1001, "type": "private", "first_name": "Ann"}
    sender = {"id": 1001, "is_bot": False, "first_name": "Ann"}
    return {"message": {"message_id": 900, "date": 1_800_000_000, "chat": chat, "from": sender, "text": text}}


async def test_an_update_cut_off_by_a_crash_is_handled_at_the_next_start(scene: Scene) -> None:
    scene.store.updates.record([{"update_id": 7} | message("cut off")])
    scene.store.updates.begin(7)
    async with scene.polling():
        scene.ann.say("new")
        await scene.until_handled("cut off", "new")


async def test_an_update_that_killed_the_bot_twice_is_set_aside(scene: Scene) -> None:
    scene.store.updates.record([{"update_id": 7} | message("deadly"), {"update_id": 8} | message("harmless")])
    for _ in range(MAX_TRIES):
        scene.store.updates.begin(7)
    async with scene.polling():
        await scene.until_handled("harmless")
    assert [problem.kind for problem in scene.problems] == [ProblemKind.CRASHED]
    assert scene.store.updates.unfinished() == ()


async def test_ending_the_bot_again_and_again_does_not_set_an_update_aside(scene: Scene) -> None:
    scene.ann.say("slow")
    for _ in range(MAX_TRIES + 2):
        begun = asyncio.Event()

        async def slow(_: Update, begun: asyncio.Event = begun) -> None:
            begun.set()
            await asyncio.Event().wait()

        async with scene.polling(slow):
            await asyncio.wait_for(begun.wait(), 60)
    async with scene.polling():
        await scene.until_handled("slow")
    assert scene.problems == []


async def test_an_update_that_comes_while_the_bot_ends_counts_as_not_begun(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = scene.store.updates.record

    def ending(raws: list[dict[str, Any]], **options: bool) -> Any:
        new = record(raws, **options)
        if new:
            polling.cancel()
        return new

    monkeypatch.setattr(scene.store.updates, "record", ending)
    scene.ann.say("late")
    polling = asyncio.create_task(scene.poller().run())
    with contextlib.suppress(asyncio.CancelledError):
        await polling
    assert scene.handled == []
    assert [update.tries for update in scene.store.updates.unfinished()] == [0]


async def test_whoever_waits_for_handlers_waits_for_the_last_one_and_not_for_ever(scene: Scene) -> None:
    go_on = asyncio.Event()

    async def slow(update: Update) -> None:
        await scene.note(update)
        await go_on.wait()

    async with scene.polling(slow) as poller:
        await poller.wait_until_handled(60)
        scene.ann.say("one")
        scene.ann.say("two")
        await scene.until_handled("one")
        await scene.until_acknowledged()
        await poller.wait_until_handled(0)
        waiting = asyncio.create_task(poller.wait_until_handled(60))
        await asyncio.sleep(0)
        assert not waiting.done()
        go_on.set()
        await waiting
        assert scene.handled == ["one", "two"]


@pytest.mark.parametrize(
    "broken",
    [
        {"message": {"message_id": "not", "date": "a date"}},
        {"message": 5},
        {"callback_query": {"id": 1}},
        {"message": {"message_id": 1, "date": 10**30, "chat": {}}},
    ],
)
async def test_an_update_that_cannot_be_read_is_said_and_blocks_nothing(
    scene: Scene, broken: dict[str, Any]
) -> None:
    async with scene.polling():
        scene.server.inject({"update_id": 1_000_000_000} | broken)
        await scene.until(lambda: bool(scene.problems))
        await scene.until_acknowledged()
        scene.ann.say("next")
        await scene.until_handled("next")
    assert [problem.kind for problem in scene.problems] == [ProblemKind.UNREADABLE]


async def test_a_handler_that_fails_is_said_and_stops_nothing(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail_once(update: Update) -> None:
        await scene.note(update)
        if len(scene.handled) == 1:
            raise RuntimeError("a mistake of ours")

    async with scene.polling(fail_once):
        scene.ann.say("one")
        scene.ann.say("two")
        await scene.until_handled("one", "two")
    assert [problem.kind for problem in scene.problems] == [ProblemKind.FAILED]
    assert "a mistake of ours" in caplog.text


async def test_a_handler_that_hangs_keeps_nothing_from_being_safe_and_is_broken_off(scene: Scene) -> None:
    async def hang_once(update: Update) -> None:
        await scene.note(update)
        if len(scene.handled) == 1:
            await scene.until_acknowledged()
            await asyncio.Event().wait()

    async with scene.polling(hang_once, handling=0.5):
        scene.ann.say("one")
        scene.ann.say("two")
        await scene.until_handled("one", "two")
    assert [problem.kind for problem in scene.problems] == [ProblemKind.TOO_SLOW]


async def test_a_problem_that_cannot_be_said_does_not_end_polling(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(problem: Problem) -> None:
        scene.problems.append(problem)
        raise StorageError("disk full")

    monkeypatch.setattr(scene, "note_problem", full)
    scene.server.inject({"update_id": 1_000_000_000, "message": 5})
    scene.ann.say("next")
    async with scene.polling():
        await scene.until_handled("next")
    assert len(scene.problems) == 1


@pytest.mark.parametrize("fault", [FaultKind.BAD_GATEWAY, FaultKind.RESET, FaultKind.DROP_AFTER_DOING])
async def test_network_errors_are_outlived_and_nothing_is_repeated(scene: Scene, fault: FaultKind) -> None:
    scene.server.fault(fault, "getUpdates", 3)
    scene.ann.say("one")
    async with scene.polling():
        await scene.until_handled("one")
        await scene.until_acknowledged()
    assert scene.handled == ["one"]


async def test_a_429_is_waited_out(scene: Scene) -> None:
    scene.server.fault(FaultKind.RATE_LIMIT, "getUpdates", retry_after=1)
    scene.ann.say("one")
    async with scene.polling():
        await scene.until_handled("one")
    first, second = scene.server.calls.of("getUpdates")[:2]
    assert second.started - first.started >= 1.0


async def test_health_is_the_age_of_the_last_good_answer(scene: Scene) -> None:
    clock = ManualClock(0.0)
    async with scene.polling(monotonic=clock) as poller:
        clock.now = 100.0
        assert poller.age == 100.0
        scene.ann.say("one")
        await scene.until_handled("one")
        assert poller.age == 0.0
        scene.server.fault(FaultKind.BAD_GATEWAY, "getUpdates", None)
        clock.now = 190.0
        assert poller.age == 90.0


@pytest.mark.parametrize("token_is_gone", [True, False])
async def test_a_rejected_token_ends_the_bot_with_a_code_of_its_own(
    scene: Scene, token_is_gone: bool
) -> None:
    if token_is_gone:
        scene.server.revoke(TOKEN)
    else:
        scene.server.fault(FaultKind.UNAUTHORIZED, "*", None)
    with pytest.raises(TokenRejectedError, match="BotFather") as caught:
        await asyncio.wait_for(scene.poller().run(), 60)
    assert caught.value.exit_code == 78
    assert TOKEN not in str(caught.value)


async def test_one_401_of_a_proxy_does_not_end_the_bot(scene: Scene) -> None:
    scene.server.fault(FaultKind.UNAUTHORIZED, "getUpdates", 1)
    scene.ann.say("one")
    async with scene.polling():
        await scene.until_handled("one")


async def test_second_poller_is_named_after_three_conflicts_and_polling_continues(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    scene.server.fault(FaultKind.CONFLICT, "getUpdates", 5)
    scene.ann.say("one")
    async with scene.polling():
        await scene.until_handled("one")
    assert [problem.kind for problem in scene.problems] == [ProblemKind.CONFLICT]
    assert "Another program polls" in caplog.text


async def test_while_the_disk_is_full_a_stop_still_works_and_nothing_is_lost_or_repeated(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("samobot.telegram.inbound.polling._DISK_SECONDS", 0.01)
    full = True

    def guarded(name: str) -> Callable[..., Any]:
        write = getattr(UpdateJournal, name)

        def call(*values: Any, **options: bool) -> Any:
            if full:
                raise StorageError("disk full")
            return write(scene.store.updates, *values, **options)

        return call

    for name in ("record", "begin", "done"):
        monkeypatch.setattr(scene.store.updates, name, guarded(name))
    async with scene.polling():
        scene.ann.say("/stop")
        await scene.until_handled("/stop")
        assert len(scene.server.world.only_bot().queue) == 1
        full = False
        scene.ann.say("two")
        await scene.until(lambda: len(scene.handled) == 2)
        await scene.until_acknowledged()
    assert scene.handled == ["/stop", "two"]
    assert scene.store.updates.unfinished() == ()


async def test_old_updates_are_never_dropped_and_only_ours_are_asked_for(scene: Scene) -> None:
    async with scene.polling():
        scene.ann.say("one")
        await scene.until_handled("one")
        await scene.until_acknowledged()
    allowed = scene.server.world.only_bot().queue.allowed
    assert allowed == frozenset({"message", "edited_message", "callback_query", "my_chat_member"})
    assert scene.server.calls.rejected() == []
    assert not any(
        "offset" in call.arguments and call.arguments.integer("offset") < 0
        for call in scene.server.calls.of()
    )


async def test_ids_that_start_anew_after_a_quiet_week_are_heard(scene: Scene) -> None:
    def offsets() -> list[bool]:
        return ["offset" in call.arguments for call in scene.server.calls.of("getUpdates")]

    async with scene.polling(long_poll=1):
        scene.server.inject({"update_id": 2_000_000_000} | message("high"))
        await scene.until_handled("high")
        # After an empty answer no offset is sent any more: Telegram knows what was acknowledged.
        await scene.server.wait_until(lambda: True in offsets() and not offsets()[-1])
        scene.server.inject({"update_id": 5} | message("low"))
        await scene.until(lambda: len(scene.handled) == 2)
    assert scene.handled == ["high", "low"]


def test_a_command_is_stale_after_ten_minutes() -> None:
    update = Update.de_json({"update_id": 1} | message("/stop"))
    sent = datetime.fromtimestamp(1_800_000_000, UTC)
    assert not is_outdated(update, sent + timedelta(minutes=10))
    assert is_outdated(update, sent + timedelta(minutes=10, seconds=1))
    assert not is_outdated(Update(2), sent)


async def test_the_end_is_prompt_while_a_long_poll_waits(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    task = asyncio.create_task(scene.poller().run())
    await scene.server.wait_until(lambda: scene.server.world.only_bot().queue.polled)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.wait_for(task, 30)
    assert task.done()
    # asyncio reports tasks of earlier tests whenever their garbage is collected.
    assert [record for record in caplog.records if record.name != "asyncio"] == []


async def test_an_update_that_a_full_disk_did_not_take_is_handled_once_there_is_room(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("samobot.telegram.inbound.polling._DISK_SECONDS", 0.01)
    record = scene.store.updates.record
    full = True

    def refusing_once(raws: list[dict[str, Any]], **options: bool) -> Any:
        nonlocal full
        if full and raws:
            full = False
            raise StorageError("disk full")
        return record(raws, **options)

    monkeypatch.setattr(scene.store.updates, "record", refusing_once)
    async with scene.polling():
        scene.ann.say("one")
        await scene.until_handled("one")
        await scene.until_acknowledged()
    assert scene.handled == ["one"]
    assert scene.store.updates.unfinished() == ()


async def test_an_end_that_a_full_disk_did_not_take_is_noted_before_the_next_update(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = scene.store.updates.done
    full = True

    def refusing(number: int) -> None:
        if full:
            raise StorageError("disk full")
        done(number)

    monkeypatch.setattr(scene.store.updates, "done", refusing)
    unfinished: list[int] = []

    async def process(update: Update) -> None:
        unfinished.append(len(scene.store.updates.unfinished()))
        await scene.note(update)

    async with scene.polling(process):
        scene.ann.say("/tell keep it short")
        await scene.until_handled("/tell keep it short")
        full = False
        scene.ann.say("two")
        await scene.until(lambda: len(scene.handled) == 2)
    assert unfinished == [1, 1]  # each only itself
