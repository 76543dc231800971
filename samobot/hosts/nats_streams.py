"""Streams, buckets and consumers on the server; the hub makes them, as often as needed."""

from __future__ import annotations

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
from nats.js.errors import BadRequestError

from samobot.hosts import subjects

BEAT_SECONDS = 10.0
"""Time between two beats of a host."""

ACK_SECONDS = 5.0
"""A message that nobody has confirmed or is at work on for this long is delivered again."""

MAX_UNCONFIRMED = 64
"""Messages that a consumer is given at once."""

_WATCH_KEPT_SECONDS = 30.0

_STREAMS = (
    StreamConfig(
        name=subjects.DECISIONS,
        subjects=[subjects.ALL_DECISIONS],
        retention=RetentionPolicy.WORK_QUEUE,
        storage=StorageType.FILE,
        max_msgs_per_subject=1,
        discard=DiscardPolicy.NEW,
        discard_new_per_subject=True,
    ),
    StreamConfig(
        name=subjects.RECEIPTS,
        subjects=[subjects.ALL_RECEIPTS],
        retention=RetentionPolicy.WORK_QUEUE,
        storage=StorageType.FILE,
    ),
    StreamConfig(
        name=subjects.NEWS,
        subjects=[subjects.ALL_NEWS],
        retention=RetentionPolicy.WORK_QUEUE,
        storage=StorageType.FILE,
    ),
)


def _bucket(name: str, *, storage: StorageType, seconds: float | None = None) -> StreamConfig:
    """The stream of a key-value bucket with one value a key."""
    return StreamConfig(
        name=f"KV_{name}",
        subjects=[f"$KV.{name}.>"],
        storage=storage,
        max_msgs_per_subject=1,
        max_age=seconds,
        discard=DiscardPolicy.NEW,
        allow_rollup_hdrs=False,  # with it one host could replace the snapshots of all
        deny_delete=True,
        allow_direct=True,
    )


_BUCKETS = (
    _bucket(subjects.SESSIONS, storage=StorageType.FILE),
    _bucket(subjects.BEATS, storage=StorageType.MEMORY, seconds=3 * BEAT_SECONDS),
    _bucket(subjects.CONTROL, storage=StorageType.FILE),
)


async def set_up(client: Client) -> None:
    """Make what all hosts share, if it is missing or was configured otherwise."""
    stream = client.jetstream()
    for config in (*_STREAMS, *_BUCKETS):
        try:
            await stream.add_stream(config)
        except BadRequestError:  # it exists with another configuration
            await stream.update_stream(config)
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
        await handle(message)

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
