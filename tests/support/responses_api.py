"""A scripted Responses API on loopback: the model that the real Codex CLI talks to in the tests.

Each request takes the next step: items of an answer, a `Refusal`, or a `Broken` answer. `{session}` and `{workdir}` in the items become the
folders that the request names.
"""

from __future__ import annotations

import json
import re
import threading
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Item = dict[str, Any]

_FOLDERS = {
    "{session}": re.compile(r"^- Session folder: (.+)$", re.MULTILINE),
    "{workdir}": re.compile(r"^- Working directory: (.+)$", re.MULTILINE),
}
USAGE = {
    "input_tokens": 1000,
    "input_tokens_details": {"cached_tokens": 200},
    "output_tokens": 50,
    "output_tokens_details": {"reasoning_tokens": 10},
    "total_tokens": 1050,
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that is no success: its status, and the `error` of its body."""

    status: int
    error: Item


@dataclass(frozen=True, slots=True)
class Broken:
    """An answer that begins well and is never completed.

    Attributes:
        lines: What is sent after its beginning, as it is.
        hangs: Whether the connection then stays open until the client closes it.
    """

    lines: str = ""
    hangs: bool = False


Step = tuple[Item, ...] | Refusal | Broken

UNAUTHORIZED = Refusal(401, {"message": "Incorrect API key provided: fake.", "code": "invalid_api_key"})
TOO_MANY = Refusal(429, {"message": "Rate limit reached for requests.", "code": "rate_limit_exceeded"})


def usage_limit(resets_at: int) -> Refusal:
    """The limit of a subscription, with the time of its reset in epoch seconds."""
    return Refusal(
        429,
        {
            "type": "usage_limit_reached",
            "message": "The usage limit has been reached",
            "resets_at": resets_at,
        },
    )


def failed(code: str, message: str) -> Broken:
    """An answer that fails after its beginning, with the service's reason."""
    event = {"type": "response.failed", "response": {"id": "r", "error": {"code": code, "message": message}}}
    return Broken(_event(event))


def say(text: str) -> Step:
    """A message, which ends the turn."""
    return ({"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]},)


def run(command: str) -> Step:
    """A shell command."""
    arguments = json.dumps({"cmd": command, "yield_time_ms": 30_000})
    return ({"type": "function_call", "name": "exec_command", "arguments": arguments, "call_id": "call"},)


def patch(text: str) -> Step:
    """A change of files in Codex's own form, without its first and last line."""
    text = f"*** Begin Patch\n{text}\n*** End Patch"
    return ({"type": "custom_tool_call", "name": "apply_patch", "input": text, "call_id": "call"},)


def signal(status: str, **fields: object) -> Step:
    """Leave the iteration's signal."""
    return run(f"cat > '{{session}}/_signal.json' <<'END'\n{json.dumps({'status': status, **fields})}\nEND")


class ResponsesApi:
    """Answers requests by a script; the last step again and again.

    Attributes:
        url: Its root, for `base_url`.
        requests: The bodies of the requests, in order.
    """

    def __init__(self, *steps: Step) -> None:
        self.requests: list[Item] = []
        self._steps = steps
        self._guard = threading.Lock()
        self._server = _Server(self)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def __enter__(self) -> ResponsesApi:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def texts(self, role: str, number: int = 0) -> str:
        """What one role says in a request, joined by line feeds."""
        return "\n".join(
            part["text"]
            for item in self.requests[number]["input"]
            if item.get("role") == role
            for part in item["content"]
        )

    def answer(self, body: Item) -> Step:
        """Take a request into the log and choose its answer."""
        with self._guard:
            self.requests.append(body)
            step = self._steps[min(len(self.requests), len(self._steps)) - 1]
            said = self.texts("user", len(self.requests) - 1)
        return tuple(_filled(item, said) for item in step) if isinstance(step, tuple) else step


def _event(event: Item) -> str:
    return f"event: {event['type']}\ndata: {json.dumps(event)}\n\n"


def _filled(value: Any, said: str) -> Any:
    if isinstance(value, str):
        for mark, pattern in _FOLDERS.items():
            found = pattern.search(said)
            value = value.replace(mark, found[1]) if found else value
        return value
    return {key: _filled(item, said) for key, item in value.items()} if isinstance(value, dict) else value


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, api: ResponsesApi) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.api = api

    def handle_error(self, request: object, client_address: object) -> None:
        """Nothing: a client that was killed in the middle of a request is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        self._json(404, {"error": {"message": self.path}})

    def do_POST(self) -> None:
        answer = self.server.api.answer(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        if isinstance(answer, Refusal):
            self._json(answer.status, {"error": answer.error})
            return
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        events: list[Item] = [{"type": "response.created", "response": {"id": "r"}}]
        if not isinstance(answer, Broken):
            events += [
                {
                    "type": "response.output_item.done",
                    "output_index": index,
                    "item": {"id": f"i{index}", **item},
                }
                for index, item in enumerate(answer)
            ]
            events.append({"type": "response.completed", "response": {"id": "r", "usage": USAGE}})
        with suppress(BrokenPipeError, ConnectionResetError):
            for event in events:
                self.wfile.write(_event(event).encode())
            if isinstance(answer, Broken):
                self.wfile.write(answer.lines.encode())
                self.wfile.flush()
                if answer.hangs:
                    self.connection.recv(1)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the requests are in the log of the API."""

    def _json(self, status: int, value: object) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        with suppress(BrokenPipeError, ConnectionResetError):
            self.wfile.write(body)
