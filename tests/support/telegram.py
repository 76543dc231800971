"""What tests of the sandbox, and tests that stand on it, share: a server, and a bot without a library."""

from __future__ import annotations

from types import TracebackType
from typing import Any

import httpx
import pytest

from samobot.sandbox.botapi.failure import ApiFailure
from samobot.sandbox.botapi.server import BotApiServer

TOKEN = "42:test-token"


class RawBot:
    """Calls the Bot API with JSON; `async with` it."""

    def __init__(self, server: BotApiServer, token: str = TOKEN) -> None:
        self.http = httpx.AsyncClient(base_url=f"{server.url}/bot{token}", timeout=60, verify=False)

    async def __aenter__(self) -> RawBot:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.http.aclose()

    async def __call__(self, method: str, **parameters: object) -> Any:
        """The result, or an `ApiFailure`."""
        answer = (await self.http.post(f"/{method}", json=parameters)).json()
        if not answer["ok"]:
            retry_after = answer.get("parameters", {}).get("retry_after")
            raise ApiFailure(answer["error_code"], answer["description"], retry_after)
        return answer["result"]

    async def failure(self, method: str, **parameters: object) -> ApiFailure:
        """What becomes of a call that must fail."""
        with pytest.raises(ApiFailure) as caught:
            await self(method, **parameters)
        return caught.value

    async def refusal(self, method: str, **parameters: object) -> str:
        """What Telegram says to a bad request, without the prefix."""
        failure = await self.failure(method, **parameters)
        assert failure.code == 400
        return failure.message.removeprefix("Bad Request: ")
