"""`samobot allow` and `deny`: exactly the call that is named, never just what waits."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from samobot.session.asks import Ask, AskBook, read_asks, save_asks
from samobot.session.decisions import DecisionKind
from samobot.session.folder import SessionFolder
from samobot.session.tool_call import ToolCall
from tests.support.claude_cli import cli_environment
from tests.support.workshop import Workshop, make_workshop

PUSH = ToolCall("Bash", {"command": "git push\x1b[2J"})
AT = datetime(2026, 1, 15, 14, 0, tzinfo=UTC)


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    """A workshop with a session whose agent asks for two calls."""
    shop = make_workshop(tmp_path, cli_environment(tmp_path / "home", "http://127.0.0.1:9"))
    folder = SessionFolder(shop.sessions / "26-01-15-greet")
    folder.path.mkdir(parents=True)
    folder.overview.write_text("# Session: greet\n\n## Status\nPhase: implementation\nBlocked: no\n")
    folder.prepare()
    shop.vault("greet")
    edit = ToolCall("Edit", {"file_path": "/work/a", "old_string": "x", "new_string": "y"})
    asks = [
        Ask("aaaa1111", PUSH, PUSH.sha256, AT, 1, ("publishes something",), "Pushing.", "/work"),
        Ask("aaaa2222", edit, edit.sha256, AT, 1, ("changes files",), "", "/work"),
    ]
    save_asks(folder, asks)
    return shop


def book(shop: Workshop) -> AskBook:
    return read_asks(SessionFolder(shop.session("greet")), None)


def test_status_shows_each_call_whole_with_its_commands(shop: Workshop) -> None:
    shown = shop.quickly("status", "greet").stdout
    for part in (
        "asks before a risky step",
        "Bash, in /work: it publishes something",
        "git push‹U+001B›[2J",
        "-x",
        "+y",
    ):
        assert part in shown
    assert "samobot allow greet aaaa1111" in shown
    assert "Pushing." in shown
    status = shop.status("greet")
    assert (status["state"], status["waiting_for"]) == ("waiting", "permission")


@pytest.mark.parametrize("name", ["aaa", "aaaa", "bbbb1111", ""])
def test_id_that_names_no_single_call_decides_nothing(shop: Workshop, name: str) -> None:
    done = shop.quickly("allow", "greet", name)
    assert done.returncode == 2
    assert "it asks for: aaaa1111, aaaa2222" in done.stderr
    assert book(shop).verdicts == {}


def test_session_long_permission_is_listed_and_withdrawn_by_its_number(shop: Workshop) -> None:
    done = shop.quickly("allow", "greet", "aaaa2", "--for-session")
    assert done.stdout.splitlines()[:2] == [
        "✅ Edit allowed for this session: /work/a",
        "From now on, without asking: edits of /work/a",
    ]
    assert "1 allowed for this session" in shop.quickly("status", "greet").stdout
    assert shop.quickly("allow", "greet", "--withdraw", "2").returncode == 2
    assert (
        shop.quickly("allow", "greet", "--withdraw", "1").stdout
        == "↩️ Asked again from now on: edits of /work/a\n"
    )
    assert book(shop).rules == {}


def test_denial_with_a_text(shop: Workshop) -> None:
    assert shop.quickly("deny", "greet", "aaaa1", "--say", "not yet").returncode == 0
    verdict = book(shop).verdicts["aaaa1111"]
    assert (verdict.kind, verdict.text, verdict.via) == (DecisionKind.DENY, "not yet", "terminal")
    other = shop.quickly("allow", "greet", "aaaa1")
    assert (other.returncode, "has decided that already: denied" in other.stderr) == (1, True)


def test_an_agent_cannot_allow_its_own_call(shop: Workshop) -> None:
    shop.environment["SAMOBOT_ITERATION"] = "x"
    assert shop.quickly("allow", "greet", "aaaa1").returncode == 1
    assert book(shop).verdicts == {}


def test_asking_needs_the_cli_itself(shop: Workshop, tmp_path: Path) -> None:
    script = tmp_path / "claude"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    shop.environment |= {"SAMOBOT_ASK": "risky", "CLAUDE_PATH": str(script), "IS_SANDBOX": "1"}
    done = shop.quickly("run", "--session", "other", "--task", "x")
    assert done.returncode == 2
    assert "SAMOBOT_ASK=risky needs Claude Code itself" in done.stderr
    assert not list(shop.sessions.glob("*-other"))
