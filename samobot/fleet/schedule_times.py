"""When a schedule is due: times as people write them, cron expressions, and daylight saving. Pure."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from apscheduler.triggers.cron import CronTrigger

from samobot.errors import UsageError
from samobot.frozen import frozen
from samobot.regex import regex

SHORTEST_SECONDS = 600
"""How close two sessions of one schedule may begin: each of them costs money."""

EXAMPLES = "tomorrow 7:00, every weekday 8:30, in 2 hours, or cron such as 0 7 * * 1-5"

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = r"(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?s?"
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_TIME = (
    r"(?:(?P<hour>\d{1,2})(?:[:.](?P<minute>\d{2}))?\s?(?P<half>[ap]m)?|(?P<named>noon|midnight))(?!\w|:\d)"
)
_CLOCK = regex(
    r"(?:at\s+)?(?:(?P<hour>\d{1,2})(?::(?P<minute>\d{2})(?:\s?(?P<half>[ap]m))?|\s?(?P<half2>[ap]m))"
    r"|(?P<named>noon|midnight))(?!\w|:\d)"
)
_IN = regex(r"in\s+(?P<number>\d{1,4}|an?)\s*(?P<unit>minutes?|mins?|m|hours?|hrs?|h|days?|d|weeks?|w)\b")
_EVERY = regex(
    rf"(?:every|each)\s+(?P<days>{_DAY}(?:\s*(?:,|and|&)\s*{_DAY})*|day|weekday|workday|weekend|night|morning|evening)"
    rf"(?:\s+(?:at\s+)?{_TIME})?"
    rf"|(?P<word>daily|weekdays)(?:\s+(?:at\s+)?{_TIME.replace('?P<', '?P<w_')})?"
)
_HOURLY = regex(r"(?:every\s+(?:(?P<number>\d{1,2})\s+hours|hour)|hourly)\b")
_ON = regex(
    r"(?:on\s+)?(?:"
    r"(?P<word>today|tonight|tomorrow)"
    rf"|(?:next\s+)?(?P<day>{_DAY})"
    r"|(?P<iso>\d{4}-\d{2}-\d{2})"
    rf"|(?P<month>{_MONTH})\s+(?P<number>\d{{1,2}})(?:st|nd|rd|th)?"
    rf"|(?P<number2>\d{{1,2}})(?:st|nd|rd|th|\.)?\s+(?P<month2>{_MONTH})"
    rf")(?:,?(?:\s+|(?<=\d)t)(?:at\s+)?{_TIME}|(?!\w))"
)
_FIELD = r"[\d*/,\-]+"
_CRON = regex(rf"{_FIELD}\s+{_FIELD}\s+{_FIELD}\s+[\w*/,\-]+\s+[\w*/,\-]+(?=\s|$)")
_USUAL = {"night": time(22), "morning": time(7), "evening": time(18)}


@frozen
class Timing:
    """When something is due.

    Attributes:
        words: As it was written.
        at: The one time, aware; None if it repeats.
        cron: A cron expression of five fields with days of the week by name; None if it is due once.
    """

    words: str
    at: datetime | None = None
    cron: str | None = None


def parse_timing(text: str, now: datetime, zone: tzinfo) -> tuple[Timing, str]:
    """Read the time that a text begins with; returns it and the rest of the text.

    Args:
        text: Such as `tomorrow 7:00 Update the dependencies`.
        now: The present, aware.
        zone: The time zone in which the text is meant.

    Raises:
        UsageError: It begins with no time, one that is over, or one that comes too often.
    """
    text = text.strip()
    plain = text.casefold()
    local = now.astimezone(zone).replace(tzinfo=None)
    cron = _CRON.match(plain)
    if cron is not None and "*" in cron[0]:
        return _repeated(text, cron.end(), _with_day_names(cron[0]), now, zone)
    hourly = _HOURLY.match(plain)
    if hourly is not None:
        return _repeated(text, hourly.end(), f"0 */{hourly['number'] or 1} * * *", now, zone)
    every = _EVERY.match(plain)
    if every is not None:
        return _repeated(text, every.end(), _cron_of(every), now, zone)
    found = _IN.match(plain)
    if found is not None:
        number = 1 if found["number"].startswith("a") else int(found["number"])
        unit = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}[found["unit"][0]]
        at = now + timedelta(**{unit: number})
    elif (found := _ON.match(plain)) is not None:
        usual = time(22) if found["word"] == "tonight" else None
        at = to_utc(datetime.combine(_day_of(found, local), _time_of(found, usual=usual)), zone)
    elif (found := _CLOCK.match(plain)) is not None:
        at = to_utc(datetime.combine(local.date(), _time_of(found)), zone)
        if at <= now:
            at = to_utc(datetime.combine(local.date() + timedelta(days=1), _time_of(found)), zone)
    else:
        raise UsageError(f"No time was understood. Begin with one: {EXAMPLES}.")
    words, rest = _split(text, found.end())
    if at <= now:
        raise UsageError(f"“{words}” is over. Begin with a time to come: {EXAMPLES}.")
    return Timing(words, at=at.astimezone(UTC)), rest


def next_due(timing: Timing, after: datetime, zone: tzinfo) -> datetime | None:
    """Return the first time after another one, in UTC; None if there is none.

    A local time that daylight saving skips is due as much later; one that comes twice is due the first time.
    """
    if timing.at is not None:
        return timing.at if timing.at > after else None
    # The triggers count in local time without a zone, here called UTC: their own rules for changes are others.
    triggers = [CronTrigger.from_crontab(each, timezone=UTC) for each in _alternatives(timing.cron or "")]
    wall = after.astimezone(zone).replace(tzinfo=UTC)
    while times := [at for each in triggers if (at := each.get_next_fire_time(None, wall)) is not None]:
        found = min(times)
        due = to_utc(found.replace(tzinfo=None), zone)
        if due > after:
            return due
        wall = found + timedelta(seconds=1)
    return None


def count_due(timing: Timing, first: datetime, until: datetime, zone: tzinfo, most: int = 100) -> int:
    """Return how often it was due from one time to another, both included; at most `most`."""
    count, at = 0, first
    while at <= until and count < most:
        count += 1
        following = next_due(timing, at, zone)
        if following is None:
            break
        at = following
    return count


def to_utc(wall: datetime, zone: tzinfo) -> datetime:
    """Return a local time as UTC: the first of two, and as much later as daylight saving skips."""
    return wall.replace(tzinfo=zone, fold=0).astimezone(UTC)


def _repeated(text: str, end: int, cron: str, now: datetime, zone: tzinfo) -> tuple[Timing, str]:
    words, rest = _split(text, end)
    timing = Timing(words, cron=cron)
    try:
        first = next_due(timing, now, zone)
    except ValueError as error:
        raise UsageError(f"“{words}” is no cron expression: {error}.") from error
    if first is None:
        raise UsageError(f"“{words}” is never due.")
    at = first
    for _ in range(24):
        following = next_due(timing, at, zone)
        if following is None:
            break
        if (following - at).total_seconds() < SHORTEST_SECONDS:
            raise UsageError(
                f"“{words}” is too often: a schedule may start a session every {SHORTEST_SECONDS // 60} minutes at most."
            )
        at = following
    return timing, rest


def _split(text: str, end: int) -> tuple[str, str]:
    return " ".join(text[:end].split()), text[end:].lstrip(" \t\n,;:–—-")


def _alternatives(cron: str) -> list[str]:
    """Return the expressions of which any may be due: crontab(5) takes either day if both are restricted.

    The trigger would take only days that are both, and counts steps of `*/2` from Monday instead of from Sunday.
    """
    fields = cron.split()
    *times, day, month, of_week = fields if len(fields) == 5 else ("", "", "", "", "")
    step = re.fullmatch(r"\*/([1-7])", of_week)
    names = ",".join((_DAYS[-1:] + _DAYS[:-1])[:: int(step[1])]) if step is not None else of_week
    if day.startswith("*") or of_week.startswith("*"):
        return [" ".join([*times, day, month, names])]
    return [" ".join([*times, day, month, "*"]), " ".join([*times, "*", month, of_week])]


def _with_day_names(cron: str) -> str:
    """Replace the numbers of days of the week, from Sunday, by names: the trigger counts from Monday."""
    fields = cron.split()
    fields[4] = ",".join(_named_days(part) for part in fields[4].split(","))
    return " ".join(fields)


def _named_days(part: str) -> str:
    span, slash, step = part.partition("/")
    found = re.fullmatch(r"(\d)(?:-(\d))?", span)
    if found is None:
        return part
    first, last = int(found[1]), int(found[2] or found[1])
    if first > 7 or last > 7 or first > last:
        return part  # the trigger refuses it
    days = [_DAYS[(number - 1) % 7] for number in range(first, last + 1)]
    return ",".join(days[:: int(step)] if slash and step.isdigit() and int(step) else days)


def _cron_of(found: re.Match[str]) -> str:
    word = found["word"]
    days = {"daily": "day", "weekdays": "weekday"}.get(word, word) if word else found["days"]
    at = _time_of(found, "w_" if word else "", usual=_USUAL.get(days, time(9)))
    match days:
        case "day" | "night" | "morning" | "evening":
            of_week = "*"
        case "weekday" | "workday":
            of_week = "mon-fri"
        case "weekend":
            of_week = "sat,sun"
        case _:
            of_week = ",".join(each[:3] for each in re.findall(_DAY, days))
    return f"{at.minute} {at.hour} * * {of_week}"


def _time_of(found: re.Match[str], prefix: str = "", usual: time | None = None) -> time:
    groups = found.groupdict()
    if groups.get(f"{prefix}named"):
        return time(12) if groups[f"{prefix}named"] == "noon" else time(0)
    if groups.get(f"{prefix}hour") is None:
        return usual or time(9)
    hour, minute = int(groups[f"{prefix}hour"]), int(groups.get(f"{prefix}minute") or 0)
    half = groups.get(f"{prefix}half") or groups.get("half2")
    if half is not None:
        if not 1 <= hour <= 12:
            raise UsageError(f"{hour} {half} is no time of day.")
        hour = hour % 12 + (12 if half == "pm" else 0)
    if hour > 23 or minute > 59:
        raise UsageError(f"{hour}:{minute:02} is no time of day.")
    return time(hour, minute)


def _day_of(found: re.Match[str], local: datetime) -> date:
    today = local.date()
    if found["word"]:
        return today + timedelta(days=found["word"] == "tomorrow")
    if found["day"]:
        ahead = (_DAYS.index(found["day"][:3]) - today.weekday()) % 7
        is_over = datetime.combine(today, _time_of(found)) <= local
        return today + timedelta(days=ahead or (7 if is_over or "next" in found[0] else 0))
    try:
        if found["iso"]:
            return date.fromisoformat(found["iso"])
        month = _MONTHS.index((found["month"] or found["month2"])[:3]) + 1
        day = date(today.year, month, int(found["number"] or found["number2"]))
        return day if day >= today else day.replace(year=today.year + 1)
    except ValueError as error:
        raise UsageError(f"“{found[0].strip()}” is no date: {error}.") from error
