from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from telegram import Bot, ForceReply
from telegram.error import ChatMigrated

from samobot.errors import StorageError
from samobot.sandbox.botapi.chat_messages import SandboxMessage
from samobot.sandbox.botapi.chats import SandboxChat
from samobot.sandbox.botapi.faults import Fault, FaultKind
from samobot.sandbox.botapi.server import BotApiServer
from samobot.telegram.notify.notification import Importance
from samobot.telegram.notify.publisher import Publisher
from samobot.telegram.outbound.albums import albums
from samobot.telegram.outbound.bot_client import build_bot
from samobot.telegram.outbound.delivery import deliver
from samobot.telegram.outbound.outbox import Outbox
from samobot.telegram.outbound.post_content import Attachment
from samobot.telegram.outbound.rate_limit import RateLimits
from samobot.telegram.store.bot_store import Store
from samobot.telegram.store.outbox_rows import OutboxRow, Priority
from samobot.telegram.store.sent import MessageSubject
from samobot.telegram.views.buttons import MessageView
from samobot.telegram.views.wording import Recipient
from tests.support.chat import FAST
from tests.telegram.conftest import ManualClock

TOKEN = "42:abcdefghijklmnopqrstuvwxyz"
KEYS = {"inline_keyboard": [[{"text": "Approve", "callback_data": "x"}]]}
QUESTION = MessageSubject("demo:greet", "question", {"index": 1})


@dataclass
class Scene:
    """A server with one person, and an outbox that writes to them."""

    server: BotApiServer
    chat: SandboxChat
    store: Store
    bot: Bot

    @property
    def shown(self) -> list[SandboxMessage]:
        return self.chat.from_bot()

    @asynccontextmanager
    async def outbox(
        self, limits: RateLimits = FAST, monotonic: Callable[[], float] = time.monotonic
    ) -> AsyncIterator[Outbox]:
        outbox = Outbox(
            self.bot,
            self.store,
            limits=limits,
            monotonic=monotonic,
            backoff=0.01,
        )
        task = asyncio.create_task(outbox.run())
        await asyncio.sleep(0)
        try:
            yield outbox
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def until_shown(self, *texts: str) -> list[SandboxMessage]:
        await self.server.wait_until(
            lambda: [message.text for message in self.shown] == list(texts), what=f"{texts}, not {self.shown}"
        )
        return self.shown


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was logged as an error: a message that Telegram took in no form."""
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.fixture
async def scene(store: Store) -> AsyncIterator[Scene]:
    async with BotApiServer() as server:
        server.add_bot(TOKEN)
        chat = server.private_chat(server.person())
        async with build_bot(TOKEN, server.url) as bot:
            yield Scene(server, chat, store, bot)


async def test_a_message_arrives_and_a_reply_to_it_finds_its_session(scene: Scene) -> None:
    async with scene.outbox() as outbox:
        assert outbox.post(scene.chat.id, "<b>Which?</b>", key="q1", about=QUESTION, markup=KEYS)
        assert await outbox.drain(60)
    message = scene.shown[0]
    assert message.html == "<b>Which?</b>"
    assert message.labels == ["Approve"]
    assert not message.silent
    found = scene.store.sent.find(scene.chat.id, message.id)
    assert found is not None
    assert found.about == QUESTION


async def test_what_was_accepted_before_the_start_is_delivered_after_it(scene: Scene) -> None:
    Outbox(scene.bot, scene.store).post(scene.chat.id, "needed", key="q1")
    async with scene.outbox():
        await scene.until_shown("needed")


async def test_a_message_is_sent_once_however_often_it_is_posted(scene: Scene) -> None:
    async with scene.outbox() as outbox:
        outbox.post(scene.chat.id, "one", key="q1")
        await outbox.drain(60)
        assert not outbox.post(scene.chat.id, "one again", key="q1")
        await outbox.drain(60)
    assert [message.text for message in scene.shown] == ["one"]


async def test_what_is_needed_goes_first_then_what_somebody_waits_for_then_news_and_cards(
    scene: Scene,
) -> None:
    early = Outbox(scene.bot, scene.store)
    early.show(scene.chat.id, "card", key="card:a")
    early.post(scene.chat.id, "news", key="n", priority=Priority.NEWS)
    early.post(scene.chat.id, "receipt", key="r", priority=Priority.RECEIPT)
    early.post(scene.chat.id, "question", key="q")
    early.post(scene.chat.id, "plan", key="p")
    async with scene.outbox():
        await scene.until_shown("question", "plan", "receipt", "news", "card")


async def test_what_has_happened_is_sent_in_turn_with_what_follows_from_it(scene: Scene) -> None:
    early = Outbox(scene.bot, scene.store)
    early.post(scene.chat.id, "receipt", key="r", priority=Priority.RECEIPT)
    early.post(scene.chat.id, "pushed", key="e", priority=Priority.EFFECT)
    early.post(scene.chat.id, "a check failed", key="n", priority=Priority.NEEDED)
    early.post(scene.chat.id, "pushed again", key="f", priority=Priority.EFFECT)
    async with scene.outbox():
        await scene.until_shown("pushed", "a check failed", "pushed again", "receipt")


async def test_a_card_is_sent_silently_and_then_edited_in_place(scene: Scene) -> None:
    async with scene.outbox() as outbox:
        for text in ("one", "two", "three"):
            outbox.show(scene.chat.id, text, key="card:a", markup=KEYS)
            await outbox.drain(60)
    (card,) = scene.shown
    assert (card.text, card.silent, card.edits) == ("three", True, 2)


async def test_a_card_that_shows_it_already_costs_no_call(scene: Scene) -> None:
    async with scene.outbox() as outbox:
        for _ in range(3):
            outbox.show(scene.chat.id, "same", key="card:a", markup=KEYS)
            await outbox.drain(60)
    assert len(scene.server.calls.of("sendMessage")) == 1
    assert scene.server.calls.of("editMessageText") == []


async def test_of_many_edits_only_the_newest_goes_out(scene: Scene) -> None:
    async with scene.outbox() as outbox:
        outbox.show(scene.chat.id, "first", key="card:a")
        await outbox.drain(60)
        for number in range(50):
            outbox.show(scene.chat.id, f"text {number}", key="card:a")
        await outbox.drain(60)
    assert [message.text for message in scene.shown] == ["text 49"]
    assert len(scene.server.calls.of("editMessageText")) == 1


async def test_content_that_changes_while_its_message_is_on_the_way_is_shown_at_last(scene: Scene) -> None:
    scene.server.fault(FaultKind.SLOW, "sendMessage", seconds=0.1)
    async with scene.outbox() as outbox:
        outbox.post(scene.chat.id, "asked", key="q1", about=QUESTION, markup=KEYS)
        await scene.server.wait_until(lambda: scene.server.calls.of("sendMessage"))
        outbox.edit(scene.chat.id, "answered", key="q1")
        await outbox.drain(60)
    (message,) = scene.shown
    assert (message.text, message.labels) == ("answered", [])
    found = scene.store.sent.find(scene.chat.id, message.id)
    assert found is not None
    assert found.about == QUESTION


async def test_an_edit_of_what_is_still_queued_becomes_its_content(scene: Scene) -> None:
    early = Outbox(scene.bot, scene.store)
    early.post(scene.chat.id, "asked", key="q1")
    assert early.edit(scene.chat.id, "answered meanwhile", key="q1")
    assert not early.edit(scene.chat.id, "nothing", key="unknown")
    async with scene.outbox():
        await scene.until_shown("answered meanwhile")
    assert len(scene.server.calls.of("sendMessage")) == 1


async def test_a_card_that_was_deleted_in_the_chat_is_sent_anew(scene: Scene) -> None:
    async with scene.outbox() as outbox:
        outbox.show(scene.chat.id, "old", key="card:a", about=QUESTION)
        await outbox.drain(60)
        scene.server.world.delete(scene.shown[0])
        outbox.show(scene.chat.id, "new", key="card:a", about=QUESTION)
        (card,) = await scene.until_shown("new")
        await outbox.drain(60)
    assert scene.store.sent.find(scene.chat.id, card.id) is not None


async def test_same_card_continues_after_a_restart(scene: Scene) -> None:
    for text in ("before", "after"):
        async with scene.outbox() as outbox:
            outbox.show(scene.chat.id, text, key="card:a")
            await outbox.drain(60)
    assert [message.text for message in scene.shown] == ["after"]


@pytest.mark.parametrize("fault", [FaultKind.BAD_GATEWAY, FaultKind.RESET])
async def test_network_errors_are_outlived(scene: Scene, fault: FaultKind) -> None:
    scene.server.fault(fault, "sendMessage", 4)
    async with scene.outbox() as outbox:
        outbox.post(scene.chat.id, "needed", key="q1")
        await scene.until_shown("needed")


async def test_flooded_chat_waits_as_long_as_telegram_asks_and_others_do_not(scene: Scene) -> None:
    other = scene.server.private_chat(scene.server.person("Bob"))
    scene.server.faults.add(
        Fault(
            FaultKind.RATE_LIMIT,
            "sendMessage",
            retry_after=3,
            when=lambda call: call.arguments.integer("chat_id") == scene.chat.id,
        )
    )
    async with scene.outbox() as outbox:
        outbox.post(scene.chat.id, "flooded", key="q1")
        await scene.server.wait_until(lambda: scene.server.calls.of("sendMessage"))
        outbox.post(other.id, "free", key="q1")
        await scene.server.wait_until(other.from_bot)
        assert scene.shown == []
        await scene.until_shown("flooded")
    first, _, last = scene.server.calls.of("sendMessage")
    assert last.started - first.started >= 3.0


async def test_a_call_that_hangs_holds_up_only_its_chat(scene: Scene) -> None:
    other = scene.server.private_chat(scene.server.person("Bob"))
    scene.server.faults.add(
        Fault(
            FaultKind.HANG,
            "sendMessage",
            when=lambda call: call.arguments.integer("chat_id") == scene.chat.id,
        )
    )
    async with scene.outbox() as outbox:
        outbox.post(scene.chat.id, "hangs", key="q1")
        await scene.server.wait_until(lambda: scene.server.calls.of("sendMessage"))
        outbox.post(other.id, "free", key="q1")
        await scene.server.wait_until(other.from_bot)
        assert not await outbox.drain(0.01)
    assert scene.shown == []
    async with scene.outbox():
        await scene.until_shown("hangs")


async def test_file_that_is_slow_to_send_holds_up_nothing_more_urgent(scene: Scene) -> None:
    scene.server.fault(FaultKind.HANG, "sendDocument")
    async with scene.outbox() as outbox:
        for number in range(3):
            diff = Attachment(f"{number}.diff", b"+" * 1000)
            outbox.post(
                scene.chat.id, "the diff", key=f"d{number}", priority=Priority.RECEIPT, attachment=diff
            )
        await scene.server.wait_until(lambda: scene.server.calls.of("sendDocument"))
        outbox.post(scene.chat.id, "chatter", key="c", priority=Priority.RECEIPT)
        outbox.post(scene.chat.id, "pushed", key="p", priority=Priority.EFFECT)
        outbox.post(scene.chat.id, "stopped", key="s", priority=Priority.NEEDED)
        await scene.until_shown("pushed", "stopped")
        assert len(scene.server.calls.of("sendDocument")) == 1
        assert not await outbox.drain(0.01)
    async with scene.outbox():  # what was on its way is sent after a restart, and the rest in its order
        await scene.until_shown("pushed", "stopped", "the diff", "the diff", "the diff", "chatter")


async def test_file_that_could_not_be_sent_is_tried_again(scene: Scene) -> None:
    scene.server.fault(FaultKind.BAD_GATEWAY, "sendDocument")
    async with scene.outbox() as outbox:
        diff = Attachment("a.diff", b"+")
        outbox.post(scene.chat.id, "the diff", key="d", priority=Priority.RECEIPT, attachment=diff)
        outbox.post(scene.chat.id, "chatter", key="c", priority=Priority.RECEIPT)
        await scene.server.wait_until(lambda: len(scene.shown) == 2)
        assert await outbox.drain(60)
    assert sorted(message.text for message in scene.shown) == ["chatter", "the diff"]
    assert len(scene.server.calls.of("sendDocument")) == 2


async def test_entities_that_telegram_rejects_cost_the_formatting_and_not_the_text(scene: Scene) -> None:
    async with scene.outbox() as outbox:
        outbox.post(scene.chat.id, "<b>bold &amp; <nonsense>open", key="q1", markup=KEYS)
        (message,) = await scene.until_shown("bold & open")
    assert message.labels == ["Approve"]


async def test_a_text_that_is_too_long_comes_as_a_document(scene: Scene) -> None:
    text = "<b>long</b> " + "wörd " * 2000
    async with scene.outbox() as outbox:
        outbox.post(scene.chat.id, text, key="q1", markup=KEYS)
        await outbox.drain(60)
        (message,) = scene.shown
        assert message.file is not None
        assert message.file.text == "long " + "wörd " * 2000
        assert message.labels == ["Approve"]
        outbox.edit(scene.chat.id, "<i>answered</i>", key="q1")
        await outbox.drain(60)
    assert (message.text, message.labels) == ("answered", [])


async def test_a_topic_that_is_gone_does_not_lose_the_message(scene: Scene) -> None:
    group = scene.server.group("G", [scene.server.person("Cat")], forum=True)
    async with scene.outbox() as outbox:
        outbox.post(group.id, "needed", key="q1", thread_id=999)
        await scene.server.wait_until(group.from_bot)


async def test_lone_surrogates_do_not_stop_a_message(scene: Scene) -> None:
    keys = {"inline_keyboard": [[{"text": "a\ud800", "callback_data": "x"}]]}
    async with scene.outbox() as outbox:
        outbox.post(scene.chat.id, "half \udc80 a pair", key="q1", markup=keys)
        await scene.until_shown("half \ufffd a pair")


async def test_a_message_that_is_refused_in_every_form_does_not_hold_up_the_next(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    scene.server.faults.add(
        Fault(
            FaultKind.BAD_REQUEST,
            "sendMessage",
            None,
            text="Bad Request: we do not like it",
            when=lambda call: "bad" in call.arguments.text("text"),
        )
    )
    async with scene.outbox() as outbox:
        outbox.post(scene.chat.id, "bad", key="q1")
        outbox.post(scene.chat.id, "good", key="q2")
        await scene.until_shown("good")
        await outbox.drain(60)
    (error,) = errors(caplog)
    assert "(q1): We do not like it" in error
    assert scene.store.outbox.count() == 0


async def test_what_is_needed_waits_for_a_chat_that_blocked_the_bot(scene: Scene) -> None:
    scene.chat.blocked = True
    async with scene.outbox() as outbox:
        outbox.post(scene.chat.id, "needed", key="q1")
        outbox.show(scene.chat.id, "card", key="card:a")
        assert await outbox.drain(60)
        assert scene.store.chats.get(scene.chat.id).blocked is not None
        assert scene.store.outbox.count() == 1
        scene.chat.blocked = False
        outbox.revive(scene.chat.id)
        await scene.until_shown("needed")
        await outbox.drain(60)
    assert scene.store.chats.get(scene.chat.id).blocked is None


PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060"
    "0000000500010a2db4000000000049454e44ae426082"
)
TALL = PNG[:16] + (900).to_bytes(4, "big") + (20_000).to_bytes(4, "big") + PNG[24:]
"""A picture whose sides Telegram does not take of a photo."""


async def test_a_document_and_a_photo_wait_on_disk_and_leave_nothing_there(
    scene: Scene, tmp_path: Path
) -> None:
    early = Outbox(scene.bot, scene.store)
    early.post(scene.chat.id, "the plan", key="p", attachment=Attachment("plan.md", b"# Plan"), markup=KEYS)
    early.post(scene.chat.id, "the chart", key="c", attachment=Attachment("c.png", PNG, photo=True))
    folder = scene.store.state_dir / "outbox"
    assert len(list(folder.iterdir())) == 2
    (folder / "left-over").write_text("of a crash")
    async with scene.outbox() as outbox:
        plan, chart = await scene.until_shown("the plan", "the chart")
        await outbox.drain(60)
    assert plan.file is not None
    assert (plan.file.name, plan.file.text, plan.labels) == ("plan.md", "# Plan", ["Approve"])
    assert chart.is_photo
    assert list(folder.iterdir()) == []


async def test_pictures_are_one_album_that_is_named_by_its_first_and_known_by_all(scene: Scene) -> None:
    early = Outbox(scene.bot, scene.store)
    pictures = [
        Attachment(name, PNG + name.encode(), photo=True) for name in ("a.png", f"{KEY}.png", "c.png")
    ]
    (album,) = albums(pictures)
    early.post(scene.chat.id, f"three <b>{KEY}</b>", key="a", attachment=album, about=QUESTION)
    async with scene.outbox() as outbox:
        await scene.server.wait_until(lambda: len(scene.shown) == 3)
        await outbox.drain(60)
        assert not outbox.post(scene.chat.id, "again", key="a", attachment=album)
    assert [message.text.split("\n")[0] for message in scene.shown] == [f"three {MASK}", "", ""]
    files = [message.file for message in scene.shown]
    assert [file.data for file in files if file] == [each.data for each in pictures]
    assert all(message.is_photo and KEY not in message.file.name for message in scene.shown if message.file)
    assert len({message.media_group_id for message in scene.shown}) == 1
    (call,) = scene.server.calls.of("sendMediaGroup")
    assert call.status == 200
    for message in scene.shown:
        sent = scene.store.sent.find(scene.chat.id, message.id)
        assert sent is not None
        assert sent.about == QUESTION
    assert list((scene.store.state_dir / "outbox").iterdir()) == []


@pytest.mark.parametrize("count", [1, 2])
async def test_what_telegram_does_not_take_as_a_photo_is_sent_as_a_file(
    scene: Scene, count: int, caplog: pytest.LogCaptureFixture
) -> None:
    pictures = [Attachment(f"{number}.png", TALL, photo=True) for number in range(count)]
    (attachment,) = albums(pictures)
    async with scene.outbox() as outbox:
        outbox.post(scene.chat.id, "<i>tall</i>", key="a", attachment=attachment)
        await scene.server.wait_until(lambda: len(scene.shown) == count)
        await outbox.drain(60)
    assert [message.is_photo for message in scene.shown] == [False] * count
    assert scene.shown[0].text == "tall"
    assert errors(caplog) == []


async def test_lost_file_does_not_lose_its_text(scene: Scene) -> None:
    early = Outbox(scene.bot, scene.store)
    early.post(scene.chat.id, "the plan", key="p", attachment=Attachment("plan.md", b"# Plan"))
    for path in (scene.store.state_dir / "outbox").iterdir():
        path.unlink()
    async with scene.outbox():
        await scene.until_shown("the plan")


async def test_a_forced_reply_asks_for_one(scene: Scene) -> None:
    async with scene.outbox() as outbox:
        outbox.post(scene.chat.id, "Feedback?", key="f", markup=ForceReply(selective=True).to_dict())
        (message,) = await scene.until_shown("Feedback?")
    assert message.asks_reply


async def test_a_reaction_is_a_silent_receipt(scene: Scene) -> None:
    said = scene.server.person("Dan")
    chat = scene.server.private_chat(said)
    message = said.say("use tabs", chat)
    async with scene.outbox() as outbox:
        outbox.react(chat.id, message.id, "👍")
        await outbox.drain(60)
        assert list(message.reactions.values()) == [("👍",)]
        outbox.react(chat.id, message.id + 1000, "👍")
        assert await outbox.drain(60)


async def test_a_message_can_be_taken_back_sent_or_not(scene: Scene) -> None:
    early = Outbox(scene.bot, scene.store)
    early.post(scene.chat.id, "never", key="q1")
    early.delete(scene.chat.id, "q1")
    async with scene.outbox() as outbox:
        outbox.post(scene.chat.id, "for a while", key="q2")
        await scene.until_shown("for a while")
        await outbox.drain(60)
        outbox.delete(scene.chat.id, "q2")
        await scene.until_shown()
        await outbox.drain(60)
    assert scene.store.sent.by_key(scene.chat.id, "q2") is None
    assert len(scene.server.calls.of("sendMessage")) == 1


async def test_buttons_are_removed_from_a_message_sent_or_not_and_its_text_stays(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    early = Outbox(scene.bot, scene.store)
    early.post(scene.chat.id, "<b>queued</b>", key="q1", markup=KEYS)
    early.strip(scene.chat.id, "q1")
    early.strip(scene.chat.id, "never there")
    async with scene.outbox() as outbox:
        outbox.post(scene.chat.id, "<b>sent</b>", key="q2", markup=KEYS)
        assert await outbox.drain(60)
        for _again in range(2):
            outbox.strip(scene.chat.id, "q2")
            assert await outbox.drain(60)
        outbox.edit(scene.chat.id, "anew", key="q1")
        assert await outbox.drain(60)
    assert [(message.html, message.labels) for message in scene.shown] == [("anew", []), ("<b>sent</b>", [])]
    assert errors(caplog) == []


async def test_a_tap_is_answered_past_a_stuck_queue_and_a_late_answer_is_no_error(scene: Scene) -> None:
    person = scene.server.person("Eve")
    chat = scene.server.private_chat(person)
    async with scene.outbox() as outbox:
        outbox.post(chat.id, "Which?", key="q1", markup=KEYS)
        await scene.server.wait_until(chat.from_bot)
        scene.server.fault(FaultKind.HANG, "sendMessage")
        outbox.post(chat.id, "hangs", key="q2")
        tap = person.tap(chat.from_bot()[0], "Approve")
        outbox.answer(tap.id, "Saved")
        assert (await scene.server.answer_of(tap)).text == "Saved"
        outbox.answer(tap.id, "twice")
        await scene.server.wait_until(
            lambda: [call.status for call in scene.server.calls.of("answerCallbackQuery")] == [200, 400]
        )


async def test_outdated_receipt_is_dropped(scene: Scene, clock: ManualClock) -> None:
    early = Outbox(scene.bot, scene.store)
    early.post(scene.chat.id, "old receipt", key="r", priority=Priority.RECEIPT)
    early.post(scene.chat.id, "old question", key="q")
    clock.now += 3600
    async with scene.outbox() as outbox:
        await scene.until_shown("old question")
        await outbox.drain(60)
    assert scene.store.outbox.count() == 0


@pytest.mark.parametrize("markup", [ForceReply().to_dict(), KEYS])
async def test_what_asks_is_sent_however_late(
    scene: Scene, clock: ManualClock, markup: dict[str, Any]
) -> None:
    early = Outbox(scene.bot, scene.store)
    early.post(scene.chat.id, "Your answer?", key="p", priority=Priority.RECEIPT, markup=markup)
    clock.now += 7 * 86_400
    async with scene.outbox() as outbox:
        await scene.until_shown("Your answer?")
        await outbox.drain(60)
    assert scene.store.outbox.count() == 0


async def test_a_message_that_arrived_though_the_answer_was_lost_is_repeated_once(scene: Scene) -> None:
    scene.server.fault(FaultKind.DROP_AFTER_DOING, "sendMessage")
    async with scene.outbox() as outbox:
        outbox.post(scene.chat.id, "needed", key="q1")
        await scene.until_shown("needed", "needed")
        assert await outbox.drain(60)
    assert scene.store.outbox.count() == 0


async def test_a_disk_that_fills_up_after_the_sending_does_not_repeat_it(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("samobot.telegram.outbound.chat_sender._DISK_BACKOFF", 0.01)
    refusals = 3
    put = scene.store.sent.put

    def full_for_a_while(*values: Any) -> None:
        nonlocal refusals
        if refusals:
            refusals -= 1
            raise StorageError("disk full")
        put(*values)

    monkeypatch.setattr(scene.store.sent, "put", full_for_a_while)
    async with scene.outbox() as outbox:
        outbox.post(scene.chat.id, "needed", key="q1")
        assert await outbox.drain(60)
    assert [message.text for message in scene.shown] == ["needed"]
    assert refusals == 0
    assert scene.store.sent.by_key(scene.chat.id, "q1") is not None


async def test_full_disk_refuses_what_is_needed_and_still_sends_the_receipt(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise StorageError("disk full")

    monkeypatch.setattr(scene.store.outbox, "put", full)
    async with scene.outbox() as outbox:
        assert outbox.post(scene.chat.id, "Stopped.", key="r", priority=Priority.RECEIPT)
        await scene.until_shown("Stopped.")
        with pytest.raises(StorageError):
            outbox.post(scene.chat.id, "Which?", key="q1")


KILLED = """
import asyncio, os, pathlib, sys
from samobot.telegram.outbound import chat_sender
from samobot.telegram.outbound.bot_client import build_bot
from samobot.telegram.outbound.delivery import deliver
from samobot.telegram.outbound.outbox import Outbox
from samobot.telegram.store.bot_store import Store

root, state, chat_id, moment = sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4]

async def killed(bot, row, message_id):
    if moment == "after":
        await deliver(bot, row, message_id)
    os.kill(os.getpid(), 9)

async def main():
    chat_sender.deliver = killed
    async with build_bot("42:abcdefghijklmnopqrstuvwxyz", root) as bot:
        outbox = Outbox(bot, Store(state))
        outbox.post(chat_id, "needed", key="q1")
        await outbox.run()

asyncio.run(main())
"""


@pytest.mark.parametrize(("moment", "copies"), [("before", 1), ("after", 2)])
async def test_a_kill_in_the_middle_of_sending_loses_nothing_and_repeats_at_most_once(
    scene: Scene, moment: str, copies: int
) -> None:
    state = str(scene.store.state_dir)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", KILLED, scene.server.url, state, str(scene.chat.id), moment
    )
    assert await process.wait() == -9
    async with scene.outbox() as outbox:
        assert await outbox.drain(60)
    assert [message.text for message in scene.shown] == ["needed"] * copies
    assert scene.store.outbox.count() == 0


async def test_notice_and_its_record_are_one_transaction(scene: Scene) -> None:
    early = Outbox(scene.bot, scene.store)

    def tell_and_fail() -> None:
        with scene.store.transaction(durable=True):
            early.post(scene.chat.id, "phase", key="q1")
            scene.store.notified.set("demo:greet", {"phase": "testing"})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        tell_and_fail()
    assert scene.store.outbox.count() == 0
    assert scene.store.notified.get("demo:greet") is None


async def test_ten_cards_keep_to_one_edit_a_second_and_a_question_does_not_wait_for_them(
    scene: Scene, clock: ManualClock
) -> None:
    def edits() -> int:
        return len(scene.server.calls.of("editMessageText"))

    def has_edited(times: int) -> bool:
        return edits() == times

    def has_asked(second: int) -> bool:
        return scene.shown[-1].text == f"Which? {second}"

    async with scene.outbox(RateLimits(burst=20), clock) as outbox:
        for number in range(10):
            outbox.show(scene.chat.id, "start", key=f"card:{number}")
        await scene.server.wait_until(lambda: len(scene.shown) == 10)
        for number in range(10):
            outbox.show(scene.chat.id, "next", key=f"card:{number}")
        for second in range(1, 4):
            await scene.server.wait_until(partial(has_edited, second))
            outbox.post(scene.chat.id, f"Which? {second}", key=f"q{second}")
            await scene.server.wait_until(partial(has_asked, second))
            assert edits() == second
            clock.now += 1.0


async def test_cards_that_are_posted_again_leave_room_for_the_next_reply(
    scene: Scene, clock: ManualClock
) -> None:
    async with scene.outbox(RateLimits(), clock) as outbox:
        outbox.show(scene.chat.id, "card 0", key="card:0")
        assert await outbox.drain(0.5)
        outbox.delete(scene.chat.id, "card:0", Priority.CARD)
        for number in range(1, 10):
            outbox.show(scene.chat.id, f"card {number}", key=f"card:{number}")
        assert await outbox.drain(0.5)
        assert [message.text for message in scene.shown] == ["card 1"]
        outbox.post(scene.chat.id, "the reply", key="reply", priority=Priority.RECEIPT)
        assert await outbox.drain(0.5)
        assert [message.text for message in scene.shown] == ["card 1", "the reply"]
        clock.now += 3.0
        outbox.show(scene.chat.id, "card 9, changed", key="card:9")
        assert await outbox.drain(0.5)
        assert [message.text for message in scene.shown][2:] == ["card 2", "card 3"]


async def test_a_group_that_moves_takes_its_messages_along(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = scene.server.group("new", [scene.server.person("Fay")])
    scene.store.people.add_group(-5)

    async def moved(bot: Bot, row: OutboxRow, message_id: int | None) -> tuple[int, ...]:
        if row.chat_id == -5:
            raise ChatMigrated(group.id)
        return await deliver(bot, row, message_id)

    monkeypatch.setattr("samobot.telegram.outbound.chat_sender.deliver", moved)
    async with scene.outbox() as outbox:
        outbox.post(-5, "needed", key="q1")
        await scene.server.wait_until(group.from_bot)
        assert await outbox.drain(60)
    assert scene.store.people.access().groups == {group.id}


KEY = "ghp_" + "aB3dE5gH7jK9mN1pQ2sT4vW6yZ8aB3dE5gH7j"
MASK = "[GitHub token masked]"


async def test_outbox_masks_secrets_in_messages_edits_cards_and_captions(scene: Scene) -> None:
    async with scene.outbox() as outbox:
        outbox.post(scene.chat.id, f"a <b>{KEY}</b>", key="a")
        outbox.show(scene.chat.id, f"card {KEY}", key="card:a")
        outbox.post(scene.chat.id, f"caption {KEY}", key="c", attachment=Attachment("a.md", b"text"))
        assert await outbox.drain(60)
        outbox.edit(scene.chat.id, f"edited {KEY}", key="a")
        assert await outbox.drain(60)
    texts = [message.text for message in scene.shown]
    assert sorted(text.partition("\n")[0] for text in texts) == [
        f"caption {MASK}",
        f"card {MASK}",
        f"edited {MASK}",
    ]
    assert all("🔒 Masked here: GitHub token" in text for text in texts)
    assert KEY not in (scene.store.state_dir / "bot.db").read_bytes().decode("latin-1")


async def test_outbox_leaves_the_id_of_a_button_that_looks_like_a_key(store: Store) -> None:
    outbox = Outbox(Bot(TOKEN), store)
    keys = {"inline_keyboard": [[{"text": "Approve", "callback_data": KEY}]]}
    outbox.post(5, "a", key="a", markup=keys)
    (row,) = store.outbox.waiting(5)
    assert row.post.markup == keys


async def test_outbox_masks_secrets_on_buttons_and_in_answers_to_taps(store: Store) -> None:
    outbox = Outbox(Bot(TOKEN), store)
    keys = {"inline_keyboard": [[{"text": f"Use {KEY}", "callback_data": "x"}]]}
    outbox.post(5, "a", key="a", markup=keys)
    (row,) = store.outbox.waiting(5)
    assert KEY not in json.dumps(row.post.markup)
    assert MASK in json.dumps(row.post.markup)


async def test_outbox_masks_secrets_in_the_name_of_a_document(store: Store) -> None:
    outbox = Outbox(Bot(TOKEN), store)
    outbox.post(5, "a", key="a", attachment=Attachment(f"dive-{KEY}.md", b"text"))
    (row,) = store.outbox.waiting(5)
    assert row.post.file_name == f"dive-{MASK}.md"


async def test_outbox_masks_secrets_in_documents_and_reports_it(scene: Scene) -> None:
    async with scene.outbox() as outbox:
        data = f"export GITHUB_TOKEN={KEY}\n".encode()
        outbox.post(scene.chat.id, "Plan", key="a", attachment=Attachment("plan.md", data))
        assert await outbox.drain(60)
    (message,) = scene.shown
    assert message.text == "Plan\n\n🔒 Masked here: GitHub token"
    assert message.file is not None
    assert message.file.text == f"export GITHUB_TOKEN={MASK}\n"


async def test_outbox_holds_a_binary_file_with_secrets_back(scene: Scene) -> None:
    async with scene.outbox() as outbox:
        held = Attachment("core.bin", b"\xff\xfe\0" + KEY.encode())
        outbox.post(scene.chat.id, "Core", key="a", attachment=held)
        outbox.post(scene.chat.id, "Core", key="b", attachment=replace(held, is_checked=True))
        assert await outbox.drain(60)
    first, second = scene.shown
    assert first.text == "Core\n\n🔒 core.bin is held back, it contains: GitHub token"
    assert first.file is None
    assert second.file is not None
    assert second.file.data == held.data


async def test_publisher_masks_a_key_that_is_cut_between_two_messages(store: Store) -> None:
    outbox = Outbox(Bot(TOKEN), store)
    lines = "\n".join(f"line{number:03}ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/ab" for number in range(150))
    block = f"-----BEGIN RSA PRIVATE KEY-----\n{lines}\n-----END RSA PRIVATE KEY-----"
    shown = MessageView(f"<pre>{block}</pre>")
    Publisher(store, outbox).post(Recipient(5), "k", shown, MessageSubject(), Importance.ALERT)
    (row,) = store.outbox.waiting(5)
    assert "ABCDEFGHIJ" not in row.post.text
    assert "[private key masked]" in row.post.text
