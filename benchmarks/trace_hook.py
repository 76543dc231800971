"""Runs the bot with a profile hook, for `benchmarks.trace`: `python -m benchmarks.trace_hook OUT bot …`.

SIGUSR1 begins a window, SIGUSR2 ends it and appends its counts to OUT as one line of JSON.
"""

from __future__ import annotations

import json
import runpy
import signal
import sqlite3
import sys
import threading
from collections import Counter
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

PARSERS = {"parse_qa", "parse_overview"}


class Window:
    """What happened between two signals, over all threads of the process."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._modules: dict[CodeType, str | None] = {}
        self._lock = threading.Lock()
        self.open = False
        self._reset()

    def _reset(self) -> None:
        self._calls: Counter[str] = Counter()
        self._functions: Counter[CodeType] = Counter()
        self._parses: Counter[str] = Counter()
        self._statements: Counter[str] = Counter()
        self._sequence: list[CodeType | str] = []
        self._changes = 0
        self._last = ""

    def profile(self, frame: FrameType, event: str, _: Any) -> None:
        """The hook of `sys.setprofile`: counts calls of functions of samobot; a resumed coroutine counts too."""
        if not self.open or event != "call":
            return
        code = frame.f_code
        if code not in self._modules:
            name = str(frame.f_globals.get("__name__", ""))
            self._modules[code] = name if name.startswith("samobot.") else None
        module = self._modules[code]
        if module is None:
            return
        with self._lock:
            self._calls[module] += 1
            self._functions[code] += 1
            self._sequence.append(code)
            self._changes += module != self._last
            self._last = module
            if code.co_name in PARSERS:
                self._parses[code.co_name] += 1

    def statement(self, sql: str) -> None:
        """The hook of SQLite: counts statements by their first word."""
        if self.open:
            self._statements[sql.split(None, 1)[0].upper()] += 1
            self._sequence.append(sql)

    def begin(self, *_: Any) -> None:
        """Open the window."""
        self._reset()
        self.open = True

    def end(self, *_: Any) -> None:
        """Close the window and write its counts."""
        self.open = False
        counts = {
            "modules": len(self._calls),
            "changes": self._changes,
            "calls": self._calls.total(),
            "parse_qa": self._parses["parse_qa"],
            "parse_overview": self._parses["parse_overview"],
            "selects": self._statements["SELECT"],
            "transactions": self._statements["BEGIN"],
            "by_module": dict(self._calls.most_common()),
            "by_function": {self._name(code): count for code, count in self._functions.most_common()},
            "sequence": [each if isinstance(each, str) else self._name(each) for each in self._sequence],
        }
        with self._out.open("a", encoding="utf-8") as file:
            file.write(json.dumps(counts) + "\n")

    def _name(self, code: CodeType) -> str:
        return f"{self._modules[code]}.{code.co_qualname}"


def main() -> None:
    """Install the hooks and become `samobot` with the remaining arguments."""
    window = Window(Path(sys.argv[1]))
    connect = sqlite3.connect

    def traced(*arguments: Any, **options: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*arguments, **options)
        connection.set_trace_callback(window.statement)
        return connection

    setattr(sqlite3, "connect", traced)  # noqa: B010 - the type of the original is a set of overloads
    signal.signal(signal.SIGUSR1, window.begin)
    signal.signal(signal.SIGUSR2, window.end)
    threading.setprofile(window.profile)
    sys.setprofile(window.profile)
    sys.argv = ["samobot", *sys.argv[2:]]
    runpy.run_module("samobot", run_name="__main__")


if __name__ == "__main__":
    main()
