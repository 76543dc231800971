"""Worker and CLI are killed before every single write: each piece of guidance counts in exactly one iteration."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest.mock import patch

import pytest

from samobot.claude.outcome import Outcome
from samobot.claude.outcome_kinds import OutcomeKind
from samobot.claude.stream import Tail
from samobot.claude.turn_input import TurnInput
from samobot.config.project_guard import ProjectGuard
from samobot.session import gate
from samobot.session.folder import SessionFolder
from samobot.session.gate_effects import lift
from samobot.session.guidance import parse_guidance, pending
from samobot.session.log_copy import new_stream
from samobot.worker.agent_guard import AgentGuard
from samobot.worker.assignment import Assignment, Report
from samobot.worker.session_files import SessionFiles
from samobot.worker.steering import Steering, settle_guidance
from tests.support.fake_iteration import Clock, FakeIteration, bench
from tests.support.pipe import MemoryPipe
from tests.support.session_folder import NOW, make_session, write_signal

# What happens in the first iteration; the next one answers, signals and ends. A bare text is guidance that is saved: the
# first is taken up in time, the same text again behind the signal, and of the last two one is sent and one is not.
FIRST = (
    "a", "deliver", "request", "a", "b", "deliver", "signal", "request", "c", "deliver", "a", "end",
)  # fmt: skip
USUAL = ("request", "signal", "end")


class KilledError(BaseException):
    """Whoever was to write next is gone, without a chance to clean up."""


class World:
    """A session, its worker, and a CLI, of which one or both can be killed before each write.

    Args:
        folder: The session.

    Attributes:
        left: Writes until the kill; below 0 for none.
        cli_only: Whether only the CLI is killed, and only its writes count.
        said: The guidance.
        counted: What iterations have answered whose signal stands.
    """

    def __init__(self, folder: SessionFolder) -> None:
        self.folder = folder
        self.left = -1
        self.cli_only = False
        self.said = Counter[str]()
        self.counted = Counter[str]()
        self._scripts: Iterator[tuple[str, ...]] = itertools.chain([FIRST], itertools.repeat(USUAL))
        self._dead = False

    def say(self, words: str) -> None:
        """Save guidance, by a process that lives."""
        left, self.left = self.left, -1
        gate.tell(self.folder, words, "ann", NOW)
        self.left = left
        self.said[words] += 1

    def step(self, *, cli: bool = False) -> None:
        """Something is about to be written."""
        if self._dead or (self.left == 0 and (cli or not self.cli_only)):
            self._dead = not self.cli_only
            self.left = -1
            raise KilledError
        if self.left > 0 and (cli or not self.cli_only):
            self.left -= 1

    def run(self) -> bool:
        """Run a worker to its end; whether it came to that."""
        self._dead = False
        made = bench(self.folder)
        made.worker._iteration = _Iteration(self, made.files, made.clock)
        with contextlib.ExitStack() as stack:
            for name in ("replace", "unlink", "write", "rename"):
                stack.enter_context(patch.object(os, name, self._stepping(getattr(os, name))))
            stack.enter_context(patch.object(os, "fsync"))
            try:
                asyncio.run(made.worker.run())
            except KilledError:
                return False
        return True

    def _stepping(self, real: Callable[..., object]) -> Callable[..., object]:
        def write(*args: object, **more: object) -> object:
            self.step()
            return real(*args, **more)

        return write

    def next_script(self) -> tuple[str, ...]:
        """What happens in the next iteration."""
        return next(self._scripts)


class _Iteration(FakeIteration):
    """The parts of an iteration that read and write the session, in the same order as the real one."""

    def __init__(self, world: World, files: SessionFiles, clock: Clock) -> None:
        super().__init__(files, (), clock)
        self._crashing = world
        self._files = files
        self._guard = AgentGuard(files, ProjectGuard(world.folder.path.parent / "state", lambda: NOW), ())

    async def clean_up_after_a_dead_worker(self) -> None:
        settle_guidance(self._files)
        self._guard.revert(after_crash=True)

    async def carry_out(
        self, assignment: Assignment, stop: asyncio.Event, *, answered: Callable[[], None]
    ) -> Report:
        world, files, folder = self._crashing, self._files, self._files.folder
        self._guard.release()
        guidance = files.pending_guidance()
        files.begin_iteration(assignment.phase, assignment.visit, assignment.number)
        log = new_stream(folder, f"{assignment.number}.jsonl")
        self._guard.hold(None, folder.logs / "x.patch")
        steering = Steering(folder, "s", guidance, number=assignment.number, log=log.name)
        cli = _Cli(world, log, [item.text for item in guidance])
        with Tail(log, folder.logs / log.name) as tail:
            try:
                for act in world.next_script():
                    cli.act(act, steering)
                    for record in tail.read():
                        steering.record(record)
            except KilledError:
                cli.die()
                if not world.cli_only:
                    raise
            for record in tail.finish():
                steering.record(record)
        self._guard.end()
        kind = OutcomeKind.COMPLETED if cli.signaled else OutcomeKind.CRASHED
        outcome = Outcome(kind, "over")
        return Report(assignment.number, outcome, files.signal(), (), steering.received, changed=True)


class _Cli:
    """Reads its input, repeats what it takes up, and makes requests.

    Attributes:
        signaled: Whether its agent has written the signal.
    """

    def __init__(self, world: World, log: Path, prompt: list[str]) -> None:
        self.signaled = False
        self._world = world
        self._log = log
        self._conversation = prompt
        self._answered = Counter[str]()
        self._pipe = MemoryPipe(world.step)
        self._read = 0

    def act(self, act: str, steering: Steering) -> None:
        """Do one thing of the script."""
        match act:
            case "deliver":
                steering.deliver(TurnInput(self._pipe))
            case "request":
                for line in self._pipe.lines[self._read :]:
                    self._read += 1
                    self._write({"type": "user", "isReplay": True, "uuid": line["uuid"]})
                    self._conversation.append(line["message"]["content"].partition("\n")[2])
                assert not Counter(self._conversation) - self._world.said, "given twice in one conversation"
                self._world.step(cli=True)  # the request is made, and is not answered
                self._write({"type": "assistant", "message": {"content": "On it"}})
                self._answered = Counter(self._conversation)
            case "signal":
                self._world.step(cli=True)
                write_signal(self._world.folder, status="blocked", reason="x")
                self.signaled = True
            case "end":
                self._write({"type": "result", "subtype": "success"})
                self.die()
            case words:
                self._world.say(words)

    def die(self) -> None:
        """Nothing changes any longer what the iteration is worth."""
        if self.signaled:
            self._world.counted += self._answered
        self._answered = Counter()

    def _write(self, line: dict[str, object]) -> None:
        self._world.step(cli=True)
        with self._log.open("a") as file:
            file.write(json.dumps(line) + "\n")


def check(world: World) -> None:
    """Let a worker come to its end undisturbed; then each piece has counted once."""
    world.left, world.cli_only = -1, False
    is_open = True
    while is_open:
        lift(world.folder, "x", NOW)  # as a retry does, which removes the signal
        assert world.run()
        assert not world.counted - world.said, "worked with twice"
        is_open = bool(pending(parse_guidance(world.folder.guidance.read_text())))
    assert world.counted == world.said, "lost"


@pytest.mark.slow
@pytest.mark.parametrize("cli_only", [False, True], ids=["both", "cli"])
def test_killed_before_any_write_each_piece_counts_once(tmp_path: Path, *, cli_only: bool) -> None:
    for number in itertools.count():
        (parent := tmp_path / str(number)).mkdir()
        world = World(make_session(parent))
        world.left, world.cli_only = number, cli_only
        world.run()
        was_killed = world.left < 0
        world.left = number % 12  # the next one early, where it settles what the first has left
        world.run()
        check(world)
        if not was_killed:
            assert number > 5, "it was killed again and again"
            return
