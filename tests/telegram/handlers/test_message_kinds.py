"""Every place × every kind of message × every state: the right thing, never silence; and nothing for a stranger.

The table is `EXPECTED`. A test is one place and state; it goes through all kinds, each of which leaves the state as it was.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import pytest

from samobot.sandbox.botapi.chat_messages import SandboxMessage
from samobot.sandbox.botapi.chats import MediaKind, SandboxChat
from samobot.sandbox.botapi.user import UserClient
from samobot.session.folder import SessionFolder
from samobot.session.guidance import parse_guidance
from tests.support.decision_room import WAIT, DecisionRoom, decision_room
from tests.support.session_folder import write_signal
from tests.telegram.handlers.test_message_files import QA, png


class Place(StrEnum):
    PRIVATE = "private"
    GROUP = "group"
    TOPIC = "topic"


class Kind(StrEnum):
    TEXT = "text"
    PHOTO = "photo with a caption"
    ALBUM = "album"
    DOCUMENT = "document"
    VOICE = "voice"
    FORWARD = "forward"
    EDIT = "edit"
    QUOTE = "quote"
    SPLIT = "split"


class State(StrEnum):
    NONE = "no session"
    PROMPT = "prompt open"
    QUESTION = "question open"
    RUNNING = "running"
    DONE = "done"


class Outcome(StrEnum):
    """What a message comes to.

    OFFERED: a message with buttons, the first of which starts a session; nothing is done without a tap.
    ASKED: the same, but about the session alone: an answer, guidance, another round.
    GUIDED: it is guidance for the session.
    SAID: a sentence.
    """

    OFFERED = "offered"
    ASKED = "asked"
    GUIDED = "guided"
    SAID = "said"


N, A, G, S = Outcome.OFFERED, Outcome.ASKED, Outcome.GUIDED, Outcome.SAID
#                           text ph al do vo fw ed qu sp
EXPECTED: dict[tuple[Place, State], tuple[Outcome, ...]] = {
    (Place.PRIVATE, State.NONE): (N, N, N, N, N, N, N, N, N),
    (Place.PRIVATE, State.PROMPT): (G, G, G, G, S, A, S, G, G),
    (Place.PRIVATE, State.QUESTION): (N, N, N, N, N, N, N, G, N),
    (Place.PRIVATE, State.RUNNING): (N, N, N, N, N, N, N, G, N),
    (Place.PRIVATE, State.DONE): (N, N, N, N, N, N, N, A, N),
    (Place.GROUP, State.NONE): (N, N, N, N, N, N, N, N, N),
    (Place.GROUP, State.PROMPT): (G, G, G, G, S, N, S, G, G),
    (Place.GROUP, State.QUESTION): (G, G, G, G, S, N, S, G, G),
    (Place.GROUP, State.RUNNING): (G, G, G, G, S, N, S, G, G),
    (Place.GROUP, State.DONE): (A, A, A, A, S, N, A, A, A),
    (Place.TOPIC, State.NONE): (N, N, N, N, N, N, N, N, N),
    (Place.TOPIC, State.PROMPT): (G, G, G, G, S, A, S, G, G),
    (Place.TOPIC, State.QUESTION): (A, A, A, A, S, N, A, G, A),
    (Place.TOPIC, State.RUNNING): (G, G, G, G, S, N, S, G, G),
    (Place.TOPIC, State.DONE): (A, A, A, A, S, N, A, A, A),
}


def test_every_cell_is_in_the_table() -> None:
    assert EXPECTED.keys() == {(place, state) for place in Place for state in State}
    assert all(len(row) == len(Kind) for row in EXPECTED.values())


@dataclass
class Scene:
    """A place with a session in a state.

    Attributes:
        room: Everybody.
        place: Where.
        state: What is the matter.
        thread: The topic that is typed in.
        card: The session's card, None without a session.
    """

    room: DecisionRoom
    place: Place
    state: State
    thread: int | None = None
    card: SandboxMessage | None = None

    @property
    def chat(self) -> SandboxChat:
        return self.room.chat

    @property
    def folder(self) -> SessionFolder:
        (path,) = self.room.sessions.glob("*-greet")
        return SessionFolder(path)

    def guidance(self) -> int:
        if self.state is State.NONE or not self.folder.guidance.exists():
            return 0
        return len(parse_guidance(self.folder.guidance.read_text()))

    async def open(self) -> None:
        """Bring everything into the state."""
        room = self.room
        if self.place is not Place.PRIVATE:
            forum = self.place is Place.TOPIC
            group = room.server.group("Team", [room.ann, room.eve], forum=forum, admin=True)
            allowed = {"telegram_chat_id": group.id, "telegram_allowed_users": (room.ann.id,)}
            room.settings = room.settings.model_copy(update=allowed)
            room.chat = group
        await room.start()
        if self.state is State.NONE:
            if self.place is Place.TOPIC:
                self.thread = room.server.world.add_topic(self.chat, "Bugs", room.ann.user).id
            return
        room.ann.say("/run greet: Add a greeting script", self.chat)
        await room.settled()
        self.thread = next(iter(self.chat.topics), None)
        if self.state in (State.QUESTION, State.DONE):
            self._end_worker()
        await room.settled()
        self.card = next(each for each in reversed(self.chat.from_bot()) if each.buttons)

    def _end_worker(self) -> None:
        for lock in self.room._locks:
            lock.release()
        self.room._locks.clear()
        folder = self.folder
        phase, blocked = ("requirements", "waiting_human") if self.state is State.QUESTION else ("done", "no")
        text = folder.overview.read_text()
        folder.overview.write_text(
            text.replace("Phase: investigation", f"Phase: {phase}").replace(
                "Blocked: no", f"Blocked: {blocked}"
            )
        )
        if self.state is State.QUESTION:
            folder.qa.write_text(QA)
            write_signal(folder, status="waiting", **{"for": "qa_answers"})
        else:
            write_signal(folder, status="done", summary="All done")

    async def send(self, kind: Kind, who: UserClient) -> SandboxMessage:
        """Send a message of a kind as somebody would in this place; returns the last that was sent."""
        chat, thread = self.chat, self.thread
        target = await self._target(who)
        called = "" if self.place is Place.PRIVATE or target is not None else "@samo_bot "
        if who is not self.room.ann and self.place is Place.PRIVATE:
            chat, target = self.room.with_eve, None
        caption = f"{called}make the greeting friendlier"
        match kind:
            case Kind.TEXT | Kind.EDIT:
                sent = who.say(caption, chat, reply_to=target, thread_id=thread)
                if kind is Kind.EDIT:
                    if who is self.room.ann:
                        await self.room.settled()
                    self.room.clock.moved += 5
                    who.edit(sent, f"{called}make the greeting much friendlier")
                return sent
            case Kind.PHOTO:
                return who.send(
                    MediaKind.PHOTO, png(), "photo.jpg", caption, chat, reply_to=target, thread_id=thread
                )
            case Kind.ALBUM:
                return who.send_album([png(1), png(2)], caption, chat, reply_to=target, thread_id=thread)[0]
            case Kind.DOCUMENT:
                return who.send(
                    MediaKind.DOCUMENT, b"log", "trace.log", caption, chat, reply_to=target, thread_id=thread
                )
            case Kind.VOICE:
                return who.send(
                    MediaKind.VOICE,
                    b"OggS",
                    "",
                    called.strip(),
                    chat,
                    seconds=2,
                    reply_to=target,
                    thread_id=thread,
                )
            case Kind.FORWARD:
                told = self.room.eve.say(f"{called}it greets nobody", self.room.with_eve)
                return who.forward(told, chat, thread_id=thread)
            case Kind.QUOTE:
                about = target or (self._current_card() if self.card is not None else None)
                if about is None or who is not self.room.ann:
                    return who.say(caption, chat, thread_id=thread)
                return who.say(
                    caption, chat, reply_to=about, quote=about.text.split("\n")[0], thread_id=thread
                )
            case Kind.SPLIT:
                long = f"{called}" + "make the greeting friendlier, please\n" * 130
                first, *rest = [long[:4_090], long[4_090:]]
                sent = who.say(first, chat, reply_to=target, thread_id=thread)
                for part in rest:
                    who.say(part, chat, thread_id=thread)
                return sent

    async def _target(self, who: UserClient) -> SandboxMessage | None:
        """What is replied to: the prompt, or in a group the session's card, as people do there."""
        if who is not self.room.ann:
            return None
        if self.state is State.PROMPT:
            last = self.chat.from_bot()[-1].id
            self.room.ann.tap(self._current_card(), "💬 Guidance")
            prompt = await self.chat.wait_for(lambda message: message.asks_reply, WAIT, after=last)
            return prompt if self.place is Place.GROUP else None
        return self._current_card() if self.place is Place.GROUP and self.card is not None else None

    def _current_card(self) -> SandboxMessage:
        """The session's card, which may have been posted again at the end of the chat."""
        cards = [each for each in self.chat.from_bot() if "greet · demo" in each.text and each.buttons]
        return cards[-1] if cards else self.card or self.chat.from_bot()[-1]


@pytest.fixture
async def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[DecisionRoom]:
    async with decision_room(tmp_path, monkeypatch) as made:
        yield made


@pytest.mark.slow
@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("place", Place)
async def test_each_kind_of_message_comes_to_the_right_thing(
    room: DecisionRoom, place: Place, state: State
) -> None:
    scene = Scene(room, place, state)
    await scene.open()
    found = {kind: await _outcome(scene, kind) for kind in Kind}
    assert found == dict(zip(Kind, EXPECTED[place, state], strict=True))


async def _outcome(scene: Scene, kind: Kind) -> Outcome | str:
    room = scene.room
    guided = scene.guidance()
    before = {each.id for each in room.said()}
    sent = await scene.send(kind, room.ann)
    await room.settled()
    said = [
        each
        for each in room.said()
        if each.id not in before and not each.asks_reply and "greet · demo" not in each.text
    ]
    sessions = len(list(room.sessions.glob("*-*")))
    assert sessions == (0 if scene.state is State.NONE else 1), "nothing starts without a tap"
    offer = next((each.labels for each in reversed(said) if "Cancel" in each.labels), None)
    await _cancel(room, said)
    if offer is not None:
        assert scene.guidance() == guided
        return Outcome.OFFERED if offer[0].startswith("▶️ New session") else Outcome.ASKED
    if scene.guidance() > guided and kind not in (Kind.VOICE, Kind.EDIT):
        assert sent.reactions, "a receipt"
        return Outcome.GUIDED
    return Outcome.SAID if said or sent.reactions else "silence"


async def _cancel(room: DecisionRoom, said: list[SandboxMessage]) -> None:
    for each in said:
        if "Cancel" in each.labels:
            room.ann.tap(each, "Cancel")
    await room.settled()


@pytest.mark.parametrize("place", Place)
async def test_a_stranger_gets_nothing_whatever_they_send(room: DecisionRoom, place: Place) -> None:
    scene = Scene(room, place, State.RUNNING)
    await scene.open()
    before = [each.id for each in room.said()]
    guided = scene.guidance()
    sent = [await scene.send(kind, room.eve) for kind in Kind]
    await room.settled()
    assert [each.id for each in room.said()] == before
    assert room.with_eve.from_bot() == []
    assert not any(each.reactions for each in sent)
    assert scene.guidance() == guided
    assert not list(scene.folder.path.glob("*-from-you-*"))
