"""What comes too late on a host is refused with a receipt, and nothing is changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from samobot.fleet.fleet import Fleet
from samobot.fleet.models import SessionRef, SessionView
from samobot.fleet.results import QuestionAnswer
from samobot.hosts.applier import Applier
from samobot.hosts.fleet_calls import named_call
from samobot.hosts.hub_messages import DecisionReceipt, HostDecision, Seen
from samobot.session.gate import Person
from samobot.session.question import Question
from samobot.system.threads import Threads
from tests.support.views import REF, session

ANNA = Person("anna", "telegram")
NOW = datetime(2026, 1, 15, 14, 0, tzinfo=UTC)


class OneSession:
    """A fleet of one session; it notes which calls change it."""

    def __init__(self, view: SessionView) -> None:
        self.now = view
        self.calls: list[str] = []

    async def view(self, _: SessionRef) -> SessionView:
        return self.now

    def __getattr__(self, name: str) -> Any:
        async def call(*_: object, **__: object) -> None:
            self.calls.append(name)

        return call


async def receipt_of(
    state: Path, fleet: OneSession, call: str, *args: Any, seen: Seen, times: int = 1, **named: Any
) -> DecisionReceipt:
    threads = Threads()
    try:
        applier = Applier(cast(Fleet, fleet), state, threads, lambda: NOW)
        decision = HostDecision(id="d1", call=call, about="demo:greet", at=NOW, seen=seen)
        arguments = named_call(call).encode(REF, *args, **named)
        receipts = [await applier.apply(decision, arguments) for _ in range(times)]
        return receipts[-1]
    finally:
        threads.close()


LATE = [
    ("stop", (ANNA,), Seen(run="run-0")),
    ("pause", (ANNA,), Seen(run="run-0")),
    ("retry", (ANNA,), Seen(run="run-0")),
    ("approve", (ANNA,), Seen(run="run-1", gate="plan-1")),
    ("accept_suggestions", (ANNA,), Seen(run="run-1", gate="qa-1")),
    ("answer", ([QuestionAnswer(label="Q2", text="B")], ANNA), Seen(run="run-1", gate="qa-1")),
]


@pytest.mark.parametrize(("call", "args", "seen"), LATE, ids=[each[0] for each in LATE])
async def test_a_decision_about_something_that_is_over_is_refused(
    tmp_path: Path, call: str, args: tuple[Any, ...], seen: Seen
) -> None:
    fleet = OneSession(session(run="run-1", gate="qa-2"))
    receipt = await receipt_of(tmp_path, fleet, call, *args, seen=seen)
    assert receipt.outcome.error == "ConflictError"
    assert "nothing was changed" in receipt.outcome.text
    assert fleet.calls == []


@pytest.mark.parametrize(("call", "args"), [each[:2] for each in LATE if each[0] != "answer"])
async def test_a_decision_about_what_is_still_there_is_carried_out_once(
    tmp_path: Path, call: str, args: tuple[Any, ...]
) -> None:
    fleet = OneSession(session(run="run-1", gate="qa-1"))
    seen = Seen(run="run-1", gate="qa-1")
    receipt = await receipt_of(tmp_path, fleet, call, *args, seen=seen, times=3)
    assert receipt.outcome.error == ""
    assert fleet.calls == [call]


async def test_a_decision_that_names_what_was_shown_is_judged_by_that(tmp_path: Path) -> None:
    fleet = OneSession(session(run="run-1", gate="plan-2"))
    receipt = await receipt_of(
        tmp_path, fleet, "approve", ANNA, seen=Seen(run="run-1", gate="plan-1"), expected="0" * 64
    )
    assert receipt.outcome.error == ""
    assert fleet.calls == ["approve"]


@pytest.mark.parametrize("named", [{"label": "Q1"}, {"index": 0, "identity": "q-1"}])
@pytest.mark.parametrize(
    ("via", "minutes", "is_carried_out"),
    [("terminal", 1, False), ("terminal", -1, True), ("telegram", 1, True), (None, None, True)],
)
async def test_an_answer_replaces_none_that_was_given_on_the_machine_after_it(
    tmp_path: Path, named: dict[str, Any], via: str | None, minutes: int | None, is_carried_out: bool
) -> None:
    question = Question(
        number=1, text="Which?", answer="A", label="Q1", identity="q-1", via=via,
        at=None if minutes is None else NOW + timedelta(minutes=minutes),
    )  # fmt: skip
    fleet = OneSession(session(run="run-1", questions=(question,)))
    answers = [QuestionAnswer(text="B", **named)]
    receipt = await receipt_of(tmp_path, fleet, "answer", answers, ANNA, seen=Seen(run="run-1", gate="qa-1"))
    assert ("answer" in fleet.calls) is is_carried_out
    assert is_carried_out or receipt.outcome.text == (
        "greet's Q1 was answered on its machine since; nothing was changed."
    )


async def test_a_read_is_no_decision(tmp_path: Path) -> None:
    fleet = OneSession(session())
    receipt = await receipt_of(tmp_path, fleet, "diff", seen=Seen())
    assert "unknown on this host" in receipt.outcome.text
    assert fleet.calls == []
