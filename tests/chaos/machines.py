"""The long faults of several machines: `make chaos`, or python -m tests.chaos.machines."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from tests.support.host_lab import HOUR, WAIT, Lab, lab
from tests.support.network import NoNamespacesError
from tests.support.waiting import until

AWAY = 500
"""Decisions for the host that is away."""

SWALLOWED_SECONDS = (4, 35)
"""How long a cable swallows everything: less, and more, than it takes both ends to notice."""


def main() -> int:
    """Play them on three machines; 1 if a decision was lost, applied twice, or is without a receipt."""
    with tempfile.TemporaryDirectory(prefix="samobot-machines-") as folder:
        try:
            with lab(Path(folder), {"a": 0, "b": HOUR, "c": -HOUR}) as machines:
                wrong = [*_swallow(machines), *_away(machines)]
        except NoNamespacesError as error:
            print(f"no network namespaces here: {error}")
            return 1
    print("\n".join(wrong) or "Several machines: 0 lost, 0 applied twice, 0 without a receipt")
    return 1 if wrong else 0


def _swallow(machines: Lab) -> list[str]:
    for host in machines.hosts.values():
        host.start()
    machines.wait_for(*machines.hosts)
    wrong = []
    for seconds in SWALLOWED_SECONDS:
        for host in machines.hosts.values():
            host.cable.swallow()
        for name in machines.hosts:
            machines.tell(name, 20)
        time.sleep(seconds)
        for host in machines.hosts.values():
            host.cable.carry()
        machines.wait_until_settled()
        wrong += [f"{seconds} s swallowed: {each}" for each in machines.audit()]
        print(f"cables swallowed everything for {seconds} s", flush=True)
    return wrong


def _away(machines: Lab) -> list[str]:
    away = machines.hosts["b"]
    away.kill()
    before = machines.stored("b")
    machines.tell("b", AWAY)
    until(lambda: machines.stored("b") == before + AWAY, 10 * WAIT)
    machines.kill_server()
    machines.kill_bot()
    machines.start_bot()
    away.start()
    until(lambda: machines.pending("b") == 0, 10 * WAIT)
    machines.wait_until_settled()
    print(f"{AWAY} decisions for a host that was away, server and bot killed", flush=True)
    return [f"{AWAY} for one away: {each}" for each in machines.audit()]


if __name__ == "__main__":
    sys.exit(main())
