"""Calls of `Fleet` as JSON: their names, arguments and results, taken from the protocol's own signatures."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, get_type_hints

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError, create_model

from samobot import errors
from samobot.errors import SamobotError, SavedForHostError, SessionDoneError
from samobot.fleet.fleet import Fleet
from samobot.fleet.models import SessionRef
from samobot.fleet.start_request import StartRequest
from samobot.hosts.hub_messages import CallOutcome
from samobot.session.folder import split_date

_T = TypeVar("_T")

READS = frozenset({
    "view", "free_name", "archived", "archived_view", "is_archived", "mark_past", "wait_for_starts",
    "emergency_stop", "refuse_in_panic", "costs", "landing", "pull_request", "check_log", "leftovers", "work",
    "pull_request_diff",
    "ask_text", "plan_text", "summary_text", "diff", "review", "lessons", "untrusted", "log_lines", "last_message", "files", "file",
    "pictures", "timeline",
})  # fmt: skip
"""Calls that a host answers at once, or not at all."""

DECISIONS = frozenset({
    "start", "resume", "recreate_worktree", "pause", "stop", "archive", "restore", "set_budget",
    "raise_daily_budget", "answer", "accept_suggestions", "approve", "reject", "add_guidance", "add_files",
    "action_done", "keep_lessons", "decide_trust", "decide_ask", "withdraw_permission", "retry", "follow_up", "land", "clean",
})  # fmt: skip
"""Calls that are kept until their host has carried them out."""

CONTROLS = frozenset({"panic", "lift_emergency_stop"})
"""Calls that follow from a control value; asking a host for them only confirms what it does."""

OWN = frozenset(
    {"hosts", "projects", "sessions", "past", "find", "nearest", "wait_for_change", "poll", "close"}
)
"""Calls that the hub answers from what it knows."""

_JSON_BYTES = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")


@dataclass(frozen=True)
class FleetCall(Generic[_T]):
    """A method of `Fleet`.

    Attributes:
        name: Its name.
        signature: Without `self`.
        arguments: Model of its arguments.
        result: Turns what it returns into JSON and back.
    """

    name: str
    signature: inspect.Signature
    arguments: type[BaseModel]
    result: TypeAdapter[_T]

    @property
    def is_named(self) -> bool:
        """Whether the fleet itself carries it out once under a request's name."""
        return "request_id" in self.signature.parameters

    def encode(self, *positional: Any, **named: Any) -> str:
        """Return arguments as JSON."""
        bound = self.signature.bind(*positional, **named)
        return self.arguments(**bound.arguments).model_dump_json(exclude_unset=True)

    def decode(self, text: str) -> dict[str, Any]:
        """Read arguments.

        Raises:
            UsageError: They are those of another version.
        """
        try:
            known = self.arguments.model_validate_json(text)
        except ValidationError as error:
            raise errors.UsageError(
                f"{self.name} was asked for in a way that is unknown here: {error}"
            ) from None
        return {name: getattr(known, name) for name in known.model_fields_set}

    def about(self, arguments: dict[str, Any]) -> str:
        """Return what the call is about: calls about the same keep their order."""
        for value in arguments.values():
            if isinstance(value, SessionRef):
                return f"{value.project}:{value.name}"
            if isinstance(value, StartRequest):
                return f"{value.project}:{split_date(value.session)[1]}"
        return ""

    async def succeed(self, fleet: Fleet, arguments: dict[str, Any]) -> str:
        """Make the call and return its result as JSON.

        Raises:
            SamobotError: As the call does.
        """
        value = await getattr(fleet, self.name)(**arguments)
        return self.result.dump_json(value).decode()

    def value(self, outcome: CallOutcome) -> _T:
        """Return what an outcome holds.

        Raises:
            SamobotError: The call has failed with it, or the result cannot be read.
        """
        if outcome.error:
            raise error_of(outcome)
        try:
            return self.result.validate_json(outcome.result)
        except ValidationError:
            raise SamobotError(
                "The host's answer cannot be read: it runs another version of samobot. Update the older one."
            ) from None


def call_of(method: Callable[..., Coroutine[Any, Any, _T]]) -> FleetCall[_T]:
    """Return the call that a method of `Fleet` is."""
    return named_call(method.__name__)


@functools.cache
def named_call(name: str) -> FleetCall[Any]:
    """Return the call of a name.

    Raises:
        UsageError: There is none.
    """
    if name not in READS | DECISIONS | CONTROLS | OWN:
        raise errors.UsageError(f"“{name}” is unknown here; update samobot on this machine.")
    method = getattr(Fleet, name)
    hints = get_type_hints(method)
    parameters = list(inspect.signature(method).parameters.values())[1:]
    fields: dict[str, Any] = {
        each.name: (hints[each.name], ... if each.default is each.empty else each.default)
        for each in parameters
    }
    result = hints["return"]
    return FleetCall(
        name,
        inspect.Signature(parameters),
        create_model(name, __config__=ConfigDict(extra="ignore"), **fields),
        TypeAdapter(result, config=_JSON_BYTES) if result is bytes else TypeAdapter(result),
    )


def failure(error: SamobotError) -> CallOutcome:
    """Return the outcome of a call that has failed."""
    text = error.session if isinstance(error, SessionDoneError) else error.message
    return CallOutcome(error=type(error).__name__, text=text)


def error_of(outcome: CallOutcome) -> SamobotError:
    """Return the error of an outcome; a `SamobotError` if its class is unknown here."""
    kind = getattr(errors, outcome.error, SamobotError)
    is_known = isinstance(kind, type) and issubclass(kind, SamobotError) and kind is not SavedForHostError
    error: SamobotError = kind(outcome.text) if is_known else SamobotError(outcome.text)
    return error


def text_of(outcome: CallOutcome) -> str:
    """Return the message of an outcome's error; empty if there is none."""
    return error_of(outcome).message if outcome.error else ""
