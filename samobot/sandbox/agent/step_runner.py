"""The steps of a scenario, carried out: one method a step. Standard library only, see `samobot.sandbox.agent.main`.

Those that write files are in `samobot.sandbox.agent.file_steps`, those in which something goes wrong in `samobot.sandbox.agent.failure_steps`.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable

from samobot.sandbox.agent.failure_steps import FailureSteps
from samobot.sandbox.agent.file_steps import FileSteps
from samobot.sandbox.agent.templates import Templates

TYPE_CHECKING = False  # `typing` is not imported: see `samobot.sandbox.agent.main`
if TYPE_CHECKING:
    from typing import Any

    from samobot.sandbox.agent.shell import Shell
    from samobot.sandbox.agent.transcript import Stream

_ITSELF = ("-c", "user.name=Scripted agent", "-c", "user.email=agent@example.invalid")


class StepRunner:
    """Carries out the steps of one run.

    Args:
        stream: The run's stdout.
        shell: Its Bash tool.
        session: The session folder; empty if none was given.
        facts: Values of templates that do not change during the run.
    """

    def __init__(self, stream: Stream, shell: Shell, *, session: str, facts: dict[str, str]) -> None:
        self.no_result = False
        self._stream = stream
        self._shell = shell
        templates = Templates(session, facts)
        self._fill = templates.fill
        self._path = templates.path
        self._parts = (
            self,
            FileSteps(stream, templates, facts["session_name"]),
            FailureSteps(stream, templates),
        )

    def play(self, step: dict[str, Any]) -> int | None:
        """Carry out one step; returns an exit code if the run ends with it."""
        fields = dict(step)
        name = fields.pop("do", None)
        moves = (getattr(part, f"do_{name}", None) for part in self._parts)
        move: Callable[..., int | None] | None = next(filter(None, moves), None)
        if move is None:
            print(f"The scenario has a step “{name}” that does not exist", file=sys.stderr)
            return 1
        try:
            return move(**fields)
        except TypeError as error:
            print(f"The scenario's step “{name}” is wrong: {error}", file=sys.stderr)
            return 1

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

    # Output

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

    # The end

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
