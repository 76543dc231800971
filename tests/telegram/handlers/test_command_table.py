"""The table of commands, and what each does short of a running agent; the outbox's rows are what is said."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import re
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from samobot.errors import ConflictError, StorageError
from samobot.fleet.models import SessionRef
from samobot.fleet.results import StopReport
from samobot.session.folder import SessionFolder, archive
from samobot.session.gate import Person
from samobot.session.journal import EventName, append
from samobot.session.journal import read as read_journal
from samobot.session.lock import RunLock
from samobot.session.requests import RequestKind, take_kind
from samobot.session.status import SessionState
from samobot.telegram.handlers import callbacks
from samobot.telegram.handlers.budget_handlers import add_budget
from samobot.telegram.handlers.chat_request import ChatRequest
from samobot.telegram.handlers.command_table import COMMANDS, find_command, menu, nearest_command
from samobot.telegram.handlers.decision_handlers import accept_suggestions
from samobot.telegram.markup.html import to_plain
from samobot.telegram.markup.tables import PHONE_COLUMNS
from samobot.telegram.store.bot_store import Store
from samobot.telegram.store.outbox_rows import Op
from samobot.telegram.store.sent import MessageSubject, SentMessage
from samobot.telegram.views.buttons import LABEL_CHARACTERS
from tests.support.phone import CHAT, NOW, PLAN, QA, Phone, open_phone

pytestmark = pytest.mark.slow


@pytest.fixture
async def phone(tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Phone]:
    async for made in open_phone(tmp_path, store, monkeypatch):
        yield made


def test_the_table_is_a_menu_that_telegram_takes() -> None:
    names = [command.name for command in COMMANDS]
    assert len(names) == len(set(names)) <= 100
    for name, help_line in menu():
        assert re.fullmatch(r"[a-z0-9_]{1,32}", name)
        assert 1 <= len(help_line) <= 256
    wanted = (
        "start help run status stop pause resume answer approve reject tell log plan diff files cost projects"
    )
    assert set(wanted.split()) | {"sessions", "archive", "notify"} <= set(names)


@pytest.mark.parametrize(
    ("typed", "meant"), [("stattus", "status"), ("aprove", "approve"), ("sess", "sessions"), ("qqqq", None)]
)
def test_the_nearest_command_is_found(typed: str, meant: str | None) -> None:
    found = nearest_command(typed)
    assert (found.name if found else None) == meant


async def test_an_unknown_command_gets_the_nearest_and_another_bots_is_left_alone(phone: Phone) -> None:
    assert "Did you mean /approve?" in (await phone.say("/aprove"))[0]
    assert await phone.say("/aprove@other_bot") == []
    assert await phone.say("/status@Samo_Bot") != []


async def test_every_command_answers_without_any_session(phone: Phone) -> None:
    for command in COMMANDS:
        if command.name != "panic":
            said = await phone.say(f"/{command.name}")
            await phone.context.background.finish(60)  # what git is asked for is done in the background
            assert said or phone.new(), command.name


async def test_every_command_answers_for_an_unknown_name(phone: Phone) -> None:
    phone.asking()
    for name in [
        "status",
        "stop",
        "pause",
        "resume",
        "approve",
        "log",
        "plan",
        "diff",
        "files",
        "cost",
        "archive",
        "chart",
    ]:
        said = await phone.say(f"/{name} dmeo")
        assert "Did you mean demo?" in said[0], name


async def test_a_letter_an_option_and_a_text_are_written_as_answers(phone: Phone) -> None:
    folder = phone.asking()
    await phone.say("/answer Q1 b")
    await phone.say("/answer many,\n  more than `one`")
    text = (folder / "_qa.md").read_text()
    assert "B) blue" in text
    assert "many," in text
    view = await phone.context.fleet.view(SessionRef.from_key("repo:26-01-31-demo"))
    assert [question.answer for question in view.questions] == ["B) blue", "many,\n  more than `one`"]
    assert all(question.by == "Ann" and question.via == "telegram" for question in view.questions)


async def test_several_answers_in_one_message_are_split_at_their_labels(phone: Phone) -> None:
    phone.asking()
    await phone.say("/answer Q1: b\nQ2: put it in tools/")
    view = await phone.context.fleet.view(SessionRef.from_key("repo:26-01-31-demo"))
    assert [question.answer for question in view.questions] == ["B) blue", "put it in tools/"]


async def test_several_answers_in_a_reply_to_one_question_are_split_at_their_labels(phone: Phone) -> None:
    phone.asking()
    await phone.context.notifier.update(await phone.context.fleet.sessions())
    phone.deliver(phone.last("Which colour?"), 50)
    await phone.say("Q1 b and Q2 many", reply_to=50)
    view = await phone.context.fleet.view(SessionRef.from_key("repo:26-01-31-demo"))
    assert [question.answer for question in view.questions] == ["B) blue", "many"]


@pytest.mark.parametrize("typed", ["/answer B A", "/answer red. Q2: many", "/answer Q1: A\nQ2:"])
async def test_answers_that_are_not_clear_are_asked_about_before_any_is_written(
    phone: Phone, typed: str
) -> None:
    folder = phone.asking()
    before = (folder / "_qa.md").read_text()
    (said,) = await phone.say(typed)
    assert "Nothing was saved." in said
    assert (folder / "_qa.md").read_text() == before


async def test_which_question_is_asked_with_buttons(phone: Phone) -> None:
    folder = phone.asking()
    await phone.say("/answer blue, please")
    asked = phone.last("Which question")
    assert "Saved. Q2: blue, please" in await phone.tap(asked, "Q2")
    assert "blue, please" in (folder / "_qa.md").read_text()
    assert "already" in await phone.tap(asked, "Q1")
    assert (folder / "_qa.md").read_text().count("blue, please") == 1


async def test_all_suggestions_are_taken_and_what_has_none_is_said(phone: Phone) -> None:
    folder = phone.asking()
    said = await phone.say("/answer all")
    assert any("1 question of demo has no suggestion" in text for text in said)
    assert "A) red" in (folder / "_qa.md").read_text()


async def test_requested_text_is_taken_from_a_reply_or_from_the_next_message(phone: Phone) -> None:
    folder = phone.planned()
    assert "What should be different?" in (await phone.say("/reject"))[0]
    await phone.say("Use **argparse**.\n\n- and `<&>`")
    assert "Use **argparse**." in (folder / "_guidance.md").read_text()
    # Once: the next words are not feedback again.
    assert "different" not in "".join(await phone.say("thanks"))


async def test_question_that_a_message_led_to_is_answered_by_the_next_message(phone: Phone) -> None:
    await phone.say("/run")
    assert "What should be done?" in (await phone.say("repo:demo"))[0]
    await phone.say("add a greeting")
    await phone.context.background.finish(20)
    (folder,) = (phone.root / "sessions-repo").iterdir()
    assert "add a greeting" in (folder / "_overview.md").read_text()
    # Both are settled: further words are no task.
    assert "new" not in "".join(await phone.say("thanks"))


async def test_resume_reports_which_block_it_lifted(phone: Phone) -> None:
    reason = "The **API** has no key.\nWhich one?"
    phone.session(
        "demo", blocked="yes", signal=json.dumps({"status": "blocked", "reason": reason, "needs": "a key"})
    )
    said = await phone.say("/resume demo")
    assert any(
        "▶️ demo continues; it was blocked in implementation: The API has no key" in text for text in said
    )


@pytest.mark.parametrize(
    ("session", "words"),
    [
        ("asking", "waiting for 2 answers"),
        ("planned", "waiting for plan approval"),
    ],
)
async def test_pause_shows_what_an_idle_session_waits_for(phone: Phone, session: str, words: str) -> None:
    getattr(phone, session)()
    refusal = f"demo is not running, so there is nothing to pause. It is {words}. /stop keeps it stopped"
    (refused,) = await phone.say("/pause demo")
    assert refused.startswith(refusal)
    phone.desired_runs.want("repo:26-01-31-demo", {})
    (refused,) = await phone.say("/pause demo")
    assert refused.startswith(refusal)
    assert not [row for row in phone.store.outbox.waiting(CHAT) if row.op is Op.REACT], (
        "no receipt for nothing"
    )
    assert len(phone.desired_runs.all()) == 1, "it goes on after the decision, as it would have"


async def test_pause_reports_that_a_session_was_in_line(phone: Phone) -> None:
    phone.session("demo")
    phone.desired_runs.want("repo:26-01-31-demo", {}, queued=True)
    said = await phone.say("/pause demo")
    assert any("⏸ demo is paused; it was number 1 in line." in text for text in said)
    assert phone.desired_runs.all() == ()


@pytest.mark.parametrize(
    "typed",
    [
        "«demo»",
        '"demo".',
        "`demo`",
        "the demo session, please",
        "session demo 🙏",
        "please",
        "it now!",
        "this",
        "👍",
        "demo。",
    ],
)
async def test_courtesies_and_quotation_marks_around_a_name_are_passed_over(phone: Phone, typed: str) -> None:
    phone.asking()
    assert "demo" in (await phone.say(f"/log {typed}"))[0]


async def test_session_that_is_named_like_a_courtesy_is_found_first(phone: Phone) -> None:
    phone.asking()
    phone.session("task")
    assert "task" in (await phone.say("/log task"))[0]


@pytest.mark.parametrize("typed", ["/stop all sessions", "/stop all please!", "/stop everything now."])
async def test_all_sessions_are_stopped_however_that_is_put(phone: Phone, typed: str) -> None:
    assert (await phone.say(typed))[0].startswith("Nothing is running.")


async def test_of_two_commands_in_one_message_none_is_carried_out_and_that_is_reported(phone: Phone) -> None:
    phone.asking()
    assert await phone.say("/plan\n/stop") == [
        "/plan was not carried out, as another command follows it. Send “/stop” in a message of its own."
    ]


@pytest.mark.parametrize("typed", ["/ status", "\\status", "⁄status demo"])
async def test_command_with_another_slash_is_hinted_at(phone: Phone, typed: str) -> None:
    assert await phone.say(typed) == ["Commands begin with a slash: /status"]


async def test_single_word_that_is_a_command_does_not_become_a_session(phone: Phone) -> None:
    await phone.say("/run")
    for word in ("status", "Stop"):
        (asked,) = await phone.say(word)
        assert asked.startswith(f"{word.casefold()} is also a command")
    assert not (phone.root / "sessions-repo").exists()
    # What was asked is still open, and the button does what was meant.
    await phone.tap(phone.last("status is also a command"), "/status")
    assert any("Nothing" in to_plain(row.post.text) for row in phone.new())
    assert "What should be done?" in (await phone.say("repo:greet"))[0]
    assert "also a command" in (await phone.say("stop"))[0]
    await phone.say("stop the greeting from being printed twice")
    await phone.context.background.finish(20)
    assert next((phone.root / "sessions-repo").iterdir()).name.endswith("-greet")


async def test_a_session_can_be_named_as_a_command_where_that_is_meant(phone: Phone) -> None:
    await phone.say("/run --budget 5")
    await phone.say("status")
    await phone.tap(phone.last("also a command"), "▶️ A session named status")
    asked = [row for row in phone.new() if "Which project" in to_plain(row.post.text)]
    await phone.tap(asked[0], "repo")
    await phone.say("show how things stand")
    await phone.context.background.finish(20)
    (view,) = await phone.context.fleet.sessions()
    assert (view.ref.name, view.budget_usd) == ("status", 5.0)


async def test_text_after_a_run_that_was_typed_instead_is_no_other_run(phone: Phone) -> None:
    await phone.say("/run")
    await phone.say("/run repo:greet add a greeting")
    await phone.context.background.finish(20)
    await phone.say("thanks")
    await phone.context.background.finish(20)
    assert [view.ref.name for view in await phone.context.fleet.sessions()] == ["greet"]


async def test_a_plan_that_changed_since_the_message_is_not_approved(phone: Phone) -> None:
    folder = phone.planned()
    view = await phone.context.fleet.view(SessionRef.from_key("repo:26-01-31-demo"))
    assert view.plan is not None
    about = MessageSubject(view.ref.key, "plan", {"sha256": view.plan.sha256})
    phone.store.sent.put(SentMessage(CHAT, 77, "plan", about, None, "", 0.0))
    (folder / "01-31-11:30-plan-greeting.md").write_text(PLAN + "- [ ] delete the internet\n")
    said = await phone.say("/approve", reply_to=77)
    assert any("has changed since it was shown" in text for text in said)
    assert not (folder / "_decisions.jsonl").exists()
    assert any("has a plan" in text for text in said), "it is shown as it is now"


async def test_an_approval_is_recorded_once_however_often_it_is_given(phone: Phone) -> None:
    folder = phone.planned()
    await phone.say("/approve")
    await phone.say("/approve")
    lines = (folder / "_decisions.jsonl").read_text().splitlines()
    assert len(lines) == 1
    assert "Phase: implementation" in (folder / "_overview.md").read_text()


async def test_reply_determines_the_session_and_the_subject(phone: Phone) -> None:
    asking, planned = phone.asking("ask"), phone.planned("plan")
    await phone.context.notifier.update(await phone.context.fleet.sessions())
    question, plan = phone.last("Which colour?"), phone.last("has a plan")
    phone.deliver(question, 50)
    phone.deliver(plan, 51)
    await phone.say("turquoise\nwith dots", reply_to=50)
    await phone.say("shorter, please", reply_to=51)
    assert "> turquoise\n> with dots" in (asking / "_qa.md").read_text()
    assert "shorter, please" in (planned / "_guidance.md").read_text()


async def test_reply_to_a_card_is_guidance_verbatim(phone: Phone) -> None:
    folder = phone.session("demo", blocked="yes", signal='{"status": "blocked", "reason": "no key"}')
    await phone.context.notifier.update(await phone.context.fleet.sessions())
    phone.store.sent.put(
        SentMessage(CHAT, 60, "card", MessageSubject("repo:26-01-31-demo", "card"), None, "", 0.0)
    )
    await phone.say("demo uses the key in $KEY", reply_to=60)
    assert "demo uses the key in $KEY" in (folder / "_guidance.md").read_text()
    (view,) = await phone.context.fleet.sessions()
    assert view.wanted, "an answer to a block resumes the session"


async def test_free_text_gets_a_hint_with_buttons_that_do_it(phone: Phone) -> None:
    folder = phone.asking()
    said = await phone.say("and make it fast")
    assert "What is this for?" in said[0]
    await phone.tap(phone.last("What is this for?"), "💬 Guidance for demo")
    assert "and make it fast" in (folder / "_guidance.md").read_text()
    assert any("Commands begin with a slash: /status" in text for text in await phone.say("status"))


async def test_an_old_command_is_confirmed_and_an_old_answer_counts(phone: Phone) -> None:
    folder = phone.asking()
    await phone.say("/answer Q2 seven", minutes_ago=300)
    assert "seven" in (folder / "_qa.md").read_text()
    said = await phone.say("/archive demo", minutes_ago=300)
    assert "do it now?" in said[0]
    assert folder.exists()
    await phone.tap(phone.last("do it now?"), "Do it now")
    await phone.tap(phone.last("Archive it anyway?"), "📦 Archive")
    assert not folder.exists()


async def test_what_somebody_else_answered_is_not_overwritten(phone: Phone) -> None:
    folder = phone.asking()
    await phone.context.notifier.update(await phone.context.fleet.sessions())
    phone.deliver(phone.last("Which colour?"), 50)
    await phone.say("A", reply_to=50)
    said = await phone.say("B", reply_to=50, user={"id": 12, "is_bot": False, "first_name": "Ben"})
    assert any("Q1 was answered by Ann already" in text for text in said)
    assert "A) red" in (folder / "_qa.md").read_text()


async def test_a_tap_repeated_after_a_crash_is_carried_out_once(
    phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = phone.asking()
    await phone.context.notifier.update(await phone.context.fleet.sessions())
    question = phone.last("Which colour?")
    with monkeypatch.context() as killed_before_it_was_noted:
        killed_before_it_was_noted.setattr(phone.store.callbacks, "take", lambda *_: None)
        await phone.tap(question, "B")
    await phone.tap(question, "B")
    assert (folder / "_qa.md").read_text().count("B) blue") == 2, "the option and the answer"
    assert len((folder / "_decisions.jsonl").read_text().splitlines()) == 1


async def test_suggestions_of_a_round_that_was_not_shown_are_not_taken(phone: Phone) -> None:
    folder = phone.asking()
    (shown,) = await phone.context.fleet.sessions()
    with (folder / "_qa.md").open("a") as file:
        file.write("\n## Round 2\n\n### Q9: And then?\n\n**Suggestion:** go\n\n**Answer:** _waiting_\n")
    before = (folder / "_qa.md").read_text()
    request = ChatRequest("tap7", CHAT, 7, None, 11, Person("Ann", "telegram"))
    with pytest.raises(ConflictError, match="Q9 has changed"):
        await accept_suggestions(phone.context, request, shown)
    assert (folder / "_qa.md").read_text() == before


async def test_guidance_repeated_after_a_crash_is_left_once_and_sent_again_twice(phone: Phone) -> None:
    folder = phone.session("demo", phase="implementation")
    await phone.say("/tell demo Keep it short")
    await phone.repeat()
    assert (folder / "_guidance.md").read_text().count("Keep it short") == 1
    await phone.say("/tell demo Keep it short")
    assert (folder / "_guidance.md").read_text().count("Keep it short") == 2


async def test_budget_repeated_after_a_crash_is_raised_once(phone: Phone) -> None:
    phone.session("demo", phase="implementation")
    await phone.say("/resume demo $4")
    (before,) = await phone.context.fleet.sessions()
    more = ChatRequest("tap7", CHAT, 7, None, 11, Person("Ann", "telegram"))
    await add_budget(phone.context, more, before.ref, 6.0)
    await add_budget(phone.context, more, before.ref, 6.0)
    (view,) = await phone.context.fleet.sessions()
    assert (before.budget_usd, view.budget_usd) == (4.0, 10.0)


async def test_button_from_long_ago_reports_it(phone: Phone) -> None:
    phone.asking()
    await phone.context.notifier.update(await phone.context.fleet.sessions())
    question = phone.last("Which colour?")
    keys = (question.post.markup or {})["inline_keyboard"]
    keys[0][0]["callback_data"] = "unknown-to-us"
    assert "expired" in await phone.tap(question, keys[0][0]["text"])


async def test_in_which_project_is_asked_and_a_missing_one_suggested(phone: Phone) -> None:
    await phone.say("/run demo: do it --budget 5 --profile strong --provider codex")
    asked = phone.last("Which project")
    keys = [key["text"] for row in (asked.post.markup or {})["inline_keyboard"] for key in row]
    assert keys == ["repo", "shop", "Cancel"]
    assert "Did you mean shop?" in (await phone.say("/run shpo:demo do it"))[0]
    await phone.tap(asked, "shop")
    await phone.context.background.finish(20)
    made = SessionFolder(next((phone.root / "sessions-shop").iterdir()))
    assert made.path.name.endswith("-demo")
    assert read_journal(made).profile == "strong"
    assert read_journal(made).provider == "codex"
    (view,) = await phone.context.fleet.sessions()
    assert (view.ref.project, view.budget_usd, view.wanted) == ("shop", 5.0, True)


async def test_what_was_begun_when_the_bot_died_is_taken_up_again(
    phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang(*_: Any, **__: Any) -> None:
        await asyncio.Event().wait()

    with monkeypatch.context() as patch:
        patch.setattr(phone.context.fleet, "start", hang)
        await phone.say("/run repo:demo do it")
        await phone.context.background.finish(0)
    assert not (phone.root / "sessions-repo").exists()
    await phone.front.resume_unfinished()
    await phone.context.background.finish(20)
    assert next((phone.root / "sessions-repo").iterdir()).name.endswith("-demo")
    assert phone.context.background.unfinished() == []


async def test_a_full_disk_at_the_end_of_background_work_leaves_no_loose_end(
    phone: Phone, monkeypatch: pytest.MonkeyPatch, loose_ends: list[str]
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise StorageError("The disk is full.")

    stop = phone.context.fleet.stop

    async def stop_as_the_disk_fills(ref: SessionRef, by: Person) -> StopReport:
        monkeypatch.setattr(phone.store.tasks, "drop", full)
        return await stop(ref, by)

    monkeypatch.setattr(phone.context.fleet, "stop", stop_as_the_disk_fills)
    phone.session("demo")
    await phone.say("/stop repo:demo")
    await phone.context.background.finish(20)
    assert "is stopped" in to_plain(phone.last("is stopped").post.text)
    assert [command for command, _ in phone.context.background.unfinished()] == ["stop"]
    gc.collect()
    assert loose_ends == []


async def test_a_done_session_in_no_repository_offers_no_diff(phone: Phone) -> None:
    phone.session("demo", phase="done", signal='{"status": "done", "summary": "Done"}')
    (phone.root / "shop" / ".git").mkdir()
    folder = phone.session("other", phase="done", signal='{"status": "done", "summary": "Done"}')
    overview = folder / "_overview.md"
    overview.write_text(overview.read_text().replace(f"{phone.root}/repo", f"{phone.root}/shop"))
    offered = {}
    for name in ("demo", "other"):
        await phone.say(f"/status {name}")
        keys = (phone.last(f"{name} · repo").post.markup or {})["inline_keyboard"]
        offered[name] = [key["text"] for row in keys for key in row]
    assert offered == {
        "demo": ["📁 Files", "📦 Archive"],
        "other": ["± Diff", "📁 Files", "📦 Archive"],
    }


async def test_a_long_file_name_keeps_its_ending_and_its_size_on_its_button(phone: Phone) -> None:
    folder = phone.asking()
    name = "01-31-11:30-dive-how-the-greeting-is-printed-today-and-why.md"
    (folder / name).write_text("x" * 1500)
    await phone.say("/files demo")
    keys = [key["text"] for row in (phone.last("📁").post.markup or {})["inline_keyboard"] for key in row]
    assert "01-31-11:30-dive-how-t…d-why.md · 1.5 kB" in keys
    assert all(len(key) <= LABEL_CHARACTERS for key in keys)


async def test_files_log_cost_and_preferences_are_shown(phone: Phone) -> None:
    phone.asking()
    files = await phone.say("/files demo")
    assert "_overview.md" in str(phone.last("📁").post.markup)
    assert files
    assert "has no file" in (await phone.say("/files demo ../../secret"))[0]
    await phone.say("/notify quiet")
    assert phone.store.chats.get(CHAT).level == "quiet"
    assert "Did you mean normal?" in (await phone.say("/notify norml"))[0]
    assert "Nothing spent" in (await phone.say("/cost"))[0]
    assert "2 questions" in (await phone.say("/status demo"))[0] or "Questions: 2, 2 open" in "".join(
        await phone.say("/status demo")
    )


async def test_the_log_shows_what_the_agent_said_without_its_markdown(phone: Phone) -> None:
    folder = SessionFolder(phone.session("demo"))
    folder.prepare()
    said = {"type": "text", "text": "# Result\n\n- **one**\n- two"}
    record = {"type": "assistant", "message": {"content": [said]}}
    (folder.logs / "01-31-1100-001-testing.jsonl").write_text(json.dumps(record) + "\n")
    assert await phone.say("/log demo") == ["📄 demo\n💬 Result · one · two"]


async def test_session_without_money_is_not_announced_as_continuing(phone: Phone) -> None:
    folder = SessionFolder(phone.session("demo"))
    folder.prepare()
    append(folder, EventName.RUN_START, NOW, run="r", pid=1, budget_usd=5.0)
    append(folder, EventName.ITERATION_END, NOW, n=3, phase="implementation", cost_usd=6.0)
    append(folder, EventName.RUN_END, NOW, reason="budget", text="spent", exit_code=13)
    (said,) = await phone.say("/resume demo")
    assert said.startswith("💰 demo has used up its budget\n$6.00 of $5.00")
    assert "+$5" in str(phone.last("used up its budget").post.markup)
    too_little = "demo has cost $6.00 already; a budget has to be more than that."
    assert await phone.say("/resume demo 4") == [too_little]
    assert not phone.desired_runs.all()
    await phone.say("/resume demo 8")
    assert [run.session for run in phone.desired_runs.all()] == ["repo:26-01-31-demo"]


async def test_cost_shows_what_ended_without_a_price(phone: Phone) -> None:
    folder = SessionFolder(phone.asking())
    folder.prepare()
    for usd in (0.5, None):
        append(folder, EventName.ITERATION_END, NOW, n=1, phase="requirements", cost_usd=usd)
    said = (await phone.say("/cost demo"))[0]
    assert "at least $0.50 · 2 iterations\n1 iteration ended without a price" in said
    assert "At least $0.50 in 2 iterations" in (await phone.say("/cost"))[0]


async def test_the_costs_fit_a_small_phone(phone: Phone) -> None:
    folder = SessionFolder(phone.asking())
    folder.prepare()
    for number, phase in enumerate(["investigation", "implementation", "requirements"]):
        append(folder, EventName.ITERATION_END, NOW, n=number, phase=phase, cost_usd=0.42 * 40**number,
               models={"claude-opus-4-5-20251101-with-a-long-name": 0.4 * 40**number})  # fmt: skip
    for words in ("/cost", "/cost demo"):
        said = (await phone.say(words))[-1]
        assert "implementation" in said
        table = [line for line in said.split("\n")[1:] if "$" in line]
        assert len(table) >= 4
        assert max(map(len, table)) <= PHONE_COLUMNS
        assert len({line.rindex("$") + len(line[line.rindex("$") :].split()[0]) for line in table}) == 1


async def test_a_fault_of_ours_is_one_line_and_its_details_are_in_the_log(
    phone: Phone, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken() -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(phone.context.fleet, "sessions", broken)
    said = await phone.say("/status")
    assert said == ["⚠️ Internal error; details are in the log. Nothing was decided."]
    assert "secret detail" in caplog.text


def test_commands_are_found_by_their_name() -> None:
    assert find_command("run") is COMMANDS[0]
    assert find_command("nothing") is None


async def test_button_that_fails_answers_its_tap_once_and_reports_why(phone: Phone) -> None:
    phone.session("demo")
    await phone.say("/status demo")
    shown = phone.last("demo")
    shutil.rmtree(phone.root / "sessions-repo")
    before = len(phone.toasts)
    await phone.tap(shown, "📄 Log")
    assert len(phone.toasts) == before + 1
    assert phone.toasts[-1][0]


async def test_what_fails_after_the_tap_was_answered_is_said_in_a_message(
    phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone.session("demo")
    await phone.say("/status demo")
    shown = phone.last("demo")

    monkeypatch.setattr(callbacks, "ANSWER_SECONDS", 0.0)
    monkeypatch.setattr(phone.context.fleet, "log_lines", _late(StorageError("The disk is gone.")))
    await phone.tap(shown, "📄 Log")
    assert [text for text, _ in phone.toasts] == [""]
    assert "The disk is gone." in to_plain(phone.new()[-1].post.text)


def _late(error: Exception) -> Callable[..., Awaitable[Any]]:
    """A call that fails once the event loop has done what was due."""

    async def fail(*_: Any, **__: Any) -> Any:
        for _turn in range(3):
            await asyncio.sleep(0)
        raise error

    return fail


async def test_you_is_only_who_alone_may_decide_and_paired_users_count(phone: Phone) -> None:
    phone.asking()
    await phone.context.notifier.update(await phone.context.fleet.sessions())
    await phone.tap(phone.last("Which colour?"), "B")
    assert "you, " in to_plain(phone.last("Which colour?").post.text)
    phone.store.people.add_user(12)
    await phone.say("/answer Q2 seven", user={"id": 12, "is_bot": False, "first_name": "Bob"})
    answered = to_plain(phone.last("How many?").post.text)
    assert "Bob, " in answered
    assert "you" not in answered


async def test_archiving_closes_the_card_and_everything_open_at_once(phone: Phone) -> None:
    phone.asking()
    await phone.context.notifier.update(await phone.context.fleet.sessions())
    await phone.say("/status demo")
    shown = [
        row for row in phone.store.outbox.waiting(CHAT) if (row.post.markup or {}).get("inline_keyboard")
    ]
    assert len(shown) >= 3
    for number, row in enumerate(shown[:-1]):
        phone.deliver(row, 50 + number)  # one waits still
    await phone.say("/archive demo")
    await phone.tap(phone.last("Archive it anyway?"), "📦 Archive")
    queued = list(phone.store.outbox.waiting(CHAT))
    bare = {row.key for row in queued if not row.post.markup}
    assert {row.key for row in shown} <= bare
    (card,) = [row for row in queued if row.key.startswith("card:")]
    assert "demo is archived" in to_plain(card.post.text)
    assert "Archived · you, " in to_plain(phone.last("Which colour?").post.text)
    for row in shown:
        label = row.post.markup["inline_keyboard"][0][0]["text"] if row.post.markup else ""
        words = await phone.tap(row, label)
        assert words == "demo is gone: it was archived."


async def test_archived_session_does_not_come_back_by_an_older_observation(phone: Phone) -> None:
    folder = phone.asking()
    before = await phone.context.fleet.sessions()
    await phone.context.notifier.update(before)
    await phone.say("/archive demo")
    await phone.tap(phone.last("Archive it anyway?"), "📦 Archive")
    count = phone.store.outbox.count(CHAT)
    await phone.context.notifier.update(before)
    assert phone.store.outbox.count(CHAT) == count
    (folder.parent / "_archive" / folder.name).rename(folder)
    await phone.context.notifier.update(await phone.context.fleet.sessions())
    assert "Waits for you" in to_plain(phone.last("demo · repo").post.text)


@pytest.mark.parametrize("kind", ["asking", "planned"])
async def test_what_is_not_finished_is_archived_without_its_name_only_after_asking(
    phone: Phone, kind: str
) -> None:
    folder = getattr(phone, kind)()
    said = await phone.say("/archive")
    assert "demo is waiting for " in said[0]
    assert "Archive it anyway?" in said[0]
    assert folder.exists()
    await phone.tap(phone.last("Archive it anyway?"), "📦")
    assert not folder.exists()


async def test_what_is_finished_is_archived_without_asking(phone: Phone) -> None:
    asking, done = phone.asking("other"), phone.session("demo", phase="done", signal='{"status": "done"}')
    assert "demo is archived" in (await phone.say("/archive"))[0]
    assert (asking.exists(), done.exists()) == (True, False)


async def test_help_shows_what_fits_the_moment_and_everything_at_a_tap(phone: Phone) -> None:
    nothing = (await phone.say("/help"))[0]
    assert "/run Add a greeting script" in nothing
    phone.asking()
    (waiting,) = await phone.say("/help")
    assert waiting.split("\n")[1].startswith("/answer A  ")
    assert "/panic" not in waiting
    assert len(waiting.split("\n")) <= 12
    shown = phone.last("What can be done now")
    await phone.tap(shown, "All commands")
    everything = to_plain(phone.last("All commands\n").post.text)
    assert all(f"/{command.name}  " in everything for command in COMMANDS)
    assert (await phone.say("/help all"))[-1] == everything


async def test_sessions_of_a_project_that_is_not_there_names_the_nearest(phone: Phone) -> None:
    phone.asking()
    assert "There is no project “shpo”. Did you mean shop?" in (await phone.say("/sessions shpo"))[0]
    assert "1 session" in (await phone.say("/sessions REPO"))[0]
    assert "There is no session in shop" in (await phone.say("/sessions shop"))[0]


async def test_a_choice_that_was_made_is_said_in_its_message_and_its_buttons_go(phone: Phone) -> None:
    one = phone.session("one", blocked="yes", signal='{"status": "blocked", "reason": "no <key>"}')
    phone.session("two", blocked="yes", signal='{"status": "blocked", "reason": "no key"}')
    await phone.say("/tell look into *.env & <more>")
    assert (
        await phone.tap(phone.last("Which session is it for?"), "⛔ one") == "Noted for the next iteration."
    )
    asked = phone.last("Which session is it for?")
    assert "\n→ ⛔ one · you, " in to_plain(asked.post.text)
    assert asked.post.markup is None
    assert not [row for row in phone.new() if row.op is Op.REACT], "no thumb on the bot's own message"
    assert "look into *.env & <more>" in (one / "_guidance.md").read_text()
    await phone.tap(phone.last("should it try again"), "🔁 Retry")
    noted = phone.last("should it try again")
    assert "\n→ 🔁 Retry · you, " in to_plain(noted.post.text)
    assert noted.post.markup is None


async def test_an_old_offer_to_retry_starts_nothing_at_another_block(phone: Phone) -> None:
    folder = phone.session("demo", blocked="yes", signal='{"status": "blocked", "reason": "no key"}')
    await phone.say("/tell demo use the key")
    offer = phone.last("should it try again")
    (folder / "_overview.md").write_text(
        (folder / "_overview.md").read_text().replace("Total Iterations: 3", "Total Iterations: 4")
    )
    (folder / "_signal.json").write_text('{"status": "blocked", "reason": "no network"}')
    assert "That was for something else" in await phone.tap(offer, "🔁 Retry")
    assert not (folder / "_decisions.jsonl").exists()


async def test_text_for_the_only_session_reaches_it_although_it_is_stopped(phone: Phone) -> None:
    folder = phone.session("demo")
    phone.session("over", phase="done", signal='{"status": "done"}')
    assert await phone.say("/tell use the key") == []
    assert "use the key" in (folder / "_guidance.md").read_text()


async def test_refusal_to_stop_or_pause_names_the_state(phone: Phone) -> None:
    phone.session("demo")
    for command in ("/stop", "/pause", "/stop all"):
        assert await phone.say(command) == ["Nothing is running. /sessions lists all."]


async def test_what_is_said_of_an_answer_has_no_markdown_of_the_agents(phone: Phone) -> None:
    folder = phone.asking()
    (folder / "_qa.md").write_text(QA.replace("A) red", "A) **red**, `#f00`"))
    await phone.context.notifier.update(await phone.context.fleet.sessions())
    asked = phone.last("Which colour?")
    assert await phone.tap(asked, "A") == "Saved. Q1: A) red, #f00 · 1 open"
    assert await phone.tap(asked, "B") == "Q1 was answered by Ann: A) red, #f00"


async def test_guidance_for_a_done_session_is_refused_however_it_comes(phone: Phone) -> None:
    folder = phone.session("demo", phase="done", signal='{"status": "done"}')
    phone.store.sent.put(
        SentMessage(CHAT, 60, "done", MessageSubject("repo:26-01-31-demo", "done"), None, "", 0.0)
    )
    refused = "demo is done, so your message was not used. /run starts a new session."
    assert await phone.say("/tell demo use the key") == [refused]
    assert await phone.say("/tell demo") == [refused]
    (offered,) = await phone.say("use the key", reply_to=60)
    assert "demo is done. Follow up with this?" in offered
    assert await phone.say("/tell use the key", reply_to=60) == [refused]
    assert not [row for row in phone.store.outbox.waiting(CHAT) if row.op is Op.REACT]
    assert not (folder / "_guidance.md").exists()


@pytest.mark.parametrize("kind", ["asking", "planned", "blocked"])
async def test_stop_really_stops_an_idle_session_and_closes_its_needs(phone: Phone, kind: str) -> None:
    if kind == "blocked":
        folder = phone.session("demo", blocked="yes", signal='{"status": "blocked", "reason": "no key"}')
    else:
        folder = getattr(phone, kind)()
    await phone.context.notifier.update(await phone.context.fleet.sessions())
    needed = [row for row in phone.store.outbox.waiting(CHAT) if row.post.markup and "card" not in row.key]
    assert needed
    await phone.say("/stop demo")
    await phone.context.background.finish(20)
    (view,) = await phone.context.fleet.sessions()
    assert view.state is SessionState.STOPPED
    assert not (folder / "_signal.json").exists()
    assert "Stopped by the user" in (folder / "_overview.md").read_text()
    rows = {row.key: row for row in phone.store.outbox.waiting(CHAT)}
    for row in needed:
        assert rows[row.key].post.markup is None
        assert "topped" in rows[row.key].post.text
    assert "Stopped since" in to_plain(rows["card:repo:26-01-31-demo"].post.text)
    journal = (folder / "_logs/journal.jsonl").read_text()
    await phone.say("/stop demo")
    await phone.context.background.finish(20)
    assert (folder / "_logs/journal.jsonl").read_text() == journal, "stopped once"


async def test_answer_after_a_stop_is_saved_and_only_resume_continues_it(phone: Phone) -> None:
    folder = phone.asking()
    await phone.say("/stop demo")
    await phone.context.background.finish(20)
    said = await phone.say("/answer demo Q1 B")
    assert any("Saved. demo stays stopped until /resume." in text for text in said)
    await phone.say("/answer demo Q2 seven")
    assert "seven" in (folder / "_qa.md").read_text()
    assert phone.desired_runs.all() == ()
    (view,) = await phone.context.fleet.sessions()
    assert view.state is SessionState.STOPPED
    await phone.say("/resume demo")
    assert [run.session for run in phone.desired_runs.all()] == [view.ref.key]


def paused_while_it_worked(folder: Path) -> None:
    """Leave word, as a worker does, that a pause was asked for before the session came to its gate."""
    end = {"at": "2026-01-31T11:59:59.000Z", "event": "run_end", "reason": "waiting", "paused": True}
    os.utime(folder / "_signal.json", (NOW.timestamp() - 60,) * 2)
    (folder / "_logs").mkdir()
    (folder / "_logs/journal.jsonl").write_text(json.dumps(end) + "\n")


@pytest.mark.parametrize("level", ["quiet", "normal"])
async def test_session_paused_before_it_asked_stays_paused_after_the_answers_and_reports_it(
    phone: Phone, level: str
) -> None:
    await phone.say(f"/notify {level}")
    folder = phone.asking()
    paused_while_it_worked(folder)
    phone.desired_runs.want("repo:26-01-31-demo", {})
    await phone.context.notifier.update(await phone.context.fleet.sessions())
    phone.new()
    (refused,) = await phone.say("/pause demo")
    assert "waiting for 2 answers. It stays paused after that." in refused
    await phone.say("/answer demo Q1 B")
    said = await phone.say("/answer demo Q2 seven")
    assert len([text for text in said if "paused" in text]) == 1, "said once"
    assert "continues automatically" not in "".join(said)
    told = phone.last("demo stays paused")
    assert to_plain(told.post.text).startswith("⏸ demo stays paused\nYour decision is saved.")
    await phone.tap(told, "▶️ Resume")
    (view,) = await phone.context.fleet.sessions()
    assert (view.state, view.wanted) == (SessionState.IDLE, True)


@pytest.mark.parametrize("words", ["/approve demo", "/reject demo smaller, please"])
async def test_plan_that_is_decided_reports_that_the_session_stays_paused(phone: Phone, words: str) -> None:
    folder = phone.planned()
    paused_while_it_worked(folder)
    await phone.context.notifier.update(await phone.context.fleet.sessions())
    said = await phone.say(words)
    assert len([text for text in said if "stays paused" in text]) == 1
    assert phone.desired_runs.all() == ()


async def test_what_was_stopped_before_it_was_answered_asks_again_when_it_is_resumed(phone: Phone) -> None:
    phone.asking()
    await phone.context.notifier.update(await phone.context.fleet.sessions())
    await phone.say("/stop demo")
    await phone.context.background.finish(20)
    phone.new()
    said = await phone.say("/resume demo")
    assert any("demo waits for your answers; it continues automatically after that" in text for text in said)
    await phone.say("/run demo --profile max --budget 5")
    await phone.context.background.finish(20)
    texts = [row.post.text for row in phone.new()]
    assert any("after that. Its new budget is saved. Its new profile is saved." in text for text in texts)
    await phone.context.notifier.update(await phone.context.fleet.sessions())
    asked = [row for row in phone.store.outbox.waiting(CHAT) if row.key.startswith("question:")]
    assert any(row.post.markup for row in asked)
    await phone.say("/answer demo all")
    await phone.say("/answer demo Q2 seven")
    assert len(phone.desired_runs.all()) == 1


async def test_a_plan_approved_after_a_stop_waits_for_resume(phone: Phone) -> None:
    folder = phone.planned()
    await phone.context.notifier.update(await phone.context.fleet.sessions())
    await phone.say("/stop demo")
    await phone.context.background.finish(20)
    assert any("stays stopped until /resume" in text for text in await phone.say("/approve demo"))
    assert "Phase: implementation" in (folder / "_overview.md").read_text()
    assert phone.desired_runs.all() == ()
    await phone.tap(phone.last("stays stopped"), "▶️ Resume")
    assert len(phone.desired_runs.all()) == 1


async def test_there_is_nothing_to_stop_about_a_done_session(phone: Phone) -> None:
    folder = phone.session("demo", phase="done", signal='{"status": "done"}')
    await phone.say("/stop demo")
    await phone.context.background.finish(20)
    assert "demo is done; nothing to stop." in to_plain(phone.last("nothing to stop").post.text)
    assert (folder / "_signal.json").exists()


async def test_reason_of_a_block_and_its_needs_are_distinguished(phone: Phone) -> None:
    folder = phone.session("demo", phase="testing", blocked="yes")
    signal = {"status": "blocked", "reason": "No network", "needs": "A key"}
    (folder / "_signal.json").write_text(json.dumps(signal))
    view = await phone.context.fleet.view(SessionRef.from_key("repo:26-01-31-demo"))
    assert (view.reason, view.needs, view.asked) == ("No network", "A key", "No network\nA key")


async def test_the_question_that_guidance_answers_stands_above_the_field_for_it(phone: Phone) -> None:
    phone.session(
        "demo",
        phase="testing",
        signal='{"status": "blocked", "reason": "No network here", "needs": "**Should** I mock `x`?"}',
    )
    (asked,) = await phone.say("/tell demo")
    assert asked.index("Should") < asked.index("What should it know?")


async def test_card_reports_what_was_done_last_without_marks(phone: Phone) -> None:
    folder = phone.session("demo", phase="testing")
    overview = folder / "_overview.md"
    overview.write_text(
        overview.read_text().replace("Phase: testing", "Phase: testing\nLast Action: - [x] `a` > b")
    )
    (said,) = await phone.say("/status demo")
    assert "Last: " in said
    assert "[x]" not in said


async def test_what_was_archived_at_the_terminal_is_closed_on_the_next_look(phone: Phone) -> None:
    folder = phone.asking()
    await phone.context.notifier.update(await phone.context.fleet.sessions())
    archive(SessionFolder(folder))
    await phone.context.notifier.update(await phone.context.fleet.sessions())
    question = phone.last("Which colour?")
    assert "→ 🗄 Archived" in to_plain(question.post.text)
    assert question.post.markup is None
    assert "demo is archived" in to_plain(phone.last("is archived").post.text)


async def test_file_with_a_secret_is_held_back_until_it_is_asked_for_twice(phone: Phone) -> None:
    folder = phone.session("demo")
    key = "ghp_" + "aB3dE5gH7jK9mN1pQ2sT4vW6yZ8aB3dE5gH7j"
    file = folder / "01-31-11:30-dive-keys.md"
    file.write_text(f"token: {key}\n")
    said = await phone.say(f"/files demo {file.name}")
    assert said == [f"🔒 {file.name} is held back, it contains: GitHub token."]
    held = phone.last("held back")
    assert held.file is None
    await phone.tap(held, "Send anyway")
    sent = phone.last("📁 demo")
    assert sent.file is not None
    assert sent.file.read_text() == f"token: {key}\n"


async def test_file_with_a_secret_that_has_changed_since_it_was_shown_is_held_back_again(
    phone: Phone,
) -> None:
    folder = phone.session("demo")
    key = "ghp_" + "aB3dE5gH7jK9mN1pQ2sT4vW6yZ8aB3dE5gH7j"
    file = folder / "01-31-11:30-dive-keys.md"
    file.write_text(f"token: {key}\n")
    await phone.say(f"/files demo {file.name}")
    held = phone.last("held back")
    phone.store.outbox.done(held)
    file.write_text(f"another: {key}\n")
    await phone.tap(held, "Send anyway")
    assert phone.last("held back").file is None


@contextlib.contextmanager
def _running(phone: Phone, *, steerable: bool) -> Iterator[SessionFolder]:
    """A session whose agent works in this context, and takes words meanwhile if it is steerable."""
    folder = SessionFolder(phone.session("demo"))
    folder.prepare()
    with RunLock.acquire(folder, NOW):
        append(folder, EventName.RUN_START, NOW, run="r", pid=os.getpid())
        started = {"n": 4, "visit": 1, "phase": "implementation", "session_id": "s"}
        append(folder, EventName.ITERATION_START, NOW, **started, steerable=steerable)
        yield folder


@pytest.mark.parametrize(
    ("typed", "steerable", "said", "interrupts"),
    [
        ("/tell demo use tabs", True, [], False),
        ("/tell! demo use tabs", True, [], True),
        ("/now demo use tabs", True, [], True),
        (
            "/now demo use tabs",
            False,
            ["Noted for the next iteration: demo cannot be interrupted now."],
            True,
        ),
    ],
)
async def test_guidance_for_a_running_agent_interrupts_it_only_if_it_is_to(
    phone: Phone, typed: str, steerable: bool, said: list[str], interrupts: bool
) -> None:
    with _running(phone, steerable=steerable) as folder:
        assert await phone.say(typed) == said
        assert "use tabs" in folder.guidance.read_text()
        assert (take_kind(folder, RequestKind.INTERRUPT) is not None) is interrupts


async def test_cards_interrupt_asks_for_what_interrupts_and_interrupts_with_it(phone: Phone) -> None:
    with _running(phone, steerable=True) as folder:
        await phone.say("/status demo")
        await phone.tap(phone.last("implementation"), "⚡ Interrupt")
        assert "⚡ demo\nWhat should it do instead?" in to_plain(phone.last("instead?").post.text)
        assert take_kind(folder, RequestKind.INTERRUPT) is None
        await phone.say("use tabs")
        assert "use tabs" in folder.guidance.read_text()
        assert take_kind(folder, RequestKind.INTERRUPT) is not None
