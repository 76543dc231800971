"""Projects and sessions as they are found on disk, whatever state that is in."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from samobot.errors import NotFoundError, StorageError, UsageError
from samobot.fleet import catalog as catalog_module
from samobot.fleet import catalog_entry as entry_module
from samobot.fleet import project_folders as folders_module
from samobot.fleet.catalog import READS_AT_ONCE, Catalog
from samobot.fleet.catalog_entry import IDLE_AFTER_SECONDS, SWEEP_SECONDS
from samobot.fleet.models import PastSession, SessionRef, SessionView
from samobot.fleet.past_sessions import COVERED_TURN_SECONDS, TURN_SECONDS, PastSessions
from samobot.session.file_marks import stat_keys
from samobot.session.folder import SessionFolder
from samobot.session.lock import RunLock
from samobot.session.snapshot import SnapshotReader
from samobot.session.status import SessionState
from tests.support.session_folder import PLAN, QUESTIONS, make_session, write_plan

FILE = "MAIN_REPO=.\nWORKTREES=../worktrees\nSESSIONS=../sessions\n"


class Clock:
    """Monotonic seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def demo(tmp_path: Path) -> Path:
    return project(tmp_path / "demo")


@pytest.fixture
def sessions(demo: Path) -> Path:
    folder = demo.parent / "sessions"
    folder.mkdir()
    return folder


@pytest.fixture
def session(sessions: Path) -> SessionFolder:
    return make_session(sessions, qa=QUESTIONS)


def project(folder: Path, text: str = FILE) -> Path:
    folder.mkdir(parents=True)
    (folder / ".samocode").write_text(text)
    return folder


def age(folder: Path) -> None:
    """Let everything in a folder have rested for long."""
    then = datetime.now(UTC).timestamp() - IDLE_AFTER_SECONDS - 60
    for path in (*folder.rglob("*"), folder):
        os.utime(path, (then, then))


def names(views: list[SessionView]) -> list[str]:
    return [view.ref.key for view in views]


def test_a_session_in_which_nothing_has_changed_is_the_same_object(
    demo: Path, session: SessionFolder, clock: Clock
) -> None:
    age(session.path)
    catalog = Catalog([demo], clock)
    (first,) = catalog.sessions()
    for _ in range(3):
        clock.now += SWEEP_SECONDS
        assert catalog.sessions()[0] is first
    session.guidance.touch()  # changed on disk, and yet nothing to be seen
    assert catalog.sessions()[0] is first
    assert catalog.view(first.ref) is first


def test_idle_session_costs_one_stat_of_its_folder(
    demo: Path, session: SessionFolder, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    age(session.path)
    catalog = Catalog([demo], clock)
    before = catalog.sessions()
    looked: list[str] = []

    def marks(paths: Iterable[str]) -> tuple[tuple[int, int, int] | None, ...]:
        looked.extend(paths)
        return stat_keys(paths)

    with monkeypatch.context() as patch:
        patch.setattr(entry_module, "stat_keys", marks)
        assert catalog.sessions() == before
    assert looked == [str(session.path)]


@pytest.mark.parametrize("name", ["_overview.md", "_qa.md", "_signal.json", "01-15-10:30-plan-greeting.md"])
def test_change_by_hand_in_an_idle_session_is_found_within_a_rotation(
    demo: Path, session: SessionFolder, clock: Clock, name: str
) -> None:
    session.signal.write_text('{"status": "waiting", "for": "qa_answers"}')
    write_plan(session)
    age(session.path)
    catalog = Catalog([demo], clock)
    before = catalog.sessions()[0]
    changed = {
        "_overview.md": session.overview.read_text().replace("investigation", "planning"),
        "_qa.md": QUESTIONS.replace("How loud", "How quiet"),
        "_signal.json": '{"status": "blocked", "reason": "stuck"}',
        "01-15-10:30-plan-greeting.md": PLAN + "- [ ] once more\n",
    }
    (session.path / name).write_text(changed[name])  # in place: the folder's own time stays
    age_of_folder = session.path.stat().st_mtime
    assert age_of_folder < datetime.now(UTC).timestamp() - IDLE_AFTER_SECONDS
    clock.now += SWEEP_SECONDS
    assert catalog.sessions()[0] != before


def test_a_replaced_file_or_a_wanted_session_shows_at_once(
    demo: Path, session: SessionFolder, clock: Clock
) -> None:
    age(session.path)
    catalog = Catalog([demo], clock)
    before = catalog.sessions()[0]
    session.overview.write_text(session.overview.read_text().replace("investigation", "planning"))
    assert catalog.sessions()[0] is before
    (planning,) = catalog.sessions({before.ref.key})
    assert planning.phase == "planning"
    age(session.path)
    catalog.sessions()
    new = session.path / "new"
    new.write_text(session.overview.read_text().replace("planning", "testing"))
    new.replace(session.overview)
    assert catalog.sessions()[0].phase == "testing"


def test_a_session_that_somebody_is_about_to_change_is_looked_at_closely(
    demo: Path, session: SessionFolder, clock: Clock
) -> None:
    age(session.path)
    catalog = Catalog([demo], clock)
    before = catalog.sessions()[0]
    folder = catalog.folder(before.ref)
    folder.overview.write_text(session.overview.read_text().replace("investigation", "planning"))
    assert catalog.sessions()[0].phase == "planning"


def test_worker_that_takes_up_an_idle_session_and_ends_is_seen(
    demo: Path, session: SessionFolder, clock: Clock
) -> None:
    age(session.path)
    catalog = Catalog([demo], clock)
    catalog.sessions()
    with RunLock.acquire(session, datetime.now(UTC)):
        clock.now += SWEEP_SECONDS
        assert catalog.sessions()[0].state is SessionState.RUNNING
    assert catalog.sessions()[0].state is not SessionState.RUNNING


def test_what_the_agent_is_doing_shows_in_the_view(demo: Path, session: SessionFolder) -> None:
    catalog = Catalog([demo])
    with RunLock.acquire(session, datetime.now(UTC)) as lock:
        for doing in ("reads a.py", "edits b.py"):
            lock.set_activity(doing)
            (view,) = catalog.sessions()
            assert (view.state, view.activity) == (SessionState.RUNNING, doing)
    (view,) = catalog.sessions()
    assert view.activity is None


def test_of_very_many_sessions_each_is_still_seen_to_change(demo: Path, sessions: Path, clock: Clock) -> None:
    for number in range(3 * READS_AT_ONCE):
        (sessions / f"26-01-15-s{number:04}").mkdir()
    changing = SessionFolder(sessions / "26-01-15-s0050")
    age(sessions)
    catalog = Catalog([demo], clock)
    counts = [len(catalog.sessions())]
    while catalog.pending:
        counts.append(len(catalog.sessions()))
    assert counts == [READS_AT_ONCE, 2 * READS_AT_ONCE, 3 * READS_AT_ONCE]
    assert catalog.past() == []
    changing.overview.write_text("# s\n\n## Status\nPhase: testing\n")
    found = catalog.sessions()
    for _ in range(int(30 / 2)):
        clock.now += 2
        found = catalog.sessions()
    assert [view.phase for view in found if view.ref.folder == changing.path.name] == ["testing"]


def test_two_projects_in_folders_of_the_same_name_are_distinguished_whichever_can_be_read(
    tmp_path: Path,
) -> None:
    first, second, third = (project(tmp_path / where / "demo") for where in ("one", "two", "three"))
    for where in ("one", "two"):
        make_session(tmp_path / where / "sessions")
    broken = (first / ".samocode").read_text()
    (first / ".samocode").write_text("nonsense")
    catalog = Catalog([first, second / ".samocode", second, third])
    assert names(catalog.sessions()) == ["two-demo:26-01-15-greet"]
    (first / ".samocode").write_text(broken)
    assert names(catalog.sessions()) == ["demo:26-01-15-greet", "two-demo:26-01-15-greet"]
    assert [view.name for view in catalog.folders.views()] == ["demo", "two-demo", "three-demo"]
    found = catalog.folders.find("greet")
    assert [ref.project for ref in found] == ["demo", "two-demo"]
    assert catalog.folders.find("Two-Demo:greet") == [found[1]]
    assert catalog.folder(found[1]).path == tmp_path / "two/sessions/26-01-15-greet"


def test_project_file_that_breaks_keeps_its_sessions_and_reports_it(
    demo: Path, session: SessionFolder
) -> None:
    catalog = Catalog([demo])
    before = catalog.sessions()
    (demo / ".samocode").write_text("MAIN_REPO=.\n")
    assert catalog.sessions() == before
    (view,) = catalog.folders.views()
    assert "lacks WORKTREES and SESSIONS" in view.problems[0]
    (demo / ".samocode").write_text(FILE)
    assert catalog.sessions() == before
    assert catalog.folders.views()[0].problems == ()


def test_a_project_that_was_not_there_at_first_is_found_when_it_comes(tmp_path: Path) -> None:
    catalog = Catalog([tmp_path / "demo"])
    assert catalog.sessions() == []
    (view,) = catalog.folders.views()
    assert view.name == "demo"
    assert "There is no" in view.problems[0]
    project(tmp_path / "demo", FILE.replace("MAIN_REPO=.", "MAIN_REPO=../repo"))
    make_session(tmp_path / "sessions")
    assert "not a folder" in catalog.folders.views()[0].problems[0]
    (tmp_path / "repo").mkdir()
    assert names(catalog.sessions()) == ["demo:26-01-15-greet"]
    assert catalog.folders.views()[0].problems == ()


def test_moved_project_is_gone_without_a_report_about_its_runs(demo: Path, session: SessionFolder) -> None:
    catalog = Catalog([demo])
    (view,) = catalog.sessions()
    demo.rename(demo.with_name("elsewhere"))
    assert catalog.sessions() == []
    assert not catalog.folders.gone(view.ref.key)
    with pytest.raises(NotFoundError, match="no project"):
        catalog.view(view.ref)
    demo.with_name("elsewhere").rename(demo)
    assert names(catalog.sessions()) == names([view])


def test_sessions_that_are_not_mounted_are_missed_and_not_given_up(
    demo: Path, session: SessionFolder, sessions: Path
) -> None:
    catalog = Catalog([demo])
    (view,) = catalog.sessions()
    sessions.rename(sessions.with_name("away"))
    assert catalog.sessions() == []
    assert "is gone" in catalog.folders.views()[0].problems[0]
    assert not catalog.folders.gone(view.ref.key)
    sessions.with_name("away").rename(sessions)
    assert len(catalog.sessions()) == 1
    assert catalog.folders.views()[0].problems == ()


def test_a_deleted_or_renamed_session_is_gone_at_once(
    demo: Path, session: SessionFolder, sessions: Path
) -> None:
    catalog = Catalog([demo])
    (view,) = catalog.sessions()
    session.path.rename(sessions / "26-01-16-greet")
    assert names(catalog.sessions()) == ["demo:26-01-16-greet"]
    assert catalog.folders.gone(view.ref.key)
    with pytest.raises(NotFoundError, match="is gone"):
        catalog.view(view.ref)
    shutil.rmtree(sessions / "26-01-16-greet")
    assert catalog.sessions() == []


def test_an_undated_session_is_found_within_a_rotation(demo: Path, sessions: Path, clock: Clock) -> None:
    (sessions / "mine").mkdir()
    catalog = Catalog([demo], clock)
    catalog.sessions()
    (sessions / "mine" / "_overview.md").write_text("# mine\n\n## Status\nPhase: testing\n")
    clock.now += SWEEP_SECONDS
    assert names(catalog.sessions()) == ["demo:mine"]


def test_one_session_that_cannot_be_read_never_hides_the_others(
    demo: Path, session: SessionFolder, sessions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (sessions / "26-01-15-bad").mkdir()
    real = SnapshotReader.read

    def read(self: SnapshotReader) -> object:
        if self._folder.name == "bad":
            raise RecursionError("too deep")
        return real(self)

    monkeypatch.setattr(SnapshotReader, "read", read)
    catalog = Catalog([demo])
    bad, good = catalog.sessions()
    assert good.problems == ()
    assert "too deep" in bad.problems[0]
    assert catalog.seen.keys() == {"demo:26-01-15-greet"}  # nothing is concluded about the other
    assert catalog.sessions()[0] == bad


def test_folders_that_cannot_be_listed_are_said_and_those_that_are_known_stay(
    demo: Path, session: SessionFolder, sessions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog = Catalog([demo])
    before = catalog.sessions()

    def refuse(folder: Path) -> list[str]:
        raise StorageError(f"The sessions folder {folder} cannot be read: Input/output error.")

    with monkeypatch.context() as patch:
        patch.setattr(folders_module, "list_names", refuse)
        (sessions / "26-01-16-new").mkdir()
        assert names(catalog.sessions()) == names(before)
        assert "cannot be read" in catalog.folders.views()[0].problems[0]
        assert not catalog.folders.gone("demo:26-01-15-gone")
    assert len(catalog.sessions()) == 2


@pytest.mark.parametrize(
    "what", ["_overview.md", "_qa.md", "_signal.json", "_logs/journal.jsonl", "_logs/run.lock"]
)
@pytest.mark.parametrize("kind", ["folder", "pipe", "loop"])
def test_nonsense_in_the_place_of_a_file_is_said_and_does_not_hang(
    demo: Path, session: SessionFolder, what: str, kind: str
) -> None:
    path = session.path / what
    path.unlink(missing_ok=True)
    match kind:
        case "folder":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case _:
            path.symlink_to(path.name)
    make = Catalog([demo])
    assert len(make.sessions()) == 1
    assert len(make.sessions()) == 1


def test_folders_with_hostile_names_are_listed_and_addressed(
    demo: Path, sessions: Path, tmp_path: Path
) -> None:
    odd = [
        b"26-01-15-\xff\xfe",
        b"26-01-15-a\nb",
        b"26-01-15-" + b"x" * 200,
        b"26-01-15-<b>&",
        "26-01-15-ж".encode(),
    ]
    for raw in odd:
        os.mkdir(os.path.join(os.fsencode(sessions), raw))
    (tmp_path / "secret").mkdir()
    (sessions / "26-01-15-out").symlink_to(tmp_path / "secret")
    catalog = Catalog([demo])
    views = catalog.sessions()
    assert len(views) == len(odd)
    for view in views:
        assert catalog.folder(view.ref).path.parent == sessions
        assert view.ref.key.encode()
    for name in ("26-01-15-out", "..", ".", "", "../demo", "_archive"):
        with pytest.raises(NotFoundError):
            catalog.folder(SessionRef(project="demo", folder=name, name=name))


def test_a_session_that_became_a_link_elsewhere_is_refused(
    demo: Path, session: SessionFolder, tmp_path: Path
) -> None:
    catalog = Catalog([demo])
    (view,) = catalog.sessions()
    session.path.rename(tmp_path / "moved")
    session.path.symlink_to(tmp_path / "moved")
    with pytest.raises((NotFoundError, UsageError)):
        catalog.folder(view.ref)


def test_a_nested_folder_is_listed_and_refused_when_it_is_to_be_used(
    demo: Path, session: SessionFolder
) -> None:
    (session.path / "_samocode").mkdir()
    catalog = Catalog([demo])
    (view,) = catalog.sessions()
    assert "nested" in view.problems[0]
    with pytest.raises(UsageError, match="nested"):
        catalog.folder(view.ref)


def test_a_near_miss_finds_the_name_that_was_meant(demo: Path, session: SessionFolder) -> None:
    catalog = Catalog([demo])
    assert catalog.folders.nearest("gret") == "greet"
    assert catalog.folders.nearest("demo:gret") == "greet"
    assert catalog.folders.find("gret") == []
    assert catalog.folders.find("no/such:\0name") == []


# Where events tell of changes -------------------------------------------------------------------------------------


def _edit_in_place(session: SessionFolder) -> None:
    """Change the overview as some editors do: the folder's own time stays."""
    with session.overview.open("r+") as stream:
        text = stream.read().replace("Blocked: no", "Blocked: yes - the key is missing")
        stream.seek(0)
        stream.write(text)


def test_an_idle_session_is_not_looked_at_while_its_folder_is_covered(
    demo: Path, session: SessionFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    age(session.path)
    catalog = Catalog([demo], lambda: 100.0)
    catalog.cover([session.path.parent])
    before = catalog.sessions()
    looked: list[str] = []
    with monkeypatch.context() as patch:
        patch.setattr(entry_module, "stat_keys", looked.extend)
        assert catalog.sessions() is before
    assert looked == []


def test_a_touched_session_is_looked_at_with_the_next_call(demo: Path, session: SessionFolder) -> None:
    age(session.path)
    catalog = Catalog([demo], lambda: 100.0)
    catalog.cover([session.path.parent])
    catalog.sessions()
    _edit_in_place(session)
    catalog.touch(session.path)
    (view,) = catalog.sessions()
    assert view.state is SessionState.BLOCKED


def test_the_sweep_finds_a_change_that_no_event_was_sent_for(demo: Path, session: SessionFolder) -> None:
    age(session.path)
    now = 100.0
    catalog = Catalog([demo], lambda: now)
    catalog.cover([session.path.parent])
    catalog.sessions()
    _edit_in_place(session)
    assert catalog.sessions()[0].state is not SessionState.BLOCKED
    now += catalog_module.COVERED_SWEEP_SECONDS
    assert catalog.sessions()[0].state is SessionState.BLOCKED


def test_what_changed_while_nobody_watched_is_found_when_events_stop_and_come_again(
    demo: Path, session: SessionFolder
) -> None:
    age(session.path)
    catalog = Catalog([demo], lambda: 100.0)
    catalog.cover([session.path.parent])
    catalog.sessions()
    catalog.cover(())
    catalog.sessions()
    _edit_in_place(session)
    catalog.cover([session.path.parent])
    assert catalog.sessions()[0].state is SessionState.BLOCKED


def test_a_new_session_in_a_covered_folder_is_seen_with_the_next_call(
    demo: Path, session: SessionFolder
) -> None:
    age(session.path)
    catalog = Catalog([demo], lambda: 100.0)
    catalog.cover([session.path.parent])
    assert len(catalog.sessions()) == 1
    fresh = session.path.with_name("26-01-31-fresh")
    fresh.mkdir()
    (fresh / "_overview.md").write_text(session.overview.read_text())
    assert len(catalog.sessions()) == 2


# Past sessions -----------------------------------------------------------------------------------------------------


def _past(demo: Path, clock: Clock) -> list[PastSession]:
    catalog = Catalog([demo], clock)
    marked = catalog.mark_past([view.ref.key for view in catalog.sessions()])
    assert (catalog.sessions(), catalog.past()) == ([], marked)
    return marked


def _reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the sessions that are read from now on."""
    read: list[str] = []
    real = SnapshotReader.read

    def note(self: SnapshotReader) -> object:
        read.append(self._folder.name)
        return real(self)

    monkeypatch.setattr(SnapshotReader, "read", note)
    return read


def test_a_past_session_is_not_read_again_at_a_start(
    demo: Path, session: SessionFolder, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    age(session.path)
    marked = _past(demo, clock)
    read = _reads(monkeypatch)
    catalog = Catalog([demo], clock, marked)
    assert (catalog.sessions(), catalog.past()) == ([], marked)
    assert not catalog.pending
    assert read == []


def test_a_past_session_that_changed_while_nobody_looked_is_read_at_a_start(
    demo: Path, session: SessionFolder, clock: Clock
) -> None:
    age(session.path)
    marked = _past(demo, clock)
    _edit_in_place(session)
    (view,) = Catalog([demo], clock, marked).sessions()
    assert view.state is SessionState.BLOCKED


@pytest.mark.parametrize("covered", [True, False])
def test_a_change_in_a_past_session_is_found_without_an_event(
    demo: Path, session: SessionFolder, clock: Clock, covered: bool
) -> None:
    age(session.path)
    catalog = Catalog([demo], clock)
    catalog.cover([session.path.parent] if covered else [])
    catalog.mark_past([view.ref.key for view in catalog.sessions()])
    assert catalog.sessions() == []
    _edit_in_place(session)
    clock.now += COVERED_TURN_SECONDS if covered else TURN_SECONDS
    (view,) = catalog.sessions()
    assert view.state is SessionState.BLOCKED


def test_past_sessions_take_turns_and_each_is_checked_once_a_turn() -> None:
    sessions = PastSessions()
    keys = [f"demo:{number}" for number in range(7)]
    for key in keys:
        sessions.put(PastSession(key, None, SessionState.DONE, 1))
    step = COVERED_TURN_SECONDS / len(keys)
    due = [key for turn in range(2 * len(keys) + 1) for key in sessions.due(step * turn, covered=True)]
    assert due == keys * 2


@pytest.mark.parametrize("how", ["touched", "wanted", "about to be changed"])
def test_a_past_session_is_read_at_once_where_something_happens_to_it(
    demo: Path, session: SessionFolder, clock: Clock, how: str
) -> None:
    age(session.path)
    catalog = Catalog([demo], clock)
    catalog.cover([session.path.parent])
    (line,) = catalog.mark_past([view.ref.key for view in catalog.sessions()])
    assert catalog.sessions() == []
    if how == "touched":
        catalog.touch(session.path)
    elif how == "about to be changed":
        catalog.folder(line.ref)
    (view,) = catalog.sessions([line.key] if how == "wanted" else [])
    assert (view.ref, catalog.past()) == (line.ref, [])


def test_only_an_idle_session_that_needs_nobody_becomes_past(
    demo: Path, session: SessionFolder, sessions: Path, clock: Clock
) -> None:
    age(session.path)
    others = {}
    for name in ("blocked", "held", "fresh"):
        others[name] = SessionFolder(sessions / f"26-01-15-{name}")
        shutil.copytree(session.path, others[name].path)
    _edit_in_place(others["blocked"])
    age(others["blocked"].path)
    (others["fresh"].path / "note.md").touch()
    catalog = Catalog([demo], clock)
    with RunLock.acquire(others["held"], datetime.now(UTC)):
        views = catalog.sessions()
        assert len(views) == 4
        marked = catalog.mark_past([view.ref.key for view in views])
        assert [each.name for each in marked] == ["greet"]
        assert {view.ref.name for view in catalog.sessions()} == others.keys()


def test_past_session_that_is_deleted_is_no_longer_listed(
    demo: Path, session: SessionFolder, clock: Clock
) -> None:
    age(session.path)
    catalog = Catalog([demo], clock)
    (line,) = catalog.mark_past([view.ref.key for view in catalog.sessions()])
    shutil.rmtree(session.path)
    assert (catalog.sessions(), catalog.past()) == ([], [])
    with pytest.raises(NotFoundError, match="is gone"):
        catalog.view(line.ref)
