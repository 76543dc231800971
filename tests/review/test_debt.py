"""Review debt: what was left open, once each, whoever noted it."""

from __future__ import annotations

from samobot.review.debt import open_findings
from tests.support.cases import for_each

DEBT = """# Review debt

- [ ] poor · `greet.py:30` · parses twice · goes away in the rewrite
- [x] wrong · `greet.py:12` · empty name
```
- [ ] an example
```
no item
"""


def note(*items: str) -> str:
    return (
        "# Quality: round\n\n## Findings\n" + "".join(f"- {item}\n" for item in items) + "\nVerdict: clean\n"
    )


def test_open_boxes_are_debt_and_ticked_ones_are_not() -> None:
    assert open_findings(DEBT, []) == ("poor · greet.py:30 · parses twice · goes away in the rewrite",)


@for_each(
    ("outcome", "is_open"),
    [
        ("left: goes away", True), ("Left open", True), ("deferred to another task", True), ("postponed", True),
        ("not fixed: needs a decision", True), ("fixed", False), ("dropped: was wrong", False), ("behoben", False),
        ("leftover removed", False), ("opened the file again, fixed", False), ("", False),
    ],
)  # fmt: skip
def test_note_leaves_open_what_it_states_so(outcome: str, is_open: bool) -> None:
    found = open_findings("", [note(f"poor · `a.py:1` · slow · read it · {outcome}")])
    assert found == ((f"poor · a.py:1 · slow · {outcome}",) if is_open else ())


def test_finding_of_an_earlier_round_that_a_later_one_fixed_is_settled() -> None:
    left, fixed = "poor · `a.py:1` · slow · read it · left", "poor · `a.py:9` · slow · test seen red · fixed"
    assert open_findings("", [note(fixed), note(left)]) == ()
    assert len(open_findings("", [note(left), note(left)])) == 1
    assert len(open_findings("", [note(left), note(fixed)])) == 1


def test_finding_that_the_file_has_counts_once_and_a_ticked_one_not_at_all() -> None:
    notes = [
        note("poor · `greet.py:30` · parses twice · x · left", "wrong · `greet.py:12` · empty · x · left")
    ]
    assert len(open_findings(DEBT, notes)) == 1


def test_finding_is_not_taken_for_another_of_a_longer_line_number_or_of_the_same_file() -> None:
    left = note("poor · `greet.py:3` · slow · x · left", "poor · README.md · typo · x · left")
    assert len(open_findings(DEBT, [note("wrong · README.md · wrong command · x · fixed"), left])) == 3


def test_findings_in_another_form_are_no_debt() -> None:
    assert open_findings("plain text", [note("left: something in its own form"), "no findings"]) == ()
