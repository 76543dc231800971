"""A scripted Messages API on loopback: the model that the real Claude CLI talks to in the tests.

The CLI is given `MessagesApi.url` as `ANTHROPIC_BASE_URL`. Every request that offers tools is a turn of an
agent and takes the next step of its phase's script; a request without tools is a side request (a title, a
check of the connection) and gets any text. Which phase asks is read from the iteration's context in the
system text, so that a scenario for a whole session is one table:

    with MessagesApi({
        "investigation": [write("{session}/[01-02-03:04]-dive-x.md", "…"), *signal("continue", phase="requirements")],
        "requirements": [write("{session}/_qa.md", "…"), *signal("waiting", waiting_for="qa_answers")],
    }) as api:
        ...
    api.check()

A step is a `Turn`, a `Fault`, or a function of the request that makes one of them. `{session}` and
`{workdir}` in a tool's input become the folders that the request's context names.
"""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from types import TracebackType
from typing import Any

OTHER = "other"
"""Script of the requests in which no phase's context is found: sub-agents, an interactive Claude."""

_IN_CONTEXT = {
    "phase": re.compile(r"^- Phase: (\w+)", re.MULTILINE),
    "session": re.compile(r"^- Session folder: (.+)$", re.MULTILINE),
    "workdir": re.compile(r"^- Working directory: (.+)$", re.MULTILINE),
}
_PIECE = 16 * 1024
_ids = count(1)


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it arrived.

    Attributes:
        body: The whole JSON body.
        headers: Header names in lower case.
        at: `time.monotonic()` of its arrival, in seconds.
    """

    body: dict[str, Any]
    headers: dict[str, str]
    at: float = field(default_factory=time.monotonic)

    @property
    def system(self) -> str:
        """The system text, all its blocks joined by line feeds."""
        return _text_of(self.body.get("system", ""))

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The conversation so far."""
        messages: list[dict[str, Any]] = self.body.get("messages", [])
        return messages

    @property
    def tools(self) -> list[str]:
        """Names of the tools that are offered."""
        return [tool.get("name", "") for tool in self.body.get("tools") or []]

    @property
    def run(self) -> str:
        """The CLI's session id, one for each process that it starts."""
        return self.headers.get("x-claude-code-session-id", "")

    @property
    def phase(self) -> str:
        """The phase of the agent that asks, or `OTHER`."""
        return self._context("phase") or OTHER

    @property
    def session(self) -> str:
        """The session folder that the context names, or an empty string."""
        return self._context("session")

    @property
    def workdir(self) -> str:
        """The working directory that the context names, or an empty string."""
        return self._context("workdir")

    @property
    def text(self) -> str:
        """Everything in the conversation as text: prompts, tool calls, tool results."""
        return "\n".join(_text_of(message.get("content", "")) for message in self.messages)

    def _context(self, name: str) -> str:
        # Only below the context's own heading: a task may quote anything, but stands further down.
        found = _IN_CONTEXT[name].search(self.system.partition("\n# This iteration\n")[2])
        return found[1].strip() if found else ""


def _text_of(content: object) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n".join(_text_of(block) for block in content)
    if isinstance(content, dict):
        if content.get("type") == "tool_use":
            return json.dumps(content.get("input"), ensure_ascii=False)
        return _text_of(content.get("text", content.get("content", "")))
    return ""


class Cut(Enum):
    """Where the connection of a streamed answer breaks."""

    NOWHERE = auto()
    IN_BLOCK = auto()
    """In the middle of the last block: the CLI asks again, without streaming."""
    AFTER_BLOCK = auto()
    """Before the message's end: the CLI calls it a success, with `stop_reason` null."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What the model says in answer to one request.

    Attributes:
        blocks: Content blocks, each `{"type": "text", …}` or `{"type": "tool_use", …}`.
        headers: More response headers, e.g. of rate limits.
        cut: Where the connection breaks, as in a failing network.
        input_tokens: Reported use, which the CLI turns into money.
        output_tokens: The same for the answer.
    """

    blocks: tuple[dict[str, Any], ...]
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: Cut = Cut.NOWHERE
    input_tokens: int = 1000
    output_tokens: int = 100

    def events(self, model: str) -> Iterator[dict[str, Any]]:
        """The turn as server-sent events, in order, up to where it is cut."""
        whole = self.message(model)
        start = whole | {"content": [], "stop_reason": None, "usage": whole["usage"] | {"output_tokens": 1}}
        events = [{"type": "message_start", "message": start}]
        for index, block in enumerate(whole["content"]):
            events += self._block(index, block)
        match self.cut:
            case Cut.NOWHERE:
                delta = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
                usage = {"output_tokens": self.output_tokens}
                events.append({"type": "message_delta", "delta": delta, "usage": usage})
                events.append({"type": "message_stop"})
            case Cut.IN_BLOCK:
                del events[-1]
            case Cut.AFTER_BLOCK:
                pass
        yield from events

    def message(self, model: str) -> dict[str, Any]:
        """The turn as one message, for a request that does not ask for a stream."""
        content = [
            {"id": f"toolu_{next(_ids):06d}", **block} if block["type"] == "tool_use" else block
            for block in self.blocks
        ]
        calls = any(block["type"] == "tool_use" for block in self.blocks)
        return {
            "id": f"msg_{next(_ids):06d}",
            "type": "message",
            "role": "assistant",
            "model": model,
            "content": content,
            "stop_reason": "tool_use" if calls else "end_turn",
            "stop_sequence": None,
            "usage": {
                "input_tokens": self.input_tokens,
                "cache_creation_input_tokens": 0,
                "cache_read_input_tokens": 0,
                "output_tokens": self.output_tokens,
            },
        }

    def _block(self, index: int, block: dict[str, Any]) -> Iterator[dict[str, Any]]:
        start: dict[str, Any]
        if block["type"] == "text":
            start, kind, key, value = {"type": "text", "text": ""}, "text_delta", "text", block["text"]
        else:
            start = block | {"input": {}}
            kind, key, value = "input_json_delta", "partial_json", json.dumps(block["input"])
        yield {"type": "content_block_start", "index": index, "content_block": start}
        for offset in range(0, len(value), _PIECE):
            piece = value[offset : offset + _PIECE]
            yield {"type": "content_block_delta", "index": index, "delta": {"type": kind, key: piece}}
        yield {"type": "content_block_stop", "index": index}


@dataclass(frozen=True, slots=True)
class Fault:
    """A request that fails.

    Attributes:
        status: HTTP status; 0 means no answer at all: the connection stays open and silent until the
            server is closed.
        kind: `error.type` in the body.
        message: `error.message` in the body.
        headers: More response headers.
    """

    status: int
    kind: str = "api_error"
    message: str = "scripted fault"
    headers: Mapping[str, str] = field(default_factory=dict)


Answer = Turn | Fault
Step = Answer | Callable[[Request], Answer]
Script = Mapping[str, Sequence[Step]] | Callable[[Request], Answer]


def say(text: str) -> Turn:
    """A text and the end of the turn."""
    return Turn(({"type": "text", "text": text},))


def tool(name: str, /, **inputs: Any) -> Turn:
    """One call of a tool, e.g. `tool("Read", file_path="{session}/_overview.md")`."""
    return calls((name, inputs))


def calls(*named: tuple[str, Mapping[str, Any]]) -> Turn:
    """Several tool calls in one turn, each a tool's name and its input."""
    return Turn(tuple({"type": "tool_use", "name": name, "input": dict(inputs)} for name, inputs in named))


def bash(command: str, **more: Any) -> Turn:
    """A Bash call; `more` may hold `timeout` (milliseconds) or `run_in_background`."""
    return tool("Bash", command=command, description="scripted", **more)


def write(path: str, content: str) -> Turn:
    """A Write call. The CLI refuses to overwrite a file that it has not read: see `append`."""
    return tool("Write", file_path=path, content=content)


def append(path: str, text: str) -> Turn:
    """Add lines to a file, whether it is there or not, by Bash."""
    return bash(f"cat >> '{path}' <<'SCRIPTED_END'\n{text}\nSCRIPTED_END")


def signal(
    status: str, *, end: str = "Signalled.", waiting_for: str | None = None, **fields: str
) -> list[Step]:
    """The last two turns of an iteration: write `_signal.json`, then stop.

    Args:
        status: The signal's `status`.
        end: What the model says last.
        waiting_for: The signal's `for`.
        fields: Its other fields: `phase`, `summary`, `reason`, `needs`.
    """
    record = {"status": status, **fields} | ({"for": waiting_for} if waiting_for else {})
    return [write("{session}/_signal.json", json.dumps(record, ensure_ascii=False)), say(end)]


def usage_limit(resets_at: int, window: str = "five_hour") -> Fault:
    """The answer to a subscription whose window is used up (see `claude_cli.subscription_environment`).

    Args:
        resets_at: Epoch seconds at which the window opens again.
        window: `five_hour`, `seven_day`, ….
    """
    return Fault(
        429,
        "rate_limit_error",
        "This request would exceed your account's rate limit.",
        limit_headers("rejected", resets_at, window),
    )


def limit_headers(status: str, resets_at: int, window: str = "five_hour") -> dict[str, str]:
    """The headers that say how much of a subscription's window is used.

    Args:
        status: `allowed`, `allowed_warning` or `rejected`.
        resets_at: Epoch seconds.
        window: The window that counts.
    """
    prefix = "anthropic-ratelimit-unified"
    short = {"five_hour": "5h", "seven_day": "7d"}.get(window, window)
    warned = {f"{prefix}-{short}-surpassed-threshold": "0.9"} if status == "allowed_warning" else {}
    return warned | {
        f"{prefix}-status": status,
        f"{prefix}-reset": str(resets_at),
        f"{prefix}-representative-claim": window,
        f"{prefix}-{short}-status": status,
        f"{prefix}-{short}-reset": str(resets_at),
        f"{prefix}-{short}-utilization": "1.0" if status == "rejected" else "0.9",
    }


OVERLOADED = Fault(529, "overloaded_error", "Overloaded")
RATE_LIMITED = Fault(
    429, "rate_limit_error", "Number of requests has exceeded your rate limit", {"retry-after": "0"}
)
UNAUTHORISED = Fault(401, "authentication_error", "invalid x-api-key")
NO_CREDIT = Fault(400, "invalid_request_error", "Your credit balance is too low to access the Anthropic API.")
HANG = Fault(0)


class MessagesApi:
    """The server. Use it as a context manager; it listens from construction on.

    Args:
        script: Steps by phase, or one function that answers every request of an agent.

    Attributes:
        url: Root to give to the CLI.
        requests: Every request of an agent, in order of arrival.
        side_requests: Every request without tools.
        problems: What went against the script, in words.
    """

    def __init__(self, script: Script) -> None:
        self.requests: list[Request] = []
        self.side_requests: list[Request] = []
        self.problems: list[str] = []
        self._script = script
        self._taken: dict[str, int] = {}
        self._guard = threading.Lock()
        self._arrival = threading.Condition(self._guard)
        self.closing = threading.Event()
        self._server = _Server(self)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def __enter__(self) -> MessagesApi:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let hanging requests go and stop listening."""
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def of_phase(self, phase: str) -> list[Request]:
        """The requests of one phase's agent, in order."""
        return [request for request in self.requests if request.phase == phase]

    def wait_for_requests(self, number: int, timeout: float = 60) -> None:
        """Block until so many requests of agents have arrived.

        Raises:
            TimeoutError: They have not within `timeout` seconds.
        """
        with self._arrival:
            if not self._arrival.wait_for(lambda: len(self.requests) >= number, timeout):
                raise TimeoutError(f"{len(self.requests)} of {number} requests after {timeout} s")

    def check(self) -> None:
        """Fail unless every scripted step was used and nothing more was asked for."""
        left = (
            {phase: len(steps) - self._taken.get(phase, 0) for phase, steps in self._script.items()}
            if isinstance(self._script, Mapping)
            else {}
        )
        unused = [f"{number} unused steps of {phase}" for phase, number in left.items() if number > 0]
        assert not self.problems + unused, "; ".join(self.problems + unused)

    def answer(self, request: Request) -> Answer:
        """Take a request into the log and choose its answer."""
        if not request.tools:
            with self._guard:
                self.side_requests.append(request)
            return say("ok")
        with self._arrival:
            self.requests.append(request)
            self._arrival.notify_all()
            step = self._next(request)
        return _filled(step(request) if callable(step) else step, request)

    def _next(self, request: Request) -> Step:
        if not isinstance(self._script, Mapping):
            return self._script
        phase = request.phase
        steps, taken = self._script.get(phase, ()), self._taken.get(phase, 0)
        if taken >= len(steps):
            self.problems.append(f"the {phase} script has {len(steps)} steps, and one more was asked for")
            return say("The script is at its end.")
        self._taken[phase] = taken + 1
        return steps[taken]


def _filled(answer: Answer, request: Request) -> Answer:
    """Put the request's folders in the place of `{session}` and `{workdir}`."""
    if isinstance(answer, Fault):
        return answer

    def fill(value: Any) -> Any:
        if isinstance(value, str):
            return value.replace("{session}", request.session).replace("{workdir}", request.workdir)
        if isinstance(value, dict):
            return {key: fill(item) for key, item in value.items()}
        return [fill(item) for item in value] if isinstance(value, list) else value

    blocks = tuple(
        {**block, "input": fill(block["input"])} if block["type"] == "tool_use" else block
        for block in answer.blocks
    )
    return replace(answer, blocks=blocks)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, api: MessagesApi) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.api = api

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a client that was killed in mid-request is what many tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_HEAD(self) -> None:
        self._plain(200, b"")

    def do_GET(self) -> None:
        self._json(404, {"type": "error", "error": {"type": "not_found_error", "message": self.path}})

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("content-length") or 0))
        path = self.path.partition("?")[0]
        if path == "/v1/messages/count_tokens":
            self._json(200, {"input_tokens": 1000})
        elif path == "/v1/messages":
            body = json.loads(raw)
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = self.server.api.answer(Request(body, headers))
            model = str(body.get("model", ""))
            if isinstance(answer, Fault):
                self._fail(answer)
            elif body.get("stream"):
                self._stream(answer, model)
            else:
                self._json(200, answer.message(model), answer.headers)
        else:
            self._json(404, {"type": "error", "error": {"type": "not_found_error", "message": path}})

    def log_message(self, format: str, *args: object) -> None:
        """Keep the tests' output clean; the requests are in the log of the API."""

    def _fail(self, fault: Fault) -> None:
        if fault.status == 0:
            self.server.api.closing.wait()
            self.close_connection = True
            return
        error = {"type": "error", "error": {"type": fault.kind, "message": fault.message}}
        self._json(fault.status, error, fault.headers)

    def _stream(self, turn: Turn, model: str) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        for name, value in turn.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.close_connection = True
        with suppress(BrokenPipeError, ConnectionResetError):
            for event in turn.events(model):
                self.wfile.write(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode())
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)

    def _json(self, status: int, value: object, headers: Mapping[str, str] | None = None) -> None:
        self._plain(
            status, json.dumps(value).encode(), {"content-type": "application/json", **(headers or {})}
        )

    def _plain(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        with suppress(BrokenPipeError, ConnectionResetError):
            self.wfile.write(body)
