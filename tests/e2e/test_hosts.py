"""A session on another machine, from its task to its end in the chat: real bot, server, host and Claude CLI."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from samobot.hosts.hub_store import HubStore
from tests.e2e.test_journey import COMMIT, PLAN, QA
from tests.support.chat_room import chat_room
from tests.support.claude_cli import cli_environment, require_claude
from tests.support.messages_api import MessagesApi, Step, bash, signal, write
from tests.support.nats import free_port
from tests.support.waiting import until
from tests.support.workshop import Workshop, make_workshop

pytestmark = [pytest.mark.real_cli, pytest.mark.xdist_group("real_cli_hosts")]


def journey() -> dict[str, list[Step]]:
    return {
        "investigation": [*signal("continue", phase="requirements", summary="Looked around")],
        "requirements": [
            write("{session}/_qa.md", QA),
            *signal("waiting", waiting_for="qa_answers", summary="Asked two questions"),
            *signal("continue", phase="planning", summary="Folded the answers in"),
        ],
        "planning": [
            write("{session}/01-02-03:05-plan-greeting.md", PLAN),
            *signal("waiting", waiting_for="plan_approval", summary="Wrote a plan"),
        ],
        "implementation": [bash(COMMIT), *signal("continue", phase="testing", summary="Wrote greet.py")],
        "testing": [*signal("continue", phase="done", summary="It prints")],
        "done": [
            write("{session}/01-02-03:07-summary.md", "# Summary\nAdded `greet.py`.\n"),
            *signal("done", summary="Added greet.py"),
        ],
    }


@contextlib.contextmanager
def running(shop: Workshop, *arguments: str) -> Iterator[None]:
    """A program of a machine, ended in order."""
    process = shop.start(*arguments)
    try:
        yield
    finally:
        process.terminate()
        _, log = process.communicate(timeout=60)
        assert process.returncode == 0, log


def typed(shop: Workshop, line: str) -> str:
    """What a command line prints."""
    program, *arguments = shlex.split(line)
    assert program == "samobot"
    done = shop.samobot(*arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def heard_of(hub: Workshop) -> int:
    """How many hosts the bot knows."""
    with contextlib.closing(HubStore(hub.state)) as store:
        return len(store.heard())


async def test_a_session_of_another_machine_from_task_to_done(tmp_path: Path) -> None:
    with MessagesApi(journey()) as api:
        hub = make_workshop(tmp_path / "hub", cli_environment(tmp_path / "hub" / "home", api.url))
        laptop = make_workshop(
            tmp_path / "laptop",
            cli_environment(tmp_path / "laptop" / "home", api.url)
            | {"CLAUDE_PATH": str(require_claude()), "SAMOBOT_PROJECTS": str(tmp_path / "laptop" / "demo")},
        )
        async with chat_room(hub) as room:
            with contextlib.ExitStack() as programs:
                await asyncio.to_thread(connect, hub, laptop, programs)
                await room.start()
                await asyncio.to_thread(until, lambda: heard_of(hub))
                said = room.say("/run demo@laptop:greet Add a greeting script")
                first = await room.see(
                    "Which greeting", fits=lambda message: bool(message.labels), after=said
                )
                await room.tap(first, "B")
                room.ann.reply(await room.see("Which language", after=first.id), "English")
                await room.see("has its answers", after=said)
                plan = await room.see("has a plan", fits=lambda message: bool(message.labels), after=said)
                await room.tap(plan, "✅ Approve")
                done = await room.see("greet is done", after=plan.id)
                assert "1 commit" in done.text
                api.check()

                assert "B) good day" in "\n".join(str(each.text) for each in api.of_phase("requirements"))
                assert "greet.py" in laptop.git("show", "--stat", "greet")
                assert hub.git("branch", "--format=%(refname:short)") == "main"
                assert room.server.calls.rejected() == []
                assert await room.end() == 0
        until(lambda: laptop.processes() == [])


def connect(hub: Workshop, laptop: Workshop, programs: contextlib.ExitStack) -> None:
    """Make one machine the hub and the other its host, as the how-to does."""
    typed(hub, f"samobot hub init --address 127.0.0.1 --listen 127.0.0.1 --port {free_port()}")
    programs.enter_context(running(hub, "hub", "run"))
    server = hub.state / "hub" / "server.json"
    until(lambda: server.exists() and json.loads(server.read_text())["revision"])
    printed = typed(hub, "samobot host add laptop")
    typed(laptop, next(line for line in printed.splitlines() if "samobot host join" in line))
    programs.enter_context(running(laptop, "host"))
