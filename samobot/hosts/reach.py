"""Chooses the bot's fleet: this machine's alone, or with hosts. Imports NATS only if there is a hub."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path

from samobot.errors import UsageError
from samobot.fleet.fleet import Fleet
from samobot.fleet.models import PastSession
from samobot.hosts.link import hub_link_file, read_link
from samobot.hosts.nats_loading import load_nats


def is_hub(state_dir: Path) -> bool:
    """Whether this machine's bot reaches hosts."""
    return hub_link_file(state_dir).exists()


def own_past(past: Iterable[PastSession], state_dir: Path) -> list[PastSession]:
    """Leave out the past sessions of hosts, which the hub keeps itself."""
    return [each for each in past if "@" not in each.project or not is_hub(state_dir)]


def with_hosts(
    local: Fleet,
    state_dir: Path,
    now: Callable[[], datetime],
    *,
    environ: Mapping[str, str] | None = None,
    daily_usd: float | None = None,
    most: int | None = None,
) -> Fleet:
    """Return the fleet of this machine and of all hosts; `local` itself if this machine is no hub.

    Args:
        local: This machine's fleet.
        state_dir: The state folder.
        now: The clock, aware.
        environ: The environment, with which the CLI runs; None is the process's own.
        daily_usd: What the sessions of all machines together may cost in a day, in US dollars; None is no limit.
        most: How many sessions may run on this machine at the same time.

    Raises:
        UsageError: The hub's link cannot be read, or the extra `hosts` is not installed.
    """
    link = read_link(hub_link_file(state_dir))
    if link is None:
        return local
    require_nats()
    load_nats()
    from samobot.hosts.hub_link import HubLink
    from samobot.hosts.hub_record import admitted_hosts
    from samobot.hosts.hub_store import HubStore
    from samobot.hosts.machine_limits import MachineLimits
    from samobot.hosts.router import FleetRouter

    machine = MachineLimits(link.user, state_dir, os.environ if environ is None else environ, now)
    hub = HubLink(
        link,
        HubStore(state_dir),
        now=now,
        machine=machine,
        cap_usd=daily_usd,
        admitted=lambda: admitted_hosts(state_dir),
    )
    return FleetRouter(local, hub, now, most)


def require_nats() -> None:
    """Check that the extra `hosts` is installed.

    Raises:
        UsageError: It is not.
    """
    missing = [name for name in ("nats", "nkeys") if find_spec(name) is None]
    if missing:
        raise UsageError(
            f"Several machines need the extra “hosts” ({', '.join(missing)}): pip install 'samobot[hosts]'"
        )
