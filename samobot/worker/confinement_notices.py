"""What the user has to know about what an agent lacks or is refused, each thing once a run."""

from __future__ import annotations

from collections import Counter

from samobot.claude.records import Init
from samobot.session.journal import EventName
from samobot.worker.agent_fence import AgentFence
from samobot.worker.session_files import SessionFiles


class ConfinementNotices:
    """Writes such notices into the journal of one session.

    Args:
        files: The session's files.
    """

    def __init__(self, files: SessionFiles) -> None:
        self._files = files
        self._absent_servers: set[str] = set()
        self._refused_hosts: set[str] = set()

    def absent_servers(self, init: Init) -> None:
        """Report MCP servers that the agent does not have, each once a run."""
        absent = {name: status for name, status in init.servers if status != "connected"}
        new = [
            f"{name} ({status or 'no status'})"
            for name, status in absent.items()
            if name not in self._absent_servers
        ]
        self._absent_servers |= absent.keys()
        if new:
            text = f"The agent works without the MCP server{'s' * (len(new) > 1)} {', '.join(new)}. See: claude mcp list"
            self._files.log(EventName.NOTICE, text=text)

    def refusals(self, refused: Counter[str]) -> None:
        """Report hosts that the fence did not let the agent reach, each once a run."""
        new = {host: count for host, count in refused.most_common() if host not in self._refused_hosts}
        self._refused_hosts |= new.keys()
        if new:
            listed = ", ".join(
                host if count == 1 else f"{host} ({count} times)" for host, count in new.items()
            )
            text = f"The fence refused connections of the agent: {listed}. SAMOBOT_FENCE_HOSTS lists what it may reach."
            self._files.log(EventName.NOTICE, text=text)

    def absent_fence(self, fence: AgentFence) -> None:
        """Report once that this system allows no fence."""
        reason = fence.new_absence()
        if reason is not None:
            text = f"The agent runs without a fence, with all of your rights. {reason}"
            self._files.log(EventName.NOTICE, text=text)
