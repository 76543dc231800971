from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samobot.errors import StorageError
from samobot.session.gate_state import look
from samobot.session.plan import PLAN_LIMIT, PlanPhase, newest_plan, outline, spoken_phase, spoken_title
from tests.support.session_folder import make_session, write_plan


def test_the_newest_plan_counts_and_nothing_else(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    assert newest_plan(folder) is None
    write_plan(folder, "new", "01-15-09:00-plan-a.md")
    write_plan(folder, "old", "01-15-11:00-plan-b.md")
    write_plan(folder, "a dive", "01-15-12:00-dive-plan.md")
    (folder.path / "01-15-13:00-plan-folder.md").mkdir()
    (folder.path / "01-15-14:00-plan-link.md").symlink_to("/etc/passwd")
    os.utime(folder.path / "01-15-11:00-plan-b.md", ns=(1, 1))
    plan = newest_plan(folder)
    assert plan is not None
    assert (plan.name, plan.text) == ("01-15-09:00-plan-a.md", "new")


def test_of_plans_of_the_same_time_the_last_by_name_counts(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    for name in ("01-15-09:00-plan-a.md", "01-15-09:01-plan-a.md"):
        write_plan(folder, name, name)
        os.utime(folder.path / name, ns=(5, 5))
    plan = newest_plan(folder)
    assert plan is not None
    assert plan.name == "01-15-09:01-plan-a.md"


def test_the_identity_is_that_of_the_bytes(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    sha = write_plan(folder, "x")
    plan = newest_plan(folder)
    assert plan is not None
    assert plan.sha256 == sha
    plan.path.write_bytes(b"x\r\n\xff")
    changed = newest_plan(folder)
    assert changed is not None
    assert changed.sha256 != sha


def test_a_plan_that_nobody_can_read_on_a_phone_is_said_and_not_read(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    write_plan(folder, "x" * PLAN_LIMIT)
    assert newest_plan(folder) is not None
    path = folder.path / "01-15-23:00-plan-big.md"
    with path.open("wb") as file:
        file.truncate(50_000_000_000)
    with pytest.raises(StorageError, match=r"plan-big\.md is larger than 1\.0 MB, so it is not read"):
        newest_plan(folder)
    standing = look(folder)
    assert standing.plan is None
    assert "shorten it, or move it away" in standing.unreadable[0]


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
        PlanPhase("Phase 1: Script", ("write it", "run it", "deeper")),
        PlanPhase("Phase 2: Tests", ("one", "two")),
        PlanPhase("Phase 3: Docs", ("a bullet", "another")),
    )
    assert found.steps == 7


def test_a_plan_without_phases_has_its_sections_with_steps() -> None:
    found = outline("# T\n\n1. a\n2. b\n\n## More\n\n- [ ] c\n\n## Words\n\nonly words\n")
    assert found.phases == (PlanPhase("T", ("a", "b")), PlanPhase("More", ("c",)))


@given(st.text(alphabet="#-*[]x `~1.\n\r Phase:é", max_size=400))
def test_any_text_has_an_outline(text: str) -> None:
    assert outline(text).steps >= 0


@pytest.mark.slow
@pytest.mark.timeout(40)
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
