"""How hypothesis looks for counterexamples: the same ones each time in CI, ever new ones in `make fuzz`.

A run of CI says something about a change; what chance finds in old code belongs to the fuzzing, which prints what
it found. FUZZ_EXAMPLES says how many examples each property gets there; `make fast` takes a tenth of CI's. No example
has a deadline: how fast a machine is says nothing about a promise.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import itertools
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings, strategies

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
# A shell has what it starts in the background ignore Ctrl-C, and so would every program that a test starts.
signal.signal(signal.SIGINT, signal.default_int_handler)

settings.load_profile("fuzz" if os.environ.get("FUZZ_EXAMPLES") else "ci")


_TESTS = itertools.count()


@pytest.fixture(autouse=True)
def _state_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test records a session in a real home; a command that runs in the test's process may choose another one."""
    # One for each test: what a hostile agent does to it must not reach the next.
    use_state_dir(tmp_path_factory.getbasetemp() / "states" / str(next(_TESTS)))
    yield
    use_state_dir(None)


@pytest.fixture(autouse=True, scope="session")
def _no_fsync() -> Iterator[None]:
    """What a test's own process writes need not outlive a power cut; programs that it starts do sync."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", os.fstat)  # refuses what is no open file, too
        yield


@pytest.hookimpl(trylast=True)  # hypothesis warns of what is made before this moment
def pytest_sessionstart(session: pytest.Session) -> None:
    """In each of several workers, import other test modules first than in the others.

    On a fresh clone they are compiled with their assertions, which takes 12 s of the processor: so a worker compiles
    a share of them, and finds what the others have compiled.
    """
    worker = getattr(session.config, "workerinput", None)
    if worker is None:
        return
    given = [Path(each.partition("::")[0]).resolve() for each in session.config.args]
    ignored = [Path(each).resolve() for each in session.config.getoption("ignore") or ()]
    here = Path(__file__).parent
    paths = [
        path.relative_to(here.parent).with_suffix("")
        for path in sorted(here.rglob("test_*.py"))
        if any(map(path.is_relative_to, given)) and not any(map(path.is_relative_to, ignored))
    ]
    number = int(worker["workerid"].removeprefix("gw"))
    for path in paths[number :: worker["workercount"]]:
        # What is wrong with a module is reported when it is collected.
        with contextlib.suppress(Exception, pytest.skip.Exception):
            importlib.import_module(".".join(path.parts))
    if number == 0:
        strategies.text().validate()  # its table of all characters takes 2 s, and is kept for the others


def pytest_collection(session: pytest.Session) -> None:
    """Look for no garbage while the tests are collected: there is none among what is kept to the end."""
    gc.disable()


def pytest_collection_finish(session: pytest.Session) -> None:
    """Never look through what was collected again."""
    gc.freeze()
    gc.enable()


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark what drives the newest Claude CLI, by its parameters: `make newest` runs it apart."""
    if item.get_closest_marker("real_cli") and "newest" in repr(getattr(item, "callspec", None)):
        item.add_marker("newest_cli")


@pytest.hookimpl(trylast=True)  # hypothesis marks its own at this moment, too
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave the properties out of the coverage: it makes them twice as long, and other tests go the same ways."""
    for item in items:
        if item.get_closest_marker("hypothesis") is not None:
            item.add_marker(pytest.mark.no_cover)
