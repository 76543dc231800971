"""What an agent is doing, for display in the terminal's live line and the chat's card. Pure."""

from __future__ import annotations

import os
from pathlib import Path

from samobot.claude.records import ApiRetry, Assistant, Init, Record, Result, ToolUse
from samobot.frozen import frozen

WIDTH = 80
"""Characters of an activity at most."""

_FILES = {
    "Read": ("👀", "Reading"),
    "Write": ("✏️", "Writing"),
    "Edit": ("✏️", "Editing"),
    "MultiEdit": ("✏️", "Editing"),
    "NotebookEdit": ("✏️", "Editing"),
    "LS": ("👀", "Listing"),
}

_WORDS = {
    "Bash": ("⚙️", "Running"),
    "Grep": ("🔎", "Searching for"),
    "Glob": ("🔎", "Looking for"),
    "WebSearch": ("🌐", "Searching the web for"),
    "WebFetch": ("🌐", "Fetching"),
    "Task": ("🤝", "Delegating"),
    "Agent": ("🤝", "Delegating"),
    "Skill": ("📖", "Using the skill"),
    "TodoWrite": ("📝", "Planning its steps"),
    "TaskCreate": ("📝", "Noting a step"),
    "TaskUpdate": ("📝", "Updating its steps"),
    "BashOutput": ("⚙️", "Looking at a running command"),
    "TaskOutput": ("⚙️", "Looking at a running task"),
    "KillShell": ("⚙️", "Ending a running command"),
    "TaskStop": ("⚙️", "Ending a running task"),
}

# These are separated from what follows by a colon.
_COLON = frozenset({"Running", "Delegating", "Noting a step", "Using the skill"})
_ALONE = frozenset({"TodoWrite", "TaskUpdate", "BashOutput", "TaskOutput", "KillShell", "TaskStop"})


@frozen
class Activity:
    """One action of an agent.

    Attributes:
        words: One line, at most `WIDTH` characters.
        sign: A pictogram for it, for places that have room for one.
        sub_agent: Whether a sub-agent does it.
    """

    words: str
    sign: str
    sub_agent: bool = False


def activity(record: Record, cwd: Path, session: Path | None = None) -> Activity | None:
    """Return the activity that a record shows; None if it shows none.

    Args:
        record: One record of the stream.
        cwd: The agent's working folder; paths below it are shown relative to it.
        session: The session's folder; its files are shown by their names alone.
    """
    match record:
        case Init():
            return Activity("Starting", "🚀")
        case Assistant(tools=(*_, last), sub_agent=parent):
            words, sign = _tool(last, (session, cwd) if session is not None else (cwd,))
            return Activity(words, sign, bool(parent))
        case Assistant(error="", sub_agent=parent):
            return Activity("Writing" if record.text else "Thinking", "💭", bool(parent))
        case ApiRetry():
            of = f" of {record.max_retries}" if record.max_retries else ""
            return Activity(f"Waiting for the API (attempt {record.attempt}{of})", "⏳")
        case Result():
            return Activity("Finishing", "🏁")
        case _:
            return None


def _tool(tool: ToolUse, known: tuple[Path, ...]) -> tuple[str, str]:
    if tool.name in _FILES:
        sign, verb = _FILES[tool.name]
        return _clip(f"{verb} {_path(tool.summary, known) or 'a file'}"), sign
    if tool.name in _WORDS:
        sign, verb = _WORDS[tool.name]
        if tool.name in _ALONE or not tool.summary:
            return verb, sign
        colon = ":" if verb in _COLON else ""
        return _clip(f"{verb}{colon} {_without(tool.summary, known)}"), sign
    if tool.name.startswith("mcp__"):
        server, _, name = tool.name.removeprefix("mcp__").partition("__")
        return _clip(f"Using {name or server}{f' of {server}' if name else ''}"), "🔌"
    return _clip(f"Using {tool.name}{f': {_without(tool.summary, known)}' if tool.summary else ''}"), "🔧"


def _path(text: str, known: tuple[Path, ...]) -> str:
    """A path relative to a known folder, shortened."""
    path = " ".join(text.split())
    for base in map(str, known):
        if path == base:
            return "."
        if path.startswith(base + os.sep):
            return _shorten(path[len(base) + 1 :])
    return _shorten(path)


def _shorten(path: str) -> str:
    """Keep the end of a long path."""
    room = WIDTH - 20
    return path if len(path) <= room else "…" + path[-(room - 1) :]


def _without(text: str, known: tuple[Path, ...]) -> str:
    """A command without a leading `cd` into a known folder and without that folder in paths."""
    line = " ".join(text.split())
    for base in map(str, known):
        for move in (f"cd {base} && ", f"cd {base}; ", f"cd '{base}' && ", f'cd "{base}" && '):
            line = line.removeprefix(move)
        line = line.replace(base + os.sep, "") if len(base) > 1 else line
    return line


def _clip(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= WIDTH else text[: WIDTH - 1].rstrip() + "…"
