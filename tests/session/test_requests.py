from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

import pytest

from samobot.errors import StorageError
from samobot.session.lock import RunLock
from samobot.session.requests import (
    RequestKind,
    WakeResult,
    WorkerRequest,
    clear,
    request,
    take_kind,
    take_up,
    wake,
)
from tests.support.session_folder import NOW, make_session


def test_requests_are_taken_once_by_kind_and_in_order(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    assert take_kind(folder, RequestKind.PAUSE) is None
    for wanted in (
        WorkerRequest(RequestKind.BUDGET, "anna", 5.0),
        WorkerRequest(RequestKind.PAUSE, "ben"),
        WorkerRequest(RequestKind.BUDGET, "anna", 9.0),
    ):
        request(folder, wanted)
    assert take_kind(folder, RequestKind.PAUSE) == WorkerRequest(RequestKind.PAUSE, "ben")
    assert take_kind(folder, RequestKind.PAUSE) is None
    assert take_kind(folder, RequestKind.BUDGET) == WorkerRequest(RequestKind.BUDGET, "anna", 5.0)
    assert take_kind(folder, RequestKind.BUDGET) == WorkerRequest(RequestKind.BUDGET, "anna", 9.0)
    assert not folder.vault.control.exists()


@pytest.mark.parametrize(
    "content",
    ["", "{", "{}", "[1, null]", '[{"kind": "budget", "usd": NaN}]', '[{"kind": "dance"}]', "[" * 100_000],
)
def test_nonsense_is_no_request(tmp_path: Path, content: str) -> None:
    folder = make_session(tmp_path)
    folder.vault.prepare()
    folder.vault.control.write_text(content)
    assert take_kind(folder, RequestKind.BUDGET) is None
    request(folder, WorkerRequest(RequestKind.PAUSE, "anna"))
    assert take_kind(folder, RequestKind.PAUSE) == WorkerRequest(RequestKind.PAUSE, "anna")


def test_a_new_worker_forgets_what_was_asked_of_others_and_keeps_what_was_asked_of_itself(
    tmp_path: Path,
) -> None:
    folder = make_session(tmp_path)
    request(folder, WorkerRequest(RequestKind.PAUSE, "of nobody"))
    folder.vault.control.write_text(
        folder.vault.control.read_text().replace("null}]", '4711}, {"kind": "stop"}]')
    )
    with RunLock.acquire(folder, NOW):
        request(folder, WorkerRequest(RequestKind.PAUSE, "of this one"))
        take_up(folder, os.getpid())
        assert take_kind(folder, RequestKind.PAUSE) == WorkerRequest(RequestKind.PAUSE, "of this one")
        assert take_kind(folder, RequestKind.PAUSE) is None
    take_up(folder, os.getpid())
    assert not folder.vault.control.exists()


def test_all_requests_can_be_forgotten(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    request(folder, WorkerRequest(RequestKind.PAUSE, "anna"))
    clear(folder)
    clear(folder)
    assert take_kind(folder, RequestKind.PAUSE) is None


def test_resume_cancels_the_pause_and_is_left_for_no_later_sleep(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    with RunLock.acquire(folder, NOW):
        request(folder, WorkerRequest(RequestKind.PAUSE, "anna"))
        request(folder, WorkerRequest(RequestKind.PAUSE, "ben"))
        assert wake(folder, "anna") is WakeResult.PAUSE_LIFTED
        assert wake(folder, "anna") is WakeResult.RUNNING
        assert not folder.vault.control.exists()


@pytest.mark.parametrize("until", [None, NOW])
def test_resume_ends_the_sleep_of_a_sleeping_worker(tmp_path: Path, until: datetime | None) -> None:
    folder = make_session(tmp_path)
    with RunLock.acquire(folder, NOW) as lock:
        lock.update(parked=True, parked_until=until)
        request(folder, WorkerRequest(RequestKind.PAUSE, "ben"))
        assert wake(folder, "anna") is WakeResult.UNPARKED
        assert take_kind(folder, RequestKind.PAUSE) is None
        assert take_kind(folder, RequestKind.RESUME) == WorkerRequest(RequestKind.RESUME, "anna")


def test_a_folder_in_the_requests_place_is_said(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    folder.vault.control.mkdir(parents=True)
    for ask in (clear, lambda there: request(there, WorkerRequest(RequestKind.PAUSE, "anna"))):
        with pytest.raises(StorageError, match=r"control\.json"):
            ask(folder)
