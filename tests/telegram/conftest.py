from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from samobot.telegram.store.bot_store import DATABASE_NAME, Store


@dataclass
class ManualClock:
    """A clock that a test moves."""

    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def loose_ends() -> list[str]:
    """What the event loop has complained about: errors of tasks that nobody waited for."""
    found: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: found.append(str(context)))
    return found


@pytest.fixture(scope="session")
def new_database(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The file of a new store: to copy it takes a fraction of creating its tables."""
    folder = tmp_path_factory.mktemp("store")
    Store(folder).close()
    return (folder / DATABASE_NAME).read_bytes()


@pytest.fixture
def store(tmp_path: Path, clock: ManualClock, new_database: bytes) -> Iterator[Store]:
    folder = tmp_path / "state"
    folder.mkdir(mode=0o700, exist_ok=True)
    (folder / DATABASE_NAME).write_bytes(new_database)
    opened = Store(folder, clock)
    yield opened
    opened.close()
