"""`/schedule` in the chat, and the starts that are due."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from samobot.fleet.emergency_flag import raise_flag
from samobot.fleet.schedule_times import Timing
from samobot.fleet.schedules import LATE_SECONDS, Schedule
from samobot.telegram.handlers import run_handlers, schedule_handlers
from samobot.telegram.handlers.chat_request import ChatRequest
from samobot.telegram.handlers.context import HandlerContext
from samobot.telegram.handlers.run_arguments import RunArguments
from samobot.telegram.markup.html import to_plain
from samobot.telegram.store.bot_store import Store
from samobot.telegram.store.outbox_rows import Op
from tests.support.phone import Phone, open_phone

CHAT = 11
"""Ann's private chat."""


class Starts:
    """What was started, in place of workers."""

    def __init__(self) -> None:
        self.begun: list[tuple[str, str | None, str | None]] = []

    async def start(
        self, context: HandlerContext, request: ChatRequest, project: str, words: RunArguments
    ) -> None:
        self.begun.append((project, words.name, words.task))


@pytest.fixture
def starts(monkeypatch: pytest.MonkeyPatch) -> Starts:
    made = Starts()
    monkeypatch.setattr(run_handlers, "start", made.start)
    return made


@pytest.fixture
async def phone(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch, starts: Starts
) -> AsyncIterator[Phone]:
    monkeypatch.setattr(schedule_handlers, "machine_zone", lambda: "UTC")
    async for made in open_phone(tmp_path, store, monkeypatch, projects=("repo",)):
        yield made


def _all(phone: Phone) -> tuple[Schedule, ...]:
    return phone.context.schedules.all()


async def _later(phone: Phone, **ahead: float) -> list[str]:
    """Let time pass, let the bot look at its schedules, and return what it says."""
    phone.now += timedelta(**ahead)
    await schedule_handlers.run_due(phone.context)
    return [to_plain(row.post.text) for row in phone.new(CHAT) if row.op is Op.SEND]


async def test_schedule_is_shown_as_it_was_understood_and_listed(phone: Phone) -> None:
    [said] = await phone.say("/schedule every weekday 7:00 Update the dependencies")
    assert said.startswith("⏰ Schedule 1\nevery weekday 7:00 · next ")
    assert said.endswith("Update the dependencies · repo")
    [listed] = await phone.say("/schedule")
    assert listed.startswith("1 schedule\n1. every weekday 7:00 · next ")
    assert phone.precedes_alert("Schedule 1")


async def test_schedule_without_a_task_is_asked_for_one(phone: Phone) -> None:
    [asked] = await phone.say("/schedule tomorrow 7:00")
    assert asked == "⏰ tomorrow 7:00: what should be done then?"
    [said] = await phone.say("Update the dependencies")
    assert "tomorrow 7:00 · next " in said
    assert [each.task for each in _all(phone)] == ["Update the dependencies"]


@pytest.mark.parametrize("text", ["fix the bug", "today 0:00 x", "* * * * * x"])
async def test_schedule_that_cannot_be_is_refused_and_nothing_kept(phone: Phone, text: str) -> None:
    [said] = await phone.say(f"/schedule {text}")
    assert "\n" not in said
    assert _all(phone) == ()


async def test_start_that_is_due_happens_once(phone: Phone, starts: Starts) -> None:
    await phone.say("/schedule in 2 hours Update the dependencies")
    assert await _later(phone, hours=1) == []
    assert starts.begun == []
    assert await _later(phone, hours=1) == ["⏰ update-dependencies starts, as scheduled."]
    assert await _later(phone, minutes=1) == []
    assert phone.precedes_alert("starts, as scheduled")
    assert starts.begun == [("repo", "update-dependencies", "Update the dependencies")]
    assert _all(phone) == (), "its only time is over"


async def test_repeated_schedule_starts_each_time_and_keeps_its_next_time(
    phone: Phone, starts: Starts
) -> None:
    await phone.say("/schedule every hour deps: Update")
    first = _all(phone)[0].next_at
    assert first is not None
    await _later(phone, seconds=(first - phone.now).total_seconds())
    assert _all(phone)[0].next_at == first + timedelta(hours=1)
    await _later(phone, hours=1)
    assert [name for _, name, _ in starts.begun] == ["deps", "deps"]


async def test_starts_missed_while_the_bot_was_away_are_asked_about_once(
    phone: Phone, starts: Starts
) -> None:
    await phone.say("/schedule every hour Update")
    [said] = await _later(phone, hours=5)
    assert said.startswith("⏰ Schedule 1 was due ")
    assert ", and 4 more times" in said or ", and 3 more times" in said
    assert "I was away then.\nStart it now?" in said
    assert await _later(phone, seconds=1) == []
    assert starts.begun == []
    await phone.tap(phone.last("was due"), "▶️ Start now")
    assert len(starts.begun) == 1
    assert _all(phone)[0].missed is None
    assert _all(phone)[0].next_at is not None


async def test_missed_start_can_be_skipped_and_is_decided_once(phone: Phone, starts: Starts) -> None:
    await phone.say("/schedule in 1 hour Update")
    await _later(phone, hours=1, seconds=LATE_SECONDS + 5)
    asked = phone.last("was due")
    assert await phone.tap(asked, "Skip") == "Skipped."
    assert _all(phone) == ()
    await phone.tap(asked, "▶️ Start now")
    assert starts.begun == []


async def test_start_is_not_repeated_after_the_bot_was_killed_in_it(phone: Phone, starts: Starts) -> None:
    await phone.say("/schedule every hour Update")
    due = _all(phone)[0].next_at
    assert due is not None
    phone.now = due
    assert phone.context.schedules.claim(1, due) is not None
    assert phone.context.schedules.claim(1, due) is None
    [said] = await _later(phone, seconds=5)
    assert "I was stopped at that moment; it may have started." in said
    assert starts.begun == []


async def test_next_start_waits_while_the_last_session_is_not_done(phone: Phone, starts: Starts) -> None:
    await phone.say("/schedule every hour Update")
    await _later(phone, hours=1)
    phone.session("update", phase="implementation")
    [said] = await _later(phone, hours=1)
    assert "update, which it started last, is not done yet." in said
    assert len(starts.begun) == 1


async def test_nothing_starts_under_the_emergency_stop_and_it_is_asked_about(
    phone: Phone, starts: Starts
) -> None:
    await phone.say("/schedule in 1 hour Update")
    raise_flag(phone.root / "state", "Ann", phone.now)
    [said] = await _later(phone, hours=1)
    assert "It could not start:" in said
    assert "emergency stop" in said
    assert starts.begun == []


async def test_buttons_pause_resume_and_delete(phone: Phone, starts: Starts) -> None:
    await phone.say("/schedule every hour Update")
    await phone.say("/schedule")
    assert await phone.tap(phone.last("1 schedule"), "⏸ Pause 1") == "Paused."
    phone.new(CHAT)
    assert await _later(phone, hours=3) == []
    assert starts.begun == []
    assert await phone.tap(phone.last("1 schedule"), "▶️ Resume 1") == "Resumed."
    assert await phone.tap(phone.last("1 schedule"), "🗑 Delete 1") == "Deleted."
    assert _all(phone) == ()


async def test_schedule_of_the_terminal_is_shown_in_the_chat_once(phone: Phone) -> None:
    phone.context.schedules.add(
        Schedule(
            number=0, project="repo", task="Update", timing=Timing("daily 7:00", cron="0 7 * * *"), zone="UTC", who="ann",
            via="terminal",
        )
    )  # fmt: skip
    [said] = await _later(phone, seconds=5)
    assert "ann made it in the terminal." in said
    assert await _later(phone, seconds=5) == []


async def test_list_that_cannot_be_read_is_reported_once(phone: Phone, starts: Starts) -> None:
    await phone.say("/schedule in 1 hour Update")
    file = phone.root / "state" / "schedules.json"
    file.write_text(file.read_text()[:-9])
    [said] = await _later(phone, seconds=5)
    assert said.startswith("⚠️ ")
    assert "schedules.json is damaged" in said
    phone.deliver(phone.last("is damaged"), 70)
    assert await _later(phone, seconds=5) == []
    assert starts.begun == []
