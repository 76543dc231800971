"""Many cases of one promise in one test: what `pytest.mark.parametrize` is for a few."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Collection
from typing import Any

_SHOWN = 10


def for_each(names: str | tuple[str, ...], cases: Collection[Any]) -> Callable[[Callable[..., None]], Any]:
    """Call a test with each of the cases, and fail with those that failed.

    A test of its own costs some milliseconds with each: hundreds of them where the test itself takes none. Only for
    tests that need no fresh fixture, and skip nothing.

    Args:
        names: The parameters, as for `pytest.mark.parametrize`.
        cases: A value for the parameter, or a tuple of values for the parameters, for each case.
    """
    parameters = names if isinstance(names, tuple) else (names,)
    assert cases, "a test without a case tests nothing"

    def decorate(test: Callable[..., None]) -> Any:
        @functools.wraps(test)
        def all_of_them(**fixtures: Any) -> None:
            failed = []
            for case in cases:
                values = case if isinstance(names, tuple) else (case,)
                try:
                    test(**fixtures, **dict(zip(parameters, values, strict=True)))
                except Exception as error:
                    error.add_note(f"in the case {dict(zip(parameters, values, strict=True))!r:.2000}")
                    failed.append(error)
            if len(failed) == 1:
                raise failed[0]
            if failed:
                raise ExceptionGroup(f"{len(failed)} of {len(cases)} cases", failed[:_SHOWN])

        own = inspect.signature(test)
        kept = [each for each in own.parameters.values() if each.name not in parameters]
        all_of_them.__signature__ = own.replace(parameters=kept)  # type: ignore[attr-defined]
        return all_of_them

    return decorate
