"""The whole way in the chat: the real bot, real workers, a strict Bot API server over real HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import time
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from samobot.phases import Phase
from samobot.sandbox.agent import journeys
from samobot.sandbox.agent.scenario import Scenario
from samobot.sandbox.agent.steps import RunStep, Say, Sleep, Step, Tool, WaitFor
from samobot.sandbox.botapi.faults import FaultKind
from tests.support.chat_room import TOKEN, WAIT, ChatRoom, chat_room
from tests.support.scripted import blocked, go_on, scripted_shop
from tests.support.waiting import until

pytestmark = pytest.mark.slow

PROGRESS = RunStep(command="echo part > part_$$.txt")
"""A change in every iteration: an agent that changes nothing is taken for one that turns in circles."""

CHATTER: tuple[Step, ...] = tuple(
    step
    for _ in range(60)  # seldom anew: it is chatter that loads the bot, not the start of iterations
    for step in (
        Say(text="**bold** `code` <&> " * 20),
        Tool(name="Read", input={"file_path": "{cwd}/README.md"}),
        Sleep(seconds=0.3),
    )
)


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[ChatRoom]:
    async with chat_room(scripted_shop(tmp_path, journeys.greeting())) as room:
        yield room


async def test_from_pairing_to_done_with_a_thumb(tmp_path: Path) -> None:
    async with chat_room(scripted_shop(tmp_path, journeys.greeting(), remote=True), paired=False) as room:
        await room.start()
        shown = await asyncio.to_thread(room.shop.samobot, "bot", "--pair")
        assert shown.returncode == 0, shown.stderr
        code = next(line for line in shown.stdout.splitlines() if "https://t.me/samo_bot" in line).rpartition(
            "="
        )[2]
        room.ann.start(code)
        await room.see("Welcome", "Ann")

        said = room.say("/run demo:demo add a greeting")
        card = await room.see("demo · demo", after=said)
        first = await room.see("Which greeting")
        answered = room.say("/answer Q1 b")
        await room.see("→ B", fits=lambda message: message.id == first.id)
        await room.server.wait_until(lambda: room.chat.by_id[answered].reactions, WAIT, "a receipt")
        second = await room.see("Whom does it greet")
        assert "world" in second.text
        room.ann.reply(second, "Ada Lovelace")
        await room.see("→ Ada Lovelace", fits=lambda message: message.id == second.id)
        third = await room.see("How much should be tested")
        await room.tap(third, "A")
        await room.see("has its answers")

        plan = await room.see("has a plan", fits=lambda message: bool(message.labels))
        assert "3 phases" in plan.text or "Script" in plan.text
        room.say("/approve")
        await room.see("→ Approved", fits=lambda message: message.id == plan.id)
        done = await room.see("is done")
        assert "3 tests" in done.text
        await room.see("🏁", fits=lambda message: message.id == card.id)

        greeting = room.shop.git("show", "demo:greet.py")
        assert "Good day" in greeting
        assert "Ada Lovelace" in greeting
        assert room.server.calls.rejected() == []
        assert await room.end() == 0


async def test_the_bot_killed_during_an_iteration_costs_nothing(tmp_path: Path) -> None:
    gate = tmp_path / "go"
    scenario = Scenario(
        phases={
            Phase.INVESTIGATION: [
                [
                    Tool(name="Edit", input={"file_path": "{cwd}/part.py"}, result="ok"),
                    WaitFor(path=str(gate)),
                    go_on(Phase.REQUIREMENTS, "Looked around"),
                ]
            ],
            Phase.REQUIREMENTS: [[blocked("Nobody there", "A word")]],
        }
    )
    async with chat_room(scripted_shop(tmp_path, scenario)) as room:
        await room.start()
        said = room.say("/run demo:demo do it")
        card = await room.see("demo · demo", "part.py", after=said)
        asked = room.say("/help")
        await room.see("/status", after=asked)  # then it is noted which message the card is
        worker = room.shop.journal("demo", "run_start")[0]["pid"]
        await room.kill()
        offline = room.say("/status")
        gate.touch()
        await asyncio.to_thread(until, lambda: room.shop.journal("demo", "run_end"))
        await room.start()
        await room.see("waits for you", after=offline)
        block = await room.see("is blocked", "Nobody there")
        await room.see("Blocked", fits=lambda message: message.id == card.id)
        assert [each["pid"] for each in room.shop.journal("demo", "run_start")] == [worker]
        texts = [message.text for message in room.chat.from_bot()]
        assert sum("is blocked" in text for text in texts) == 1
        assert sum("demo · demo" in text for text in texts) == 1
        assert block.labels[:2] == ["💬 Guidance", "🔁 Retry"]
        assert await room.end() == 0
        # An edit that Telegram took just before the kill may be made again: nothing comes of it.
        assert all("message is not modified" in (call.error or "") for call in room.server.calls.rejected())


async def test_the_worker_survives_the_orderly_end_of_the_bot_too(tmp_path: Path) -> None:
    async with chat_room(scripted_shop(tmp_path, journeys.endless([PROGRESS], seconds=0.2))) as room:
        await room.start()
        said = room.say("/run demo:demo go on for ever")
        card = await room.see("demo · demo", "▶️", after=said)
        assert await room.end() == 0
        assert "The bot is offline since" in card.text
        iterations = len(room.shop.journal("demo", "iteration_end"))
        await asyncio.to_thread(until, lambda: len(room.shop.journal("demo", "iteration_end")) > iterations)
        await room.start()
        await room.see(
            "demo · demo", fits=lambda message: message.id == card.id and "went off" not in message.text
        )
        stop = room.say("/stop")
        await room.see("demo is stopped", "Worker", after=stop)
        assert room.state_of("demo") == "stopped"
        assert len(room.shop.journal("demo", "run_start")) == 1


async def test_what_a_terminal_runs_and_what_is_edited_by_hand_shows_up_through_polling(
    room: ChatRoom,
) -> None:
    await room.start()
    ran = await asyncio.to_thread(room.shop.run, "greet", "--task", "Add a greeting")
    assert ran.returncode == 10, ran.stderr
    question = await room.see("greet asks", "Which greeting")
    assert room.shop.quickly("answer", "greet", "Q1=A").returncode == 0
    await room.see("→ A", "from the terminal", fits=lambda message: message.id == question.id)

    folder = room.shop.sessions / "26-01-31-byhand"
    folder.mkdir()
    overview = (
        "# Session: byhand\n\n## Status\nPhase: {}\nIteration: 1\nBlocked: no\nLast Action: {}\nNext: more\n"
    )
    (folder / "_overview.md").write_text(overview.format("implementation", "typed it"))
    card = await room.see("byhand · demo", "implementation", "typed it")
    (folder / "_overview.md").write_text(overview.format("testing", "ran it"))
    await room.see("testing", "ran it", fits=lambda message: message.id == card.id)
    assert not [message for message in room.chat.from_bot() if "byhand: testing" in message.text]


async def test_a_plan_is_sent_back_with_feedback_and_comes_again(room: ChatRoom) -> None:
    await room.start()
    room.say("/run demo:demo add a greeting")
    first = await room.see(
        "Which greeting", fits=lambda message: "Accept all 3 suggestions" in message.labels
    )
    await room.tap(first, "Accept all")
    plan = await room.see("has a plan", fits=lambda message: bool(message.labels))
    approve = next(button.data for button in plan.buttons if "Approve" in button.text)
    assert approve is not None
    await room.tap(plan, "✏️")
    asked = await room.see("What should be different?")
    assert asked.asks_reply
    feedback = "Use argparse, please.\n\n```py\nprint('<&>')\n```"
    room.ann.reply(asked, feedback)
    await room.see("Changes requested", "Use argparse", fits=lambda message: message.id == plan.id)
    again = await room.see("has a plan", "version 2", fits=lambda message: bool(message.labels))
    given = [note for note in room.runs() if note.phase == "planning"][-1]
    assert feedback.splitlines()[0] in given.appended + given.prompt
    assert "print('<&>')" in given.appended + given.prompt
    stale = room.ann.tap_data(plan, approve)
    assert "another plan" in (await room.server.answer_of(stale, WAIT)).text
    await room.tap(again, "✅ Approve")
    await room.see("is done")
    assert room.server.calls.rejected() == []


def _runs(room: ChatRoom, name: str) -> int:
    """How many runs of a session have begun."""
    known = (room.shop.session(name) / "_logs" / "journal.jsonl").exists()
    return len(room.shop.journal(name, "run_start")) if known else 0


async def test_session_is_stopped_from_its_card_and_continues_again(tmp_path: Path) -> None:
    async with chat_room(scripted_shop(tmp_path, journeys.endless(seconds=1000))) as room:
        await room.start()
        room.say("/run demo:demo go on for ever")
        card = await room.see("demo · demo", fits=lambda message: "⏹ Stop" in message.labels)
        await asyncio.to_thread(until, lambda: _runs(room, "demo") == 1)
        await room.tap(card, "⏹ Stop")
        checked = await room.see("demo is stopped", "nothing of the session is running")
        assert room.state_of("demo") == "stopped"
        room.ann.say("/resume", reply_to=checked)
        await room.see(
            "demo · demo", fits=lambda message: message.id == card.id and "⏸ Pause" in message.labels
        )
        # The card may not show the first stop yet: only a second run is one that the panic has to end.
        await asyncio.to_thread(until, lambda: _runs(room, "demo") == 2)
        room.say("/panic")
        await room.see("Emergency stop is on")
        refused = room.say("/run other: do it")
        await room.see("emergency stop", after=refused)
        room.say("/resume")
        await room.see("Emergency stop is off")
        assert room.state_of("demo") == "stopped"


async def test_a_question_older_than_the_bot_is_summarized_once_and_answered(room: ChatRoom) -> None:
    ran = await asyncio.to_thread(room.shop.run, "demo", "--task", "add a greeting")
    assert ran.returncode == 10, ran.stderr
    ago = time.time() - 5 * 86_400
    for file in (*room.shop.session("demo").rglob("*"), *room.state.rglob("*")):
        os.utime(file, (ago, ago))
    await room.start()
    summary = await room.see("1 session waits for you", "demo  waits for 3 answers, for 5 d")
    room.say("/help")
    await room.see("/run")  # it comes after the summary, so that one is noted as sent
    await room.kill()
    await room.start()
    await room.tap(summary, "demo")
    question = await room.see("Which greeting", fits=lambda message: "A ★" in message.labels)
    assert [each.id for each in room.chat.from_bot() if "waits for you" in each.text] == [summary.id]
    await room.tap(question, "A ★")
    await room.see("→ A", fits=lambda message: message.id == question.id)


async def test_a_deleted_worktree_is_recreated_from_the_chat(tmp_path: Path) -> None:
    async with chat_room(scripted_shop(tmp_path, journeys.endless(seconds=1000))) as room:
        await room.start()
        room.say("/run demo:demo go on for ever")
        card = await room.see("demo · demo", fits=lambda message: "⏹ Stop" in message.labels)
        await room.tap(card, "⏹ Stop")
        await room.see("demo is stopped")
        tree = room.shop.worktrees / "demo"
        shutil.rmtree(tree)
        room.say("/resume demo")
        await room.see("The worktree of demo was deleted", "cannot come back")
        again = room.say("/run demo:demo")
        offer = await room.see("The worktree of demo was deleted", "cannot come back", after=again)
        assert not tree.exists()
        await room.tap(offer, "🌱 Recreate the worktree")
        await room.see("recreated from its branch demo", "are lost")
        await room.see("demo · demo", fits=lambda message: "⏸ Pause" in message.labels)
        assert (tree / ".git").is_file()


async def test_strangers_of_every_kind_get_silence_and_a_line_in_the_log(room: ChatRoom) -> None:
    await room.start()
    room.say("/run demo:demo add a greeting")
    question = await room.see("Which greeting", fits=lambda message: bool(message.labels))
    eve = room.server.person("Eve", user_id=666)
    with_eve = room.server.private_chat(eve)
    group = room.server.group("Elsewhere", [room.ann, eve])
    calls = room.server.calls.count
    tap = eve.tap(question, "A ★")
    eve.say("/stop demo")
    eve.start("ABCDEFGHJK")
    room.ann.edit(room.ann.say("/status", group), "/stop demo")
    room.ann.forward(eve.say("/approve"), room.chat)
    room.ann.say_anonymously("/stop demo", group)
    room.ann.say("/stop demo", group)
    after = room.say("/sessions")
    await room.see("1 session", after=after)
    forwarded = await room.see("forwarded from Eve", "/approve")
    assert forwarded.labels[-1] == "Cancel"
    assert with_eve.from_bot() == []
    assert not [message for message in group.from_bot() if message.sender is room.bot_account.user]
    assert tap.answer is None
    assert room.state_of("demo") == "waiting"
    assert {
        call.arguments.values.get("chat_id") for call in room.server.calls.of("sendMessage", after=calls)
    } == {str(room.chat.id)}
    lines = [line for line in (room.state / "bot.log").read_text().splitlines() if "no effect" in line]
    assert len(lines) == 8
    assert not any("/stop" in line or "Eve" in line for line in lines)


async def test_the_token_is_in_no_environment_and_no_argument(room: ChatRoom) -> None:
    await room.start("--verbose")
    room.server.fault(FaultKind.BAD_GATEWAY, "getUpdates", count=2)
    room.server.fault(FaultKind.RESET, "sendMessage", count=1)
    room.say("/run demo:demo add a greeting")
    first = await room.see("Which greeting")
    secret = TOKEN.partition(":")[2]
    seen: list[int] = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            ours = process.environ().get("WORKSHOP") == str(room.shop.root)
            if ours:
                seen.append(process.pid)
                assert secret not in " ".join([*process.cmdline(), *process.environ().values()])
    assert room.bot is not None
    assert room.bot.pid in seen or os.geteuid() != 0  # only root may look into the bot at all
    assert all("TELEGRAM_BOT_TOKEN" not in note.env_names for note in room.runs())
    await room.tap(first, "Accept all")
    await room.see("has a plan")
    room.say("/status")  # or the refusal would only be heard at the end of a long poll
    room.server.revoke(TOKEN)
    assert room.bot is not None
    assert await asyncio.to_thread(room.bot.wait, WAIT) == 78
    printed = room.output()
    assert "does not accept the bot's token" in printed
    assert secret not in printed
    for file in room.shop.root.rglob("*"):
        if file.is_file() and ".git" not in file.parts:
            assert secret.encode() not in file.read_bytes(), file


async def test_ten_sessions_at_once_and_the_bot_still_answers(tmp_path: Path) -> None:
    scenario = journeys.endless((PROGRESS, *CHATTER))
    async with chat_room(scripted_shop(tmp_path, scenario), more={"SAMOBOT_MAX_PARALLEL": "10"}) as room:
        await room.start()
        for number in range(10):
            room.say(f"/run s{number}: go on for ever")
        for number in range(10):
            await room.see(f"s{number} · demo", "●")
        asked = room.say("/status")
        status = await room.see("10 running", after=asked)
        assert all(f"s{number}" in status.text for number in range(10))
        room.say("/stop all")
        stopped = await room.see("is stopped", "Worker")
        assert all(f"s{number} is stopped" in stopped.text for number in range(10))
        edits = [call.started for call in room.server.calls.of("editMessageText") if call.status == 200]
        assert max(sum(start <= other < start + 1.0 for other in edits) for start in edits) <= 2
        assert room.server.calls.rejected() == []


async def test_an_old_command_is_confirmed_and_an_old_answer_counts(room: ChatRoom) -> None:
    await room.start()
    room.say("/run demo:demo add a greeting")
    question = await room.see("Which greeting", fits=lambda message: bool(message.labels))
    await room.end()
    world, clock = room.server.world, room.server.world.wall
    world.wall = lambda: clock() - 3600
    room.ann.reply(question, "C")
    old = room.say("/stop")
    world.wall = clock
    await room.start()
    await room.see("→ C", fits=lambda message: message.id == question.id)
    asked = await room.see("/stop is from", after=old)
    assert room.state_of("demo") == "waiting"
    await room.tap(asked, "No")
    assert room.state_of("demo") == "waiting"


async def test_first_decision_in_a_group_wins_and_the_other_user_is_notified(tmp_path: Path) -> None:
    async with chat_room(
        scripted_shop(tmp_path, journeys.greeting()), more={"TELEGRAM_ALLOWED_USERS": "1234,77"}
    ) as room:
        ben = room.server.person("Ben", user_id=77)
        team = room.server.group("Team", [room.ann, ben], admin=True)
        room.shop.environment["TELEGRAM_CHAT_ID"] = str(team.id)
        await room.start()
        room.ann.say("/run demo:demo add a greeting", team)
        question = await room.see("Which greeting", chat=team, fits=lambda message: bool(message.labels))
        taps = [room.ann.tap(question, "A ★"), ben.tap(question, "B")]
        said = [(await room.server.answer_of(tap, WAIT)).text for tap in taps]
        assert said[0].startswith("Saved.")
        assert "answered by Ann" in said[1]
        await room.see("→ A", "Ann,", chat=team, fits=lambda message: message.id == question.id)
        ben.say("only talking", team)
        ben.say("/status", team)
        await room.see("waits for you", chat=team)
        assert not any("only talking" in message.text for message in team.from_bot())


async def test_chatter_starts_no_session_and_overwrites_no_tapped_answer(room: ChatRoom) -> None:
    await room.start()
    room.say("/run")
    await room.see("What should be done")
    room.say("/run demo:demo add a greeting")
    question = await room.see("Which greeting", fits=lambda message: bool(message.labels))
    said = room.say("thanks looks good")
    await room.see("Is that for demo?", after=said)
    await room.tap(question, "✍️ Other")
    asked = await room.see("Your answer?", after=said)
    await room.tap(question, "B")
    await room.see("→ B", fits=lambda message: message.id == question.id)
    said = room.ann.reply(asked, "what is going on?").id
    await room.see("Q1 is answered already: B)", after=said)
    said = room.say("and now?")
    await room.see("Is that for demo?", after=said)
    said = room.say("/status")
    overview = await room.see("waits for you", after=said)
    assert "thanks" not in overview.text
    assert [folder.name for folder in room.shop.session("demo").parent.glob("[0-9]*")] == [
        room.shop.session("demo").name
    ]
    assert "what is going on" not in (room.shop.session("demo") / "_qa.md").read_text()
    assert "→ B" in room.chat.by_id[question.id].text


async def test_typing_errors_are_met_with_what_was_meant(room: ChatRoom) -> None:
    await room.start()
    said = room.say("/stattus")
    await room.see("Did you mean /status?", after=said)
    said = room.say("/run")
    asked = await room.see("What should be done", after=said)
    assert asked.asks_reply
    await room.kill()
    await room.start()
    said = room.ann.reply(asked, "demo").id
    task = await room.see("What should be done?", after=said)
    room.ann.reply(task, "add a greeting")
    await room.see("Which greeting")
    assert "add a greeting" in (room.shop.session("demo") / "_overview.md").read_text()
    said = room.say("/log dmeo")
    hint = await room.see("Did you mean demo?", after=said)
    await room.tap(hint, "/log demo")
    await room.see("📄 demo", after=hint.id)
    said = room.say("what about this")
    await room.see("What is this for?", after=said)
    said = room.say("/answer zzz")
    which = await room.see("Which question of demo", after=said)
    assert len(which.labels) == 3


async def test_short_replies_raise_the_budget_ask_for_the_status_and_stop(tmp_path: Path) -> None:
    async with chat_room(scripted_shop(tmp_path, journeys.endless([PROGRESS], seconds=0.2))) as room:
        await room.start()
        room.say("/run demo:demo do it --budget 0.01")
        money = await room.see("has used up its budget")
        room.ann.reply(money, "raise it to $500")
        await room.see("may cost $500.00 now")
        card = await room.see("demo · demo", "▶️")
        asked = room.ann.reply(card, "status?").id
        await room.see("demo · demo", after=asked)
        said = room.ann.reply(card, "STOP!!").id
        await room.see("demo is stopped", after=said)
        assert not (room.shop.session("demo") / "_guidance.md").exists()
        assert room.server.calls.rejected() == []
        assert await room.end() == 0
        until(lambda: room.shop.processes() == [])


async def test_what_came_of_a_stop_is_said_before_queued_chatter(tmp_path: Path) -> None:
    async with chat_room(scripted_shop(tmp_path, journeys.endless(seconds=1000))) as room:
        await room.start()
        room.say("/run demo:demo do it")
        card = await room.see("demo · demo", "▶️")
        for number in range(50):
            room.say(f"what about part {number}?")
        said = room.say("/stop demo")
        stopped = await room.see("demo is stopped", after=said)
        # 50 hints take 50 seconds at Telegram's pace: the receipt was not behind them.
        later = [
            message for message in room.chat.from_bot() if message.id < stopped.id and message.id > card.id
        ]
        assert len(later) < 45
        assert await room.end() == 0


async def test_what_a_project_would_run_is_asked_once_and_trusted_by_a_tap(tmp_path: Path) -> None:
    shop = scripted_shop(tmp_path, Scenario(phases={Phase.INVESTIGATION: [[blocked("Nobody there")]]}))
    hook = {"hooks": {"SessionStart": [{"hooks": [{"type": "command", "command": "make evil"}]}]}}
    (shop.repo / ".claude").mkdir()
    (shop.repo / ".claude" / "settings.json").write_text(json.dumps(hook))
    shop.git("add", ".")
    shop.git("commit", "-qm", "Add a hook")
    async with chat_room(shop) as room:
        await room.start()
        room.say("/run demo:first do it")
        asked = await room.see("first", "does not use something of demo", "make evil")
        assert asked.labels == ["🔐 Trust exactly this", "⛔ Leave it out"]
        await room.see("first is blocked")
        said = room.say("/run demo:second do it")  # the question was ignored
        await room.see("second is blocked", after=said)
        notices = [each["text"] for each in shop.journal("second", "notice")]
        assert any("Still not trusted" in each for each in notices), notices
        shown = room.say("/trust second")
        again = await room.see("does not use something of demo", after=shown)
        assert "Trusted" in await room.tap(again, "🔐 Trust exactly this")
        nothing = room.say("/trust first")
        await room.see("nothing that you have not trusted", after=nothing)
        asking = [each for each in room.chat.from_bot() if "does not use something" in each.text]
        assert [each.id for each in asking] == [asked.id, again.id]
        assert await room.end() == 0
