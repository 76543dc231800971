"""PreToolUse hook: refuse a Claude CLI, another vendor's, or a request to a model's API inside an iteration.

What they cost would be in no budget.

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

OTHERS = {
    "aider": {"-m", "--message", "--msg", "-f", "--message-file"},
    "amp": {"-x", "--execute"},
    "auggie": {"-p", "--print"},
    "codex": {"exec", "e"},
    "copilot": {"-p", "--prompt"},
    "crush": {"run"},
    "cursor-agent": {"-p", "--print"},
    "droid": {"exec"},
    "gemini": {"-p", "--prompt"},
    "goose": {"run"},
    "opencode": {"run"},
    "qwen": {"-p", "--prompt"},
}
"""Agents of other vendors, with the arguments by which they ask a model without a terminal."""

PACKAGES = {
    "@augmentcode/auggie": "auggie",
    "@github/copilot": "copilot",
    "@google/gemini-cli": "gemini",
    "@openai/codex": "codex",
    "@qwen-code/qwen-code": "qwen",
    "@sourcegraph/amp": "amp",
    "opencode-ai": "opencode",
}
"""Packages by which runners start them."""

HOSTS = (
    "api.anthropic.com", "api.openai.com", "generativelanguage.googleapis.com", "openrouter.ai", "api.mistral.ai",
    "api.groq.com", "api.deepseek.com", "api.x.ai",
)  # fmt: skip
"""Where models are asked by a request."""

NAMES = re.compile("|".join(map(re.escape, ("claude", *OTHERS, *HOSTS, "ANTHROPIC_BASE_URL"))))

FETCHERS = {"curl", "wget", "http", "https", "xh"}
REQUEST = re.compile(
    rf"(?:{'|'.join(map(re.escape, HOSTS))}|\$\{{?ANTHROPIC_BASE_URL\}}?)"
    r"/[^\s'\"]{0,200}(?:messages|completions|responses|complete|[gG]enerateContent)"
)
"""An address at which a model is asked."""

SDK = re.compile(
    r"\b(?:messages|responses|completions)\.(?:create|stream|parse)\(|\.generate_content\("
    r"|\bclaude[_-](?:agent|code)[_-]sdk\b(?:.|\n){0,2000}?\bquery\("
)
"""A call that asks a model in a program's text."""

SCRIPT = re.compile(
    r"(?:^|[\n;&|(])\s*(?:[\w./-]{0,200}/)?(?:node|deno|bun|python[\d.]*|ruby|php)\s(?:[^\n]{0,200}\s)?(?:-[ce]\s|-?\s*<<)"
)
"""A program whose text is in the command."""

WRAPPERS = {
    "command", "builtin", "coproc", "env", "exec", "ionice", "nice", "nohup", "npx", "bunx", "uvx", "pnpm", "yarn", "npm",
    "setsid", "stdbuf", "sudo", "doas", "time", "timeout", "unbuffer", "xargs", "parallel", "find", "flock", "chronic",
    "strace", "systemd-run", "ssh", "then", "do", "else", "if", "while", "until", "!", "{", "(",
}  # fmt: skip
"""Words that another command follows."""

SHELLS = {
    "bash", "dash", "sh", "zsh", "eval", "trap", "su", "script", "watch", "tmux", "screen", "at", "busybox",
}  # fmt: skip
"""Commands that run commands, given as one word or as several."""

INTERPRETERS = re.compile(r"(?:node|deno|bun|python[\d.]*|perl|ruby|php|expect)$")
CALL = re.compile(r"\bclaude['\"]?[\s,]+(?:[^;\n]{0,200}[\s'\",])?(?:-p|--print)\b")
"""A call of the CLI in a program's text, as a command or as a list of arguments."""

MANAGED = {
    "install",
    "i",
    "add",
    "remove",
    "uninstall",
    "update",
    "upgrade",
    "view",
    "info",
    "ls",
    "list",
    "show",
}
"""Subcommands of package managers that do not start what they name."""

NAMED_BY = {"-v", "-V", "-name", "-path", "-iname"}
"""Options that take a name and do not start it."""

INDIRECT = re.compile(
    r"""(?:\$\(|`)\s*(?:which|command\s+-v|type\s+-p)\s+claude\s*(?:\)|`)"?\s[^;&|\n]{0,200}?(?:-p|--print)\b
      |\b(?P<name>[A-Za-z_]\w{0,40})=['"]?[\w./~-]{0,200}\bclaude['"]?\s*[;&\n].{0,2000}?
       \$\{?(?P=name)\b\}?['"]?\s[^;&|\n]{0,200}?(?:-p|--print)\b""",
    re.VERBOSE | re.DOTALL,
)
REASON = (
    "No CLI of an agent inside an iteration, and no request to a model: what it costs is in no budget, and it does not know "
    "the session's rules. Use a sub-agent instead; it is counted."
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
    """Return whether a shell command starts an agent's CLI with a prompt.

    Args:
        command: For a shell.
        depth: How many shells it is nested in.
    """
    if INDIRECT.search(command) or (
        SCRIPT.search(command) and (SDK.search(command) or REQUEST.search(command))
    ):
        return True
    lexer = shlex.shlex(
        command.replace("\\\n", " ").replace("\n", " ; "), posix=True, punctuation_chars="();<>|&`"
    )
    lexer.whitespace_split = True
    lexer.commenters = ""
    try:
        words = list(lexer)
    except ValueError:
        return re.search(r"\bclaude\b[^;&|]*\s(-p|--print)\b", command) is not None
    simple: list[str] = []
    piped: list[str] = []
    for word in [*words, ";"]:
        if word and not set(word) - set("();|&`"):
            if is_claude(simple, depth) or (piped and depth < DEEPEST and is_run(piped, simple, depth)):
                return True
            piped = simple if word == "|" else []
            simple = []
        else:
            simple.append(word)
    return False


def is_run(printed: list[str], words: list[str], depth: int) -> bool:
    """Return whether a command that prints text is read by a shell, and starts the CLI there.

    Args:
        printed: The words of the command before the pipe.
        words: Those after it.
        depth: How many shells it is nested in.
    """
    if not words or os.path.basename(words[0]) not in SHELLS or not any(map(NAMES.search, printed)):
        return False
    return any(asks_a_model(each, depth + 1) for each in (*printed[1:], " ".join(printed[1:])))


def without_redirections(words: list[str]) -> list[str]:
    """Return the words of a command without `> file`, `2>&1` and the like."""
    found: list[str] = []
    skip = False
    for word in words:
        if word and not set(word) - set("<>&|"):
            if found and found[-1].isdigit():
                found.pop()
            skip = word != "<<<"  # what is written there is read
        elif skip:
            skip = False
        else:
            found.append(word)
    return found


def is_claude(words: list[str], depth: int) -> bool:
    """Return whether one simple command starts the CLI with a prompt.

    Args:
        words: Its words, without the quotes.
        depth: How many shells it is nested in.
    """
    wrapped = False
    words = without_redirections(words)
    for index, word in enumerate(words):
        name = os.path.basename(word.lstrip("$("))
        package = re.sub(r"(?<=.)@[^/]*$", "", word)
        other = PACKAGES.get(package, name) if wrapped or not index else name
        if other in OTHERS:
            return bool(OTHERS[other].intersection(each.partition("=")[0] for each in words[index + 1 :]))
        if name == "alias" and not wrapped:
            return any(is_alias(each, depth) for each in words[index + 1 :])
        if name in ("claude", "claude.exe") or "@anthropic-ai/claude-code" in word:
            if wrapped and (words[index - 1] in NAMED_BY or MANAGED.intersection(words[:index])):
                return False
            rest = [each for each in words[index + 1 :] if each != "--"]
            return (rest[0] if rest else "") not in HARMLESS
        if name in FETCHERS:
            return any(REQUEST.search(each) for each in words[index + 1 :])
        if name in SHELLS and depth < DEEPEST:
            rest = words[index + 1 :]
            inner = [each for each in rest if NAMES.search(each)]
            if inner and not all(" " in each for each in inner):
                first = next(
                    (place for place, each in enumerate(rest) if os.path.basename(each) == "claude"), None
                )
                if first is not None and (first + 1 < len(rest) or rest[first - 1].endswith("c")):
                    return asks_a_model(" ".join(map(shlex.quote, rest[first:])), depth + 1)
            return any(asks_a_model(each, depth + 1) for each in inner if " " in each)
        if INTERPRETERS.match(name):
            rest = words[index + 1 :]
            if rest and "@anthropic-ai/claude-code" in rest[0]:
                return not HARMLESS.intersection(rest[1:2])
            return any(CALL.search(each) for each in rest if " " in each or "(" in each)
        if name in WRAPPERS:
            split = words[index + 1 : index + 3]
            if name == "env" and depth < DEEPEST and split and re.match(r"-S|--split-string", split[0]):
                return any(
                    asks_a_model(re.sub(r"^(-S|--split-string=?)", "", each), depth + 1) for each in split
                )
            wrapped = True
        elif not wrapped and not re.match(r"\w+=", word):
            # A substitution inside a word is a command of its own.
            return any(asks_a_model(each, depth + 1) for each in substitutions(words) if depth < DEEPEST)
    return False


def is_alias(definition: str, depth: int) -> bool:
    """Return whether `name=value` makes a name of its own for the CLI, with a prompt or to be followed by one.

    Args:
        definition: The argument of `alias`.
        depth: How many shells it is nested in.
    """
    value = definition.partition("=")[2]
    return depth < DEEPEST and (asks_a_model(value, depth + 1) or asks_a_model(f"{value} -p", depth + 1))


def substitutions(words: list[str]) -> list[str]:
    """Return what stands in `$(…)` inside words."""
    return [found for word in words for found in re.findall(r"\$\((.*)\)", word, re.DOTALL)]


if __name__ == "__main__":
    sys.exit(main())
