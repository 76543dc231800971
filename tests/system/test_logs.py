from __future__ import annotations

import logging
import os
import re
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samobot.errors import StorageError
from samobot.system.logs import FILE_BYTES, LineFormatter, Redaction, RepeatFilter, setup_logging

TOKEN = "7123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1"


@pytest.fixture
def log_file(tmp_path: Path) -> Iterator[Path]:
    root = logging.getLogger()
    handlers, level, hook = list(root.handlers), root.level, sys.excepthook
    for handler in handlers:
        root.removeHandler(handler)
    yield tmp_path / "logs" / "bot.log"
    for handler in list(root.handlers):
        root.removeHandler(handler)
        handler.close()
    for handler in handlers:
        root.addHandler(handler)
    root.setLevel(level)
    logging.captureWarnings(False)
    sys.excepthook = hook


def test_a_token_is_in_no_line_and_no_traceback(log_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    setup_logging(file=log_file, secrets=["hunter2-hunter2"])
    log = logging.getLogger("samobot.test")
    log.info("url https://api.telegram.org/bot%s/getMe", TOKEN)
    log.info("quoted %s and hunter2-hunter2", TOKEN.replace(":", "%3A"))
    try:
        try:
            raise ValueError(f"inner {TOKEN}")
        except ValueError as error:
            raise RuntimeError(f"outer {TOKEN}") from error
    except RuntimeError:
        log.exception("it failed")
    log.info("stack", stack_info=True, extra={"token": TOKEN})
    written = log_file.read_text() + capsys.readouterr().err
    assert TOKEN.split(":")[1] not in written
    assert "hunter2" not in written
    assert written.count("inner <redacted>") == 2


@given(
    st.integers(10**8, 10**11),
    st.text("ABCxyz019_-", min_size=35, max_size=35),
    st.sampled_from(["bot{}", "token={}", "'{}'", "/bot{}/x", "{}\n"]),
)
def test_whatever_looks_like_a_token_goes(number: int, secret: str, frame: str) -> None:
    assert secret not in Redaction()(frame.format(f"{number}:{secret}"))


def test_ordinary_text_stays() -> None:
    text = "12:30:45 chat 7123456789: ok, 2026-01-31T12:00:00.000Z, sha256:0a1b2c"
    assert Redaction(["short"])(text) == text


def test_httpx_does_not_write_its_urls(log_file: Path) -> None:
    setup_logging(logging.DEBUG, file=log_file)
    logging.getLogger("httpx").info("HTTP Request: POST https://example.invalid")
    logging.getLogger("httpcore.connection").debug("connect_tcp.started")
    assert log_file.read_text() == ""


def test_no_text_can_forge_a_line(log_file: Path) -> None:
    setup_logging(file=log_file)
    logging.getLogger("samobot.test").info("name %s", "x\n2026 CRITICAL samobot: forged\r\x1b[2J\u2028\udc80")
    lines = log_file.read_text().splitlines()
    assert len(lines) == 1
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z INFO    samobot\.test: name x\\n2026", lines[0])
    assert "\x1b" not in lines[0]


def test_a_traceback_stands_indented_under_its_line(log_file: Path) -> None:
    setup_logging(file=log_file)
    try:
        raise ValueError("one\ntwo")
    except ValueError:
        logging.getLogger("samobot.test").exception("it failed")
    first, *rest = log_file.read_text().splitlines()
    assert first.endswith("it failed")
    assert rest
    assert all(line.startswith("    ") for line in rest)


def test_the_files_are_private_and_turn_over(log_file: Path) -> None:
    log_file.parent.mkdir()
    log_file.write_text("x" * FILE_BYTES)
    log_file.chmod(0o644)
    setup_logging(file=log_file)
    logging.getLogger("samobot.test").info("next")
    files = sorted(log_file.parent.iterdir())
    assert [path.name for path in files] == ["bot.log", "bot.log.1"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_a_folder_that_cannot_be_used_is_said(log_file: Path) -> None:
    log_file.parent.write_text("a file")
    with pytest.raises(StorageError, match="SAMOBOT_STATE_DIR"):
        setup_logging(file=log_file)


def test_setting_up_again_does_not_double_the_lines(log_file: Path) -> None:
    setup_logging(file=log_file)
    setup_logging(file=log_file)
    logging.getLogger("samobot.test").info("once")
    assert len(log_file.read_text().splitlines()) == 1


def test_the_error_that_ends_the_process_is_redacted_too(tmp_path: Path) -> None:
    script = (
        "import sys, pathlib; from samobot.system.logs import setup_logging; "
        "setup_logging(file=pathlib.Path(sys.argv[1])); raise ValueError(sys.argv[2])"
    )
    log_file = tmp_path / "bot.log"
    ended = subprocess.run(
        [sys.executable, "-c", script, str(log_file), TOKEN], capture_output=True, text=True
    )
    assert ended.returncode == 1
    assert "ValueError: <redacted>" in ended.stderr
    assert TOKEN not in ended.stderr + log_file.read_text()


@pytest.mark.skipif(not os.access("/dev/full", os.W_OK), reason="/dev/full is closed to this user")
def test_a_disk_that_refuses_does_not_print_the_secret(tmp_path: Path) -> None:
    script = (
        "import logging, sys, pathlib; from samobot.system.logs import setup_logging; "
        "setup_logging(file=pathlib.Path('/dev/full'), console=False); logging.getLogger('x').error(sys.argv[1])"
    )
    ended = subprocess.run([sys.executable, "-c", script, TOKEN], capture_output=True, text=True)
    assert ended.returncode == 0
    assert TOKEN not in ended.stdout + ended.stderr


def test_under_journald_lines_carry_no_time_of_their_own() -> None:
    record = logging.LogRecord("samobot.test", logging.INFO, "", 0, "hello", None, None)
    assert LineFormatter(Redaction(), times=False).format(record) == "INFO    samobot.test: hello"


def test_what_fails_again_and_again_is_written_once_a_minute_with_its_count() -> None:
    seconds = 0.0
    repeats = RepeatFilter(lambda: seconds)

    def written(text: str, level: int = logging.WARNING) -> str | None:
        record = logging.LogRecord("samobot.test", level, "", 0, "%s", (text,), None)
        verdicts = {repeats.filter(record), repeats.filter(record)}  # once for each handler
        return record.getMessage() if verdicts == {True} else None

    assert [written("full"), written("full"), written("full"), written("other")] == [
        "full",
        None,
        None,
        "other",
    ]
    assert [written("hello", logging.INFO)] * 2 == ["hello"] * 2
    seconds = 59.9
    assert written("full") is None
    seconds = 60.0
    assert written("full") == "full (3 times more since the last line)"
    assert written("full") is None
    seconds = 120.0
    assert written("other") == "other"


def test_a_repeated_line_is_kept_from_the_console_and_the_file(
    log_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    setup_logging(file=log_file)
    for _ in range(3):
        logging.getLogger("samobot.test").error("the disk is full")
    assert capsys.readouterr().err.count("the disk is full") == 1
    assert log_file.read_text().count("the disk is full") == 1
