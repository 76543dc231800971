"""What is true reaches the chat once, whatever was decided where, and whoever was down meanwhile."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from samobot.config.settings import Settings
from samobot.errors import StorageError
from samobot.fleet.models import GuidanceView, PastSession, RemarkView, SessionRef, SessionView
from samobot.fleet.results import Document, FleetEvent, FleetEventKind, LessonsView, UntrustedView
from samobot.phases import Phase, WaitingFor
from samobot.review.facts import ReviewFacts
from samobot.sandbox.botapi.chat_messages import SandboxMessage
from samobot.sandbox.botapi.chats import MemberStatus
from samobot.sandbox.botapi.faults import FaultKind
from samobot.sandbox.botapi.server import BotApiServer
from samobot.session.gate import Person
from samobot.session.journal import RunEndReason
from samobot.session.status import SessionState
from samobot.telegram.notify.notifier import _not_among
from samobot.telegram.notify.publisher import SCROLLED_AWAY
from samobot.telegram.notify.recipients import Recipients
from samobot.telegram.notify.session_notifier import SessionNotifier
from samobot.telegram.outbound.bot_client import build_bot
from samobot.telegram.store.bot_store import Store
from samobot.telegram.store.callback_data import CallbackState
from samobot.telegram.store.chat_settings import NotifyLevel
from samobot.telegram.store.sent import MessageSubject
from tests.support.chat import FakeFleet, Phone
from tests.support.views import AT, REF, asking, at_rest, blocked, ended, plan, planned, question, session

TOKEN = "42:abcdefghijklmnopqrstuvwxyz"
LATER = AT + timedelta(hours=2)
EARLIER = {"investigation": 1, "requirements": 2}
OTHER = SessionRef(project="demo", folder="26-01-15-api", name="api")

PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060"
    "0000000500010a2db4000000000049454e44ae426082"
)


@pytest.fixture
async def phone(store: Store) -> AsyncIterator[Phone]:
    async with BotApiServer() as server:
        server.add_bot(TOKEN)
        chat = server.private_chat(server.person())
        async with build_bot(TOKEN, server.url) as bot:
            store.chats.put(replace(store.chats.get(chat.id), timezone="UTC"))
            settings = Settings(telegram_chat_id=chat.id)
            yield Phone(server, chat, store, bot, FakeFleet(), settings, AT)


@pytest.fixture
async def known(phone: Phone) -> Phone:
    """A phone whose bot has seen one session run."""
    await phone.look(session(phase=Phase.REQUIREMENTS, updated=AT))
    return phone


def texts(messages: list[SandboxMessage]) -> list[str]:
    return [message.text for message in messages]


def loud(messages: list[SandboxMessage]) -> list[str]:
    return [message.text.split("\n")[0] for message in messages if not message.silent]


# The card ------------------------------------------------------------------------------------------------------


async def test_one_card_a_session_is_edited_in_place_and_continues_after_a_restart(phone: Phone) -> None:
    await phone.look(session())
    await phone.look(session(iteration=7, updated=LATER))
    phone.start()
    await phone.look(session(iteration=8, updated=LATER + timedelta(minutes=1)))
    (card,) = phone.messages
    assert "Iteration 8" in card.text
    assert (card.silent, card.edits) == (True, 2)


async def test_minutes_of_a_running_card_continue_although_nothing_is_reported(phone: Phone) -> None:
    view = session()
    await phone.look(view)
    await phone.look(view, after=timedelta(minutes=9))
    assert "9 min" in phone.one("▶️").text


def test_only_sessions_that_changed_are_compared_wherever_they_stand() -> None:
    one, two, three, changed = (at_rest(SessionState.STOPPED) for _ in range(4))  # alike, and not the same
    for views, fresh in (
        ([one, two, three], []),
        ([one, changed, three], [changed]),
        ([three, one, two], []),
        ([three, changed, one], [changed]),
        ([one, three], []),
        ([changed, one, two, three], [changed]),
    ):
        found = _not_among((one, two, three), views)
        assert list(map(id, found)) == list(map(id, fresh))


async def test_an_unchanged_session_costs_no_call(phone: Phone) -> None:
    view = asking(question())
    await phone.look(view)
    calls = len(phone.server.calls)
    for _ in range(5):
        await phone.look(view.model_copy())
    assert len(phone.server.calls) == calls


async def test_activity_is_shown_as_often_as_the_chat_can_show_it_and_never_forgotten(phone: Phone) -> None:
    others = [session(ref=SessionRef(project="demo", folder=f"f{n}", name=f"f{n}")) for n in range(9)]
    await phone.look(session(), *others)
    calls = len(phone.server.calls)
    view = session(activity="Reading README.md")
    await phone.look(view)
    assert len(phone.server.calls) == calls
    await phone.look(view, after=timedelta(seconds=9))
    assert "Reading README.md" in phone.one("▶️ greet").text
    await phone.look(session(activity="Reading README.md", iteration=7))
    assert "Iteration 7" in phone.one("▶️ greet").text


async def test_when_the_bot_goes_off_running_cards_say_so(phone: Phone) -> None:
    await phone.look(session())
    async with phone.delivering():
        phone.notifier.show_offline()
    assert "The bot is offline since" in phone.one("▶️").text


# Questions -----------------------------------------------------------------------------------------------------


async def test_a_question_goes_out_before_the_card_is_rendered(
    known: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    drained = []

    async def drain(_: float) -> bool:
        drained.append([row.key.partition(":")[0] for row in known.store.outbox.waiting(known.chat.id)])
        return True

    monkeypatch.setattr(known.outbox, "drain", drain)
    await known.notifier.update([asking(question())])
    assert drained == [["question"]]
    waiting = [row.key.partition(":")[0] for row in known.store.outbox.waiting(known.chat.id)]
    assert waiting == ["question", "card"]


async def test_questions_come_one_message_each_with_one_sound(known: Phone) -> None:
    new = await known.look(asking(question(), question(1), question(2), updated=LATER))
    assert [text.split("\n")[0] for text in texts(new)] == [f"❓ greet asks · {n} of 3" for n in (1, 2, 3)]
    assert loud(new) == ["❓ greet asks · 1 of 3"]
    about = known.store.sent.find(known.chat.id, new[1].id)
    assert about is not None
    assert (about.about.session, about.about.kind, about.about.detail["identity"]) == (
        REF.key,
        "question",
        "identity-1",
    )


async def test_a_question_shows_its_answer_wherever_it_was_given(known: Phone) -> None:
    await known.look(asking(question(), question(1), updated=LATER))
    old = [button.data for button in known.one("❓ greet asks · 1").buttons]
    answered = question(answer="A) hello", by="ann", via="terminal", at=LATER)
    assert not await known.look(asking(answered, question(1), gate="qa:identity-0-identity-1"))
    message = known.one("✅ greet · question 1")
    assert message.text.endswith("→ A  hello\nfrom the terminal, 16:00")
    assert message.labels == ["Change"]
    taps = [known.store.callbacks.peek(data) for data in old if data]
    assert {tap.state for tap in taps if tap} == {CallbackState.USED}


async def test_an_answer_can_be_changed_while_the_gate_is_open(known: Phone) -> None:
    view = asking(question(answer="A) hello", by="Ann", via="telegram", at=LATER), question(1))
    open_view = asking(question(), question(1), gate=view.gate, updated=LATER)
    await known.look(open_view)
    await known.look_at(view)
    async with known.delivering():
        await known.notifier.change_answer(REF, 0, "identity-0")
    assert known.one("❓ greet asks · 1").labels[:3] == ["A", "B ★", "C"]
    async with known.delivering():
        await known.notifier.keep_answer(REF)
    assert known.one("✅ greet · question 1").labels == ["Change"]


async def test_all_answers_are_listed_once_given_and_said_to_have_arrived_once_they_have(
    known: Phone,
) -> None:
    await known.look(asking(question(), question(1), updated=LATER))
    done = [question(n, answer="B) good day", by="Ann", via="telegram", at=LATER) for n in (0, 1)]
    going = session(phase=Phase.REQUIREMENTS, questions=tuple(done), iterations_by_phase=EARLIER)
    (receipt,) = await known.look_at(going)
    assert receipt.text.split("\n") == [
        "✅ greet has its answers",
        "Q1  B  good day",
        "Q2  B  good day",
        "It continues automatically.",
    ]
    assert receipt.silent
    assert not known.one("✅ greet · question 1").labels
    gone_on = going.model_copy(
        update={
            "phase": Phase.PLANNING,
            "iteration": 8,  # the next one has begun already
            "ended": 7,
            "iterations_by_phase": {"investigation": 1, "requirements": 3},
        }
    )
    await known.look(gone_on)
    assert known.one("✅ greet has its answers").text.endswith("✓ The agent has them, iteration 7.")


async def test_a_second_round_is_asked_with_its_own_sound(known: Phone) -> None:
    first = question(answer="A) hello", round="Round 1")
    await known.look(asking(question(round="Round 1"), updated=LATER))
    await known.look(session(phase=Phase.REQUIREMENTS, questions=(first,)))
    new = await known.look(asking(first, question(1, round="Round 2"), iteration=4))
    assert loud(new) == ["❓ greet asks"]


async def test_question_asked_again_with_the_same_text_is_sent_again(known: Phone) -> None:
    await known.look(asking(question(), updated=LATER))
    await known.look(at_rest(SessionState.STOPPED, questions=(question(),), end=ended(RunEndReason.STOPPED)))
    assert known.one("❓ greet asks").text.endswith("→ Stopped · 14:00")
    assert not known.one("❓ greet asks").labels
    new = await known.look(asking(question(), updated=LATER))
    assert loud(new) == ["❓ greet asks"]
    assert new[0].labels[0] == "A"


async def test_a_worker_that_finds_its_gate_closed_changes_nothing_in_the_chat(known: Phone) -> None:
    view = asking(question(), updated=LATER)
    await known.look(view)
    before = [
        (each.id, each.text, each.labels) for each in known.messages if each.text.startswith("❓ greet asks")
    ]
    await known.look(session(phase=Phase.REQUIREMENTS, questions=(question(),)))
    assert not await known.look(view)
    assert before == [
        (each.id, each.text, each.labels) for each in known.messages if each.text.startswith("❓ greet asks")
    ]


async def test_a_question_too_long_for_one_message_comes_in_several_with_the_buttons_below(
    known: Phone,
) -> None:
    long = question(text="Which? " + "word " * 1500)
    *parts, last = await known.look(asking(long, updated=LATER))
    assert parts
    assert all(part.silent and not part.labels for part in parts)
    assert (last.silent, last.labels[0]) == (False, "A")


# The plan ------------------------------------------------------------------------------------------------------


async def test_a_plan_comes_with_its_document_and_one_sound(known: Phone) -> None:
    file, message = await known.look(planned(plan(), updated=LATER))
    assert file.file is not None
    assert file.file.data == b"# Plan\n- [ ] a step"
    assert loud([file, message]) == ["📋 greet has a plan"]


async def test_a_plan_that_changed_is_shown_again_with_what_changed(known: Phone) -> None:
    await known.look(planned(plan("a" * 64), updated=LATER))
    known.fleet.plan = "# Plan\n- [ ] another step"
    new = await known.look(planned(plan("b" * 64)))
    assert "− a step\n+ another step" in new[-1].text
    assert "version 2" in new[-1].text
    old = known.one("📋 greet · plan")
    assert old.text.endswith("A newer version is below.")
    assert not old.labels


async def test_a_decision_on_a_plan_is_shown_where_the_plan_was(known: Phone) -> None:
    await known.look(planned(plan(), updated=LATER))
    approved = plan(verdict="approval", by="Ann", via="telegram", at=LATER)
    await known.look_at(session(phase=Phase.IMPLEMENTATION, plan=approved))
    message = known.one("✅ greet · plan")
    assert "→ Approved · you" in message.text
    assert not message.labels


async def test_a_plan_sent_back_and_shown_unchanged_is_said_again(known: Phone) -> None:
    await known.look(planned(plan(), updated=LATER))
    sent_back = plan(verdict="rejection", by="Ann", via="telegram", at=LATER, feedback="Use <argparse>")
    await known.look_at(session(phase=Phase.PLANNING, plan=sent_back))
    assert "Use <argparse>" in known.one("📋 greet · plan").text
    new = await known.look(planned(sent_back))
    assert loud(new) == ["📋 greet shows the same plan again"]


async def test_plan_approved_while_the_bot_was_down_no_longer_needs_the_user(known: Phone) -> None:
    await known.look(planned(plan(), updated=LATER))
    known.start()
    new = await known.look(session(plan=plan("b" * 64), updated=LATER), after=timedelta(hours=5))
    assert not loud(new)
    assert known.one("📋 greet · plan").text.endswith("Decided; the session has continued.")


# What holds it up, and ends ------------------------------------------------------------------------------------


async def test_block_comes_with_what_the_agent_said_and_is_closed_when_it_continues(known: Phone) -> None:
    known.fleet.said_last = "I tried *everything*."
    (message,) = await known.look(blocked(updated=LATER))
    assert loud([message]) == ["⛔ greet is blocked in testing"]
    assert "I tried everything." in message.text
    await known.look_at(session(phase=Phase.TESTING), by=Person("Ann", "telegram"))
    closed = known.one("⛔ greet is blocked in testing")
    assert closed.text.endswith("→ Continues · you, 14:00")
    assert not closed.labels


async def test_who_decided_is_said_also_where_a_poll_sees_first_what_came_of_it(known: Phone) -> None:
    await known.look(blocked(updated=LATER))
    stopped = at_rest(SessionState.STOPPED, phase=Phase.TESTING, end=ended(RunEndReason.STOPPED))
    with known.notifier.deciding(stopped.ref, Person("Ann", "telegram")):
        await known.look(stopped)
    assert known.one("⛔ greet is blocked in testing").text.endswith("→ Stopped · you, 14:00")


async def test_pause_is_over_in_its_message_once_the_session_continues(known: Phone) -> None:
    paused = at_rest(SessionState.STOPPED, end=ended(RunEndReason.PAUSED))
    await known.look(paused)
    await known.look(paused.model_copy(update={"cost_usd": 9.0}))
    assert known.one("⏸ greet is paused").labels == ["▶️ Resume", "📦 Archive"]
    await known.look_at(session(), by=Person("Ann", "telegram"))
    over = known.one("⏸ greet is paused")
    assert over.text.endswith("→ Continues · you, 14:00")
    assert not over.labels


async def test_buttons_of_a_budget_warning_are_removed_once_the_session_is_idle(known: Phone) -> None:
    for spent_so_far in (1.0, 3.0):
        await known.look(session(cost_usd=spent_so_far, budget_usd=5.0, updated=LATER))
    await known.look(session(cost_usd=3.1, budget_usd=5.0, updated=LATER))
    assert known.one("💰 greet has used 50 %").labels == ["+$5", "⏸ Pause"]
    spent = blocked("", cost_usd=6.0, budget_usd=5.0, end=ended(RunEndReason.BUDGET), updated=LATER)
    await known.look(spent)
    assert not known.one("💰 greet has used 50 %").labels
    assert known.one("💰 greet has used up its budget").labels


async def test_blocked_again_for_the_same_reason_is_said_again(known: Phone) -> None:
    await known.look(blocked(updated=LATER))
    await known.look(session(phase=Phase.TESTING))
    again = ended(RunEndReason.BLOCKED, at=AT + timedelta(minutes=5))
    assert loud(await known.look(blocked(end=again))) == ["⛔ greet is blocked in testing"]


async def test_end_is_sent_once_with_its_summary_and_a_long_one_as_document(known: Phone) -> None:
    known.fleet.summary = Document(name="summary.md", text="# Done\n\n" + "All of it works. " * 100)
    view = at_rest(SessionState.DONE, phase=Phase.DONE, end=ended(RunEndReason.DONE), updated=LATER)
    new = await known.look(view)
    assert loud(new) == ["🏁 greet is done"]
    assert new[1].file is not None
    known.start()
    assert not await known.look(view.model_copy(update={"updated": LATER + timedelta(hours=1)}))


async def test_end_comes_with_a_review_guide_whose_secrets_are_masked(known: Phone) -> None:
    known.fleet.summary = Document(name="summary.md", text="# Done\n\n" + "All of it works. " * 100)
    known.fleet.reviewed = ReviewFacts(name="greet", task="Use sk-ant-a1b2c3d4e5f6 in greet.py")
    view = at_rest(SessionState.DONE, phase=Phase.DONE, end=ended(RunEndReason.DONE), updated=LATER)
    new = await known.look(view)
    assert loud(new) == ["🏁 greet is done"]
    assert [message.text for message in new if message.file is not None] == ["🏁 greet: review guide"]
    (file,) = [message.file for message in new if message.file is not None]
    assert file.name == "review-greet.html"
    page = file.data.decode()
    assert "[Anthropic key masked]" in page
    assert "a1b2c3d4" not in page
    assert "Secrets were masked" in page


async def test_lessons_are_offered_with_the_end(known: Phone) -> None:
    known.fleet.learned = LessonsView(
        new=("`make test` needs `make db`", "/stop is **not** a command"), sha256="5"
    )
    new = await known.look(
        at_rest(SessionState.DONE, phase=Phase.DONE, end=ended(RunEndReason.DONE), updated=LATER)
    )
    assert loud(new) == ["🏁 greet is done"]
    assert new[-1].text.startswith(
        "🏁 greet noted 2 things that later sessions could use\n· `make test` needs `make db`\n"
    ), new[-1].text
    assert new[-1].labels == ["Keep for the project"]


async def test_what_is_not_trusted_is_asked_about_with_all_that_it_holds(known: Phone) -> None:
    document = Document(name="trust-ab.txt", text="the whole of it")
    item = UntrustedView(title="Settings", lines=("hooks.x = </pre>ls",), sha256="ab", document=document)
    known.fleet.not_trusted = [item, item.model_copy(update={"left_out": True})]
    remark = RemarkView(at=LATER, kind="trust", text="Not used: samobot trust")
    view = session(phase=Phase.REQUIREMENTS, remarks=(remark,), updated=LATER)
    file, asked = await known.look(view)
    assert file.file is not None
    assert file.file.data == b"the whole of it"
    assert "hooks.x = </pre>ls" in asked.text
    assert asked.labels == ["🔐 Trust exactly this", "⛔ Leave it out"]
    assert loud([file, asked]) == [asked.text.split("\n")[0]]
    assert not await known.look(view)
    # Changed and reported again, while it cannot be read: the report itself is shown.
    known.fleet.not_trusted = None
    again = remark.model_copy(update={"at": LATER + timedelta(minutes=1)})
    (shown,) = await known.look(view.model_copy(update={"remarks": (remark, again)}))
    assert "samobot trust" in shown.text


async def test_notices_that_come_together_are_all_shown(known: Phone) -> None:
    texts = [f"Hooks of the plugin {number} take part." for number in range(7)]
    remarks = tuple(RemarkView(at=LATER, kind="notice", text=text) for text in texts)
    (message,) = await known.look(session(remarks=remarks, updated=LATER))
    assert [line for line in message.text.splitlines() if "plugin" in line] == texts[2:]
    assert message.text.endswith("… and 2 more")


async def test_screenshots_come_once_with_the_end(known: Phone) -> None:
    known.fleet.shots = {"01-15-14:05-screen-login.png": PICTURE}
    done = at_rest(SessionState.DONE, phase=Phase.DONE, end=ended(RunEndReason.DONE), updated=LATER)
    new = await known.look(done)
    assert [(message.file is not None, message.text.split("\n")[0]) for message in new] == [
        (True, "🏁 greet: 01-15-14:05-screen-login.png"),
        (False, "🏁 greet is done"),
    ]
    assert loud(new) == ["🏁 greet is done"]
    # Another round with the same picture and a new one.
    known.fleet.shots["b.png"] = PICTURE + b"\0"
    known.fleet.shots["c.png"] = PICTURE + b"\0\0"
    await known.look(session(phase=Phase.TESTING, updated=LATER + timedelta(minutes=1)))
    end = ended(RunEndReason.DONE, at=LATER + timedelta(minutes=2))
    again = await known.look(done.model_copy(update={"end": end, "updated": end.at}))
    shown = [message for message in again if message.file is not None]
    assert [message.text for message in shown] == ["🏁 greet: b.png, c.png", ""]
    assert len({message.media_group_id for message in shown}) == 1
    assert all(message.silent for message in shown)


async def test_chat_that_follows_later_gets_the_screenshots_that_it_does_not_have(known: Phone) -> None:
    known.fleet.shots = {"a.png": PICTURE}
    done = at_rest(SessionState.DONE, phase=Phase.DONE, end=ended(RunEndReason.DONE), updated=LATER)
    await known.look(done)
    group = known.server.group("Team", [known.server.person("Ann")], forum=True, admin=True)
    topic = (await known.bot.create_forum_topic(group.id, "greet")).message_thread_id
    for minutes, place in ((2, (group.id, None)), (4, (group.id, topic)), (6, (known.chat.id, None))):
        known.places.follow(REF.key, *place)
        at = LATER + timedelta(minutes=minutes)
        await known.look(session(phase=Phase.TESTING, updated=at - timedelta(minutes=1)))
        end = ended(RunEndReason.DONE, at=at)
        await known.look(done.model_copy(update={"end": end, "updated": at}))
    shown = [each.thread_id for each in group.from_bot() if each.file is not None]
    assert [each.text for each in known.messages if each.file is not None] == ["🏁 greet: a.png"]
    assert shown == [None, topic]


async def test_lost_worker_is_reported_unless_it_is_restarted_anyway(known: Phone) -> None:
    assert not loud(await known.look(at_rest(SessionState.IDLE, lost=True, wanted=True)))
    assert loud(await known.look(at_rest(SessionState.IDLE, lost=True))) == [
        "⚠️ greet has lost its worker in implementation"
    ]


async def test_fleets_failure_is_loud_and_its_repair_is_not(known: Phone) -> None:
    async with known.delivering():
        known.notifier.notify_fleet_news(
            FleetEvent(ref=REF, key=REF.key, kind=kind, text="It died.")
            for kind in FleetEventKind
            if kind not in (FleetEventKind.DELIVERED, FleetEventKind.REFUSED)  # of decisions kept for a host
        )
    new = [each for each in known.messages if "It died." in each.text or "was restarted" in each.text]
    assert len(new) == 3
    assert sorted(loud(new)) == [
        "⚠️ greet could not be started",
        "⚠️ greet needs you: its worker keeps crashing",
    ]


# What is said in passing ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", NotifyLevel)
async def test_a_new_phase_is_on_the_card_and_a_message_only_where_a_chat_wants_all(
    known: Phone, level: NotifyLevel
) -> None:
    known.store.chats.put(replace(known.store.chats.get(known.chat.id), level=level))
    new = await known.look(session(phase=Phase.TESTING, updated=LATER, iterations_by_phase=EARLIER))
    assert "testing" in known.one("▶️ greet · ").text
    if level is not NotifyLevel.ALL:
        assert new == []
        return
    (message,) = new
    assert message.text.startswith("▶️ greet: testing\n●●●●◉○○\nRequirements took 2 iterations · $1.84 so far")
    assert not message.silent


async def _chatter(phone: Phone, count: int) -> None:
    async with phone.delivering():
        for number in range(count):
            phone.outbox.post(phone.chat.id, f"chatter {number}", key=f"chatter:{phone.now}:{number}")


async def test_a_card_that_has_scrolled_away_is_posted_again_when_something_happens(known: Phone) -> None:
    card = known.one("▶️ greet · ")
    await _chatter(known, SCROLLED_AWAY)
    await known.look(session(phase=Phase.PLANNING, updated=LATER))
    assert known.one("▶️ greet · ").id == card.id
    await _chatter(known, 1)
    active = session(phase=Phase.PLANNING, updated=LATER, activity="Reading main.py")
    assert await known.look(active, after=timedelta(minutes=1)) == []  # mere activity
    assert known.one("▶️ greet · ").id == card.id
    (again,) = await known.look(session(phase=Phase.TESTING, updated=LATER + timedelta(minutes=2)))
    assert again.text.startswith("▶️ greet · ")
    assert card.deleted
    assert again.silent
    assert "Pause" in again.labels[0]


async def test_cards_of_many_sessions_do_not_push_one_another_out_of_sight(known: Phone) -> None:
    card = known.one("▶️ greet · ")
    async with known.delivering():
        for number in range(SCROLLED_AWAY + 1):
            key = f"demo:other-{number}"
            known.outbox.show(known.chat.id, key, key=f"card:{key}", about=MessageSubject(key, "card"))
    assert await known.look(session(phase=Phase.TESTING, updated=LATER)) == []
    assert known.one("▶️ greet · ").id == card.id


async def test_a_card_whose_old_message_cannot_be_deleted_is_posted_again_all_the_same(known: Phone) -> None:
    await _chatter(known, SCROLLED_AWAY + 1)
    known.server.fault(FaultKind.BAD_REQUEST, "deleteMessage").text = "Bad Request: message can't be deleted"
    (again,) = await known.look(session(phase=Phase.TESTING, updated=LATER))
    assert again.text.startswith("▶️ greet · ")
    await known.look(session(phase=Phase.TESTING, iteration=9, updated=LATER + timedelta(minutes=2)))
    assert "Iteration 9" in again.text


async def test_stopped_session_is_not_announced_as_moving_to_a_phase(known: Phone) -> None:
    stopped = at_rest(SessionState.STOPPED, phase=Phase.PLANNING, end=ended(RunEndReason.STOPPED))
    await known.look(stopped)
    assert await known.look(stopped.model_copy(update={"phase": Phase.IMPLEMENTATION})) == []
    assert "implementation" in known.one("⏹ greet").text


async def test_a_session_worked_on_by_hand_shows_its_phases(phone: Phone) -> None:
    await phone.look()
    by_hand: dict[str, Any] = {"end": None, "run": None, "started": None, "iterations_by_phase": {}}
    await phone.look(at_rest(SessionState.IDLE, phase=Phase.PLANNING, updated=LATER, **by_hand))
    new = await phone.look(
        at_rest(SessionState.IDLE, phase=Phase.TESTING, updated=LATER + timedelta(minutes=1), **by_hand)
    )
    assert new == []
    assert "testing" in phone.one("💤").text


async def test_guidance_is_said_to_have_arrived_once_the_agent_had_it(known: Phone) -> None:
    item = GuidanceView(who="Ann", text="use `argparse`", given=False)
    await known.look(session(phase=Phase.REQUIREMENTS, guidance=(item,)))
    assert "For the next iteration: “use `argparse`”" in known.one("▶️").text
    given = item.model_copy(update={"given": True})
    next_one = session(phase=Phase.REQUIREMENTS, iteration=8, ended=7, guidance=(given,))
    (receipt,) = await known.look(next_one)
    assert receipt.text == "💬 greet received your message (iteration 7)\n“use `argparse`”"
    assert receipt.silent


async def test_guidance_that_a_running_agent_took_up_is_said_once(known: Phone) -> None:
    item = GuidanceView(who="Ann", text="use `argparse`", given=False, delivered=True)
    running = session(iteration=8, ended=7, steerable=True, guidance=(item,))
    assert await known.look(running) == []
    taken_up = item.model_copy(update={"delivered": False, "steered": True})
    (receipt,) = await known.look(running.model_copy(update={"guidance": (taken_up,)}))
    assert receipt.text == "💬 greet received your message (iteration 8)\n“use `argparse`”"
    ended = GuidanceView(who="Ann", text="use `argparse`", given=True)
    assert await known.look(session(iteration=9, ended=8, guidance=(ended,))) == []


async def test_reverted_forgery_is_loud_and_sent_once(known: Phone) -> None:
    remark = RemarkView(at=LATER, kind="void", text="An answer to Q1 was written by the agent.")
    new = await known.look(session(phase=Phase.REQUIREMENTS, remarks=(remark,)))
    assert loud(new) == ["⚠️ greet tried to decide for you"]
    known.start()
    assert not await known.look(session(phase=Phase.REQUIREMENTS, remarks=(remark,), updated=LATER))


async def test_money_is_warned_of_at_half_and_at_four_fifths(known: Phone) -> None:
    async def spent(usd: float) -> list[SandboxMessage]:
        return await known.look(session(phase=Phase.REQUIREMENTS, budget_usd=4.0, cost_usd=usd))

    assert not await spent(1.0)
    (half,) = await spent(2.1)
    assert (half.silent, half.text.split("\n")[0]) == (True, "💰 greet has used 50 % of its budget")
    (most,) = await spent(3.3)
    assert (most.silent, most.text.split("\n")[0]) == (False, "💰 greet has used 80 % of its budget")
    assert not await spent(3.5)


# A limit -------------------------------------------------------------------------------------------------------


async def test_limit_is_one_message_for_all_that_wait_and_one_when_they_continue(phone: Phone) -> None:
    until = AT.replace(hour=15, minute=47)
    greet = session(state=SessionState.PARKED, parked_until=until, limit="You’ve hit your session limit")
    api = greet.model_copy(update={"ref": OTHER})
    new = await phone.look(greet)
    assert loud(new) == ["🌙 Usage limit"]
    assert not loud(await phone.look(greet, api))
    board = phone.one("🌙 Usage limit")
    assert "api and greet wait. They resume automatically at 15:47." in board.text
    phone.start()
    await phone.look()
    assert phone.one("🌙 Usage limit").id == board.id
    new = await phone.look(session(), session(ref=OTHER))
    assert [message.text for message in new] == ["▶️ api and greet resume: the limit is over."]
    assert new[0].silent
    assert "→ Over" in phone.one("🌙 Usage limit").text
    assert not phone.one("🌙 Usage limit").labels


async def test_a_worker_that_dies_while_it_waits_for_a_limit_changes_no_message(phone: Phone) -> None:
    until = AT.replace(hour=15, minute=47)
    waits = session(state=SessionState.PARKED, parked_until=until, limit="You’ve hit your session limit")
    assert loud(await phone.look(waits)) == ["🌙 Usage limit"]
    told = phone.one("🌙 Usage limit").text
    died = session(state=SessionState.IDLE, lost=True, has_worker=False, wanted=True, running_since=None)
    begins = session(running_since=None)
    for view in (died, begins, waits):
        assert not loud(await phone.look(view))
        assert phone.one("🌙 Usage limit").text == told
    # Not started again, it waits no more.
    await phone.look(died.model_copy(update={"wanted": False}))
    assert "→ Over" in phone.one("🌙 Usage limit").text


# Nothing twice, nothing lost -----------------------------------------------------------------------------------


STATES: list[SessionView] = [
    asking(question(), question(1), updated=LATER),
    planned(plan(), updated=LATER),
    blocked(updated=LATER),
    at_rest(SessionState.BLOCKED, end=ended(RunEndReason.BUDGET), updated=LATER, budget_usd=1.0),
    at_rest(SessionState.DONE, phase=Phase.DONE, end=ended(RunEndReason.DONE), updated=LATER),
]


@pytest.mark.parametrize("view", STATES, ids=lambda view: str(view.gate or view.end.reason))
async def test_need_is_sent_once_although_the_bot_is_killed_after_it(known: Phone, view: SessionView) -> None:
    assert len(loud(await known.look(view))) == 1
    for _ in range(3):
        known.start()
        assert not await known.look(view.model_copy())


@pytest.mark.parametrize("view", STATES, ids=lambda view: str(view.gate or view.end.reason))
async def test_need_is_sent_although_the_bot_is_killed_before_the_delivery(
    known: Phone, view: SessionView
) -> None:
    known.fleet.put(view)
    await known.notifier.update([view])  # accepted, and nobody delivers
    known.start()
    assert len(loud(await known.look(view))) == 1


@pytest.mark.parametrize("view", STATES, ids=lambda view: str(view.gate or view.end.reason))
async def test_nothing_counts_as_sent_that_the_disk_refused(
    known: Phone, view: SessionView, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise StorageError("The disk is full.")

    with monkeypatch.context() as patched:
        patched.setattr(known.store.notified, "set", refuse)
        assert not await known.look(view)
    assert len(loud(await known.look(view))) == 1


async def test_only_the_current_state_is_sent_after_an_outage(known: Phone) -> None:
    done = [question(n, answer="A) hello") for n in (0, 1)]
    await known.look(asking(question(), question(1), updated=LATER))
    known.start()
    # Meanwhile: answered, planned, approved, implemented, and now it asks about the tests.
    view = blocked(plan=plan(verdict="approval"), questions=tuple(done), updated=LATER + timedelta(hours=9))
    new = await known.look(view, after=timedelta(hours=9))
    assert loud(new) == ["⛔ greet is blocked in testing"]


def _old(**views: SessionView) -> list[SessionView]:
    """Sessions of these names, in which nothing has happened for a week."""
    return [
        view.model_copy(
            update={
                "ref": SessionRef(project="demo", folder=name, name=name),
                "updated": AT - timedelta(days=7),
            }
        )
        for name, view in views.items()
    ]


async def test_old_sessions_have_no_message_of_their_own_when_the_bot_sees_them_for_the_first_time(
    phone: Phone,
) -> None:
    views = _old(done=at_rest(SessionState.DONE, phase=Phase.DONE), asks=asking(question()), stuck=blocked())
    (new,) = await phone.look(*views)
    assert new.text == (
        "❓ 2 sessions wait for you\n❓ asks  waits for 1 answer, for 7 d\n⛔ stuck  is blocked, for 7 d"
    )
    assert new.labels == ["asks", "stuck"]
    assert not new.silent
    assert loud(await phone.look(asking(question(), updated=AT))) == ["❓ greet asks"]


async def test_each_kind_of_need_is_in_the_summary(phone: Phone) -> None:
    (new,) = await phone.look(
        *_old(
            a=asking(question()),
            b=planned(plan()),
            c=blocked(),
            d=at_rest(SessionState.WAITING, waiting_for=WaitingFor.HUMAN_ACTION, gate="action:1"),
            e=at_rest(SessionState.BLOCKED, end=ended(RunEndReason.BUDGET)),
            f=at_rest(SessionState.BLOCKED, end=ended(RunEndReason.ITERATIONS)),
            g=at_rest(SessionState.BLOCKED, end=ended(RunEndReason.FAILED)),
            h=at_rest(SessionState.IDLE, lost=True),
        )
    )
    signs = [line.split()[0] for line in new.text.split("\n")[1:]]
    assert signs == ["❓", "📋", "⛔", "✋", "💰", "⏸", "⚠️", "⚠️"]
    assert len(new.labels) == 8


async def test_sessions_of_one_name_in_two_projects_are_both_in_the_summary(phone: Phone) -> None:
    mine, other = (*_old(greet=asking(question())), *_old(greet=planned(plan())))
    shop = SessionRef(project="shop", folder="greet", name="greet")
    (new,) = await phone.look(mine, other.model_copy(update={"ref": shop}))
    assert new.text.split("\n")[0] == "❓ 2 sessions wait for you"
    assert sorted(new.labels) == ["demo:greet", "shop:greet"]
    assert not new.silent


async def test_what_waits_is_summarized_once_also_after_restarts_and_a_week(phone: Phone) -> None:
    views = _old(asks=asking(question()), stuck=blocked())
    assert len(await phone.look(*views)) == 1
    assert not await phone.look(*views)
    phone.start()
    assert not await phone.look(*views)
    phone.start()
    assert not await phone.look(*views, after=timedelta(days=8))
    assert not await phone.look(*_old(asks=asking(question(answer="A) hello"))))
    more = _old(late=planned(plan()))
    phone.start()
    (new,) = await phone.look(*more, after=timedelta(days=8))
    assert new.text.split("\n")[0] == "❓ 1 session waits for you"
    assert new.labels == ["late"]


async def test_the_summary_comes_when_all_sessions_have_been_read(phone: Phone) -> None:
    first, second = _old(asks=asking(question()), stuck=blocked())
    unread = [PastSession(second.ref.key, second.updated)]
    async with phone.delivering():
        await phone.notifier.update([phone.fleet.put(first)], unread)
    assert not phone.messages
    async with phone.delivering():
        await phone.notifier.update([first, phone.fleet.put(second)], [])
    (new,) = phone.messages
    assert new.labels == ["asks", "stuck"]


async def test_a_kill_before_the_summary_is_noted_neither_loses_nor_repeats_it(
    phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    views = _old(asks=asking(question()))

    def refuse(*args: object, **kwargs: object) -> None:
        raise StorageError("The disk is full.")

    with monkeypatch.context() as patched:
        patched.setattr(SessionNotifier, "save_states", refuse)
        with pytest.raises(StorageError):
            await phone.look(*views)
    assert not phone.messages
    phone.start()
    assert len(await phone.look(*views)) == 1


@pytest.mark.parametrize(
    ("view", "shown"),
    [
        (asking(question(), question(1)), ["❓ f asks · 1 of 2", "❓ f asks · 2 of 2"]),
        (planned(plan()), ["📎 📋 f: the whole plan", "📋 f has a plan"]),
        (blocked(), ["⛔ f is blocked in testing"]),
    ],
    ids=["questions", "plan", "block"],
)
async def test_what_was_only_summarized_is_shown_when_it_is_asked_for(
    phone: Phone, view: SessionView, shown: list[str]
) -> None:
    (view,) = _old(f=view)
    assert len(await phone.look(view)) == 1
    seen = max(message.id for message in phone.messages)
    for _ in range(2):
        async with phone.delivering():
            await phone.notifier.unmute(view.ref)
    new = [message.text.split("\n")[0] for message in phone.messages if message.id > seen]
    assert new == shown


async def test_session_finished_while_the_bot_was_down_is_reported(phone: Phone) -> None:
    await phone.look()
    phone.start()
    view = at_rest(SessionState.DONE, phase=Phase.DONE, end=ended(RunEndReason.DONE), updated=LATER)
    assert loud(await phone.look(view, after=timedelta(hours=3))) == ["🏁 greet is done"]


async def test_a_poll_that_was_overtaken_by_a_decision_takes_nothing_back(known: Phone) -> None:
    stale = asking(question(), question(1), updated=LATER)
    await known.look(stale)
    fresh = asking(
        question(answer="A) hello", by="Ann", via="telegram", at=LATER), question(1), gate=stale.gate,
        updated=LATER + timedelta(seconds=1),
    )  # fmt: skip
    await known.look_at(fresh)
    async with known.delivering():
        await known.notifier.update([stale.model_copy(update={"cost_usd": 9.0})])
    assert known.one("✅ greet · question 1").labels == ["Change"]


async def test_what_is_shown_of_a_session_that_is_gone_is_closed(known: Phone) -> None:
    await known.look(blocked(updated=LATER))
    known.fleet.views.clear()
    await known.look()
    await known.look(after=timedelta(minutes=11))
    assert known.one("💤 greet is gone")
    assert not known.one("⛔ greet is blocked").labels
    assert known.store.notified.get(REF.key) is None


async def test_a_session_removed_while_the_bot_was_down_is_closed_too(known: Phone) -> None:
    await known.look(blocked(updated=LATER))
    known.fleet.views.clear()
    known.start()
    await known.look(after=timedelta(hours=1))
    await known.look(after=timedelta(minutes=11))
    assert not known.one("⛔ greet is blocked").labels
    assert known.store.notified.get(REF.key) is None


async def test_nothing_counts_as_sent_without_a_chat(phone: Phone) -> None:
    phone.settings = Settings()
    phone.start()
    await phone.look(asking(question(), updated=AT))
    phone.store.people.add_user(phone.chat.id)
    assert loud(await phone.look()) == ["❓ greet asks"]


# Where, and by itself ------------------------------------------------------------------------------------------


async def test_session_started_in_a_group_is_reported_there_with_the_names_of_who_decided(
    phone: Phone,
) -> None:
    group = phone.server.group("Team", [phone.server.person("Ann")])
    phone.places.follow(REF.key, group.id)
    await phone.look(asking(question(), question(1), updated=AT))
    answered = question(answer="A) hello", by="Ann", via="telegram", at=AT)
    await phone.look(asking(answered, question(1), gate="qa:identity-0-identity-1"))
    assert not phone.messages
    assert any("Ann, 14:00" in message.text for message in group.from_bot())


async def test_what_a_group_that_removed_the_bot_can_no_longer_hear_reaches_the_owner(phone: Phone) -> None:
    person = phone.server.person("Ann")
    group = phone.server.group("Team", [person])
    phone.places.follow(REF.key, group.id)
    await phone.look(session(updated=AT))
    person.set_bot_status(group, MemberStatus.KICKED)
    waiting = asking(question(), updated=AT)
    assert not await phone.look(waiting), "it is not known yet"
    (asked,) = [message for message in await phone.look() if not message.silent]
    assert asked.text.startswith("❓ greet asks")
    assert not await phone.look(), "nothing is repeated"
    person.set_bot_status(group, MemberStatus.MEMBER)
    phone.outbox.revive(group.id)
    await phone.look(
        asking(question(answer="A) hello", by="Ann", via="telegram", at=AT), updated=AT, gate=None)
    )
    assert "→ A  hello" in asked.text
    assert "hello" in group.from_bot()[-1].text
    assert not asked.buttons


def test_paired_users_hear_what_no_paired_group_can(store: Store) -> None:
    places = Recipients(store, Settings())
    for group in (-1, -2):
        store.people.add_group(group)
    store.people.add_user(11)
    store.chats.block(-1)
    assert [place.chat_id for place in places.of(REF.key)] == [-2, -1]
    store.chats.block(-2)
    assert [place.chat_id for place in places.of(REF.key)] == [-2, -1, 11]
    store.chats.unblock(-2)
    assert [place.chat_id for place in places.of(REF.key)] == [-2, -1]


async def test_session_started_so_decides_automatically_after_an_announced_delay(known: Phone) -> None:
    view = planned(plan(), auto=True, updated=LATER)
    await known.look(view)
    assert "It is approved at 14:10 unless you say otherwise." in known.one("📋 greet has a plan").text
    await known.look(view, after=timedelta(minutes=5))
    assert not known.fleet.decided
    await known.look(view, after=timedelta(minutes=5))
    assert known.fleet.decided == [("approve", plan().sha256)]


async def test_user_can_turn_automatic_decisions_off(known: Phone) -> None:
    view = asking(question(), auto=True, updated=LATER)
    await known.look(view)
    assert "✋ Wait for me" in known.one("❓ greet asks").labels
    async with known.delivering():
        await known.notifier.auto_off(REF)
    assert "✋ Wait for me" not in known.one("❓ greet asks").labels
    await known.look(view, after=timedelta(hours=1))
    assert not known.fleet.decided


async def test_a_bot_that_was_down_lets_taps_come_first_before_it_decides(known: Phone) -> None:
    view = planned(plan(), auto=True, updated=LATER)
    await known.look(view)
    known.start()
    await known.look(view, after=timedelta(hours=5))
    assert not known.fleet.decided
    await known.look(view, after=timedelta(seconds=61))
    assert known.fleet.decided == [("approve", plan().sha256)]


async def test_suggestions_are_accepted_automatically_for_the_questions_that_were_shown(known: Phone) -> None:
    view = asking(question(), auto=True, updated=LATER)
    await known.look(view)
    await known.look(view, after=timedelta(minutes=9))
    await known.look(view, after=timedelta(minutes=2))
    assert known.fleet.decided[0] == ("accept", question().identity)
    assert question().identity


async def test_what_cannot_be_decided_automatically_is_left_to_the_user(known: Phone) -> None:
    known.fleet.refuse = True
    view = asking(question(), auto=True, updated=LATER)
    await known.look(view)
    await known.look(view, after=timedelta(minutes=9))
    await known.look(view, after=timedelta(minutes=2))
    assert "✋ Wait for me" not in known.one("❓ greet asks").labels


async def test_open_questions_without_a_suggestion_are_never_decided_automatically(known: Phone) -> None:
    view = asking(question(), question(1, suggestion=None, reason=""), auto=True, updated=LATER)
    await known.look(view)
    await known.look(view, after=timedelta(days=2))
    assert not known.fleet.decided


async def test_phase_that_is_over_is_not_sent_after_the_end(known: Phone) -> None:
    known.store.chats.put(replace(known.store.chats.get(known.chat.id), level=NotifyLevel.ALL))
    await known.notifier.update([known.fleet.put(session(phase=Phase.PLANNING, updated=LATER))])
    view = at_rest(SessionState.DONE, phase=Phase.DONE, updated=LATER + timedelta(seconds=2))
    await known.notifier.update([known.fleet.put(view)])
    async with known.delivering():
        pass
    assert loud(known.messages) == ["🏁 greet is done"]
    assert not any("greet: planning" in text for text in texts(known.messages))


async def test_worker_that_dies_repeatedly_is_reported_in_one_message(known: Phone) -> None:
    async with known.delivering():
        for _ in range(3):
            known.now += timedelta(seconds=10)
            text = "Its worker had died and was started again."
            known.notifier.notify_fleet_news(
                [FleetEvent(ref=REF, key=REF.key, kind=FleetEventKind.RESTARTED, text=text)]
            )
            assert await known.outbox.drain(20)
    (message,) = [each for each in known.messages if "worker crashed" in each.text]
    assert "crashed 3 times" in message.text
    known.now += timedelta(minutes=11)
    async with known.delivering():
        known.notifier.notify_fleet_news(
            [FleetEvent(ref=REF, key=REF.key, kind=FleetEventKind.RESTARTED, text="")]
        )
    assert sum("worker crashed" in text for text in texts(known.messages)) == 2


async def test_sessions_of_one_name_in_two_projects_are_distinguished(known: Phone) -> None:
    await known.look(asking(question(), updated=LATER))
    assert known.one("❓ greet asks")
    other = SessionRef(project="shop", folder="26-01-15-greet", name="greet")
    await known.look(planned(plan(), ref=other, updated=LATER))
    assert known.one("📋 shop:greet has a plan").labels
    assert known.one("❓ demo:greet asks").labels  # also what stood in the chat already
    cards = [
        message.text.split("\n")[0]
        for message in known.messages
        if "\nWaits for" in message.text or "\nWaiting for" in message.text
    ]
    assert cards == ["❓ demo:greet", "📋 shop:greet"]


async def test_a_name_is_short_again_once_it_is_the_only_one(known: Phone) -> None:
    mine = asking(question(), updated=LATER)
    await known.look(
        mine, planned(plan(), ref=SessionRef(project="shop", folder="26-01-15-greet", name="greet"))
    )
    del known.fleet.views["shop:26-01-15-greet"]
    await known.look(mine)
    assert known.one("❓ greet asks")


async def test_reported_session_becomes_past_and_still_reports_later_events(known: Phone) -> None:
    done = session(phase=Phase.DONE, state=SessionState.DONE, updated=AT)
    await known.look(done)
    known.fleet.idle = True
    assert await known.look(after=timedelta(hours=2)) == []
    assert [each.key for each in known.fleet.past.values()] == [done.ref.key]
    assert [row.session for row in known.store.past.all()] == [done.ref.key]
    assert await known.look(after=timedelta(hours=2)) == []  # neither gone nor said again
    known.start()
    assert await known.look(after=timedelta(hours=2)) == []
    blocked = session(
        phase=Phase.DONE, state=SessionState.BLOCKED, reason="the key is missing", updated=known.now
    )
    (message,) = await known.look(blocked)
    assert "the key is missing" in message.text
