"""What a failed request was, from the status and the words that the Claude CLI reports it with.

Statuses come first: they are the API's. Words are the fall-back for what has no status (no connection, no
login), and they are data here because they change with every version.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from samobot.claude.outcome_kinds import OutcomeKind


@dataclass(frozen=True, slots=True)
class Trouble:
    """A kind of failure and how a sentence about it begins."""

    kind: OutcomeKind
    lead: str


_TOO_LONG = Trouble(OutcomeKind.PROMPT_TOO_LONG, "The conversation is too long for the model")
_LOGIN = Trouble(OutcomeKind.AUTH, "Claude refuses the login")
_REFUSED = Trouble(OutcomeKind.REFUSED, "Claude declined")
_API = Trouble(OutcomeKind.OVERLOADED, "The Claude API failed on its side")
_NETWORK = Trouble(OutcomeKind.NETWORK, "The Claude API could not be reached")
_TRUNCATED = Trouble(OutcomeKind.TRUNCATED, "Claude's answer was cut off")
_REQUEST = Trouble(OutcomeKind.INVALID_REQUEST, "The Claude API refuses the request")
_FAILED = Trouble(OutcomeKind.FAILED, "Claude failed")

_BY_STATUS: tuple[tuple[Callable[[int], bool], Trouble], ...] = (
    (lambda status: status in (401, 403), _LOGIN),
    (lambda status: status == 402, Trouble(OutcomeKind.ACCOUNT, "Claude's account refuses work")),
    (lambda status: status == 408, _NETWORK),
    (lambda status: status == 413, _TOO_LONG),
    (lambda status: status == 429, Trouble(OutcomeKind.RATE_LIMITED, "The Claude API takes no more for now")),
    (lambda status: 400 <= status < 500, _REQUEST),
    (lambda status: 500 <= status < 600, _API),
)

_BY_WORDS: tuple[tuple[str, Trouble], ...] = (
    (r"prompt is too long|context (?:window|limit)|request too large|conversation too long", _TOO_LONG),
    (
        r"not logged in|run /login|invalid (?:api key|x-api-key|bearer)|authentication_(?:failed|error)"
        r"|oauth token|api key .{0,30}(?:disabled|revoked|expired)|failed to authenticate",
        _LOGIN,
    ),
    (r"usage policy|unable to respond to this request", _REFUSED),
    (r"exceeded the .{0,40}output token maximum", _TRUNCATED),
    (r"model .{0,80}(?:not exist|not found|not have access)|issue with the selected model", _REQUEST),
    (r"overloaded|internal server error|\b5\d\d\b", _API),
    (
        r"unable to connect|connection|network|econn|etimedout|enotfound|eai_again|fetch failed|timed? ?out"
        r"|certificate|socket|\bdns\b",
        _NETWORK,
    ),
    (r"server_error", _API),
)
_PATTERNS = tuple((re.compile(pattern, re.IGNORECASE), trouble) for pattern, trouble in _BY_WORDS)

# Some versions report a limit or a failed request as a plain success: the text is then the whole message.
_DISGUISED = re.compile(
    r"""API\ Error:\ (?:\d{3}\b|Connection|Unable\ to|Request\ |Overloaded)
      | Not\ logged\ in\ ·
      | Invalid\ API\ key\ ·
      | Credit\ balance\ is\ too\ low\s*$
      | Prompt\ is\ too\ long\s*$
      | You['’]ve\ (?:hit|reached)\ your\ .{0,60}limit\s*[·∙•|]
      | (?:Claude\ (?:AI\ )?usage|5-hour|Weekly|Opus)(?:\ weekly)?\ limit\ reached\s*[·∙•|]
      | Limit\ reached\s*\|
      | You['’]re\ (?:now\ )?out\ of\ extra\ usage\s*[·∙•|]""",
    re.IGNORECASE | re.VERBOSE,
)
_LONGEST = 400


def disguised(text: str) -> bool:
    """Whether the final text of a "success" is really the CLI's own message about a failure."""
    text = text.strip()
    return len(text) <= _LONGEST and _DISGUISED.match(text) is not None


def trouble(status: int | None, words: str) -> Trouble:
    """Name a failed request.

    Args:
        status: The HTTP status that the CLI reports; None when it reports none.
        words: The CLI's own message.
    """
    by_words = next((found for pattern, found in _PATTERNS if pattern.search(words)), _FAILED)
    if status is None:
        return by_words
    if status == 400 and by_words in (_TOO_LONG, _REFUSED):
        return by_words
    return next((found for matches, found in _BY_STATUS if matches(status)), by_words)
