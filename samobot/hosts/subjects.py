"""Names on the NATS server: subjects, streams, buckets and consumers, and who uses which.

The hub makes every stream, bucket and consumer; a host makes none, so its key needs no permission to.

A host publishes to `receipt`, `news`, `snapshot_prefix` + any key, `beat`, `fetch` and `decision_acks` of its own name,
and reads control values with `CONTROL_READS`. It subscribes to `deliver`, `read`, `CONTROL_HINT` and its inbox
(`inbox` + `.>`). It answers requests with the server's `allow_responses`.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode

HUB = "hub"
"""Name of the hub's user; no host may have it."""

_HOST_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")

DECISIONS = "DECIDE"
"""Work queue of decisions: one subject for each, so that one that is there already is refused."""

RECEIPTS = "RECEIPT"
"""Work queue of receipts, one subject a host."""

NEWS = "NEWS"
"""Work queue of what a fleet did automatically, one subject a host."""

SESSIONS = "sessions"
"""Bucket of the newest snapshot of each session."""

BEATS = "hosts"
"""Bucket of the newest beat of each host; in memory."""

CONTROL = "control"
"""Bucket of what holds for all hosts."""

BUCKETS = (SESSIONS, BEATS, CONTROL)

ALL_DECISIONS = "samobot.decide.>"
ALL_RECEIPTS = "samobot.receipt.*"
ALL_NEWS = "samobot.news.*"
ALL_FETCHES = "samobot.fetch.*"
ALL_READS = "samobot.read.*"
ALL_DELIVERIES = "samobot.deliver.*"
ALL_ENROLLMENTS = "samobot.enroll.*"

CONTROL_HINT = "samobot.control"
"""Without content: a control value has changed."""

CONTROL_READS = f"$JS.API.DIRECT.GET.KV_{CONTROL}.$KV.{CONTROL}.>"
"""Requests for single control values."""

HUB_CONSUMER = "hub"
"""The hub's durable consumer of `RECEIPTS` and of `NEWS`."""

HUB_RECEIPTS = "samobot.hub.receipts"
"""Where the server pushes receipts to the hub."""

HUB_NEWS = "samobot.hub.news"
"""Where it pushes what the fleets did automatically."""


def is_host_name(name: str) -> bool:
    """Whether a host may have this name: 1 to 32 of `a-z0-9-`, a letter or digit first, and not the hub's."""
    return _HOST_NAME.fullmatch(name) is not None and name != HUB


def decide(host: str, decision: str) -> str:
    """Return the subject of one decision; its id is hexadecimal."""
    return f"samobot.decide.{host}.{decision}"


def decisions_of(host: str) -> str:
    """Return the subjects of all decisions for a host."""
    return f"samobot.decide.{host}.*"


def consumer(host: str) -> str:
    """Return the name of a host's durable consumer of `DECISIONS`."""
    return f"host-{host}"


def deliver(host: str) -> str:
    """Return the subject to which the server pushes a host's decisions."""
    return f"samobot.deliver.{host}"


def decision_acks(host: str) -> str:
    """Return the subjects on which a host acknowledges its decisions."""
    return f"$JS.ACK.{DECISIONS}.{consumer(host)}.>"


def receipt(host: str) -> str:
    """Return the subject of a host's receipts."""
    return f"samobot.receipt.{host}"


def news(host: str) -> str:
    """Return the subject of what a host's fleet did automatically."""
    return f"samobot.news.{host}"


def read(host: str) -> str:
    """Return the subject on which a host answers the hub's reads."""
    return f"samobot.read.{host}"


def fetch(host: str) -> str:
    """Return the subject on which the hub sends a host the parts of a large decision."""
    return f"samobot.fetch.{host}"


def enroll(host: str) -> str:
    """Return the subject on which a machine that was invited asks to become this host."""
    return f"samobot.enroll.{host}"


def inbox(user: str) -> str:
    """Return the prefix of a user's inboxes: of a host, or of `HUB`."""
    return f"_INBOX_{user}"


def join_inbox(host: str) -> str:
    """Return the prefix of the inboxes of a machine that was invited to become this host."""
    return f"_INBOX_join_{host}"


def beat(host: str) -> str:
    """Return the subject of a host's beats, which is its key in `BEATS`."""
    return f"$KV.{BEATS}.{host}"


def snapshot_prefix(host: str) -> str:
    """Return what the subjects of a host's snapshots begin with."""
    return f"$KV.{SESSIONS}.{host}."


def snapshot(host: str, key: str) -> str:
    """Return the subject of a session's snapshot.

    Args:
        host: Its host.
        key: The session's key, any text.
    """
    return snapshot_prefix(host) + urlsafe_b64encode(key.encode()).decode().rstrip("=")


def control(name: str) -> str:
    """Return the subject of a control value."""
    return f"$KV.{CONTROL}.{name}"


def control_read(name: str) -> str:
    """Return the subject of the request for a control value."""
    return f"$JS.API.DIRECT.GET.KV_{CONTROL}.{control(name)}"


def split_snapshot(kv_key: str) -> tuple[str, str]:
    """Return host and session key of a key in `SESSIONS`.

    Raises:
        ValueError: It is no such key.
    """
    host, _, encoded = kv_key.partition(".")
    return host, urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()
