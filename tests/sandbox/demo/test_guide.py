"""The guide follows the chat wherever the person takes it."""

from __future__ import annotations

import pytest

from samobot.sandbox.botapi.calls import Upload
from samobot.sandbox.botapi.chat_messages import SandboxMessage
from samobot.sandbox.botapi.entities import Formatted
from samobot.sandbox.botapi.keyboards import KeyboardButton, Markup, MarkupKind
from samobot.sandbox.botapi.user import UserClient
from samobot.sandbox.botapi.world import World
from samobot.sandbox.demo.guide import Stop, guide

CARD = "▶️ greet · sample\n●●●◉○○○ implementation"


class Chat:
    """A chat whose bot says what a test wants."""

    def __init__(self) -> None:
        self.world = World()
        self.bot = self.world.add_bot("42:token", "samo_bot")
        self.person = UserClient(self.world, self.world.add_user("Ann", 1001))
        self.chat = self.world.private_chat(self.person.user)

    def bot_says(self, text: str, *labels: str, file: str = "") -> SandboxMessage:
        rows = (tuple(KeyboardButton(label, data=label) for label in labels),) if labels else ()
        markup = Markup(MarkupKind.INLINE, rows) if rows else None
        sent = self.world.files.add(Upload(file, "text/plain", b"x")) if file else None
        return self.world.post(
            SandboxMessage(self.chat, 0, 0, self.bot.user, Formatted(text), markup=markup, file=sent)
        )

    def stop(self) -> Stop:
        return guide(self.chat.messages, self.person.id).stop


def test_no_button_is_suggested_after_a_prompt_for_text() -> None:
    chat = Chat()
    chat.bot_says(CARD, "⏹ Stop")
    chat.bot_says("❓ greet asks · 1 of 1", "✍️ Answer")
    asked = chat.bot_says("✍️ greet · Q1\nYour answer?")
    asked.markup = Markup(MarkupKind.FORCE_REPLY)
    hint = guide(chat.chat.messages, 1001)
    assert (hint.stop, hint.message, hint.button, hint.say) == (Stop.ANSWER, asked.id, None, None)
    chat.person.say("greet.py")
    assert guide(chat.chat.messages, 1001).button == "✍️ Answer"


def test_the_whole_way() -> None:
    chat = Chat()
    first = guide(chat.chat.messages, 1001)
    assert first.stop is Stop.SEND
    assert first.say is not None
    chat.person.say(first.say)
    assert chat.stop() is Stop.WATCH
    card = chat.bot_says(CARD, "⏹ Stop")
    assert chat.stop() is Stop.WATCH
    question = chat.bot_says("❓ greet asks · 1 of 2", "A", "B ★")
    chat.bot_says("❓ greet asks · 2 of 2", "A ★", "B")
    hint = guide(chat.chat.messages, 1001)
    assert (hint.stop, hint.message, hint.button) == (Stop.ANSWER, question.id, "B ★")
    for message in chat.chat.messages[2:]:
        message.content, message.markup = Formatted("✅ greet · question"), None
    assert chat.stop() is Stop.WATCH
    plan = chat.bot_says("📋 greet has a plan", "✅ Approve", "✏️ Request changes")
    hint = guide(chat.chat.messages, 1001)
    assert (hint.stop, hint.button) == (Stop.APPROVE, "✅ Approve")
    plan.content, plan.markup = Formatted("✅ greet · plan\n→ Approved"), None
    hint = guide(chat.chat.messages, 1001)
    assert (hint.stop, hint.message) == (Stop.BUILD, card.id)
    chat.bot_says("🏁 greet is done", "± Diff", "📦 Archive")
    hint = guide(chat.chat.messages, 1001)
    assert (hint.stop, hint.button) == (Stop.DIFF, "± Diff")
    chat.bot_says("± greet", file="greet.diff")
    hint = guide(chat.chat.messages, 1001)
    assert hint.stop is Stop.FREE
    assert "/stop all stops everything" in hint.text


@pytest.mark.parametrize("sign", ["❓", "📋", "🏁"])
def test_a_card_is_no_question_whatever_its_sign(sign: str) -> None:
    chat = Chat()
    chat.person.say("/run greet")
    chat.bot_says(f"{sign} greet · sample\n●◉○○○○○ requirements", "📄 Log", "⏹ Stop")
    assert chat.stop() is Stop.WATCH


def test_the_newest_session_comes_first() -> None:
    chat = Chat()
    chat.bot_says("❓ old asks · 1 of 1", "A")
    asked = chat.bot_says("❓ new asks · 1 of 1", "A")
    assert guide(chat.chat.messages, 1001).message == asked.id


@pytest.mark.parametrize("text", ["", "❓", "📋   ", "🏁", "✅", "●", "▶️"])
def test_odd_messages_do_not_confuse_it(text: str) -> None:
    chat = Chat()
    chat.bot_says(text, "A")
    assert chat.stop() in Stop
