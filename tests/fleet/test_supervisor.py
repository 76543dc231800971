"""What becomes of wanted runs: the pure decision, and the keeper over the bot's own table."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from samobot.errors import SamobotError, StorageError
from samobot.fleet.duty import MOST_RESTARTS, Duty, duty
from samobot.fleet.launch import StartInterruptedError
from samobot.fleet.models import EndView, SessionView
from samobot.fleet.replies import NewsKind
from samobot.fleet.supervisor import Keeper, Sight
from samobot.fleet.view_builder import unreadable_view
from samobot.session.folder import SessionFolder
from samobot.session.journal import RunEndReason
from samobot.session.status import SessionState
from samobot.telegram.store.database import Database
from samobot.telegram.store.desired_runs import WantedRun, WantedRuns

NOW = datetime(2026, 1, 15, 10, 30, tzinfo=UTC)


def seen(name: str = "a", state: SessionState = SessionState.IDLE, **more: Any) -> SessionView:
    view = unreadable_view(SessionFolder(Path(f"26-01-15-{name}")), "demo", "")
    return view.model_copy(update={"state": state, "problems": (), **more})


def stopped(*, by_person: bool) -> EndView:
    return EndView(at=NOW, reason=RunEndReason.STOPPED, text="t", cause=None, by_person=by_person)


def run(*restarted: float, place: int | None = None) -> WantedRun:
    return WantedRun("demo:26-01-15-a", {}, 0.0, tuple(NOW.timestamp() - ago for ago in restarted), place)


@pytest.mark.parametrize(
    ("view", "due"),
    [
        (seen(state=SessionState.RUNNING, worker_pid=7), Duty.NOTHING),
        (seen(state=SessionState.RUNNING), Duty.NOTHING),
        (seen(state=SessionState.PARKED, worker_pid=7), Duty.NOTHING),
        (seen(state=SessionState.PARKED, parked_until=NOW + timedelta(seconds=1)), Duty.NOTHING),
        (seen(state=SessionState.PARKED, parked_until=NOW), Duty.START),
        (seen(state=SessionState.PARKED), Duty.START),
        (seen(state=SessionState.WAITING), Duty.NOTHING),
        (seen(state=SessionState.WAITING, lost=True), Duty.RESTART),
        (seen(state=SessionState.IDLE), Duty.START),
        (seen(state=SessionState.IDLE, lost=True), Duty.RESTART),
        (seen(state=SessionState.DONE), Duty.DROP),
        (seen(state=SessionState.DONE, lost=True), Duty.DROP),
        (seen(state=SessionState.STOPPED), Duty.DROP),
        (seen(state=SessionState.STOPPED, end=stopped(by_person=True)), Duty.DROP),
        (seen(state=SessionState.STOPPED, end=stopped(by_person=False)), Duty.START),
        (seen(state=SessionState.BLOCKED), Duty.DROP),
        (seen(state=SessionState.BLOCKED, lost=True), Duty.DROP),
    ],
)
def test_a_wanted_run_gets_what_its_session_needs(view: SessionView, due: Duty) -> None:
    assert duty(view, run(), NOW) is due


@pytest.mark.parametrize(
    ("restarted", "due"),
    [
        ((), Duty.RESTART),
        ((1.9,), Duty.REST),
        ((2.0,), Duty.RESTART),
        ((30.0, 7.9), Duty.REST),
        ((30.0, 8.0), Duty.RESTART),
        ((30.0, 20.0, 1.0), Duty.GIVE_UP),
        ((-3600.0,), Duty.RESTART),  # the clock was set back
    ],
)
@pytest.mark.parametrize(("lost", "idle"), [(True, False), (False, True)])
def test_a_worker_that_dies_is_started_again_ever_more_slowly_and_then_given_up(
    restarted: tuple[float, ...], due: Duty, lost: bool, idle: bool
) -> None:
    assert duty(seen(lost=lost), run(*restarted), NOW, idle=idle) is due


class Bench:
    """A keeper with workers that live only in this object."""

    def __init__(self, wanted: WantedRuns, most: int) -> None:
        self.wanted = wanted
        self.views: dict[str, SessionView] = {}
        self.gone: set[str] = set()
        self.begun: list[str] = []
        self.unseen: set[str] = set()
        self.result: BaseException | None = None
        self.keeper = Keeper(wanted, most, self._start, lives=self.unseen.__contains__)

    def put(self, *views: SessionView) -> None:
        for view in views:
            self.views[view.ref.key] = view

    def want(self, *names: str) -> None:
        for name in names:
            self.views.setdefault(f"demo:26-01-15-{name}", seen(name))
            self.keeper.want(f"demo:26-01-15-{name}", {})

    async def keep(self, now: datetime = NOW) -> list[NewsKind]:
        ended = self.keeper.collect()
        news = self.keeper.keep(Sight(dict(self.views), self.gone.__contains__), now, ended)
        await self.keeper.settle()
        return [each.kind for each in news]

    async def _start(self, view: SessionView, options: dict[str, Any]) -> int:
        self.begun.append(view.ref.name)
        if self.result is not None:
            raise self.result
        self.put(seen(view.ref.name, SessionState.RUNNING, worker_pid=7, iteration=view.iteration))
        return 7


@pytest.fixture
def wanted(tmp_path: Path) -> Iterator[WantedRuns]:
    database = Database(tmp_path / "bot.db", NOW.timestamp)
    yield WantedRuns(database)
    database.close()


async def test_runs_beyond_the_most_wait_in_the_order_in_which_they_were_asked_for(
    wanted: WantedRuns,
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
    assert await bench.keep() == [NewsKind.STARTED]
    assert bench.begun == ["a", "c"]
    assert bench.keeper.places() == {"demo:26-01-15-b": 1}
    bench.put(seen("a", SessionState.IDLE, iteration=1), seen("c", SessionState.DONE))
    await bench.keep()  # a was answered meanwhile; b was there first
    assert bench.begun == ["a", "c", "b"]
    assert bench.keeper.places() == {"demo:26-01-15-a": 1}


async def test_a_terminals_worker_takes_a_place_and_a_parked_one_does_not(wanted: WantedRuns) -> None:
    bench = Bench(wanted, 1)
    bench.put(seen("theirs", SessionState.RUNNING, worker_pid=9))
    bench.want("a")
    await bench.keep()
    assert bench.begun == []
    bench.put(seen("theirs", SessionState.PARKED, worker_pid=9))
    await bench.keep()
    assert bench.begun == ["a"]


async def test_a_session_whose_worker_is_on_its_way_is_not_started_again(wanted: WantedRuns) -> None:
    bench = Bench(wanted, 3)
    bench.want("a")
    await bench.keep()
    bench.unseen.add("demo:26-01-15-a")
    bench.put(seen("a", iteration=1))  # it does not hold the session yet, or no more
    await bench.keep()
    await bench.keep()
    assert bench.begun == ["a"]


async def test_what_was_seen_before_a_start_ended_never_leads_to_another(wanted: WantedRuns) -> None:
    bench = Bench(wanted, 3)
    bench.want("a")
    old = Sight(dict(bench.views), lambda key: False)
    ended = bench.keeper.collect()
    bench.keeper.keep(old, NOW, ended)
    await bench.keeper.settle()
    bench.keeper.keep(old, NOW, ended)  # not collected before this look: the start still counts as under way
    await bench.keeper.settle()
    assert bench.begun == ["a"]


async def test_a_worker_that_dies_again_and_again_is_given_up_aloud(wanted: WantedRuns) -> None:
    bench = Bench(wanted, 1)
    bench.want("a")
    await bench.keep()
    told: list[NewsKind] = []
    for seconds in range(0, 60, 10):
        bench.put(seen("a", lost=True, iteration=seconds))
        told += await bench.keep(NOW + timedelta(seconds=seconds))
    assert told == [NewsKind.RESTARTED] * MOST_RESTARTS + [NewsKind.GAVE_UP]
    assert bench.begun == ["a"] * (1 + MOST_RESTARTS)
    assert wanted.all() == ()


async def test_waiting_for_a_place_does_not_make_a_dying_worker_young_again(wanted: WantedRuns) -> None:
    bench = Bench(wanted, 1)
    bench.want("a")
    await bench.keep()
    for _ in range(MOST_RESTARTS - 1):
        wanted.restarted("demo:26-01-15-a")
    bench.put(seen("theirs", SessionState.RUNNING, worker_pid=9), seen("a", lost=True))
    await bench.keep(NOW + timedelta(seconds=60))
    assert bench.keeper.places() == {"demo:26-01-15-a": 1}
    run_now = wanted.get("demo:26-01-15-a")
    assert run_now is not None
    assert len(run_now.restarts) == MOST_RESTARTS - 1


async def test_two_dead_workers_and_one_place_come_both_to_their_turn(wanted: WantedRuns) -> None:
    bench = Bench(wanted, 1)
    bench.want("a", "b")
    bench.put(seen("a", lost=True), seen("b", lost=True))
    await bench.keep()
    assert len(bench.begun) == 1
    bench.put(seen(bench.begun[0], SessionState.DONE))
    await bench.keep()
    assert sorted(bench.begun) == ["a", "b"]


async def test_a_worker_that_ends_at_once_and_does_nothing_is_not_started_for_ever(
    wanted: WantedRuns,
) -> None:
    bench = Bench(wanted, 1)
    bench.want("a")
    told: list[NewsKind] = []
    for seconds in range(0, 100, 10):
        bench.put(seen("a"))
        told += await bench.keep(NOW + timedelta(seconds=seconds))
    assert told == [NewsKind.GAVE_UP]
    assert len(bench.begun) == 1 + MOST_RESTARTS


async def test_a_start_that_fails_is_said_and_not_repeated(wanted: WantedRuns) -> None:
    bench = Bench(wanted, 1)
    bench.result = SamobotError("There is no claude.")
    bench.want("a")
    assert await bench.keep() == []
    assert await bench.keep() == [NewsKind.FAILED_TO_START]
    assert await bench.keep() == []
    assert bench.begun == ["a"]


async def test_a_worker_that_was_killed_before_it_began_is_started_again(wanted: WantedRuns) -> None:
    bench = Bench(wanted, 1)
    bench.result = StartInterruptedError("killed")
    bench.want("a")
    await bench.keep()
    bench.result = None
    await bench.keep()
    await bench.keep(NOW + timedelta(seconds=5))
    assert bench.begun == ["a", "a"]


async def test_a_start_that_came_too_late_for_a_terminals_worker_is_no_failure(wanted: WantedRuns) -> None:
    bench = Bench(wanted, 1)
    bench.result = SamobotError("Another worker holds it.")
    bench.want("a")
    await bench.keep()
    bench.put(seen("a", SessionState.RUNNING, worker_pid=9))
    assert await bench.keep() == []
    assert wanted.get("demo:26-01-15-a") is not None


async def test_a_run_is_forgotten_only_when_its_folder_is_certainly_gone(wanted: WantedRuns) -> None:
    bench = Bench(wanted, 1)
    bench.want("a")
    bench.views.clear()
    assert await bench.keep() == []
    assert wanted.get("demo:26-01-15-a") is not None
    bench.gone.add("demo:26-01-15-a")
    assert await bench.keep() == [NewsKind.FAILED_TO_START]
    assert wanted.all() == ()


async def test_nothing_is_started_for_a_session_that_is_being_stopped(wanted: WantedRuns) -> None:
    bench = Bench(wanted, 1)
    bench.want("a")
    with bench.keeper.held_back("demo:26-01-15-a"):
        await bench.keep()
        assert bench.begun == []
    await bench.keep()
    assert bench.begun == ["a"]


async def test_a_run_that_a_full_disk_could_not_forget_is_not_started(
    wanted: WantedRuns, monkeypatch: pytest.MonkeyPatch
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
    wanted: WantedRuns, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(wanted, 2)
    bench.want("a", "b")
    bench.put(seen("a", lost=True))

    def refuse(session: str) -> int:
        raise StorageError("The disk is full.")

    monkeypatch.setattr(wanted, "restarted", refuse)
    await bench.keep()
    assert bench.begun == ["b"]


async def test_the_end_of_a_start_is_told_at_once(wanted: WantedRuns) -> None:
    told = asyncio.Event()
    bench = Bench(wanted, 1)
    bench.keeper = Keeper(wanted, 1, bench._start, changed=told.set)
    bench.want("a")
    await bench.keep()
    await told.wait()


async def test_a_run_that_cannot_be_started_is_wanted_until_that_was_told(wanted: WantedRuns) -> None:
    bench = Bench(wanted, 1)
    bench.result = SamobotError("The disk is full.")
    bench.want("a")
    await bench.keep()
    assert await bench.keep() == [NewsKind.FAILED_TO_START]
    assert (
        wanted.get("demo:26-01-15-a") is not None
    )  # killed here, the bot tries again instead of resting unsaid
    await bench.keep()
    assert wanted.all() == ()
