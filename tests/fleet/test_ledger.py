"""A request that is repeated after a crash at any point is carried out once."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from samobot.config.settings_loader import load_settings
from samobot.errors import StorageError
from samobot.fleet.fleet import Fleet
from samobot.fleet.ledger import FILE_NAME, KEPT_DAYS, Ledger, LedgerEntry
from samobot.fleet.local_fleet import LocalFleet
from samobot.fleet.models import SessionRef
from samobot.fleet.start_request import StartRequest
from samobot.fleet.worker_processes import WorkerProcesses
from samobot.money.spending import allowed_today
from samobot.session.gate import Person
from samobot.system.threads import Threads
from tests.support.claude_cli import cli_environment
from tests.support.json_fleet import through_json
from tests.support.workshop import Workshop, make_workshop

ANNA = Person("anna", "telegram")
NOW = datetime(2026, 1, 15, 14, 0, tzinfo=UTC)
NUMBER = TypeAdapter(int)


class KilledError(Exception):
    """Stands for a kill -9 of the bot."""


# The file ---------------------------------------------------------------------------------------------------------


class Calls:
    """Calls of one ledger, which is opened anew after each crash."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.now = NOW
        self.attempts: list[LedgerEntry] = []

    async def call(self, request: str | None, *, fails: bool = False, usd: float | None = None) -> int:
        async def work(attempt: LedgerEntry) -> int:
            self.attempts.append(attempt)
            if fails:
                raise KilledError
            return len(self.attempts)

        threads = Threads()
        try:
            return await Ledger(self.state, threads, lambda: self.now).once(
                request, "guidance", work, NUMBER, usd=usd
            )
        finally:
            threads.close()


async def test_a_call_that_has_ended_is_not_made_again(tmp_path: Path) -> None:
    calls = Calls(tmp_path / "state")
    assert [await calls.call("a"), await calls.call("a"), await calls.call("b")] == [1, 1, 2]
    assert [attempt.repeated for attempt in calls.attempts] == [False, False]
    assert (tmp_path / "state" / FILE_NAME).stat().st_mode & 0o777 == 0o600


async def test_a_call_without_a_name_is_made_each_time(tmp_path: Path) -> None:
    calls = Calls(tmp_path)
    assert [await calls.call(None), await calls.call(None)] == [1, 2]
    assert not (tmp_path / FILE_NAME).exists()


async def test_a_call_that_was_cut_off_is_made_again_as_it_was_first(tmp_path: Path) -> None:
    calls = Calls(tmp_path)
    with pytest.raises(KilledError):
        await calls.call("a", fails=True, usd=5.0)
    calls.now += timedelta(minutes=3)
    await calls.call("a", usd=7.0)
    first, second = calls.attempts
    assert (first.repeated, second.repeated) == (False, True)
    assert (second.at, second.usd) == (NOW, 5.0)


@pytest.mark.parametrize("damage", [b"", b"\x00\xff\n", b"[]\n", b'{"request": "a"\n', b"null\n"])
async def test_lines_that_are_damaged_are_left_out(tmp_path: Path, damage: bytes) -> None:
    calls = Calls(tmp_path)
    await calls.call("a")
    with (tmp_path / FILE_NAME).open("ab") as file:
        file.write(damage + b'{"request": "b", "call": "gui')
    await calls.call("b")
    assert [await calls.call("a"), await calls.call("b")] == [1, 2]


async def test_old_requests_are_forgotten_and_the_file_is_shortened(tmp_path: Path) -> None:
    calls = Calls(tmp_path)
    await calls.call("old")
    calls.now += timedelta(days=KEPT_DAYS, seconds=1)
    await calls.call("new")
    assert '"old"' not in (tmp_path / FILE_NAME).read_text()
    assert [await calls.call("new"), await calls.call("old")] == [2, 3]


async def test_nothing_is_done_that_cannot_be_recorded(tmp_path: Path) -> None:
    calls = Calls(tmp_path)
    (tmp_path / FILE_NAME).mkdir()
    with pytest.raises(StorageError):
        await calls.call("a")
    assert calls.attempts == []


# The calls that would add something twice -------------------------------------------------------------------------


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workshop:
    async def start(*_: object) -> int:
        return os.getpid()

    monkeypatch.setattr(WorkerProcesses, "start", start)
    shop = make_workshop(tmp_path, cli_environment(tmp_path / "home", "http://127.0.0.1:9"))
    shop.environment["SAMOBOT_PROJECTS"] = str(shop.repo)
    return shop


@contextlib.asynccontextmanager
async def started(shop: Workshop) -> AsyncIterator[Fleet]:
    """A fleet as after a start of the bot."""
    fleet = LocalFleet(load_settings(shop.environment), environ=shop.environment)
    try:
        yield through_json(fleet)
    finally:
        await fleet.close()


async def session(fleet: Fleet) -> SessionRef:
    """Create a session that no worker has taken up, with a budget of $5."""
    made = await fleet.start(
        StartRequest(project="demo", session="greet", task="Add a greeting", budget_usd=5.0), ANNA
    )
    assert made.ref is not None
    await fleet.wait_for_starts()
    await fleet.stop(made.ref, ANNA)
    return made.ref


async def guide(fleet: Fleet, ref: SessionRef, request_id: str | None) -> None:
    await fleet.add_guidance(ref, "Keep it short", ANNA, request_id=request_id)


async def guide_by_start(fleet: Fleet, ref: SessionRef, request_id: str | None) -> None:
    await fleet.start(
        StartRequest(project="demo", session=ref.name, task="Keep it short"), ANNA, request_id=request_id
    )


async def start_new(fleet: Fleet, _: SessionRef, request_id: str | None) -> None:
    name = await fleet.free_name("demo", "other")
    made = await fleet.start(
        StartRequest(project="demo", session=name, task="Another"), ANNA, request_id=request_id
    )
    assert (made.name, made.created) == ("other" if request_id else name, True)


async def add_budget(fleet: Fleet, ref: SessionRef, request_id: str | None) -> None:
    before = (await fleet.view(ref)).budget_usd or 0.0
    await fleet.set_budget(ref, before + 10.0, ANNA, request_id=request_id)


async def allow_today(fleet: Fleet, ref: SessionRef, request_id: str | None) -> None:
    await fleet.raise_daily_budget(ref, 10.0, ANNA, request_id=request_id)


async def guidance_of(fleet: Fleet, ref: SessionRef, _: Path) -> object:
    return [each.text for each in (await fleet.view(ref)).guidance]


async def sessions_of(fleet: Fleet, _: SessionRef, __: Path) -> object:
    views = await fleet.sessions()
    return sorted((view.ref.name, len(view.guidance)) for view in views)


async def budget_of(fleet: Fleet, ref: SessionRef, _: Path) -> object:
    return (await fleet.view(ref)).budget_usd


async def today_of(_: Fleet, __: SessionRef, state: Path) -> object:
    return allowed_today(state, datetime.now(UTC))


Act = Callable[[Fleet, SessionRef, str | None], Awaitable[None]]
Effect = Callable[[Fleet, SessionRef, Path], Awaitable[object]]
ADDING: dict[str, tuple[Act, Effect, object, object]] = {
    "guidance": (guide, guidance_of, ["Keep it short"], ["Keep it short"] * 2),
    "guidance by a start": (guide_by_start, guidance_of, ["Keep it short"], ["Keep it short"] * 2),
    "new session": (
        start_new,
        sessions_of,
        [("greet", 0), ("other", 0)],
        [("greet", 0), ("other", 0), ("other-2", 0)],
    ),
    "budget": (add_budget, budget_of, 15.0, 25.0),
    "budget of the day": (allow_today, today_of, 10.0, 20.0),
}


def kill_before_the_effect(patch: pytest.MonkeyPatch) -> None:
    begin = Ledger._begin

    def killed(ledger: Ledger, entry: LedgerEntry) -> LedgerEntry:
        begin(ledger, entry)
        raise KilledError

    patch.setattr(Ledger, "_begin", killed)


def kill_after_the_effect(patch: pytest.MonkeyPatch) -> None:
    def killed(*_: object) -> None:
        raise KilledError

    patch.setattr(Ledger, "_end", killed)


def kill_after_the_end(patch: pytest.MonkeyPatch) -> None:
    end = Ledger._end

    def killed(ledger: Ledger, entry: LedgerEntry) -> None:
        end(ledger, entry)
        raise KilledError

    patch.setattr(Ledger, "_end", killed)


@pytest.mark.slow
@pytest.mark.parametrize("kill", [kill_before_the_effect, kill_after_the_effect, kill_after_the_end])
@pytest.mark.parametrize("what", ADDING)
async def test_request_repeated_after_a_crash_is_carried_out_once(
    shop: Workshop, what: str, kill: Callable[[pytest.MonkeyPatch], None]
) -> None:
    act, effect, once, _ = ADDING[what]
    state = load_settings(shop.environment).samobot_state_dir
    async with started(shop) as fleet:
        ref = await session(fleet)
        with pytest.MonkeyPatch.context() as patch:
            kill(patch)
            with pytest.raises(KilledError):
                await act(fleet, ref, "message17")
    async with started(shop) as fleet:
        await act(fleet, ref, "message17")
        assert await effect(fleet, ref, state) == once
        await act(fleet, ref, "message17")
        assert await effect(fleet, ref, state) == once


@pytest.mark.parametrize("what", ADDING)
async def test_two_requests_are_both_carried_out(shop: Workshop, what: str) -> None:
    act, effect, _, twice = ADDING[what]
    state = load_settings(shop.environment).samobot_state_dir
    async with started(shop) as fleet:
        ref = await session(fleet)
        await act(fleet, ref, None)
        await act(fleet, ref, None)
        assert await effect(fleet, ref, state) == twice
