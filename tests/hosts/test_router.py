"""One fleet of this machine and a host: addresses, lists, and what is kept for a host that is away."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from samobot.config.settings_loader import load_settings
from samobot.errors import HostAwayError, NotFoundError, SavedForHostError
from samobot.fleet.local_fleet import LocalFleet
from samobot.fleet.models import SessionRef, SessionView
from samobot.fleet.start_request import StartRequest
from samobot.fleet.worker_processes import WorkerProcesses
from samobot.hosts.host_state import HostState
from samobot.hosts.hub_messages import Beat, SessionSnapshot
from samobot.hosts.qualified import QualifiedViews, plain_ref, qualified
from samobot.hosts.router import FleetRouter
from samobot.session.gate import Person
from samobot.system.clock import utc_now
from tests.support.claude_cli import cli_environment
from tests.support.hosts import remote_host, soon
from tests.support.nats import nats_server
from tests.support.views import REF, session
from tests.support.workshop import Workshop, make_workshop

ANNA = Person("anna", "telegram")


def workshop(root: Path) -> Workshop:
    root.mkdir()
    shop = make_workshop(root, cli_environment(root / "home", "http://127.0.0.1:9"))
    shop.environment["SAMOBOT_PROJECTS"] = str(shop.repo)
    return shop


async def test_a_host_is_one_of_the_bots_machines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def start(*_: object) -> int:
        return os.getpid()

    monkeypatch.setattr(WorkerProcesses, "start", start)
    here, there = workshop(tmp_path / "here"), workshop(tmp_path / "there")
    (tmp_path / "nats").mkdir()
    local = LocalFleet(load_settings(here.environment), environ=here.environment)
    with nats_server(tmp_path / "nats") as server:
        async with remote_host(there, server.url, "laptop") as laptop:
            fleet = FleetRouter(local, laptop.link, utc_now)
            assert [each.name for each in await fleet.projects()] == ["demo", "demo@laptop"]
            own = await fleet.start(StartRequest(project="demo", session="greet", task="Add it"), ANNA)
            other = await fleet.start(
                StartRequest(project="demo@laptop", session="greet", task="Add it"), ANNA
            )
            assert own.ref is not None
            assert other.ref is not None
            assert (own.project, other.project) == ("demo", "demo@laptop")
            assert (here.session("greet").is_dir(), there.session("greet").is_dir()) == (True, True)
            await laptop.looked()
            assert {view.ref for view in await fleet.sessions()} == {own.ref, other.ref}
            assert set(await fleet.find("greet")) == {own.ref, other.ref}
            assert await fleet.find("demo@laptop:greet") == [other.ref]
            assert await fleet.free_name("demo@laptop", "greet") == "greet-2"
            assert (await fleet.view(other.ref)).ref == other.ref
            (host,) = await fleet.hosts()
            assert (host.name, host.is_online, host.sessions) == ("laptop", True, 1)
            before = (await fleet.poll()).sessions
            again = (await fleet.poll()).sessions
            assert next(view for view in before if view.ref == other.ref) is next(
                view for view in again if view.ref == other.ref
            )

            with monkeypatch.context() as patch:
                patch.setattr(laptop.link.known, "is_online", lambda _: False)
                with pytest.raises(SavedForHostError, match="message to greet"):
                    await fleet.add_guidance(other.ref, "Keep it short", ANNA)
                with pytest.raises(HostAwayError, match="laptop not reachable since"):
                    await fleet.diff(other.ref)
                away = await fleet.view(other.ref)
                assert "laptop not reachable since" in away.problems[0]
                (report,) = [each for each in await fleet.panic(ANNA) if not each.clean]
                assert report.words.startswith("laptop: not confirmed")
            await soon(lambda: laptop.link.pending("laptop") == 0)
            assert await fleet.lift_emergency_stop()
            # A session that the emergency stop has ended meanwhile may be reported beside it.
            assert any("message to greet" in event.text for event in (await fleet.poll()).events)
            with pytest.raises(NotFoundError):
                await fleet.view(other.ref.model_copy(update={"project": "demo@nowhere"}))
    await local.close()


class Quiet:
    """This machine without sessions, and the connection to one host that has just joined."""

    def __init__(self) -> None:
        self.hosts = {"laptop": HostState("laptop")}
        self.known = self

    def start(self) -> None:
        pass

    def online(self) -> frozenset[str]:
        return frozenset(name for name, state in self.hosts.items() if state.beat is not None)

    def away(self, name: str) -> str:
        return f"{name} has never been reachable."

    async def sessions(self) -> list[SessionView]:
        return []


async def test_sessions_of_a_host_that_joins_are_shown_once_it_is_known_to_be_there() -> None:
    quiet: Any = Quiet()
    fleet = FleetRouter(quiet, quiet, utc_now)
    laptop = quiet.hosts["laptop"]
    laptop.note(SessionSnapshot(boot="one", n=1, key=REF.key, view=session()), watched=True)
    assert await fleet.sessions() == [], "its first beat comes after them"
    laptop.note_beat(Beat(host="laptop", boot="one", at=utc_now()), 0.0, utc_now())
    (view,) = await fleet.sessions()
    assert view.problems == ()


def test_the_key_of_a_reference_changes_with_the_name_of_its_project() -> None:
    ref = SessionRef(project="demo", folder="26-01-15-greet", name="greet")
    assert ref.key == "demo:26-01-15-greet"  # asked for before, and kept
    assert qualified(ref, "laptop").key == "demo@laptop:26-01-15-greet"
    assert plain_ref(qualified(ref, "laptop")).key == ref.key


def test_sessions_of_a_host_are_the_same_objects_until_something_changes() -> None:
    one, other = session(), session(ref=REF.model_copy(update={"folder": "26-01-15-other"}))
    views = QualifiedViews("laptop")
    before = views.of([one, other], "")
    assert [view.ref.project for view in before] == ["demo@laptop", "demo@laptop"]
    changed = session(iteration=7)
    after = views.of([changed, other], "")
    assert (after[0].iteration, after[1] is before[1]) == (7, True)
    assert all(view.problems for view in views.of([changed, other], "It is away."))
    assert views.of([changed, other], "") == after
