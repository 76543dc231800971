"""Small shell programs that stand for others on a PATH of a test's own."""

from __future__ import annotations

import json
from pathlib import Path

from samobot.assets import plugin_dir


def put_program(folder: Path, name: str, script: str) -> Path:
    """Make an executable shell script.

    Args:
        folder: Made where missing.
        name: The program's name.
        script: What it does, without the first line.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def init_record() -> dict[str, object]:
    """What a CLI that lacks nothing reports first."""
    names = {
        kind: [f"samocode:{path.stem}" for path in plugin_dir().glob(f"{kind}/*.md")]
        for kind in ("agents", "commands")
    }
    return {
        "type": "system",
        "subtype": "init",
        "claude_code_version": "2.1.197",
        "permissionMode": "bypassPermissions",
        "tools": ["Bash", "Edit", "Read", "Skill", "Task", "Write"],
        "agents": names["agents"],
        "slash_commands": names["commands"],
    }


def put_claude(folder: Path, *, logged_in: bool = True) -> Path:
    """A Claude CLI that answers what a check before a run asks, as version 2.1.197 does."""
    status = "true" if logged_in else "false"
    return put_program(
        folder,
        "claude",
        f"""case "$1" in
--version) echo "2.1.197 (Claude Code)" ;;
auth) echo '{{"loggedIn": {status}}}'; {status} ;;
--print) echo '{json.dumps(init_record())}' ;;
*) exit 2 ;;
esac""",
    )
