"""The receiver of webhooks: only signed, new, small and few deliveries are hints, and never more than that."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import ClientError
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application, Request

from samobot.telegram.inbound.webhook import BURST, LARGEST_BODY, ForgeWebhook
from samobot.telegram.store.bot_store import Store

SECRET = "a-secret-for-tests"
BODY = b'{"action": "labeled"}'

Client = TestClient[Request, Application]


class Clock:
    """Monotonic seconds that a test sets forward."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def receiver(store: Store, clock: Clock) -> ForgeWebhook:
    return ForgeWebhook(SECRET, store.webhook_deliveries, clock)


@pytest.fixture
async def client(receiver: ForgeWebhook) -> AsyncIterator[Client]:
    async with TestClient(TestServer(receiver.application())) as made:
        yield made


def signature(body: bytes = BODY, secret: str = SECRET) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def signed(delivery: str = "1", body: bytes = BODY) -> dict[str, str]:
    """Headers as GitHub sends them."""
    return {"X-GitHub-Delivery": delivery, "X-GitHub-Event": "issues", "X-Hub-Signature-256": signature(body)}


async def send(client: Client, headers: dict[str, str], body: bytes = BODY) -> int:
    async with client.post("/", data=body, headers=headers) as answer:
        return answer.status


async def test_signed_delivery_is_a_hint(client: Client, receiver: ForgeWebhook) -> None:
    assert not receiver.take_hint()
    assert await send(client, signed()) == 202
    assert receiver.take_hint()
    assert not receiver.take_hint()


async def test_token_of_gitlab_is_as_good(client: Client, receiver: ForgeWebhook) -> None:
    headers = {"X-Gitlab-Token": SECRET, "Idempotency-Key": "1"}
    assert [await send(client, headers), await send(client, headers)] == [202, 200]
    assert await send(client, headers | {"X-Gitlab-Token": "another-secret-text"}) == 401


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"X-GitHub-Delivery": "1"}, BODY),
        (signed() | {"X-Hub-Signature-256": signature(secret="another-secret-text")}, BODY),
        (signed(), BODY + b" "),
        (signed() | {"X-Hub-Signature-256": "sha256="}, BODY),
        (signed() | {"X-Hub-Signature-256": signature().removeprefix("sha256=")}, BODY),
        (signed() | {"X-Hub-Signature-256": "sha256=ü"}, BODY),
        (signed() | {"X-Hub-Signature-256": signature().replace("sha256=", "sha1=")}, BODY),
        ({"X-Gitlab-Token": "", "Idempotency-Key": "1"}, BODY),
    ],
)  # fmt: skip
async def test_what_is_not_signed_is_refused_and_gives_no_hint(
    client: Client, receiver: ForgeWebhook, headers: dict[str, str], body: bytes
) -> None:
    assert await send(client, headers, body) == 401
    assert not receiver.take_hint()
    assert await send(client, signed()) == 202  # and the delivery's id is not used up by it


SIGNING_TOKEN = "whsec_" + base64.b64encode(b"k" * 32).decode()
SENT_AT = 1_800_000_000


def standard(key: bytes = b"k" * 32, *, at: str = str(SENT_AT), name: str = "1") -> dict[str, str]:
    """Headers as GitLab sends them with a signing token."""
    made = hmac.digest(key, f"{name}.{at}.".encode() + BODY, "sha256")
    signed_by = f"v1,{base64.b64encode(b'x' * 32).decode()} v1,{base64.b64encode(made).decode()}"
    return {
        "webhook-id": name,
        "webhook-timestamp": at,
        "webhook-signature": signed_by,
        "Idempotency-Key": name,
    }


async def test_signing_token_of_gitlab_signs_id_time_and_body(store: Store, clock: Clock) -> None:
    receiver = ForgeWebhook(SIGNING_TOKEN, store.webhook_deliveries, clock, lambda: SENT_AT + 200.0)
    async with TestClient(TestServer(receiver.application())) as client:
        refused = [
            (standard(b"another"), BODY),
            (standard(), b"another body"),
            (standard() | {"webhook-id": "2"}, BODY),
            (standard() | {"webhook-timestamp": str(SENT_AT + 1)}, BODY),
            (standard(at=str(SENT_AT - 200)), BODY),  # replayed too late
            (standard(at=str(SENT_AT + 600)), BODY),
            (standard(at="1e9"), BODY),
            # Its own signature is wrong, so no other proof counts.
            (standard(b"another") | {"X-Gitlab-Token": SIGNING_TOKEN}, BODY),
            (standard() | {"webhook-signature": "v1,"}, BODY),
        ]
        assert {await send(client, headers, body) for headers, body in refused} == {401}
        assert not receiver.take_hint()
        assert await send(client, standard(name="")) == 400
        assert await send(client, standard()) == 202
        assert receiver.take_hint()
        assert await send(client, standard()) == 200
        assert not receiver.take_hint()


async def test_repeated_delivery_gives_no_second_hint(
    client: Client, receiver: ForgeWebhook, store: Store, clock: Clock
) -> None:
    assert await send(client, signed()) == 202
    assert receiver.take_hint()
    assert await send(client, signed()) == 200
    assert await send(client, signed("another id for the same body")) == 200
    assert not receiver.take_hint()
    # A new process of the bot knows it, too.
    again = ForgeWebhook(SECRET, store.webhook_deliveries, clock)
    async with TestClient(TestServer(again.application())) as later:
        assert await send(later, signed()) == 200
    assert not again.take_hint()


@pytest.mark.parametrize("delivery", ["", "x" * 201])
async def test_delivery_without_a_usable_id_is_refused(
    client: Client, receiver: ForgeWebhook, delivery: str
) -> None:
    assert await send(client, signed(delivery)) == 400
    assert not receiver.take_hint()


@pytest.mark.parametrize("chunked", [False, True])
async def test_ten_megabytes_are_refused(client: Client, receiver: ForgeWebhook, chunked: bool) -> None:
    body = b"x" * (10 * 1024 * 1024)

    async def parts() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 65536):
            yield body[start : start + 65536]

    try:
        async with client.post("/", data=parts() if chunked else body, headers=signed(body=body)) as answer:
            assert answer.status == 413
    except (ClientError, OSError):
        pass  # it hung up before all of it was sent, which is a refusal as well
    assert not receiver.take_hint()
    fits = b"x" * LARGEST_BODY
    assert await send(client, signed(body=fits), fits) == 202


async def test_a_thousand_requests_in_one_second_are_bounded(
    client: Client, receiver: ForgeWebhook, clock: Clock
) -> None:
    bodies = [f'{{"n": {number}}}'.encode() for number in range(1000)]
    gate = asyncio.Semaphore(50)

    async def one(number: int) -> int:
        async with gate:
            return await send(client, signed(str(number), bodies[number]), bodies[number])

    found = await asyncio.gather(*(one(number) for number in range(1000)))
    assert (found.count(202), found.count(429)) == (BURST, 1000 - BURST)
    assert receiver.take_hint()
    assert not receiver.take_hint()
    clock.now += 1.0
    assert [await send(client, signed(f"later {number}", b"%d" % number), b"%d" % number) for number in range(6)] == [
        202, 202, 202, 202, 202, 429
    ]  # fmt: skip


async def test_only_posts_to_the_root_are_taken(client: Client) -> None:
    async with client.get("/") as answer:
        assert answer.status == 405
    async with client.post("/other", data=BODY, headers=signed()) as answer:
        assert answer.status == 404


def test_old_deliveries_are_forgotten(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("samobot.telegram.store.webhook_deliveries._KEPT", 2)
    for number in range(5):
        assert store.webhook_deliveries.take(f"delivery {number}")
    store.webhook_deliveries.prune()
    assert sum(not store.webhook_deliveries.take(f"delivery {number}") for number in range(5)) == 2
