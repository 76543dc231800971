"""What a summary clearly says about tests and quality."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samobot.telegram.views.test_claims import claims


@pytest.mark.parametrize(
    ("summary", "said"),
    [
        ("Fixed 3 failing tests; 12 tests pass now.", ["✓ 12 tests"]),
        ("Added greet.py with 12 tests; all 12 tests pass, quality is clean.", ["✓ 12 tests", "✓ quality clean"]),
        ("The script works; 10 passed, 2 failed: they need the network.", ["✗ 2 tests failing"]),
        ("3 of 12 tests fail: no network.", ["✗ 3 tests failing"]),
        ("All 1,204 tests pass.", ["✓ 1,204 tests"]),
        ("Tests: 12 passed, 0 failed.", ["✓ 12 tests"]),
        ("12 unit tests were added and pass; no tests fail.", ["✓ 12 tests"]),
        ("10 of 12 tests pass.", ["10 of 12 tests pass"]),
        ("12 of 12 tests pass.", ["✓ 12 tests"]),
        ("1 test passes.", ["✓ 1 test"]),
        ("Added greet.py with argparse and 12 tests; all passing.", ["✓ 12 tests"]),
        ("4 commits\n3 tests, all passing\nREADME", ["✓ 3 tests"]),
        ("It has 12 tests. All of them pass.", ["✓ 12 tests"]),
        ("Fixed 2 failing tests, 1 still fails.", ["✗ 1 test failing"]),
        ("Quality review: no open issues.", ["✓ quality clean"]),
    ],
)  # fmt: skip
def test_a_clear_statement_about_tests_and_quality_is_said(summary: str, said: list[str]) -> None:
    assert claims(summary) == said


@pytest.mark.parametrize(
    "summary",
    [
        "",
        "Added a script.",
        "Added 12 tests.",
        "12 tests; not all pass.",
        "12 tests, all should pass.",
        "10 tests failed. All pass now.",
        "Fixed 3 of 5 failing tests.",
        "3 tests failed; I fixed them.",
        "At first 3 tests failed, now they pass.",
        "3 tests failed. I changed the parser. 12 tests pass.",
        "10 tests passed at first; 12 tests pass.",
        "12 tests should pass.",
        "I could not check that all 12 tests pass.",
        "Not all 12 tests pass.",
        "Once the key is there, 12 tests pass.",
        "Works with Python 3.11 tests pass.",
        "Step 3 passed.",
        "12 tests pass on Linux; on macOS some fail.",
        "Quality is not clean.",
        "Quality isn't clean yet.",
        "No quality issues in greet.py, but 3 in the parser.",
        "Quality is clean. The quality agent left 2 open findings.",
        "Should quality be clean?",
        "A failing request is retried 3 times.",
    ],
)
def test_of_what_could_be_meant_otherwise_nothing_is_made(summary: str) -> None:
    assert claims(summary) == []


@given(
    st.lists(
        st.sampled_from(
            ["12", "3", "tests", "pass", "failed", "of", "all", "fixed", ".", ";", ",", "not", "\n"]
        )
    )
)
def test_whatever_a_summary_says_a_failure_and_a_success_are_not_claimed_together(words: list[str]) -> None:
    said = " ".join(claims(" ".join(words)))
    assert not ("✓" in said and "✗" in said)


@given(st.text())
def test_any_text_at_all_is_read(text: str) -> None:
    assert all(claim.strip() for claim in claims(text))
