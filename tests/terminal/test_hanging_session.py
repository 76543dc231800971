"""The list of sessions at the terminal does not wait for one whose files do not answer."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from click.testing import CliRunner

from samobot.session import snapshot as snapshot_module
from samobot.session.folder import SessionFolder
from samobot.session.snapshot import Snapshot, snapshot
from samobot.terminal import status_command
from tests.support.session_folder import make_session


def test_the_others_are_listed_and_that_one_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "demo").mkdir()
    file = tmp_path / "demo" / ".samocode"
    file.write_text("MAIN_REPO=.\nWORKTREES=../worktrees\nSESSIONS=../sessions\n")
    bad = make_session(tmp_path / "sessions")
    good = SessionFolder(bad.path.with_name("26-01-16-good"))
    good.prepare()
    good.overview.write_text(bad.overview.read_text())
    repaired = threading.Event()

    def read(folder: SessionFolder, project: str) -> Snapshot:
        if folder == bad:
            assert repaired.wait(60)
        return snapshot(folder, project)

    monkeypatch.setattr(snapshot_module, "snapshot", read)
    monkeypatch.setenv("SAMOBOT_STATE_DIR", str(tmp_path / "state"))
    result = CliRunner().invoke(status_command.sessions_command, ["--config", str(file)])
    repaired.set()
    assert result.exit_code == 0
    assert "good" in result.stdout
    assert "demo:26-01-15-greet: Its files do not answer" in result.stderr
