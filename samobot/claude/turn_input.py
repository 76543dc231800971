"""The standard input of a running Claude CLI: further messages of the user, permissions, and an interruption.

With `--input-format stream-json` each line is a message. One that is written while a tool runs is part of the next
request; one that comes between two turns starts another turn, and so another result. With `--replay-user-messages` the
CLI repeats a message, with its UUID, when it takes it up. With `--permission-prompt-tool stdio` it asks on its output
where it would prompt, and waits for the response. Measured on Claude Code 2.1.197 and 2.1.332.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping
from typing import Any

STEERABLE = ("--input-format", "stream-json", "--replay-user-messages")
"""Flags with which the CLI reads messages as JSON lines until its input ends."""

ASKS = ("--permission-prompt-tool", "stdio")
"""Flags with which it asks for permissions on its output; they need `STEERABLE`."""


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
        self._asked: set[str] = set()

    @property
    def is_asking(self) -> bool:
        """Whether the CLI waits for a permission."""
        return bool(self._asked)

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

    def asked(self, request: str) -> None:
        """Note that the CLI waits for a permission under this request id."""
        self._asked.add(request)

    def withdrawn(self, request: str) -> None:
        """Note that it does not wait for that permission any longer."""
        self._asked.discard(request)

    def allow(self, request: str, tool_input: Mapping[str, Any]) -> None:
        """Let the call be made that was asked for.

        Args:
            request: Id of the request.
            tool_input: The call's input, as it was asked for.
        """
        self._respond(request, {"behavior": "allow", "updatedInput": dict(tool_input)})

    def deny(self, request: str, message: str) -> None:
        """Refuse the call that was asked for; the model gets the message as its result."""
        self._respond(request, {"behavior": "deny", "message": message})

    def _respond(self, request: str, response: Mapping[str, Any]) -> None:
        self._asked.discard(request)
        content = {"subtype": "success", "request_id": request, "response": response}
        self._pipe.write(json.dumps({"type": "control_response", "response": content}).encode() + b"\n")

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
