"""The steps of a scenario, carried out: one method a step. Standard library only, see `samobot.sandbox.agent`."""

from __future__ import annotations

import contextlib
import glob
import json
import os
import re
import signal
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from samobot.sandbox.templates import Templates, read

if TYPE_CHECKING:
    from samobot.sandbox.records import Stream
    from samobot.sandbox.shell import Shell

_ITSELF = ("-c", "user.name=Scripted agent", "-c", "user.email=agent@example.invalid")
# What the CLI says and how it ends, by kind: (status, subtype, error of the synthetic text, terminal reason, text).
_FAILURES: dict[str, tuple[int | None, str, str, str, str]] = {
    "overloaded": (529, "success", "server_error", "completed", "API Error: 529 Overloaded. This is a server-side issue, usually temporary — try again in a moment."),
    "server": (500, "success", "server_error", "completed", "API Error: 500 Internal server error. This is a server-side issue, usually temporary — try again in a moment."),
    "auth": (401, "success", "authentication_failed", "completed", "Failed to authenticate. API Error: 401 OAuth token has expired. Please run /login."),
    "login": (None, "success", "authentication_failed", "completed", "Not logged in · Please run /login"),
    "credit": (400, "success", "billing_error", "completed", "Credit balance is too low"),
    "too_long": (400, "success", "invalid_request", "prompt_too_long", "Prompt is too long"),
    "max_turns": (None, "error_max_turns", "", "max_turns", "Reached maximum number of turns"),
    "max_budget": (None, "error_max_budget_usd", "", "max_budget", "Reached maximum budget"),
    "execution": (None, "error_during_execution", "", "aborted_tools", "Error: something went wrong"),
}  # fmt: skip
_LIMIT_NAMES = {"five_hour": "session", "seven_day": "weekly"}


class Moves:
    """Carries out the steps of one run.

    Args:
        stream: The run's stdout.
        shell: Its Bash tool.
        session: The session folder; empty where none was given.
        facts: Values of templates that do not change during the run.
    """

    def __init__(self, stream: Stream, shell: Shell, *, session: str, facts: dict[str, str]) -> None:
        self.no_result = False
        self._stream = stream
        self._shell = shell
        self._session = session
        self._facts = facts
        self._fill = Templates(session, facts).fill

    def play(self, step: dict[str, Any]) -> int | None:
        """Carry out one step; returns an exit code where the run ends with it."""
        fields = dict(step)
        name = fields.pop("do", None)
        move: Callable[..., int | None] | None = getattr(self, f"do_{name}", None)
        if move is None:
            print(f"The scenario has a step “{name}” that does not exist", file=sys.stderr)
            return 1
        try:
            return move(**fields)
        except TypeError as error:
            print(f"The scenario's step “{name}” is wrong: {error}", file=sys.stderr)
            return 1

    # Files

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
        blocks = [before.rstrip("\n") or f"# Questions: {self._facts['session_name']}"]
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
        self, status: str, phase: str | None = None, wait: str | None = None, **words: str | None
    ) -> None:
        """The signal."""
        fields = {"status": status, "phase": phase, **words, "for": wait}
        record = {key: self._fill(value) for key, value in fields.items() if value is not None}
        self._write(
            self._path("session:_signal.json"), json.dumps(record, ensure_ascii=False, indent=2) + "\n"
        )

    def do_bad_signal(self, text: str = '{"status": "contin') -> None:
        """Nonsense for a signal."""
        self._write(self._path("session:_signal.json"), text)

    # Commands

    def do_run(self, command: str, description: str = "") -> None:
        """A shell command, waited for."""
        self._bash(self._fill(command), self._fill(description))

    def do_commit(self, message: str) -> None:
        """A commit of everything."""
        import shlex

        commit = shlex.join(["git", *_ITSELF, "commit", "-q", "-m", self._fill(message)])
        self._bash(f"git add -A && {commit} && git log -1 --oneline", "Commit")

    def do_children(
        self, kind: str = "background", count: int = 1, seconds: float = 600, deaf: bool = False
    ) -> None:
        """Processes that stay behind."""
        import shlex

        trap = "trap '' INT TERM HUP; " if deaf else ""  # the ignored signals are passed on to sleep
        child = f"sh -c {shlex.quote(f'{trap}echo $$; exec sleep {seconds}')}"
        match kind:
            case "setsid":
                line = f"setsid {child} &"
            case "background":
                line = f"nohup {child} & disown"
            case _:
                line = f"{child} &"
        lines = [line] * count + (["wait"] if kind == "foreground" else [])
        self._bash("\n".join(lines), "Start something", pids=count)

    # Words

    def do_say(self, text: str) -> None:
        """A text."""
        self._stream.say(self._fill(text))

    def do_tool(
        self, name: str, input: dict[str, Any] | None = None, result: str = "", error: bool = False, parent: str | None = None
    ) -> None:  # fmt: skip
        """A tool's use that is only shown."""
        arguments = {
            key: self._fill(value) if isinstance(value, str) else value
            for key, value in (input or {}).items()
        }
        use = self._stream.use(name, arguments, parent)
        self._stream.used(use, self._fill(result), error=error, parent=parent)

    def do_emit(self, records: list[dict[str, Any] | str]) -> None:
        """Records as they are."""
        for record in records:
            if isinstance(record, dict):
                self._stream.record(**record)
            else:
                self._stream.raw(record.encode("utf-8", "surrogateescape") + b"\n")

    def do_garbage(self, text: str = "", to: str = "stdout") -> None:
        """No JSON, no UTF-8."""
        data = text.encode("utf-8", "replace") + b" \xff\xfe\x00\n"
        if to == "stderr":
            os.write(2, data)
        else:
            self._stream.raw(data)

    def do_big_line(self, characters: int = 2_000_000) -> None:
        """One long line."""
        use = self._stream.use("Read", {"file_path": "/big"})
        self._stream.used(use, "x" * characters)

    def do_big_log(self, records: int = 1000, characters: int = 200) -> None:
        """Many lines."""
        for number in range(records):
            self._stream.say(f"{number} ".ljust(characters, "."))

    # Time

    def do_sleep(self, seconds: float) -> None:
        """Nothing, for a while."""
        time.sleep(seconds)

    def do_wait_for(self, path: str) -> None:
        """Nothing, until a file is there."""
        target = self._path(path)
        while not os.path.exists(target):
            time.sleep(0.01)

    # Trouble

    def do_crash(
        self, exit_code: int = 1, signal: str | None = None, mid_line: bool = False, stderr: str = ""
    ) -> int:
        """The end, at once."""
        if mid_line:
            self._stream.raw(b'{"type":"assistant","message":{"id":"msg_torn","content":[{"type":"te')
        if stderr:
            os.write(2, stderr.encode("utf-8", "replace") + b"\n")
        if signal:
            _die(signal)
        return exit_code

    def do_hang(self, at: str = "here") -> None:
        """Silence."""
        if at == "after_result":
            self._stream.result()
        while True:
            signal.pause()

    def do_limit(
        self,
        resets_in: float | None = None,
        resets_at: float | None = None,
        kind: str = "five_hour",
        status: str = "rejected",
        text: str | None = None,
    ) -> int | None:
        """A usage limit."""
        if resets_in is not None:
            resets_at = time.time() + resets_in
        self._stream.limit(status, kind, resets_at)
        if status != "rejected":
            return None
        if text is None:
            when = "" if resets_at is None else f" · resets {_clock(resets_at)} (UTC)"
            text = f"You've hit your {_LIMIT_NAMES.get(kind, 'usage')} limit{when}"
        self._stream.usd = 0
        self._stream.synthetic(text, "rate_limit")
        self._stream.result(is_error=True, status=429, stop_reason="stop_sequence")
        return 1

    def do_api_retry(
        self, count: int = 1, status: int | None = 529, error: str = "overloaded", delay: float = 0
    ) -> None:
        """Retries."""
        for attempt in range(1, count + 1):
            self._stream.retry(attempt, 10, status, error, delay)
            time.sleep(delay)

    def do_fail(self, kind: str, text: str | None = None) -> int:
        """An error in the result."""
        status, subtype, error, terminal, standard = _FAILURES[kind]
        text = self._fill(text) if text else standard
        if subtype == "success":
            self._stream.usd = 0
            self._stream.synthetic(text, error)
            self._stream.result(is_error=True, status=status, stop_reason="stop_sequence", terminal=terminal)
        else:
            self._stream.result(subtype, is_error=True, errors=(text,), stop_reason=None, terminal=terminal)
        return 1

    def do_ignore(self, signals: tuple[str, ...] = ("INT",)) -> None:
        """Deaf ears."""
        for name in signals:
            signal.signal(getattr(signal, f"SIG{name}"), signal.SIG_IGN)

    def do_cost(
        self, usd: float, input_tokens: int = 1200, output_tokens: int = 800, turns: int | None = None
    ) -> None:
        """Money and tokens."""
        self._stream.usd, self._stream.tokens, self._stream.turns_said = (
            usd,
            (input_tokens, output_tokens),
            turns,
        )

    def do_result(self) -> None:
        """The result, now."""
        self._stream.result()

    def do_no_result(self) -> None:
        """No result at all."""
        self.no_result = True

    # Helpers

    def _bash(self, command: str, description: str, pids: int = 0) -> None:
        use = self._stream.use("Bash", {"command": command, "description": description})
        code, text = self._shell.run(command, pids)
        self._stream.used(use, f"Exit code {code}\n{text}".rstrip() if code else text, error=code != 0)

    def _write(self, target: str, text: str) -> None:
        use = self._stream.use("Write", {"file_path": target, "content": text})
        _store(target, text)
        self._stream.used(use, f"File created successfully at: {target}")

    def _path(self, path: str) -> str:
        path = self._fill(path)
        if path.startswith("session:"):
            path = os.path.join(self._session, path.removeprefix("session:"))
        path = os.path.abspath(path.removeprefix("cwd:"))
        return max(glob.glob(path), key=_changed, default=path) if "*" in path else path


def _set_line(text: str, start: str, line: str) -> str:
    """Replace the first line that starts so; where there is none, add it under the Status heading."""
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


def _changed(path: str) -> tuple[int, str]:
    return os.stat(path).st_mtime_ns, path


def _clock(epoch: float) -> str:
    at = time.gmtime(epoch)
    return f"{at.tm_hour % 12 or 12}:{at.tm_min:02}{'am' if at.tm_hour < 12 else 'pm'}"


def _die(name: str) -> None:
    number = getattr(signal, f"SIG{name}")
    if name != "KILL":
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    while True:
        time.sleep(1)
