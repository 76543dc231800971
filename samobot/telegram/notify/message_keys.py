"""The permanent keys of messages about a session, as far as more than one module needs them."""

from __future__ import annotations

import hashlib

from samobot.telegram.notify.state import NotifiedState


def plan_key(state: NotifiedState) -> str:
    """The key of the message of the plan that was shown last; each showing has its own."""
    return f"plan:{len(state.plans)}"


def paused_key(told: NotifiedState) -> str:
    """The key of the message about a pause; it stays open until the session continues."""
    return f"paused:{told.paused}"


def budget_key(told: NotifiedState) -> str:
    """The key of a budget warning; it stays open until the next threshold, or until the session is idle."""
    return f"budget:{told.budget_usd}:{told.warned}"


def need_key(name: str) -> str:
    """The key of the message about a need."""
    return f"need:{_digest(name)}"


def answers_key(name: str) -> str:
    """The key of the receipt of some answers."""
    return f"answers:{_digest(name)}"


def _digest(name: str) -> str:
    # A folder's name may be no valid text.
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:16]
