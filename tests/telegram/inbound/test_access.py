from __future__ import annotations

import logging
from typing import Any

import pytest
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, Update

from samobot.config.settings import Settings
from samobot.sandbox.botapi.server import BotApiServer
from samobot.telegram.inbound.access import AccessGate, RefusalReason, access_of, check_access
from samobot.telegram.outbound.bot_client import build_bot
from samobot.telegram.store.bot_store import Store
from samobot.telegram.store.pairing import Access
from tests.support.cases import for_each
from tests.telegram.conftest import ManualClock

OWNER, STRANGER, GROUP = 11, 66, -100500
ACCESS = Access(frozenset({OWNER}), frozenset({GROUP}))
BOT = Bot("42:token-for-tests")


def person(number: int = OWNER, **more: Any) -> dict[str, Any]:
    return {"id": number, "is_bot": False, "first_name": "P"} | more


def private(number: int = OWNER) -> dict[str, Any]:
    return {"id": number, "type": "private"}


def group(number: int = GROUP) -> dict[str, Any]:
    return {"id": number, "type": "supergroup", "title": "G"}


def message(
    user: dict[str, Any] | None, chat: dict[str, Any], text: str = "/stop", **more: Any
) -> dict[str, Any]:
    sender = {"from": user} if user is not None else {}
    return {"message_id": 5, "date": 1_800_000_000, "chat": chat, "text": text} | sender | more


def update(kind: str, value: dict[str, Any]) -> Update:
    return Update.de_json({"update_id": 1, kind: value}, BOT)


def tap(user: dict[str, Any], chat: dict[str, Any]) -> Update:
    shown = message(person(42, is_bot=True), chat, "card")
    return update(
        "callback_query", {"id": "1", "from": user, "chat_instance": "1", "data": "x", "message": shown}
    )


def test_the_owner_passes_in_private_and_in_an_allowed_group() -> None:
    assert check_access(update("message", message(person(), private())), ACCESS).allowed
    assert check_access(update("message", message(person(), group())), ACCESS).allowed
    assert check_access(tap(person(), private()), ACCESS).allowed
    assert check_access(tap(person(), group()), ACCESS).allowed


def test_the_owners_forward_passes_so_that_it_can_be_offered() -> None:
    assert check_access(
        update("message", message(person(), private(), forward_origin=FORWARD)), ACCESS
    ).allowed


def test_the_owners_edit_passes_so_that_it_can_be_answered() -> None:
    edited = message(person(), private(), edit_date=2)
    assert check_access(update("edited_message", edited), ACCESS).allowed


def test_a_tap_on_a_message_too_old_to_be_shown_passes() -> None:
    old = {"message_id": 5, "date": 0, "chat": private()}
    query = {"id": "1", "from": person(), "chat_instance": "1", "data": "x", "message": old}
    assert check_access(update("callback_query", query), ACCESS).allowed


FORWARD = {"type": "hidden_user", "sender_user_name": "X", "date": 1}
REFUSED = {
    "a stranger in private": (
        update("message", message(person(STRANGER), private(STRANGER))),
        RefusalReason.STRANGER,
    ),
    "a stranger in the group": (
        update("message", message(person(STRANGER), group())),
        RefusalReason.STRANGER,
    ),
    "a stranger's tap on the owner's message": (tap(person(STRANGER), private()), RefusalReason.STRANGER),
    "a stranger's tap in the group": (tap(person(STRANGER), group()), RefusalReason.STRANGER),
    "the owner in another group": (update("message", message(person(), group(-5))), RefusalReason.PLACE),
    "the owner's tap in another group": (tap(person(), group(-5)), RefusalReason.PLACE),
    "somebody else's private chat": (
        update("message", message(person(), private(STRANGER))),
        RefusalReason.PLACE,
    ),
    "a stranger's edit": (
        update("edited_message", message(person(STRANGER), private(STRANGER), edit_date=2)),
        RefusalReason.STRANGER,
    ),
    "an edited post of a channel": (
        update("edited_channel_post", message(None, group(), edit_date=2)),
        RefusalReason.KIND,
    ),
    "a stranger's forward": (
        update("message", message(person(STRANGER), private(STRANGER), forward_origin=FORWARD)),
        RefusalReason.STRANGER,
    ),
    "a command through another bot": (
        update("message", message(person(), private(), via_bot=person(77, is_bot=True))),
        RefusalReason.VIA_BOT,
    ),
    "an anonymous admin": (
        update("message", message(person(1087968824, is_bot=True), group(), sender_chat=group())),
        RefusalReason.ANONYMOUS,
    ),
    "the owner in the name of a chat": (
        update("message", message(person(), group(), sender_chat=group())),
        RefusalReason.ANONYMOUS,
    ),
    "a linked channel": (
        update("message", message(person(777000), group(), is_automatic_forward=True)),
        RefusalReason.ANONYMOUS,
    ),
    "another bot": (update("message", message(person(OWNER, is_bot=True), group())), RefusalReason.BOT),
    "a message of nobody": (update("message", message(None, group())), RefusalReason.NOBODY),
    "a channel post": (
        update("channel_post", message(None, {"id": -7, "type": "channel", "title": "C"})),
        RefusalReason.KIND,
    ),
    "a message in a channel": (
        update("message", message(person(), {"id": -7, "type": "channel", "title": "C"})),
        RefusalReason.PLACE,
    ),
    "an inline query": (
        update("inline_query", {"id": "1", "from": person(), "query": "q", "offset": ""}),
        RefusalReason.KIND,
    ),
    "a button under an inline message": (
        update(
            "callback_query",
            {"id": "1", "from": person(), "chat_instance": "1", "data": "x", "inline_message_id": "i"},
        ),
        RefusalReason.KIND,
    ),
    "a reaction": (
        update(
            "message_reaction",
            {
                "chat": private(),
                "message_id": 1,
                "user": person(),
                "date": 1,
                "old_reaction": [],
                "new_reaction": [],
            },
        ),
        RefusalReason.KIND,
    ),
    "a kind of update that does not exist yet": (update("telepathy", {}), RefusalReason.KIND),
}


@for_each("name", REFUSED)
def test_nothing_else_has_an_effect(name: str) -> None:
    refused, reason = REFUSED[name]
    assert check_access(refused, ACCESS).reason is reason


def test_service_numbers_do_not_pass_even_where_they_are_listed() -> None:
    listed = Access(frozenset({777000, 1087968824}), frozenset({GROUP}))
    for number in (777000, 1087968824):
        assert not check_access(update("message", message(person(number), group())), listed).allowed


def test_an_empty_list_means_nobody() -> None:
    assert not check_access(update("message", message(person(), private())), Access()).allowed


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("/start ABCDE-FGHJK", "ABCDE-FGHJK"),
        ("/start@demo_bot abc", "abc"),
        ("/start", None),
        ("/stop ABC", None),
        ("/start a b", None),
        ("/start " + "A" * 65, None),
        ("text /start ABC", None),
    ],
)
def test_only_a_start_with_a_payload_can_be_a_code(text: str, code: str | None) -> None:
    assert (
        check_access(update("message", message(person(STRANGER), private(STRANGER), text)), ACCESS).code
        == code
    )


def test_a_stranger_cannot_pair_in_a_group_or_by_a_forward() -> None:
    start = "/start ABCDEFGHJK"
    assert check_access(update("message", message(person(STRANGER), group(), start)), ACCESS).code is None
    assert check_access(update("message", message(person(STRANGER), group(-5), start)), ACCESS).code is None
    forwarded = message(person(STRANGER), private(STRANGER), start, forward_origin=FORWARD)
    assert check_access(update("message", forwarded), ACCESS).code is None
    assert (
        check_access(
            update("edited_message", message(person(STRANGER), private(STRANGER), start)), ACCESS
        ).code
        is None
    )


def test_the_owner_of_a_private_chat_is_allowed_and_a_group_is_a_place() -> None:
    assert access_of(Settings(telegram_chat_id=OWNER)) == Access(frozenset({OWNER}))
    assert access_of(Settings(telegram_chat_id=GROUP)) == Access(frozenset(), frozenset({GROUP}))
    assert access_of(Settings()) == Access()


async def admitted(gate: AccessGate, checked: Update) -> bool:
    reached: list[Update] = []

    async def reach(update: Update) -> None:
        reached.append(update)

    await gate.guard(reach)(checked)
    return reached == [checked]


async def test_a_code_lets_a_stranger_in_for_good(store: Store) -> None:
    gate = AccessGate(ACCESS, store)
    code = store.pairing.new_code().code
    hello = update("message", message(person(STRANGER), private(STRANGER), "/status"))
    assert not await admitted(gate, hello)
    assert await admitted(
        gate, update("message", message(person(STRANGER), private(STRANGER), f"/start {code}"))
    )
    assert await admitted(gate, hello)
    assert await admitted(AccessGate(ACCESS, store), hello)
    other = update("message", message(person(67), private(67), f"/start {code}"))
    assert not await admitted(gate, other)


async def test_a_wrong_code_is_a_stranger(store: Store) -> None:
    gate = AccessGate(ACCESS, store)
    store.pairing.new_code()
    assert not await admitted(
        gate, update("message", message(person(STRANGER), private(STRANGER), "/start WRONG"))
    )
    assert STRANGER not in gate.access.users


async def test_somebody_allowed_can_pair_a_group(store: Store) -> None:
    gate = AccessGate(ACCESS, store)
    code = store.pairing.new_code().code
    assert await admitted(gate, update("message", message(person(), group(-5), f"/start@demo_bot {code}")))
    assert await admitted(gate, tap(person(), group(-5)))
    assert not await admitted(gate, tap(person(STRANGER), group(-5)))


async def test_delivered_message_shows_that_its_chat_is_alive(store: Store) -> None:
    alive: list[int] = []
    gate = AccessGate(ACCESS, store, on_admitted=alive.append)
    await admitted(gate, update("message", message(person(STRANGER), private(STRANGER))))
    await admitted(gate, update("message", message(person(), group())))
    assert alive == [GROUP]


async def test_stranger_leaves_one_line_without_their_text(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    gate = AccessGate(ACCESS, store)
    with caplog.at_level(logging.INFO):
        await admitted(
            gate,
            update("message", message(person(STRANGER, username="evil"), private(STRANGER), "s3cret words")),
        )
    assert len(caplog.records) == 1
    assert str(STRANGER) in caplog.text
    assert "s3cret" not in caplog.text
    assert "evil" not in caplog.text


async def test_a_flood_of_strangers_does_not_flood_the_log(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    clock = ManualClock()
    gate = AccessGate(ACCESS, store, monotonic=clock)
    stranger = update("message", message(person(STRANGER), private(STRANGER)))
    for _ in range(1000):
        await admitted(gate, stranger)
    assert len(caplog.records) == 20
    clock.now += 61
    await admitted(gate, stranger)
    assert "980 more" in caplog.text


async def test_a_gate_that_fails_stays_shut(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr("samobot.telegram.inbound.access.check_access", broken)
    assert not await admitted(AccessGate(ACCESS, store), update("message", message(person(), private())))


async def test_only_the_owners_updates_reach_a_handler(store: Store) -> None:
    async with BotApiServer() as server:
        server.add_bot("42:token-for-tests", privacy=False)
        owner, stranger = server.person("Ann"), server.person("Eve")
        chat = server.private_chat(owner)
        server.private_chat(stranger)
        place = server.group("G", [owner, stranger])
        elsewhere = server.group("Elsewhere", [owner])
        gate = AccessGate(Access(frozenset({owner.id}), frozenset({place.id})), store)
        reached: list[str] = []

        async def reach(update: Update) -> None:
            query, said = update.callback_query, update.message or update.edited_message
            reached.append(
                str(query.data) if query is not None else (said.text or "") if said is not None else "?"
            )

        async with build_bot("42:token-for-tests", server.url) as bot:
            keys = InlineKeyboardMarkup([[InlineKeyboardButton("Stop", callback_data="tapped")]])
            for shown_in in (chat, place):
                await bot.send_message(shown_in.id, "card", reply_markup=keys)
            card, shared = chat.from_bot()[0], place.from_bot()[0]
            stranger.say("by a stranger")
            stranger.say("by a stranger in the group", place)
            stranger.tap(shared, "Stop")
            owner.say("elsewhere", elsewhere)
            owner.forward(owner.say("/stop", chat), chat)
            owner.edit(owner.say("/status", chat), "edited")
            owner.say_anonymously("anonymous", place)
            owner.tap(card, "Stop")
            owner.tap(shared, "Stop")
            owner.say("in the group", place)
            for update in await bot.get_updates(allowed_updates=Update.ALL_TYPES):
                await gate.guard(reach)(update)
        assert reached == ["/stop", "/stop", "/status", "edited", "tapped", "tapped", "in the group"]
        assert len(server.calls.of("sendMessage")) == 2
