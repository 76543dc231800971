"""The templates in a scenario's texts. Standard library only, see `samobot.sandbox.agent.main`.

`{task}`, `{phase}`, `{run}` (of this phase), `{iteration}` (of this session), `{session}`, `{session_name}`, `{cwd}`,
`{stamp}`, `{python}`, `{prompt}`, `{context}` (the appended system text), `{answers}`, `{answer1}`… and `{guidance}`;
`{answer1:json}` quotes. Other braces stay as they are.
"""

from __future__ import annotations

import glob
import json
import os
import re
import shlex
import sys

_TEMPLATE = re.compile(
    r"\{(task|phase|run|iteration|session|session_name|cwd|stamp|python|prompt|context|answers|answer\d+|guidance)(:json)?\}"
)


class Templates:
    """Fills in the templates of one run.

    Args:
        session: The session folder, whose files are read at each use; empty if none was given.
        facts: What does not change during the run.
    """

    def __init__(self, session: str, facts: dict[str, str]) -> None:
        self._session = session
        self._facts = facts

    def fill(self, text: str) -> str:
        """Fill in a template."""

        def value(match: re.Match[str]) -> str:
            found = self._value(match[1])
            return json.dumps(found, ensure_ascii=False) if match[2] else found

        return _TEMPLATE.sub(value, text) if "{" in text else text

    def path(self, path: str) -> str:
        """The file that a step means: `session:` and `cwd:` say where, and of a pattern's files it is the newest."""
        path = self.fill(path)
        if path.startswith("session:"):
            path = os.path.join(self._session, path.removeprefix("session:"))
        path = os.path.abspath(path.removeprefix("cwd:"))
        return max(glob.glob(path), key=_changed, default=path) if "*" in path else path

    def _value(self, name: str) -> str:
        if name in self._facts:
            return self._facts[name]
        match name:
            case "session":
                return self._session
            case "cwd":
                return os.getcwd()
            case "python":
                return shlex.quote(sys.executable)
            case "task":
                return _quoted("Task:", self._file("_overview.md")) or self._facts["prompt"]
            case "guidance":
                items = re.findall(
                    r"(?m)^- \[ \] (?:\[[^\]]*\] )?(?:[^:\n]+: )?(.*(?:\n  .*)*)", self._file("_guidance.md")
                )
                return "; ".join(_one_line(item) for item in items)
            case "answers":
                answers = _answers(self._file("_qa.md"))
                return "\n".join(f"Q{number}: {answer}" for number, answer in answers.items())
            case _:
                return _answers(self._file("_qa.md")).get(int(name.removeprefix("answer")), "")

    def _file(self, name: str) -> str:
        return read(os.path.join(self._session, name)).replace("\r\n", "\n")


def _answers(qa: str) -> dict[int, str]:
    """The answers so far by question number; a letter becomes the option's text."""
    answers = {}
    for block in re.split(r"(?m)^### (?=Q\d)", qa)[1:]:
        number = int(re.findall(r"Q(\d+)", block)[0])
        options = dict(re.findall(r"(?m)^([A-Z])\) (.+)$", block))
        answer = _quoted("**Answer:**", block)
        if answer and answer != "_waiting_":
            letter = re.match(r"([A-Z])\b(?:\)|$)", answer)
            answers[number] = options.get(letter[1], answer) if letter else answer
    return answers


def _quoted(label: str, text: str) -> str:
    """What stands behind a label, on its line or quoted on the lines after it; in one line."""
    found = re.search(rf"(?m)^{re.escape(label)}[ \t]*(.*(?:\n>.*)*)", text)
    return _one_line(re.sub(r"(?m)^>[ ]?", "", found[1])) if found else ""


def _one_line(text: str) -> str:
    return " ".join(text.split())


def read(path: str) -> str:
    """A file's text as it is, empty if it is missing."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def _changed(path: str) -> tuple[int, str]:
    return os.stat(path).st_mtime_ns, path
