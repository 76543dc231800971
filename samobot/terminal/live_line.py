"""The output of a running session: one live line in a terminal, plain lines elsewhere.

rich is imported only for a real terminal: a worker in the background stays small.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Protocol

import click

from samobot.text import human_duration, human_money, one_line, printable
from samobot.worker.assignment import Progress
from samobot.worker.run import Notice

if TYPE_CHECKING:
    from rich.live import Live
    from rich.text import Text


class Display(Protocol):
    """Where a run shows what it does."""

    def notice(self, notice: Notice) -> None:
        """Show something that happened."""

    def progress(self, progress: Progress) -> None:
        """Show what the iteration is doing now; called often."""


def show(text: str) -> None:
    """Print a line unless the terminal or reader has gone; the run continues without it."""
    with suppress(OSError):
        click.echo(printable(text))


@contextmanager
def open_display(name: str) -> Iterator[Display]:
    """Open the display that fits where the output goes: a terminal or a file."""
    if not sys.stdout.isatty():
        yield PlainDisplay(name)
        return
    from rich.live import Live

    display = LiveDisplay(name)
    live = Live(get_renderable=display.render, refresh_per_second=4, transient=True)
    display.attach(live)
    try:
        with suppress(OSError):
            live.start()
        yield display
    finally:
        with suppress(OSError):
            live.stop()


class PlainDisplay:
    """One line an event, for a log or a pipe."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._shown = 0

    def notice(self, notice: Notice) -> None:
        """Print it."""
        show(f"{_clock()} {self._name}: {notice.text}")

    def progress(self, progress: Progress) -> None:
        """Print the beginning of each iteration; what follows is in its log."""
        if progress.number != self._shown:
            self._shown = progress.number
            show(f"{_clock()} {self._name}: iteration {progress.number}, {progress.phase}")


class LiveDisplay:
    """A line that is repainted, with what happened scrolling past above it."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._progress: Progress | None = None
        self._live: Live | None = None

    def attach(self, live: Live) -> None:
        """Take the place on the screen."""
        self._live = live

    def notice(self, notice: Notice) -> None:
        """Print above the living line."""
        if self._live is None:
            return
        with suppress(OSError):
            self._live.console.print(printable(f"{_clock()} {notice.text}"), markup=False, highlight=False)

    def progress(self, progress: Progress) -> None:
        """Keep what the next repaint shows."""
        self._progress = progress

    def render(self) -> Text:
        """The line as it is now."""
        from rich.text import Text

        progress = self._progress
        if progress is None:
            return Text(f"▶ {self._name}: starting", style="dim")
        elapsed = human_duration(time.monotonic() - progress.started)
        line = Text(no_wrap=True, overflow="ellipsis")
        line.append(f"▶ {self._name} ", style="bold")
        line.append(f"{progress.phase} · iteration {progress.number} · ")
        line.append(printable(one_line(progress.activity, 80)), style="cyan")
        line.append(f" · {elapsed} · {human_money(progress.cost_before)}", style="dim")
        return line


def _clock() -> str:
    return time.strftime("%H:%M:%S")
