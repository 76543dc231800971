"""A small MCP server on stdio, run as a program: one tool that returns a fixed sentence."""

from __future__ import annotations

import json
import sys
from pathlib import Path

SENTENCE = "The heron is grey."
TOOL = "look_up"


def _result(method: str, params: dict[str, object]) -> dict[str, object]:
    match method:
        case "initialize":
            return {
                "protocolVersion": params["protocolVersion"],
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "birds", "version": "1"},
            }
        case "tools/list":
            schema = {"type": "object", "properties": {}}
            return {"tools": [{"name": TOOL, "description": "Look up birds.", "inputSchema": schema}]}
        case "tools/call":
            return {"content": [{"type": "text", "text": SENTENCE}]}
        case _:
            return {}


def source() -> str:
    """This program's text: inside a fence, its file may be out of reach."""
    return Path(__file__).read_text(encoding="utf-8")


def main() -> None:
    """Answer requests until stdin ends."""
    for line in sys.stdin:
        message = json.loads(line)
        if "id" in message:
            result = _result(message["method"], message.get("params", {}))
            print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}), flush=True)


if __name__ == "__main__":
    main()
