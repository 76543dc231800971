"""`samobot demo`: the whole product on this machine, without an account, a token or a login."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING

import click

from samobot.errors import UsageError
from samobot.session.search_path import find_program

if TYPE_CHECKING:
    from samobot.sandbox.demo.launcher import DemoOptions, RunningDemo


@click.command("demo")
@click.option("--real", is_flag=True, help="Use your own Claude CLI, on a throw-away repository. It costs.")
@click.option("--terminal", is_flag=True, help="Play it in this terminal instead of the browser.")
@click.option("--fast", is_flag=True, help="At full speed; with --terminal also unattended.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Of the page; by default a free one.")
@click.option("--no-open", is_flag=True, help="Only print the page's address.")
def demo_command(real: bool, terminal: bool, fast: bool, port: int, no_open: bool) -> int:
    """Show the whole product on this machine: no account, no token, no Claude login.

    Telegram and the agent are simulated; the bot, its loop and git are real. Everything lies in a temporary
    folder that is removed at the end. The page is for this machine only.

    \b
    Examples:
      samobot demo
      samobot demo --terminal
      samobot demo --terminal --fast     runs unattended and exits
    """
    from samobot.sandbox.demo.launcher import PACE, DemoOptions

    claude = _real_claude(unattended=terminal and fast) if real else None
    options = DemoOptions(claude=claude, pace=0 if fast else PACE, poll=0.1 if fast else 0.5, port=port)
    return asyncio.run(_show(options, terminal=terminal, fast=fast, browser=not no_open))


def _real_claude(*, unattended: bool) -> Path:
    """Find the CLI, and ask about the cost."""
    found = find_program(os.environ.get("CLAUDE_PATH") or "claude", os.environ)
    if found is None:
        raise UsageError("The Claude CLI is not here: install it, or name it in CLAUDE_PATH.")
    if unattended:
        raise UsageError("--real with --terminal --fast would spend money unattended: leave one out.")
    click.echo(
        "The agent will be your own Claude CLI. It works in a throw-away repository, without asking for permissions,\n"
        "as your user on this machine. A small task costs about 1 to 5 US dollars of your account's usage."
    )
    click.confirm("Continue?", abort=True)
    return Path(found).resolve()


async def _show(options: DemoOptions, *, terminal: bool, fast: bool, browser: bool) -> int:
    from samobot.sandbox.demo.launcher import RunningDemo

    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, ended.set)
    click.echo("Starting the demo …", err=True)
    demo = RunningDemo(options, os.environ)
    setting = asyncio.create_task(demo.__aenter__())
    ending = asyncio.create_task(ended.wait())
    try:
        await asyncio.wait({setting, ending}, return_when=asyncio.FIRST_COMPLETED)
        if not setting.done():
            setting.cancel()
            await asyncio.wait({setting})
            return 130
        await setting
        try:
            playing = asyncio.create_task(_play(demo, terminal=terminal, fast=fast, browser=browser))
            await asyncio.wait({playing, ending}, return_when=asyncio.FIRST_COMPLETED)
            if playing.done():
                return await playing
            playing.cancel()
            await asyncio.wait({playing})
            return 130 if terminal else 0
        finally:
            click.echo("\nClearing up …", err=True)
            await demo.__aexit__(None, None, None)
            click.echo("Everything that the demo started has ended, and its folder is gone.", err=True)
    finally:
        ending.cancel()


async def _play(demo: RunningDemo, *, terminal: bool, fast: bool, browser: bool) -> int:
    if not terminal:
        _announce(demo, browser=browser)
        await asyncio.Event().wait()
    from samobot.sandbox.demo.textchat import TextChat

    chat = TextChat(demo.server, demo.person, demo.page.chat, click.echo)
    about = demo.page.about
    # There is no page to be seen here.
    click.echo(f"Simulated: {about.simulated.replace(' (this page)', '')}\nReal: {about.real}")
    if fast:
        await chat.tour()
        return 0
    following = asyncio.create_task(chat.follow())
    try:
        lines = _lines()
        while (line := await lines.get()) is not None and line.strip() not in ("quit", "exit"):
            chat.enter(line)
    finally:
        following.cancel()
    return 0


def _announce(demo: RunningDemo, *, browser: bool) -> None:
    click.echo(f"\n  The chat:  {demo.page.url}\n")
    about = demo.page.about
    click.echo(f"  Simulated: {about.simulated}\n  Real:      {about.real}\n  Cost:      {about.cost}\n")
    if os.environ.get("SSH_CONNECTION"):
        port = demo.server.url.rpartition(":")[2]
        click.echo(f"  From another machine first:  ssh -L {port}:127.0.0.1:{port} …\n")
    click.echo("  Ctrl-C ends it.")
    if browser and _has_a_screen():
        threading.Thread(target=webbrowser.open, args=(demo.page.url,), daemon=True).start()


def _has_a_screen() -> bool:
    """Whether a browser can open beside this terminal; one that would run inside it is not wanted."""
    return sys.platform == "darwin" or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


def _lines() -> asyncio.Queue[str | None]:
    """What is typed, line by line; None at the end.

    A daemon thread reads: no other way leaves the terminal's settings alone and ends at Ctrl-C.
    """
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[str | None] = asyncio.Queue()

    def read() -> None:
        try:
            for line in sys.stdin:
                loop.call_soon_threadsafe(lines.put_nowait, line)
            loop.call_soon_threadsafe(lines.put_nowait, None)
        except (RuntimeError, ValueError):
            return  # the demo ended while this waited for a line

    threading.Thread(target=read, daemon=True).start()
    return lines
