"""What happens to a session that makes its pull request be looked at: it was opened in a terminal, or a round is over."""

from __future__ import annotations

from samobot.fleet.landing_models import OPENS
from samobot.fleet.models import SessionView
from samobot.fleet.pull_request_watch import PullRequestWatch
from samobot.session.status import SessionState
from samobot.telegram.notify.state import NotifiedState, new_remarks
from samobot.telegram.store.watched_pull_requests import WatchedPullRequests


def mark_pull_request(
    watched: WatchedPullRequests, view: SessionView, told: NotifiedState, before: SessionView | None
) -> None:
    """Mark a session's pull request as due, as part of the caller's transaction.

    Args:
        watched: The pull requests that are watched.
        view: The session as it is now.
        told: What the chat was sent of it so far.
        before: The session as it was seen before; None right after the bot has started.
    """
    if any(remark.step in OPENS for remark in new_remarks(view, told, "landing")):
        watched.hurry(view.ref.key, PullRequestWatch().model_dump_json())
    elif view.state is SessionState.DONE and (before is None or before.state is not SessionState.DONE):
        watched.hurry(view.ref.key)
