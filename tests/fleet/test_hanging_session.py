"""A session whose files do not answer never slows the others."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from samobot.errors import StorageError
from samobot.fleet import catalog as catalog_module
from samobot.fleet import project_folders as folders_module
from samobot.fleet.catalog import Catalog
from samobot.fleet.models import SessionView
from samobot.session import folder as folder_module
from samobot.session.folder import SessionFolder
from samobot.session.snapshot import Snapshot, SnapshotReader
from samobot.session.status import SILENT
from tests.support.session_folder import make_session

FILE = "MAIN_REPO=.\nWORKTREES=../worktrees\nSESSIONS=../sessions\n"


class Disk:
    """Lets reads of some folders hang until it is repaired."""

    def __init__(self) -> None:
        self.hangs: set[str] = set()
        self.hanging = threading.Event()
        self._repaired = threading.Event()

    def wait(self, path: Path) -> None:
        if path.name in self.hangs:
            self.hanging.set()
            assert self._repaired.wait(60)

    def repair(self) -> None:
        self.hangs.clear()
        self._repaired.set()


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    made = Disk()
    read = SnapshotReader.read

    def slow_read(self: SnapshotReader) -> Snapshot:
        made.wait(self._folder.path)
        return read(self)

    monkeypatch.setattr(SnapshotReader, "read", slow_read)
    for module in (catalog_module, folders_module):
        monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.5)
    monkeypatch.setattr(catalog_module, "UNREADABLE_SECONDS", 0.0)
    yield made
    made.repair()


@pytest.fixture
def demo(tmp_path: Path) -> Path:
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / ".samocode").write_text(FILE)
    return tmp_path / "demo"


@pytest.fixture
def bad(tmp_path: Path) -> SessionFolder:
    return make_session(tmp_path / "sessions")


@pytest.fixture
def good(bad: SessionFolder) -> SessionFolder:
    made = SessionFolder(bad.path.with_name("26-01-16-good"))
    made.prepare()
    made.overview.write_text(bad.overview.read_text())
    return made


def until(condition: Callable[[], bool]) -> None:
    """Wait for another thread, however slow the machine is."""
    for _ in range(6000):
        if condition():
            return
        threading.Event().wait(0.01)
    raise AssertionError("it did not happen")


def problems(views: list[SessionView], name: str) -> tuple[str, ...] | None:
    return next((view.problems for view in views if view.ref.name == name), None)


def test_one_that_hangs_is_shown_as_unreadable_and_the_others_answer(
    disk: Disk, demo: Path, bad: SessionFolder, good: SessionFolder
) -> None:
    disk.hangs.add(bad.path.name)
    catalog = Catalog([demo])
    until(
        lambda: [problems(views := catalog.sessions(), "good"), problems(views, "greet")] == [(), (SILENT,)]
    )
    assert "demo:26-01-16-good" in catalog.seen
    assert "demo:26-01-15-greet" not in catalog.seen
    assert not catalog.folders.gone("demo:26-01-15-greet")
    disk.repair()
    until(lambda: problems(catalog.sessions(), "greet") == ())


def test_one_that_was_read_before_is_not_forgotten_while_it_hangs(
    disk: Disk, demo: Path, bad: SessionFolder, good: SessionFolder
) -> None:
    catalog = Catalog([demo])
    until(lambda: problems(catalog.sessions(), "greet") == ())
    disk.hangs.add(bad.path.name)
    bad.signal.write_text('{"status": "blocked", "reason": "stuck"}')
    until(lambda: problems(catalog.sessions(), "greet") == (SILENT,))
    disk.repair()
    until(lambda: [view.reason for view in catalog.sessions() if view.ref.name == "greet"] == ["stuck"])


def test_what_is_asked_about_one_that_hangs_is_refused_in_a_sentence(
    disk: Disk, demo: Path, bad: SessionFolder, good: SessionFolder
) -> None:
    disk.hangs.add(bad.path.name)
    catalog = Catalog([demo])
    until(lambda: problems(catalog.sessions(), "good") == () and disk.hanging.is_set())
    (ref,) = catalog.folders.find("greet")
    until(lambda: catalog.view(ref).problems == (SILENT,))
    with pytest.raises(StorageError, match="do not answer"):
        catalog.folder(ref)
    (other,) = catalog.folders.find("good")
    assert catalog.folder(other) == good


def test_a_folder_of_sessions_that_hangs_does_not_keep_those_of_other_projects(
    disk: Disk, demo: Path, good: SessionFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / ".samocode").write_text(FILE.replace("../sessions", "../other-sessions"))
    (tmp_path / "other-sessions").mkdir()
    disk.hangs.add("other-sessions")
    listed = folder_module.list_names

    def slow_list(folder: Path) -> list[str]:
        disk.wait(folder)
        return listed(folder)

    monkeypatch.setattr(folders_module, "list_names", slow_list)
    catalog = Catalog([other, demo])
    until(lambda: problems(catalog.sessions(), "good") == ())
    until(
        lambda: ["does not answer" in str(view.problems) for view in catalog.folders.views()] == [True, False]
    )
    disk.repair()
    until(lambda: all(not view.problems for view in catalog.folders.views()))
