"""A fleet behind JSON: every argument and result makes the round trip that a network would."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, cast, get_type_hints

from pydantic import ConfigDict, TypeAdapter

from samobot.fleet.fleet import Fleet

METHODS = {name: method for name, method in inspect.getmembers(Fleet, inspect.isfunction) if name[0] != "_"}


@functools.cache
def _adapter(annotation: Any) -> TypeAdapter[Any]:
    if annotation is bytes:
        return TypeAdapter(bytes, config=ConfigDict(ser_json_bytes="base64", val_json_bytes="base64"))
    return TypeAdapter(annotation)


def round_trip(annotation: Any, value: Any) -> Any:
    """The value after JSON; it must be equal."""
    adapter = _adapter(annotation)
    arrived = adapter.validate_json(adapter.dump_json(value))
    assert arrived == value, f"{value!r} arrived as {arrived!r}"
    return arrived


def through_json(fleet: Fleet, called: set[str] | None = None) -> Fleet:
    """The fleet with every call through JSON.

    Args:
        fleet: What answers the calls.
        called: Collects the names of the calls that returned.
    """

    class Proxy:
        def __getattr__(self, name: str) -> Callable[..., Any]:
            signature, hints = inspect.signature(METHODS[name]), get_type_hints(METHODS[name])

            async def call(*positional: Any, **named: Any) -> Any:
                bound = signature.bind(None, *positional, **named)
                for key, value in bound.arguments.items():
                    if key != "self":
                        bound.arguments[key] = round_trip(hints[key], value)
                result = await getattr(fleet, name)(*bound.args[1:], **bound.kwargs)
                if called is not None:
                    called.add(name)
                return round_trip(hints["return"], result)

            return call

    return cast(Fleet, Proxy())
