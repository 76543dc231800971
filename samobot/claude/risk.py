"""Whether a call of a tool needs the user, at each level of `SAMOBOT_ASK`. Pure."""

from __future__ import annotations

from samobot.claude.records import PermissionRequest
from samobot.claude.risk_places import RiskPlaces, is_secret, runs_later
from samobot.claude.risk_reasons import EDITS, KEPT, NETWORK, OUTSIDE, RUNS_LATER, SECRETS
from samobot.claude.shell_risk import shell_reasons
from samobot.session.ask_level import AskLevel
from samobot.session.tool_call import EDIT_TOOLS, ToolCall

_HARMLESS = frozenset(
    {
        "Agent", "AskUserQuestion", "BashOutput", "EnterPlanMode", "ExitPlanMode", "Glob", "Grep", "KillBash", "KillShell",
        "ListAgents", "ListMcpResourcesTool", "LS", "LSP", "NotebookRead", "Read", "ReadMcpResourceTool", "SendMessage",
        "Skill", "SlashCommand", "StructuredOutput", "Task", "TaskCreate", "TaskGet", "TaskList", "TaskOutput", "TaskStop",
        "TaskUpdate", "TodoRead", "TodoWrite", "ToolSearch", "WebSearch",
    }
)  # fmt: skip
"""Tools that read, or only arrange the agent's own work."""

_OWN_SAFETY_CHECK = "safetyCheck"
"""The CLI's type of reason for files that it protects itself, such as its settings and git's."""


def ask_reasons(request: PermissionRequest, level: AskLevel, places: RiskPlaces) -> tuple[str, ...]:
    """Return why the user has to allow a call that the CLI asks about, as clauses; empty if it is allowed without.

    Args:
        request: What the CLI asks.
        level: How much the user wants to be asked.
        places: The iteration's folders.
    """
    call = request.call
    path = places.absolute(call.path) if call.tool in EDIT_TOOLS else None
    if path is not None and places.is_of_session(path):
        return ()  # no iteration can work without
    if level is AskLevel.OFF:
        return ()
    found = _reasons(call, places, edits=level is AskLevel.EDITS)
    if request.reason_type == _OWN_SAFETY_CHECK and not found:
        found = (RUNS_LATER,)
    if level is AskLevel.RULES and not found:
        return (f"is asked about by Claude Code{f': {request.reason}' if request.reason else ''}",)
    return found


def _reasons(call: ToolCall, places: RiskPlaces, *, edits: bool) -> tuple[str, ...]:
    command = call.input.get("command")
    if isinstance(command, str):
        return shell_reasons(command, places, edits=edits)
    if call.tool in EDIT_TOOLS:
        return tuple(_edit(places.absolute(call.path) or "", places, edits=edits))
    if call.tool == "WebFetch":
        return (NETWORK,)
    if call.tool in _HARMLESS:
        # Of Glob the pattern is a path; of Grep it is what is searched for.
        keys = ("path", "glob", *(("pattern",) if call.tool == "Glob" else ()))
        named = [value for value in (call.path, *map(call.input.get, keys)) if isinstance(value, str)]
        return (SECRETS,) if any(map(is_secret, named)) else ()
    if call.tool.startswith("mcp__"):
        return ("acts through a tool of an MCP server",)
    return ("uses a tool that samobot does not know",)


def _edit(path: str, places: RiskPlaces, *, edits: bool) -> list[str]:
    found = [SECRETS] if is_secret(path) else []
    if places.is_kept(path):
        found.append(KEPT)
    elif runs_later(path):
        found.append(RUNS_LATER)
    if not places.is_own(path):
        found.append(OUTSIDE)
    elif edits:
        found.append(EDITS)
    return found
