"""Every gate decided in the chat, with the real Claude CLI and a scripted model."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest

from samobot.sandbox.botapi.chats import MediaKind
from tests.e2e.test_journey import COMMIT, PLAN
from tests.support.chat_room import chat_room
from tests.support.claude_cli import cli_environment, require_claude
from tests.support.messages_api import MessagesApi, Step, bash, signal, write
from tests.support.waiting import until
from tests.support.workshop import make_workshop
from tests.telegram.handlers.test_message_files import png

pytestmark = [pytest.mark.real_cli, pytest.mark.xdist_group("real_cli_chat")]

QA = """### Q1: Which greeting should it print?
A) hello
B) good day
**Suggestion:** A - short
**Answer:** _waiting_

### Q2: Which language?
A) English
B) German
**Answer:** _waiting_

### Q3: How should it be called?
**Answer:** _waiting_
"""

CODE = "As in\n```py\nprint(greet('**Answer:** <&>'))\n```\nplease"
FEEDBACK = "Use argparse instead of click.\n- and no colours, **please**"
GUIDANCE = "Mock the network; the key is in $KEY"


def journey() -> dict[str, list[Step]]:
    return {
        "investigation": [*signal("continue", phase="requirements", summary="Looked around")],
        "requirements": [
            write("{session}/_qa.md", QA),
            *signal("waiting", waiting_for="qa_answers", summary="Asked three questions"),
            *signal("continue", phase="planning", summary="Folded the answers in"),
        ],
        "planning": [
            write("{session}/01-02-03:05-plan-greeting.md", PLAN),
            *signal("waiting", waiting_for="plan_approval", summary="Wrote a plan"),
            write("{session}/01-02-03:06-plan-greeting-2.md", PLAN + "- [ ] with argparse\n"),
            *signal("waiting", waiting_for="plan_approval", summary="Changed the plan"),
        ],
        "implementation": [bash(COMMIT), *signal("continue", phase="testing", summary="Wrote greet.py")],
        "testing": [
            *signal("blocked", reason="3 of 12 tests fail: no network here", needs="Should I mock it?"),
            *signal("continue", phase="done", summary="It prints"),
        ],
        "done": [
            write("{session}/01-02-03:07-summary.md", "# Summary\nAdded `greet.py`.\n"),
            *signal("done", summary="Added greet.py"),
        ],
    }


async def test_three_answers_a_rejection_an_approval_and_a_block_decided_in_the_chat(tmp_path: Path) -> None:
    with MessagesApi(journey()) as api:
        environment = cli_environment(tmp_path / "home", api.url) | {"CLAUDE_PATH": str(require_claude())}
        async with chat_room(make_workshop(tmp_path, environment, remote=True)) as room:
            await room.start()
            room.say("/run greet: Add a greeting script")
            first = await room.see("Which greeting", fits=lambda message: bool(message.labels))
            await room.tap(first, "B")
            room.say("/answer q2 a")
            third = await room.see("How should it be called")
            room.ann.reply(third, CODE)
            await room.see("greet has its answers")

            plan = await room.see("greet has a plan", fits=lambda message: bool(message.labels))
            assert "2 steps" in plan.text or "1 step" in plan.text
            await room.tap(plan, "✏️ Request changes")
            room.ann.reply(await room.see("What should be different?"), FEEDBACK)
            again = await room.see("version 2", "Since version 1", fits=lambda message: bool(message.labels))
            await room.tap(again, "✅ Approve")

            block = await room.see("greet is blocked", "no network here")
            await room.tap(block, "✍️ Answer")
            room.ann.reply(await room.see("What should it know?"), GUIDANCE)
            asked = await room.see("should it try again")
            await room.tap(asked, "🔁 Retry")
            done = await room.see("greet is done")
            assert "1 commit" in done.text
            api.check()

            answers = "\n".join(str(each.text) for each in api.of_phase("requirements"))
            assert "B) good day" in answers
            assert "A) English" in answers
            assert all(line in answers for line in CODE.splitlines())
            planning = "\n".join(str(each.text) for each in api.of_phase("planning"))
            assert all(line in planning for line in FEEDBACK.splitlines())
            assert GUIDANCE in "\n".join(str(each.text) for each in api.of_phase("testing"))
            assert "greet.py" in room.shop.git("show", "--stat", "greet")
            assert room.server.calls.rejected() == []
            assert await room.end() == 0
            until(lambda: room.shop.processes() == [])


async def test_an_image_and_a_voice_message_become_part_of_what_the_model_is_sent(tmp_path: Path) -> None:
    transcribe = shlex.join([sys.executable, "-c", "print('Use the colors of this picture')"])
    script = {
        "investigation": [
            *signal("blocked", reason="No picture", needs="Which colors?"),
            *signal("continue", phase="requirements", summary="Saw the picture"),
        ],
        "requirements": [*signal("blocked", reason="Enough", needs="Nothing")],
    }
    with MessagesApi(script) as api:
        environment = cli_environment(tmp_path / "home", api.url) | {"CLAUDE_PATH": str(require_claude())}
        async with chat_room(
            make_workshop(tmp_path, environment), more={"SAMOBOT_TRANSCRIBE_COMMAND": transcribe}
        ) as room:
            await room.start()
            room.ann.send_photo(png(), "/run greet: Add a page that looks like this")
            block = await room.see("greet is blocked", "Which colors?")
            room.ann.send(MediaKind.VOICE, b"OggS", seconds=3, reply_to=block)
            await room.tap(await room.see("Use the colors of this picture", "Send it?"), "✅ Send")
            await room.see("greet is blocked", "Enough")
            first, *_, last = api.of_phase("investigation")
            (picture,) = room.shop.session("greet").glob("*-from-you-photo-*.jpg")
            assert picture.read_bytes() == png()
            assert str(picture) in f"{first.system}{first.text}"
            assert "Use the colors of this picture" in f"{last.system}{last.text}"
            assert room.server.calls.rejected() == []
