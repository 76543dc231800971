"""Waiting while this machine is cut off from its hub, if the user wants that (`SAMOBOT_HOST_ALONE=pause`)."""

from __future__ import annotations

from datetime import timedelta

from samobot.config.modes import HostAlone
from samobot.money.machine_share import ShareFile
from samobot.worker.heartbeat import Heartbeat
from samobot.worker.run import Notice, RunContext
from samobot.worker.sleep import Sleeper, WakeReason

_LOOK_AGAIN = timedelta(hours=1)


class HubWait:
    """Keeps a run from beginning an iteration that nobody in the chat could stop.

    Args:
        policy: What the user wants.
        share: When the hub was last reached.
    """

    def __init__(self, policy: HostAlone, share: ShareFile) -> None:
        self._policy = policy
        self._share = share

    async def before_iteration(self, run: RunContext, heartbeat: Heartbeat, sleeper: Sleeper) -> bool:
        """Wait until the hub is reached again, or for a stop or pause; return whether it had to wait."""
        if self._policy is HostAlone.CONTINUE or not self._share.is_alone(run.now()):
            return False
        text = "This machine is cut off from its hub; the session waits (SAMOBOT_HOST_ALONE=pause)."
        run.files.flow(text)
        run.notify(Notice(text))
        heartbeat.show_activity("Waiting for the hub")
        woken_by = WakeReason.TIME
        while self._share.is_alone(run.now()) and woken_by not in (WakeReason.PAUSED, WakeReason.STOPPED):
            again = run.now() + _LOOK_AGAIN
            woken_by = await sleeper.until(again, lambda: not self._share.is_alone(run.now()))
        heartbeat.clear_activity()
        heartbeat.show_idle()
        return True
