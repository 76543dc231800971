"""Classifying a failed request by the status and the message that the Claude CLI reports.

The status comes first. The message decides if there is none (no connection, no login); the patterns are data because
messages change with every version.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from enum import StrEnum

from samobot.claude.outcome_kinds import OutcomeKind
from samobot.frozen import frozen
from samobot.regex import regex


class Cure(StrEnum):
    """Whether a fresh process may succeed where this one was refused."""

    NONE = "none"
    RESTART = "restart"
    """Something in the conversation is refused; a fresh process does not carry it."""
    RESTART_IF_ANSWERED = "restart_if_answered"
    """Requests of the same process succeeded before: the conversation or the time has changed, not the setup."""


@frozen
class RequestFailure:
    """A kind of failed request.

    Attributes:
        kind: What it is.
        lead: How a sentence about it begins.
        cure: Whether a fresh process may help, for kinds that are not tried again otherwise.
    """

    kind: OutcomeKind
    lead: str
    cure: Cure = Cure.NONE


_TOO_LONG = RequestFailure(OutcomeKind.PROMPT_TOO_LONG, "The conversation is too long for the model")
_LOGIN = RequestFailure(OutcomeKind.AUTH, "Claude refuses the login", Cure.RESTART_IF_ANSWERED)
_REFUSED = RequestFailure(OutcomeKind.REFUSED, "Claude declined")
_API = RequestFailure(OutcomeKind.OVERLOADED, "The Claude API failed on its side")
_LIMITED = RequestFailure(OutcomeKind.RATE_LIMITED, "The Claude API accepts no further requests for now")
_NETWORK = RequestFailure(OutcomeKind.NETWORK, "The Claude API could not be reached")
_TRUNCATED = RequestFailure(OutcomeKind.TRUNCATED, "Claude's answer was cut off")
_REQUEST = RequestFailure(
    OutcomeKind.INVALID_REQUEST, "The Claude API refuses the request", Cure.RESTART_IF_ANSWERED
)
_CONTENT = RequestFailure(
    OutcomeKind.INVALID_REQUEST, "The Claude API refuses something in the conversation", Cure.RESTART
)
_SETUP = RequestFailure(OutcomeKind.INVALID_REQUEST, "The Claude API refuses how it is used")
_PLACE = RequestFailure(
    OutcomeKind.INVALID_REQUEST, "The Claude API does not serve the country from which this machine connects"
)
_MODEL = RequestFailure(OutcomeKind.INVALID_REQUEST, "The account cannot use this model")
_FAILED = RequestFailure(OutcomeKind.FAILED, "Claude failed")

_BY_STATUS: tuple[tuple[Callable[[int], bool], RequestFailure], ...] = (
    (lambda status: status in (401, 403), _LOGIN),
    (lambda status: status == 402, RequestFailure(OutcomeKind.ACCOUNT, "Claude's account refuses work")),
    (lambda status: status == 408, _NETWORK),
    (lambda status: status == 413, _TOO_LONG),
    (lambda status: status == 429, _LIMITED),
    (lambda status: status == 409 or 500 <= status < 600, _API),
    (lambda status: 400 <= status < 500, _REQUEST),
)

_BY_MESSAGE: tuple[tuple[str, RequestFailure], ...] = (
    (
        r"(?:prompt|input) is too long|context (?:window|limit)|request too large|conversation too long"
        r"|request exceeds the maximum size|context low\b",
        _TOO_LONG,
    ),
    (
        r"not logged in|run /login|invalid (?:api key|x-api-key|bearer)|authentication_(?:failed|error)"
        r"|oauth token|api key .{0,30}(?:disabled|revoked|expired)|failed to authenticate",
        _LOGIN,
    ),
    (
        r"unsupported_country|country, region,? or territory"
        r"|(?:not (?:yet )?(?:available|supported)|unavailable) in (?:your|this) country",
        _PLACE,
    ),
    (r"usage policy|unable to respond to this request", _REFUSED),
    (r"exceeded the .{0,40}output token maximum", _TRUNCATED),
    (
        r"issue with the selected model|(?:invalid|unknown|unsupported) model\b|\b40[04]\b.{0,80}\bmodel: ?[\w.-]+"
        r"|model .{0,80}(?:not exist|not found|not have access|not (?:available|supported|enabled)|unavailable"
        r"|not support|isn['’]t supported|is invalid|deprecated|retired)|access to the model\b"
        r"|not (?:available|included|supported) (?:with|on|in|for) (?:the|your) .{0,60}"
        r"(?:plan|subscription|account|organization|workspace|region)",
        _MODEL,
    ),
    (
        # What is set up wrongly is so in each process.
        r"not (?:yet )?(?:available|enabled) for th(?:is|e) (?:subscription|account|organization|workspace)"
        r"|not enabled for your\b|permission_error|not have permission|not authorized to perform|permission '.{1,80}' denied"
        r"|invalid beta|\bsystem(?:\.\d+)?[\w.]*:|\btools:|requested tools exceeds|location is not supported"
        r"|\b(?:tools\.\d+|thinking\.(?:budget_tokens|type|enabled)|temperature|top_[pk]|stop_sequences|output_config)"
        r"[\w.`]*(?:\s?:| is deprecated)|\bmax_tokens\b.{0,5}:|value for max_tokens",
        _SETUP,
    ),
    (
        r"image dimensions|image exceeds|could not process (?:image|pdf|document)|many-image|pdf pages|pdf is "
        r"|tool_use.{0,40}(?:without|ids? ).{0,60}tool_result|unexpected .{0,5}tool_use_id|tool_result.{0,60}tool_use"
        r"|thinking.{0,30} blocks?.{0,80}(?:modified|must|cannot)|content blocks? must (?:be non-empty|contain)"
        r"|must be non-empty|invalid base64|surrogate|not valid json|invalid high surrogate|media_type"
        r"|\bmessages(?:\.\d+[\w.]*)?:|tool_use.{0,5} ids must|tool use concurrency|password protected"
        r"|signature in thinking|cache_control block|content filtering policy|(?:image|pdf) (?:was )?too large"
        r"|too many (?:images|total text)|unable to download the file",
        _CONTENT,
    ),
    (r"temporarily limiting requests", _LIMITED),
    (r"overloaded|internal server error|at capacity|experiencing high demand|\b5\d\d\b", _API),
    (
        r"unable to connect|connection|network|econn|etimedout|enotfound|eai_again|fetch failed|timed? ?out"
        r"|certificate|socket|\bdns\b",
        _NETWORK,
    ),
    (r"server_error", _API),
)
_PATTERNS = tuple(
    (regex(pattern, re.IGNORECASE), classify_failure) for pattern, classify_failure in _BY_MESSAGE
)

# Some versions report a limit or a failed request as a success: the result text is then only the message.
_DISGUISED = regex(
    r"""API\ Error:\ (?:\d{3}\b|Connection|Unable\ to|Request\ |Overloaded)
      | Not\ logged\ in\ ·
      | Invalid\ API\ key\ ·
      | Credit\ balance\ is\ too\ low\s*$
      | Prompt\ is\ too\ long\s*$
      | You(?:['’]ve|\ have)\ (?:hit|reached|exceeded|used\ up)\ your\ .{0,60}limit\s*[·∙•|]
      | (?:(?:Claude\ (?:AI\ )?)?usage|5-hour|7-day|Daily|Weekly|Session|Opus|Sonnet|Fable|Haiku|Usage\ credits?)(?:\ weekly)?\ limit\ reached
        \s*[·∙•|]
      | Limit\ reached\s*\|
      | Spend(?:ing)?\ (?:cap|limit)\ reached\b
      | There['’]s\ an\ issue\ with\ the\ selected\ model\b
      | You['’]re\ (?:now\ )?out\ of\ extra\ usage\s*[·∙•|]
      | You['’]re\ out\ of\ usage\ credits(?:\.\ |\s*[·∙•|]|\s*$)
      | Your\ organization\ is\ out\ of\ usage\ credits\b
      | You['’]ve\ hit\ your\ (?:[\w'’]{1,20}\ )?monthly\ spend\ limit\b""",
    re.IGNORECASE | re.VERBOSE,
)
_LONGEST = 400
_BODY = regex(r"\{.*?\"message\"\s*:\s*\"((?:[^\"\\]|\\.)+)\"", re.DOTALL)
_STATUS = regex(r"\s*API Error: ?\(?([45]\d\d)\b")


def is_disguised_failure(text: str) -> bool:
    """Whether the result text of a "success" is the CLI's message about a failure."""
    text = text.strip()
    return len(text) <= _LONGEST and _DISGUISED.match(text) is not None


# Without any request, as the whole result of a "success": what the hook wrote stands between.
_HOOK = regex(
    r"\s*(?:UserPromptSubmit operation blocked|Operation stopped) by hook:?(.*?)(?:\n\s*Original prompt:|\Z)",
    re.DOTALL,
)


def refused_by_hook(text: str) -> str | None:
    """What a hook wrote that refused the prompt; None if the text is no such refusal."""
    found = _HOOK.match(text)
    return found[1].strip() if found else None


def stated_status(message: str) -> int | None:
    """The HTTP status that a message of the CLI begins with: some versions report it only there."""
    found = _STATUS.match(message)
    return int(found[1]) if found else None


def without_body(message: str) -> str:
    """A message of the CLI with the API's own sentence in place of the JSON that it came in."""
    found = _BODY.search(message[:4000])
    try:
        return message if found is None else message[: found.start()] + str(json.loads(f'"{found[1]}"'))
    except ValueError:
        return message


def classify_failure(status: int | None, message: str) -> RequestFailure:
    """Classify a failed request.

    Args:
        status: The HTTP status that the CLI reports; None without one.
        message: The CLI's own message.
    """
    by_message = next((found for pattern, found in _PATTERNS if pattern.search(message)), _FAILED)
    status = stated_status(message) if status is None else status
    if status is None:
        return by_message
    if status == 400 and by_message in (_TOO_LONG, _REFUSED, _CONTENT):
        return by_message
    if status in (400, 403, 404) and by_message in (_MODEL, _SETUP, _PLACE):
        return by_message
    return next((found for matches, found in _BY_STATUS if matches(status)), by_message)
