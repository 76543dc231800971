"""What an iteration reaches, as rules."""

from __future__ import annotations

from samobot.claude.fence_rules import fence_rules
from tests.claude.fenced_world import FencedWorld


def test_folder_on_path_that_cannot_be_looked_at_keeps_no_agent_from_starting(world: FencedWorld) -> None:
    """One in a home that is closed to this user is the usual case; a name that is too long fails for root, too."""
    closed = world.home / ("x" * 300) / "bin"
    environ = world.environ | {"PATH": f"{closed}:{world.environ['PATH']}"}
    assert closed not in {rule.path for rule in fence_rules(world.places(), environ)}
