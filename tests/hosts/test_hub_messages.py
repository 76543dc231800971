from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samobot.errors import DayOverError, NotFoundError, SamobotError, SessionDoneError, WorktreeGoneError
from samobot.fleet.fleet import Fleet
from samobot.hosts.fleet_calls import CONTROLS, DECISIONS, OWN, READS, error_of, failure, named_call
from samobot.hosts.hub_messages import (
    LARGEST,
    Beat,
    CallOutcome,
    SessionSnapshot,
    decode_snapshot,
    decode_view,
    join,
    split,
)
from samobot.session.status import SessionState
from tests.support.json_fleet import METHODS
from tests.support.views import AT, session


def changed(place: list[str | int], value: object) -> str:
    """A view as a newer host would send it."""
    data: Any = json.loads(
        session(
            decision={"kind": "retry", "who": "anna", "via": "telegram", "at": AT},
            end={"at": AT, "reason": "done", "text": "", "cause": None},
        ).model_dump_json()
    )
    inside = data
    for step in place[:-1]:
        inside = inside[step]
    inside[place[-1]] = value
    return json.dumps(data)


@pytest.mark.parametrize(
    "place",
    [
        ["state"],
        ["phase"],
        ["visited", 1],
        ["waiting_for"],
        ["end", "reason"],
        ["end", "cause"],
        ["decision", "kind"],
    ],
    ids=str,
)
def test_an_unknown_value_of_a_newer_host_costs_no_more_than_itself(place: list[str | int]) -> None:
    view = decode_view(changed(place, "of-tomorrow"))
    assert view.ref == session().ref
    assert view.iteration == 6
    assert "newer samobot" in view.problems[-1]
    if place == ["state"]:
        assert view.state is SessionState.IDLE


def test_an_unknown_field_of_a_newer_host_is_left_out() -> None:
    assert decode_view(changed(["tomorrow"], {"a": 1})).problems == ()


def test_a_snapshot_of_a_newer_host_is_read_as_well() -> None:
    data = json.loads(SessionSnapshot(boot="b", n=3, key="k", view=session()).encode())
    data["view"]["state"] = "of-tomorrow"
    found = decode_snapshot(json.dumps(data).encode())
    assert (found.n, found.view.state if found.view else None) == (3, SessionState.IDLE)


@given(st.text(max_size=50), st.integers(1, 3))
def test_a_text_in_parts_is_the_same_again(text: str, times: int) -> None:
    long = json.dumps(
        (text or "x") * (1 + times * LARGEST // len((text or "x").encode())), ensure_ascii=False
    )
    parts = split(long)
    assert len(parts) > 1
    assert all(len(CallOutcome(result=part).encode()) < 1_000_000 for part in parts)
    assert join(parts) == long


@pytest.mark.parametrize(
    "error", [SessionDoneError("greet"), DayOverError("no"), NotFoundError("none"), WorktreeGoneError("gone")]
)
def test_an_error_crosses_the_network_as_itself(error: SamobotError) -> None:
    arrived = error_of(CallOutcome.model_validate_json(failure(error).encode()))
    assert (type(arrived), arrived.message) == (type(error), error.message)


@pytest.mark.parametrize("name", ["OfTomorrowError", "annotations", ""])
def test_an_error_that_is_unknown_here_is_a_plain_one(name: str) -> None:
    assert type(error_of(CallOutcome(error=name, text="no"))) is SamobotError


def test_every_call_of_the_fleet_has_its_way() -> None:
    ways = (READS, DECISIONS, CONTROLS, OWN)
    assert set().union(*ways) == set(METHODS)
    assert sum(map(len, ways)) == len(METHODS)
    for name in METHODS:
        assert named_call(name).name == getattr(Fleet, name).__name__


@pytest.mark.parametrize(
    ("oldest", "newest", "fits"), [(1, 1, True), (1, 9, True), (2, 9, False), (0, 0, False)]
)
def test_hub_and_host_need_one_version_of_the_protocol_in_common(
    oldest: int, newest: int, fits: bool
) -> None:
    beat = Beat(host="laptop", boot="b", at=AT, oldest_protocol=oldest, newest_protocol=newest)
    assert beat.is_spoken_here is fits
