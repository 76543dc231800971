"""What a fault answers in place of a call, and how failures look on the wire."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct

from aiohttp import web

from samobot.sandbox.botapi.calls import Call
from samobot.sandbox.botapi.failure import ApiFailure
from samobot.sandbox.botapi.faults import Fault, FaultKind

DOWNLOAD = "download"
"""Name under which downloads of files are kept among the calls."""

_STATUS_FAULTS = {
    FaultKind.UNAUTHORIZED: "Unauthorized",
    FaultKind.FORBIDDEN: "Forbidden: bot was blocked by the user",
    FaultKind.CONFLICT: (
        "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
    ),
    FaultKind.BAD_REQUEST: "Bad Request: chat not found",
    FaultKind.NOT_FOUND: "Not Found",
}
_BAD_GATEWAY = (
    "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n"
    "<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
)


async def response_of(request: web.Request, entry: Call, fault: Fault) -> web.StreamResponse | None:
    """What a fault answers in place of the call; None if the call is carried out all the same."""
    match fault.kind:
        case FaultKind.HANG:
            await asyncio.Event().wait()
            return None
        case FaultKind.CUT if entry.method == DOWNLOAD:
            return None
        case FaultKind.RESET | FaultKind.CUT:
            return reset(request)
        case FaultKind.BAD_GATEWAY:
            entry.status, entry.error = 502, "Bad Gateway"
            return web.Response(status=502, text=_BAD_GATEWAY, content_type="text/html")
        case FaultKind.RATE_LIMIT:
            text = f"Too Many Requests: retry after {fault.retry_after}"
            return failure_response(entry, ApiFailure(429, fault.text or text, fault.retry_after))
        case (
            FaultKind.UNAUTHORIZED
            | FaultKind.FORBIDDEN
            | FaultKind.CONFLICT
            | FaultKind.BAD_REQUEST
            | FaultKind.NOT_FOUND
        ):
            text = fault.text or _STATUS_FAULTS[fault.kind]
            return failure_response(entry, ApiFailure(int(fault.kind.value), text))
        case FaultKind.SLOW | FaultKind.DROP_AFTER_DOING:
            return None


async def cut(request: web.Request, data: bytes) -> web.StreamResponse:
    """Send the first half of some data, and break the connection."""
    response = web.StreamResponse(headers={"Content-Length": str(len(data))})
    await response.prepare(request)
    await response.write(data[: len(data) // 2])
    reset(request)
    return response


def failure_response(entry: Call, error: ApiFailure) -> web.Response:
    """Note a call as failed, and answer so."""
    entry.status, entry.error = error.code, error.message
    return json_failure(error)


def json_failure(error: ApiFailure) -> web.Response:
    """A failure as the Bot API reports it."""
    return web.json_response(error.envelope(), status=error.code)


def reset(request: web.Request) -> web.Response:
    """End the connection with a TCP reset, so that the caller sees no orderly end."""
    transport = request.transport
    if transport is not None:
        connection = transport.get_extra_info("socket")
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return web.Response()
