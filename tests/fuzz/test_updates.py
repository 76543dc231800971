"""Raw updates with anything in them: they are understood or set aside, and nobody gets in by a strange one."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from telegram import Bot, Update

from samobot.session.answer_text import parse_answers, parse_label
from samobot.telegram.handlers.chat_request import parse_command
from samobot.telegram.handlers.run_arguments import parse_run
from samobot.telegram.inbound.access import check_access
from samobot.telegram.store.pairing import Access
from tests.claude.test_record_parser import JSON
from tests.fuzz.refusals import refused
from tests.fuzz.test_records import places

pytestmark = pytest.mark.slow

OWNER, STRANGER, GROUP = 11, 66, -100500
ACCESS = Access(frozenset({OWNER}), frozenset({GROUP}))
BOT = Bot("42:token-for-tests")

USERS = st.sampled_from([OWNER, STRANGER, 777000, 1087968824, 136817688]).map(
    lambda number: {"id": number, "is_bot": False, "first_name": "P"}
)
CHATS = st.sampled_from(
    [
        {"id": OWNER, "type": "private"},
        {"id": STRANGER, "type": "private"},
        {"id": GROUP, "type": "supergroup", "title": "G"},
        {"id": -7, "type": "group", "title": "H"},
        {"id": -9, "type": "channel", "title": "C"},
    ]
)
MESSAGES = st.builds(
    lambda user, chat, text, more: {
        "message_id": 5,
        "date": 1_800_000_000,
        "from": user,
        "chat": chat,
        "text": text,
        **more,
    },
    USERS,
    CHATS,
    st.text(max_size=30) | st.sampled_from(["/stop", "/start ABCDEFGH", "/run x", "B"]),
    st.sampled_from(
        [
            {},
            {"sender_chat": {"id": -9, "type": "channel", "title": "C"}},
            {"is_automatic_forward": True},
            {
                "forward_origin": {
                    "type": "user",
                    "date": 1,
                    "sender_user": {"id": OWNER, "is_bot": False, "first_name": "P"},
                }
            },
            {"via_bot": {"id": 9, "is_bot": True, "first_name": "B"}},
        ]
    ),
)
UPDATES = st.one_of(
    MESSAGES.map(lambda message: {"update_id": 1, "message": message}),
    MESSAGES.map(lambda message: {"update_id": 1, "edited_message": message}),
    st.builds(
        lambda user, message: {
            "update_id": 1,
            "callback_query": {
                "id": "1",
                "from": user,
                "chat_instance": "1",
                "data": "x",
                "message": message,
            },
        },
        USERS,
        MESSAGES,
    ),
)


def _sender(raw: dict[str, Any]) -> object:
    content = raw.get("message") or raw.get("edited_message") or raw.get("callback_query")
    sender = content.get("from") if isinstance(content, dict) else None
    return sender.get("id") if isinstance(sender, dict) else None


@given(UPDATES, st.lists(st.tuples(st.integers(0, 200), JSON), max_size=3))
def test_only_the_owner_gets_in_whatever_an_update_holds(
    raw: dict[str, Any], changes: list[tuple[int, Any]]
) -> None:
    raw = copy.deepcopy(raw)
    for number, value in changes:
        found = places(raw)
        container, key = found[number % len(found)]
        container[key] = value
    try:
        update = Update.de_json(raw, BOT)
        verdict = check_access(update, ACCESS)
    except Exception:
        return  # set aside by the poller, which says so; nothing has happened
    if verdict.allowed:
        assert _sender(raw) == OWNER


@given(UPDATES)
def test_an_update_as_telegram_makes_them_is_always_understood(raw: dict[str, Any]) -> None:
    verdict = check_access(Update.de_json(raw, BOT), ACCESS)
    if verdict.allowed:
        assert _sender(raw) == OWNER
        message = raw.get("message") or raw.get("edited_message") or {}
        assert not any(key in message for key in ("sender_chat", "is_automatic_forward", "via_bot"))


WORDS = st.lists(
    st.sampled_from(
        [
            "--task",
            "--dive",
            "--budget",
            "--auto",
            "—task",
            '"',
            "“",
            "'",
            "5",
            "Q1",
            "=",
            "Q2=B",
            "name",
            ":",
            "p:n",
            "\n",
            " ",
            "\\",
            "-",
        ]
    )
    | st.text(max_size=6),
    max_size=14,
).map("".join)


@given(WORDS)
def test_arguments_of_a_command_are_parsed_or_refused_in_a_sentence(words: str) -> None:
    parse_command(f"/run {words}")
    parse_label(words)
    for read in (parse_run, parse_answers):
        refusal = refused(read, words)
        assert refusal is None or 0 < len(refusal) < 2_000
