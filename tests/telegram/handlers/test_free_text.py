"""Plain words: what they are taken for, and what is offered where that is not certain."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from samobot.session.folder import SessionFolder
from samobot.telegram.store.bot_store import Store
from tests.support.phone import Phone, open_phone


@pytest.fixture
async def phone(tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Phone]:
    async for made in open_phone(tmp_path, store, monkeypatch):
        yield made


def _labels(phone: Phone, words: str) -> list[str]:
    keys = (phone.last(words).post.markup or {})["inline_keyboard"]
    return [key["text"] for row in keys for key in row]


async def _needing(phone: Phone, name: str = "human") -> Path:
    """A session that waits for somebody to do something, shown as message 50."""
    folder = phone.session(
        name,
        blocked="waiting_human",
        signal='{"status": "waiting", "for": "human_action", "summary": "Create the bucket"}',
    )
    SessionFolder(folder).prepare()
    await phone.context.notifier.update(await phone.context.fleet.sessions())
    phone.deliver(phone.last("Then tap Done"), 50)
    return folder


async def test_a_letter_alone_is_offered_as_the_answer_to_each_open_question(phone: Phone) -> None:
    folder = phone.asking()
    assert (await phone.say("B"))[0] == "Which question of demo is “B” the answer to?"
    await phone.tap(phone.last("Which question"), "Q1")
    assert "B) blue" in (folder / "_qa.md").read_text().partition("Q2")[0].partition("**Answer")[2]


async def test_text_alone_is_offered_as_an_answer_to_each_open_question_and_as_guidance(
    phone: Phone,
) -> None:
    folder = phone.asking()
    await phone.say("as many as there are")
    assert _labels(phone, "What is this for?") == [
        "▶️ New session",
        "✍️ demo Q1: Which colour?",
        "✍️ demo Q2: How many?",
        "💬 Guidance for demo",
        "Cancel",
    ]
    await phone.tap(phone.last("What is this for?"), "✍️ demo Q2")
    assert "as many as there are" in (folder / "_qa.md").read_text()


async def test_what_is_nearly_a_command_is_hinted_at_and_still_offered(phone: Phone) -> None:
    assert await phone.say("statsu") == ["Did you mean /status? Commands begin with a slash."]
    phone.session("demo", blocked="yes", signal='{"status": "blocked", "reason": "no key"}')
    (said,) = [text for text in await phone.say("statsu") if "slash" in text]
    assert said.startswith("Did you mean /status? Commands begin with a slash.\nIs that for demo?")
    assert _labels(phone, "Is that for demo?") == ["💬 Guidance for demo", "Cancel"]


@pytest.mark.parametrize("word", ["done", "Done!", "OK", "yes."])
async def test_done_said_in_reply_does_what_the_button_does(phone: Phone, word: str) -> None:
    folder = await _needing(phone)
    await phone.say(word, reply_to=50)
    (view,) = await phone.context.fleet.sessions()
    assert (view.waiting_for, view.wanted) == (None, True)
    assert '"action_done"' in (folder / "_decisions.jsonl").read_text()
    assert not (folder / "_guidance.md").exists()


async def test_done_said_twice_is_no_guidance(phone: Phone) -> None:
    folder = await _needing(phone)
    await phone.say("done", reply_to=50)
    phone.desired_runs.drop("repo:26-01-31-human")
    await phone.say("done", reply_to=50)
    assert len((folder / "_decisions.jsonl").read_text().splitlines()) == 1
    assert not (folder / "_guidance.md").exists()


async def test_other_text_is_guidance_and_the_reply_shows_that_it_still_waits(phone: Phone) -> None:
    folder = await _needing(phone)
    said = await phone.say("done is only half of it", reply_to=50)
    assert "Noted. human still waits until what it needs is done." in said
    assert "done is only half of it" in (folder / "_guidance.md").read_text()
    (view,) = await phone.context.fleet.sessions()
    assert not view.wanted
    await phone.tap(phone.last("still waits"), "✅ Done")
    (view,) = await phone.context.fleet.sessions()
    assert view.wanted


async def test_done_said_to_nothing_is_offered_as_that(phone: Phone) -> None:
    await _needing(phone)
    await phone.say("done")
    assert _labels(phone, "Is that for human?") == ["✅ human: done", "💬 Guidance for human", "Cancel"]


async def test_sentence_that_begins_with_a_commands_name_is_text_and_a_name_behind_it_makes_it_a_command(
    phone: Phone,
) -> None:
    phone.planned()
    assert "Is that for demo?" in (await phone.say("plan looks good"))[0]
    for words in ("plan", "plan demo"):
        assert "Commands begin with a slash: /plan" in (await phone.say(words))[0]


@pytest.mark.parametrize(
    ("text", "first", "second"),
    [
        ("Q2: four of them", "", "four of them"),
        ("q1 b", "B) blue", ""),
        ("Q1: A\nQ2: as many as there are", "A) red", "as many as there are"),
    ],
)
async def test_text_that_names_the_open_question_of_the_only_session_that_asks_is_its_answer(
    phone: Phone, text: str, first: str, second: str
) -> None:
    folder = phone.asking()
    await phone.say(text)
    one, two = (folder / "_qa.md").read_text().split("### Q2")
    assert f"**Answer:** {first or '_waiting_'}" in one
    assert f"**Answer:** {second or '_waiting_'}" in two


@pytest.mark.parametrize("text", ["Q2 roadmap page", "Q7: a page", "look at Q1: it is wrong"])
async def test_text_that_may_be_something_else_is_asked_about(phone: Phone, text: str) -> None:
    folder = phone.asking()
    before = (folder / "_qa.md").read_text()
    await phone.say(text)
    assert (folder / "_qa.md").read_text() == before
    assert "Cancel" in _labels(phone, "for")


async def test_a_label_is_asked_about_with_two_sessions_that_ask(phone: Phone) -> None:
    folders = [phone.asking(), phone.asking("other")]
    await phone.say("Q1: A")
    assert all((folder / "_qa.md").read_text().count("_waiting_") == 2 for folder in folders)
    assert "✍️ other Q1: Which colour?" in _labels(phone, "What is this for?")
