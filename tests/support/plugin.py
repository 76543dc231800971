"""Reading the plugin's own files in tests."""

from __future__ import annotations

import json
import re
from pathlib import Path

from samobot.assets import plugin_dir
from samobot.config.model_choice import DEFAULT_EFFORT
from samobot.phases import RULES, Phase
from tests.support.messages_api import Request

_PAIR = re.compile(r"([a-z-]+): (\S.*)")

_NO_TOOL = "DeferredToolPlaceholder"
"""What 2.1.332 puts into every list of tools: it does nothing."""


def front_matter(path: Path) -> tuple[dict[str, str], str]:
    """Split a file into its front matter and its body.

    Stricter than YAML on purpose: one `key: value` a line, quoted wherever YAML could read it otherwise.
    """
    text = path.read_text(encoding="utf-8")
    assert text.startswith("---\n"), f"{path} has no front matter"
    head, found, body = text[4:].partition("\n---\n")
    assert found, f"the front matter of {path} has no end"
    pairs: dict[str, str] = {}
    for line in head.splitlines():
        match = _PAIR.fullmatch(line)
        assert match, f"{path}: {line!r} is not `key: value`"
        key, value = match[1], match[2]
        assert key not in pairs, f"{path}: {key} twice"
        if value.startswith('"') and value.endswith('"'):
            value = value[1:-1]
        else:
            assert not re.search(r"^[\[{&*!|>'%@`#]|: | #|:$", value), f"{path}: quote {value!r}"
        pairs[key] = value
    return pairs, body


def blocks(path: Path, language: str) -> list[str]:
    """The fenced blocks of one language in a file."""
    return re.findall(
        rf"^```{language}\n(.*?)^```$", path.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )


def agent_files() -> list[Path]:
    """Every agent of the plugin."""
    return sorted((plugin_dir() / "agents").glob("*.md"))


def command_files() -> list[Path]:
    """Every command of the plugin."""
    return sorted((plugin_dir() / "commands").glob("*.md"))


def skill_files() -> list[Path]:
    """Every skill of the plugin."""
    return sorted((plugin_dir() / "skills").glob("*/SKILL.md"))


def check_request(request: Request, phase: Phase) -> None:
    """Fail unless a request has the phase's effort, model and tools, and the precedence of our rules over the CLI's."""
    assert request.body["output_config"]["effort"] == DEFAULT_EFFORT[phase]
    assert "opus" in request.body["model"]
    tools = front_matter(plugin_dir() / "agents" / f"{RULES[phase].agent}.md")[0]["tools"].split(", ")
    allowed = {"Agent" if name == "Task" else name for name in tools}
    assert set(request.tools) - {_NO_TOOL} <= allowed
    # What the CLI says of CLAUDE.md is contradicted by our rules, which have to say so; its rules of git are not sent.
    assert "for commits, branches, questions and signals these rules go first" in request.system
    assert "OVERRIDE" not in request.system
    sent = json.dumps(request.body)
    assert not re.search(r"branch first|only when the user asks|Co-Authored-By|security-review", sent)
