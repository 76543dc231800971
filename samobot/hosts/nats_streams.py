"""Streams, buckets and consumers on the server; the hub makes them, as often as needed."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Awaitable, Callable

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import (
    AckPolicy,
    ConsumerConfig,
    DeliverPolicy,
    DiscardPolicy,
    RetentionPolicy,
    StorageType,
    StreamConfig,
)
from nats.js.errors import NotFoundError

from samobot.hosts import subjects

log = logging.getLogger(__name__)

BEAT_SECONDS = 10.0
"""Time between two beats of a host."""

ACK_SECONDS = 5.0
"""A message that nobody has confirmed or is at work on for this long is delivered again."""

MAX_UNCONFIRMED = 64
"""Messages that a consumer is given at once."""

_WATCH_KEPT_SECONDS = 30.0

_MB = 1024 * 1024
_MOST_WAITING = 1024
"""Receipts or news that one host may have on the server; the hub takes them at once."""

_STREAMS = (
    StreamConfig(
        name=subjects.DECISIONS,
        subjects=[subjects.ALL_DECISIONS],
        retention=RetentionPolicy.WORK_QUEUE,
        storage=StorageType.FILE,
        max_msgs_per_subject=1,
        discard=DiscardPolicy.NEW,
        discard_new_per_subject=True,
        max_bytes=512 * _MB,
    ),
    *(
        StreamConfig(
            name=name,
            subjects=[received],
            retention=RetentionPolicy.WORK_QUEUE,
            storage=StorageType.FILE,
            max_msgs_per_subject=_MOST_WAITING,
            discard=DiscardPolicy.NEW,
            discard_new_per_subject=True,
            max_bytes=most,
        )
        for name, received, most in (
            (subjects.RECEIPTS, subjects.ALL_RECEIPTS, 256 * _MB),
            (subjects.NEWS, subjects.ALL_NEWS, 32 * _MB),
        )
    ),
)
"""Without an age limit; what is refused for lack of room is sent again by whoever has it."""


def _bucket(name: str, most: int, *, storage: StorageType, seconds: float | None = None) -> StreamConfig:
    """The stream of a key-value bucket with one value a key."""
    return StreamConfig(
        name=f"KV_{name}",
        subjects=[f"$KV.{name}.>"],
        storage=storage,
        max_msgs_per_subject=1,
        max_age=seconds,
        max_bytes=most,
        discard=DiscardPolicy.NEW,
        allow_rollup_hdrs=False,  # with it one host could replace the snapshots of all
        deny_delete=True,
        allow_direct=True,
    )


_BUCKETS = (
    _bucket(subjects.SESSIONS, 768 * _MB, storage=StorageType.FILE),
    _bucket(subjects.BEATS, 64 * _MB, storage=StorageType.MEMORY, seconds=3 * BEAT_SECONDS),
    _bucket(subjects.CONTROL, 16 * _MB, storage=StorageType.FILE),
)


async def set_up(client: Client) -> None:
    """Make what all hosts share, if it is missing or was configured otherwise."""
    stream = client.jetstream()
    for config in (*_STREAMS, *_BUCKETS):
        try:
            await stream.update_stream(config)
        except NotFoundError:  # adding one that exists would count its room twice, and be refused for that
            await stream.add_stream(config)
    for name, deliver in (
        (subjects.RECEIPTS, subjects.HUB_RECEIPTS),
        (subjects.NEWS, subjects.HUB_NEWS),
    ):
        await _deliver(stream, name, subjects.HUB_CONSUMER, deliver, None)


async def set_up_host(client: Client, host: str) -> None:
    """Let the server push a host's decisions to it."""
    await _deliver(
        client.jetstream(),
        subjects.DECISIONS,
        subjects.consumer(host),
        subjects.deliver(host),
        subjects.decisions_of(host),
    )


async def forget_host(client: Client, host: str) -> None:
    """Remove everything of a host that was removed: snapshots, beat, and what waits for it or came from it."""
    stream = client.jetstream()
    with contextlib.suppress(NotFoundError):
        await stream.delete_consumer(subjects.DECISIONS, subjects.consumer(host))
    for name, subject in (
        (subjects.DECISIONS, subjects.decisions_of(host)),
        (subjects.RECEIPTS, subjects.receipt(host)),
        (subjects.NEWS, subjects.news(host)),
        (f"KV_{subjects.BEATS}", subjects.beat(host)),
    ):
        with contextlib.suppress(NotFoundError):
            await stream.purge_stream(name, subject=subject)
    await forget_sessions(client, host)


async def forget_sessions(client: Client, host: str) -> None:
    """Remove the snapshots of a host."""
    with contextlib.suppress(NotFoundError):
        await client.jetstream().purge_stream(
            f"KV_{subjects.SESSIONS}", subject=f"{subjects.snapshot_prefix(host)}>"
        )


async def _deliver(stream: JetStreamContext, name: str, durable: str, deliver: str, only: str | None) -> None:
    await stream.add_consumer(
        name,
        ConsumerConfig(
            durable_name=durable,
            deliver_subject=deliver,
            filter_subject=only,
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=ACK_SECONDS,
            max_ack_pending=MAX_UNCONFIRMED,
        ),
    )


async def watch(
    client: Client, bucket: str, handle: Callable[[Msg], Awaitable[None]], on_gap: Callable[[], None]
) -> int:
    """Handle each value of a bucket as it is, and then each change.

    Args:
        client: The connection.
        bucket: The bucket.
        handle: Called with each value; its metadata has the number of values that are still to come.
        on_gap: Called if a message was lost on the way: the watch has to be made again.

    Returns:
        The number of values that the bucket has now.
    """
    inbox = client.new_inbox()
    expected = 1

    async def check(message: Msg) -> None:
        nonlocal expected
        if message.metadata.sequence.consumer != expected:
            on_gap()
        expected = message.metadata.sequence.consumer + 1
        try:
            await handle(message)
        except Exception:  # one host's bad message must not end the watch of all
            log.exception("a value of %s", message.subject)

    await client.subscribe(inbox, cb=check)
    made = await client.jetstream().add_consumer(
        f"KV_{bucket}",
        ConsumerConfig(
            deliver_subject=inbox,
            deliver_policy=DeliverPolicy.LAST_PER_SUBJECT,
            filter_subject=f"$KV.{bucket}.>",
            ack_policy=AckPolicy.NONE,
            mem_storage=True,
            inactive_threshold=_WATCH_KEPT_SECONDS,
        ),
    )
    return made.num_pending or 0
