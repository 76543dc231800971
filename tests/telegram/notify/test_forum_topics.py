"""A topic a session: opened with it, everything about it goes there, what is typed there is for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from samobot.config.modes import TopicMode
from samobot.sandbox.botapi.chat_messages import SandboxMessage
from samobot.sandbox.botapi.chats import TOPIC_ICONS, MemberStatus, SandboxChat, Topic
from samobot.session.folder import SessionFolder
from samobot.telegram.notify import forum_topics
from samobot.telegram.store.bot_store import Store
from samobot.telegram.store.session_chats import SessionTopic
from tests.support.decision_room import DecisionRoom, decision_room
from tests.support.session_folder import write_signal
from tests.support.views import session

QA = "### Q1: Which colour?\nA) red\nB) blue\n**Answer:** _waiting_\n"


@pytest.fixture
async def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[DecisionRoom]:
    async with decision_room(tmp_path, monkeypatch) as made:
        yield made


def _team(room: DecisionRoom, *, admin: bool = True) -> SandboxChat:
    """Let the bot work in a group with topics."""
    forum = room.server.group("Team", [room.ann], forum=True, admin=admin)
    allowed = {"telegram_chat_id": forum.id, "telegram_allowed_users": (room.ann.id,)}
    room.settings = room.settings.model_copy(update=allowed)
    room.chat = forum
    return forum


def _private(room: DecisionRoom) -> SandboxChat:
    """Let the bot's private chats have topics."""
    room.server.world.bots[room.settings.telegram_bot_token].has_topics = True
    return room.chat


async def _run(room: DecisionRoom, text: str = "/run greet: Add a greeting") -> Topic:
    """Start a session in the chat; returns its topic."""
    room.ann.say(text, room.chat)
    await room.settled()
    return next(topic for topic in room.chat.topics.values() if topic.name in text)


def _in(chat: SandboxChat, topic: Topic | None) -> list[SandboxMessage]:
    """What the bot has written in a topic, or outside of all."""
    number = topic.id if topic is not None else None
    found = [each for each in chat.from_bot() if each.thread_id == number]
    return [each for each in found if not each.text.startswith("📂")]


def _folder(room: DecisionRoom, name: str = "greet") -> SessionFolder:
    (path,) = room.sessions.glob(f"*-{name}")
    return SessionFolder(path)


def _ask(room: DecisionRoom) -> None:
    """Let the session wait for an answer."""
    folder = _folder(room)
    for lock in room._locks:
        lock.release()
    room._locks.clear()
    folder.qa.write_text(QA)
    text = folder.overview.read_text()
    folder.overview.write_text(
        text.replace("Phase: investigation", "Phase: requirements").replace(
            "Blocked: no", "Blocked: waiting_human"
        )
    )
    write_signal(folder, status="waiting", **{"for": "qa_answers"})


@pytest.mark.parametrize("place", ["group", "private"])
async def test_a_session_gets_a_topic_in_which_everything_about_it_is(room: DecisionRoom, place: str) -> None:
    chat = _team(room) if place == "group" else _private(room)
    await room.start()
    topic = await _run(room)
    # A worker that is quick is running at the first look, and then its notice comes before the card.
    assert any(each.text.startswith("▶️ greet") for each in _in(chat, topic))
    assert _in(chat, None) == []
    _ask(room)
    await room.look()
    await room.settled()
    assert any("Which colour?" in each.text for each in _in(chat, topic))
    assert _in(chat, None) == []
    room.ann.say("B", chat, thread_id=topic.id)
    await room.settled()
    assert "**Answer:** B" in _folder(room).qa.read_text()


async def test_what_is_typed_in_a_topic_is_for_its_session(room: DecisionRoom) -> None:
    chat = _team(room)
    await room.start()
    topics = [await _run(room, f"/run {name}: Add a greeting") for name in ("one", "two")]
    room.ann.say("use argparse", chat, thread_id=topics[1].id)
    room.ann.say("/status", chat, thread_id=topics[0].id)
    await room.settled()
    assert "use argparse" in _folder(room, "two").guidance.read_text()
    assert not _folder(room, "one").guidance.exists()
    assert _in(chat, topics[0])[-1].text.startswith("▶️ one")
    room.ann.say("/run three: And another one", chat, thread_id=topics[0].id)
    await room.settled()
    assert sorted(each.name for each in chat.topics.values()) == ["one", "three", "two"]


async def test_an_unclear_text_in_the_topic_of_a_session_that_asks_is_asked_about(
    room: DecisionRoom,
) -> None:
    chat = _team(room)
    await room.start()
    topic = await _run(room)
    _ask(room)
    await room.look()
    room.ann.say("a warm one, please", chat, thread_id=topic.id)
    await room.settled()
    asked = _in(chat, topic)[-1]
    assert asked.labels == ["✍️ Answer to greet Q1", "💬 Guidance for greet", "Cancel"]
    room.ann.tap(asked, "✍️ Answer to greet Q1")
    await room.settled()
    assert "a warm one, please" in _folder(room).qa.read_text()


async def test_the_topic_is_closed_with_the_archive_and_opened_again(room: DecisionRoom) -> None:
    chat = _team(room)
    await room.start()
    topic = await _run(room)
    _ask(room)
    await room.look()
    assert topic.icon, "its icon shows that it asks"
    before = topic.icon
    room.ann.say("/archive greet", chat)
    await room.settled()
    room.ann.tap(room.said()[-1], "📦 Archive")
    await room.settled()
    assert chat.topics[topic.id].closed
    room.ann.say("/restore greet", chat)
    await room.settled()
    assert not chat.topics[topic.id].closed
    assert topic.icon == before
    assert any("Which colour?" in each.text for each in _in(chat, topic)[-3:])


async def test_a_deleted_topic_is_said_once_and_the_chat_takes_its_place(room: DecisionRoom) -> None:
    chat = _team(room)
    await room.start()
    topic = await _run(room)
    room.server.world.delete_topic(chat, topic)
    _ask(room)
    await room.look()
    await room.settled()
    said = [each.text for each in _in(chat, None)]
    assert said.count("The topic of greet is gone or closed. Its messages come here now.") == 1
    assert sum("Which colour?" in text for text in said) == 1
    room.ann.say("/stop greet", chat)
    await room.settled()
    said = [each.text for each in _in(chat, None)]
    assert sum("is gone or closed" in text for text in said) == 1


async def test_a_topic_that_is_closed_to_the_bot_is_like_a_deleted_one(room: DecisionRoom) -> None:
    chat = _team(room)
    await room.start()
    topic = await _run(room)
    chat.members[room.server.world.bots[room.settings.telegram_bot_token].user.id] = MemberStatus.MEMBER
    topic.closed = True
    _ask(room)
    await room.look()
    await room.settled()
    assert any("Which colour?" in each.text for each in _in(chat, None))


async def test_missing_rights_are_said_once_and_sessions_start_without_topics(room: DecisionRoom) -> None:
    chat = _team(room, admin=False)
    room.server.world.bots[room.settings.telegram_bot_token].privacy = False
    await room.start()
    for name in ("one", "two"):
        room.ann.say(f"/run {name}: Add a greeting", chat)
        await room.settled()
    said = [each.text for each in _in(chat, None)]
    assert sum("I may not manage topics" in text for text in said) == 1
    assert sum(text.startswith("▶️ ") for text in said) == 2
    assert chat.topics == {}


@pytest.mark.parametrize("why", ["off", "no forum"])
async def test_without_topics_everything_is_as_before(room: DecisionRoom, why: str) -> None:
    chat = room.chat
    if why == "off":
        chat = _team(room)
        room.settings = room.settings.model_copy(update={"samobot_topics": TopicMode.OFF})
    await room.start()
    room.ann.say("/run greet: Add a greeting", chat)
    await room.settled()
    assert any(each.text.startswith("▶️ greet") for each in _in(chat, None))
    assert not room.server.calls.of("createForumTopic")


async def test_no_topic_stays_of_a_session_that_was_not_started(
    room: DecisionRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat = _team(room)
    bot = await room.start()

    async def refuse(*_: object) -> None:
        raise OSError("no room")

    monkeypatch.setattr(bot.fleet, "start", refuse)
    room.ann.say("/run greet: Add a greeting", chat)
    await room.settled()
    assert chat.topics == {}
    assert len(room.server.calls.of("createForumTopic")) == 1


async def test_topics_survive_a_restart_and_a_migration(tmp_path: Path) -> None:
    store = Store(tmp_path / "state")
    topic = SessionTopic("demo:26-01-31-greet", -5, 77, "❓")
    store.session_topics.set(topic)
    store.close()
    store = Store(tmp_path / "state")
    assert store.session_topics.find(-5, 77) == topic
    with store.transaction(durable=True):
        store.migrations.add(-5, -1005)
    store.close()
    store = Store(tmp_path / "state")
    moved = store.session_topics.get(topic.session)
    assert moved is not None
    assert moved.chat_id == -1005
    store.session_topics.drop(topic.session)
    assert store.session_topics.all() == ()
    store.close()


def test_the_icon_is_one_that_telegram_has_for_topics() -> None:
    known = set(TOPIC_ICONS.values())
    assert {
        *forum_topics._NEEDS.values(),
        forum_topics._AT_WORK,
        forum_topics._DONE,
        forum_topics._AT_REST,
    } <= known
    assert forum_topics.icon_of(session()) in known
