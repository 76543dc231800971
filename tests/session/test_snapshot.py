from __future__ import annotations

import contextlib
import ctypes
import json
import os
import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from samobot.phases import WaitingFor
from samobot.session import requests
from samobot.session.decisions import Decision, DecisionKind, record
from samobot.session.folder import SessionFolder
from samobot.session.journal import EventName, Journal, RunEndReason, append
from samobot.session.journal import read as read_journal
from samobot.session.lock import RunLock
from samobot.session.qa import set_answer
from samobot.session.snapshot import SnapshotReader, snapshot
from samobot.session.status import SessionState, Status
from samobot.system.clock import utc_now
from tests.support.examples import examples
from tests.support.session_folder import KEY, NOW, QUESTIONS, make_session, write_plan, write_signal


def state(folder: SessionFolder) -> SessionState:
    return snapshot(folder, "demo").status.state


def end_run(folder: SessionFolder, reason: RunEndReason, text: str = "why") -> None:
    """End a run now; a signal there is was written before."""
    if folder.signal.exists():
        os.utime(folder.signal, (NOW.timestamp() - 10,) * 2)
    append(folder, EventName.RUN_START, NOW - timedelta(minutes=5), run="r", pid=1)
    append(folder, EventName.RUN_END, NOW, reason=reason, text=text, exit_code=reason.exit_code)


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Let nobody search a folder, not even root: this thread is another user to the file system."""
    set_user = ctypes.CDLL(None).setfsuid
    folder.chmod(0)
    before = set_user(65534)
    try:
        yield
    finally:
        set_user(before)
        folder.chmod(0o755)


def test_folder_that_may_not_be_searched_is_a_problem_and_no_error(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    snapshot(folder, "demo")  # imports all that it needs, as the user who may
    with locked(folder.path):
        found = snapshot(folder, "demo").status
    assert f"Cannot read {folder.overview}: permission denied" in "\n".join(found.problems)


def test_the_object_has_exactly_the_promised_keys(tmp_path: Path) -> None:
    folder = make_session(tmp_path, phase="requirements", blocked="waiting_human", qa=QUESTIONS)
    values = json.loads(json.dumps(snapshot(folder, "demo").status.as_json()))
    assert list(values) == [
        "project",
        "session",
        "path",
        "state",
        "phase",
        "iteration",
        "total_iterations",
        "blocked",
        "last_action",
        "next",
        "waiting_for",
        "questions",
        "worker",
        "cost_usd",
        "updated",
    ]
    assert values["updated"].endswith("Z")
    del values["updated"]
    assert values == {
        "project": "demo",
        "session": "greet",
        "path": str(folder.path),
        "state": "waiting",
        "phase": "requirements",
        "iteration": 1,
        "total_iterations": 3,
        "blocked": "waiting_human",
        "last_action": "looked around",
        "next": "go on",
        "waiting_for": "qa_answers",
        "questions": [
            {
                "number": 1,
                "text": "Which greeting should it print?",
                "options": [
                    {"letter": "A", "text": "hello"},
                    {"letter": "B", "text": "good day, with the name"},
                ],
                "suggestion": "B",
                "answer": None,
            },
            {"number": 2, "text": "How loud?", "options": [], "suggestion": None, "answer": None},
        ],
        "worker": None,
        "cost_usd": None,
    }


def test_the_object_reads_back(tmp_path: Path) -> None:
    status = snapshot(make_session(tmp_path, phase="nonsense"), "demo").status
    assert status.problems
    assert TypeAdapter(Status).validate_json(json.dumps(status.as_json())) == status


def test_a_living_worker_is_running_or_parked(tmp_path: Path) -> None:
    folder = make_session(tmp_path, blocked="yes - an old block")
    with RunLock.acquire(folder, NOW, iteration=4) as lock:
        status = snapshot(folder, "demo").status
        assert status.state is SessionState.RUNNING
        assert status.worker is not None
        assert (status.worker.pid, status.worker.iteration, status.worker.started) == (os.getpid(), 4, NOW)
        lock.update(parked=True)
        assert state(folder) is SessionState.PARKED
    assert state(folder) is SessionState.BLOCKED


BY_HAND: list[tuple[str, dict[str, str], dict[str, str] | None, str]] = [
    ("fresh", {}, None, "idle"),
    ("waiting in requirements", {"phase": "requirements", "blocked": "waiting_human"}, None, "waiting"),
    ("signal alone", {"phase": "requirements"}, {"status": "waiting", "for": "qa_answers"}, "waiting"),
    (
        "bare yes",
        {"phase": "requirements", "blocked": "yes"},
        {"status": "waiting", "for": "qa_answers"},
        "waiting",
    ),
    ("blocked", {"blocked": "yes - no network"}, None, "blocked"),
    ("bare blocked", {"blocked": "yes"}, None, "blocked"),
    ("blocked by signal", {}, {"status": "blocked", "reason": "no network"}, "blocked"),
    ("refused wait", {"phase": "testing", "blocked": "yes - may not wait"}, {"status": "waiting"}, "blocked"),
    ("human action", {"phase": "implementation"}, {"status": "waiting", "for": "human_action"}, "waiting"),
    ("going on", {"phase": "testing"}, {"status": "continue", "phase": "quality"}, "idle"),
    ("done", {"phase": "done"}, {"status": "done"}, "done"),
    ("done by hand", {"phase": "done"}, None, "done"),
    ("done too early", {"phase": "quality"}, {"status": "done"}, "idle"),
]


@pytest.mark.parametrize(
    ("overview", "signal", "wanted"), [row[1:] for row in BY_HAND], ids=[row[0] for row in BY_HAND]
)
def test_a_session_worked_on_by_hand_has_a_state(
    tmp_path: Path, overview: dict[str, str], signal: dict[str, str] | None, wanted: str
) -> None:
    folder = make_session(
        tmp_path,
        phase=overview.get("phase", "investigation"),
        blocked=overview.get("blocked", "no"),
        qa=QUESTIONS,
        signal=signal,
    )
    assert state(folder) == wanted


def test_nothing_waits_once_all_is_answered(tmp_path: Path) -> None:
    folder = make_session(tmp_path, phase="requirements", blocked="waiting_human", qa=QUESTIONS)
    for index in (0, 1):
        assert state(folder) is SessionState.WAITING
        folder.qa.write_text(set_answer(folder.qa.read_text(), index, "A"))
    status = snapshot(folder, "demo").status
    assert (status.state, status.waiting_for) == (SessionState.IDLE, None)


def test_a_plan_waits_until_somebody_decides_and_again_when_it_changes(tmp_path: Path) -> None:
    folder = make_session(tmp_path, phase="planning", blocked="waiting_human")
    assert state(folder) is SessionState.IDLE
    sha = write_plan(folder)
    assert snapshot(folder, "demo").status.waiting_for is WaitingFor.PLAN_APPROVAL
    record(folder, Decision(NOW, "anna", "terminal", DecisionKind.APPROVAL, sha256=sha), KEY)
    assert state(folder) is SessionState.IDLE
    write_plan(folder, "# changed\n- [ ] x\n")
    assert state(folder) is SessionState.WAITING


def test_a_rejected_plan_that_is_shown_again_waits_again(tmp_path: Path) -> None:
    folder = make_session(tmp_path, phase="planning", blocked="waiting_human")
    sha = write_plan(folder)
    record(folder, Decision(NOW, "anna", "terminal", DecisionKind.REJECTION, sha256=sha, text="no"), KEY)
    assert state(folder) is SessionState.IDLE
    write_signal(folder, status="waiting", **{"for": "plan_approval"})
    os.utime(folder.signal, (NOW.timestamp() + 60,) * 2)
    assert state(folder) is SessionState.WAITING


@pytest.mark.parametrize(
    ("reason", "wanted"),
    [
        (RunEndReason.STOPPED, SessionState.STOPPED),
        (RunEndReason.PAUSED, SessionState.STOPPED),
        (RunEndReason.PARKED, SessionState.PARKED),
        (RunEndReason.BUDGET, SessionState.BLOCKED),
        (RunEndReason.ITERATIONS, SessionState.BLOCKED),
        (RunEndReason.FAILED, SessionState.BLOCKED),
        (RunEndReason.WAITING, SessionState.IDLE),
    ],
)
def test_end_of_the_last_run_shows_why_a_session_is_idle(
    tmp_path: Path, reason: RunEndReason, wanted: SessionState
) -> None:
    folder = make_session(tmp_path, signal={"status": "continue"})
    end_run(folder, reason, "the words")
    status = snapshot(folder, "demo").status
    assert status.state is wanted
    assert status.blocked == ("the words" if wanted is SessionState.BLOCKED else "no")
    assert status.cost_usd == 0


def test_a_time_that_an_agent_gives_its_files_lifts_no_end_of_a_run(tmp_path: Path) -> None:
    folder = make_session(tmp_path, signal={"status": "continue"})
    for path in (folder.signal, folder.overview):
        os.utime(path, (4e9, 4e9))
    end = utc_now() + timedelta(minutes=1)
    append(folder, EventName.RUN_START, end, run="r", pid=1)
    append(folder, EventName.RUN_END, end, reason=RunEndReason.BUDGET, text="the words", exit_code=13)
    status = snapshot(folder, "demo").status
    assert (status.state, status.blocked) == (SessionState.BLOCKED, "the words")
    assert status.updated is not None
    assert status.updated < end


def test_a_change_is_seen_although_the_files_size_and_time_were_kept(tmp_path: Path) -> None:
    folder = make_session(tmp_path, qa=QUESTIONS)
    reader = SnapshotReader(folder, "demo")
    reader.read()
    before = folder.qa.stat()
    while folder.qa.stat().st_ctime_ns == before.st_ctime_ns:  # the kernel's clock goes in steps
        folder.qa.write_text(QUESTIONS.replace("Which greeting", "Whose greeting"))
        os.utime(folder.qa, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert folder.qa.stat().st_size == before.st_size
    assert "Whose greeting" in reader.read().status.questions[0].text


def test_work_by_hand_after_a_stop_ends_the_stop(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    end_run(folder, RunEndReason.STOPPED)
    write_signal(folder, status="continue")
    os.utime(folder.signal, (NOW.timestamp() + 60,) * 2)
    assert state(folder) is SessionState.IDLE


@pytest.mark.parametrize("clock", [timedelta(minutes=1), timedelta(seconds=-1), timedelta(days=-1)])
@pytest.mark.parametrize(
    ("event", "fields"),
    [("budget", {"usd": 9}), ("unpark", {"by": "person"}), ("decision", {"kind": "retry"})],
)
def test_decision_after_an_end_lifts_it_also_if_the_clock_was_set_back(
    tmp_path: Path, event: str, fields: dict[str, object], clock: timedelta
) -> None:
    folder = make_session(tmp_path)
    end_run(folder, RunEndReason.BUDGET)
    append(folder, EventName(event), NOW + clock, **fields)
    assert state(folder) is SessionState.IDLE


def test_a_worker_that_died_is_lost_and_not_running(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    append(folder, EventName.RUN_START, NOW, run="r", pid=1)
    now = snapshot(folder, "demo")
    assert now.lost
    assert now.status.state is SessionState.IDLE
    with RunLock.acquire(folder, NOW):
        assert not snapshot(folder, "demo").lost


def test_last_phase_is_done_only_after_the_runs_end(tmp_path: Path) -> None:
    folder = make_session(tmp_path, phase="done")
    end_run(folder, RunEndReason.STOPPED)
    assert state(folder) is SessionState.STOPPED
    end_run(folder, RunEndReason.DONE)
    assert state(folder) is SessionState.DONE


def as_folder(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.mkdir()


def as_fifo(path: Path) -> None:
    path.unlink(missing_ok=True)
    os.mkfifo(path)


def as_loop(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to(path.name)


BREAK: dict[str, Callable[[Path], object]] = {
    "gone": lambda path: path.unlink(missing_ok=True),
    "garbage": lambda path: path.write_bytes(b"\xff\xfe\0{[" * 50),
    "half": lambda path: path.write_bytes(path.read_bytes()[:7] if path.exists() else b"{"),
    "folder": as_folder,
    "fifo": as_fifo,
    "loop": as_loop,
}
FILES = ("overview", "signal", "qa", "guidance", "decisions")


@pytest.mark.parametrize("how", BREAK.values(), ids=BREAK.keys())
@pytest.mark.parametrize("file", FILES)
def test_a_broken_file_is_a_problem_and_never_an_error(
    tmp_path: Path, file: str, how: Callable[[Path], object]
) -> None:
    folder = make_session(
        tmp_path, phase="requirements", blocked="waiting_human", qa=QUESTIONS, signal={"status": "waiting"}
    )
    how(getattr(folder, file))
    status = snapshot(folder, "demo").status
    assert status.session == "greet"
    json.dumps(status.as_json()).encode()
    if how is BREAK["folder"]:
        assert status.problems


def test_broken_logs_are_a_problem(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    folder.journal.mkdir()
    assert snapshot(folder, "demo").status.problems
    shutil.rmtree(folder.logs)
    assert snapshot(folder, "demo").status.problems == ()
    folder.logs.write_text("a file")
    assert snapshot(folder, "demo").status.state is SessionState.IDLE


def test_session_that_is_gone_is_idle_and_shows_nothing(tmp_path: Path) -> None:
    status = snapshot(SessionFolder(tmp_path / "26-01-15-gone"), "demo").status
    assert (status.session, status.state, status.phase, status.updated) == (
        "gone",
        SessionState.IDLE,
        None,
        None,
    )


@examples(50)
@given(overview=st.binary(max_size=200), signal=st.binary(max_size=100), qa=st.binary(max_size=200))
def test_whatever_the_files_hold_there_is_a_status(
    tmp_path_factory: pytest.TempPathFactory, overview: bytes, signal: bytes, qa: bytes
) -> None:
    parent = tmp_path_factory.mktemp("nonsense")
    try:
        folder = make_session(parent)
        folder.overview.write_bytes(b"# x\n## Status\n" + overview)
        folder.signal.write_bytes(signal)
        folder.qa.write_bytes(b"### Q1: " + qa)
        json.dumps(snapshot(folder, "demo").status.as_json()).encode()
    finally:
        shutil.rmtree(parent)


def test_reading_again_is_free_until_something_changes_and_then_sees_it(tmp_path: Path) -> None:
    folder = make_session(tmp_path, phase="planning", blocked="waiting_human")
    write_plan(folder)
    reader = SnapshotReader(folder, "demo")
    first = reader.read()
    assert reader.read() is first
    write_plan(folder, "# other\n- [ ] x\n")
    second = reader.read()
    assert second is not first
    assert second.standing.plan is not None
    assert second.standing.plan.text == "# other\n- [ ] x\n"
    with RunLock.acquire(folder, NOW):
        assert reader.read().status.state is SessionState.RUNNING
    assert reader.read().status.state is SessionState.WAITING
    append(folder, EventName.ITERATION_END, NOW, phase="planning", cost_usd=2)
    assert reader.read().status.cost_usd == 2
    last = reader.read()
    assert reader.read() is last


def test_what_the_agent_is_doing_is_seen_without_reading_the_files_again(tmp_path: Path) -> None:
    folder = make_session(tmp_path, phase="planning")
    reader = SnapshotReader(folder, "demo")
    with RunLock.acquire(folder, NOW) as lock:
        lock.set_activity("reads a.py")
        first = reader.read()
        lock.set_activity("edits b.py")
        second = reader.read()
        assert second.holder is not None
        assert second.holder.activity == "edits b.py"
        assert second.standing is first.standing
        lock.update(parked=True)
        assert reader.read().status.state is SessionState.PARKED
    assert reader.read().status.state is SessionState.IDLE


def test_a_pause_that_was_asked_for_is_seen_until_it_is_taken_back(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    reader = SnapshotReader(folder, "demo")
    with RunLock.acquire(folder, NOW):
        assert not reader.read().pausing
        requests.request(folder, requests.WorkerRequest(requests.RequestKind.PAUSE, "Ann"))
        assert reader.read().pausing
        requests.wake(folder, "Ann")
        assert not reader.read().pausing
        requests.request(folder, requests.WorkerRequest(requests.RequestKind.PAUSE, "Ann"))
    assert not reader.read().pausing


@pytest.mark.parametrize("reason", [RunEndReason.WAITING, RunEndReason.BLOCKED, RunEndReason.DONE])
def test_a_worker_that_leaves_while_its_files_are_read_does_not_seem_to_have_died(
    tmp_path: Path, reason: RunEndReason
) -> None:
    folder = make_session(tmp_path, phase="implementation")
    lock = RunLock.acquire(folder, now=NOW)
    lock.__enter__()
    append(folder, EventName.RUN_START, NOW, run="r", pid=os.getpid())

    def leaves_after_this_reading() -> Journal:
        sums = read_journal(folder)
        if sums.run is not None and sums.run.end is None:
            append(folder, EventName.RUN_END, NOW, reason=reason, text="why", exit_code=reason.exit_code)
            lock.__exit__(None, None, None)
        return sums

    seen = snapshot(folder, "demo", journal=leaves_after_this_reading)
    assert seen.holder is None
    assert not seen.lost
    assert seen.end is not None


def test_a_worker_that_comes_while_the_files_are_read_is_seen(tmp_path: Path) -> None:
    folder = make_session(tmp_path, phase="implementation")
    locks: list[RunLock] = []

    def comes_before_this_reading() -> Journal:
        if not locks:
            locks.append(RunLock.acquire(folder, now=NOW))
            locks[0].__enter__()
            append(folder, EventName.RUN_START, NOW, run="r", pid=os.getpid())
        return read_journal(folder)

    try:
        seen = snapshot(folder, "demo", journal=comes_before_this_reading)
        assert not seen.lost
        assert seen.status.state is SessionState.RUNNING
    finally:
        locks[0].__exit__(None, None, None)


def test_block_without_a_reason_is_shown_without_the_files_spelling(tmp_path: Path) -> None:
    folder = make_session(tmp_path, blocked="yes - It may not", signal={"status": "blocked"})
    assert snapshot(folder, "demo").status.blocked == "It may not"


def test_a_block_that_a_decision_is_lifting_is_the_same_block_until_it_is_lifted(tmp_path: Path) -> None:
    folder = make_session(tmp_path, phase="implementation", blocked="no database")
    end_run(folder, RunEndReason.BLOCKED)
    os.utime(folder.overview, (NOW.timestamp() - 10,) * 2)
    before = snapshot(folder, "demo").end
    append(folder, EventName.DECISION, NOW + timedelta(seconds=5), id="1", kind="retry", who="Ada")
    after = snapshot(folder, "demo")
    assert (after.status.state, after.end) == (SessionState.BLOCKED, before)
    assert before is not None


@pytest.mark.parametrize("changed", ["overview", "signal"])
def test_a_block_written_after_the_decision_is_another_block(tmp_path: Path, changed: str) -> None:
    folder = make_session(tmp_path, phase="implementation", blocked="no database")
    write_signal(folder, status="blocked", reason="no database")
    end_run(folder, RunEndReason.BLOCKED)
    os.utime(folder.overview, (NOW.timestamp() - 10,) * 2)
    append(folder, EventName.DECISION, NOW + timedelta(seconds=5), id="1", kind="retry", who="Ada")
    os.utime(getattr(folder, changed), (NOW.timestamp() + 9,) * 2)
    after = snapshot(folder, "demo")
    assert (after.status.state, after.end) == (SessionState.BLOCKED, None)
