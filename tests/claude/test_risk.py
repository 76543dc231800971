"""Which calls of tools wait for the user at each level."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from samobot.claude.records import PermissionRequest
from samobot.claude.risk import ask_reasons
from samobot.claude.risk_places import RiskPlaces
from samobot.session.ask_level import AskLevel
from samobot.session.tool_call import ToolCall
from tests.support.cases import for_each

WORK, SESSION = "/home/u/work/shop", "/home/u/sessions/26-01-15-greet"
PLACES = RiskPlaces(Path(WORK), Path(SESSION))
OFF, RISKY, EDITS, RULES = AskLevel.OFF, AskLevel.RISKY, AskLevel.EDITS, AskLevel.RULES


def asked(level: AskLevel, tool: str, **values: Any) -> bool:
    return bool(ask_reasons(PermissionRequest("r", ToolCall(tool, values)), level, PLACES))


@for_each(
    ("tool", "values", "levels"),
    [
        ("Bash", {"command": "pytest"}, {RULES}),
        ("Bash", {"command": "git push"}, {RISKY, EDITS, RULES}),
        ("Bash", {"command": "echo x > a"}, {EDITS, RULES}),
        ("Monitor", {"command": "git push"}, {RISKY, EDITS, RULES}),
        ("Write", {"file_path": f"{WORK}/a.py"}, {EDITS, RULES}),
        ("Edit", {"file_path": f"{WORK}/a.py"}, {EDITS, RULES}),
        ("NotebookEdit", {"notebook_path": f"{WORK}/a.ipynb"}, {EDITS, RULES}),
        ("Write", {"file_path": f"{SESSION}/_signal.json"}, set()),
        ("Write", {"file_path": f"{SESSION}/_decisions.jsonl"}, {RISKY, EDITS, RULES}),
        ("Write", {"file_path": f"{SESSION}/../x"}, {RISKY, EDITS, RULES}),
        ("Write", {"file_path": "/tmp/x"}, set()),
        ("Write", {"file_path": "/etc/x"}, {RISKY, EDITS, RULES}),
        ("Write", {"file_path": f"{WORK}/../other/x"}, {RISKY, EDITS, RULES}),
        ("Write", {"file_path": f"{WORK}/.git/hooks/pre-commit"}, {RISKY, EDITS, RULES}),
        ("Write", {"file_path": f"{WORK}/.claude/settings.json"}, {RISKY, EDITS, RULES}),
        ("Write", {"file_path": f"{WORK}/.env"}, {RISKY, EDITS, RULES}),
        ("Write", {"file_path": ""}, {RISKY, EDITS, RULES}),
        ("Write", {"file_path": 5}, {RISKY, EDITS, RULES}),
        ("Read", {"file_path": "/usr/include/stdio.h"}, {RULES}),
        ("Read", {"file_path": "/home/u/.ssh/id_ed25519"}, {RISKY, EDITS, RULES}),
        ("Grep", {"path": "/home/u/.aws"}, {RISKY, EDITS, RULES}),
        ("Grep", {"path": "/home/u", "glob": ".ssh/*"}, {RISKY, EDITS, RULES}),
        ("Grep", {"pattern": ".ssh/config", "path": WORK}, {RULES}),
        ("Glob", {"pattern": "/home/u/.ssh/*"}, {RISKY, EDITS, RULES}),
        ("WebFetch", {"url": "https://example.com"}, {RISKY, EDITS, RULES}),
        ("WebSearch", {"query": "x"}, {RULES}),
        ("Task", {"prompt": "x"}, {RULES}),
        ("mcp__github__create_issue", {}, {RISKY, EDITS, RULES}),
        ("NewTool", {}, {RISKY, EDITS, RULES}),
    ],
)
def test_call_is_asked_about_at_these_levels(
    tool: str, values: dict[str, Any], levels: set[AskLevel]
) -> None:
    assert {level for level in AskLevel if asked(level, tool, **values)} == levels


def test_what_claude_code_protects_itself_is_asked_about() -> None:
    request = PermissionRequest(
        "r", ToolCall("Edit", {"file_path": f"{WORK}/.some/settings"}), reason_type="safetyCheck"
    )
    assert ask_reasons(request, RISKY, PLACES)


def test_claude_codes_own_reason_is_shown_at_its_own_level() -> None:
    request = PermissionRequest(
        "r", ToolCall("Bash", {"command": "make"}), reason="This command requires approval"
    )
    assert ask_reasons(request, RULES, PLACES) == (
        "is asked about by Claude Code: This command requires approval",
    )
