"""Words that were asked for: what completes the question, what settles it, and what stands in spite of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from samobot.telegram.handlers.prompts import PROMPT_SECONDS
from samobot.telegram.store.bot_store import Store
from samobot.telegram.store.sent import MessageSubject, SentMessage
from tests.support.phone import CHAT, PLAN, QA, Phone, open_phone
from tests.telegram.conftest import ManualClock

TEAM = -5


@pytest.fixture
async def phone(tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Phone]:
    async for made in open_phone(tmp_path, store, monkeypatch):
        yield made


async def _sessions(phone: Phone) -> list[str]:
    await phone.context.background.finish(20)
    return [view.ref.name for view in await phone.context.fleet.sessions()]


@pytest.mark.parametrize(
    "command", ["/status", "/help", "/run repo:greet Add a greeting", "/statsu", "/stop all"]
)
async def test_text_after_a_command_is_not_for_what_was_asked_before_it(phone: Phone, command: str) -> None:
    await phone.say("/run")
    await phone.say(command)
    await phone.say("thanks looks good")
    assert "thanks" not in await _sessions(phone)


async def test_text_after_a_tap_is_not_for_what_was_asked_before_it(phone: Phone) -> None:
    phone.asking()
    await phone.context.notifier.update(await phone.context.fleet.sessions())
    await phone.say("/run")
    await phone.tap(phone.last("Which colour?"), "B")
    await phone.say("thanks looks good")
    assert await _sessions(phone) == ["demo"]


async def test_text_after_a_reply_elsewhere_is_not_for_what_was_asked_before_it(phone: Phone) -> None:
    phone.asking()
    await phone.context.notifier.update(await phone.context.fleet.sessions())
    phone.deliver(phone.last("Which colour?"), 50)
    await phone.say("/run")
    await phone.say("B", reply_to=50)
    await phone.say("thanks looks good")
    assert await _sessions(phone) == ["demo"]


async def test_in_a_group_only_a_reply_completes_what_was_asked(phone: Phone) -> None:
    assert "What should be done" in (await phone.say("/run", group=TEAM))[0]
    assert await phone.say("hello everybody", group=TEAM) == []
    assert await _sessions(phone) == []
    (asked,) = [row for row in phone.store.outbox.waiting(TEAM) if "What should be done" in row.post.text]
    phone.store.sent.put(SentMessage(TEAM, 90, asked.key, asked.about, None, "", 0.0))
    await phone.say("repo:greet Add a greeting", group=TEAM, reply_to=90)
    assert await _sessions(phone) == ["greet"]


async def test_what_is_said_minutes_later_is_no_answer_unless_it_replies(
    phone: Phone, clock: ManualClock
) -> None:
    await phone.say("/run")
    phone.deliver(phone.last("What should be done"), 90)
    clock.now += PROMPT_SECONDS + 1
    await phone.say("repo:thanks a lot")
    assert await _sessions(phone) == []
    await phone.say("repo:greet Add a greeting", reply_to=90)
    assert await _sessions(phone) == ["greet"]


async def test_a_tapped_answer_stands_whatever_is_said_until_it_is_to_be_changed(phone: Phone) -> None:
    folder = phone.asking()
    await phone.context.notifier.update(await phone.context.fleet.sessions())
    question = phone.last("Which colour?")
    await phone.tap(question, "✍️ Other")
    phone.deliver(phone.last("Your answer?"), 90)
    await phone.tap(question, "B")
    await phone.say("what is going on?")
    said = await phone.say("what is going on?", reply_to=90)
    assert any("Q1 is answered already: B) blue. Tap Change" in text for text in said)
    assert "what is going on" not in (folder / "_qa.md").read_text()


async def test_answer_that_is_to_be_changed_takes_the_next_message(phone: Phone) -> None:
    folder = phone.asking()
    await phone.context.notifier.update(await phone.context.fleet.sessions())
    question = phone.last("Which colour?")
    phone.deliver(question, 50)
    await phone.tap(question, "B")
    await phone.tap(phone.last("→ B"), "Change")
    await phone.tap(phone.last("Which colour?"), "✍️ Other")
    await phone.say("turquoise")
    assert "turquoise" in (folder / "_qa.md").read_text()


async def test_feedback_is_refused_once_the_plan_is_approved(phone: Phone) -> None:
    folder = phone.planned()
    await phone.say("/reject")
    phone.deliver(phone.last("What should be different?"), 90)
    await phone.say("/approve")
    (folder / "01-31-11:30-plan-greeting.md").write_text(PLAN.replace("[ ] write", "[x] write"))
    assert not any("has changed" in text for text in await phone.say("looks great"))
    (said,) = await phone.say("looks great", reply_to=90)
    assert said == (
        "The plan of demo was approved by Ann already; nothing waits for it. Your message was not used."
    )
    await phone.tap(phone.last("was approved by Ann"), "💬 Guidance for demo")
    assert "looks great" in (folder / "_guidance.md").read_text()


async def test_what_cannot_be_done_is_reported_once_and_no_longer_asked(phone: Phone) -> None:
    folder = phone.planned()
    await phone.say("/reject")
    (folder / "01-31-11:30-plan-greeting.md").write_text(PLAN + "- [ ] delete the internet\n")
    said = await phone.say("shorter")
    assert any("The plan has changed since it was shown; look at it again." in text for text in said)
    assert not any("has changed" in text for text in await phone.say("what now?"))


async def test_a_reply_to_the_card_while_something_is_asked_is_for_the_card(phone: Phone) -> None:
    folder = phone.session("demo", blocked="yes", signal='{"status": "blocked", "reason": "no key"}')
    phone.store.sent.put(
        SentMessage(CHAT, 60, "card", MessageSubject("repo:26-01-31-demo", "card"), None, "", 0.0)
    )
    await phone.say("/run")
    await phone.say("use the other key", reply_to=60)
    assert "use the other key" in (folder / "_guidance.md").read_text()
    await phone.say("thanks a lot")
    assert await _sessions(phone) == ["demo"]


@pytest.mark.parametrize("by_reply", [True, False])
async def test_a_second_reply_to_what_was_answered_starts_nothing(phone: Phone, by_reply: bool) -> None:
    await phone.say("/run")
    phone.deliver(phone.last("What should be done"), 90)
    await phone.say("repo:greet Add a greeting", reply_to=90 if by_reply else None)
    await phone.say("repo:thanks looks good", reply_to=90)
    assert await _sessions(phone) == ["greet"]


async def test_a_reply_after_the_answer_to_what_it_led_to_starts_nothing_either(phone: Phone) -> None:
    await phone.say("/run")
    phone.deliver(phone.last("What should be done"), 90)
    await phone.say("repo:greet", reply_to=90)
    phone.deliver(phone.last("What should be done?"), 91)
    await phone.say("Add a greeting", reply_to=91)
    for message in (90, 91):
        await phone.say("repo:thanks looks good", reply_to=message)
    assert await _sessions(phone) == ["greet"]


async def test_what_should_be_different_counts_for_a_plan_that_waits_in_a_stopped_session(
    phone: Phone,
) -> None:
    folder = phone.planned()
    await phone.say("/reject")
    phone.deliver(phone.last("What should be different?"), 90)
    await phone.say("/stop demo")
    await phone.context.background.finish(20)
    assert not any("not used" in text for text in await phone.say("shorter", reply_to=90))
    assert "shorter" in (folder / "_guidance.md").read_text()


async def test_feedback_that_comes_again_after_a_crash_is_not_said_to_be_unused(phone: Phone) -> None:
    folder = phone.planned()
    await phone.say("/reject")
    phone.deliver(phone.last("What should be different?"), 90)
    await phone.say("shorter", reply_to=90)
    assert not any("not used" in text for text in await phone.say("shorter", reply_to=90))
    assert (folder / "_guidance.md").read_text().count("shorter") == 1
    assert len((folder / "_decisions.jsonl").read_text().splitlines()) == 1


async def test_an_answer_that_comes_after_the_agent_has_another_can_be_guidance(phone: Phone) -> None:
    folder = phone.session(
        "demo", phase="requirements", blocked="waiting_human", qa=QA.split("### Q2")[0],
        signal='{"status": "waiting", "for": "qa_answers", "summary": "Asked"}',
    )  # fmt: skip
    await phone.context.notifier.update(await phone.context.fleet.sessions())
    await phone.tap(phone.last("Which colour?"), "✍️ Other")
    (folder / "_qa.md").write_text((folder / "_qa.md").read_text().replace("_waiting_", "B) blue"))
    (folder / "_signal.json").unlink()
    said = await phone.say("turquoise")
    assert said[-1] == "Q1 is answered already: B) blue. Your message was not used."
    await phone.tap(phone.last("Your message was not used"), "💬 Guidance for demo")
    assert "turquoise" in (folder / "_guidance.md").read_text()
    assert "turquoise" not in (folder / "_qa.md").read_text()


async def test_reply_to_a_prompt_that_was_never_confirmed_is_not_for_another_one(phone: Phone) -> None:
    folders = [phone.asking("alpha"), phone.asking("bravo")]
    await phone.say("/answer alpha Q2")
    await phone.say("/answer bravo Q2")
    said = await phone.say("for alpha", reply_to=60, reply_text="✍️ alpha · Q2\nWhom?\nYour answer?")
    assert said[-1].startswith("What is this for?\n“for alpha”")
    assert [(folder / "_decisions.jsonl").exists() for folder in folders] == [False, False]
    await phone.tap(phone.last("What is this for?"), "✍️ Use it for bravo")
    assert [(folder / "_decisions.jsonl").exists() for folder in folders] == [False, True]


async def test_reply_to_a_prompt_that_was_never_confirmed_completes_it_if_it_is_the_last(
    phone: Phone,
) -> None:
    folder = phone.asking("alpha")
    [asked] = await phone.say("/answer alpha Q2")
    await phone.say("for alpha", reply_to=60, reply_text=asked)
    assert '"for alpha"' in (folder / "_decisions.jsonl").read_text()
