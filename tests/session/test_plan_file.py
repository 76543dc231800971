"""Which file is the plan: by facts, never the newest file that matches."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from samobot.errors import ConflictError, NotFoundError, StorageError
from samobot.session import plan_file
from samobot.session.folder import SessionFolder
from samobot.session.gate import approve, reject
from samobot.session.gate_state import look, read_plan
from samobot.session.plan import PLAN_LIMIT
from tests.support.session_folder import ANNA, KEY, NOW, PLAN, make_session, write_plan, write_signal

EXACT = "01-15-10:30-plan-greeting.md"


@pytest.fixture
def folder(tmp_path: Path) -> SessionFolder:
    return make_session(tmp_path, phase="planning")


def name_of(folder: SessionFolder) -> str | None:
    plan = read_plan(folder).plan
    return None if plan is None else plan.path.relative_to(folder.path).as_posix()


def list_plans(folder: SessionFolder, *items: str) -> None:
    listed = "".join(f"- {item}\n" for item in items)
    folder.overview.write_text(folder.overview.read_text() + f"\n## Plans\n{listed}")


@pytest.mark.parametrize(
    "other",
    [
        "01-15-12:00-plan-review.md",
        "01-15-12:00-plan-greeting-review.md",
        "01-15-12:00-dive-payment-plan-api.md",
        "01-15-12:00-dive-plan.md",
        "01-15-12:00-test-plan.md",
        "01-15-12:00-summary-plan-greeting.md",
        "plan-notes.md",
        "_plan.md",
        "plan.md",
        "my-plan-b.md",
    ],
)
def test_other_notes_that_are_newer_are_not_the_plan(folder: SessionFolder, other: str) -> None:
    write_plan(folder)
    os.utime(folder.path / EXACT, ns=(1, 1))
    write_plan(folder, "# Review\n\nLooks fine.\n", other)
    assert name_of(folder) == EXACT


@pytest.mark.parametrize(
    "name",
    [
        "plan.md",
        "PLAN.md",
        "11-22-10:10-plan.md",
        "11-22-10:10-implementation-plan.md",
        "implementation_plan.md",
        "implementation-plan.md",
        "greeting-plan.md",
        "plan-v2.md",
        "plans/x.md",
        "plans/01-15-10:30-plan-greeting.md",
        "plan-greeting.md",
        "计划.md",
        "План.md",
        "plano-v2.md",
        "Umsetzungsplan.md",
        "plan.markdown",
        "01-15-10:30-plan-greeting.markdown",
        "01-15-10:30-implementation-plan-greeting.md",
        "docs/plan.md",
        "plan_greeting.md",
        "2026-11-22-plan-greeting.md",
        "1122-plan-greeting.md",
        "01-15_10:30-plan-greeting.md",
        "[01-15-10:30]-plan-greeting.md",
        "Plan - Greeting.md",
        "greeting.plan.md",
        "plan (1).md",
        "plan final.md",
        "plan-v2-draft.md",
        "plan.de.md",
    ],
)
def test_a_plan_of_another_usual_name_is_found(folder: SessionFolder, name: str) -> None:
    for place in ("plans", "docs"):
        (folder.path / place).mkdir()
    write_plan(folder, PLAN, name)
    write_plan(folder, "a dive", "01-15-12:00-dive-payment-plan-api.md")
    assert name_of(folder) == name


@pytest.mark.parametrize(
    "item",
    [
        "design.md: 3 phases",
        "`design.md` - the plan",
        "[Plan](design.md)",
        "**design.md**",
        "./design.md",
        "{folder}/design.md: by its whole path",
        "sessions/{folder.name}/design.md",
        "__design.md__",
        "[[design]]",
        "→design.md, 计划：",
        "计划：design.md",
        "Plan:design.md",
    ],
)
def test_a_file_that_the_overview_lists_is_the_plan(folder: SessionFolder, item: str) -> None:
    write_plan(folder, PLAN, "design.md")
    write_plan(folder, PLAN, "plan.md")
    list_plans(folder, item.format(folder=folder.path))
    assert name_of(folder) == "design.md"


@pytest.mark.parametrize(
    "section",
    [
        "## Plans\n\ndesign.md\n",
        "## Plan\n- design.md\n",
        "## Plans\n1. [The plan](design.md)\n",
        "## Plans\n\n| file | state |\n|---|---|\n| design.md | new |\n",
        "## Plans\n```\ndesign.md\n```\n",
    ],
)
def test_a_plan_that_the_overview_names_without_a_list_is_found(folder: SessionFolder, section: str) -> None:
    write_plan(folder, PLAN, "design.md")
    folder.overview.write_text(f"{folder.overview.read_text()}\n{section}")
    assert name_of(folder) == "design.md"


@pytest.mark.parametrize("task", ["add-comments", "release-notes", "code-review", "order-summary"])
def test_a_plan_that_is_named_after_the_session_is_no_note_about_a_plan(tmp_path: Path, task: str) -> None:
    made = make_session(tmp_path, phase="planning")
    folder = SessionFolder(made.path.rename(made.path.with_name(f"26-01-15-{task}")))
    write_plan(folder, PLAN, f"01-15-10:30-plan-{task}.md")
    write_plan(folder, PLAN + "x", f"01-15-11:30-plan-{task}-review.md")
    assert name_of(folder) == f"01-15-10:30-plan-{task}.md"


@pytest.mark.parametrize(
    "item", ["../plan.md", "/etc/passwd.md", "missing.md: gone", "~~old.md~~: given up", ""]
)
def test_a_listed_file_that_is_not_of_the_session_is_not_the_plan(folder: SessionFolder, item: str) -> None:
    write_plan(folder.__class__(folder.path.parent), PLAN, "plan.md")
    write_plan(folder, PLAN, "old.md")
    list_plans(folder, item)
    assert name_of(folder) is None
    assert read_plan(folder).problem == "there is no plan file"


@pytest.mark.parametrize(
    "signal",
    [
        {"plan": "b.md"},
        {"plan_file": "b.md"},
        {"plan": "b"},
        {"plan": "B.md"},
        {"plan": "./b.md "},
        {"plan": "`b.md`"},
        {"plan": "[the plan](b.md)"},
        {"plan": "b.md (two phases)"},
        {"plan": "“b.md”."},
        {"plan": "b.md#phase-1"},
        {"plan": "%62.md"},
        {"plan": "The plan is in ./b.md"},
        {"needs": "Approve `b.md`"},
        {"summary": "The plan is in b.md."},
    ],
)
def test_of_several_plans_the_one_that_the_signal_names_counts(
    folder: SessionFolder, signal: dict[str, str]
) -> None:
    list_plans(folder, "a.md", "b.md")
    write_plan(folder, PLAN, "a.md")
    write_plan(folder, PLAN + "x", "b.md")
    write_signal(folder, **({"status": "waiting", "for": "plan_approval"} | signal))
    assert name_of(folder) == "b.md"


@pytest.mark.parametrize("named", ["a.md, b.md", "a.md\nb.md"])
def test_of_several_plans_that_the_signal_names_none_can_be_approved(
    folder: SessionFolder, named: str
) -> None:
    write_plan(folder, PLAN, "a.md")
    write_plan(folder, PLAN + "x", "b.md")
    write_signal(folder, status="waiting", plan=named, **{"for": "plan_approval"})
    assert read_plan(folder).problem == "it is not clear which of a.md and b.md is the plan"


def test_of_several_undecided_plans_none_can_be_approved(folder: SessionFolder) -> None:
    write_plan(folder, PLAN, "01-15-09:00-plan-a.md")
    write_plan(folder, PLAN + "x", "01-15-11:00-plan-b.md")
    choice = read_plan(folder)
    assert choice.plan is None
    assert choice.problem == (
        "it is not clear which of 01-15-09:00-plan-a.md and 01-15-11:00-plan-b.md is the plan"
    )
    assert choice.problem in (look(folder).facts.plan_problem)
    with pytest.raises(NotFoundError, match="not clear which of"):
        approve(folder, ANNA, NOW, KEY)


def test_a_plan_that_was_sent_back_makes_room_for_the_next(folder: SessionFolder) -> None:
    first = write_plan(folder, PLAN, "01-15-11:00-plan-a.md")
    reject(folder, "shorter", ANNA, NOW, KEY, expected=first)
    assert name_of(folder) == "01-15-11:00-plan-a.md"
    write_plan(folder, PLAN + "x", "01-15-09:00-plan-b.md")  # even with an earlier stamp
    assert name_of(folder) == "01-15-09:00-plan-b.md"
    approve(folder, ANNA, NOW, KEY)
    assert look(folder).plan_approved


def test_the_approved_plan_stays_the_plan_while_its_boxes_are_ticked(folder: SessionFolder) -> None:
    write_plan(folder)
    approve(folder, ANNA, NOW, KEY)
    write_plan(folder, PLAN.replace("[ ]", "[x]"))
    write_plan(folder, PLAN + "x", "01-15-23:00-plan-next.md")
    assert "Phase: implementation" in folder.overview.read_text()
    assert name_of(folder) == EXACT


@pytest.mark.parametrize(
    "name", ["test-plan.md", "planning.md", "the-planning.md", "explanation.md", "plan.txt", "a/plan.md"]
)
def test_what_is_only_nearly_called_a_plan_is_none(folder: SessionFolder, name: str) -> None:
    (folder.path / "a").mkdir()
    write_plan(folder, PLAN, name)
    assert name_of(folder) is None
    write_plan(folder, PLAN, "plan.md")
    assert name_of(folder) == "plan.md"


def test_of_equal_copies_of_a_plan_one_is_the_plan(folder: SessionFolder) -> None:
    write_plan(folder, PLAN, "01-15-09:00-plan-a.md")
    write_plan(folder, PLAN, "01-15-11:00-plan-b.md")
    assert name_of(folder) == "01-15-11:00-plan-b.md"
    write_plan(folder, PLAN + "x", "01-15-11:00-plan-b.md")
    assert name_of(folder) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        "# Plan\n",
        "<!-- plan -->\n",
        "# Plan\n\nTBD\n",
        "---\na: b\n---\n",
        "---\r\na: b\r\n---\r\n",
        "+++\na = 1\n+++\n",
        "Plan\n====\n",
        "The plan\n--------\n",
        "# Plan\n\n&nbsp;\n<br>\n",
        "# Plan\n\n[//]: # (comment)\n%% note %%\n",
        "# Plan\n\n![]()\n",
        "**Plan**\n\n**Status:** draft\n\n_To be written_\n",
        "# Plan\n\nComing soon!\n",
        "\u2800\0\n",
    ],
)
def test_an_empty_plan_cannot_be_approved(folder: SessionFolder, text: str) -> None:
    sha = write_plan(folder, text)
    assert read_plan(folder).problem == f"{EXACT} is empty"
    with pytest.raises((NotFoundError, ConflictError), match="is empty"):
        approve(folder, ANNA, NOW, KEY, expected=sha)
    assert not folder.decisions.exists()


@pytest.mark.parametrize(
    "text",
    [
        "Add a flag.\n",
        "---\nAdd a flag, then print it.\n---\n",
        "1. Add a flag\n---\n",
        "| Phase | Step |\n|---|---|\n| 1 | Add a flag |\n",
        "---\ntitle: Flag\n---\nAdd it\n",
        "Plan: add a flag\n",
    ],
)
def test_a_short_plan_is_not_empty(folder: SessionFolder, text: str) -> None:
    write_plan(folder, text)
    assert name_of(folder) == EXACT


def test_several_empty_plans_are_named_together(folder: SessionFolder) -> None:
    for name in ("01-15-09:00-plan-a.md", "01-15-11:00-plan-b.md"):
        write_plan(folder, "", name)
    assert (read_plan(folder).problem or "").endswith("01-15-11:00-plan-b.md are empty")


def test_links_folders_and_files_elsewhere_are_not_plans(folder: SessionFolder) -> None:
    (folder.path / "01-15-13:00-plan-folder.md").mkdir()
    (folder.path / "01-15-14:00-plan-link.md").symlink_to("/etc/passwd")
    elsewhere = folder.path.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "x.md").write_text(PLAN)
    (folder.path / "plans").symlink_to(elsewhere)
    assert name_of(folder) is None


def test_the_identity_is_that_of_the_bytes(folder: SessionFolder) -> None:
    sha = write_plan(folder)
    plan = read_plan(folder).plan
    assert plan is not None
    assert plan.sha256 == sha
    plan.path.write_bytes(b"x\r\n\xff")
    changed = read_plan(folder).plan
    assert changed is not None
    assert changed.sha256 != sha


def test_a_plan_that_is_too_large_is_named_and_not_read(folder: SessionFolder) -> None:
    write_plan(folder, "x" * PLAN_LIMIT)
    assert name_of(folder) == EXACT
    (folder.path / EXACT).unlink()
    with (folder.path / "01-15-23:00-plan-big.md").open("wb") as file:
        file.truncate(50_000_000_000)
    with pytest.raises(StorageError, match=r"plan-big\.md is larger than 1\.0 MB, so it is not read"):
        read_plan(folder)
    standing = look(folder)
    assert standing.plan is None
    assert "shorten it, or move it away" in standing.unreadable[0]


def test_of_very_many_plan_files_not_all_are_read(
    folder: SessionFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert plan_file._MAX_ENTRIES <= 5_000
    monkeypatch.setattr(plan_file, "_MAX_ENTRIES", 100)
    for number in range(200):
        (folder.path / f"01-15-10:30-plan-{number}.md").touch()
    assert name_of(folder) is None
