"""The lines of docs/security.md that no other test holds, and that each line names tests that exist."""

from __future__ import annotations

import ast
import json
import os
import re
import stat
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from samobot.errors import NotFoundError
from samobot.fleet import documents
from samobot.fleet.emergency_flag import raise_flag
from samobot.fleet.launch import RunRequest, worker_log
from samobot.sandbox.botapi.server import BotApiServer
from samobot.session.decisions import load_key
from samobot.session.folder import SessionFolder
from samobot.setup.env_file import write_values
from samobot.telegram.outbound.bot_client import build_bot
from samobot.telegram.outbound.delivery import deliver
from samobot.telegram.store.outbox_rows import Op, OutboxRow, Post, Priority
from samobot.terminal.internal_error import keep_details
from samobot.text import printable
from tests.support.cases import for_each
from tests.support.claude_cli import cli_environment
from tests.support.workshop import make_workshop

TOKEN = "42:abcdefghijklmnopqrstuvwxyz"
ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)))

ESCAPES = "\x1b]52;c;ZXZpbA==\x07\x1b[2J\x9b31m\u202eevil"


@pytest.mark.slow
@for_each(("file", "name"), NAMED)
def test_each_line_of_the_threat_model_names_a_test_that_exists(file: str, name: str) -> None:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    assert name in names


def test_each_protection_in_the_tables_names_a_test() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| ") and "---" not in line]
    without = [row for row in rows if "Shown by" not in row and "tests/" not in row]
    assert len(rows) > 20
    assert without == []


def test_details_of_an_internal_error_hold_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / ".env"
    file.write_text(f"TELEGRAM_BOT_TOKEN={TOKEN}\nSAMOBOT_WEBHOOK_SECRET=open-sesame-1\n")
    monkeypatch.setenv("SAMOBOT_ENV_FILE", str(file))
    monkeypatch.setenv("SAMOBOT_TRANSCRIBE_KEY", "open-sesame-2")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "details"))
    (tmp_path / "details").mkdir()
    said = keep_details(RuntimeError(f"https://host/bot{TOKEN}/getMe open-sesame-1 open-sesame-2"))
    (details,) = (tmp_path / "details").iterdir()
    assert str(details) in said
    assert "RuntimeError: https://host/bot<redacted>/getMe <redacted> <redacted>" in details.read_text()


@pytest.mark.slow
def test_agents_text_cannot_control_a_terminal(tmp_path: Path) -> None:
    shop = make_workshop(tmp_path / "shop", cli_environment(tmp_path / "home", "http://127.0.0.1:9"))
    folder = SessionFolder(shop.sessions / "26-11-22-greet")
    folder.path.mkdir(parents=True)
    folder.prepare()
    folder.overview.write_text(
        f"# greet\nTask: x\n\n## Status\nPhase: requirements\nBlocked: waiting_human\nLast Action: {ESCAPES}\n"
    )
    folder.signal.write_text(json.dumps({"status": "waiting", "for": "qa_answers", "summary": ESCAPES}))
    folder.qa.write_text(f"### Q1: Which {ESCAPES}?\nA) {ESCAPES}\n**Answer:** _waiting_\n")
    log = folder.logs / "11-22-0800-001-requirements.jsonl"
    said = {"type": "assistant", "message": {"content": [{"type": "text", "text": f"Hello {ESCAPES}"}]}}
    log.write_text(json.dumps(said) + "\n")
    for arguments in (("status", "greet"), ("status",), ("sessions",), ("logs", "greet")):
        shown = shop.samobot(*arguments)
        assert "greet" in shown.stdout + shown.stderr or "evil" in shown.stdout, shown
        for command in ("\x1b", "\x07", "\x9b", "\u202e"):
            assert command not in shown.stdout + shown.stderr, arguments


def test_plain_text_stays_as_it_is() -> None:
    assert printable("a\tb\nc ü 👋 – “x”\r\n") == "a\tb\nc ü 👋 – “x”\n"


def test_what_holds_secrets_is_its_owners_alone_whatever_the_umask(tmp_path: Path) -> None:
    state = tmp_path / "state"
    before = os.umask(0)
    try:
        write_values(tmp_path / "config" / ".env", {"TELEGRAM_BOT_TOKEN": "1:x"})
        load_key(state)
        raise_flag(state, "ann", datetime.now(UTC))
        log = worker_log(state, RunRequest(config=tmp_path / ".samocode", session="greet"))
    finally:
        os.umask(before)
    made = [tmp_path / "config" / ".env", state, log.parent, *(p for p in state.rglob("*") if p.is_file())]
    assert [
        (path, oct(path.stat().st_mode)) for path in made if stat.S_IMODE(path.stat().st_mode) & 0o077
    ] == []


async def test_no_link_is_fetched_for_a_preview() -> None:
    async with BotApiServer() as server:
        server.add_bot(TOKEN)
        chat = server.private_chat(server.person("Ann"))
        async with build_bot(TOKEN, server.url) as bot:
            post = Post("see https://evil.example/?secret")
            (number,) = await deliver(
                bot, OutboxRow(1, chat.id, Priority.NEEDED, Op.SEND, "k", 1, post), None
            )
            again = Post("and https://evil.example/?more")
            await deliver(bot, OutboxRow(2, chat.id, Priority.NEEDED, Op.EDIT, "k", 2, again), number)
        calls = server.calls.of("sendMessage") + server.calls.of("editMessageText")
    previews = [json.loads(call.arguments.values["link_preview_options"]) for call in calls]
    assert previews == [{"is_disabled": True}] * 2


@pytest.mark.parametrize("name", ["link.md", "../secret", "/etc/passwd", "_logs/link", ".hidden"])
async def test_no_file_outside_the_session_can_be_asked_for(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret").write_text("secret")
    folder = SessionFolder(tmp_path / "26-11-22-greet")
    folder.path.mkdir()
    folder.prepare()
    for link in ("link.md", "_logs/link", ".hidden"):
        (folder.path / link).symlink_to(tmp_path / "secret")
    (folder.path / "mine.md").write_text("mine")
    assert [view.name for view in await documents.files(folder)] == ["mine.md"]
    assert await documents.file(folder, "mine.md") == b"mine"
    with pytest.raises(NotFoundError):
        await documents.file(folder, name)


@pytest.mark.slow
def test_the_token_is_taken_from_no_command_line() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "samobot", "init", "--help"], capture_output=True, text=True, check=True
    )
    assert "--token-file" in shown.stdout
    assert not re.search(r"--token\b(?!-)", shown.stdout)
