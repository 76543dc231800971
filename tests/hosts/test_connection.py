from __future__ import annotations

import asyncio
import contextlib
from types import SimpleNamespace
from typing import Any

import pytest
from nats.errors import NoServersError

from samobot.hosts import connection
from samobot.hosts.connection import Connection, NobodyListensError, cancellable
from samobot.hosts.link import Link


def connection_that(answers: list[bytes | Exception], monkeypatch: pytest.MonkeyPatch) -> Connection:
    async def request(*_: Any) -> Any:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return SimpleNamespace(data=answer)

    made = Connection(Link(user="hub", servers=("nats://127.0.0.1:9",)), asyncio.Event().wait)  # type: ignore[arg-type]
    monkeypatch.setattr(made, "_request", request)
    monkeypatch.setattr(connection, "_STORE_RETRY_SECONDS", 0)
    return made


async def test_a_write_is_repeated_while_its_stream_is_being_made(monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[bytes | Exception] = [NobodyListensError("a"), NobodyListensError("b"), b'{"seq": 7}']
    assert await connection_that(answers, monkeypatch).store("subject", b"") == 7
    assert answers == []


async def test_a_write_to_a_stream_that_does_not_come_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[bytes | Exception] = [NobodyListensError("nobody listens")] * 100
    with pytest.raises(NobodyListensError):
        await connection_that(answers, monkeypatch).store("subject", b"")
    assert len(answers) < 100


async def test_a_question_to_a_host_that_is_not_there_is_answered_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers: list[bytes | Exception] = [NobodyListensError("nobody listens"), b"late"]
    with pytest.raises(NobodyListensError):
        await connection_that(answers, monkeypatch).request("subject", b"", 1)
    assert answers == [b"late"]


def test_a_server_that_is_away_for_long_is_logged_once_with_the_cause(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = connection_that([], monkeypatch)

    def try_often() -> None:
        for _ in range(3):
            for each in (ConnectionRefusedError("refused"), BrokenPipeError("broken"), NoServersError()):
                made._note(each)

    try_often()
    assert [each.getMessage().rpartition(": ")[2] for each in caplog.records] == ["refused", "broken"]
    assert made.problem == "BrokenPipeError: broken", "the cause, and not that the client has given up"
    made.established()
    assert made.problem == ""
    try_often()
    assert len(caplog.records) == 4, "after a connection it is news again"


async def test_work_ends_also_if_the_client_has_swallowed_its_cancellation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connection, "_CANCEL_SECONDS", 0.01)
    begun, swallowed = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        begun.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        swallowed.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(cancellable(work()))
    await begun.wait()
    task.cancel()  # once, as a task group does
    await asyncio.wait((task,), timeout=60)
    assert task.cancelled()
    assert swallowed.is_set()
