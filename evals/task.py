"""One task of the eval: what a person asks for, the repository it is about, and the tests that the agent never sees."""

from __future__ import annotations

import re
import tomllib
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

TASKS = Path(__file__).parent / "tasks"


class End(StrEnum):
    """How an attempt ended."""

    DONE = "done"
    WAITING = "waiting"
    BLOCKED = "blocked"
    BUDGET = "budget"
    FAILED = "failed"


class Answer(BaseModel):
    """What the person answers to a question.

    Attributes:
        about: A regular expression that the question matches, without regard to case.
        answer: The answer.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    about: str
    answer: str


class EvalTask(BaseModel):
    """A task as its `task.toml` describes it.

    Attributes:
        folder: Its folder, with `repo`, `hidden` and, unless there is nothing to change, `solution`.
        kind: What it tests.
        words: What the person types.
        ends: The ends that are right.
        answers: What the person knows, in order; the first that matches a question is the answer.
        asks: A regular expression that at least one question has to match; None if none is needed.
        says: Regular expressions that what the person is told at the end has to match.
        failing: Names of the visible tests that fail before and after, as `unittest` names them.
        deletes: Files of the repository that the solution removes.
        language: The language of the words.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: Path
    kind: str
    words: str
    ends: tuple[End, ...] = (End.DONE,)
    answers: tuple[Answer, ...] = ()
    asks: str | None = None
    says: tuple[str, ...] = ()
    failing: tuple[str, ...] = ()
    deletes: tuple[str, ...] = ()
    language: str = "en"

    @property
    def name(self) -> str:
        """The name of its folder, which is also the session's."""
        return self.folder.name

    @property
    def repo(self) -> Path:
        """The files at the beginning."""
        return self.folder / "repo"

    @property
    def solution(self) -> Path:
        """The files that a right solution changes; used to check the task, and by the scripted agents."""
        return self.folder / "solution"

    @property
    def hidden(self) -> Path:
        """The tests that are copied in after the end."""
        return self.folder / "hidden"

    def answer_to(self, question: str) -> str | None:
        """What the person answers to a question; None if the task does not say."""
        for known in self.answers:
            if re.search(known.about, question, re.IGNORECASE):
                return known.answer
        return None


def load_task(folder: Path) -> EvalTask:
    """Read a task.

    Raises:
        ValueError: `task.toml` is missing or wrong; the message names the file and the fault.
    """
    file = folder / "task.toml"
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
        return EvalTask.model_validate({**values, "folder": folder})
    except OSError as error:
        raise ValueError(f"{file} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise ValueError(f"{file} is wrong: {error}") from error


def load_tasks(names: tuple[str, ...] = (), root: Path = TASKS) -> tuple[EvalTask, ...]:
    """Read tasks in the order of their names.

    Args:
        names: Which; all if there are none.
        root: The folder that holds their folders.

    Raises:
        ValueError: One of them is missing or wrong.
    """
    known = sorted(path.name for path in root.iterdir() if path.is_dir())
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(f"There is no task {', '.join(unknown)}; the tasks are {', '.join(known)}.")
    return tuple(load_task(root / name) for name in known if not names or name in names)
