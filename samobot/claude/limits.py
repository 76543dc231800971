"""Usage limits and account problems in the messages of the Claude CLI.

They come as one line of prose that differs between versions. The patterns match only a short final text as a whole:
an agent that writes *about* limits must not look like one that reached a limit. Sources: runs of Claude Code
2.1.197, and public issue threads.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, tzinfo

from samobot.claude.reset_time import reset_time
from samobot.frozen import frozen
from samobot.regex import regex

_LONGEST = 400
"""Characters: the CLI's message about a limit is one or two sentences; anything longer is the agent's."""

_LIMIT = regex(
    r"""(?:api\ error:\s*(?:429\s*)?)?
    (?: (?:you|your\ organization)(?:['’]re|\ are|\ is)\ (?:now\ )?out\ of\ (?P<credits>usage\ credits)\b
      | you(?:['’]ve|\ have)\ (?:hit|reached|exceeded|used\ up)\ your\ (?P<which>[\w\s-]{0,40}?)\s*limit\b
      | you(?:['’]re|\ are)\ (?:now\ )?out\ of\ (?P<extra>extra)\ usage\b
      | (?:your\ (?:account['’]s\ )?)?
        (?P<window>5-hour|7-day|daily|weekly|session|opus|sonnet|fable|haiku|usage\ credits?|usage
        |claude\ (?:ai\ )?usage)(?:\s+(?:weekly|usage))?
        \ limit\ (?:reached|hit|exceeded)\b
      | limit\ reached\s*(?=[|∙·•])
    )""",
    re.IGNORECASE | re.VERBOSE,
)

_ACCOUNT = regex(
    r"""credit\ balance\ is\ too\ low | \binsufficient[_\ ](?:quota|credits?|funds|balance)\b
      | exceeded\ your\ current\ quota,\ please\ check\ your\ plan | extra\ usage\ is\ required
      | \bout\ of\ (?:usage\ )?credits\b(?![^\n]{0,120}\bresets\b) | \borganization\ has\ disabled\b
      | (?:disabled|paused|restricted)\ by\ your\ (?:org(?:anization)?['’]s\ )?admin
      | (?:account|organization)\ (?:has\ been|is)\ (?:disabled|suspended)
      | does\ not\ have\ access\ to\ claude
      | \bbilling\ (?:issue|error|problem|hold)
    """,
    re.IGNORECASE | re.VERBOSE,
)

_CAP = regex(
    r"""(?:org(?:anization)?['’]s\ monthly|monthly)\ (?:usage|spend(?:ing)?)\ (?:limit|cap)
      | \bspend(?:ing)?\ (?:cap|limit)\ (?:has\ been\ |is\ )?(?:reached|exceeded|hit)
      | \b(?:reached|exceeded|hit)\ your\ spend(?:ing)?\ (?:cap|limit)
      | \b(?:reached|exceeded|hit)\ your\ specified\ (?:workspace\ )?API\ usage\ limits?\b
    """,
    re.IGNORECASE | re.VERBOSE,
)

_WHICH_RESETS = regex(r"\byour\s+([\w-]+)(?:\s+\w+)?\s+limit\s+resets\b", re.IGNORECASE)

_KINDS = {
    "session": "five_hour",
    "5-hour": "five_hour",
    "weekly": "seven_day",
    "7-day": "seven_day",
    "opus": "seven_day_opus",
    "sonnet": "seven_day_sonnet",
    "extra": "overage",
}

_MARGIN = timedelta(minutes=30)


@frozen
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
    name = (match["which"] or match["window"] or match["extra"] or match["credits"] or "").strip().lower()
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
