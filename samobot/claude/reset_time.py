"""The time at which a usage limit resets, in the prose of the Claude CLI and of services in its place.

Sources: runs of Claude Code 2.1.197, and public issue threads.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

from samobot.claude.record_parser import epoch
from samobot.regex import regex

_GRACE = timedelta(minutes=10)
"""How long ago a time of day without a date may be and still mean today, not tomorrow."""

_LONGEST_PERIOD = timedelta(days=8)
"""How far away a bare date may be: a limit of a month is no usage limit that a run waits for."""

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SECONDS = {"w": 604_800, "d": 86_400, "h": 3600, "m": 60, "s": 1}

_ZONES = {
    **dict.fromkeys(("Z", "UTC", "GMT"), "UTC"),
    **dict.fromkeys(("ET", "EST", "EDT"), "America/New_York"),
    **dict.fromkeys(("CT", "CST", "CDT"), "America/Chicago"),
    **dict.fromkeys(("MT", "MST", "MDT"), "America/Denver"),
    **dict.fromkeys(("PT", "PST", "PDT"), "America/Los_Angeles"),
    **dict.fromkeys(("CET", "CEST"), "Europe/Paris"),
    "BST": "Europe/London",
    "JST": "Asia/Tokyo",
}
"""Abbreviations in place of a zone's name. Summer time is what the place has on that day."""

_AMBIGUOUS = {
    "IST": ("Asia/Kolkata", "Asia/Jerusalem", "Europe/Dublin"),
    "CST": ("America/Chicago", "Asia/Shanghai"),
}
_EVERYWHERE = tuple(timezone(timedelta(hours=hours)) for hours in range(-12, 15))
"""The zones that an abbreviation may mean of which nothing is known."""

_BEGIN = (
    r"\b(?:resets?(?:\s+time)?|renews?|refresh(?:es)?|resumes?|restored|(?:try|available)\s+again|retry(?:\s+again)?"
    r"|regain\s+access|until)\b[:,]?"
)
_MONTH = rf"(?:{'|'.join(_MONTHS)})[a-z]*\.?"

_EPOCH = regex(r"(?:\||\breset\w{0,12}\W{1,5})\s*(\d{9,13})\b", re.IGNORECASE)
_SECONDS_ONLY = regex(r"\bretry[- ]after\W{1,4}(\d{1,6})(?![\d:.]|\s*[a-rt-z])", re.IGNORECASE)
_DAY_AFTER_TIME = regex(
    rf"(?P<time>\d{{1,2}}(?::\d\d)?\s?(?:[ap]\.?m\b\.?)?(?:\s\([\w+\-:/]{{1,60}}\))?)\s+on\s+"
    rf"(?P<day>(?:{'|'.join(_WEEKDAYS)})[a-z]*\b|{_MONTH}\s+\d{{1,2}}\b)",
    re.IGNORECASE,
)
_DATE = regex(
    rf"{_BEGIN}\s+(?:on\s+)?(?P<date>{_MONTH}\s+\d{{1,2}}(?:st|nd|rd|th)?(?:,?\s+\d{{4}})?"
    rf"|\d{{1,2}}(?:st|nd|rd|th)?\s+{_MONTH}(?:\s+\d{{4}})?|(?P<iso>\d{{4}}-\d\d-\d\d))(?![\w:])",
    re.IGNORECASE,
)
_ISO = regex(
    rf"{_BEGIN}\D{{0,6}}(\d{{4}}-\d\d-\d\d(?:[T ]|\sat\s)\d\d:\d\d(?::\d\d)?(?:\.\d+)?)\s?(Z\b|UTC\b|[+-]\d\d:?\d\d)?",
    re.IGNORECASE,
)
_IN = regex(
    rf"{_BEGIN}\s+(?:in|after)\s+(?:about\s+|around\s+|approximately\s+|less\s+than\s+|[~<]\s*)?"
    r"((?:(?:\d{1,6}|an?|one)\s*[wdhms][a-z]*[\s,]*(?:and\s+)?)+)",
    re.IGNORECASE,
)
_SPAN = regex(r"(\d{1,6}|\b(?:an?|one)\b)\s*([wdhms])", re.IGNORECASE)
_CLOCK = regex(
    rf"""{_BEGIN}\s+(?:(?:at|on)\b:?\s*)?
    (?:(?P<relative>today|tonight|tomorrow)\s*,?\s*(?:at\s+)?)?
    (?:(?P<weekday>{"|".join(_WEEKDAYS)})[a-z]*\s*,?\s*(?:at\s+)?)?
    (?:(?:(?P<month>{_MONTH})\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?
         |(?P<day_before>\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?(?P<month_after>{_MONTH}))
       (?:,?\s+(?P<year>\d{{4}}))?\s*(?:,|at)?\s*)?
    (?:(?P<name>noon|midnight)\b|(?P<hour>\d{{1,2}})(?::(?P<minute>\d\d)(?::\d\d)?)?\s*(?P<half>[ap]\.?m\b\.?)?)
    (?:\s*\((?P<zone>[A-Za-z0-9_+\-:/]{{1,60}})\)
      |\s*(?P<bare>(?-i:UTC|GMT|Z|[A-Z]{{2,4}}T|[ECMP]T|CEST)(?:[+-]\d{{1,2}}(?::?\d\d)?)?
            |[+-]\d\d:?\d\d)(?![\w/]))?""",
    re.IGNORECASE | re.VERBOSE,
)
_OFFSET = regex(r"(?:UTC|GMT)?([+-])(\d{1,2})(?::?(\d\d))?")


def reset_time(text: str, now: datetime, local: tzinfo | None = None) -> datetime | None:
    """Parse the reset time in a message of the CLI, as an aware time in UTC; None if it states none.

    Args:
        text: The message.
        now: When it came, aware.
        local: Time zone of a time that names none; None is this machine's.
    """
    known = _moment(text, now, local)
    if known is None and (found := _DATE.search(text)) is not None:
        # Its first moment: a try that comes too early costs nothing.
        sign = "" if found["iso"] else "at "
        day = _moment(f"resets {found['date']} {sign}00:00", now, local)
        return day if day is not None and now < day <= now + _LONGEST_PERIOD else None
    return known


def _moment(text: str, now: datetime, local: tzinfo | None) -> datetime | None:
    if found := _EPOCH.search(text):
        return epoch(int(found[1]))
    if found := _SECONDS_ONLY.search(text):
        return (now + timedelta(seconds=int(found[1]))).astimezone(UTC)
    text = _DAY_AFTER_TIME.sub(r"\g<day> at \g<time>", text)
    if found := _ISO.search(text):
        return _iso(found[1], found[2], local)
    if found := _IN.search(text):
        seconds = sum(
            (int(count) if count.isdigit() else 1) * _SECONDS[unit.lower()]
            for count, unit in _SPAN.findall(found[1])
        )
        return (now + timedelta(seconds=seconds)).astimezone(UTC)
    if found := _CLOCK.search(text):
        # A try that comes too early costs nothing; hours of waiting too long do.
        moments = [_clock(found, now, zone) for zone in _zones(found["zone"] or found["bare"], now, local)]
        return min((moment for moment in moments if moment is not None), default=None)
    return None


def _iso(text: str, zone: str | None, local: tzinfo | None) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text.lower().replace(" at ", " "))
    except ValueError:
        return None
    place = _zone(zone, local)
    return (moment if place is None else moment.replace(tzinfo=place)).astimezone(UTC)


def _clock(found: re.Match[str], now: datetime, zone: tzinfo | None) -> datetime | None:
    time = _time_of_day(found)
    if time is None:
        return None
    here = now.astimezone(zone)
    try:
        today = here.replace(hour=time[0], minute=time[1], second=0, microsecond=0)
        if found["month"] or found["month_after"]:
            return _dated(today, found, here)
    except ValueError:
        return None
    step = timedelta(days=1)
    if found["weekday"]:
        today += timedelta(days=(_WEEKDAYS.index(found["weekday"][:3].lower()) - today.weekday()) % 7)
        step = timedelta(days=7)
    if (found["relative"] or "").lower() == "tomorrow" or today < here - _GRACE:
        today += step
    return today.astimezone(UTC)


def _time_of_day(found: re.Match[str]) -> tuple[int, int] | None:
    if found["name"]:
        return (12, 0) if found["name"].lower() == "noon" else (0, 0)
    hour, minute = int(found["hour"]), int(found["minute"] or 0)
    half = (found["half"] or "").lower()
    if not half:
        return None if found["minute"] is None else (hour, minute)
    if not 1 <= hour <= 12:
        return None
    return hour % 12 + (12 if half.startswith("p") else 0), minute


def _dated(today: datetime, found: re.Match[str], here: datetime) -> datetime:
    month = _MONTHS.index((found["month"] or found["month_after"])[:3].lower()) + 1
    day = int(found["day"] or found["day_before"])
    if found["year"]:
        return today.replace(year=int(found["year"]), month=month, day=day).astimezone(UTC)
    # Without a year, the nearest date is meant, also around New Year.
    near = []
    for year in (here.year - 1, here.year, here.year + 1):
        try:
            near.append(today.replace(year=year, month=month, day=day))
        except ValueError:
            continue
    if not near:
        raise ValueError(f"no such day: {month}-{day}")
    return min(near, key=lambda moment: abs(moment - here)).astimezone(UTC)


def _zones(name: str | None, now: datetime, local: tzinfo | None) -> Sequence[tzinfo | None]:
    """Every zone that a name may mean."""
    if not name or name.upper() == (now.astimezone(local).tzname() or "").upper():
        return (local,)
    if name.upper() in _AMBIGUOUS:
        return tuple(_zone(place, local) for place in _AMBIGUOUS[name.upper()])
    if name.upper() not in _ZONES and re.fullmatch("[A-Z]{2,5}", name) and _zone(name, None) is None:
        return _EVERYWHERE
    return (_zone(name, local),)


def _zone(name: str | None, local: tzinfo | None) -> tzinfo | None:
    if not name:
        return local
    if found := _OFFSET.fullmatch(name.upper()):
        offset = timedelta(hours=int(found[2]), minutes=int(found[3] or 0))
        if offset < timedelta(days=1):
            return timezone(-offset if found[1] == "-" else offset)
    name = _ZONES.get(name.upper(), name)
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ValueError, KeyError, OSError):
        # The CLI names this machine's own zone, even if that name is unknown here.
        return local
