"""An opt-in receiver of a forge's webhooks. A delivery is only a hint to look at the forge now.

Nothing of a delivery's content is used: what is new is read from the forge itself, with the user's login, as polling does.
So a forged or repeated delivery could do no more than make the bot look once more; a lost one only delays.

GitHub signs the body (`X-Hub-Signature-256`: HMAC-SHA-256) and numbers deliveries (`X-GitHub-Delivery`). GitLab from 19 on
signs id, time and body as Standard Webhooks do (`webhook-signature`, with a signing token `whsec_…`); before, and without a
signing token, it sends the secret itself (`X-Gitlab-Token`) and an id that stays the same over retries (`Idempotency-Key`).
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import hashlib
import hmac
import logging
import re
import time
from collections.abc import Callable, Mapping

from aiohttp import web

from samobot.errors import StorageError
from samobot.telegram.store.webhook_deliveries import WebhookDeliveries

log = logging.getLogger(__name__)

LARGEST_BODY = 1024 * 1024
"""Bytes; an event of an issue, a review or a check is far smaller."""

BURST, A_SECOND = 20, 5.0
"""How many deliveries are read at once, and in each second after that; others are refused unread."""

SHORTEST_SECRET = 16
_READ_SECONDS = 10.0
_STANDARD_PREFIX = "whsec_"
_TOLERANCE_S = 300.0
"""How old a delivery may be that carries its time, as Standard Webhooks recommend."""

_LONGEST_ID = 200
_MOST_SIGNATURES = 5


class ForgeWebhook:
    """Takes the deliveries of a forge.

    Args:
        secret: The secret that was entered at the forge.
        deliveries: What was taken already.
        clock: Monotonic seconds.
        now: Epoch seconds.
    """

    def __init__(
        self,
        secret: str,
        deliveries: WebhookDeliveries,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._secret = secret.encode()
        self._signing_key = _signing_key(secret)
        self._now = now
        self._deliveries = deliveries
        self._clock = clock
        self._allowed, self._counted = float(BURST), clock()
        self._hinted = False

    def take_hint(self) -> bool:
        """Whether something was delivered since the last call."""
        hinted, self._hinted = self._hinted, False
        return hinted

    def application(self) -> web.Application:
        """The receiver as a web application: `POST /`."""
        made = web.Application(client_max_size=LARGEST_BODY)
        made.router.add_post("/", self._receive)
        return made

    async def run(self, host: str, port: int) -> None:
        """Serve until cancelled; a port that is taken is logged, and polling does without."""
        runner = web.AppRunner(self.application(), access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port).start()
            log.info("webhooks are received at http://%s:%d/", host, port)
            await asyncio.Event().wait()
        except OSError as error:
            log.error("no webhooks are received: %s:%d: %s", host, port, error.strerror)
        finally:
            await runner.cleanup()

    async def _receive(self, request: web.Request) -> web.Response:
        if not self._has_room():
            return web.Response(status=429)
        if (request.content_length or 0) > LARGEST_BODY:
            return web.Response(status=413)
        try:
            async with asyncio.timeout(_READ_SECONDS):
                body = await request.read()
        except TimeoutError:
            return web.Response(status=408)
        names = self._names(request.headers, body)
        if names is None:
            return web.Response(status=401)
        if not names:
            return web.Response(status=400, text="The delivery has no id.")
        try:
            fresh = self._deliveries.take(*names)
        except StorageError as error:
            log.error("a webhook's delivery could not be noted: %s", error.message)
            return web.Response(status=503)
        if not fresh:
            return web.Response(status=200, text="Taken before.")
        self._hinted = True
        return web.Response(status=202)

    def _has_room(self) -> bool:
        now = self._clock()
        self._allowed = min(float(BURST), self._allowed + (now - self._counted) * A_SECOND)
        self._counted = now
        if self._allowed < 1:
            return False
        self._allowed -= 1
        return True

    def _names(self, headers: Mapping[str, str], body: bytes) -> tuple[str, ...] | None:
        """What names a delivery; empty without an id, None if it does not come from the forge."""
        signature, token = headers.get("X-Hub-Signature-256"), headers.get("X-Gitlab-Token")
        standard = headers.get("webhook-signature")
        if standard is not None:
            return self._standard_names(standard, headers, body)
        if signature is not None:
            wanted = "sha256=" + hmac.new(self._secret, body, hashlib.sha256).hexdigest()
            given, name = headers.get("X-GitHub-Delivery", ""), f"signature {wanted}"
        elif token is not None:
            signature, wanted = token, self._secret.decode()
            given, name = headers.get("Idempotency-Key", ""), ""
        else:
            return None
        if not hmac.compare_digest(signature.encode("utf-8", "replace"), wanted.encode()):
            return None
        if not given or len(given) > _LONGEST_ID:
            return ()
        return (f"delivery {given}", name) if name else (f"delivery {given}",)

    def _standard_names(
        self, signatures: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[str, ...] | None:
        given, sent_at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
        content = f"{given}.{sent_at}.".encode("utf-8", "surrogateescape") + body
        wanted = b"v1," + base64.b64encode(hmac.digest(self._signing_key, content, "sha256"))
        # Several, if the key was changed a while ago.
        each = (one.encode("utf-8", "replace") for one in signatures.split()[:_MOST_SIGNATURES])
        if not any(hmac.compare_digest(one, wanted) for one in each):
            return None
        if not re.fullmatch(r"[0-9]{1,12}", sent_at) or abs(self._now() - int(sent_at)) > _TOLERANCE_S:
            return None
        if not given or len(given) > _LONGEST_ID:
            return ()
        return (f"delivery {given}", f"signature {wanted.decode()}")


def _signing_key(secret: str) -> bytes:
    """The key that a signing token stands for; of any other secret, its own bytes."""
    if secret.startswith(_STANDARD_PREFIX):
        with contextlib.suppress(binascii.Error):
            return base64.b64decode(secret.removeprefix(_STANDARD_PREFIX), validate=True)
    return secret.encode()
