"""Promises of the picture: the same run gives the same bytes, on a phone's size, whatever is in the journal."""

from __future__ import annotations

import struct
import subprocess
import sys
import warnings
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner

from samobot.chart.draw import HEIGHT, WIDTH, Theme, draw
from samobot.errors import NotFoundError, StorageError, UsageError
from samobot.session.folder import SessionFolder
from samobot.session.journal import EventName, append
from samobot.terminal.chart_command import chart_command
from tests.support.run_journal import RunJournal

# Each of several workers would import matplotlib.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("chart")]

ZERO = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def everything() -> RunJournal:
    """A run with each kind of event that leaves a mark."""
    run = RunJournal(ZERO)
    run.start("investigation")
    run.iterate("investigation", seconds=60)
    run.move("investigation", "requirements")
    run.iterate("requirements", seconds=90)
    run.wait_for_person(minutes=600)
    run.iterate("requirements", seconds=90)
    run.move("requirements", "planning")
    run.log("park", kind="five_hour", until=None, text="limit")
    run.pass_time(hours=3)
    run.log("unpark", by="reset")
    for _ in range(300):
        run.iterate("planning", seconds=40)
        run.log("retry", n=1, attempt=1, delay_s=5, outcome="network", text="gone")
    run.end("blocked")
    run.pass_time(hours=9)
    run.start("a phase nobody knows")
    run.iterate("a phase nobody knows", seconds=90)
    run.end("stopped")
    run.pass_time(hours=9)
    run.iterate("done", seconds=90)
    run.end("done")
    return run


def size(picture: bytes) -> tuple[int, int]:
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", picture[16:24])
    return width, height


@pytest.mark.parametrize("theme", list(Theme))
def test_a_run_is_drawn_for_a_phone_and_always_the_same(everything: RunJournal, theme: Theme) -> None:
    picture = draw(everything.events, "greet", theme, zone=BERLIN)
    assert size(picture) == (WIDTH, HEIGHT) == (1080, 800)
    assert draw(everything.events, "greet", theme, zone=BERLIN) == picture
    assert b"matplotlib" not in picture


def test_the_themes_and_the_titles_differ(everything: RunJournal) -> None:
    pictures = {draw(everything.events, title, theme) for title in ("a", "b") for theme in Theme}
    assert len(pictures) == 4


def test_rounds_are_marked(everything: RunJournal) -> None:
    before = draw(everything.events, "greet")
    for number in range(2, 40):
        everything.log("phase", **{"from": "done", "to": "planning", "by": "person", "round": number})
        everything.pass_time(seconds=1)
    everything.log("notice", text="later")
    plain = [{**each, "round": None} for each in everything.events]
    assert size(draw(everything.events, "greet")) == (WIDTH, HEIGHT)
    assert draw(everything.events, "greet") != draw(plain, "greet")
    assert draw(everything.events, "greet") != before


def test_no_title_breaks_the_picture_or_lacks_a_glyph(everything: RunJournal) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for title in ("💸 $x_{1}$ \\frac{", "", "\n\x00\ud83d", "w" * 500, "会話 🎉", "עברית"):
            assert size(draw(everything.events, title)) == (WIDTH, HEIGHT)
        assert draw(everything.events, "🎉 greet") == draw(everything.events, "greet")


def test_wait_that_continues_grows_with_the_present() -> None:
    run = RunJournal(ZERO)
    run.start("planning")
    run.iterate("planning", seconds=60)
    run.wait_for_person(minutes=0)
    soon, later = (draw(run.events, "greet", now=run.now + timedelta(minutes=minutes)) for minutes in (1, 2))
    assert soon != later


def test_a_run_of_an_instant_or_of_ten_thousand_years_is_drawn() -> None:
    run = RunJournal(datetime(1, 1, 1, tzinfo=UTC))
    run.start("planning")
    run.iterate("planning", seconds=0.001)
    assert size(draw(run.events, "instant")) == (WIDTH, HEIGHT)
    run.now = datetime(9999, 12, 31, tzinfo=UTC)
    run.iterate("planning", seconds=60)
    assert size(draw(run.events, "ages")) == (WIDTH, HEIGHT)


def test_nothing_to_draw_is_reported_as_a_sentence() -> None:
    with pytest.raises(NotFoundError, match="Nothing has happened yet in greet"):
        draw([], "greet")


def test_matplotlib_is_imported_only_to_draw() -> None:
    code = "import sys, samobot.terminal.chart_command, samobot.money.spending; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_damaged_installation_is_reported_as_a_sentence(
    everything: RunJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, "samobot.chart.canvas", raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(StorageError, match="The picture cannot be drawn: this installation is damaged"):
        draw(everything.events, "greet")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / ".samocode").write_text(
        f"MAIN_REPO={tmp_path}\nWORKTREES={tmp_path}/trees\nSESSIONS={tmp_path}/sessions\n"
    )
    folder = SessionFolder(tmp_path / "sessions" / "26-11-20-greet")
    folder.prepare()
    append(folder, EventName.RUN_START, ZERO, phase="planning")
    append(folder, EventName.ITERATION_START, ZERO, phase="planning", n=1)
    append(folder, EventName.ITERATION_END, ZERO + timedelta(minutes=1), phase="planning", n=1, cost_usd=1)
    append(folder, EventName.RUN_END, ZERO + timedelta(minutes=1), reason="done")
    return tmp_path / ".samocode"


def test_the_command_writes_the_picture_where_it_is_asked_to(tmp_path: Path, project: Path) -> None:
    target = tmp_path / "out.png"
    options = ["greet", "--config", str(project), "--theme", "dark", "--output", str(target)]
    result = CliRunner().invoke(chart_command, options)
    assert result.exit_code == 0, result.output
    assert str(target) in result.output
    assert size(target.read_bytes()) == (WIDTH, HEIGHT)


def test_the_command_names_the_picture_after_the_session(
    tmp_path: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    CliRunner().invoke(chart_command, ["greet", "--config", str(project)])
    assert size((tmp_path / "greet-chart.png").read_bytes()) == (WIDTH, HEIGHT)


def test_a_folder_that_is_not_there_is_said_before_anything_is_drawn(tmp_path: Path, project: Path) -> None:
    options = ["greet", "--config", str(project), "--output", str(tmp_path / "no" / "out.png")]
    result = CliRunner().invoke(chart_command, options)
    assert isinstance(result.exception, UsageError)
    assert "There is no folder" in result.exception.message
