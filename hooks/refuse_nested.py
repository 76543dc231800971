"""PreToolUse hook: refuse a Claude CLI inside an iteration, as its cost would be in no budget.

Stand-alone, standard library only, Python 3.9 or newer, like `require_signal`. It holds against mistakes, not against
evasion: a program that the agent writes can start the CLI unseen.

Input and output are the CLI's: a JSON object on stdin; a `hookSpecificOutput` on stdout to refuse.
"""

import json
import os
import re
import shlex
import sys

HARMLESS = {
    "--version",
    "-v",
    "--help",
    "-h",
    "mcp",
    "auth",
    "config",
    "doctor",
    "plugin",
    "update",
    "install",
}
"""First arguments with which the CLI asks no model."""

WRAPPERS = {
    "command", "env", "exec", "ionice", "nice", "nohup", "npx", "bunx", "setsid", "stdbuf", "sudo", "time",
    "timeout", "unbuffer", "xargs", "script", "then", "do", "else", "if", "while", "until", "!", "{", "(",
}  # fmt: skip
"""Words that another command follows."""

SHELLS = {"bash", "dash", "sh", "zsh", "eval"}
REASON = (
    "No Claude CLI inside an iteration: what it costs is in no budget, and it does not know the session's rules. Use a "
    "sub-agent instead; it is counted."
)
DEEPEST = 5


def main() -> int:
    """Read the hook's input and print a refusal, if it is one."""
    if not os.environ.get("SAMOCODE_SIGNAL"):
        return 0
    try:
        event = json.load(sys.stdin)
        command = event["tool_input"]["command"]
    except (ValueError, OSError, KeyError, TypeError):
        return 0
    if isinstance(command, str) and asks_a_model(command):
        decision = {
            "hookEventName": "PreToolUse",
            "permissionDecision": "deny",
            "permissionDecisionReason": REASON,
        }
        json.dump({"hookSpecificOutput": decision}, sys.stdout)
    return 0


def asks_a_model(command: str, depth: int = 0) -> bool:
    """Return whether a shell command starts the Claude CLI with a prompt.

    Args:
        command: For a shell.
        depth: How many shells it is nested in.
    """
    lexer = shlex.shlex(command.replace("\n", " ; "), posix=True, punctuation_chars="();<>|&`")
    lexer.whitespace_split = True
    lexer.commenters = ""
    try:
        words = list(lexer)
    except ValueError:
        return re.search(r"\bclaude\b[^;&|]*\s(-p|--print)\b", command) is not None
    simple: list[str] = []
    for word in [*words, ";"]:
        if word and not set(word) - set("();|&`"):
            if is_claude(simple, depth):
                return True
            simple = []
        else:
            simple.append(word)
    return False


def is_claude(words: list[str], depth: int) -> bool:
    """Return whether one simple command starts the CLI with a prompt.

    Args:
        words: Its words, without the quotes.
        depth: How many shells it is nested in.
    """
    wrapped = False
    for index, word in enumerate(words):
        name = os.path.basename(word.lstrip("$("))
        if name == "claude" or "@anthropic-ai/claude-code" in word:
            return (words[index + 1] if index + 1 < len(words) else "") not in HARMLESS
        if name in SHELLS and depth < DEEPEST:
            return any(asks_a_model(each, depth + 1) for each in words[index + 1 :] if "claude" in each)
        if name in WRAPPERS:
            wrapped = True
        elif not wrapped and not re.match(r"\w+=", word):
            # A substitution inside a word is a command of its own.
            return any(asks_a_model(each, depth + 1) for each in substitutions(words) if depth < DEEPEST)
    return False


def substitutions(words: list[str]) -> list[str]:
    """Return what stands in `$(…)` inside words."""
    return [found for word in words for found in re.findall(r"\$\((.*)\)", word, re.DOTALL)]


if __name__ == "__main__":
    sys.exit(main())
