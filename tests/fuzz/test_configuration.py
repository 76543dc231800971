"""The two files that a person writes: read, or refused in one sentence that names the file."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samobot.config.project import load_project
from samobot.config.settings import Settings
from samobot.config.settings_loader import load_settings
from samobot.errors import UsageError
from tests.fuzz.refusals import refused

pytestmark = pytest.mark.slow

NAMES = sorted(name.upper() for name in Settings.model_fields)
VALUES = st.text(max_size=20) | st.sampled_from(
    [
        "",
        "0",
        "-1",
        "nan",
        "inf",
        "1e999",
        "~",
        "~nobody/x",
        "a:b",
        "1,2,x",
        '"',
        "'",
        "\\",
        "$HOME",
        "http://",
        "http://127.0.0.1:1",
        "'unclosed",
        "\x00",
    ]
)
ENV = st.lists(
    st.builds(
        lambda name, between, value: f"{name}{between}{value}",
        st.sampled_from(NAMES) | st.text(max_size=8),
        st.sampled_from(["=", " = ", ":", ""]),
        VALUES,
    ),
    max_size=8,
).map("\n".join)
PROJECT = st.lists(
    st.builds(
        lambda name, between, value: f"{name}{between}{value}",
        st.sampled_from(["MAIN_REPO", "WORKTREES", "SESSIONS", "OTHER", "# MAIN_REPO", "export SESSIONS"]),
        st.sampled_from(["=", " = ", "", ":"]),
        VALUES,
    ),
    max_size=8,
).map("\n".join)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("configuration")


@given(text=ENV)
def test_any_env_file_is_read_or_refused_in_a_sentence(folder: Path, text: str) -> None:
    file = folder / ".env"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    file.chmod(0o600)
    refusal = refused(load_settings, {"SAMOBOT_ENV_FILE": str(file)})
    assert refusal is None or str(file) in refusal


@given(
    token=st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=20, max_size=40), value=VALUES
)
def test_a_refused_setting_never_repeats_the_token(folder: Path, token: str, value: str) -> None:
    file = folder / "token.env"
    file.write_bytes(
        f"TELEGRAM_BOT_TOKEN={token}\nCLAUDE_TIMEOUT={value}\nTELEGRAM_CHAT_ID=x\n".encode(
            "utf-8", "surrogatepass"
        )
    )
    file.chmod(0o600)
    with pytest.raises(UsageError) as caught:
        load_settings({"SAMOBOT_ENV_FILE": str(file)})
    assert token not in caught.value.message.replace(repr(value), "")


@given(text=PROJECT)
def test_any_project_file_is_read_or_refused_with_a_message(folder: Path, text: str) -> None:
    file = folder / ".samocode"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    refusal = refused(load_project, file)
    assert refusal is None or ".samocode" in refusal
    if refusal is None:
        project = load_project(file)
        assert project.main_repo.is_absolute()
        assert project.sessions.is_absolute()


@given(data=st.binary(max_size=200))
def test_any_bytes_in_a_project_file_are_refused_with_a_message(folder: Path, data: bytes) -> None:
    file = folder / "raw"
    file.write_bytes(data)
    with pytest.raises(UsageError):
        load_project(file)
