"""Calls that an agent asks for, as they come into a chat: loud, one message each, closed once they are over."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from samobot.config.settings import Settings
from samobot.fleet.ask_models import AskView
from samobot.fleet.models import SessionView
from samobot.phases import WaitingFor
from samobot.sandbox.botapi.server import BotApiServer
from samobot.session.decisions import DecisionKind
from samobot.session.journal import RunEndReason
from samobot.session.status import SessionState
from samobot.telegram.outbound.bot_client import build_bot
from samobot.telegram.store.bot_store import Store
from tests.support.chat import FakeFleet, Phone
from tests.support.views import AT, at_rest, ended, session

TOKEN = "42:abcdefghijklmnopqrstuvwxyz"
LATER = AT + timedelta(hours=2)


@pytest.fixture
async def phone(store: Store) -> AsyncIterator[Phone]:
    async with BotApiServer() as server:
        server.add_bot(TOKEN)
        chat = server.private_chat(server.person())
        async with build_bot(TOKEN, server.url) as bot:
            store.chats.put(replace(store.chats.get(chat.id), timezone="UTC"))
            made = Phone(server, chat, store, bot, FakeFleet(), Settings(telegram_chat_id=chat.id), AT)
            await made.look(session(updated=AT))
            yield made


def ask(identity: str = "a1", **values: Any) -> AskView:
    usual: dict[str, Any] = {
        "id": identity, "sha256": "0" * 64, "tool": "Bash", "subject": "git push <x> & y", "text": "git push <x> & y",
        "size": 16, "rule": "the command: git push", "reasons": ("publishes something", "touches a secret"),
        "said": "Tests pass.\n\n**Pushing** `x`", "where": "/work/a & b", "at": AT, "waiting": True,
    }  # fmt: skip
    return AskView(**(usual | values))


def asking(*asks: AskView, **values: Any) -> SessionView:
    """A running session that waits for a permission."""
    waiting = [each for each in asks if each.waiting]
    usual: dict[str, Any] = {
        "state": SessionState.WAITING, "waiting_for": WaitingFor.PERMISSION, "gate": f"permission:{waiting[0].id}",
        "asks": asks, "updated": LATER,
    }  # fmt: skip
    return session(**(usual | values))


async def test_each_call_is_a_loud_message_with_the_call_whole(phone: Phone) -> None:
    first, second = await phone.look(asking(ask(), ask("b2", tool="Edit", text="/a\n-x\n+y", size=8)))
    assert not first.silent
    assert first.text.split("\n")[0] == "🔐 greet asks before a risky step"
    for part in (
        "Bash, in /work/a & b",
        "git push <x> & y",
        "Publishes something and touches a secret.",
        "Pushing",
    ):
        assert part in first.text
    assert first.labels == ["✅ Allow once", "⛔ Deny", "Allow for this session", "✍️ Deny and say…"]
    assert "-x\n+y" in second.text
    assert "🔐 greet" in phone.one("🔐 greet · demo").text, "the card"


async def test_verdict_is_shown_wherever_it_was_given_and_the_other_call_still_waits(phone: Phone) -> None:
    await phone.look(asking(ask(), ask("b2")))
    decided = ask(
        waiting=False,
        verdict=DecisionKind.DENY,
        by="ann",
        via="terminal",
        decided_at=LATER,
        feedback="not yet",
    )
    assert not await phone.look(asking(decided, ask("b2")))
    message = phone.one("⛔ greet · Bash")
    assert message.text.endswith("→ Denied · from the terminal, 16:00: “not yet”")
    assert message.labels == []
    assert [each for each in phone.messages if each.text.startswith("🔐 greet asks")]


async def test_a_stop_closes_what_was_asked(phone: Phone) -> None:
    await phone.look(asking(ask()))
    end = ended(RunEndReason.STOPPED, LATER)
    await phone.look(at_rest(SessionState.STOPPED, end=end, asks=(ask(),), updated=LATER))
    message = phone.one("🔐 greet asks before")
    assert "→ Stopped" in message.text
    assert message.labels == []


async def test_the_question_stays_through_the_death_of_worker_and_bot(phone: Phone) -> None:
    await phone.look(asking(ask()))
    phone.start()
    assert not await phone.look(asking(ask(), has_worker=False, running_since=None, activity=None))
    assert phone.one("🔐 greet asks before").labels
