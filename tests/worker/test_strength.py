"""Model and effort of an iteration, and the one stronger try after a block."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from samobot.claude.invocation import ClaudeOptions
from samobot.config.model_choice import Effort, ModelChoice, Profile, profile_named
from samobot.fleet.session_settings import write_profile
from samobot.phases import BlockCause, Phase
from samobot.session.journal import EventName, RunEndReason, events
from samobot.worker.iteration_config import IterationConfig
from samobot.worker.session_files import SessionFiles
from samobot.worker.strength import choose_model, report_unknown_profile
from tests.support.fake_iteration import Played, bench
from tests.support.session_folder import ANNA, NOW, PLAN, make_session, write_plan

WEAK = Played({"status": "blocked", "reason": "It still fails", "needs": "An idea", "lacks": "strength"})
NO_BROWSER = Played({"status": "blocked", "reason": "No browser", "needs": "One", "lacks": "environment"})
BLOCKED = Played({"status": "blocked", "reason": "Which one?", "needs": "A decision"})
DONE = Played({"status": "done", "summary": "All done"})


@pytest.mark.parametrize(
    ("choice", "stronger"),
    [
        (("sonnet", "medium"), ("opus", "high")),
        (("claude-haiku-4", "max"), ("opus", "high")),
        (("opus", "medium"), ("opus", "high")),
        (("opus", ""), ("opus", "high")),
        (("opus", "high"), ("opus", "max")),
        (("my-own", "xhigh"), ("my-own", "max")),
        (("opus", "max"), None),
    ],
)
def test_next_stronger_choice_changes_the_model_only_from_a_smaller_one(
    choice: tuple[str, str], stronger: tuple[str, str] | None
) -> None:
    expected = ModelChoice(*stronger) if stronger else None
    assert ModelChoice(*choice).stronger == expected


@pytest.mark.parametrize(
    ("text", "profile"),
    [
        ("strong", Profile.STRONG),
        (" `Max` ", Profile.MAX),
        ("huge", None),
        ("max width of the page", None),
        ("", None),
    ],
)
def test_profile_is_found_by_its_name(text: str, profile: Profile | None) -> None:
    assert profile_named(text) == profile


CONFIG = {phase: ClaudeOptions(model="sonnet", effort="low") for phase in Phase}
LOW, STRONG, LIGHT = (
    ModelChoice("sonnet", "low"),
    ModelChoice("opus", Effort.HIGH),
    ModelChoice("sonnet", Effort.MEDIUM),
)


def config(*, fixed: bool = False) -> IterationConfig:
    return cast(IterationConfig, SimpleNamespace(options=CONFIG, model_is_fixed=fixed))


def test_plan_names_the_profile_of_its_open_part_and_the_user_goes_before(tmp_path: Path) -> None:
    folder = make_session(tmp_path, phase="implementation")
    write_plan(folder, PLAN.replace("## Phase 1: Script\n", "## Phase 1: Script\nProfile: strong\n"))
    files = SessionFiles(folder, lambda: NOW)
    assert choose_model(config(), files, Phase.IMPLEMENTATION) == STRONG
    assert choose_model(config(), files, Phase.QUALITY) == LOW
    write_profile(folder, "light", ANNA, NOW)
    assert choose_model(config(), files, Phase.IMPLEMENTATION) == LIGHT
    assert choose_model(config(), files, Phase.QUALITY) == LIGHT
    assert choose_model(config(fixed=True), files, Phase.IMPLEMENTATION) == LOW
    write_profile(folder, "", ANNA, NOW)
    assert choose_model(config(), files, Phase.IMPLEMENTATION) == STRONG


def test_a_profile_that_does_not_exist_is_reported_once_a_session(tmp_path: Path) -> None:
    folder = make_session(tmp_path / "sessions", phase="implementation")
    write_plan(folder, PLAN.replace("## Phase 1: Script\n", "## Phase 1: Script\nProfile: very strong\n"))
    files = SessionFiles(folder, lambda: NOW)
    project = SimpleNamespace(file=tmp_path / ".samocode")
    there = {"options": CONFIG, "model_is_fixed": False, "state_dir": tmp_path / "state", "project": project}
    world = cast(IterationConfig, SimpleNamespace(**there))
    assert choose_model(world, files, Phase.IMPLEMENTATION) == LOW
    for phase in (Phase.QUALITY, Phase.IMPLEMENTATION, Phase.IMPLEMENTATION):
        report_unknown_profile(world, files, phase, NOW)
    notes = [each["text"] for each in events(folder) if each["event"] == EventName.NOTICE]
    assert notes == [
        "The plan names the profile “very strong”, which does not exist: it has no effect. "
        "There are light, standard, strong, max."
    ]


@pytest.mark.parametrize(
    ("phase", "blocked"), [("quality", WEAK), ("testing", WEAK), ("testing", NO_BROWSER)]
)
async def test_a_block_for_want_of_strength_gets_one_stronger_try(
    tmp_path: Path, phase: str, blocked: Played
) -> None:
    made = bench(make_session(tmp_path, phase=phase), blocked)
    end = await made.worker.run()
    assert (end.reason, end.cause) == (RunEndReason.BLOCKED, BlockCause.AGENT)
    assert [each.stronger for each in made.iteration.assignments] == [False, True]
    assert "second try with more strength" in made.iteration.assignments[1].reminder
    assert end.text.endswith("(A second try with opus, effort high did not help.)")
    notes = [each["text"] for each in events(made.folder) if each["event"] == EventName.NOTICE]
    assert blocked.signal is not None
    why = f"{blocked.signal['reason']}. {blocked.signal['needs']}."
    assert [text.endswith(f": {why} One more try, with opus, effort high.") for text in notes] == [True]


async def test_a_stronger_try_that_helps_leaves_the_next_ones_as_they_were(tmp_path: Path) -> None:
    stay = Played({"status": "continue", "summary": "Repaired"})
    on = Played({"status": "continue", "phase": "testing"})
    back = Played({"status": "continue", "phase": "quality"})
    made = bench(make_session(tmp_path, phase="quality"), WEAK, stay, on, back, WEAK, BLOCKED)
    end = await made.worker.run()
    assert end.reason is RunEndReason.BLOCKED
    assert [each.stronger for each in made.iteration.assignments] == [False, True, False, False, False, True]


@pytest.mark.parametrize(("phase", "blocked"), [("quality", BLOCKED), ("quality", NO_BROWSER)])
async def test_what_only_the_user_can_decide_blocks_at_once(
    tmp_path: Path, phase: str, blocked: Played
) -> None:
    made = bench(make_session(tmp_path, phase=phase), blocked)
    end = await made.worker.run()
    assert end.reason is RunEndReason.BLOCKED
    assert len(made.iteration.assignments) == 1
    assert "second try" not in end.text
