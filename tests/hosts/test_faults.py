"""Three machines as real programs in network namespaces, and what may happen to them: nothing is lost, or done twice.

`make chaos` has the long faults and more decisions, see `tests.chaos.machines`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.crash_points import CrashPoint
from tests.support.host_lab import HOUR, WAIT, Lab, lab
from tests.support.network import NoNamespacesError
from tests.support.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("hosts")]


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[Lab]:
    """Three hosts, of which one's clock is an hour fast and one's an hour slow."""
    try:
        with lab(tmp_path, {"a": 0, "b": HOUR, "c": -HOUR}, ack_seconds=1.0) as made:
            yield made
    except NoNamespacesError as error:
        pytest.skip(f"no network namespaces here: {error}")


@pytest.mark.timeout(600)
def test_whatever_dies_each_decision_is_carried_out_once(machines: Lab) -> None:
    a, b, c = machines.hosts.values()

    # Every program is killed in a storm of decisions, each host at another point of one.
    a.start(CrashPoint.BEFORE_EFFECT)
    b.start(CrashPoint.AFTER_EFFECT)
    c.start(CrashPoint.AFTER_LEDGER)
    machines.wait_for("a", "b", "c")
    for _ in range(5):
        for name in machines.hosts:
            machines.tell(name, 3)
    for host in (a, b, c):
        host.wait_for_death()
    machines.kill_bot()
    machines.kill_server()
    a.start(CrashPoint.BEFORE_ACKNOWLEDGEMENT)
    b.start()
    c.start()
    machines.start_bot()
    a.wait_for_death()
    a.start()
    machines.wait_until_settled()
    assert machines.audit() == []

    # One is unplugged, one's cable swallows everything, and the server's disk is lost with decisions pending.
    b.cable.pull()
    c.cable.swallow()
    for name in machines.hosts:
        machines.tell(name, 20)
    until(lambda: machines.stored("b") == machines.stored("c") == 35, WAIT)
    machines.lose_servers_disk()
    machines.kill_bot()
    machines.start_bot()
    b.cable.plug()
    c.cable.carry()
    machines.wait_until_settled()
    assert machines.audit() == []

    # The emergency stop, while one is away.
    c.kill()
    stopped = machines.ask(call="panic")["value"]
    assert [(words.partition(".")[0], clean) for words, clean in stopped] == [("c: not confirmed", False)]
    assert a.is_stopped
    assert b.is_stopped
    c.start()
    until(lambda: c.is_stopped, WAIT)
    machines.wait_for("c")
    assert machines.ask(call="lift")["value"] is True
    assert not any(host.is_stopped for host in (a, b, c))
