"""Calls that an agent asks for, decided in the chat: exactly what was shown, once, and withdrawn again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from samobot.fleet.models import SessionRef
from samobot.session.asks import Ask, AskBook, read_asks, save_asks
from samobot.session.decisions import DecisionKind
from samobot.session.folder import SessionFolder
from samobot.session.tool_call import ToolCall
from samobot.telegram.markup.html import to_plain
from samobot.telegram.store.bot_store import Store
from tests.support.phone import NOW, Phone, open_phone

PUSH = ToolCall("Bash", {"command": "git push origin greet"})


@pytest.fixture
async def phone(tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Phone]:
    async for made in open_phone(tmp_path, store, monkeypatch):
        yield made


def ask(identity: str = "a1b2c3d4e5f6", call: ToolCall = PUSH) -> Ask:
    return Ask(
        id=identity,
        call=call,
        sha256=call.sha256,
        at=NOW,
        iteration=3,
        reasons=("publishes something",),
        said="Tests pass; pushing.",
        where="/work/repo",
        process="s",
    )


async def asked(phone: Phone, *asks: Ask) -> SessionFolder:
    """A session whose process is gone, with what it asked for; shown in the chat."""
    folder = SessionFolder(phone.session("demo"))
    save_asks(folder, asks or [ask()])
    await look(phone)
    return folder


async def look(phone: Phone) -> None:
    await phone.context.notifier.update(await phone.context.fleet.sessions())


def book(folder: SessionFolder) -> AskBook:
    return read_asks(folder, None)


async def test_call_is_shown_whole_with_where_why_and_the_agents_last_message(phone: Phone) -> None:
    await asked(phone)
    shown = to_plain(phone.last("asks before").post.text)
    for part in (
        "🔐 demo",
        "Bash, in /work/repo",
        "git push origin greet",
        "Publishes something.",
        "Tests pass",
    ):
        assert part in shown


@pytest.mark.parametrize(
    ("label", "kind", "outcome"),
    [
        ("✅ Allow once", DecisionKind.ALLOW_ONCE, "→ Allowed once · you"),
        ("Allow for this session", DecisionKind.ALLOW_SESSION, "→ Allowed for this session · you"),
        ("⛔ Deny", DecisionKind.DENY, "→ Denied · you"),
    ],
)
async def test_tap_decides_and_the_message_shows_it(
    phone: Phone, label: str, kind: DecisionKind, outcome: str
) -> None:
    folder = await asked(phone)
    message = phone.last("asks before")
    await phone.tap(message, label)
    await phone.repeat()
    decided = book(folder)
    verdict = decided.verdicts["a1b2c3d4e5f6"]
    assert (verdict.kind, verdict.who, verdict.sha256) == (kind, "Ann", PUSH.sha256)
    assert list(decided.rules) == (
        ["the command: git push origin greet"] if kind is DecisionKind.ALLOW_SESSION else []
    )
    assert outcome in to_plain(phone.last("demo · Bash").post.text)
    assert not phone.last("demo · Bash").post.markup
    other = "⛔ Deny" if kind is not DecisionKind.DENY else "✅ Allow once"
    assert "by Ann" in await phone.tap(message, other)
    assert book(folder).verdicts["a1b2c3d4e5f6"].kind is kind


async def test_denial_with_a_text_gives_the_agent_exactly_that(phone: Phone) -> None:
    folder = await asked(phone)
    await phone.tap(phone.last("asks before"), "✍️ Deny and say…")
    assert "git push origin greet" in to_plain(phone.last("It is denied once you reply.").post.text)
    await phone.say("Not before the review.\nAsk me again then.")
    verdict = book(folder).verdicts["a1b2c3d4e5f6"]
    assert (verdict.kind, verdict.text) == (DecisionKind.DENY, "Not before the review.\nAsk me again then.")


async def test_each_of_several_calls_is_decided_by_its_own_buttons(phone: Phone) -> None:
    second = ToolCall("Edit", {"file_path": "/work/repo/a.py", "old_string": "one\n", "new_string": "two\n"})
    folder = await asked(phone, ask(), ask("b1b2c3d4e5f6", second))
    assert "-one\n+two" in to_plain(phone.last("Edit, in").post.text)
    await phone.tap(phone.last("Edit, in"), "⛔ Deny")
    assert {each.id for each in book(folder).waiting} == {"a1b2c3d4e5f6"}


@pytest.mark.parametrize(
    "call",
    [
        ToolCall("Bash", {"command": "echo 1\n" * 1000 + "git push"}),
        ToolCall("Write", {"file_path": "/work/repo/a", "content": "line\n" * 2000 + "last line"}),
    ],
    ids=["command", "file"],
)
async def test_long_call_comes_whole_as_a_document(phone: Phone, call: ToolCall) -> None:
    await asked(phone, ask(call=call))
    row = phone.last("the whole call of")
    assert row.post.file_name == f"ask-a1b2c3d4e5f6.{'txt' if call.tool == 'Bash' else 'diff'}"
    document = await phone.context.fleet.ask_text(SessionRef.from_key("repo:26-01-31-demo"), "a1b2c3d4e5f6")
    assert document.text.endswith(("git push", "+last line"))
    assert "more characters are in the document" in to_plain(phone.last("asks before").post.text)


async def test_permission_for_the_session_is_in_the_status_and_can_be_withdrawn(phone: Phone) -> None:
    folder = await asked(phone)
    await phone.tap(phone.last("asks before"), "Allow for this session")
    [status] = [each for each in await phone.say("/status demo") if "Allowed in this session" in each]
    assert "the command: git push origin greet" in status
    await phone.tap(phone.last("Allowed in this session"), "↩️ Withdraw")
    assert book(folder).rules == {}
    assert not [each for each in await phone.say("/status demo") if "Allowed in this session" in each]


async def test_invisible_and_misleading_characters_of_a_call_are_visible(phone: Phone) -> None:
    values: dict[str, Any] = {"command": "rm a\u202egnp.\u200b\u0430"}
    await asked(phone, ask(call=ToolCall("Bash", values)))
    shown = to_plain(phone.last("asks before").post.text)
    assert "rm a‹U+202E›gnp.‹U+200B›" in shown
    assert "Not all of its letters are plain ASCII" in shown


async def test_stopped_session_asks_for_nothing(phone: Phone) -> None:
    folder = await asked(phone)
    message = phone.last("asks before")
    save_asks(folder, [each.over() for each in book(folder).asks])
    await look(phone)
    assert "No longer asked for" in to_plain(phone.last("demo · Bash").post.text)
    assert "does not ask for that" in await phone.tap(message, "✅ Allow once")
    assert book(folder).verdicts == {}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("yes", DecisionKind.ALLOW_ONCE),
        ("👍", DecisionKind.ALLOW_ONCE),
        ("ok", DecisionKind.ALLOW_ONCE),
        ("no", DecisionKind.DENY),
        ("yes, but not to main", None),
        ("which branch is that?", None),
    ],
)
async def test_reply_decides_only_if_it_is_a_clear_yes_or_no(
    phone: Phone, text: str, kind: DecisionKind | None
) -> None:
    folder = await asked(phone)
    phone.deliver(phone.last("asks before"), 50)
    answers = await phone.say(text, reply_to=50)
    verdict = book(folder).verdicts.get("a1b2c3d4e5f6")
    assert (verdict.kind if verdict else None) == kind
    if kind is None:
        assert any("decide later?" in each for each in answers)
        await phone.tap(phone.last("decide later?"), "✍️ Deny with that")
        decided = book(folder).verdicts["a1b2c3d4e5f6"]
        assert (decided.kind, decided.text) == (DecisionKind.DENY, text)


async def test_yes_to_a_call_that_was_denied_changes_nothing(phone: Phone) -> None:
    folder = await asked(phone)
    message = phone.last("asks before")
    await phone.tap(message, "⛔ Deny")
    phone.deliver(message, 50)
    answers = await phone.say("yes", reply_to=50)
    assert any("has decided that already: denied" in each for each in answers)
    assert book(folder).verdicts["a1b2c3d4e5f6"].kind is DecisionKind.DENY
