"""Calls that wait for the user: what the agent gets, what is recorded, and what no death in between may lead to."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from samobot.claude.records import Assistant, PermissionRequest, PermissionWithdrawn, ToolResult
from samobot.claude.risk_places import RiskPlaces
from samobot.claude.turn_input import TurnInput
from samobot.errors import ConflictError, StorageError
from samobot.session import asks, decisions, files, gate_effects, permissions
from samobot.session.ask_level import AskLevel
from samobot.session.asks import AskBook, AskState, read_asks
from samobot.session.decisions import DecisionKind
from samobot.session.folder import SessionFolder
from samobot.session.gate_effects import Person
from samobot.session.permissions import decide, withdraw
from samobot.session.tool_call import ToolCall
from samobot.worker import permission_gate
from samobot.worker.permission_gate import AskPolicy, PermissionGate, verdict_lines
from tests.support.pipe import MemoryPipe
from tests.support.session_folder import NOW, make_session

KEY = b"k" * 32
ANN = Person("ann", "telegram")
PUSH = ToolCall("Bash", {"command": "git push", "description": "Push"})


@pytest.fixture(autouse=True)
def _quick_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here loses its power."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


@pytest.fixture
def folder(tmp_path: Path) -> SessionFolder:
    return make_session(tmp_path)


@dataclass
class Iteration:
    """A gate with what it writes to the CLI."""

    folder: SessionFolder
    process: str = "s"
    level: AskLevel = AskLevel.RISKY
    pipe: MemoryPipe = field(default_factory=MemoryPipe)
    shown: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        policy = AskPolicy(self.level, RiskPlaces(Path("/work"), self.folder.path), KEY)
        self.turn = TurnInput(self.pipe)
        self.gate = PermissionGate(
            self.folder, policy, self.process, 1, now=lambda: NOW, asked=lambda ask: self.shown.append(ask.id)
        )

    def request(self, call: ToolCall = PUSH, identity: str = "r1") -> None:
        """The CLI asks."""
        self.gate.record(PermissionRequest(identity, call, tool_use=f"use-{identity}"))
        self.gate.settle(self.turn)

    @property
    def answers(self) -> list[str]:
        """The behaviors that the CLI was sent."""
        return [line["response"]["response"]["behavior"] for line in self.pipe.lines]

    @property
    def book(self) -> AskBook:
        """What is on disk."""
        return read_asks(self.folder, KEY)


def verdict(folder: SessionFolder, kind: DecisionKind, text: str = "") -> None:
    """The user decides about the oldest ask."""
    [ask, *_] = read_asks(folder, KEY).waiting
    decide(folder, ask.id, kind, ANN, NOW, KEY, expected=ask.sha256, text=text)


def test_harmless_call_is_allowed_at_once_and_not_recorded(folder: SessionFolder) -> None:
    run = Iteration(folder)
    run.request(ToolCall("Bash", {"command": "ls"}))
    assert run.answers == ["allow"]
    assert not folder.vault.asks.exists()


def test_risky_call_waits_and_is_made_with_exactly_its_input(folder: SessionFolder) -> None:
    run = Iteration(folder)
    run.gate.record(Assistant("Tests pass; pushing."))
    run.request()
    run.gate.settle(run.turn)
    [ask] = run.book.waiting
    assert (run.answers, run.shown) == ([], [ask.id])
    assert (ask.said, ask.where, ask.reasons) == ("Tests pass; pushing.", "/work", ("publishes something",))
    verdict(folder, DecisionKind.ALLOW_ONCE)
    run.gate.settle(run.turn)
    assert run.pipe.lines[0]["response"]["response"]["updatedInput"] == PUSH.input
    assert [each.state for each in run.book.asks] == [AskState.USED]
    run.gate.record(ToolResult(error=False, size=0, ids=("use-r1",)))
    assert [each.state for each in run.book.asks] == [AskState.OVER]
    run.request(identity="r2")
    assert run.answers == ["allow"], "once is once: the second call is asked again"
    assert len(run.book.waiting) == 1


def test_denial_reaches_the_agent_with_the_users_text_and_is_not_asked_again(folder: SessionFolder) -> None:
    run = Iteration(folder)
    run.request()
    verdict(folder, DecisionKind.DENY, "not before the review")
    run.gate.settle(run.turn)
    run.request(identity="r2")
    assert run.answers == ["deny", "deny"]
    assert all("not before the review" in line["response"]["response"]["message"] for line in run.pipe.lines)
    assert run.book.unreported == ()


def test_permission_for_the_session_holds_for_the_same_command_until_it_is_withdrawn(
    folder: SessionFolder,
) -> None:
    run = Iteration(folder)
    run.request()
    verdict(folder, DecisionKind.ALLOW_SESSION)
    run.gate.settle(run.turn)
    run.request(ToolCall("Bash", {"command": "git push", "description": "Again", "timeout": 5}), "r2")
    run.request(ToolCall("Bash", {"command": "git push --force"}), "r3")
    later = Iteration(folder, process="t")
    later.request(identity="r4")
    assert (run.answers, later.answers) == (["allow", "allow"], ["allow"])
    assert list(run.book.rules) == ["the command: git push"]
    withdraw(folder, "the command: git push", ANN, NOW, KEY)
    later.request(identity="r5")
    assert later.answers == ["allow"]
    assert later.book.rules == {}


def test_interrupted_call_no_longer_waits(folder: SessionFolder) -> None:
    run = Iteration(folder)
    run.request()
    [ask] = run.book.waiting
    run.gate.record(PermissionWithdrawn("r1"))
    assert run.book.waiting == ()
    with pytest.raises(ConflictError, match="does not wait"):
        decide(folder, ask.id, DecisionKind.ALLOW_ONCE, ANN, NOW, KEY)
    run.gate.settle(run.turn)
    assert run.answers == []


def test_first_verdict_counts(folder: SessionFolder) -> None:
    run = Iteration(folder)
    run.request()
    [ask] = run.book.waiting
    decide(folder, ask.id, DecisionKind.DENY, ANN, NOW, KEY)
    assert decide(folder, ask.id, DecisionKind.DENY, ANN, NOW, KEY).repeated
    with pytest.raises(ConflictError, match="ann has decided that already: denied"):
        decide(folder, ask.id, DecisionKind.ALLOW_ONCE, Person("bob", "terminal"), NOW, KEY)
    with pytest.raises(ConflictError, match="another call"):
        decide(folder, ask.id, DecisionKind.DENY, ANN, NOW, KEY, expected="0" * 64)
    run.gate.settle(run.turn)
    assert run.answers == ["deny"]


@pytest.mark.parametrize("forged", ["unmarked", "other_key", "session_file"])
def test_a_verdict_that_samobot_did_not_mark_allows_nothing(folder: SessionFolder, forged: str) -> None:
    run = Iteration(folder)
    run.request()
    [ask] = run.book.waiting
    line = (
        f'{{"kind": "allow_once", "who": "ann", "asked": "{ask.id}", "id": "x", "sha256": "{ask.sha256}"}}\n'
    )
    match forged:
        case "other_key":
            decide(folder, ask.id, DecisionKind.ALLOW_ONCE, ANN, NOW, b"x" * 32)
        case "session_file":
            folder.decisions.write_text(line)
        case _:
            folder.vault.decisions.write_text(line)
    run.gate.settle(run.turn)
    assert run.answers == []


def test_what_cannot_be_recorded_is_not_allowed(
    folder: SessionFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise StorageError("full")

    run = Iteration(folder)
    run.request()
    verdict(folder, DecisionKind.ALLOW_ONCE)
    with monkeypatch.context() as patch:
        patch.setattr(permission_gate, "save_asks", refuse)
        with pytest.raises(StorageError):
            run.gate.settle(run.turn)
        assert run.answers == []
    run.gate.settle(run.turn)
    assert run.answers == ["allow"]


# Deaths ---------------------------------------------------------------------------------------------------------


class Death(BaseException):
    """The process is gone, with all that it had in memory."""


class Deaths:
    """Lets a process die at the given moments, counted over all its lives.

    Args:
        moments: Numbers of the moments, from 0.
    """

    def __init__(self, moments: tuple[int, ...]) -> None:
        self._moments = frozenset(moments)
        self.count = 0

    def moment(self) -> None:
        """Die here, if it is time."""
        self.count += 1
        if self.count - 1 in self._moments:
            raise Death

    def around(self, act: Callable[..., Any]) -> Callable[..., Any]:
        """A function with a moment before and after it."""

        def acted(*values: Any, **named: Any) -> Any:
            self.moment()
            result = act(*values, **named)
            self.moment()
            return result

        return acted


class ActingPipe(MemoryPipe):
    """The CLI behind the pipe: it makes an allowed call at once, also if the worker dies right after its response."""

    def __init__(self, world: World) -> None:
        super().__init__(world.deaths.moment)
        self._world = world

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Take a response, and act on it."""
        super().write(data)
        self._world.deaths.moment()
        if self.lines[-1]["response"]["response"]["behavior"] == "allow":
            self._world.made += 1
            self._world.deaths.moment()


@dataclass
class World:
    """An agent that wants one call, a user who decides whenever asked, and processes that die.

    Attributes:
        looks: Whether the agent looks at the effect of a call that may have been made; else it makes it again.
        made: How often the call was made.
        allowed: How often the user allowed it.
        denied: Whether the agent knows that it is denied.
    """

    folder: SessionFolder
    deaths: Deaths
    kind: DecisionKind
    looks: bool
    made: int = 0
    allowed: int = 0
    denied: bool = False
    lives: Iterator[int] = field(default_factory=itertools.count)

    def iterate(self) -> bool:
        """One iteration of a worker; True once the agent has nothing left to do."""
        prompt = "\n".join(verdict_lines(read_asks(self.folder, KEY)))
        if "denied this call" in prompt:
            self.denied = True
            return True
        is_uncertain = "may have been made" in prompt
        if self.made and (self.looks if is_uncertain else not prompt):
            return True  # it sees the effect, or an earlier iteration has noted it
        run = Iteration(self.folder, process=f"p{next(self.lives)}", pipe=ActingPipe(self))
        run.request()
        while not run.answers:
            self.tap()
            run.gate.settle(run.turn)
        if run.answers == ["allow"]:
            run.gate.record(ToolResult(error=False, size=0, ids=("use-r1",)))
        else:
            self.denied = True
        return True

    def tap(self) -> None:
        """The user decides about what waits; a tap whose process died is repeated."""
        for ask in read_asks(self.folder, KEY).waiting:
            before = len(read_asks(self.folder, KEY).verdicts)
            try:
                decide(self.folder, ask.id, self.kind, ANN, NOW, KEY, expected=ask.sha256)
            finally:
                recorded = len(read_asks(self.folder, KEY).verdicts) > before
                self.allowed += recorded and self.kind is not DecisionKind.DENY

    def run(self) -> None:
        """Start workers until the agent is content."""
        for _ in range(20):
            try:
                self.tap()  # a worker starts no iteration while something waits
                if self.iterate():
                    return
            except Death:
                continue
        raise AssertionError("the agent never got an answer")


def _world(
    tmp_path: Path, patch: pytest.MonkeyPatch, kind: DecisionKind, moments: tuple[int, ...], *, looks: bool
) -> World:
    deaths = Deaths(moments)
    folder = make_session(tmp_path / "-".join(map(str, (kind, looks, *moments))))
    patch.setattr(permission_gate, "save_asks", deaths.around(asks.save_asks))
    patch.setattr(permissions, "journal_decisions", deaths.around(gate_effects.journal_decisions))
    patch.setattr(decisions, "append_line", deaths.around(files.append_line))
    return World(folder, deaths, kind, looks)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "looks"),
    [
        (DecisionKind.ALLOW_ONCE, True),
        (DecisionKind.ALLOW_ONCE, False),
        (DecisionKind.ALLOW_SESSION, True),
        (DecisionKind.DENY, True),
    ],
)
def test_no_moment_of_death_makes_a_call_twice_without_the_user_or_loses_it(
    tmp_path: Path, kind: DecisionKind, looks: bool
) -> None:
    """Every pair of moments, in one worker's life or its successor's: 0 calls without a tap, 0 twice, 0 lost."""
    with pytest.MonkeyPatch.context() as patch:
        calm = _world(tmp_path, patch, kind, (), looks=looks)
        calm.run()
    most = calm.deaths.count
    assert most >= 10, "the moments between ask and effect"
    died = 0
    for moments in itertools.combinations(range(most + 6), 2):
        with pytest.MonkeyPatch.context() as patch:
            world = _world(tmp_path, patch, kind, moments, looks=looks)
            world.run()
        died += sum(moment < world.deaths.count for moment in moments)
        if kind is DecisionKind.DENY:
            assert (world.made, world.denied) == (0, True), moments
            continue
        assert world.made >= 1, moments
        if looks:
            assert world.made == 1, moments
        if kind is DecisionKind.ALLOW_ONCE:
            assert world.made <= world.allowed, moments
    assert died >= 100
