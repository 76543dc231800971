"""One call of a tool that an agent wants to make: its identity, and how it reads. Pure."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from samobot.frozen import frozen
from samobot.text import one_line

EDIT_TOOLS = frozenset({"Edit", "MultiEdit", "NotebookEdit", "Write"})
"""The CLI's tools that change a file."""

_REMARKS = frozenset({"description", "timeout"})
"""Inputs of a shell command that change nothing about what it does; they differ from one attempt to the next."""

_COMMAND_INPUTS = _REMARKS | {"command", "run_in_background"}
"""Inputs of a shell command that the text of its rule shows, or need not show."""

_CONTEXT_LINES = 3

_UNSEEN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs"})
"""Unicode categories of characters that cannot be seen."""

_BLANK = "\u115f\u1160\u2800\u3164\uffa0"
"""Letters and signs without ink."""

_PERHAPS_UNSEEN = re.compile(rf"[^\x20-\x7e\n\t\w]|[{_BLANK}]")

_MOST_COMPARED = 250_000
"""Lines before times lines after, up to which an edit is compared; a larger one is shown as a replacement."""


@frozen
class ToolCall:
    """A tool with its whole input.

    Attributes:
        tool: The tool's name: `Bash`, `Edit`, `mcp__server__tool`, …
        input: Its input, as the model wrote it.
    """

    tool: str
    input: Mapping[str, Any]

    @property
    def sha256(self) -> str:
        """Fingerprint of exactly this call: the same tool with the same input."""
        values = {
            key: value for key, value in self.input.items() if self.tool != "Bash" or key not in _REMARKS
        }
        return _digest([self.tool, values])

    @property
    def rule(self) -> str:
        """What “for this session” allows, as text: also the identity of that rule.

        The same command, edits of the same file, pages of the same host, or another tool with the same input.
        """
        match self.tool:
            case "Bash":
                background = " in the background" if self.input.get("run_in_background") is True else ""
                # Such as the way out of Claude Code's own sandbox.
                has_more = any(value for key, value in self.input.items() if key not in _COMMAND_INPUTS)
                more = f" with further inputs ({self._mark})" if has_more else ""
                return f"the command{background}{more}: {_text(self.input.get('command'))}"
            case tool if tool in EDIT_TOOLS and self.path:
                return f"edits of {self.path}"
            case "WebFetch" if host := _host(_text(self.input.get("url"))):
                return f"pages of {host}"
            case tool:
                return f"this call of {tool} ({self._mark})"

    @property
    def _mark(self) -> str:
        """The fingerprint as far as it takes to find no second call that has the same: an agent may choose both."""
        return self.sha256[:32]

    @property
    def size(self) -> int:
        """Characters of its input, roughly."""
        return len(json.dumps(dict(self.input), default=str))

    @property
    def path(self) -> str:
        """The file that it is about; empty if none."""
        return _text(self.input.get("file_path")) or _text(self.input.get("notebook_path"))

    @property
    def subject(self) -> str:
        """The most informative input in one line: a command, a file, an address."""
        for name in ("command", "file_path", "notebook_path", "url", "query", "path", "pattern"):
            if found := one_line(_text(self.input.get(name)), 200):
                return found
        return one_line(_text(json.dumps(dict(self.input), ensure_ascii=False, default=str)), 200)

    @property
    def text(self) -> str:
        """The whole call for the user: the command, the diff of an edit, or all inputs."""
        match self.tool:
            case "Bash":
                return _command(self.input)
            case "Write":
                return _diff(self.path, [("", _text(self.input.get("content")))])
            case "Edit":
                return _diff(self.path, [_replacement(self.input)], note=_everywhere(self.input))
            case "MultiEdit":
                edits = self.input.get("edits")
                found = [each for each in edits if isinstance(each, dict)] if isinstance(edits, list) else []
                return _diff(self.path, [_replacement(each) for each in found])
            case _:
                return _text(json.dumps(dict(self.input), ensure_ascii=False, indent=2, default=str))


def _digest(value: object) -> str:
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _text(value: object) -> str:
    """A string, with each character that cannot be seen, or reorders what can, as its number: `‹U+202E›`."""
    return _PERHAPS_UNSEEN.sub(_named, value) if isinstance(value, str) else ""


def _named(found: re.Match[str]) -> str:
    sign = found[0]
    # The mark itself too, so that no text passes for what a mark stands for.
    is_unseen = sign == "‹" or sign in _BLANK or unicodedata.category(sign) in _UNSEEN
    return f"‹U+{ord(sign):04X}›" if is_unseen else sign


def _host(url: str) -> str:
    try:
        found = urlsplit(url)
        return f"{found.scheme}://{found.netloc}" if found.netloc else ""
    except ValueError:
        return ""


def _command(values: Mapping[str, Any]) -> str:
    more = {key: value for key, value in values.items() if key != "command" and key not in _REMARKS}
    notes = [
        f"# {key}: {json.dumps(value, ensure_ascii=False, default=str)}"
        for key, value in more.items()
        if value
    ]
    return "\n".join([_text(values.get("command")), *map(_text, notes)])


def _replacement(values: Mapping[str, Any]) -> tuple[str, str]:
    return _text(values.get("old_string")), _text(values.get("new_string"))


def _everywhere(values: Mapping[str, Any]) -> str:
    return "every occurrence" if values.get("replace_all") is True else ""


def _diff(path: str, changes: list[tuple[str, str]], note: str = "") -> str:
    """The changes as a unified diff; without line numbers, which the call does not have."""
    head = f"{path} ({note})" if note else path
    return "\n".join([head, *(line for before, after in changes for line in _hunks(before, after))])


def _hunks(before: str, after: str) -> Iterator[str]:
    old, new = before.splitlines(), after.splitlines()
    if len(old) * len(new) > _MOST_COMPARED:
        yield from ("@@", *(f"-{line}" for line in old), *(f"+{line}" for line in new))
        return
    import difflib  # takes memory

    shown = list(difflib.unified_diff(old, new, n=_CONTEXT_LINES, lineterm=""))[2:]
    if not shown and before != after:  # only line ends differ
        shown = [f"-{before!r}", f"+{after!r}"]
    yield from ("@@" if line.startswith("@@") else line for line in shown)
