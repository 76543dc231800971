"""The bot's end of a fleet of several machines as a program that can be killed: `python -m … FOLDER`.

It does what the bot does with what users send, and is to Telegram as the bot is: `updates.jsonl` is read in order, an
update without an answer is handled again after a death, and so is the last one that has an answer. Written are
`answers.jsonl`, `news.jsonl`, and `now.json` with what is known of each host. `HUB_ACK_SECONDS` replaces `ACK_SECONDS`.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

from samobot.config.settings_loader import load_settings
from samobot.errors import SamobotError, SavedForHostError
from samobot.fleet.fleet import Fleet
from samobot.fleet.local_fleet import LocalFleet
from samobot.fleet.models import SessionRef
from samobot.fleet.request_scope import request_scope
from samobot.hosts import nats_streams
from samobot.hosts.reach import with_hosts
from samobot.session.files import write_atomic
from samobot.session.gate import Person
from samobot.system.clock import utc_now

ANNA = Person("anna", "telegram")
_LOOK_SECONDS = 0.05


def lines(file: Path) -> list[dict[str, Any]]:
    """The whole lines of a file that another process is writing."""
    if not file.exists():
        return []
    return [
        json.loads(line)
        for line in file.read_text(encoding="utf-8").splitlines(keepends=True)
        if "\n" in line
    ]


def add_line(file: Path, line: dict[str, Any]) -> None:
    """Write a line in one step: a death leaves it out or whole."""
    with file.open("ab", buffering=0) as out:
        out.write(json.dumps(line).encode() + b"\n")


async def _handle(fleet: Fleet, update: dict[str, Any], answers: Path) -> None:
    answer: dict[str, Any] = {"n": update["n"], "how": "done"}
    try:
        answer["value"] = await _call(fleet, update)
    except SavedForHostError as saved:
        answer |= {"how": "saved", "id": saved.decision, "value": saved.message}
    except SamobotError as error:
        answer |= {"how": "refused", "value": error.message}
    add_line(answers, answer)


async def _call(fleet: Fleet, update: dict[str, Any]) -> Any:
    with request_scope(f"update {update['n']}"):
        match update["call"]:
            case "tell":
                ref = SessionRef.from_key(update["session"])
                return await fleet.add_guidance(ref, update["text"], ANNA)
            case "panic":
                return [(each.words, each.clean) for each in await fleet.panic(ANNA)]
            case "lift":
                return await fleet.lift_emergency_stop()
            case "read":
                return [each.name for each in await fleet.files(SessionRef.from_key(update["session"]))]
            case _:
                raise AssertionError(update)


async def _run(folder: Path) -> None:
    if seconds := os.environ.get("HUB_ACK_SECONDS"):
        nats_streams.ACK_SECONDS = float(seconds)
    answers, news = folder / "answers.jsonl", folder / "news.jsonl"
    settings = load_settings()
    fleet = with_hosts(LocalFleet(settings, environ=os.environ), settings.samobot_state_dir, utc_now)
    known = [each["n"] for each in lines(answers)]
    handled = set(known[:-1])
    tasks = set()
    while True:
        for update in lines(folder / "updates.jsonl"):
            if update["n"] not in handled:
                handled.add(update["n"])
                tasks.add(asyncio.create_task(_handle(fleet, update, answers)))
        for event in (await fleet.poll()).events:
            add_line(news, event.model_dump(mode="json"))
        hosts = {each.name: each.model_dump(mode="json") for each in await fleet.hosts()}
        write_atomic(folder / "now.json", json.dumps({"pid": os.getpid(), "hosts_by_name": hosts}))
        await asyncio.sleep(_LOOK_SECONDS)


if __name__ == "__main__":
    asyncio.run(_run(Path(sys.argv[1])))
