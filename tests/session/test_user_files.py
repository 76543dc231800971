"""Files from the user: named safely, kept once, listed, never taken for the agent's, and never executable."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from samobot.errors import ConflictError
from samobot.session.gate_state import read_plan
from samobot.session.guidance import parse_guidance
from samobot.session.overview import parse_overview
from samobot.session.user_files import NewFile, is_from_user, safe_name, save_files, split_guidance
from tests.support.session_folder import PLAN, make_session

NOW = datetime(2026, 1, 15, 10, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("shot.png", "shot.png"),
        ("../../.ssh/authorized_keys", "authorized_keys"),
        ("C:\\Users\\ann\\trace.log", "trace.log"),
        (".bashrc", "bashrc"),
        ("a b;rm -rf $HOME`id`.sh", "a-b-rm--rf-HOME-id-.sh"),
        ("снимок экрана.png", "снимок-экрана.png"),
        ("", "file"),
        ("...", "file"),
        ("x\x00\n\x1b[0m.txt", "x-0m.txt"),
    ],
)
def test_safe_name_is_one_plain_part_of_a_path(name: str, safe: str) -> None:
    assert safe_name(name) == safe


def test_safe_name_is_short_and_keeps_its_ending() -> None:
    name = safe_name("ü" * 300 + ".png")
    assert len(name.encode()) <= 100
    assert name.endswith(".png")
    assert len(safe_name("a." + "b" * 300).encode()) <= 100


def test_files_are_saved_listed_and_named_in_the_guidance(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    names = save_files(
        folder, [NewFile("a.png", b"1"), NewFile("a.png", b"2"), NewFile("run.sh", b"3")], "Ann", "See", NOW
    )
    assert [name.split("-from-you-")[1] for name in names] == ["a.png", "a-2.png", "run.sh"]
    for name, data in zip(names, (b"1", b"2", b"3"), strict=True):
        path = folder.path / name
        assert path.read_bytes() == data
        assert not path.stat().st_mode & 0o111
    listed = parse_overview(folder.overview.read_text()).files
    assert [item.partition(":")[0] + ":" for item in listed] == [
        f"{name.partition(':')[0]}:" for name in names
    ]
    (item,) = parse_guidance(folder.guidance.read_text())
    assert item.text.startswith("See\n\nI have sent you these files")
    assert all(str(folder.path / name) in item.text for name in names)
    written, sent = split_guidance(item.text)
    assert written == "See"
    assert [f"-from-you-{name}" for name in sent] == [name[11:] for name in names]


@pytest.mark.parametrize("text", ["use tabs", "I have sent you this file, so read it:", ""])
def test_guidance_without_files_is_what_the_user_wrote(text: str) -> None:
    assert split_guidance(text) == (text, ())


def test_saving_again_after_a_crash_keeps_each_file_once(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    files = [NewFile("a.png", b"1")]
    first = save_files(folder, files, "Ann", "See", NOW)
    assert save_files(folder, files, "Ann", "See", NOW + timedelta(minutes=5)) == first
    assert len(parse_overview(folder.overview.read_text()).files) == 1
    assert len(parse_guidance(folder.guidance.read_text())) == 1


def test_a_file_called_plan_is_not_the_agents_plan(tmp_path: Path) -> None:
    folder = make_session(tmp_path, phase="planning")
    (name,) = save_files(folder, [NewFile("plan.md", PLAN.encode())], "Ann", "", NOW)
    assert is_from_user(name)
    assert read_plan(folder).plan is None


def test_a_link_in_the_place_of_a_file_is_not_followed(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    (name,) = save_files(folder, [NewFile("a.png", b"1")], "Ann", "", NOW)
    target = tmp_path / "target"
    target.write_bytes(b"1")
    (folder.path / name).unlink()
    (folder.path / name).symlink_to(target)
    (again,) = save_files(folder, [NewFile("a.png", b"1")], "Ann", "", NOW)
    assert again != name
    assert target.read_bytes() == b"1"


def test_a_session_that_is_done_takes_no_files(tmp_path: Path) -> None:
    folder = make_session(tmp_path, phase="done", signal={"status": "done", "summary": "Did it"})
    with pytest.raises(ConflictError):
        save_files(folder, [NewFile("a.png", b"1")], "Ann", "", NOW)
