from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samobot.session.plan import PlanPhase, is_empty, open_phase_profile, outline, spoken_phase, spoken_title


def test_phases_and_their_steps_are_found() -> None:
    text = """# Greeting script

Some words.
1. not part of a phase

## Phase 1: Script
- [ ] write **it**
  - [ ] a detail
- [x] run `it`

### Phase 2 is only mentioned deeper
- [ ] deeper

## Phase 2: Tests
### Unit
1. one
2) two
```
- [ ] in a code block
```
## Phase 3: Docs
- a bullet
- another

## Risks
- [ ] none
"""
    found = outline(text)
    assert found.title == "Greeting script"
    assert found.phases == (
        PlanPhase("Phase 1: Script", ("write it", "run it", "deeper"), ticked=1, is_open=True),
        PlanPhase("Phase 2: Tests", ("one", "two")),
        PlanPhase("Phase 3: Docs", ("a bullet", "another")),
    )
    assert found.steps == 7


def test_a_plan_without_phases_has_its_sections_with_steps() -> None:
    found = outline("# T\n\n1. a\n2. b\n\n## More\n\n- [ ] c\n\n## Words\n\nonly words\n")
    assert found.phases == (PlanPhase("T", ("a", "b")), PlanPhase("More", ("c",), is_open=True))


THREE = "# P\n\n## Phase 1: a\n- [ ] one\n\n## Phase 2: b\n- [ ] two\n\n## Phase 3: c\n1. three\n"


@pytest.mark.parametrize(
    "text",
    [
        f"```markdown\n{THREE}```\n",
        f"\n~~~~\n{THREE}\n~~~~",
        "".join(f"> {line}" for line in THREE.splitlines(keepends=True)),
        re.sub(r"## (.*)", r"**\1**", THREE),
        re.sub(r"## (.*)", r"\1\n------", THREE),
        re.sub(r"## (.*)", r"\1\n---", THREE.replace("# P", "P\n===", 1)),
    ],
)
def test_the_phases_of_a_plan_in_another_form_are_found(text: str) -> None:
    found = outline(text)
    assert [(phase.title, phase.steps) for phase in found.phases] == [
        ("Phase 1: a", ("one",)),
        ("Phase 2: b", ("two",)),
        ("Phase 3: c", ("three",)),
    ]
    assert found.title == "P"


@pytest.mark.parametrize(
    "text",
    [
        f"Here is the plan:\n\n```markdown\n{THREE}```\n\nTell me what to change.\n",
        THREE.replace("## Phase 2", "<!--\n## Phase 9: dropped\n- [ ] hidden\n-->\n## Phase 2"),
        THREE.replace("a\n", "a <!-- for now -->\n").replace("one", "one<!-- 1 -->"),
        "# P\n" + re.sub(r"(?:- \[ \]|1\.) (.*)", r"| Step | File |\n|:---|---|\n| \1 | |", THREE),
        THREE.replace("- [ ]", "- []").replace("1.", "1. [ ]"),
        THREE.replace("- [ ]", "* ☐").replace("1.", "1) [x]"),
    ],
)
def test_the_phases_of_a_plan_are_found_whatever_is_around_them(text: str) -> None:
    assert [(phase.title, phase.steps) for phase in outline(text).phases] == [
        ("Phase 1: a", ("one",)),
        ("Phase 2: b", ("two",)),
        ("Phase 3: c", ("three",)),
    ]


def test_first_phase_counts_if_the_phases_are_headings_of_the_first_level() -> None:
    found = outline(THREE.replace("# P\n\n", "").replace("## ", "# "))
    assert (found.title, [phase.title for phase in found.phases]) == (
        "",
        ["Phase 1: a", "Phase 2: b", "Phase 3: c"],
    )
    assert outline("# Phase 2: pay\n## Step 1: x\n- a\n").title == "Phase 2: pay"


def test_rows_of_a_table_are_the_steps_of_a_plan_without_others() -> None:
    text = "# P\n\n| # | Phase | Risk |\n| --- | :-: | --- |\n| 1 | **Parser** | low |\n| 2 | Tests | |\n"
    assert outline(text).phases == (PlanPhase("P", ("1 · Parser · low", "2 · Tests")),)
    assert outline(text + "\n- [ ] write it\n").phases == (PlanPhase("P", ("write it",), is_open=True),)


@pytest.mark.parametrize(
    ("step", "ticked", "is_open"),
    [
        ("1. [x] a", 1, False),
        ("1. [ ] a", 0, True),
        ("- [] a", 0, True),
        ("- ☐ a", 0, True),
        ("- ✅ a", 1, False),
        ("* [✓] a", 1, False),
        ("- [~] a", 0, False),
        ("- [-] a", 0, False),
    ],
)
def test_a_box_is_read_in_the_usual_ways_of_writing(step: str, ticked: int, is_open: bool) -> None:
    (phase,) = outline(f"## Phase 1: a\n{step}\n").phases
    assert phase == PlanPhase("Phase 1: a", ("a",), ticked, is_open=is_open)


@pytest.mark.parametrize("fence", ["```", "~~~", "```python", "  ````"])
def test_an_unclosed_fence_hides_no_phase_of_the_outline(fence: str) -> None:
    text = f"# P\n## Phase 1: a\n- [ ] one\n\n{fence}\nprint()\n\n## Phase 2: b\n- [ ] two\n\n## Phase 3: c\n1. three\n"
    assert [phase.steps for phase in outline(text).phases] == [("one",), ("two",), ("three",)]


@pytest.mark.parametrize(
    ("text", "empty"),
    [
        ("", True),
        ("\n \t\n", True),
        ("# Plan\n\n## Phase 1\n", True),
        ("\ufeff# Plan\n---\n<!-- to do -->\n", True),
        ("<!-- never closed\n- [ ] step\n", True),
        ("```\n```\n", True),
        ("# Plan\n\nTODO\n", True),
        ("# Plan\n## Phase 1\nTBD\n## Phase 2\n_pending_\n", True),
        ("# Plan\n- [ ]\n- [ ] …\n* \n1.\n", True),
        ("---\ntitle: x\nauthor: y\n---\n", True),
        ("# Plan\n\u200b\u200b\n\u00a0\n", True),
        ("# Plan\n<br>\n<details></details>\n| | |\n|---|---|\n", True),
        ("# Plan\n- [ ] x\n", False),
        ("# Plan\nTODO: write the parser\n", False),
        ("---\n- [ ] write it\n---\nDone.\n", False),
        ("> 1. [ ] write it", False),
        ("| Phase | Step |\n|---|---|\n", False),
        ("Do it.", False),
    ],
)
def test_a_plan_is_empty_if_there_is_nothing_to_approve(text: str, empty: bool) -> None:
    assert is_empty(text) is empty


@given(st.text(alphabet="#-*[]x `~1.\n\r Phase:é", max_size=400))
def test_any_text_has_an_outline(text: str) -> None:
    assert outline(text).steps >= 0


@pytest.mark.slow
@pytest.mark.timeout(200)
def test_a_plan_of_seventy_thousand_phases_is_read_before_anybody_goes_home() -> None:
    found = outline("# P\n" + "## Phase 1: x\n- [ ] a\n" * 70_000)
    assert len(found.phases) == 70_000


@pytest.mark.parametrize(
    ("title", "spoken"),
    [("Plan: Greeting script", "Greeting script"), ("Planning tool", "Planning tool"), ("Plan:", "Plan:")],
)
def test_a_plan_is_called_without_saying_that_it_is_one(title: str, spoken: str) -> None:
    assert spoken_title(title) == spoken


@pytest.mark.parametrize(
    ("title", "spoken"),
    [
        ("Phase 1: Script", "Script"),
        ("Step 2 - Tests", "Tests"),
        ("Phase 3", "Phase 3"),
        ("Phases", "Phases"),
    ],
)
def test_a_phase_is_called_without_its_number(title: str, spoken: str) -> None:
    assert spoken_phase(title) == spoken


@pytest.mark.parametrize(
    ("text", "profile"),
    [
        (
            "# Plan\n\n## Phase 1: A\nProfile: light\n- [x] a\n\n## Phase 2: B\n\n**Profile:** strong\n\n- [ ] b\n",
            "strong",
        ),
        ("## Phase 1: A\n- [ ] a\n## Phase 2: B\nProfile: strong\n- [ ] b\n", ""),
        ("## Phase 1: A\n- [ ] a\n- Profile: max\n", "max"),
        ("## Phase 1: A\nProfile: strong - the login\n- [ ] a\n", "strong"),
        ("## Phase 1: A\n_Profile:_ `max` (risky).\n- [ ] a\n", "max"),
        # Shown as written, so that the user sees that it is none.
        ("## Phase 1: A\nProfile: very strong\n- [ ] a\n", "very strong"),
        ("## Phase 1: A\nProfile: claude-opus-4.5 - risky\n- [ ] a\n", "claude-opus-4.5"),
        ("## Phase 1: A\n- Profile: max width of the page\n- [ ] a\n", ""),
        ("## Phase 1: A\n- [ ] Profile: max\n", ""),
        ("# Plan\n## Script\nProfile: light\n- [x] a\n## Tests\nProfile: strong\n- [ ] b\n", "strong"),
        ("## Phase 1: A\nProfile: max\n- [x] a\n", ""),
        ("## Phase 1: A\n```\nProfile: max\n```\n- [ ] a\n", ""),
        ("", ""),
    ],
)
def test_profile_of_the_first_part_with_an_open_step(text: str, profile: str) -> None:
    assert open_phase_profile(text) == profile
