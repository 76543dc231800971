"""What becomes of wanted runs: the pure decision, and the keeper over the bot's own table."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from samobot.errors import SamobotError, StorageError
from samobot.fleet.desired_runs import MAX_RESTARTS, DesiredRun, DesiredRuns, RunAction, next_action
from samobot.fleet.launch import StartInterruptedError
from samobot.fleet.models import RunEndView, SessionView
from samobot.fleet.results import FleetEventKind
from samobot.fleet.supervisor import Observation, Supervisor
from samobot.fleet.view_builder import unreadable_view
from samobot.session.folder import SessionFolder
from samobot.session.journal import RunEndReason
from samobot.session.status import SessionState

NOW = datetime(2026, 1, 15, 10, 30, tzinfo=UTC)


def seen(name: str = "a", state: SessionState = SessionState.IDLE, **more: Any) -> SessionView:
    view = unreadable_view(SessionFolder(Path(f"26-01-15-{name}")), "demo", "")
    return view.model_copy(update={"state": state, "problems": (), **more})


def stopped(*, by_person: bool) -> RunEndView:
    return RunEndView(at=NOW, reason=RunEndReason.STOPPED, text="t", cause=None, by_person=by_person)


def run(*restarted: float, place: int | None = None) -> DesiredRun:
    return DesiredRun(
        session="demo:26-01-15-a", restarts=tuple(NOW.timestamp() - ago for ago in restarted), place=place
    )


@pytest.mark.parametrize(
    ("view", "due"),
    [
        (seen(state=SessionState.RUNNING, has_worker=True), RunAction.NOTHING),
        (seen(state=SessionState.RUNNING), RunAction.NOTHING),
        (seen(state=SessionState.PARKED, has_worker=True), RunAction.NOTHING),
        (seen(state=SessionState.PARKED, parked_until=NOW + timedelta(seconds=1)), RunAction.NOTHING),
        (seen(state=SessionState.PARKED, parked_until=NOW), RunAction.START),
        (seen(state=SessionState.PARKED), RunAction.START),
        (seen(state=SessionState.WAITING), RunAction.NOTHING),
        (seen(state=SessionState.WAITING, lost=True), RunAction.RESTART),
        (seen(state=SessionState.IDLE), RunAction.START),
        (seen(state=SessionState.IDLE, lost=True), RunAction.RESTART),
        (seen(state=SessionState.DONE), RunAction.DROP),
        (seen(state=SessionState.DONE, lost=True), RunAction.DROP),
        (seen(state=SessionState.STOPPED), RunAction.DROP),
        (seen(state=SessionState.STOPPED, end=stopped(by_person=True)), RunAction.DROP),
        (seen(state=SessionState.STOPPED, end=stopped(by_person=False)), RunAction.START),
        (seen(state=SessionState.BLOCKED), RunAction.DROP),
        (seen(state=SessionState.BLOCKED, lost=True), RunAction.DROP),
    ],
)
def test_a_wanted_run_gets_what_its_session_needs(view: SessionView, due: RunAction) -> None:
    assert next_action(view, run(), NOW) is due


@pytest.mark.parametrize(
    ("restarted", "due"),
    [
        ((), RunAction.RESTART),
        ((1.9,), RunAction.REST),
        ((2.0,), RunAction.RESTART),
        ((30.0, 7.9), RunAction.REST),
        ((30.0, 8.0), RunAction.RESTART),
        ((30.0, 20.0, 1.0), RunAction.GIVE_UP),
        ((-3600.0,), RunAction.RESTART),  # the clock was set back
    ],
)
@pytest.mark.parametrize(("lost", "idle"), [(True, False), (False, True)])
def test_a_worker_that_dies_is_started_again_ever_more_slowly_and_then_given_up(
    restarted: tuple[float, ...], due: RunAction, lost: bool, idle: bool
) -> None:
    assert next_action(seen(lost=lost), run(*restarted), NOW, idle=idle) is due


class Bench:
    """A keeper with workers that live only in this object."""

    def __init__(self, wanted: DesiredRuns, most: int) -> None:
        self.wanted = wanted
        self.views: dict[str, SessionView] = {}
        self.gone: set[str] = set()
        self.begun: list[str] = []
        self.unseen: set[str] = set()
        self.result: BaseException | None = None
        self.keeper = Supervisor(wanted, most, self._start, lives=self.unseen.__contains__)

    def put(self, *views: SessionView) -> None:
        for view in views:
            self.views[view.ref.key] = view

    def want(self, *names: str) -> None:
        for name in names:
            self.views.setdefault(f"demo:26-01-15-{name}", seen(name))
            self.keeper.want(f"demo:26-01-15-{name}", {})

    async def keep(self, now: datetime = NOW) -> list[FleetEventKind]:
        ended = self.keeper.collect()
        news = self.keeper.reconcile(Observation(dict(self.views), self.gone.__contains__), now, ended)
        await self.keeper.wait_for_starts()
        return [each.kind for each in news]

    async def _start(self, view: SessionView, options: dict[str, Any]) -> int:
        self.begun.append(view.ref.name)
        if self.result is not None:
            raise self.result
        self.put(seen(view.ref.name, SessionState.RUNNING, has_worker=True, iteration=view.iteration))
        return 7


@pytest.fixture
def wanted(tmp_path: Path) -> DesiredRuns:
    return DesiredRuns(tmp_path, NOW.timestamp)


async def test_runs_beyond_the_most_wait_in_the_order_in_which_they_were_asked_for(
    wanted: DesiredRuns,
) -> None:
    bench = Bench(wanted, 1)
    bench.want("a")
    await bench.keep()
    bench.want("c")
    await bench.keep()
    bench.want("b")
    await bench.keep()
    assert bench.begun == ["a"]
    assert bench.keeper.places() == {"demo:26-01-15-c": 1, "demo:26-01-15-b": 2}
    bench.want("b", "c")  # asking again gives nobody a better place
    bench.put(seen("a", SessionState.WAITING))
    assert await bench.keep() == [FleetEventKind.STARTED]
    assert bench.begun == ["a", "c"]
    assert bench.keeper.places() == {"demo:26-01-15-b": 1}
    bench.put(seen("a", SessionState.IDLE, iteration=1), seen("c", SessionState.DONE))
    await bench.keep()  # a was answered meanwhile; b was there first
    assert bench.begun == ["a", "c", "b"]
    assert bench.keeper.places() == {"demo:26-01-15-a": 1}


async def test_a_terminals_worker_takes_a_place_and_a_parked_one_does_not(wanted: DesiredRuns) -> None:
    bench = Bench(wanted, 1)
    bench.put(seen("theirs", SessionState.RUNNING, has_worker=True))
    bench.want("a")
    await bench.keep()
    assert bench.begun == []
    bench.put(seen("theirs", SessionState.PARKED, has_worker=True))
    await bench.keep()
    assert bench.begun == ["a"]


async def test_a_session_whose_worker_is_on_its_way_is_not_started_again(wanted: DesiredRuns) -> None:
    bench = Bench(wanted, 3)
    bench.want("a")
    await bench.keep()
    bench.unseen.add("demo:26-01-15-a")
    bench.put(seen("a", iteration=1))  # it does not hold the session yet, or no more
    await bench.keep()
    await bench.keep()
    assert bench.begun == ["a"]


async def test_what_was_seen_before_a_start_ended_never_leads_to_another(wanted: DesiredRuns) -> None:
    bench = Bench(wanted, 3)
    bench.want("a")
    old = Observation(dict(bench.views), lambda key: False)
    ended = bench.keeper.collect()
    bench.keeper.reconcile(old, NOW, ended)
    await bench.keeper.wait_for_starts()
    bench.keeper.reconcile(
        old, NOW, ended
    )  # not collected before this look: the start still counts as under way
    await bench.keeper.wait_for_starts()
    assert bench.begun == ["a"]


async def test_a_worker_that_dies_again_and_again_is_given_up_aloud(wanted: DesiredRuns) -> None:
    bench = Bench(wanted, 1)
    bench.want("a")
    await bench.keep()
    told: list[FleetEventKind] = []
    for seconds in range(0, 60, 10):
        bench.put(seen("a", lost=True, iteration=seconds))
        told += await bench.keep(NOW + timedelta(seconds=seconds))
    assert told == [FleetEventKind.RESTARTED] * MAX_RESTARTS + [FleetEventKind.GAVE_UP]
    assert bench.begun == ["a"] * (1 + MAX_RESTARTS)
    assert wanted.all() == ()


async def test_waiting_for_a_place_does_not_make_a_dying_worker_young_again(wanted: DesiredRuns) -> None:
    bench = Bench(wanted, 1)
    bench.want("a")
    await bench.keep()
    for _ in range(MAX_RESTARTS - 1):
        wanted.restarted("demo:26-01-15-a")
    bench.put(seen("theirs", SessionState.RUNNING, has_worker=True), seen("a", lost=True))
    await bench.keep(NOW + timedelta(seconds=60))
    assert bench.keeper.places() == {"demo:26-01-15-a": 1}
    run_now = wanted.get("demo:26-01-15-a")
    assert run_now is not None
    assert len(run_now.restarts) == MAX_RESTARTS - 1


async def test_two_dead_workers_and_one_place_come_both_to_their_turn(wanted: DesiredRuns) -> None:
    bench = Bench(wanted, 1)
    bench.want("a", "b")
    bench.put(seen("a", lost=True), seen("b", lost=True))
    await bench.keep()
    assert len(bench.begun) == 1
    bench.put(seen(bench.begun[0], SessionState.DONE))
    await bench.keep()
    assert sorted(bench.begun) == ["a", "b"]


async def test_a_worker_that_ends_at_once_and_does_nothing_is_not_started_for_ever(
    wanted: DesiredRuns,
) -> None:
    bench = Bench(wanted, 1)
    bench.want("a")
    told: list[FleetEventKind] = []
    for seconds in range(0, 100, 10):
        bench.put(seen("a"))
        told += await bench.keep(NOW + timedelta(seconds=seconds))
    assert told == [FleetEventKind.GAVE_UP]
    assert len(bench.begun) == 1 + MAX_RESTARTS


async def test_a_start_that_fails_is_said_and_not_repeated(wanted: DesiredRuns) -> None:
    bench = Bench(wanted, 1)
    bench.result = SamobotError("There is no claude.")
    bench.want("a")
    assert await bench.keep() == []
    assert await bench.keep() == [FleetEventKind.FAILED_TO_START]
    assert await bench.keep() == []
    assert bench.begun == ["a"]


async def test_a_worker_that_was_killed_before_it_began_is_started_again(wanted: DesiredRuns) -> None:
    bench = Bench(wanted, 1)
    bench.result = StartInterruptedError("killed")
    bench.want("a")
    await bench.keep()
    bench.result = None
    await bench.keep()
    await bench.keep(NOW + timedelta(seconds=5))
    assert bench.begun == ["a", "a"]


async def test_a_start_that_came_too_late_for_a_terminals_worker_is_no_failure(wanted: DesiredRuns) -> None:
    bench = Bench(wanted, 1)
    bench.result = SamobotError("Another worker holds it.")
    bench.want("a")
    await bench.keep()
    bench.put(seen("a", SessionState.RUNNING, has_worker=True))
    assert await bench.keep() == []
    assert wanted.get("demo:26-01-15-a") is not None


async def test_a_run_is_forgotten_only_when_its_folder_is_certainly_gone(wanted: DesiredRuns) -> None:
    bench = Bench(wanted, 1)
    bench.want("a")
    bench.views.clear()
    assert await bench.keep() == []
    assert wanted.get("demo:26-01-15-a") is not None
    bench.gone.add("demo:26-01-15-a")
    assert await bench.keep() == [FleetEventKind.FAILED_TO_START]
    assert wanted.all() == ()


async def test_nothing_is_started_for_a_session_that_is_being_stopped(wanted: DesiredRuns) -> None:
    bench = Bench(wanted, 1)
    bench.want("a")
    with bench.keeper.held_back("demo:26-01-15-a"):
        await bench.keep()
        assert bench.begun == []
    await bench.keep()
    assert bench.begun == ["a"]


async def test_a_run_that_a_full_disk_could_not_forget_is_not_started(
    wanted: DesiredRuns, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(wanted, 1)
    bench.want("a")

    def refuse(session: str) -> None:
        raise StorageError("The disk is full.")

    with monkeypatch.context() as patch:
        patch.setattr(wanted, "drop", refuse)
        with pytest.raises(StorageError):
            bench.keeper.drop("demo:26-01-15-a")
        await bench.keep()
    assert bench.begun == []
    await bench.keep()
    assert wanted.all() == ()


async def test_one_run_that_cannot_be_written_down_does_not_keep_the_others(
    wanted: DesiredRuns, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(wanted, 2)
    bench.want("a", "b")
    bench.put(seen("a", lost=True))

    def refuse(session: str) -> int:
        raise StorageError("The disk is full.")

    monkeypatch.setattr(wanted, "restarted", refuse)
    await bench.keep()
    assert bench.begun == ["b"]


async def test_end_of_a_start_is_reported_at_once(wanted: DesiredRuns) -> None:
    told = asyncio.Event()
    bench = Bench(wanted, 1)
    bench.keeper = Supervisor(wanted, 1, bench._start, changed=told.set)
    bench.want("a")
    await bench.keep()
    await told.wait()


async def test_run_that_cannot_be_started_is_desired_until_that_was_reported(wanted: DesiredRuns) -> None:
    bench = Bench(wanted, 1)
    bench.result = SamobotError("The disk is full.")
    bench.want("a")
    await bench.keep()
    assert await bench.keep() == [FleetEventKind.FAILED_TO_START]
    assert (
        wanted.get("demo:26-01-15-a") is not None
    )  # killed here, the bot tries again instead of resting unsaid
    await bench.keep()
    assert wanted.all() == ()
