"""What agents contribute to the review guide, in the forms of their skills and in others."""

from __future__ import annotations

from samobot.assets import plugin_dir
from samobot.review.notes import Claim, Pointer, ReviewFinding, findings_of, guide_of, items_of, without_guide


def form_of(skill: str) -> str:
    """The example of a skill's report."""
    text = (plugin_dir() / "skills" / skill / "SKILL.md").read_text(encoding="utf-8")
    return text.partition("```markdown\n")[2].partition("\n```\n")[0]


def test_the_forms_that_the_skills_ask_for_are_understood() -> None:
    guide = guide_of([form_of("summary")])
    assert guide.look_first == (Pointer("greet.py:12", "the one place where input from outside is used"),)
    assert guide.look_first[0].path == "greet.py"
    assert guide.not_checked == ("Windows line ends: no machine for it here",)
    assert guide.claims == (
        Claim("An empty name exits with 2", "python greet.py ''; echo $?", "a sentence, then 2"),
    )
    assert [finding.severity for finding in findings_of(form_of("quality"))] == ["wrong", "poor"]
    assert all(finding.confirmed and finding.outcome for finding in findings_of(form_of("quality")))
    assert items_of(form_of("testing"), "not tested") == ("what, and why",)


def test_each_part_is_taken_from_the_first_note_that_has_it() -> None:
    first = "## Review guide\n### Look first\n- `a.py` · one\n### Claims\n"
    second = "## Review guide:\n### look first:\n- `b.py` · two\n### Not checked\n- three\n"
    guide = guide_of([first, second, "# nothing"])
    assert guide.look_first == (Pointer("a.py", "one"),)
    assert guide.not_checked == ("three",)
    assert guide_of([]) == guide_of(["no guide"])


def test_what_has_another_form_is_kept() -> None:
    text = (
        "## Findings\n- WRONG · `a.py` · boom\n* no dots at all\n- minor · `a.py` · a nit · fixed\n"
        "```\n- in code\n```\n"
    )
    assert findings_of(text) == (
        ReviewFinding("wrong", "a.py", "boom"),
        ReviewFinding("", "", "no dots at all"),
        ReviewFinding("", "", "minor · `a.py` · a nit · fixed"),
    )
    guide = guide_of(["## Review guide\n### Look first\n- the parser, `a.py`\n- `b.py` is new\n"])
    assert guide.look_first == (Pointer("", "the parser, `a.py`"), Pointer("b.py", "`b.py` is new"))


def test_a_note_is_shown_without_the_section_that_stands_apart() -> None:
    text = "# T\n\nwords\n\n## Review guide\n### Claims\n- x\n\n## Left open\n- y\n"
    assert without_guide(text) == "# T\n\nwords\n\n## Left open\n- y\n"
    assert without_guide("# T\n") == "# T\n"
    assert without_guide("## Review guide\n- x") == ""
