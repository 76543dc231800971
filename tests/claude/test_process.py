"""Running the CLI: whatever it does, it gets an honest end and leaves nothing behind."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from samobot.claude.reaper import SESSION_VARIABLE, end_session_processes, session_processes
from tests.claude.bench import FAKE, Bench, wait_for_end

pytestmark = pytest.mark.slow


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    end_session_processes(tmp_path)
    for process in bench.left():
        process.kill()


def test_good_run_ends_and_reports_its_cost(bench: Bench) -> None:
    report = bench.run("good")
    assert report["kind"] == "completed"
    assert report["records"] == ["Init", "Result"]
    assert report["cost"] == 0.25
    assert report["end"]["returncode"] == 0
    assert report["end"]["stopped_by"] is None
    assert report["end"]["leftover"] == 0


def test_the_cli_gets_its_prompt_its_folder_its_environment_and_nothing_else(bench: Bench) -> None:
    report = bench.run("echo", stdin="Überlege.\n" * 50_000)
    seen = json.loads((bench.folder / "001.jsonl").read_text().splitlines()[-1])["result"]
    told = json.loads(seen)
    assert report["kind"] == "completed"
    assert told["stdin"] == "Überlege.\n" * 50_000
    assert told["cwd"] == str(bench.folder)
    assert set(told["env"]) - {"LC_CTYPE", "PWD"} == {"PATH", SESSION_VARIABLE}


def test_a_worker_that_ignores_interrupts_does_not_hand_that_on(bench: Bench) -> None:
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        worker = bench.start(bench.job("echo"))
    finally:
        signal.signal(signal.SIGINT, handler)
    out, errors = worker.communicate(timeout=60)
    assert out, errors
    assert json.loads(json.loads(out)["result"])["default"] is True


def test_the_log_is_private_and_is_appended_to(bench: Bench) -> None:
    log = bench.folder / "001.jsonl"
    bench.run("good")
    first = log.read_text()
    bench.run("good")
    assert log.read_text() == first * 2
    assert log.stat().st_mode & 0o077 == 0
    assert not (bench.folder / "001.stderr").exists()


@pytest.mark.parametrize("stop_at", ["tool", "kill", "cancel", "raise"])
def test_however_it_is_ended_at_work_nothing_is_left(bench: Bench, stop_at: str) -> None:
    worker = bench.start(bench.job("children", stop_at=stop_at))
    worker.communicate(timeout=60)
    assert bench.left() == []
    assert session_processes(bench.folder) == []


def test_a_stop_interrupts_first_so_that_the_cost_is_known(bench: Bench) -> None:
    report = bench.run("children", stop_at="tool")
    assert report["kind"] == "interrupted"
    assert report["end"]["stopped_by"] == "person"
    assert report["end"]["returncode"] == 1
    # Five were started; the one in the group of the CLI was interrupted with it, and may be gone by then.
    assert report["end"]["leftover"] in {4, 5}
    assert report["cost"] == 0.25


def test_a_stop_that_came_before_the_start_ends_it_too(bench: Bench) -> None:
    report = bench.run("children", stop_at="start")
    assert report["kind"] == "interrupted"
    assert bench.left() == []


def test_sigterm_to_the_worker_can_stop_it(bench: Bench) -> None:
    worker = bench.start(bench.job("children", stop_at="term"))
    assert worker.stdout is not None
    assert int(worker.stdout.readline()) > 0
    worker.terminate()
    out, _ = worker.communicate(timeout=60)
    assert json.loads(out)["kind"] == "interrupted"
    assert bench.left() == []


def test_a_cli_that_ignores_signals_is_killed(bench: Bench) -> None:
    report = bench.run("stubborn", stop_at="tool")
    assert report["end"]["returncode"] == -signal.SIGKILL
    assert report["kind"] == "interrupted"
    assert bench.left() == []


def test_what_outlives_a_normal_end_is_swept(bench: Bench) -> None:
    report = bench.run("good_with_children")
    assert report["kind"] == "completed"
    assert report["end"]["leftover"] == 5
    assert report["end"]["survivors"] == []
    assert bench.left() == []


def test_a_process_that_forks_all_the_time_does_not_escape_the_sweep(bench: Bench) -> None:
    report = bench.run("forker")
    assert report["kind"] == "completed"
    assert report["end"]["survivors"] == []
    assert bench.left() == []


def test_a_cli_killed_from_outside_has_crashed(bench: Bench) -> None:
    report = bench.run("children", stop_at="kill")
    assert report["kind"] == "crashed"
    assert "SIGKILL" in report["text"]


def test_killed_worker_takes_the_cli_along_and_the_next_one_finds_the_others(bench: Bench) -> None:
    worker = bench.start(bench.job("children", stop_at="die"))
    worker.communicate(timeout=60)
    for process in bench.left():
        if str(FAKE) in process.cmdline():
            wait_for_end(process.pid)
    assert not [process for process in bench.left() if str(FAKE) in process.cmdline()]
    assert {pid for pid, _ in session_processes(bench.folder)} == {process.pid for process in bench.left()}
    swept = end_session_processes(bench.folder)
    assert swept.ended == 5
    assert swept.survivors == ()
    assert bench.left() == []


@pytest.mark.parametrize(
    ("scenario", "clocks", "stopped_by", "kind"),
    [
        ("hang_start", {"first_event": 0.5}, "first_event", "hung_start"),
        ("silent", {"silence": 0.5}, "silence", "hung_silent"),
        ("hang_exit", {"exit_after_result": 0.5}, "exit", "completed"),
        ("silent", {"total": 2.0}, "timeout", "timeout"),
        ("long_tool", {"silence": 0.2, "total": 2.0}, "timeout", "timeout"),
    ],
)
def test_each_clock_ends_what_it_watches(
    bench: Bench, scenario: str, clocks: dict[str, float], stopped_by: str, kind: str
) -> None:
    report = bench.run(scenario, clocks=clocks)
    assert report["end"]["stopped_by"] == stopped_by
    assert report["kind"] == kind
    assert bench.left() == []


def test_a_hang_after_the_result_is_noted(bench: Bench) -> None:
    report = bench.run("hang_exit", clocks={"exit_after_result": 0.3})
    assert "did not exit after its result" in report["note"]


@pytest.mark.parametrize(
    ("scenario", "kind"),
    [("die", "crashed"), ("no_newline", "completed"), ("calm", "no_result"), ("usage", "start_failed")],
)
def test_each_abrupt_end_has_its_name(bench: Bench, scenario: str, kind: str) -> None:
    assert bench.run(scenario)["kind"] == kind


def test_refused_argument_is_reported_with_the_clis_message(bench: Bench) -> None:
    assert bench.run("usage")["text"] == "Claude could not be started: error: unknown option '--nope'."


def test_garbage_on_stdout_is_counted_and_passed_over(bench: Bench) -> None:
    report = bench.run("garbage")
    assert report["kind"] == "completed"
    assert report["end"]["garbage"] == 4


def test_of_a_long_stderr_the_end_is_kept(bench: Bench) -> None:
    report = bench.run("chatty_stderr")
    kept = (bench.folder / "001.stderr").read_text()
    assert len(kept) <= 16 * 1024
    assert kept.splitlines()[-1].startswith("line 1999")
    assert report["end"]["stderr"] == kept
    assert "exit code 3" in report["text"]


def test_a_missing_program_is_a_failed_start(bench: Bench) -> None:
    report = bench.run("good", argv=["/nonexistent/claude"])
    assert report["kind"] == "start_failed"
    assert "/nonexistent/claude: No such file or directory" in report["text"]


def test_a_missing_working_folder_is_a_failed_start(bench: Bench) -> None:
    report = bench.run("good", cwd=str(bench.folder / "gone"))
    assert report["kind"] == "start_failed"
    assert "gone" in report["text"]


def test_a_log_of_200_mb_is_not_held_in_memory(bench: Bench) -> None:
    report = bench.run("big")
    assert report["kind"] == "completed"
    assert len(report["result"]) > 60_000
    assert (bench.folder / "001.jsonl").stat().st_size > 200_000_000
    assert report["rss_kb"] < 120 * 1024
