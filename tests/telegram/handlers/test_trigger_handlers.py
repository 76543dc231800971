"""`/triggers` in the chat: what a forge has becomes an offer, and a session after a tap, or as a rule says."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from samobot.errors import UsageError
from samobot.fleet.emergency_flag import raise_flag
from samobot.fleet.forge import ForgeProblem, WorkSource
from samobot.fleet.landing_models import WorkReport
from samobot.fleet.results import StartResult
from samobot.fleet.start_request import StartRequest
from samobot.fleet.triggers import Trigger, Triggers
from samobot.session.gate import Person
from samobot.telegram.handlers.chat_request import ChatRequest
from samobot.telegram.handlers.trigger_handlers import look_at_triggers, triggers
from samobot.telegram.markup.html import to_plain
from samobot.telegram.store.bot_store import Store
from samobot.telegram.store.outbox_rows import Op
from samobot.telegram.views.trigger_message import TriggerOperation, TriggerTap
from tests.fleet.test_triggers import failed, report
from tests.support.phone import CHAT, Phone, open_phone


class Forge:
    """What the fleet finds at a forge, and what it was asked to start.

    Attributes:
        answer: What is found.
        begun: What was started, by the request's id.
        fails: Why no session can start; empty if it can.
    """

    def __init__(self) -> None:
        self.answer = report(3)
        self.begun: dict[str, tuple[StartRequest, str]] = {}
        self.fails = ""
        self.diff = "diff --git a/x b/x"

    async def work(self, project: str, source: WorkSource, label: str = "") -> WorkReport:
        return self.answer

    async def pull_request_diff(self, project: str, number: int) -> str:
        return self.diff

    async def start(self, request: StartRequest, by: Person, *, request_id: str | None = None) -> StartResult:
        if self.fails:
            raise UsageError(self.fails)
        assert request_id is not None
        self.begun.setdefault(request_id, (request, by.who))
        return StartResult(ref=None, project=request.project, name=request.session, place=None, created=True)


@pytest.fixture
async def phone(tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Phone]:
    async for made in open_phone(tmp_path, store, monkeypatch, projects=("repo",)):
        yield made


@pytest.fixture
def forge(phone: Phone, monkeypatch: pytest.MonkeyPatch) -> Forge:
    made = Forge()
    for name in ("work", "pull_request_diff", "start"):
        monkeypatch.setattr(phone.context.fleet, name, getattr(made, name))
    return made


async def look(phone: Phone) -> list[str]:
    """Let the bot look at its triggers; what it sends."""
    phone.new()
    phone.context.triggers.hurry()
    await look_at_triggers(phone.context)
    return [to_plain(row.post.text) for row in phone.new() if row.op is Op.SEND]


async def test_issue_is_offered_and_starts_only_after_a_tap(phone: Phone, forge: Forge) -> None:
    (made,) = await phone.say("/triggers issue samobot")
    assert "Trigger 1" in made
    assert "issues labeled “samobot” · repo · asks first" in made
    assert phone.precedes_alert("Trigger 1")
    (offer,) = await look(phone)
    assert "Issue #3 (https://x/1) · repo, by bob" in offer
    assert "It is broken." in offer
    assert await look(phone) == []
    assert forge.begun == {}
    await phone.tap(phone.last("Issue #3"), "▶️ Start")
    await phone.context.background.finish(60)
    ((request, who),) = forge.begun.values()
    assert (request.project, request.session, who) == ("repo", "bug-3", "Ann")
    assert "> It is broken." in (request.task or "")
    assert phone.context.triggers.get(1).offers == ()
    assert await look(phone) == []


async def test_offer_tapped_by_two_at_once_starts_one_session(
    phone: Phone, forge: Forge, monkeypatch: pytest.MonkeyPatch
) -> None:
    await phone.say("/triggers issue samobot")
    await look(phone)
    names = iter(["bug-3", "bug-3-2"])

    async def free_name(project: str, name: str) -> str:
        return next(names)

    monkeypatch.setattr(phone.context.fleet, "free_name", free_name)
    (offer,) = phone.context.triggers.get(1).offers
    tap = TriggerTap(number=1, do=TriggerOperation.START, item=offer.item.id)
    for who in ("Ann", "Bob"):
        request = ChatRequest(who, CHAT, 0, None, 11, Person(who, "telegram"), text=tap.model_dump_json())
        await triggers(phone.context, request)
    await phone.context.background.finish(60)
    assert {request.session for request, _ in forge.begun.values()} == {"bug-3"}


async def test_ignored_issue_does_not_come_again_and_is_not_started(phone: Phone, forge: Forge) -> None:
    await phone.say("/triggers issue samobot")
    await look(phone)
    offer = phone.last("Issue #3")
    await phone.tap(offer, "Ignore")
    await phone.tap(offer, "▶️ Start")
    await phone.context.background.finish(60)
    assert forge.begun == {}
    assert await look(phone) == []


async def test_review_brings_its_changes_along(phone: Phone, forge: Forge) -> None:
    await phone.say("/triggers repo: review")
    await look(phone)
    await phone.tap(phone.last("Review of #3"), "▶️ Start")
    await phone.context.background.finish(60)
    ((request, _),) = forge.begun.values()
    assert [(file.name, file.data) for file in request.files] == [("pr-3.diff", b"diff --git a/x b/x")]
    assert "Its changes are in pr-3.diff" in (request.task or "")


async def test_review_whose_changes_cannot_be_read_stays_offered(phone: Phone, forge: Forge) -> None:
    await phone.say("/triggers review")
    await look(phone)
    forge.diff = ""
    await phone.tap(phone.last("Review of #3"), "▶️ Start")
    await phone.context.background.finish(60)
    assert forge.begun == {}
    assert len(phone.context.triggers.get(1).offers) == 1


async def test_rule_may_start_without_asking_and_does_so_once(
    phone: Phone, forge: Forge, monkeypatch: pytest.MonkeyPatch
) -> None:
    await phone.say("/triggers issue help wanted —start")
    (rule,) = phone.context.triggers.all()
    assert (rule.label, rule.starts) == ("help wanted", True)

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as killed:  # the bot, with the session begun and nothing of that recorded
        killed.setattr(Triggers, "settle", die)
        with pytest.raises(KeyboardInterrupt):
            await look(phone)
    assert await look(phone) == []  # it was said before
    assert phone.precedes_alert("bug-3")
    assert len(forge.begun) == 1
    ((request, who),) = forge.begun.values()
    assert (request.session, who) == ("bug-3", "Ann, trigger 1")
    assert phone.context.triggers.get(1).offers == ()


@pytest.mark.parametrize("why", ["panic", "fails"])
async def test_what_cannot_start_is_offered_with_the_reason(phone: Phone, forge: Forge, why: str) -> None:
    await phone.say("/triggers issue samobot --start")
    if why == "panic":
        raise_flag(phone.root / "state", "Ann", phone.now)
    else:
        forge.fails = "No such project."
    (offer,) = await look(phone)
    assert "It could not start: " in offer
    assert len(phone.context.triggers.get(1).offers) == 1
    assert forge.begun == {}


async def test_lost_login_is_said_once(phone: Phone, forge: Forge) -> None:
    await phone.say("/triggers issue samobot")
    forge.answer = failed(ForgeProblem.LOGIN)
    (said,) = await look(phone)
    assert "cannot be looked at now" in said
    assert await look(phone) == []


async def test_rules_are_listed_deleted_and_shown_if_made_elsewhere(phone: Phone, forge: Forge) -> None:
    assert any("/triggers issue samobot" in each for each in await phone.say("/triggers"))
    phone.context.triggers.add(
        Trigger(number=0, project="repo", source=WorkSource.REVIEW, who="ann", via="terminal")
    )
    said = await look(phone)
    assert "ann made it in the terminal" in said[0]
    await phone.say("/triggers")
    await phone.tap(phone.last("1 trigger"), "🗑 Delete 1")
    assert phone.context.triggers.all() == ()


@pytest.mark.parametrize("text", ["issue", "pull requests", "review samobot", "nowhere: issue x"])
async def test_what_is_no_rule_is_refused(phone: Phone, forge: Forge, text: str) -> None:
    await phone.say(f"/triggers {text}")
    assert phone.context.triggers.all() == ()
