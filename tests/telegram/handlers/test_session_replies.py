"""Replies to what the bot says about a session: what they do, and what they are never taken for."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from samobot.session.folder import SessionFolder
from samobot.session.journal import EventName, append
from samobot.session.lock import RunLock
from samobot.session.status import SessionState
from samobot.telegram.store.bot_store import Store
from samobot.telegram.store.outbox_rows import Op, OutboxRow, Priority
from samobot.telegram.store.sent import MessageSubject, SentMessage
from tests.support.phone import CHAT, NOW, PLAN, Phone, open_phone

CARD = 60
PLAN_MESSAGE = 51


@pytest.fixture
async def phone(tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Phone]:
    async for made in open_phone(tmp_path, store, monkeypatch):
        yield made


def _decisions(folder: Path) -> list[str]:
    file = folder / "_decisions.jsonl"
    return [json.loads(line)["kind"] for line in file.read_text().splitlines()] if file.exists() else []


def _reactions(phone: Phone) -> list[str]:
    return [row.post.text for row in phone.store.outbox.waiting(CHAT) if row.op is Op.REACT]


def _card(phone: Phone, name: str = "demo") -> None:
    subject = MessageSubject(f"repo:26-01-31-{name}", "card")
    phone.store.sent.put(SentMessage(CHAT, CARD, "card", subject, None, "", 0.0))


async def _plan(phone: Phone) -> Path:
    folder = phone.planned()
    await phone.context.notifier.update(await phone.context.fleet.sessions())
    phone.deliver(phone.last("has a plan"), PLAN_MESSAGE)
    _card(phone)
    return folder


def _labels(row: OutboxRow) -> list[str]:
    return [key["text"] for keys in (row.post.markup or {})["inline_keyboard"] for key in keys]


@pytest.mark.parametrize(
    "text", ["LGTM 👍", "ok", "approve", "si, adelante", "passt", "да", "👍", "Looks good to me!"]
)
async def test_assent_in_reply_to_a_plan_approves_it(phone: Phone, text: str) -> None:
    folder = await _plan(phone)
    await phone.say(text, reply_to=PLAN_MESSAGE)
    assert _decisions(folder) == ["approval"]
    assert not (folder / "_guidance.md").exists()


@pytest.mark.parametrize(
    "text",
    [
        "yes, but use argparse",
        "LGTM, except phase 2",
        "ok?",
        "👍 but skip the docs",
        "no, it's fine",
        "tip top",
        "how nice, I want this",
        "What will it cost, and who wrote step 3?",
    ],
)
async def test_assent_with_a_condition_is_asked_about_before_anything_is_written(
    phone: Phone, text: str
) -> None:
    folder = await _plan(phone)
    said = await phone.say(text, reply_to=PLAN_MESSAGE)
    assert any("Approve the plan of demo, or change it?" in each for each in said)
    assert _decisions(folder) == []
    asked = phone.last("or change it?")
    assert _labels(asked) == ["✅ Approve", "✏️ Request changes"]
    await phone.tap(asked, "✏️ Request changes")
    assert _decisions(folder) == ["rejection"]
    assert text in (folder / "_guidance.md").read_text()


async def test_assent_to_a_plan_that_has_changed_since_approves_nothing_and_offers_it(phone: Phone) -> None:
    folder = await _plan(phone)
    (folder / "01-31-11:30-plan-greeting.md").write_text(PLAN + "- [ ] delete the internet\n")
    said = await phone.say("LGTM", reply_to=PLAN_MESSAGE)
    assert any("has changed since. Approve it as it is now?" in each for each in said)
    assert _decisions(folder) == []
    await phone.tap(phone.last("Approve it as it is now?"), "✅ Approve")
    assert _decisions(folder) == ["approval"]


async def test_assent_to_a_plan_that_was_decided_already_is_no_guidance(phone: Phone) -> None:
    folder = await _plan(phone)
    await phone.say("LGTM", reply_to=PLAN_MESSAGE)
    phone.desired_runs.drop("repo:26-01-31-demo")
    await phone.say("LGTM", reply_to=PLAN_MESSAGE)
    assert _decisions(folder) == ["approval"]
    assert not (folder / "_guidance.md").exists()


async def test_assent_to_the_card_of_a_session_with_a_plan_is_asked_about(phone: Phone) -> None:
    folder = await _plan(phone)
    said = await phone.say("go ahead", reply_to=CARD)
    assert any("Does that approve the plan of demo?" in each for each in said)
    assert _decisions(folder) == []
    await phone.tap(phone.last("Does that approve"), "✅ Approve")
    assert _decisions(folder) == ["approval"]


@pytest.mark.parametrize("text", ["nothing, looks good", "lgtm", "ok"])
async def test_assent_to_the_question_what_to_change_is_no_rejection(phone: Phone, text: str) -> None:
    folder = await _plan(phone)
    await phone.say("/reject")
    await phone.say(text)
    assert _decisions(folder) == ["approval"]


async def test_a_bare_no_to_a_plan_asks_what_should_be_different(phone: Phone) -> None:
    folder = await _plan(phone)
    said = await phone.say("no", reply_to=PLAN_MESSAGE)
    assert any("What should be different?" in each for each in said)
    assert _decisions(folder) == []
    await phone.say("use argparse")
    assert _decisions(folder) == ["rejection"]


async def test_assent_without_a_reply_is_offered_as_approval(phone: Phone) -> None:
    folder = await _plan(phone)
    await phone.say("lgtm")
    await phone.tap(phone.last("Is that for demo?"), "✅ Approve the plan of demo")
    assert _decisions(folder) == ["approval"]


def _blocked(phone: Phone) -> Path:
    folder = phone.session("demo", blocked="yes", signal='{"status": "blocked", "reason": "no key"}')
    SessionFolder(folder).prepare()
    _card(phone)
    return folder


@pytest.mark.parametrize("text", ["stop", "STOP!!", "Stop.", "please stop", "⏹", "stop demo!!1"])
async def test_stop_command_in_reply_to_a_card_stops(phone: Phone, text: str) -> None:
    folder = _blocked(phone)
    await phone.say(text, reply_to=CARD)
    await phone.context.background.finish(5)
    assert any("is stopped" in row.post.text for row in phone.store.outbox.waiting(CHAT))
    assert not (folder / "_guidance.md").exists()
    (view,) = await phone.context.fleet.sessions()
    assert view.state is SessionState.STOPPED


async def test_a_request_that_may_be_guidance_is_asked_about_before_anything_is_written(phone: Phone) -> None:
    folder = _blocked(phone)
    for text in ("sotp", "⛔", "stop redis", "raise it to $5"):
        said = await phone.say(text, reply_to=CARD)
        assert any(text in each for each in said)
        assert "💬 Guidance for demo" in _labels(phone.last(text))
    assert _labels(phone.last("sotp"))[0] == "⏹ Stop demo"
    assert _labels(phone.last("raise it"))[0] == "💰 +5.00 for it"
    assert not (folder / "_guidance.md").exists()
    assert _decisions(folder) == []
    await phone.tap(phone.last("stop redis"), "💬 Guidance")
    assert "stop redis" in (folder / "_guidance.md").read_text()


async def test_what_names_no_amount_is_asked_about_if_money_is_missing(phone: Phone) -> None:
    folder = SessionFolder(phone.session("demo"))
    folder.prepare()
    append(folder, EventName.RUN_START, NOW, run="r", pid=1, budget_usd=3)
    append(folder, EventName.ITERATION_END, NOW, n=1, phase="planning", cost_usd=3.5)
    append(folder, EventName.RUN_END, NOW, reason="budget", text="spent", exit_code=13)
    await phone.context.notifier.update(await phone.context.fleet.sessions())
    phone.deliver(phone.last("used up its budget"), 50)
    for text in ("ten dollars", "10?", "yes", "more", "1k", "50 cents", "-5"):
        assert any("names no amount" in each for each in await phone.say(text, reply_to=50)), text
    assert not folder.guidance.exists()
    assert _labels(phone.last("-5"))[0] == "+$5"
    said = await phone.say("use a cheaper model for the tests from now on", reply_to=50)
    assert any("stays paused until there is more money" in each for each in said)
    assert "cheaper model" in folder.guidance.read_text()
    await phone.say("10 pls", reply_to=50)
    (view,) = await phone.context.fleet.sessions()
    assert (view.budget_usd, view.wanted) == (10.0, True)


@pytest.mark.parametrize("text", ["status", "status?", "how is it going?", "status demo"])
async def test_a_question_for_the_status_in_reply_to_a_card_shows_it(phone: Phone, text: str) -> None:
    folder = _blocked(phone)
    said = await phone.say(text, reply_to=CARD)
    assert any("demo · repo" in each for each in said)
    assert not (folder / "_guidance.md").exists()
    assert _reactions(phone) == []


async def test_pause_in_reply_to_a_card_that_does_not_run_is_no_guidance_and_gets_no_receipt(
    phone: Phone,
) -> None:
    folder = _blocked(phone)
    said = await phone.say("pause", reply_to=CARD)
    assert said
    assert not (folder / "_guidance.md").exists()


@pytest.mark.parametrize("text", ["yes, mock it", "use the staging key", "skip them", "yes"])
async def test_an_answer_to_a_block_is_guidance_and_resumes(phone: Phone, text: str) -> None:
    folder = _blocked(phone)
    await phone.context.notifier.update(await phone.context.fleet.sessions())
    phone.deliver(phone.last("is blocked"), 50)
    await phone.say(text, reply_to=50)
    assert text in (folder / "_guidance.md").read_text()
    assert _decisions(folder) == ["retry"]
    (view,) = await phone.context.fleet.sessions()
    assert view.wanted
    assert _reactions(phone) == ["👍"]


async def test_try_again_in_reply_to_a_block_resumes_without_guidance(phone: Phone) -> None:
    folder = _blocked(phone)
    await phone.say("try again", reply_to=CARD)
    assert _decisions(folder) == ["retry"]
    assert not (folder / "_guidance.md").exists()


async def test_guidance_for_a_stopped_session_reports_that_it_stays_stopped(phone: Phone) -> None:
    folder = _blocked(phone)
    await phone.say("stop", reply_to=CARD)
    await phone.context.background.finish(5)
    said = await phone.say("use the staging key", reply_to=CARD)
    assert "use the staging key" in (folder / "_guidance.md").read_text()
    assert any("stays stopped until /resume" in each for each in said)


@pytest.mark.parametrize("text", ["/stop.", "/stop!", "/stop demo.", "/stop .", "/STOP…"])
async def test_punctuation_after_a_command_is_ignored(phone: Phone, text: str) -> None:
    _blocked(phone)
    await phone.say(text)
    await phone.context.background.finish(5)
    assert any(
        "demo is stopped" in row.post.text.replace("<b>", "").replace("</b>", "")
        for row in phone.store.outbox.waiting(CHAT)
    )


async def test_punctuation_after_all_is_ignored(phone: Phone) -> None:
    _blocked(phone)
    assert any("Nothing is running" in each for each in await phone.say("/stop all!"))


@pytest.mark.parametrize("chatter", ["and make it fast", "/status", "reply"])
async def test_what_came_of_a_stop_overtakes_queued_chatter(phone: Phone, chatter: str) -> None:
    _blocked(phone)
    for number in range(20):
        if chatter == "reply":
            await phone.say(f"remember {number}", reply_to=CARD)
        else:
            await phone.say(chatter)
    await phone.say("/stop demo")
    await phone.context.background.finish(5)
    rows = list(phone.store.outbox.waiting(CHAT))
    place = next(number for number, row in enumerate(rows) if "is stopped" in row.post.text)
    assert rows[place].priority is Priority.NEEDED
    assert place <= 3


@pytest.mark.parametrize(
    ("command", "state"),
    [
        ("/pause demo", "running"),
        ("/now demo use argparse", "running"),
        ("/answer demo Q1 B", "asking"),
        ("/answer demo all", "asking"),
        ("/approve demo", "planned"),
        ("/reject demo shorter", "planned"),
    ],
)
async def test_the_receipt_of_what_took_effect_overtakes_queued_chatter(
    phone: Phone, command: str, state: str
) -> None:
    make = {"asking": phone.asking, "planned": phone.planned}
    folder = SessionFolder(make[state]() if state in make else phone.session("demo"))
    folder.prepare()
    _card(phone)
    lock = RunLock.acquire(folder, NOW) if state == "running" else None
    for number in range(8):
        await phone.say(f"remember {number}", reply_to=CARD)
        await phone.say(f"what is {number}?")
    chatter = {row.id for row in phone.store.outbox.waiting(CHAT)}
    await phone.say(command)
    await phone.context.background.finish(5)
    if lock is not None:
        lock.release()
    rows = list(phone.store.outbox.waiting(CHAT))
    receipts = (number for number, row in enumerate(rows) if row.post.reply_to == 1000 + phone.number)
    place = next(receipts)
    assert rows[place].op is Op.REACT
    assert not any(row.id in chatter and row.priority is not Priority.NEEDED for row in rows[:place])


def _answers(folder: Path) -> str:
    return " | ".join(line for line in (folder / "_qa.md").read_text().splitlines() if "Answer:" in line)


async def _question(phone: Phone) -> Path:
    folder = phone.asking()
    await phone.context.notifier.update(await phone.context.fleet.sessions())
    phone.deliver(phone.last("Which colour?"), 50)
    return folder


@pytest.mark.parametrize(
    ("text", "answers"),
    [
        ("B", ("B) blue", "_waiting_")),
        ("Q1: B\nQ2: put it in tools/", ("B) blue", "put it in tools/")),
        ("Q1 B and Q2 seven", ("B) blue", "seven")),
        ("Q1=B Q2=use port 9000", ("B) blue", "use port 9000")),
        ("Q1: a", ("A) red", "_waiting_")),
        ("Q2: seven", ("_waiting_", "seven")),
        ("В", ("B) blue", "_waiting_")),
        ("turquoise with dots", ("turquoise with dots", "_waiting_")),
    ],
)
async def test_a_reply_to_a_question_is_split_at_the_labels(
    phone: Phone, text: str, answers: tuple[str, str]
) -> None:
    folder = await _question(phone)
    await phone.say(text, reply_to=50)
    found = _answers(folder).split(" | ")
    assert all(answer in line for answer, line in zip(answers, found, strict=True)), found


async def test_a_request_in_reply_to_a_question_is_asked_about_before_it_is_an_answer(phone: Phone) -> None:
    folder = await _question(phone)
    for text in ("stop!", "status?"):
        said = await phone.say(text, reply_to=50)
        assert any(f"Is “{text}” the answer to Q1?" in each for each in said)
    assert _answers(folder).count("_waiting_") == 2
    await phone.tap(phone.last("Is “stop!” the answer"), "✍️ Answer to Q1")
    assert "stop!" in _answers(folder)


async def test_a_numbered_list_in_reply_to_a_question_is_asked_about_before_it_is_written(
    phone: Phone,
) -> None:
    folder = await _question(phone)
    text = "1: the first colour that fits\n2: and then the next one"
    said = await phone.say(text, reply_to=50)
    assert any("Is all of it the answer to Q1?" in each for each in said)
    assert _answers(folder).count("_waiting_") == 2
    await phone.tap(phone.last("Is all of it"), "✍️ All of it for Q1")
    assert "and then the next one" in (folder / "_qa.md").read_text().partition("Q2")[0]
    assert _answers(folder).count("_waiting_") == 1
