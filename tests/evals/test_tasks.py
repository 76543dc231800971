"""Each task is one: its hidden tests fail at the beginning and pass with its solution."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from evals.score import hidden_tests, visible_tests
from evals.task import End, EvalTask, load_task, load_tasks

TASKS = load_tasks()


def solved(task: EvalTask, folder: Path) -> Path:
    shutil.copytree(task.repo, folder)
    shutil.copytree(task.solution, folder, dirs_exist_ok=True)
    for name in task.deletes:
        (folder / name).unlink()
    return folder


def test_there_are_enough() -> None:
    assert len(TASKS) >= 14
    assert len({task.kind for task in TASKS}) == len(TASKS)


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_hidden_tests_tell_the_solution_from_the_beginning(task: EvalTask, tmp_path: Path) -> None:
    if End.DONE not in task.ends:  # the right thing is to change nothing
        assert hidden_tests(task, task.repo, tmp_path / "begin").ok
        return
    begin = hidden_tests(task, task.repo, tmp_path / "begin")
    assert (begin.ok, begin.ran > 0) == (False, True)
    end = hidden_tests(task, solved(task, tmp_path / "solved"), tmp_path / "end")
    assert (end.bad, end.ok) == (frozenset(), True)


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_visible_tests_fail_only_where_the_task_says_so(task: EvalTask, tmp_path: Path) -> None:
    before = visible_tests(task.repo, tmp_path / "begin")
    assert before.ran > 0
    if End.DONE in task.ends:
        after = visible_tests(solved(task, tmp_path / "solved"), tmp_path / "end")
        assert before.bad == after.bad == set(task.failing)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "kind"),
        ('kind = "a"\nwords = "b"\nend = ["done"]', "end"),
        ('kind = "a"\nwords = "b"\nends = ["perhaps"]', "ends"),
        ("kind = ", "wrong"),
    ],
)
def test_a_wrong_task_is_refused_by_its_fault(text: str, fault: str, tmp_path: Path) -> None:
    (tmp_path / "task.toml").write_text(text)
    with pytest.raises(ValueError, match=fault):
        load_task(tmp_path)


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"no task nonsense; the tasks are bug-dst, bug-durations"):
        load_tasks(("nonsense",))
