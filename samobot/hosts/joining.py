"""A machine's side of joining: makes its lasting key, and has the hub admit it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import ssl
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import nats
from nats.aio.client import Client
from nats.errors import Error, NoRespondersError

from samobot.errors import ConflictError, SamobotError, UsageError
from samobot.hosts import certificates, keys, subjects
from samobot.hosts.invitation import HostInvitation, used_up
from samobot.hosts.link import FOLDER, Link, host_link_file, make_private, read_link, write_link
from samobot.hosts.nats_loading import quiet_client
from samobot.session.files import read_text, write_atomic

_SECONDS = 10.0
_ADMISSION_SECONDS = 60.0
_TRIES, _RETRY_SECONDS = 40, 0.25
_DROPPED_TRIES = 12
"""How often a connection is tried again that the server has dropped: it does so while it takes over its users."""
_LONGEST_INFO = 64 * 1024
_DROPPED = (ConnectionResetError, ConnectionAbortedError, BrokenPipeError, ssl.SSLEOFError)

_T = TypeVar("_T")


class DroppedError(SamobotError):
    """The server has closed a connection before it was made."""


async def join(invitation: HostInvitation, state_dir: Path) -> Link:
    """Become a host of a hub; return how the hub is reached, which is on disk.

    The machine's key is made here, and only its public part is sent, over TLS, to a server that proved that it belongs
    to the invitation's hub. Can be repeated after an interruption.

    Raises:
        UsageError: The server is not the hub's, or the machine is another host already.
        ConflictError: The invitation was used, or has ended.
        SamobotError: No server can be reached.
        StorageError: The disk refused.
    """
    known = read_link(host_link_file(state_dir))
    if known is not None and known.user != invitation.host:
        raise UsageError(
            f"This machine is the host {known.user} already. Remove {host_link_file(state_dir)} first, and "
            f"{known.user} on its hub."
        )
    folder = state_dir / FOLDER
    make_private(folder)
    authority = await _unless_dropped(lambda: asyncio.to_thread(_authority, invitation))
    authority_file = folder / "authority.pem"
    write_atomic(authority_file, authority, mode=0o600)
    seed_file = folder / "host.seed"
    if read_text(seed_file) is None:
        write_atomic(seed_file, keys.new_seed(), mode=0o600)
    seed = read_text(seed_file) or ""
    link = Link(user=invitation.host, servers=invitation.servers, ca=authority_file, seed=seed_file)
    try:
        await _ask(invitation, link, keys.public_key(seed))
    except ConflictError:
        # The answer to an earlier attempt may have been lost.
        if not await _works_soon(link, is_admitted=False):
            raise
    if not await _works_soon(link, is_admitted=True):
        raise SamobotError(
            "The hub admitted this machine, but its server does not let it in; see the hub's log."
        )
    write_link(host_link_file(state_dir), link)
    return link


async def works(link: Link) -> bool:
    """Whether the server lets this user in now."""
    try:
        client = await connect(
            link, subjects.inbox(link.user), (link.seed or Path()).read_text(encoding="utf-8")
        )
    except ConflictError:
        return False
    await client.close()
    return True


async def _works_soon(link: Link, *, is_admitted: bool) -> bool:
    """Whether the server lets this user in shortly: it drops who is just connecting while it takes over its users.

    Args:
        link: How it is reached.
        is_admitted: Whether the hub has just admitted the user, so that the server may not know the key yet.
    """
    for _ in range(_TRIES):
        with contextlib.suppress(SamobotError):
            if await works(link):
                return True
            if not is_admitted:
                return False
        await asyncio.sleep(_RETRY_SECONDS)
    return False


async def _ask(invitation: HostInvitation, link: Link, key: str) -> None:
    refused: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def on_refused() -> None:
        if not refused.done():
            refused.set_result(None)

    try:
        inbox = subjects.join_inbox(invitation.host)
        client = await _unless_dropped(lambda: connect(link, inbox, invitation.token, on_refused))
    except ConflictError:
        raise used_up(invitation.host) from None
    asking = asyncio.create_task(_answer(client, invitation.host, json.dumps({"key": key}).encode()))
    try:
        await asyncio.wait((asking, refused), return_when=asyncio.FIRST_COMPLETED)
        if not asking.done():
            raise UsageError(
                f"The hub's invitation is not one for {invitation.host}; run the line as it was printed."
            )
        answer = json.loads(await asking)
    except NoRespondersError:
        raise SamobotError(
            "The hub's server runs, but nothing answers there: is `samobot hub run` running?"
        ) from None
    except (Error, TimeoutError):
        raise SamobotError("The hub did not answer; run the same line again, as it was printed.") from None
    finally:
        asking.cancel()
        await client.close()
    if "error" in answer:
        raise ConflictError(f"The hub refused: {answer['error']}")


async def _answer(client: Client, host: str, content: bytes) -> bytes:
    """Send the request; a hub that is just connecting to its server may need another moment."""
    tries = _TRIES
    while True:
        try:
            return (await client.request(subjects.enroll(host), content, timeout=_ADMISSION_SECONDS)).data
        except NoRespondersError:
            tries -= 1
            if not tries:
                raise
        await asyncio.sleep(_RETRY_SECONDS)


async def _unless_dropped(call: Callable[[], Awaitable[_T]]) -> _T:
    """Make a call that connects, again if the server has dropped that: another machine was just admitted."""
    for _ in range(_DROPPED_TRIES - 1):
        with contextlib.suppress(DroppedError):
            return await call()
        await asyncio.sleep(_RETRY_SECONDS)
    return await call()


async def connect(link: Link, inbox: str, seed: str, on_refused: Callable[[], None] = lambda: None) -> Client:
    """Connect once.

    Args:
        link: How the server is reached.
        inbox: Prefix of the user's inboxes.
        seed: The user's key.
        on_refused: Called if the server refuses what is sent later, as its user may not send that.

    Raises:
        ConflictError: The server does not know the key.
        DroppedError: The server has closed the connection.
        SamobotError: It cannot be reached.
    """
    quiet_client()
    refused: list[Exception] = []

    async def on_error(error: Exception) -> None:
        refused.append(error)
        if "permissions violation" in str(error).lower():
            on_refused()

    try:
        return await nats.connect(
            list(link.servers),
            nkeys_seed_str=seed,
            inbox_prefix=inbox.encode(),
            tls=ssl.create_default_context(cafile=link.ca),
            allow_reconnect=False,
            max_reconnect_attempts=1,
            connect_timeout=int(_SECONDS),
            error_cb=on_error,
        )
    except (Error, OSError, TimeoutError) as error:
        texts = [str(each) for each in (*refused, error)]
        if any("authorization violation" in text.lower() for text in texts):
            raise ConflictError(
                "The hub's server does not know this machine's key; was it removed there?"
            ) from None
        text = f"{', '.join(link.servers)} cannot be reached: {reason(texts[0])}"
        raise (DroppedError if isinstance(error, (Error, *_DROPPED)) else SamobotError)(text) from None


def reason(problem: str) -> str:
    """Return why a server cannot be used, with what to do if it is a clock."""
    if "not yet valid" in problem or "certificate has expired" in problem:
        return f"its certificate is not valid at this machine's time ({datetime.now():%Y-%m-%d %H:%M}); set the clock"
    return problem


def _authority(invitation: HostInvitation) -> bytes:
    """Fetch the hub's authority from the first server that can be reached; blocks.

    Raises:
        UsageError: The server is not the hub's.
        DroppedError: The last server has closed the connection.
        SamobotError: No server can be reached.
    """
    problem, failure = "", SamobotError
    for server in invitation.servers:
        try:
            certificate = _server_certificate(server)
        except (OSError, ValueError) as error:
            problem = f"{server} cannot be reached: {error}"
            failure = DroppedError if isinstance(error, _DROPPED) else SamobotError
        else:
            return certificates.authority_of(certificate, invitation.fingerprint)
    raise failure(problem)


def _server_certificate(server: str) -> bytes:
    """Return the certificate that a server shows, DER. Nothing is verified, and nothing but the handshake is sent."""
    address = urlsplit(server)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with socket.create_connection((address.hostname or "", address.port or 0), timeout=_SECONDS) as plain:
        # The server introduces itself in one line before it speaks TLS (docs.nats.io, client protocol: INFO).
        line = b""
        while not line.endswith(b"\n"):
            line += (byte := plain.recv(1))
            if not byte or len(line) > _LONGEST_INFO:
                raise ValueError("it is no NATS server")
        if not line.startswith(b"INFO "):
            raise ValueError("it is no NATS server")
        with context.wrap_socket(plain, server_hostname=address.hostname) as secure:
            certificate = secure.getpeercert(binary_form=True)
    if certificate is None:
        raise ValueError("it shows no certificate")
    return certificate
