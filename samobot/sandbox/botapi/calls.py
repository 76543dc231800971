"""What bots asked of the server: the arguments of one call, and the journal of all of them."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from samobot.sandbox.botapi.failure import bad_request


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that came in a multipart call."""

    name: str
    mime_type: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Arguments:
    """The parameters of a call as Telegram sees them: texts, whatever they were in the request.

    Args:
        values: Parameter name to text; JSON objects and numbers are their JSON text.
        uploads: Files by the name of their part.
    """

    values: Mapping[str, str] = field(default_factory=dict)
    uploads: Mapping[str, Upload] = field(default_factory=dict)

    def __contains__(self, name: str) -> bool:
        return name in self.values or name in self.uploads

    def names(self) -> frozenset[str]:
        """What was given, except the parts that another parameter refers to as `attach://name`."""
        attached = {
            name for name in self.uploads if any(f"attach://{name}" in text for text in self.values.values())
        }
        return frozenset(self.values) | (frozenset(self.uploads) - attached)

    def text(self, name: str) -> str:
        """A text; empty if it was not given."""
        value = self.values.get(name, "")
        try:
            value.encode()
        except UnicodeEncodeError:
            raise bad_request("strings must be encoded in UTF-8") from None
        return value

    def integer(self, name: str, default: int = 0) -> int:
        """A whole number.

        Raises:
            ApiFailure: Given, and not a number.
        """
        value = self.values.get(name, "").strip()
        if not value:
            return default
        try:
            return int(value)
        except ValueError:
            raise bad_request(f'can\'t parse "{name}": expected an Integer') from None

    def flag(self, name: str) -> bool:
        """A Boolean, as leniently as Telegram reads one."""
        return self.values.get(name, "").strip().lower() in {"true", "yes", "1"}

    def json(self, name: str, what: str = "") -> object:
        """A JSON value, or None if it was not given.

        Args:
            name: The parameter.
            what: How Telegram calls it in its complaint.

        Raises:
            ApiFailure: Not JSON.
        """
        value = self.text(name)
        if not value.strip():
            return None
        try:
            return _utf8(json.loads(value))
        except (ValueError, RecursionError):
            raise bad_request(f"can't parse {what or name} JSON object") from None


def _utf8(value: object) -> object:
    json.dumps(value, ensure_ascii=False).encode()
    return value


@dataclass(slots=True, eq=False)
class Call:
    """One call of a bot, as the journal keeps it. The token is not in it.

    Args:
        number: 1, 2, 3 … in order of arrival.
        bot: Username of the bot; None if the token is unknown.
        method: As written in the address.
        arguments: What was given.
        at: Wall time of arrival, seconds since 1970.
        started: Monotonic seconds of arrival.
    """

    number: int
    bot: str | None
    method: str
    arguments: Arguments
    at: float
    started: float
    ended: float | None = None
    status: int | None = None
    result: object = None
    error: str | None = None
    fault: str | None = None
    unknown: tuple[str, ...] = ()

    def is_method(self, name: str) -> bool:
        """Whether this is a call of that method; case does not count, as with Telegram."""
        return self.method.lower() == name.lower()

    def api(self) -> dict[str, object]:
        """The call as JSON, for the control API."""
        return {
            "number": self.number,
            "bot": self.bot,
            "method": self.method,
            "parameters": dict(self.arguments.values),
            "files": {name: upload.name for name, upload in self.arguments.uploads.items()},
            "at": self.at,
            "started": self.started,
            "ended": self.ended,
            "status": self.status,
            "result": self.result,
            "error": self.error,
            "fault": self.fault,
            "unknown": list(self.unknown),
        }


class Calls:
    """The journal of calls, oldest first; only the newest are kept.

    Args:
        keep: How many.
    """

    def __init__(self, keep: int = 100_000) -> None:
        self._calls: deque[Call] = deque(maxlen=keep)
        self.count = 0

    def __len__(self) -> int:
        return len(self._calls)

    def add(self, bot: str | None, method: str, arguments: Arguments, at: float, started: float) -> Call:
        """Note a call that has just come in; its end is filled in later."""
        self.count += 1
        call = Call(self.count, bot, method, arguments, at, started)
        self._calls.append(call)
        return call

    def of(self, method: str = "", *, bot: str = "", after: int = 0) -> list[Call]:
        """Calls of a method (all where empty), of a bot, with a number above `after`."""
        return [
            call
            for call in self._calls
            if call.number > after and (not method or call.is_method(method)) and (not bot or call.bot == bot)
        ]

    def rejected(self) -> list[Call]:
        """Calls that a correct bot would not have made: those answered with 400, 404, 413 or 500, but no faults."""
        return [call for call in self._calls if call.status in {400, 404, 413, 500} and call.fault is None]
