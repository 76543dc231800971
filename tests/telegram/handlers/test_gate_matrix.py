"""Every gate × every way to decide × everything that may go wrong: the right thing, once, and the chat says so.

The table is at the top: `GATES` × `WAYS` × `TIMES`, less `IMPOSSIBLE`. Each cell is one test, named after it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import click
import pytest

from samobot.sandbox.botapi.bots import ButtonPress
from samobot.sandbox.botapi.chat_messages import SandboxMessage
from samobot.sandbox.botapi.faults import Fault, FaultKind
from samobot.session.decisions import Decision, DecisionKind
from samobot.session.decisions import read as read_decisions
from samobot.session.folder import SessionFolder
from samobot.terminal.control_commands import resume_command
from samobot.terminal.decision_commands import answer_command, approve_command
from tests.support.decision_room import WAIT, DecisionRoom, decision_room
from tests.support.session_folder import PLAN, make_session, write_plan, write_signal

pytestmark = pytest.mark.slow

TWO_DAYS = 49 * 3600.0
ANN, TERMINAL = "telegram", "terminal"


class Way(StrEnum):
    """How a person decides."""

    TAP = "tap"
    TYPED = "typed"
    TERMINAL = "terminal"


class Time(StrEnum):
    """What is the matter at that moment."""

    RUNNING = "bot_running"
    DOWN = "bot_down_at_that_moment"
    KILLED = "bot_killed_between_the_write_and_the_reply"
    OLD = "message_older_than_48_h"
    TWICE = "decided_twice"
    STRANGER = "by_a_stranger"
    ELSEWHERE = "decided_elsewhere_meanwhile"
    CHANGED = "changed_meanwhile"


@dataclass(frozen=True)
class Gate:
    """What a person decides.

    Attributes:
        name: In the test's name.
        asks: How the chat's message begins.
        button: The button that decides.
        says: The same typed.
        command: The same at a terminal.
        arguments: Its arguments.
        kind: What is recorded.
        shows: How the message reads once it is decided.
        toast: How the tap is answered.
        before: How it is said that somebody else was first.
    """

    name: str
    asks: str
    button: str
    says: str
    command: click.Command
    arguments: tuple[str, ...]
    kind: DecisionKind
    shows: str
    toast: str
    before: str


GATES = {
    gate.name: gate
    for gate in (
        Gate("questions", "❓ greet asks", "A", "/answer Q1 A", answer_command, ("greet", "Q1=A"),
             DecisionKind.ANSWER, "→ A", r"Saved\. Q1: A\) hello", r"answered|no open question"),
        Gate("plan", "📋 greet has a plan", "✅ Approve", "/approve greet", approve_command, ("greet",),
             DecisionKind.APPROVAL, "→ Approved", r"Approved; it continues", r"approved"),
        Gate("block", "⛔ greet is blocked", "🔁 Retry", "/resume greet", resume_command, ("greet",),
             DecisionKind.RETRY, "→ Continues", r"greet tries again", r"resumed greet already|continues|is running"),
        Gate("human_action", "✋ greet needs you", "✅ Done", "/resume greet", resume_command, ("greet",),
             DecisionKind.ACTION_DONE, "→ Continues", r"greet continues",
             r"resumed greet already|continues|is running"),
    )
}  # fmt: skip

IMPOSSIBLE = {
    ("*", Way.TERMINAL, Time.STRANGER): "whoever has the owner's shell is the owner",
    (
        "*",
        Way.TERMINAL,
        Time.CHANGED,
    ): "a terminal acts on the file as it is then; nothing outdated is shown there",
    (
        "block",
        Way.TYPED,
        Time.CHANGED,
    ): "/resume names no block: it lifts whichever holds the session up, and says which",
    ("human_action", Way.TYPED, Time.CHANGED): "/resume names no task: it says that all is done",
}
"""Cells that cannot occur, and why."""

CELLS = [
    (gate, way, time)
    for gate in GATES
    for way in Way
    for time in Time
    if ("*", way, time) not in IMPOSSIBLE and (gate, way, time) not in IMPOSSIBLE
]


class Cell:
    """One cell: a room with a session at its gate."""

    def __init__(self, room: DecisionRoom, gate: Gate, way: Way) -> None:
        self.room = room
        self.gate = gate
        self.way = way
        self.folder = at_gate(room.sessions, gate.name)
        self.message: SandboxMessage | None = None
        self.old_data: str = ""

    async def shown(self, *, wanted: bool = True) -> SandboxMessage:
        """Start the bot and see the gate's message; `wanted`: it was the bot that had started the run."""
        bot = await self.room.start()
        (session,) = [view.ref.key for view in await bot.fleet.sessions()]
        if wanted:
            bot.fleet.desired_runs.want(session, {})
        await self.room.settled()
        (found,) = [each for each in self.room.said() if each.text.startswith(self.gate.asks)]
        assert not found.silent
        self.message = found
        button = next(each for each in found.buttons if each.text.startswith(self.gate.button))
        assert button.data is not None
        self.old_data = button.data
        return found

    def decide(self, *, by_eve: bool = False) -> ButtonPress | SandboxMessage:
        """Decide in the chat; returns what was done, to ask for its answer."""
        assert self.message is not None
        person = self.room.eve if by_eve else self.room.ann
        if self.way is Way.TAP:
            return person.tap_data(self.message, self.old_data)
        return person.say(self.gate.says)

    async def at_terminal(self) -> str:
        """Decide at a terminal; returns what it says."""
        return await self.room.terminal(self.gate.command, self.gate.arguments)

    def decisions(self) -> list[Decision]:
        return list(read_decisions(self.folder).decisions)

    def check_decided(self, via: str) -> None:
        """It is decided once, by this way; one worker was started; the chat's message says so and offers no more."""
        (decision,) = self.decisions()
        assert (decision.kind, decision.via) == (self.gate.kind, via)
        assert self.room.started == [self.folder.path.name]
        (said,) = [each for each in self.room.said() if self.gate.shows in each.text]
        assert ("from the terminal" in said.text) == (via == TERMINAL)
        assert ("you, " in said.text) == (via == ANN)
        assert said.labels == []
        assert [each for each in self.room.said() if each.text.startswith(self.gate.asks)] in ([], [said])

    async def check_answered(self, act: ButtonPress | SandboxMessage, words: str) -> None:
        """The tap is answered in these words; what was typed has a receipt, or these words below it."""
        if isinstance(act, ButtonPress):
            assert re.search(words, (await self.room.server.answer_of(act, WAIT)).text)
            return
        answers = [each.text for each in self.room.said(after=act.id) if re.search(words, each.text)]
        assert act.reactions or len(answers) == 1

    def check_nothing(self) -> None:
        """Nothing is decided and nothing was started."""
        assert self.decisions() == []
        assert self.room.started == []


@pytest.fixture
async def cell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> AsyncIterator[Cell]:
    gate, way = request.param
    async with decision_room(tmp_path, monkeypatch) as room:
        yield Cell(room, GATES[gate], way)


def cells(time: Time) -> pytest.MarkDecorator:
    """All cells of the table's part that is about one circumstance."""
    chosen = [(gate, way) for gate, way, when in CELLS if when is time]
    return pytest.mark.parametrize(
        "cell", chosen, ids=[f"{gate}-{way}-{time}" for gate, way in chosen], indirect=True
    )


@cells(Time.RUNNING)
async def test_bot_running(cell: Cell) -> None:
    await cell.shown()
    if cell.way is Way.TERMINAL:
        await cell.at_terminal()
        await cell.room.settled()
        cell.check_decided(TERMINAL)
        return
    act = cell.decide()
    await cell.room.settled()
    cell.check_decided(ANN)
    await cell.check_answered(act, cell.gate.toast)
    assert cell.room.server.calls.rejected() == []


@cells(Time.DOWN)
async def test_bot_down(cell: Cell) -> None:
    await cell.shown()
    await cell.room.end()
    act = None if cell.way is Way.TERMINAL else cell.decide()
    if act is None:
        await cell.at_terminal()
    await cell.room.start()
    await cell.room.settled()
    cell.check_decided(TERMINAL if act is None else ANN)
    if act is not None:
        await cell.check_answered(act, cell.gate.toast)
    assert cell.room.server.calls.rejected() == []


@cells(Time.KILLED)
async def test_bot_killed(cell: Cell) -> None:
    message = await cell.shown(wanted=cell.way is Way.TERMINAL)
    act = None
    if cell.way is Way.TERMINAL:
        # It has seen what was decided, and queued what it has to say.
        await cell.room.end()
        bot = await cell.room.start(polling=False, delivering=False)
        await cell.at_terminal()
        await bot.notifier.update(await bot.fleet.sessions())
        before = message.text
        await cell.room.kill()
        assert message.text == before
    else:
        written = cell.room.die_after_writing()
        act = cell.decide()
        await asyncio.wait_for(written.wait(), WAIT)
        await cell.room.kill()
        assert message.text.startswith(cell.gate.asks)
        assert message.labels
    await cell.room.start()
    await cell.room.settled()
    cell.check_decided(TERMINAL if act is None else ANN)
    if act is not None:
        await cell.check_answered(act, f"{cell.gate.toast}|{cell.gate.before}")


@cells(Time.OLD)
async def test_message_older_than_48_h(cell: Cell) -> None:
    """Bots may edit their own messages at any age; a chat that refuses it gets a new message instead."""
    cell.room.clock.moved = -TWO_DAYS
    message = await cell.shown()
    await cell.room.end()
    cell.room.clock.moved = 0.0
    refusal = "Bad Request: message can't be edited"
    old = {str(each.id) for each in cell.room.said()}
    cell.room.server.faults.add(
        Fault(
            FaultKind.BAD_REQUEST,
            "editMessageText",
            None,
            text=refusal,
            when=lambda call: call.arguments.values.get("message_id") in old,
        )
    )
    await cell.room.start()
    if cell.way is Way.TERMINAL:
        await cell.at_terminal()
        await cell.room.settled()
    else:
        act = cell.decide()
        await cell.room.settled()
        await cell.check_answered(act, cell.gate.toast)
    via = TERMINAL if cell.way is Way.TERMINAL else ANN
    (decision,) = cell.decisions()
    assert (decision.kind, decision.via) == (cell.gate.kind, via)
    assert cell.room.started == [cell.folder.path.name]
    (said,) = [each for each in cell.room.said(after=message.id) if cell.gate.shows in each.text]
    assert said.labels == []
    again = cell.room.ann.tap_data(message, cell.old_data)
    await cell.room.server.answer_of(again, WAIT)
    assert len(cell.decisions()) == 1


@cells(Time.TWICE)
async def test_decided_twice(cell: Cell) -> None:
    await cell.shown()
    if cell.way is Way.TERMINAL:
        await cell.at_terminal()
        again = await cell.at_terminal()
        await cell.room.settled()
        cell.check_decided(TERMINAL)
        assert re.search("approved before|before already|Q1 →|continues|is running", again)
        return
    first, second = cell.decide(), cell.decide()
    await cell.room.settled()
    cell.check_decided(ANN)
    await cell.check_answered(first, cell.gate.toast)
    await cell.check_answered(second, f"{cell.gate.before}|Done already")


@cells(Time.STRANGER)
async def test_by_a_stranger(cell: Cell) -> None:
    message = await cell.shown()
    before = message.text, message.labels
    act = cell.decide(by_eve=True)
    await cell.room.settled()
    cell.check_nothing()
    assert cell.room.with_eve.from_bot() == []
    assert (message.text, message.labels) == before
    assert not isinstance(act, ButtonPress) or act.answer is None
    cell.decide()
    await cell.room.settled()
    cell.check_decided(ANN)


@cells(Time.ELSEWHERE)
async def test_decided_elsewhere(cell: Cell) -> None:
    await cell.shown()
    if cell.way is Way.TERMINAL:
        cell.way = Way.TAP
        cell.decide()
        await cell.room.settled()
        words = await cell.at_terminal()
        await cell.room.settled()
        cell.check_decided(ANN)
        assert re.search("approved before|before already|Q1 →|continues|is running", words)
        return
    await cell.at_terminal()
    act = cell.decide()
    await cell.room.settled()
    cell.check_decided(TERMINAL)
    await cell.check_answered(act, cell.gate.before)


@cells(Time.CHANGED)
async def test_changed_meanwhile(cell: Cell) -> None:
    """What was shown is not what holds now: nothing is decided, and what holds now is shown."""
    message = await cell.shown()
    change(cell.folder, cell.gate.name)
    act = cell.decide()
    await cell.room.settled()
    cell.check_nothing()
    await cell.check_answered(act, "no longer open|changed since it was shown|something else")
    (new,) = [each for each in cell.room.said(after=message.id) if each.text.startswith(cell.gate.asks)]
    assert "instead" in new.text
    assert not any(label.startswith(cell.gate.button) for label in message.labels)
    cell.room.ann.tap(new, cell.gate.button)
    await cell.room.settled()
    (decision,) = cell.decisions()
    assert (decision.kind, decision.via) == (cell.gate.kind, ANN)


@pytest.mark.parametrize("cell", [("plan", Way.TAP)], ids=["plan-tap"], indirect=True)
async def test_alert_that_is_too_late_becomes_a_message(cell: Cell) -> None:
    """Telegram takes no answer to a tap after some seconds, such as those of a bad connection."""
    message = await cell.shown()
    change(cell.folder, cell.gate.name)
    cell.room.server.world.tap_life = -1.0
    cell.decide()
    await cell.room.settled()
    cell.check_nothing()
    said = [each.text for each in cell.room.said(after=message.id)]
    assert sum("changed since it was shown" in text for text in said) == 1


async def test_suggestion_without_options_is_accepted_with_a_tap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with decision_room(tmp_path, monkeypatch) as room:
        qa = "### Q1: Which parser?\n**Suggestion:** Use `argparse` - it is there\n**Answer:** _waiting_\n"
        folder = make_session(room.sessions, phase="requirements", qa=qa)
        write_signal(folder, status="waiting", **{"for": "qa_answers"})
        await room.start()
        await room.settled()
        (asked,) = [each for each in room.said() if each.text.startswith("❓ greet asks")]
        assert asked.labels == ["✅ Accept “Use argparse - it is there”", "✍️ Answer"]
        room.ann.tap(asked, "✅ Accept")
        await room.settled()
        assert "**Answer:** Use `argparse` - it is there" in folder.qa.read_text()
        (decision,) = read_decisions(folder).decisions
        assert (decision.kind, decision.via) == (DecisionKind.ANSWER, ANN)
        assert asked.labels == []
        assert room.server.calls.rejected() == []


def test_every_cell_is_in_the_table_or_said_to_be_impossible() -> None:
    assert len(CELLS) == len(GATES) * len(Way) * len(Time) - 2 * len(GATES) - 2
    assert {way for _, way, _ in IMPOSSIBLE} <= set(Way)


# Sessions at their gates -----------------------------------------------------------------------------------------


QUESTION = """\
# Questions

### Q1: {}
A) hello
B) good day
**Suggestion:** B - polite
**Answer:** _waiting_
"""


def at_gate(sessions: Path, gate: str) -> SessionFolder:
    """Make a session that rests at a gate, as its worker left it."""
    match gate:
        case "questions":
            folder = make_session(sessions, phase="requirements", qa=QUESTION.format("Which greeting?"))
            write_signal(folder, status="waiting", **{"for": "qa_answers"})
        case "plan":
            folder = make_session(sessions, phase="planning")
            write_plan(folder)
            write_signal(folder, status="waiting", **{"for": "plan_approval"})
        case "block":
            folder = make_session(sessions, phase="testing")
            write_signal(folder, status="blocked", reason="No network here", needs="A word")
        case _:
            folder = make_session(sessions, phase="implementation")
            write_signal(folder, status="waiting", needs="Plug in the printer", **{"for": "human_action"})
    return folder


def change(folder: SessionFolder, gate: str) -> None:
    """Let something else be asked at the same gate, behind the bot's back."""
    match gate:
        case "questions":
            folder.qa.write_text(QUESTION.format("Which farewell instead?"))
        case "plan":
            write_plan(folder, PLAN.replace("Greeting script", "Farewell script instead"))
        case "block":
            write_signal(folder, status="blocked", reason="No disk instead", needs="A word")
        case _:
            text = folder.overview.read_text().replace("Total Iterations: 3", "Total Iterations: 4")
            folder.overview.write_text(text)
            write_signal(folder, status="waiting", needs="Unplug it instead", **{"for": "human_action"})
