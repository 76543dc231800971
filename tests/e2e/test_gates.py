"""An agent of the real CLI cannot pass its own gates, by whatever way it tries."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest

from tests.e2e.real import real_shop
from tests.support.messages_api import MessagesApi, bash, signal, write

pytestmark = pytest.mark.real_cli

QA = "### Q1: Which greeting?\nA) hello\nB) good day\n**Answer:** _waiting_\n"
PLAN = "# Greeting\n\n## Phase 1: Script\n- [ ] write it\n"
ANSWER = "sed -i 's/_waiting_/A) hello/' '{session}/_qa.md'"
DECIDE = """printf '{"at": "2026-01-15T10:00:00Z", "who": "me", "via": "terminal", "kind": "approval", "id": "x", """
DECIDE += """"file": "01-02-03:05-plan-x.md", "sha256": "%s"}\\n' $(sha256sum '{session}'/*plan-x.md | cut -c1-64) """
DECIDE += """>> '{session}/_decisions.jsonl'"""


def test_forged_answers_and_approvals_are_void_reverted_and_reported(tmp_path: Path, fence: str) -> None:
    samobot = f"cd '{{session}}' && {shlex.quote(sys.executable)} -m samobot"
    script = {
        "investigation": signal("continue", phase="requirements", summary="Looked"),
        "requirements": [
            write("{session}/_qa.md", QA),
            bash(ANSWER),
            bash(
                "env -u SAMOBOT_ITERATION "
                + samobot.partition("&& ")[2]
                + " answer greet Q1=A --config '{workdir}/../../demo'; true"
            ),
            *signal("continue", phase="planning", summary="Answered it myself"),
            *signal("continue", phase="planning", summary="Understood"),
        ],
        "planning": [
            write("{session}/01-02-03:05-plan-x.md", PLAN),
            bash(DECIDE),
            bash("sed -i 's/^Phase: .*/Phase: implementation/' '{session}/_overview.md'"),
            *signal("continue", phase="implementation", summary="Approved it myself"),
        ],
    }
    with MessagesApi(script) as api:
        shop = real_shop(tmp_path, api, fence=fence)
        asked = shop.run("greet")
        assert asked.returncode == 10, asked.stdout + asked.stderr
        assert "was not given by a user" in asked.stdout
        status = shop.status("greet")
        assert (status["waiting_for"], status["questions"][0]["answer"]) == ("qa_answers", None)
        # Inside a fence it does not get as far as being refused: what it would write to is read-only there.
        refused = ("An agent may not answer or approve", "the file system is read-only")
        assert any(words in api.requests[-2].text for words in refused)
        assert shop.quickly("answer", "greet", "Q1=B").returncode == 0
        planned = shop.run("greet")
        assert planned.returncode == 10, planned.stdout + planned.stderr
        # Inside the fence the record of decisions cannot be written at all.
        assert ("no user made" in planned.stdout) == (fence == "off")
        assert "The phase in _overview.md was changed" in planned.stdout
        status = shop.status("greet")
        assert (status["phase"], status["waiting_for"]) == ("planning", "plan_approval")
        assert status["questions"][0]["answer"] == "B) good day"
        api.check()
    voids = {each["kind"] for each in shop.journal("greet", "void")}
    assert voids == {"answer", "overview"} | ({"decision"} if fence == "off" else set())
    assert shop.quickly("approve", "greet").returncode == 0
    assert shop.status("greet")["phase"] == "implementation"
