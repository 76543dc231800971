"""Schedules, in the chat."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from samobot.fleet.schedules import Schedule
from samobot.telegram.markup.html import bold, code
from samobot.telegram.markup.rich_text import escape
from samobot.telegram.views.actions import Action, ActionKind
from samobot.telegram.views.buttons import ActionButton, MessageView, rows
from samobot.telegram.views.wording import Icon, Recipient, lines, time_of
from samobot.text import one_line, plural

_SHOWN = 10
_TASK = 80


class ScheduleOperation(StrEnum):
    """What a tap does with a schedule."""

    PAUSE = "pause"
    RESUME = "resume"
    DELETE = "delete"
    START = "start"
    SKIP = "skip"


class ScheduleTap(BaseModel):
    """What a tap asks for; as JSON the argument of `/schedule`.

    Attributes:
        number: The schedule's number.
        do: What is done with it.
        due: With `START` and `SKIP`: the start that it is about.
    """

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    number: int
    do: ScheduleOperation
    due: datetime | None = None


def schedule_list(schedules: Sequence[Schedule], place: Recipient, now: datetime) -> MessageView:
    """List the schedules, each with its buttons."""
    if not schedules:
        return MessageView(
            "Nothing is scheduled.\nFor example: "
            + code("/schedule every weekday 7:00 Update the dependencies")
        )
    shown = schedules[:_SHOWN]
    more = len(schedules) - len(shown)
    text = lines(
        bold(plural(len(schedules), "schedule")),
        *(f"{each.number}. {_line(each, place, now)}" for each in shown),
        f"… and {more} more; samobot schedule lists all." if more else "",
    )
    buttons = []
    for each in shown:
        first = (
            _button(f"▶️ Resume {each.number}", each, ScheduleOperation.RESUME)
            if each.paused
            else _button(f"⏸ Pause {each.number}", each, ScheduleOperation.PAUSE)
        )
        buttons.append((first, _button(f"🗑 Delete {each.number}", each, ScheduleOperation.DELETE)))
    return MessageView(text, tuple(buttons))


def schedule_made(one: Schedule, place: Recipient, now: datetime, *, by: str = "") -> MessageView:
    """Show a new schedule as it was understood.

    Args:
        one: The schedule.
        place: The chat.
        now: The present, aware.
        by: Who made it elsewhere; empty if it was made here.
    """
    who = f"{escape(one_line(by, 60))} made it in the terminal." if by else ""
    text = lines(f"{Icon.SCHEDULE} {bold(f'Schedule {one.number}')}", _line(one, place, now), who)
    return MessageView(text, rows(_button("🗑 Delete", one, ScheduleOperation.DELETE, once=True)))


def schedule_missed(
    one: Schedule, due: datetime, times: int, place: Recipient, now: datetime, why: str = ""
) -> MessageView:
    """Ask whether a start that did not happen is still wanted.

    Args:
        one: The schedule.
        due: The first time that was missed.
        times: How many were missed.
        place: The chat.
        now: The present, aware.
        why: The reason, as a sentence; empty if the bot was away.
    """
    often = f", and {plural(times - 1, 'more time')}" if times > 1 else ""
    text = lines(
        f"{Icon.SCHEDULE} {bold(f'Schedule {one.number}')} was due {time_of(due, place, now)}{often}",
        _task(one),
        escape(why or "I was away then."),
        "Start it now?",
    )
    return MessageView(
        text,
        rows(
            _button("▶️ Start now", one, ScheduleOperation.START, due=due, once=True),
            _button("Skip", one, ScheduleOperation.SKIP, due=due, once=True),
        ),
    )


def _line(one: Schedule, place: Recipient, now: datetime) -> str:
    if one.paused:
        state = "paused"
    elif one.next_at is None:
        state = "waits for you"
    else:
        state = f"next {time_of(one.next_at, place, now)}"
    return f"{escape(one_line(one.timing.words, 60))} · {state}\n{_task(one)} · {escape(one.project)}"


def _task(one: Schedule) -> str:
    return escape(one_line(one.task.removeprefix(f"{one.project}:"), _TASK))


def _button(
    label: str, one: Schedule, do: ScheduleOperation, *, due: datetime | None = None, once: bool = False
) -> ActionButton:
    tap = ScheduleTap(number=one.number, do=do, due=due)
    action = Action(
        do=ActionKind.PICK_SESSION, command="schedule", text=tap.model_dump_json(exclude_none=True)
    )
    return ActionButton(label, action, once=once)
