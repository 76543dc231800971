"""A bot's HTTP request, read into the arguments of a call: query, form, JSON or multipart."""

from __future__ import annotations

import json
from collections.abc import Mapping
from urllib.parse import parse_qsl

from aiohttp import BodyPartReader, web

from samobot.sandbox.botapi import api_limits
from samobot.sandbox.botapi.calls import Arguments, Upload
from samobot.sandbox.botapi.failure import ApiFailure, bad_request

MAX_BODY = api_limits.DOCUMENT_BYTES + 1024 * 1024
"""Bytes; the largest document and some room for the fields beside it."""


async def read_arguments(request: web.Request) -> Arguments:
    """Read what was given, wherever in the request it stands.

    Raises:
        ApiFailure: The body does not match its type, or it is larger than Telegram accepts.
    """
    values = _pairs(request.rel_url.raw_query_string)
    uploads: dict[str, Upload] = {}
    try:
        match request.content_type:
            case "multipart/form-data":
                await _read_multipart(request, values, uploads)
            case "application/json":
                values |= _json_values(await request.read())
            case "application/x-www-form-urlencoded":
                values |= _pairs((await request.read()).decode("latin-1"))
            case other:
                if request.can_read_body:
                    raise bad_request(f"unsupported content type {other}")
    except web.HTTPRequestEntityTooLarge:
        raise ApiFailure(413, "Request Entity Too Large") from None
    return Arguments(values, uploads)


def _pairs(encoded: str) -> dict[str, str]:
    # What is not UTF-8 becomes lone surrogates, which `Arguments.text` then refuses with Telegram's message.
    return dict(parse_qsl(encoded, keep_blank_values=True, errors="surrogateescape"))


def _json_values(body: bytes) -> Mapping[str, str]:
    try:
        given = json.loads(body) if body.strip() else {}
    except (ValueError, RecursionError):
        raise bad_request("can't parse JSON body") from None
    if not isinstance(given, dict):
        raise bad_request("expected an Object as JSON body")
    return {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in given.items()
        if value is not None
    }


async def _read_multipart(request: web.Request, values: dict[str, str], uploads: dict[str, Upload]) -> None:
    total = 0
    try:
        parts = await request.multipart()
        while (part := await parts.next()) is not None:
            if not isinstance(part, BodyPartReader) or part.name is None:
                raise bad_request("a part of the multipart body has no name")
            data = bytearray()
            while chunk := await part.read_chunk(1 << 16):
                total += len(chunk)
                if total > MAX_BODY:
                    raise ApiFailure(413, "Request Entity Too Large")
                data += chunk
            if part.filename is not None:
                kind = part.headers.get("Content-Type", "application/octet-stream")
                uploads[part.name] = Upload(part.filename, kind, bytes(data))
            else:
                values[part.name] = data.decode("utf-8", "surrogateescape")
    except (ValueError, AssertionError):
        raise bad_request("can't parse multipart body") from None
