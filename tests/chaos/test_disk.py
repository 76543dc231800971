"""Disks and files that are not as they should be: a sentence that says what to do, and the rest goes on."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from samobot.claude.outcome_kinds import OutcomeKind
from samobot.errors import SamobotError
from samobot.fleet.catalog import Catalog
from samobot.phases import Phase, WaitingFor
from samobot.sandbox.agent.scenario import Scenario
from samobot.sandbox.agent.steps import Questions, QuestionStep, RunStep, WaitFor
from samobot.session import gate
from samobot.session.gate import Person
from samobot.session.journal import RunEndReason
from tests.support.fake_iteration import Played, bench
from tests.support.scripted import ScriptedShop, go_on, scripted_shop, wait_for
from tests.support.session_folder import KEY, NOW, QUESTIONS, make_session
from tests.support.waiting import until

pytestmark = [pytest.mark.chaos, pytest.mark.xdist_group("chaos_disk")]

ASKS = (Questions(questions=[QuestionStep(text="Which one?")]), wait_for(WaitingFor.QA_ANSWERS))


def asking() -> Scenario:
    """An agent that looks around and asks one question."""
    return Scenario(phases={Phase.INVESTIGATION: [[go_on(Phase.REQUIREMENTS)]], Phase.REQUIREMENTS: [ASKS]})


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = (
        os.geteuid() == 0
        and not subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=16m,mode=0700", "none", str(folder)],
            capture_output=True,
            check=False,
        ).returncode
    )
    if not mounted:
        pytest.skip("no right to mount a small disk here: a full and a read-only disk are not tried")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=False)


def fill(file: Path) -> None:
    """Take all the room that there is."""
    with contextlib.suppress(OSError), file.open("ab", buffering=0) as filler:
        while True:
            filler.write(bytes(4096))


def on_disk(tmp_path: Path, disk: Path) -> ScriptedShop:
    """A workshop whose sessions are on the small disk."""
    shop = scripted_shop(tmp_path / "shop", asking())
    shop.config.write_text(f"MAIN_REPO=.\nWORKTREES=../worktrees\nSESSIONS={disk}\n")
    return shop


def test_full_disk_is_reported_and_the_session_continues_once_there_is_room(
    tmp_path: Path, disk: Path
) -> None:
    shop = on_disk(tmp_path, disk)
    (disk / "26-01-15-other").mkdir()
    (disk / "26-01-15-other" / "_overview.md").write_text("# other\n\n## Status\nPhase: done\nBlocked: no\n")
    filler = disk / "filler"
    fill(filler)
    ended = shop.run("greet", "--task", "Greet")
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    assert "full" in ended.stderr or "No space" in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1
    assert shop.quickly("status", "other").returncode == 0
    filler.unlink()
    assert shop.run("greet", "--task", "Greet").returncode == 10


def test_a_disk_that_became_read_only_is_said_and_everything_can_still_be_read(
    tmp_path: Path, disk: Path
) -> None:
    shop = on_disk(tmp_path, disk)
    assert shop.run("greet", "--task", "Greet").returncode == 10
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    answered = shop.quickly("answer", "greet", "Q1=this")
    assert answered.returncode == 1
    assert "Read-only" in answered.stderr or "read-only" in answered.stderr
    assert "Traceback" not in answered.stderr
    shown = shop.quickly("status", "greet", "--json")
    assert shown.returncode == 0
    assert '"waiting_for": "qa_answers"' in shown.stdout
    subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
    assert shop.quickly("answer", "greet", "Q1=this").returncode == 0


def test_a_session_folder_deleted_while_it_runs_ends_the_run_and_leaves_nothing(tmp_path: Path) -> None:
    wait = (
        RunStep(command="touch {session}/here"),
        WaitFor(path=str(tmp_path / "go")),
        go_on(Phase.REQUIREMENTS),
    )
    shop = scripted_shop(
        tmp_path / "shop", Scenario(phases={Phase.INVESTIGATION: [wait], Phase.REQUIREMENTS: [ASKS]})
    )
    running = shop.start("run", "--config", str(shop.config), "--session", "greet", "--task", "Greet")
    until(lambda: shop.sessions.exists() and any(shop.sessions.glob("*-greet/here")))
    shutil.rmtree(shop.session("greet"))
    (tmp_path / "go").touch()
    _, err = running.communicate(timeout=60)
    assert "Traceback" not in err
    assert shop.processes() == []
    shop.play(asking())
    assert shop.run("another", "--task", "Greet").returncode == 10


@pytest.mark.parametrize(
    ("does", "says"),
    [
        # The worker may write a file into what is being removed.
        (
            "until rm -rf {session}; do :; done; mkdir {session}; echo hello > {session}/note",
            "folder was deleted",
        ),
        ("mv {session} {session}-old", "folder was moved to"),
        ("mv {session} {session}-old; mkdir {session}; echo hello > {session}/note", "folder was moved to"),
    ],
)
def test_run_does_not_continue_in_a_second_folder_of_its_session(
    tmp_path: Path, does: str, says: str
) -> None:
    shop = scripted_shop(
        tmp_path,
        Scenario(phases={Phase.INVESTIGATION: [[RunStep(command=does), go_on(Phase.REQUIREMENTS)], ASKS]}),
    )
    ended = shop.run("greet", "--task", "Greet")
    assert ended.returncode == RunEndReason.BLOCKED.exit_code, ended.stdout + ended.stderr
    assert says in ended.stdout
    assert "then resume it" in ended.stdout
    assert len(shop.runs()) == 1
    status = shop.status("greet")
    assert status["state"] == "blocked"
    assert says in status["blocked"]
    here = Path(status["path"])
    (old,) = shop.sessions.glob("*-greet-old") if "mv" in does else [here]
    if old != here:
        shutil.rmtree(here)
        old.rename(here)
    shop.play(
        Scenario(phases={Phase.INVESTIGATION: [[go_on(Phase.REQUIREMENTS)]], Phase.REQUIREMENTS: [ASKS]})
    )
    assert shop.run("greet").returncode == RunEndReason.WAITING.exit_code


def test_an_agent_that_deletes_the_logs_each_time_does_not_outrun_its_budget(tmp_path: Path) -> None:
    wipes = (
        RunStep(command="rm -rf {session}/_logs && date +%N > {session}/note"),
        go_on(Phase.INVESTIGATION),
    )
    shop = scripted_shop(tmp_path, Scenario(cost_usd=0.1, phases={Phase.INVESTIGATION: [wipes]}))
    ended = shop.run("greet", "--task", "Greet", "--budget", "0.25")
    assert ended.returncode == RunEndReason.BUDGET.exit_code, ended.stderr
    status = shop.status("greet")
    assert status["cost_usd"] == pytest.approx(0.3)
    assert status["total_iterations"] == 3
    assert (
        "The journal was deleted during the iteration; it is back."
        in (shop.session("greet") / "_overview.md").read_text()
    )


def test_a_deleted_worktree_is_said_with_what_brings_it_back(tmp_path: Path) -> None:
    shop = scripted_shop(tmp_path, asking())
    assert shop.run("greet", "--task", "Greet").returncode == 10
    assert shop.quickly("answer", "greet", "Q1=this").returncode == 0
    shutil.rmtree(shop.worktrees / "greet")
    ended = shop.run("greet")
    assert ended.returncode in (0, 2, 10)
    assert "Traceback" not in ended.stderr
    if ended.returncode == 2:
        assert "git worktree add" in ended.stderr
        shop.git("worktree", "prune")
        shop.git("worktree", "add", "--quiet", str(shop.worktrees / "greet"), "greet")
        assert shop.run("greet").returncode == 10


def test_moved_project_is_reported_and_the_others_continue(tmp_path: Path) -> None:
    shop = scripted_shop(tmp_path / "one", asking())
    other = scripted_shop(tmp_path / "two", asking())
    for place, name in ((shop, "greet"), (other, "hello")):
        folder = place.sessions / f"26-01-15-{name}"
        folder.mkdir(parents=True)
        (folder / "_overview.md").write_text(f"# {name}\n\n## Status\nPhase: investigation\nBlocked: no\n")
    shop.repo.rename(tmp_path / "elsewhere")
    catalog = Catalog([shop.repo, other.repo])
    assert [view.ref.name for view in catalog.sessions()] == ["hello"]
    (moved,) = [view for view in catalog.folders.views() if view.problems]
    assert str(shop.repo) in moved.problems[0]


def test_ten_thousand_sessions_are_listed_and_a_damaged_one_hides_no_other(tmp_path: Path) -> None:
    (tmp_path / ".samocode").write_text("MAIN_REPO=.\nWORKTREES=w\nSESSIONS=s\n")
    long_ago = time.time() - 30 * 86_400
    for number in range(10_000):
        folder = tmp_path / "s" / f"26-01-15-s{number}"
        folder.mkdir(parents=True)
        (folder / "_overview.md").write_text(f"# {number}\n\n## Status\nPhase: done\nBlocked: no\n")
        if number >= 1_000:
            os.utime(folder, (long_ago, long_ago))
    (tmp_path / "s" / "26-01-15-s7" / "_overview.md").unlink()
    (tmp_path / "s" / "26-01-15-s7" / "_overview.md").mkdir()
    (tmp_path / "s" / "26-01-15-s8" / "_qa.md").write_bytes(b"\xff\xfe\x00" * 100)
    catalog = Catalog([tmp_path])
    first = list(catalog.sessions())
    assert len(first) == 1_000
    assert len(first) + len(catalog.past()) == 10_000
    assert any(view.problems for view in first if view.ref.name == "s7")
    second = {view.ref.key: view for view in catalog.sessions()}
    assert len(second) + len(catalog.past()) == 10_000
    assert sum(second[view.ref.key] is not view for view in first) <= 1


def test_a_session_that_is_a_link_out_of_the_folder_is_not_worked_on_and_the_others_are(
    tmp_path: Path,
) -> None:
    shop = scripted_shop(tmp_path / "shop", asking())
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "_overview.md").write_text("# secret\n\n## Status\nPhase: investigation\nBlocked: no\n")
    shop.sessions.mkdir()
    (shop.sessions / "26-01-15-out").symlink_to(secret)
    ended = shop.refused_run("out")
    assert "link" in ended.stderr
    assert sorted(path.name for path in secret.iterdir()) == ["_overview.md"]
    assert shop.run("greet", "--task", "Greet").returncode == 10


def test_an_answer_is_not_written_through_a_link_that_leads_out(tmp_path: Path) -> None:
    outside = tmp_path / "precious.md"
    outside.write_text(QUESTIONS)
    folder = make_session(tmp_path, phase="requirements", signal={"status": "waiting", "for": "qa_answers"})
    folder.qa.unlink(missing_ok=True)
    folder.qa.symlink_to(outside)
    with contextlib.suppress(SamobotError):  # to refuse is as good as to write beside it
        gate.answer(folder, {0: "mine"}, Person("ann", "terminal"), NOW, KEY)
    assert outside.read_text() == QUESTIONS


@pytest.mark.parametrize("jump", [timedelta(days=1), timedelta(days=-400)])
async def test_a_clock_that_jumps_keeps_no_session_waiting_for_ever(tmp_path: Path, jump: timedelta) -> None:
    session = make_session(tmp_path, phase="implementation")
    limit = Played(outcome=OutcomeKind.USAGE_LIMIT, resets_at=None)
    done = Played({"status": "blocked", "reason": "enough"})
    work = bench(session, limit, done)
    jumped: list[datetime] = []

    def leap(number: int) -> None:
        if number == 3:
            work.clock.now += jump
            jumped.append(work.clock.now)

    work.clock.at_nap = leap
    end = await work.worker.run()
    assert end.reason is RunEndReason.BLOCKED
    assert jumped
