"""The chat with other machines: who is away since when, what is saved for whom, and how it ended there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg

from samobot.errors import ConflictError
from samobot.fleet.fleet import Fleet
from samobot.fleet.models import PastSession, SessionRef, SessionView
from samobot.fleet.results import ProjectView
from samobot.hosts import subjects
from samobot.hosts.hub_link import HubLink
from samobot.hosts.hub_messages import Beat, CallOutcome, DecisionReceipt, SessionSnapshot
from samobot.hosts.hub_store import HubStore
from samobot.hosts.link import Link
from samobot.hosts.remote_fleet import RemoteFleet
from samobot.hosts.router import FleetRouter
from samobot.session.gate import Person
from samobot.session.status import SessionState
from samobot.telegram.markup.html import to_plain
from samobot.telegram.store.bot_store import Store
from samobot.telegram.store.outbox_rows import Op
from tests.support.phone import Phone, open_phone
from tests.support.views import at_rest, plan, planned

ANNA = Person("anna", "telegram")
HEARD = datetime(2026, 1, 31, 14, 5).astimezone()
"""When the hosts were heard of, in this machine's zone, which is the one that texts are in."""


class Machines:
    """The hub's side of three machines, without a server."""

    def __init__(self, folder: Path) -> None:
        self.clock = HEARD
        self.connected = True
        self.store = HubStore(folder)
        self.link = HubLink(
            Link(user=subjects.HUB, servers=("nats://127.0.0.1:9",)),
            self.store,
            now=lambda: self.clock,
            monotonic=self.seconds,
        )
        self.link.start = lambda: None  # type: ignore[method-assign]
        self.link.known._is_connected = lambda: self.connected

    def seconds(self) -> float:
        return (self.clock - HEARD).total_seconds()

    def fleet(self, local: Fleet) -> Fleet:
        return FleetRouter(local, self.link, lambda: self.clock)

    def beat(self, host: str, *projects: str, running: int = 0, waits_alone: bool = False) -> None:
        """Let a host be reached."""
        sent = Beat(
            host=host, boot="one", at=self.clock, version="0.1.0", running=running, most=3,
            projects=tuple(ProjectView(name=each, repository="/r") for each in projects), waits_alone=waits_alone,
        )  # fmt: skip
        self.link.known.note_beat(Msg(Client(), subject=subjects.beat(host), data=sent.encode()))

    def asks(self, host: str, name: str) -> SessionRef:
        """Let a host have a session that waits for the approval of its plan."""
        ref = SessionRef(project="api", folder=f"26-01-31-{name}", name=name)
        view = planned(plan(), ref=ref)
        self.link.host(host).note(SessionSnapshot(boot="one", n=1, key=ref.key, view=view), watched=True)
        return ref

    def end(self, host: str, refusal: str = "") -> None:
        """Let a host carry out what waits for it, at 16:20."""
        at = HEARD.replace(hour=16, minute=20)
        for stored in self.store.next_decisions(host):
            error = "ConflictError" if refusal else ""
            outcome = CallOutcome(error=error, text=refusal, result="" if refusal else "null")
            self.store.finish(host, DecisionReceipt(id=stored.decision.id, at=at, outcome=outcome))


@pytest.fixture
def machines(tmp_path: Path) -> Machines:
    return Machines(tmp_path / "hub")


@pytest.fixture
async def phone(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch, machines: Machines
) -> AsyncIterator[Phone]:
    async for made in open_phone(tmp_path, store, monkeypatch, ("repo",), machines.fleet):
        yield made


async def ended(phone: Phone) -> list[str]:
    """What the chat shows after the fleet's news, edits first."""
    phone.new()
    phone.context.notifier.notify_fleet_news((await phone.context.fleet.poll()).events)
    return [to_plain(row.post.text) for row in phone.new() if row.op in (Op.SEND, Op.EDIT)]


async def test_hosts_are_listed_with_what_runs_there_and_since_when_one_is_away(
    phone: Phone, machines: Machines
) -> None:
    assert (await phone.say("/hosts"))[0].startswith("Sessions run on this machine alone.")
    machines.beat("laptop", "api", waits_alone=True)
    machines.asks("laptop", "greet")
    machines.clock += timedelta(hours=1)
    machines.beat("studio", "web", running=2)
    assert await phone.say("/hosts") == [
        "2 hosts, 1 reachable\n"
        "📡 laptop · away · 1 session\n"
        "   laptop not reachable since 14:05. Its sessions wait until it is.\n"
        "studio · 2 of 3 running · 0 sessions"
    ]
    assert "📡 laptop not reachable since 14:05." in (await phone.say("/status"))[0]
    for number in range(10, 18):
        machines.beat(f"box-{number}", "api")
        machines.asks(f"box-{number}", "greet")
    machines.clock += timedelta(hours=1)
    lines = [line for line in (await phone.say("/status"))[0].splitlines() if line.startswith("📡")]
    assert [line.split()[1] for line in lines[:5]] == [f"box-{number}" for number in range(10, 15)]
    assert lines[5:] == ["📡 4 more hosts not reachable: /hosts"]


@pytest.mark.parametrize(
    ("said", "saved", "carried_out"),
    [
        ("/approve greet", "approve greet", "✓ on laptop 16:20: approve greet"),
        ("/reject greet shorter", "request changes to greet", "✓ on laptop 16:20: request changes to greet"),
        ("/tell greet in French", "message to greet", "✓ on laptop 16:20: message to greet"),
        ("/stop greet", "stop greet", "✓ on laptop 16:20: stop greet"),
    ],
)
async def test_a_decision_for_a_machine_that_is_away_is_saved_and_its_message_says_how_it_ended(
    phone: Phone, machines: Machines, said: str, saved: str, carried_out: str
) -> None:
    machines.beat("laptop", "api")
    machines.asks("laptop", "greet")
    machines.clock += timedelta(hours=1)
    shown = await phone.say(said)
    await phone.context.background.finish(20)
    shown += [to_plain(row.post.text) for row in phone.new() if row.op is Op.SEND]
    text = f"🕓 Saved for laptop: {saved}. laptop not reachable since 14:05."
    assert text in shown
    assert phone.precedes_alert("Saved for laptop")
    phone.deliver(phone.last("Saved for laptop"), 77)
    machines.end("laptop")
    assert await ended(phone) == [carried_out]


async def test_a_decision_that_came_too_late_is_said_aloud_and_in_its_place(
    phone: Phone, machines: Machines
) -> None:
    machines.beat("laptop", "api")
    machines.asks("laptop", "greet")
    machines.clock += timedelta(hours=1)
    await phone.say("/approve greet")
    phone.deliver(phone.last("Saved for laptop"), 77)
    machines.end("laptop", "greet waits for something else by now; nothing was changed.")
    text = (
        "✗ on laptop 16:20: approve greet was not carried out. "
        "greet waits for something else by now; nothing was changed."
    )
    assert await ended(phone) == [text, text]


@pytest.mark.parametrize("said", ["/diff greet", "/log greet", "/files greet", "/plan greet"])
async def test_a_read_of_a_machine_that_is_away_is_refused_at_once(
    phone: Phone, machines: Machines, said: str
) -> None:
    machines.beat("laptop", "api")
    machines.asks("laptop", "greet")
    machines.clock += timedelta(hours=1)
    shown = await phone.say(said)
    await phone.context.background.finish(20)
    shown += [to_plain(row.post.text) for row in phone.new() if row.op is Op.SEND]
    assert shown == ["laptop not reachable since 14:05."]


async def test_a_run_is_offered_where_it_can_begin_first_and_machines_are_named_where_needed(
    phone: Phone, machines: Machines
) -> None:
    machines.beat("away", "old")
    machines.clock += timedelta(hours=1)
    machines.beat("busy", "web", running=3)
    machines.beat("free", "api", running=1)
    machines.beat("idle", "repo")
    await phone.say("/run name: Add it")
    row = phone.last("Which project?")
    labels = [key["text"] for keys in (row.post.markup or {})["inline_keyboard"] for key in keys]
    assert labels == ["repo", "repo@idle", "api", "⏳ web", "📡 old", "Cancel"]


async def test_the_emergency_stop_counts_no_machine_that_did_not_answer(
    phone: Phone, machines: Machines
) -> None:
    machines.beat("laptop", "api")
    machines.asks("laptop", "greet")
    machines.clock += timedelta(hours=1)
    await phone.say("/panic")
    await phone.context.background.finish(20)
    assert to_plain(phone.last("Emergency stop is on").post.text) == (
        "🛑 Emergency stop is on. Nothing was running where it is confirmed. /resume turns it off.\n"
        "📡 laptop: not confirmed. laptop not reachable since 14:05."
    )


async def test_an_emergency_stop_that_was_pulled_without_hosts_can_be_lifted(
    phone: Phone, machines: Machines
) -> None:
    await phone.context.fleet.panic(ANNA)
    with pytest.raises(ConflictError, match="anna"):
        await phone.context.fleet.refuse_in_panic()
    assert await phone.context.fleet.lift_emergency_stop()
    await phone.context.fleet.refuse_in_panic()
    machines.link.panic.refuse_start()


async def test_status_asks_the_databases_nothing_about_single_hosts_or_sessions(
    phone: Phone, machines: Machines
) -> None:
    statements: list[str] = []
    machines.store._db.set_trace_callback(statements.append)
    phone.store._database._connection.set_trace_callback(statements.append)

    async def asked(hosts: int) -> int:
        for number in range(hosts):
            machines.beat(f"box-{number}", "api")
            for session in range(3):
                machines.asks(f"box-{number}", f"greet-{session}")
        statements.clear()
        assert f"{3 * hosts} wait for you" in (await phone.say("/status"))[0]
        return len(statements)

    await asked(12)  # the first one in a chat reads more
    assert await asked(20) == await asked(40) > 0


async def test_status_reads_no_past_session_that_it_does_not_show(
    phone: Phone, machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []

    async def view(_: RemoteFleet, ref: SessionRef) -> SessionView:
        read.append(ref.name)
        return at_rest(SessionState.DONE, ref=ref)

    monkeypatch.setattr(RemoteFleet, "view", view)
    machines.beat("laptop", "api")
    key = "api:26-01-01-old"
    old = SessionSnapshot(boot="one", n=1, key=key, past=PastSession(key, HEARD, SessionState.DONE))
    machines.link.host("laptop").note(old, watched=True)
    assert "old" in (await phone.say("/status"))[0]
    assert read == ["old"]
    for number in range(30):
        machines.asks("laptop", f"greet-{number}")
    assert "old" not in (await phone.say("/status"))[0]
    assert read == ["old"], "each costs a request to its machine"
