"""How hypothesis looks for counterexamples: the same ones each time in CI, ever new ones in `make fuzz`.

A run of CI says something about a change; what chance finds in old code belongs to the fuzzing, which prints what
it found. FUZZ_EXAMPLES says how many examples each property gets there; `make fast` takes a tenth of CI's. No example
has a deadline: how fast a machine is says nothing about a promise.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from samobot.session.vault import use_state_dir

# A slow machine is no reason to fail either.
_SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]
settings.register_profile("ci", deadline=None, derandomize=True, database=None, suppress_health_check=_SLOW)
settings.register_profile("fast", parent=settings.get_profile("ci"), max_examples=10)
settings.register_profile(
    "fuzz",
    max_examples=int(os.environ.get("FUZZ_EXAMPLES", "0")) or 100,
    deadline=None,
    suppress_health_check=_SLOW,
)
settings.load_profile("fuzz" if os.environ.get("FUZZ_EXAMPLES") else "ci")


_TESTS = itertools.count()


@pytest.fixture(autouse=True)
def _state_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test records a session in a real home; a command that runs in the test's process may choose another one."""
    # One for each test: what a hostile agent does to it must not reach the next.
    use_state_dir(tmp_path_factory.getbasetemp() / "states" / str(next(_TESTS)))
    yield
    use_state_dir(None)


@pytest.hookimpl(trylast=True)  # hypothesis marks its own at this moment, too
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave the properties out of the coverage: it makes them twice as long, and other tests go the same ways."""
    for item in items:
        if item.get_closest_marker("hypothesis") is not None:
            item.add_marker(pytest.mark.no_cover)
