"""The plan as the terminal shows it."""

from __future__ import annotations

from pathlib import Path

from samobot.terminal.run_descriptions import describe_plan
from tests.support.session_folder import PLAN, make_session, write_plan


def test_a_plan_shows_the_profiles_of_its_phases_and_which_do_not_exist(tmp_path: Path) -> None:
    folder = make_session(tmp_path, phase="planning")
    write_plan(
        folder, f"{PLAN}\n## Phase 8: A\nProfile: **max**\n- [ ] x\n## Phase 9: B\nProfile: huge\n- [ ] y\n"
    )
    shown = describe_plan(folder)
    assert "A · 1 step · profile max\n" in shown
    assert "B · 1 step · no profile is named “huge”: no effect\n" in shown
