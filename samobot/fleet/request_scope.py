"""The request that is being handled, so that each call made for it has a name that a repetition has as well."""

from __future__ import annotations

import contextlib
import hashlib
from collections import Counter
from collections.abc import Iterator
from contextvars import ContextVar
from uuid import uuid4


class _Scope:
    """A request and how often each call was made for it."""

    def __init__(self, request: str) -> None:
        self.request = request
        self.made: Counter[str] = Counter()


_SCOPE: ContextVar[_Scope | None] = ContextVar("request_scope", default=None)


@contextlib.contextmanager
def request_scope(request: str) -> Iterator[None]:
    """Name the calls made inside after this request; also those of tasks that are begun inside.

    Args:
        request: The same for a repetition of the request after a crash.
    """
    token = _SCOPE.set(_Scope(request))
    try:
        yield
    finally:
        _SCOPE.reset(token)


def call_id(call: str, about: str, request: str | None = None) -> str:
    """Return an id for a call: of the request and the call's position in it, else a new one.

    Args:
        call: Name of the call.
        about: What it is about.
        request: Names the request; None takes the one in whose scope it is made.

    Returns:
        32 hexadecimal digits.
    """
    scope = _SCOPE.get()
    if request is None:
        if scope is None:
            return uuid4().hex
        scope.made[f"{call} {about}"] += 1
        request = f"{scope.request} {scope.made[f'{call} {about}']}"
    return hashlib.sha256(f"{request}\n{call}\n{about}".encode()).hexdigest()[:32]
