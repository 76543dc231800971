"""The standard input of a running Claude CLI: further messages of the user, and an interruption.

With `--input-format stream-json` each line is a message. One that is written while a tool runs is part of the next
request; one that comes between two turns starts another turn, and so another result. With `--replay-user-messages` the
CLI repeats a message, with its UUID, when it takes it up. Measured on Claude Code 2.1.197 and 2.1.332.
"""

from __future__ import annotations

import asyncio
import json
import os

STEERABLE = ("--input-format", "stream-json", "--replay-user-messages")
"""Flags with which the CLI reads messages as JSON lines until its input ends."""


def user_line(text: str, uuid: str | None = None) -> bytes:
    """One message of the user as a line of input.

    Args:
        text: The message.
        uuid: What the CLI repeats when it takes the message up; None lets the CLI choose.
    """
    line: dict[str, object] = {"type": "user", "message": {"role": "user", "content": text}}
    if uuid is not None:
        line["uuid"] = uuid
    return json.dumps(line).encode() + b"\n"


class TurnInput:
    """The end of the pipe that the worker holds.

    Args:
        pipe: The transport over the pipe's writing end.
    """

    def __init__(self, pipe: asyncio.WriteTransport) -> None:
        self._pipe = pipe
        self._waiting: set[str] = set()
        self._interrupted = False
        self._interruptions = 0

    @property
    def is_open(self) -> bool:
        """Whether a message could still be taken up."""
        return not self._pipe.is_closing()

    def send(self, text: str, uuid: str) -> None:
        """Give the running turn a message; `taken_up` is called with its UUID once the CLI has it."""
        self._waiting.add(uuid)
        self._pipe.write(user_line(text, uuid))

    def interrupt(self) -> None:
        """End the tool that runs and the turn; the message that is sent next starts another one."""
        self._interruptions += 1
        self._interrupted = True
        asked = {"request_id": f"interrupt-{self._interruptions}", "request": {"subtype": "interrupt"}}
        self._pipe.write(json.dumps({"type": "control_request", **asked}).encode() + b"\n")

    def taken_up(self, uuid: str) -> None:
        """Note that the CLI has taken a message up."""
        self._waiting.discard(uuid)

    def end_turn(self) -> None:
        """Close the input after a result, so that the CLI exits; not where an interruption makes another turn follow.

        Messages that it has read by then still get their turn.
        """
        another = self._interrupted and bool(self._waiting)
        self._interrupted = False
        if not another:
            self.close()

    def close(self) -> None:
        """Send nothing more; what was sent is still written. Safe to repeat."""
        self._pipe.close()


async def open_input(first: bytes) -> tuple[int, TurnInput]:
    """Make the pipe.

    Args:
        first: The first line.

    Returns:
        The reading end, for the process and to be closed by the caller; and the writing end.
    """
    reading, writing = os.pipe()
    try:
        file = os.fdopen(writing, "wb", buffering=0)
        pipe, _ = await asyncio.get_running_loop().connect_write_pipe(asyncio.BaseProtocol, file)
    except BaseException:
        os.close(reading)
        raise
    pipe.write(first)
    return reading, TurnInput(pipe)
