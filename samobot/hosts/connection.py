"""A connection to the NATS server that is made again whenever it is lost."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import ssl
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error, NoRespondersError, NoServersError

from samobot.backoff import backoff
from samobot.errors import HostAwayError
from samobot.hosts import subjects
from samobot.hosts.link import Link
from samobot.hosts.nats_loading import quiet_client

log = logging.getLogger(__name__)

CONNECT_SECONDS = 5
PING_SECONDS = 10
"""A link that swallows everything is noticed after two of these without an answer."""
STORE_SECONDS = 10.0
"""How long a write may take until it is on the server's disk."""
_STORE_TRIES, _STORE_RETRY_SECONDS = 8, 0.25
"""A stream that was just made or changed has no listener for a moment."""
_CANCEL_SECONDS = 0.5
_FIRST_RETRY, _LONGEST_RETRY = 0.2, 5.0

_REFUSED = 10077
_THERE_ALREADY = "per subject"
"""The server's code for a message that a stream does not take, and what its text holds if a subject has all it may."""


class NotStoredError(Exception):
    """The server did not confirm a write; it may have happened."""


class ThereAlreadyError(NotStoredError):
    """The stream has as many messages of this subject as it takes."""


class NobodyListensError(NotStoredError):
    """No stream and no host listens on a subject: the message went nowhere."""


class Connection:
    """A connection that lasts: `serve` is called each time it is made, and cancelled when it is lost.

    So nothing of an old connection survives: subscriptions and watches are made again. A permission that the server
    refuses ends the connection as well, for otherwise a watch could go blind unnoticed.

    Args:
        link: How the server is reached.
        serve: Works with the connection for as long as it lasts; if it raises, the connection is made again.

    Attributes:
        problem: Why there is no connection, as a sentence; empty if there is one.
    """

    def __init__(self, link: Link, serve: Callable[[], Awaitable[None]]) -> None:
        quiet_client()
        self._link = link
        self._serve = serve
        self._client: Client | None = None
        self._lost: asyncio.Future[None] | None = None
        self._failures = 0
        self._logged: set[str] = set()
        self.problem = "not connected yet"

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection now."""
        return self._client is not None and self._client.is_connected and not _is_done(self._lost)

    async def run(self) -> None:
        """Keep the connection until cancelled."""
        while True:
            attempt = asyncio.create_task(self._once())
            try:
                await asyncio.wait((attempt,))
            finally:
                await _cancel(attempt)
            error = attempt.exception() if not attempt.cancelled() else None
            if isinstance(error, Exception):  # whatever the client raises, the connection is made again
                self._note(error)
            self._failures += 1
            await asyncio.sleep(backoff(self._failures, _FIRST_RETRY, _LONGEST_RETRY))

    async def _once(self) -> None:
        client = Client()
        self._lost = lost = asyncio.get_running_loop().create_future()

        async def on_error(error: Exception) -> None:
            self._note(error)
            if client.is_connected:
                await on_closed()

        async def on_closed() -> None:
            if not lost.done():
                lost.set_result(None)

        link = self._link
        try:
            await client.connect(
                servers=list(link.servers),
                name=link.user,
                error_cb=on_error,
                closed_cb=on_closed,
                disconnected_cb=on_closed,
                allow_reconnect=False,
                max_reconnect_attempts=1,
                reconnect_time_wait=0,
                connect_timeout=CONNECT_SECONDS,
                ping_interval=PING_SECONDS,
                max_outstanding_pings=2,
                inbox_prefix=subjects.inbox(link.user).encode(),
                nkeys_seed=str(link.seed) if link.seed is not None else None,
                tls=ssl.create_default_context(cafile=link.ca) if link.ca is not None else None,
            )
            self._client = client
            serving = asyncio.ensure_future(self._serve())
            try:
                await asyncio.wait((serving, lost), return_when=asyncio.FIRST_COMPLETED)
                if serving.done():
                    await serving
            finally:
                await _cancel(serving)
        finally:
            self._client = None
            with contextlib.suppress(Exception):  # a broken connection cannot be closed in order
                await client.close()

    def established(self) -> None:
        """Note that the connection works: everything that it needs was set up."""
        self._failures = 0
        self._logged.clear()
        self.problem = ""

    def _note(self, error: Exception) -> None:
        """Keep a problem, and log it once until there is a connection: a server may be away for days."""
        while isinstance(error, ExceptionGroup):
            error = error.exceptions[0]
        if isinstance(error, NoServersError) and self._logged:
            return  # the client adds it to the cause that it has reported
        text = f"{type(error).__name__}: {error}".rstrip(": ")
        if text not in self._logged:
            log.warning("the connection to %s: %s", ", ".join(self._link.servers), text)
            self._logged.add(text)
        self.problem = text

    # What is sent ------------------------------------------------------------------------------------------------

    @property
    def client(self) -> Client:
        """The connected client.

        Raises:
            HostAwayError: There is no connection.
        """
        if self._client is None or not self.is_connected:
            raise HostAwayError("The server that connects the hosts is not reachable.")
        return self._client

    async def subscribe(self, subject: str, handle: Callable[[Msg], Awaitable[None]]) -> None:
        """Handle the messages of a subject, one after the other, for as long as this connection lasts."""

        async def handle_safely(message: Msg) -> None:
            try:
                await handle(message)
            except Exception:  # one bad message must not end the subscription
                log.exception("a message on %s", message.subject)

        await self.client.subscribe(subject, cb=handle_safely)
        await self.client.flush()

    async def publish(self, subject: str, content: bytes = b"") -> None:
        """Send a message that nobody stores.

        Raises:
            HostAwayError: There is no connection.
        """
        await self.client.publish(subject, content)

    async def store(self, subject: str, content: bytes, headers: dict[str, str] | None = None) -> int:
        """Send a message to the stream of its subject; return its number once it is on the server's disk.

        Raises:
            ThereAlreadyError: The stream has as many messages of this subject as it takes.
            NotStoredError: The server did not confirm it.
            HostAwayError: There is no connection.
        """
        answer = json.loads((await self._store(subject, content, headers)).data)
        failed = answer.get("error")
        if failed is None:
            return int(answer["seq"])
        if failed.get("err_code") == _REFUSED and _THERE_ALREADY in str(failed.get("description")):
            raise ThereAlreadyError(subject)
        raise NotStoredError(f"{subject}: {failed.get('description')}")

    async def _store(self, subject: str, content: bytes, headers: dict[str, str] | None) -> Msg:
        for _ in range(_STORE_TRIES - 1):
            with contextlib.suppress(NobodyListensError):
                return await self._request(subject, content, STORE_SECONDS, headers)
            await asyncio.sleep(_STORE_RETRY_SECONDS)
        return await self._request(subject, content, STORE_SECONDS, headers)

    async def request(self, subject: str, content: bytes, seconds: float) -> Msg:
        """Send a request and return the answer.

        Raises:
            NotStoredError: There was none within this time.
            HostAwayError: There is no connection.
        """
        return await self._request(subject, content, seconds, None)

    async def _request(
        self, subject: str, content: bytes, seconds: float, headers: dict[str, str] | None
    ) -> Msg:
        client, lost = self.client, self._lost
        assert lost is not None, "there is a client"
        asking = asyncio.ensure_future(client.request(subject, content, timeout=seconds, headers=headers))
        try:
            await asyncio.wait((asking, lost), return_when=asyncio.FIRST_COMPLETED)
            if not asking.done():
                raise NotStoredError("the connection was lost")
            return await asking
        except NoRespondersError:
            raise NobodyListensError(f"nobody listens on {subject}") from None
        except (Error, TimeoutError) as error:
            raise NotStoredError(f"{subject}: {error or type(error).__name__}") from None
        finally:
            if not asking.done():
                await _cancel(asking)


def _is_done(lost: asyncio.Future[None] | None) -> bool:
    return lost is not None and lost.done()


async def cancellable(work: Coroutine[Any, Any, None]) -> None:
    """Do work that uses the connection in a task group; cancelled, it ends for sure.

    A group cancels its tasks once, and would wait forever for one in which the client has swallowed that.
    """
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait((task,))
        await task
    finally:
        await _cancel(task)


async def _cancel(*tasks: asyncio.Future[Any]) -> None:
    """Cancel tasks until they have ended: the client sometimes swallows a cancellation."""
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=_CANCEL_SECONDS)
    await asyncio.gather(*tasks, return_exceptions=True)
