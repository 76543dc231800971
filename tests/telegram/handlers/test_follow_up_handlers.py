"""Following up on a finished session in the chat: after a tap or a command, never by chatter."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from samobot.session.gate import Person
from samobot.telegram.store.bot_store import Store
from samobot.telegram.store.sent import MessageSubject, SentMessage
from tests.support.phone import CHAT, Phone, open_phone


@pytest.fixture
async def phone(tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Phone]:
    async for made in open_phone(tmp_path, store, monkeypatch):
        subject = MessageSubject("repo:26-01-31-greet", "done")
        store.sent.put(SentMessage(CHAT, 60, "done", subject, None, "", 0.0))
        made.session("greet", phase="done", signal='{"status": "done"}')
        yield made


def overview(phone: Phone) -> str:
    return (phone.root / "sessions-repo" / "26-01-31-greet" / "_overview.md").read_text()


async def test_followup_command_begins_a_round(phone: Phone) -> None:
    said = await phone.say("/followup greet Add a --shout flag")
    assert "greet continues with your follow-up" in said[0]
    assert phone.precedes_alert("continues with your follow-up")
    assert "Phase: requirements" in overview(phone)
    assert "Round 2, Ann: Add a --shout flag" in overview(phone)
    (view,) = await phone.context.fleet.sessions()
    assert (await phone.context.fleet.view(view.ref)).wanted


async def test_round_from_a_terminal_is_reported_in_the_chat_once(phone: Phone) -> None:
    (view,) = await phone.context.fleet.sessions()
    await phone.context.notifier.refresh(view.ref)
    phone.now += timedelta(minutes=1)
    phone.new()
    await phone.context.fleet.follow_up(view.ref, "Add a --shout flag", Person("root", "terminal"))
    for _ in range(2):
        await phone.context.notifier.refresh(view.ref)
    said = [row.post.text for row in phone.new()]
    assert sum("It continues with a follow-up. (root, from the terminal)" in each for each in said) == 1
    assert phone.precedes_alert("It continues with a follow-up.")


async def test_button_asks_for_the_task(phone: Phone) -> None:
    await phone.say("/followup greet")
    assert "What should be done next" in phone.last("greet").post.text
    await phone.say("Add a --shout flag")
    assert "Round 2, Ann: Add a --shout flag" in overview(phone)


async def test_reply_to_the_end_is_offered_as_a_follow_up_and_starts_nothing_before_a_tap(
    phone: Phone,
) -> None:
    before = overview(phone)
    (offered,) = await phone.say("Please add a --shout flag", reply_to=60)
    assert "greet is done. Follow up with this?" in offered
    assert overview(phone) == before
    await phone.tap(phone.last("Follow up with this?"), "🔁 Follow up")
    assert "Please add a --shout flag" in overview(phone)


@pytest.mark.parametrize("text", ["thanks", "thank you", "great job"])
async def test_thanks_in_reply_to_the_end_are_no_task(phone: Phone, text: str) -> None:
    before = overview(phone)
    said = await phone.say(text, reply_to=60)
    assert not any("Follow up with this?" in each for each in said)
    assert overview(phone) == before


async def test_session_that_is_not_done_is_not_followed_up(phone: Phone) -> None:
    phone.session("busy")
    said = await phone.say("/followup busy more")
    assert any("busy is not done yet" in each for each in said)


async def test_run_of_a_done_session_offers_both(phone: Phone) -> None:
    await phone.say("/run greet: Add a --shout flag")
    await phone.tap(phone.last("or start a new session?"), "🔁 Follow up on greet")
    assert "Round 2, Ann: Add a --shout flag" in overview(phone)


async def test_run_of_a_done_sessions_name_and_more_words_asks_which_is_meant(phone: Phone) -> None:
    before = overview(phone)
    (said,) = await phone.say("/run greet Add a --shout flag")
    assert "greet is done. What is “greet Add a --shout flag” for?" in said
    assert overview(phone) == before
    await phone.tap(phone.last("What is “greet"), "🔁 Follow up on greet")
    assert "Round 2, Ann: Add a --shout flag" in overview(phone)


@pytest.mark.parametrize("way", ["command", "prompt", "reply", "run"])
async def test_no_questions_begins_a_round_in_planning(phone: Phone, way: str) -> None:
    match way:
        case "command":
            await phone.say("/followup greet --no-questions Add a flag")
        case "prompt":
            await phone.say("/followup greet —no-questions")
            await phone.say("Add a flag")
        case "reply":
            await phone.say("--no-questions Add a flag", reply_to=60)
            await phone.tap(phone.last("Follow up with this?"), "🔁 Follow up")
        case _:
            await phone.say("/run greet: Add a flag --no-questions")
            await phone.tap(phone.last("or start a new session?"), "🔁 Follow up on greet")
    assert "Phase: planning" in overview(phone)
    assert "Round 2, Ann: Add a flag" in overview(phone)


async def test_no_questions_is_refused_for_a_new_session(phone: Phone) -> None:
    (said,) = await phone.say("/run repo:other --no-questions Add a flag")
    assert "--no-questions is for another round of a session that is done" in said
