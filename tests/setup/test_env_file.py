"""Changing `.env`: what is set reads back, and everything else stays byte for byte."""

from __future__ import annotations

import io
import re
import stat
from pathlib import Path

import pytest
from dotenv import dotenv_values
from hypothesis import given
from hypothesis import strategies as st

from samobot.config.settings import Settings
from samobot.config.settings_loader import load_settings
from samobot.errors import StorageError, UsageError
from samobot.setup.env_file import make_private, set_values, write_values
from samobot.text import has_control


def read(text: str) -> dict[str, str | None]:
    return dotenv_values(stream=io.StringIO(text), interpolate=False)


def test_comments_order_and_unknown_lines_stay() -> None:
    before = "# mine\n\nA=1 # one\nexport B='two'\nnonsense\nC=3\n"
    after = set_values(before, {"B": "2", "D": "4"})
    assert after == "# mine\n\nA=1 # one\nexport B=2\nnonsense\nC=3\nD=4\n"
    assert set_values(before, {}) == before


def test_of_a_name_that_stands_twice_the_one_that_counts_is_set() -> None:
    assert set_values("A=1\nA=2\n", {"A": "3"}) == "A=1\nA=3\n"


def test_windows_line_ends_and_a_missing_last_one() -> None:
    assert set_values("A=1\r\nB=2\r\n", {"A": "x", "C": "y"}) == "A=x\r\nB=2\r\nC=y\r\n"
    assert set_values("A=1", {"B": "2"}) == "A=1\nB=2\n"


def test_a_value_over_several_lines_is_replaced_as_a_whole() -> None:
    assert set_values('A="one\ntwo"\nB=2\n', {"A": "x"}) == "A=x\nB=2\n"


_values = st.text(max_size=30).filter(lambda text: not has_control(text) and text.isprintable())
_lines = st.lists(
    st.one_of(
        st.sampled_from(["# note", "", "X=1", "export Y='a b'", "Z", "N=${HOME}", 'Q="a\\"b"', "N = 1 # x"]),
        st.from_regex(r"[A-Z]{1,3}=[a-z #'\"]{0,8}", fullmatch=True),
    ),
    max_size=8,
)


@given(_lines, _values)
def test_value_that_is_set_reads_back_and_the_remainder_is_unchanged(lines: list[str], value: str) -> None:
    before = "".join(f"{line}\n" for line in lines)
    after = set_values(before, {"NAME": value})
    if "NAME" in read(before):
        return
    assert after.startswith(before)
    rest = read(before)
    if all(quote not in before for quote in "'\""):  # an open quote swallows what comes after it, ours too
        assert read(after) == rest | {"NAME": value}


@given(_values)
def test_any_value_survives_being_set_again(value: str) -> None:
    once = set_values("# top\nNAME='old # value'\nOTHER=1\n", {"NAME": value})
    assert read(once) == {"NAME": value, "OTHER": "1"}
    assert set_values(once, {"NAME": value}) == once


def test_a_value_of_two_lines_is_refused() -> None:
    with pytest.raises(UsageError, match="A cannot hold"):
        set_values("", {"A": "1\nB=2"})


def test_the_file_becomes_private_and_a_link_stays_a_link(tmp_path: Path) -> None:
    target = tmp_path / "dotfiles" / "env"
    target.parent.mkdir()
    target.write_text("A=1\n")
    target.chmod(0o644)
    link = tmp_path / "config" / ".env"
    link.parent.mkdir()
    link.symlink_to(target)
    write_values(link, {"B": "2"})
    assert link.is_symlink()
    assert target.read_text() == "A=1\nB=2\n"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    target.chmod(0o640)
    assert make_private(link)
    assert not make_private(link)
    assert not make_private(tmp_path / "none")


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="cannot be made"):
        write_values(tmp_path / "file" / "config" / ".env", {"A": "1"})


def test_the_example_names_every_setting_with_its_default(tmp_path: Path) -> None:
    example = (Path(__file__).parents[2] / ".env.example").read_text()
    lines = re.findall(r"^#?([A-Z_]+)=(.*)$", example, flags=re.MULTILINE)
    named = [name for name, _ in lines]
    by_phase = {
        "claude_models",
        "claude_efforts",
        "claude_profiles",
        "samobot_providers",
    }  # one variable a phase: a comment names them
    fields = set(Settings.model_fields) - by_phase - {"env_file"}
    assert sorted(named) == sorted(field.upper() for field in fields)
    file = tmp_path / ".env"
    write_values(file, dict(lines))
    (tmp_path / "empty").touch()
    written = load_settings({"SAMOBOT_ENV_FILE": str(file)})
    default = load_settings({"SAMOBOT_ENV_FILE": str(tmp_path / "empty")})
    assert written.model_copy(update={"env_file": None}) == default.model_copy(update={"env_file": None})
