from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samobot.errors import StorageError
from samobot.session.folder import SessionFolder
from samobot.session.journal import EventName, JournalReader, RunEndReason, append, events, read
from samobot.session.journal_totals import JournalTotals
from samobot.session.signal import SuiteResult
from tests.support.session_folder import NOW, make_session


def later(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


def write_a_life(folder: SessionFolder) -> None:
    append(folder, EventName.RUN_START, NOW, run="r1", pid=7, phase="requirements", budget_usd=5, auto=False)
    append(folder, EventName.ITERATION_START, NOW, n=1, visit=1, phase="requirements")
    append(
        folder,
        EventName.ITERATION_END,
        later(10),
        n=1,
        phase="requirements",
        outcome="ok",
        cost_usd=1.5,
        models={"opus": 1.25, "haiku": 0.25},
        tokens={"input": 10, "output": 5, "cache_read": 0, "cache_write": 2},
    )
    append(folder, EventName.RUN_END, later(10), reason="waiting", text="2 questions", exit_code=10)
    append(folder, EventName.RUN_START, later(40), run="r2", pid=8, phase="requirements", budget_usd=None)
    append(folder, EventName.PHASE, later(41), **{"from": "requirements", "to": "planning", "by": "agent"})
    append(folder, EventName.ITERATION_START, later(41), n=2, visit=1, phase="planning", log="_logs/2.jsonl")


def test_an_event_is_one_line_in_utc_with_its_kind(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    append(folder, EventName.PARK, NOW, kind="five_hour", until=later(5), text="line\nbreak \ud800")
    line = folder.journal.read_text()
    assert line.count("\n") == 1
    assert json.loads(line) == {
        "at": "2026-01-15T10:30:00.000Z",
        "event": "park",
        "kind": "five_hour",
        "until": "2026-01-15T10:35:00.000Z",
        "text": "line\nbreak \ud800",
    }


def test_a_journal_adds_up(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    write_a_life(folder)
    journal = read(folder)
    assert (journal.cost_usd, journal.iterations) == (1.5, 1)
    assert journal.cost_by_phase == {"requirements": 1.5}
    assert journal.cost_by_model == {"opus": 1.25, "haiku": 0.25}
    assert journal.tokens == {"input": 10, "output": 5, "cache_read": 0, "cache_write": 2}
    assert journal.iterations_by_phase == {"requirements": 1}
    assert journal.run is not None
    assert (journal.run.id, journal.run.pid, journal.run.end) == ("r2", 8, None)
    assert journal.budget_usd == 5
    assert journal.iteration is not None
    assert (journal.iteration.n, journal.iteration.phase, journal.iteration.log) == (
        2,
        "planning",
        "_logs/2.jsonl",
    )
    assert [(change.source, change.target, change.by) for change in journal.phases] == [
        ("requirements", "planning", "agent")
    ]
    assert (journal.waited_s, journal.waiting_since, journal.duration_s) == (1800, None, 41 * 60)
    assert journal.problems == ()


def test_iterations_that_never_said_what_they_cost_are_counted(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    append(folder, EventName.ITERATION_END, NOW, n=1, phase="planning", cost_usd=None)
    append(folder, EventName.ITERATION_START, NOW, n=2, phase="planning")
    assert read(folder).unpriced == 1, "the second still runs"
    append(folder, EventName.RUN_START, later(1), run="r2", pid=8)
    append(folder, EventName.ITERATION_START, later(1), n=3, phase="planning")
    append(folder, EventName.ITERATION_END, later(2), n=3, phase="planning", cost_usd=0)
    append(folder, EventName.RUN_END, later(2), reason="paused", text="")
    assert (read(folder).unpriced, read(folder).cost_usd) == (2, 0)


def test_wait_for_the_user_is_open_until_the_next_run(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    append(folder, EventName.GATE, NOW, **{"for": "qa_answers"})
    append(folder, EventName.RUN_END, later(1), reason="waiting", text="", exit_code=10)
    journal = read(folder)
    assert (journal.waiting_since, journal.waited_s) == (NOW, 0)
    append(folder, EventName.RUN_START, later(3), run="r", pid=1)
    assert read(folder).waited_s == 180


def test_stop_is_no_wait_for_the_user(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    append(folder, EventName.RUN_END, NOW, reason="stopped", text="")
    assert read(folder).waiting_since is None


@pytest.mark.parametrize("reason", list(RunEndReason))
def test_every_end_has_its_exit_code(tmp_path: Path, reason: RunEndReason) -> None:
    folder = make_session(tmp_path)
    append(folder, EventName.RUN_START, NOW, run="r", pid=1)
    append(folder, EventName.RUN_END, later(1), reason=reason, text="why", cause="agent", phase="testing")
    run = read(folder).run
    assert run is not None
    assert run.end is not None
    assert (run.end.reason, run.end.exit_code, run.end.text) == (reason, reason.exit_code, "why")
    wanted = {"done": 0, "waiting": 10, "blocked": 11, "stopped": 12, "paused": 12, "budget": 13}
    wanted |= {"iterations": 13, "parked": 14, "failed": 1}
    assert reason.exit_code == wanted[reason]


def test_parking_lasts_until_it_is_over(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    append(folder, EventName.PARK, NOW, kind="five_hour", until=later(60), text="limit")
    park = read(folder).park
    assert park is not None
    assert park.until == later(60)
    append(folder, EventName.RUN_END, later(1), reason="parked", text="limit")
    assert read(folder).park == park
    append(folder, EventName.UNPARK, later(60), by="reset")
    assert read(folder).park is None


def test_a_budget_holds_until_there_is_another(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    write_a_life(folder)
    append(folder, EventName.BUDGET, later(50), usd=10, by="anna")
    journal = read(folder)
    assert (journal.budget_usd, journal.resolved) == (10, later(50))


def test_damaged_lines_are_skipped_and_counted_and_cost_nothing_else(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    write_a_life(folder)
    with folder.vault.journal.open("ab") as file:
        file.write(b'{"at": "2026-01-15T11:00:00Z", "event": "iter\n\xff\xfe\n[]\n{"event": "notice"}\n\n')
        file.write(b'{"at": "x", "event": "notice"}\n' + b"[" * 200_000 + b"\n")
    append(folder, EventName.ITERATION_END, later(60), phase="planning", cost_usd=1)
    journal = read(folder)
    assert journal.cost_usd == 2.5
    assert journal.damaged == 6
    assert journal.problems == ("The journal has 6 unreadable line(s): 8, 9, 10 and more; skipped.",)


@pytest.mark.parametrize("cost", ["NaN", "Infinity", "-1", '"1"', "true", "null", "1" * 400, "[]"])
def test_money_that_is_none_adds_nothing(tmp_path: Path, cost: str) -> None:
    folder = make_session(tmp_path)
    folder.journal.write_text(
        '{"at": "2026-01-15T11:00:00Z", "event": "iteration_end", "phase": "planning", "models": {"opus": COST},'
        ' "tokens": [], "cost_usd": COST}\n'.replace("COST", cost)
    )
    journal = read(folder)
    assert (journal.cost_usd, journal.iterations, journal.damaged) == (0, 1, 0)


def test_a_line_that_is_still_being_written_counts_once_it_is_whole(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    write_a_life(folder)
    reader = JournalReader(folder)
    line = b'{"at": "2026-01-15T12:00:00Z", "event": "iteration_end", "phase": "planning", "cost_usd": 2}'
    with folder.vault.journal.open("ab", buffering=0) as file:
        file.write(line[:50])
        assert (reader.read().cost_usd, reader.read().damaged) == (1.5, 0)
        file.write(line[50:])
        assert reader.read().cost_usd == 3.5
        file.write(b"\n" + line + b"\n")
    assert reader.read().cost_usd == 5.5
    assert reader.read().damaged == 0


def test_a_torn_line_is_damaged_once_the_next_one_follows(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    write_a_life(folder)
    reader = JournalReader(folder)
    with folder.vault.journal.open("ab") as file:
        file.write(b'{"at": "2026')
    reader.read()
    append(folder, EventName.ITERATION_END, later(60), phase="planning", cost_usd=1)
    assert (reader.read().cost_usd, reader.read().damaged) == (2.5, 1)


def test_reading_again_equals_reading_anew_wherever_the_file_was_cut(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    write_a_life(folder)
    content = folder.vault.journal.read_bytes()
    for cut in range(0, len(content), 7):
        folder.vault.journal.write_bytes(content[:cut])
        reader = JournalReader(folder)
        reader.read()
        with folder.vault.journal.open("ab") as file:
            file.write(content[cut:])
        assert reader.read() == read(folder)


def test_an_unchanged_journal_is_not_read_again(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    write_a_life(folder)
    reader = JournalReader(folder)
    assert reader.read() is reader.read()


def test_a_shortened_replaced_rewritten_or_removed_journal_is_read_anew(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    write_a_life(folder)
    reader = JournalReader(folder)
    content = folder.vault.journal.read_bytes()
    assert reader.read().iterations == 1
    os.truncate(folder.vault.journal, 0)
    assert reader.read().iterations == 0
    folder.vault.journal.write_bytes(content)
    assert reader.read().cost_usd == 1.5
    other = tmp_path / "other"
    other.write_bytes(content + content)
    other.replace(folder.vault.journal)
    assert reader.read().cost_usd == 3
    folder.vault.journal.write_bytes(b" " * len(content + content) + b"\n" + content)
    assert reader.read().cost_usd == 1.5
    folder.journal.unlink()
    folder.vault.journal.unlink()
    assert reader.read().started is None


def test_events_are_reported_one_by_one_with_their_time(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    assert list(events(folder)) == []
    append(folder, EventName.NOTICE, NOW, text="hello")
    assert list(events(folder)) == [{"at": NOW, "event": "notice", "text": "hello"}]


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
FIELDS = [
    "n",
    "phase",
    "cost_usd",
    "models",
    "tokens",
    "reason",
    "exit_code",
    "until",
    "budget_usd",
    "usd",
    "from",
]


@given(
    st.sampled_from(EventName),
    st.dictionaries(st.sampled_from([*FIELDS, "id", "kind", "run", "pid"]), json_values),
)
def test_no_event_of_any_shape_upsets_the_sums(name: EventName, fields: dict[str, object]) -> None:
    sums = JournalTotals()
    sums.add({**fields, "at": datetime.now(UTC), "event": name.value})
    assert sums.journal().cost_usd >= 0


@pytest.mark.parametrize("place", ["vault", "session"])
def test_a_pipe_in_the_journals_place_is_refused_and_keeps_nobody_waiting(tmp_path: Path, place: str) -> None:
    folder = make_session(tmp_path)
    folder.vault.prepare()
    os.mkfifo(folder.vault.journal if place == "vault" else folder.journal)
    with pytest.raises(StorageError, match="not a regular file"):
        read(folder)
    with pytest.raises(StorageError, match="not a regular file"):
        list(events(folder))


def test_the_last_reported_result_of_the_tests_is_kept(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    append(folder, EventName.SIGNAL, NOW, n=1, status="continue", tests={"passed": 10, "failed": 2})
    append(folder, EventName.SIGNAL, NOW, n=2, status="continue", tests={"passed": 12, "failed": 0})
    append(folder, EventName.SIGNAL, NOW, n=3, status="done")
    append(folder, EventName.SIGNAL, NOW, n=4, status="done", tests="many")
    assert read(folder).tests == SuiteResult(12, 0)


def test_events_stay_in_their_order_if_the_clock_is_set_back(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    for number, clock in enumerate([0, -86_400, -86_399, 5]):
        append(folder, EventName.NOTICE, NOW + timedelta(seconds=clock), text=str(number))
    notices = read(folder).notices
    assert [each.text for each in notices] == ["0", "1", "2", "3"]
    times = [each.at for each in notices]
    assert times == sorted(set(times))
    assert (times[0], times[3]) == (NOW, NOW + timedelta(seconds=5))
