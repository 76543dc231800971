"""The steps of a scenario that write files, above all those of a session. Standard library only, see `samobot.sandbox.agent.main`."""

from __future__ import annotations

import contextlib
import json
import os
import re
import time

from samobot.sandbox.agent.templates import Templates, read

TYPE_CHECKING = False  # `typing` is not imported: see `samobot.sandbox.agent.main`
if TYPE_CHECKING:
    from typing import Any

    from samobot.sandbox.agent.transcript import Stream


class FileSteps:
    """Writes what the scripted agent leaves behind, and shows each file as a use of a tool.

    Args:
        stream: The run's stdout.
        templates: Fill in texts and find files.
        title: The session's name.
    """

    def __init__(self, stream: Stream, templates: Templates, title: str) -> None:
        self._stream = stream
        self._fill = templates.fill
        self._path = templates.path
        self._title = title

    def do_write(self, path: str, text: str) -> None:
        """A whole file."""
        self._write(self._path(path), self._fill(text))

    def do_append(self, path: str, text: str) -> None:
        """The end of a file."""
        target = self._path(path)
        self._write(target, read(target) + self._fill(text))

    def do_replace(self, path: str, old: str, new: str, count: int = 1) -> None:
        """Part of a file; what is not found is the tool's error, not the run's."""
        target = self._path(path)
        old, new, before = self._fill(old), self._fill(new), read(target)
        use = self._stream.use("Edit", {"file_path": target, "old_string": old, "new_string": new})
        if old not in before:
            self._stream.used(use, "String to replace not found in file.", error=True)
            return
        _store(target, before.replace(old, new, count))
        self._stream.used(use, f"The file {target} has been updated.")

    def do_delete(self, path: str) -> None:
        """A file gone."""
        target = self._path(path)
        use = self._stream.use("Bash", {"command": f"rm -f {target}", "description": "Remove a file"})
        with contextlib.suppress(FileNotFoundError):
            os.remove(target)
        self._stream.used(use, "")

    def do_questions(self, questions: list[dict[str, Any]]) -> None:
        """A round of questions after those that are there."""
        target = self._path("session:_qa.md")
        before = read(target)
        number = max([0, *map(int, re.findall(r"(?m)^### Q(\d+)", before))])
        blocks = [before.rstrip("\n") or f"# Questions: {self._title}"]
        if number:
            rounds = re.findall(r"(?m)^## Round (\d+)", before)
            blocks.append(f"## Round {int(rounds[-1]) + 1 if rounds else 2}")
        for question in questions:
            number += 1
            lines = [f"### Q{number}: {question['text']}", ""]
            if detail := question.get("detail"):
                lines += [detail, ""]
            options = [f"{chr(65 + i)}) {option}" for i, option in enumerate(question.get("options", ()))]
            lines += [*options, ""] if options else []
            if suggestion := question.get("suggestion"):
                why = question.get("why")
                lines += [
                    f"**Suggestion:** {suggestion} - {why}" if why else f"**Suggestion:** {suggestion}",
                    "",
                ]
            blocks.append("\n".join([*lines, "**Answer:** _waiting_"]))
        self._write(target, self._fill("\n\n".join(blocks) + "\n"))

    def do_plan(
        self, title: str, slug: str, phases: list[dict[str, Any]], goal: str = "", notes: str = ""
    ) -> None:
        """A plan file."""
        parts = [f"# Plan: {title}", *([goal] if goal else [])]
        for number, phase in enumerate(phases, 1):
            steps = "\n".join(f"- [ ] {step}" for step in phase["steps"])
            parts.append(f"## Phase {number}: {phase['title']}\n\n{steps}")
        parts += [notes] if notes else []
        self._write(self._path(f"session:{{stamp}}-plan-{slug}.md"), self._fill("\n\n".join(parts) + "\n"))

    def do_overview(
        self,
        status: dict[str, str] | None = None,
        flow: str = "",
        files: dict[str, str] | None = None,
        plans: dict[str, str] | None = None,
    ) -> None:
        """Lines of the overview."""
        target = self._path("session:_overview.md")
        text = read(target)
        for key, value in (status or {}).items():
            text = _set_line(text, f"{key}:", f"{key}: {self._fill(value)}")
        if flow:
            text = _add_entry(text, "## Flow Log", f"[{time.strftime('%m-%d %H:%M')}] {self._fill(flow)}")
        for heading, entries in (("## Files", files), ("## Plans", plans)):
            for name, words in (entries or {}).items():
                text = _add_entry(text, heading, f"{self._fill(name)}: {self._fill(words)}")
        self._write(target, text)

    def do_signal(
        self,
        status: str,
        phase: str | None = None,
        wait: str | None = None,
        tests: dict[str, int] | None = None,
        **words: str | None,
    ) -> None:
        """The signal."""
        fields = {"status": status, "phase": phase, **words, "for": wait}
        record: dict[str, object] = {
            key: self._fill(value) for key, value in fields.items() if value is not None
        }
        if tests is not None:
            record["tests"] = tests
        self._write(
            self._path("session:_signal.json"), json.dumps(record, ensure_ascii=False, indent=2) + "\n"
        )

    def do_bad_signal(self, text: str = '{"status": "contin') -> None:
        """Nonsense for a signal."""
        self._write(self._path("session:_signal.json"), text)

    def _write(self, target: str, text: str) -> None:
        use = self._stream.use("Write", {"file_path": target, "content": text})
        _store(target, text)
        self._stream.used(use, f"File created successfully at: {target}")


def _set_line(text: str, start: str, line: str) -> str:
    """Replace the first line that starts so; if there is none, add it under the Status heading."""
    lines = text.split("\n")
    for index, old in enumerate(lines):
        if old.startswith(start):
            lines[index] = line
            return "\n".join(lines)
    if "## Status" in lines:
        lines.insert(lines.index("## Status") + 1, line)
    return "\n".join(lines)


def _add_entry(text: str, heading: str, entry: str) -> str:
    """Add an entry to the end of the list under a heading; without that heading nothing is added."""
    lines = text.split("\n")
    if heading in lines:
        at = lines.index(heading) + 1
        if lines[at : at + 1] == [""] and "".join(lines[at + 1 : at + 2]).startswith("- "):
            at += 1
        while at < len(lines) and lines[at].startswith("- "):
            at += 1
        lines.insert(at, f"- {entry}")
    return "\n".join(lines)


def _store(path: str, text: str) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        file.write(text)
