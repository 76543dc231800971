"""A hub and hosts as real programs, each machine in a network namespace, set up by the commands that users type."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shlex
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from samobot.config.settings_loader import load_settings
from samobot.fleet.local_fleet import LocalFleet
from samobot.fleet.start_request import StartRequest
from samobot.fleet.worker_processes import WorkerProcesses
from samobot.hosts.qualified import qualified
from tests.support.claude_cli import REPOSITORY, cli_environment
from tests.support.crash_points import CrashPoint
from tests.support.hub_program import ANNA, add_line, lines
from tests.support.network import Cable, Network, network
from tests.support.waiting import until
from tests.support.workshop import Workshop, make_workshop

SESSION = "greet"
HOUR = 3600
WAIT = 120.0


class Machine:
    """A machine with its disk, its cable and its clock.

    Args:
        root: Its disk.
        cable: Its cable.
        clock: Seconds by which its clock is fast.
        stack: Ends what runs on it.
    """

    def __init__(self, root: Path, cable: Cable, clock: int, stack: contextlib.ExitStack) -> None:
        root.mkdir()
        self.cable = cable
        self.shop: Workshop = make_workshop(root, cli_environment(root / "home", "http://127.0.0.1:9"))
        paths = [str(REPOSITORY)]
        if clock:
            (root / "clock").write_text(f"0 {clock * 10**9}\n")
            paths.insert(0, str(REPOSITORY / "tests" / "chaos" / "stepped"))
        self.shop.environment |= {
            "SAMOBOT_PROJECTS": str(self.shop.repo),
            "SAMOBOT_POLL_SECONDS": "1",
            "PYTHONPATH": os.pathsep.join(paths),
            "CHAOS_CLOCK": str(root / "clock"),
        }
        self._stack = stack

    def type(self, line: str) -> str:
        """Type a command line, and return what it prints.

        Raises:
            AssertionError: It failed.
        """
        command = shlex.split(line)
        assert command[0] == "samobot"
        done = subprocess.run(
            [*self.cable.prefix, sys.executable, "-m", *command],
            cwd=self.shop.root,
            env=self.shop.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=WAIT,
        )
        assert done.returncode == 0, f"{line}: {done.stdout}{done.stderr}"
        return done.stdout

    def program(self, name: str, *arguments: str) -> Program:
        """Start a Python module that runs until it is killed."""
        return Program(self, name, arguments, self._stack)


class Program:
    """A running program of a machine."""

    def __init__(
        self, machine: Machine, name: str, arguments: Sequence[str], stack: contextlib.ExitStack
    ) -> None:
        with (machine.shop.root / f"{name}.out").open("ab") as out:
            self._process = subprocess.Popen(
                [*machine.cable.prefix, sys.executable, "-m", *arguments],
                cwd=machine.shop.root,
                env=machine.shop.environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )
        stack.callback(self.kill)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def was_killed(self) -> bool:
        """Whether it has ended by SIGKILL."""
        return self._process.poll() == -signal.SIGKILL

    @property
    def runs(self) -> bool:
        return self._process.poll() is None

    def kill(self) -> None:
        """End it with SIGKILL."""
        self._process.kill()
        self._process.wait()

    def end(self) -> None:
        """End it in order, but for one that does not obey."""
        self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(20)
        self.kill()

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)


class Host(Machine):
    """A host, with the session `greet`, of which nothing runs."""

    def prepare(self, name: str) -> None:
        """Make its session."""
        self.name = name
        self.process: Program | None = None
        self.key = asyncio.run(_session(self.shop, name))

    def start(self, point: CrashPoint | None = None) -> None:
        """Start its program, which kills itself at the point."""
        arguments = ("tests.support.dying_host", point) if point is not None else ("samobot", "host")
        self.process = self.program("host", *arguments)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()

    def wait_for_death(self) -> None:
        """Wait until its program has killed itself."""
        process = self.process
        assert process is not None
        until(lambda: not process.runs, WAIT)
        assert process.was_killed, (self.shop.root / "host.out").read_text()

    @property
    def guidance(self) -> list[str]:
        """The texts that its session was sent, as its file has them."""
        file = self.shop.session(SESSION) / "_guidance.md"
        written = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        return [line.rpartition(": ")[2] for line in written if line.startswith("- [")]

    @property
    def is_stopped(self) -> bool:
        """Whether its emergency stop is in force."""
        return asyncio.run(_emergency_stop(self.shop)) is not None


class Lab:
    """A hub, its bot, and the hosts.

    Attributes:
        hub: The hub's machine.
        hosts: The hosts, by name.
    """

    def __init__(
        self, root: Path, wires: Network, clocks: dict[str, int], stack: contextlib.ExitStack
    ) -> None:
        self._stack = stack
        self.hub = Machine(root / "hub", wires.join("hub"), 0, stack)
        self.hosts = {
            name: Host(root / name, wires.join(name), clock, stack) for name, clock in clocks.items()
        }
        self._folder = root / "bot"
        self._folder.mkdir()
        self._sent: dict[str, list[str]] = {name: [] for name in clocks}
        self._count = 0
        self.server: Program | None = None
        self.bot: Program | None = None

    def set_up(self) -> None:
        """Connect the machines as the how-to does, and start the hub, its bot and every host's session."""
        self._type_on_hub(f"samobot hub init --address {self.hub.cable.address}")
        self.start_server()
        with (
            ThreadPoolExecutor() as threads
        ):  # what the machines do takes long, and not of the processor alone
            joining = [threads.submit(host.type, self._invitation(name)) for name, host in self.hosts.items()]
            for name, host in self.hosts.items():
                host.prepare(name)
        for name, joined in zip(self.hosts, joining, strict=True):
            assert name in joined.result()
        self.start_bot()

    def _invitation(self, name: str) -> str:
        """Invite a host; return the line to type there."""
        printed = self._type_on_hub(f"samobot host add {name}")
        (line,) = (each.strip() for each in printed.splitlines() if "samobot host join" in each)
        return line

    def _type_on_hub(self, line: str) -> str:
        """Type a command that needs no network."""
        done = self.hub.shop.quickly(*shlex.split(line)[1:])
        assert done.returncode == 0, done.stderr
        return done.stdout

    # The server.

    def start_server(self) -> None:
        """Start the hub's server, and wait until it takes connections."""
        self.server = self.hub.program("server", "samobot", "hub", "run")
        self._stack.callback(self.server.end)  # killed, it would leave nats-server behind
        self.wait_for_server()

    def wait_for_server(self, not_pid: int = 0) -> None:
        until(lambda: self._server_state().get("revision") and self._server_state()["pid"] != not_pid, WAIT)

    def _server_state(self) -> dict[str, Any]:
        file = self.hub.shop.state / "hub" / "server.json"
        state: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
        return state

    @property
    def server_pid(self) -> int:
        """The nats-server's."""
        return int(self._server_state()["pid"])

    def kill_server(self) -> None:
        """Kill nats-server; the hub starts it again."""
        pid = self.server_pid
        os.kill(pid, signal.SIGKILL)
        self.wait_for_server(pid)

    def lose_servers_disk(self) -> None:
        """End the server, wipe its disk, and start it again."""
        assert self.server is not None
        self.server.end()
        shutil.rmtree(self.hub.shop.state / "hub" / "store")
        self.start_server()

    # The bot.

    def start_bot(self) -> None:
        """Start what stands for the bot."""
        self.bot = self.hub.program("bot", "tests.support.hub_program", str(self._folder))

    def kill_bot(self) -> None:
        assert self.bot is not None
        self.bot.kill()

    def known(self, host: str) -> dict[str, Any]:
        """What the living bot knows of a host."""
        file = self._folder / "now.json"
        now = json.loads(file.read_text()) if file.exists() else {}
        if self.bot is None or now.get("pid") != self.bot.pid:
            return {}
        found: dict[str, Any] = now["hosts_by_name"].get(host, {})
        return found

    def wait_for(self, *hosts: str) -> None:
        """Wait until the bot reaches these hosts and knows their session."""
        for host in hosts:
            until(partial(self._is_known, host), WAIT)

    def _is_known(self, host: str) -> bool:
        known = self.known(host)
        return bool(known.get("is_online")) and known["sessions"] > 0

    def say(self, **update: Any) -> int:
        """Let the user say something; return its number."""
        self._count += 1
        add_line(self._folder / "updates.jsonl", {"n": self._count, **update})
        return self._count

    def tell(self, host: str, count: int) -> None:
        """Let the user send guidance to a host's session."""
        for _ in range(count):
            text = f"Rule {len(self._sent[host]) + 1} of {host}"
            self._sent[host].append(text)
            self.say(call="tell", session=self.hosts[host].key, text=text)

    def ask(self, **update: Any) -> dict[str, Any]:
        """Let the user ask for something, and return the answer."""
        number = self.say(**update)
        until(lambda: number in self._answers(), WAIT)
        return self._answers()[number]

    def _answers(self) -> dict[int, dict[str, Any]]:
        return {each["n"]: each for each in lines(self._folder / "answers.jsonl")}

    # What is on disk.

    def pending(self, host: str) -> int:
        """Decisions for a host of which the hub has no receipt."""
        return self._one("SELECT count(*) FROM decisions WHERE receipt IS NULL AND host = ?", host)

    def stored(self, host: str) -> int:
        """Decisions for a host that the hub keeps."""
        return self._one("SELECT count(*) FROM decisions WHERE host = ?", host)

    def _one(self, query: str, host: str) -> int:
        path = self.hub.shop.state / "hosts" / "hub.db"
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=60)) as database:
            return int(database.execute(query, (host,)).fetchone()[0])

    def wait_until_settled(self) -> None:
        """Wait until everything that was said has a receipt and an answer."""
        for host, sent in self._sent.items():
            until(partial(self._is_settled, host, len(sent)), WAIT)
        until(lambda: len(self._answers()) == self._count, WAIT)
        until(lambda: not self._unreported(), WAIT)

    def _is_settled(self, host: str, count: int) -> bool:
        return self.stored(host) == count and self.pending(host) == 0

    def _unreported(self) -> set[str]:
        """Decisions of which the user knows that they were kept, and not how they ended."""
        reported = {each["key"] for each in lines(self._folder / "news.jsonl")}
        return {each["id"] for each in self._answers().values() if each["how"] == "saved"} - reported

    def audit(self) -> list[str]:
        """Say what was lost, applied twice, out of order, refused, or is without a receipt."""
        wrong = []
        for name, host in self.hosts.items():
            sent, got = self._sent[name], host.guidance
            lost, twice = [each for each in sent if each not in got], len(got) - len(set(got))
            if got != sent:
                wrong.append(f"{name}: {len(lost)} lost, {twice} twice, of {len(sent)}; order: {got[:5]}…")
            if self.pending(name) or self.stored(name) != len(sent):
                wrong.append(f"{name}: {self.pending(name)} without a receipt, {self.stored(name)} kept")
        wrong += [str(each) for each in self._answers().values() if each["how"] == "refused"]
        if self._unreported():
            wrong.append(f"{len(self._unreported())} were kept, and their end was not reported")
        return wrong


async def _emergency_stop(shop: Workshop) -> str | None:
    """Who pulled the emergency stop that is in force on a machine."""
    fleet = LocalFleet(load_settings(shop.environment), environ=shop.environment)
    try:
        return await fleet.emergency_stop()
    finally:
        await fleet.close()


async def _session(shop: Workshop, host: str) -> str:
    """Make the session of a machine; return its key on the hub."""

    async def start(*_: object) -> int:
        return os.getpid()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WorkerProcesses, "start", start)
        fleet = LocalFleet(load_settings(shop.environment), environ=shop.environment)
        started = await fleet.start(StartRequest(project="demo", session=SESSION, task="Add it"), ANNA)
        assert started.ref is not None
        await fleet.wait_for_starts()
        await fleet.stop(started.ref, ANNA)
        await fleet.close()
    return qualified(started.ref, host).key


@contextlib.contextmanager
def lab(root: Path, clocks: dict[str, int], *, ack_seconds: float | None = None) -> Iterator[Lab]:
    """Hub, bot and hosts, set up; of the hosts no program runs yet.

    Args:
        root: An empty folder.
        clocks: Seconds by which the clock of each host is fast, by its name.
        ack_seconds: After how long a decision that was not confirmed comes again; None is as for users.

    Raises:
        NoNamespacesError: Namespaces cannot be made here.
    """
    with contextlib.ExitStack() as stack:
        made = Lab(root, stack.enter_context(network()), clocks, stack)
        if ack_seconds is not None:
            made.hub.shop.environment["HUB_ACK_SECONDS"] = str(ack_seconds)
        made.set_up()
        yield made
