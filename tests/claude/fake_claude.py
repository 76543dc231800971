"""A stand-in for the Claude CLI that misbehaves on request: `fake_claude.py SCENARIO TOKEN`.

Every process it starts carries TOKEN on its command line, so that a test can look for what is left of it.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import Any

TOKEN = sys.argv[2]
SLEEP = "import time; time.sleep(600)"
# A process that is replaced by a copy of itself many times a second, in one group.
FORKER = "import os, time\nwhile True:\n    if os.fork():\n        os._exit(0)\n    time.sleep(0.001)"


def say(**line: Any) -> None:
    write(json.dumps(line) + "\n")


def write(text: str) -> None:
    data = text.encode()
    while data:
        data = data[os.write(1, data) :]


INIT = {
    "type": "system",
    "subtype": "init",
    "session_id": "s",
    "model": "opus",
    "claude_code_version": "2.1.197",
}


def init() -> None:
    say(**INIT)


def tool(name: str = "Bash", **fields: Any) -> None:
    block = {"type": "tool_use", "id": "t1", "name": name, "input": fields}
    say(type="assistant", message={"content": [block]}, parent_tool_use_id=None)


def result(text: str = "Done.", **fields: Any) -> None:
    base = {"type": "result", "subtype": "success", "is_error": False, "stop_reason": "end_turn"}
    say(**base | {"result": text, "total_cost_usd": 0.25, "num_turns": 3, "session_id": "s"} | fields)


def start(code: str = SLEEP, *, session: bool = True) -> None:
    null = subprocess.DEVNULL
    subprocess.Popen(
        [sys.executable, "-S", "-c", code, TOKEN],
        stdin=null,
        stdout=null,
        stderr=null,
        start_new_session=session,
    )


def start_all() -> None:
    """A tool's process, one in our own session, one that lost its parent at once, and one below another."""
    start()
    start(session=False)
    below = f"import subprocess, sys; subprocess.Popen([sys.executable, '-S', '-c', {SLEEP!r}, {TOKEN!r}], stdout=2)"
    subprocess.run([sys.executable, "-S", "-c", below], check=True, start_new_session=True)
    parent = subprocess.Popen(
        [sys.executable, "-S", "-c", f"{below}; print('ready', flush=True); {SLEEP}", TOKEN],
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert parent.stdout is not None
    parent.stdout.readline()


def forever() -> None:
    while True:
        time.sleep(600)


def on_interrupt(*_: object) -> None:
    result("", subtype="error_during_execution", is_error=True, terminal_reason="aborted_tools", errors=["x"])
    os._exit(1)


def run(scenario: str) -> None:
    match scenario:
        case "good":
            init()
            result()
        case "echo":
            init()
            handlers = {name: signal.getsignal(getattr(signal, name)) for name in ("SIGINT", "SIGTERM")}
            default = handlers == {"SIGINT": signal.default_int_handler, "SIGTERM": signal.SIG_DFL}
            result(
                json.dumps(
                    {
                        "stdin": sys.stdin.read(),
                        "cwd": os.getcwd(),
                        "env": dict(os.environ),
                        "default": default,
                    }
                )
            )
        case "children" | "good_with_children":
            signal.signal(signal.SIGINT, on_interrupt)
            init()
            start_all()
            tool(command="make test")
            if scenario == "children":
                forever()
            result()
        case "stubborn":
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            init()
            start_all()
            tool(command="make test")
            forever()
        case "forker":
            init()
            start(FORKER)
            result()
        case "hang_start":
            start()
            forever()
        case "hang_exit":
            init()
            result()
            forever()
        case "silent":
            init()
            tool("Read", file_path="x")
            forever()
        case "long_tool":
            start()  # before anything is said: however slow that is, the clock of silence does not run yet
            block = {"type": "tool_use", "id": "t1", "name": "Bash", "input": {"command": "make test"}}
            called = {"type": "assistant", "message": {"content": [block]}, "parent_tool_use_id": None}
            write(f"{json.dumps(INIT)}\n{json.dumps(called)}\n")  # at once: between them the clock would run
            forever()
        case "die":
            init()
            write('{"type": "result", "subtype": "succ')
            os.kill(os.getpid(), signal.SIGKILL)
        case "no_newline":
            init()
            write('{"type": "result", "subtype": "success", "stop_reason": "end_turn", "result": "all"}')
        case "garbage":
            write("Warning: not JSON\n\x00\x01\n[]\n")
            os.write(1, b"\xff\xfe\n")
            init()
            result()
        case "calm":
            init()
        case "usage":
            os.write(2, b"error: unknown option '--nope'\n")
            sys.exit(1)
        case "chatty_stderr":
            init()
            for number in range(2000):
                os.write(2, f"line {number} {'x' * 90}\n".encode())
            sys.exit(3)
        case "big":
            init()
            block = {"type": "tool_result", "tool_use_id": "t1", "content": "y" * 300_000}
            line = json.dumps({"type": "user", "message": {"content": [block]}}) + "\n"
            for _ in range(200 * 1024 * 1024 // len(line)):
                write(line)
            say(type="user", message={"content": [{"type": "tool_result", "content": "z" * 20_000_000}]})
            result("r" * 3_000_000)
        case _:
            sys.exit(f"no scenario {scenario}")


run(sys.argv[1])
