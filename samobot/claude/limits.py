"""Usage limits and account problems in the messages of the Claude CLI.

They come as one line of prose that differs between versions. The patterns match only a short final text as a whole:
an agent that writes *about* limits must not look like one that reached a limit. Sources: runs of Claude Code
2.1.197, and public issue threads.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from samobot.claude.record_parser import epoch

_LONGEST = 400
"""Characters: the CLI's message about a limit is one or two sentences; anything longer is the agent's."""

_GRACE = timedelta(minutes=10)
"""How long ago a time of day without a date may be and still mean today, not tomorrow."""

_LIMIT = re.compile(
    r"""(?:api\ error:\s*)?
    (?: you['’]ve\ (?:hit|reached)\ your\ (?P<which>[\w\s-]{0,40}?)\s*limit\b
      | you['’]re\ (?:now\ )?out\ of\ (?P<extra>extra)\ usage\b
      | (?P<window>5-hour|weekly|session|opus|sonnet|usage|claude\ (?:ai\ )?usage)(?:\s+(?:weekly|usage))?
        \ limit\ (?:reached|hit)\b
      | limit\ reached\s*(?=[|∙·•])
    )""",
    re.IGNORECASE | re.VERBOSE,
)

_ACCOUNT = re.compile(
    r"""credit\ balance\ is\ too\ low
      | (?:disabled|paused|restricted)\ by\ your\ (?:org(?:anization)?['’]s\ )?admin
      | (?:account|organization)\ (?:has\ been|is)\ (?:disabled|suspended)
      | does\ not\ have\ access\ to\ claude
      | \bbilling\ (?:issue|error|problem)
    """,
    re.IGNORECASE | re.VERBOSE,
)

_CAP = re.compile(
    r"""(?:org(?:anization)?['’]s\ monthly|monthly)\ (?:usage|spend(?:ing)?)\ (?:limit|cap)
      | \bspend(?:ing)?\ (?:cap|limit)\ (?:has\ been\ |is\ )?(?:reached|exceeded|hit)
      | \b(?:reached|exceeded|hit)\ your\ spend(?:ing)?\ (?:cap|limit)
    """,
    re.IGNORECASE | re.VERBOSE,
)

_WHICH_RESETS = re.compile(r"\byour\s+([\w-]+)(?:\s+\w+)?\s+limit\s+resets\b", re.IGNORECASE)

_KINDS = {
    "session": "five_hour",
    "5-hour": "five_hour",
    "weekly": "seven_day",
    "opus": "seven_day_opus",
    "sonnet": "seven_day_sonnet",
    "extra": "overage",
}

_MARGIN = timedelta(minutes=30)

_EPOCH = re.compile(r"\|\s*(\d{9,13})\b")
_ISO = re.compile(
    r"(?:resets?|reset at)\D{0,6}(\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?)"
)
_IN = re.compile(r"\bresets?\s+in\s+((?:\d{1,3}\s*[dhms]\w*[\s,]*(?:and\s+)?)+)", re.IGNORECASE)
_SPAN = re.compile(r"(\d{1,3})\s*([dhms])", re.IGNORECASE)
_CLOCK = re.compile(
    r"""\bresets?\s+(?:at\s+|on\s+)?
    (?:(?P<weekday>mon|tue|wed|thu|fri|sat|sun)[a-z]*\s*,?\s*(?:at\s+)?)?
    (?:(?P<month>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?\s+(?P<day>\d{1,2})(?:st|nd|rd|th)?
       (?:,?\s+(?P<year>\d{4}))?\s*(?:,|at)?\s*)?
    (?P<hour>\d{1,2})(?::(?P<minute>\d\d))?\s*(?P<half>[ap]\.?m\b\.?)?
    (?:\s*\((?P<zone>[A-Za-z0-9_+\-/]{1,60})\))?""",
    re.IGNORECASE | re.VERBOSE,
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SECONDS = {"d": 86_400, "h": 3600, "m": 60, "s": 1}


@dataclass(frozen=True, slots=True)
class LimitText:
    """A usage limit found in a message.

    Attributes:
        kind: `five_hour`, `seven_day`, …, as in a `RateLimit` record; empty if the text does not name it.
        resets_at: When it resets; None if the text states no time, or in an unknown form.
    """

    kind: str
    resets_at: datetime | None


def longest_wait(kind: str) -> timedelta:
    """How far away the reset of a limit can be; a record with a later one is damaged or forged.

    Args:
        kind: `five_hour`, `seven_day`, `seven_day_opus`, …; anything else is taken for a monthly limit.
    """
    if kind == "five_hour":
        return timedelta(hours=5) + _MARGIN
    if kind.startswith("seven_day"):
        return timedelta(days=7) + _MARGIN
    return timedelta(days=31) + _MARGIN


def usage_limit(text: str, now: datetime, local: tzinfo | None = None) -> LimitText | None:
    """Parse a final text as a limit that resets; None if it is anything else.

    Args:
        text: The whole final text of a run.
        now: The time of the message, aware.
        local: Time zone of a time that names none; None is this machine's.
    """
    text = text.strip()
    if len(text) > _LONGEST or _ACCOUNT.search(text):
        return None
    if _CAP.search(text):
        # Without a reset only raising the cap helps.
        resets_at = reset_time(text, now, local)
        which = _WHICH_RESETS.search(text)
        kind = _KINDS.get(which[1].lower(), "") if which is not None else ""
        return LimitText(kind, resets_at) if resets_at is not None else None
    match = _LIMIT.match(text)
    if match is None:
        return None
    name = (match["which"] or match["window"] or match["extra"] or "").strip().lower()
    return LimitText(_KINDS.get(name.split(" ", maxsplit=1)[0], ""), reset_time(text, now, local))


def stated_reset(text: str, now: datetime) -> datetime | None:
    """The reset that a short text states in whatever wording; for a request that was refused with status 429."""
    return reset_time(text, now) if len(text.strip()) <= _LONGEST else None


def is_spending_cap(text: str) -> bool:
    """Whether a final text is about a cap on spending, which its owner can raise."""
    return len(text.strip()) <= _LONGEST and _CAP.search(text) is not None


def is_account_problem(text: str) -> bool:
    """Whether a final text is about money, a plan or an administrator."""
    return len(text.strip()) <= _LONGEST and (_ACCOUNT.search(text) or _CAP.search(text)) is not None


def reset_time(text: str, now: datetime, local: tzinfo | None = None) -> datetime | None:
    """Parse the reset time in a message of the CLI, as an aware time in UTC; None if it states none."""
    if found := _EPOCH.search(text):
        return epoch(int(found[1]))
    if found := _ISO.search(text):
        return _iso(found[1], local)
    if found := _IN.search(text):
        spans = _SPAN.findall(found[1])
        return (
            now + timedelta(seconds=sum(int(n) * _SECONDS[unit.lower()] for n, unit in spans))
        ).astimezone(UTC)
    if found := _CLOCK.search(text):
        return _clock(found, now, _zone(found["zone"], local))
    return None


def _iso(text: str, local: tzinfo | None) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None and local is not None:
        moment = moment.replace(tzinfo=local)
    return moment.astimezone(UTC)


def _clock(found: re.Match[str], now: datetime, zone: tzinfo | None) -> datetime | None:
    hour = int(found["hour"])
    minute = int(found["minute"] or 0)
    half = (found["half"] or "").lower()
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half.startswith("p") else 0)
    elif found["minute"] is None:
        return None
    here = now.astimezone(zone)
    try:
        today = here.replace(hour=hour, minute=minute, second=0, microsecond=0)
        if found["month"]:
            return _dated(today, found, here)
    except ValueError:
        return None
    if found["weekday"]:
        today += timedelta(days=(_WEEKDAYS.index(found["weekday"].lower()) - today.weekday()) % 7)
        step = timedelta(days=7)
    else:
        step = timedelta(days=1)
    if today < here - _GRACE:
        today += step
    return today.astimezone(UTC)


def _dated(today: datetime, found: re.Match[str], here: datetime) -> datetime:
    month = _MONTHS.index(found["month"].lower()) + 1
    day = int(found["day"])
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


def _zone(name: str | None, local: tzinfo | None) -> tzinfo | None:
    if not name:
        return local
    try:
        return ZoneInfo(name)
    except (ValueError, KeyError, OSError):
        # The CLI names this machine's own zone, even if that name is unknown here.
        return local
