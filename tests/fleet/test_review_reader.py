"""The facts of a review guide, from a real folder and a real repository."""

from __future__ import annotations

import os
from pathlib import Path

from samobot.fleet.review_reader import read_review
from samobot.review.page import review_page
from tests.support.repository import commit, make_repository
from tests.support.session_folder import make_session, write_plan


def test_facts_come_from_the_folder_and_the_repository(tmp_path: Path) -> None:
    repo = make_repository(tmp_path / "repo")
    session = make_session(tmp_path / "sessions")
    write_plan(session, "# Plan: Greet\n\n## Phase 1: Script\n\nRisk: high - all\n\n- [x] one\n- [ ] two\n")
    (session.path / "01-15-14:05-summary-greet.md").write_text("# Greet\n\nIt greets.\n")
    (session.path / "01-15-14:04-test-greet.md").write_text("# Old\n")
    newer = session.path / "01-15-14:06-test-greet.md"
    newer.write_text("# New\n" + "x" * 100_000)
    os.utime(session.path / "01-15-14:04-test-greet.md", (1, 1))
    (session.path / "01-15-14:07-quality-\udcff.md").write_text("# Quality \n")
    (session.path / "01-15-14:08-quality-link.md").symlink_to("/etc/passwd")
    (repo / "greet.py").write_text("print('hi')\n")
    facts = read_review(session, repo, "greet")
    assert facts.change is not None
    assert facts.change.uncommitted == 1
    assert [(part.title, part.risk, part.steps, part.ticked) for part in facts.parts] == [
        ("Script", "high - all", 2, 1)
    ]
    assert facts.approval == "No approval of this plan is on record."
    assert facts.summary is not None
    assert facts.summary.text.endswith("It greets.\n")
    assert facts.test is not None
    assert facts.test.name == newer.name
    assert facts.test.text.startswith("# New")
    assert facts.test.text.endswith("… (cut)")
    assert [note.name for note in facts.quality] == ["01-15-14:07-quality-\ufffd.md"]
    commit(repo, "greet.py")
    review_page(read_review(session, repo, "greet")).encode()


def test_a_session_without_a_repository_has_a_guide_too(tmp_path: Path) -> None:
    session = make_session(tmp_path / "sessions")
    facts = read_review(session, tmp_path, "greet")
    assert facts.change is None
    assert facts.parts == ()
    assert "nobody used the result" in review_page(facts)
