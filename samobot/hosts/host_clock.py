"""How far a host's clock is ahead of the hub's, and what that host sent with its times by the hub's clock. Pure."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar, cast

from pydantic import BaseModel

from samobot.hosts.nats_streams import BEAT_SECONDS
from samobot.text import human_duration

_MINUTE = timedelta(minutes=1)
_TOLERANCE = timedelta(seconds=90)
"""Clocks that differ by less count as equal; beats may be late by half a minute on a bad link."""

_CONFIRMED_SECONDS = 1.5 * BEAT_SECONDS
"""After how long a changed difference is believed: beats that waited for a hub that slept come in one burst."""

_T = TypeVar("_T")


class HostClock:
    """Measures a host's clock by its beats, in whole minutes: the times of messages must not change with each beat.

    Args:
        ahead: What was measured earlier; None if nothing was.

    Attributes:
        ahead: How far it is ahead of the hub's; negative if it is behind, zero if they agree.
    """

    def __init__(self, ahead: timedelta | None = None) -> None:
        self.ahead = ahead or timedelta()
        self._is_known = ahead is not None
        self._doubt: tuple[timedelta, float] | None = None

    def note(self, at: datetime, now: datetime, monotonic: float) -> bool:
        """Take over the time of a beat that has just come; whether the difference is another one now.

        Args:
            at: The time on the host.
            now: The time on the hub.
            monotonic: Seconds that only grow, on the hub.
        """
        found = at - now
        if abs(found - self.ahead) < _TOLERANCE:
            self._is_known, self._doubt = True, None
            return False
        rounded = timedelta() if abs(found) < _TOLERANCE else round(found / _MINUTE) * _MINUTE
        if self._is_known:
            if self._doubt is None or abs(self._doubt[0] - rounded) > _MINUTE:
                self._doubt = (rounded, monotonic)
            if monotonic - self._doubt[1] < _CONFIRMED_SECONDS:
                return False
        self.ahead, self._is_known, self._doubt = rounded, True, None
        return True


def corrected(value: _T, ahead: timedelta) -> _T:
    """Return what a host sent with all of its times by the hub's clock; the same object if the clocks agree."""
    return cast(_T, _corrected(value, ahead)) if ahead else value


def clock_words(ahead: timedelta) -> str:
    """Return how a clock differs: `1 h ahead`, `5 min behind`; empty if it does not."""
    return (
        f"{human_duration(abs(ahead).total_seconds())} {'ahead' if ahead > timedelta() else 'behind'}"
        if ahead
        else ""
    )


def _corrected(value: Any, ahead: timedelta) -> Any:
    if isinstance(value, datetime):
        try:
            return value - ahead
        except OverflowError:  # a host may claim any time
            return value
    if isinstance(value, tuple):
        return tuple(_corrected(each, ahead) for each in value)
    if isinstance(value, list):
        return [_corrected(each, ahead) for each in value]
    if isinstance(value, BaseModel):
        names = type(value).model_fields
        return value.model_copy(update={name: _corrected(getattr(value, name), ahead) for name in names})
    if is_dataclass(value) and not isinstance(value, type):
        return replace(
            value, **{each.name: _corrected(getattr(value, each.name), ahead) for each in fields(value)}
        )
    return value
