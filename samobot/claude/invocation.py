"""The call of one iteration of the Claude CLI: arguments, environment, prompt. Pure.

Measured on Claude Code 2.1.197: the agent's file replaces the default system prompt and the appended file
follows it; `--verbose` must go with `stream-json`; one argument may not exceed 128 KiB, so the context goes in
as a file and the prompt on stdin.
"""

from __future__ import annotations

import json
import os
import pwd
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from samobot.claude.extra_flags import check_args
from samobot.claude.forge_logins import withhold_logins
from samobot.claude.permission_rules import asking_hooks
from samobot.claude.reaper import SESSION_VARIABLE
from samobot.claude.turn_input import ASKS, STEERABLE, user_line
from samobot.frozen import frozen
from samobot.session.provider import Provider

SIGNAL_VARIABLE = "SAMOCODE_SIGNAL"
"""Names the signal file to the plugin's Stop hook, which acts only when it is set."""

PYTHON_VARIABLE = "SAMOCODE_PYTHON"
"""Names the interpreter that the plugin's hooks run with."""

ITERATION_VARIABLE = "SAMOBOT_ITERATION"
"""Set to the CLI's session id inside an iteration: there, samobot refuses decisions, which are the user's."""

_OURS = ("TELEGRAM_", "SAMOBOT_", "SAMOCODE_")

# Variables that an interactive Claude sets for its children; a worker started from one must not pass them on.
_OUTER_CLAUDE = frozenset(
    {
        "AI_AGENT",
        "CLAUDECODE",
        "CLAUDE_CODE_AGENT",
        "CLAUDE_CODE_CHILD_NOTES_DIR",
        "CLAUDE_CODE_CHILD_SESSION",
        "CLAUDE_CODE_ENTRYPOINT",
        "CLAUDE_CODE_EXECPATH",
        "CLAUDE_CODE_MESSAGING_SOCKET",
        "CLAUDE_CODE_PARENT_SESSION_ID",
        "CLAUDE_CODE_SESSION_ATTENDED",
        "CLAUDE_CODE_SESSION_ID",
        "CLAUDE_CODE_SSE_PORT",
        "CLAUDE_EFFORT",
        "CLAUDE_ENV_FILE",
        "CLAUDE_PID",
        "CLAUDE_PLUGIN_DATA",
        "CLAUDE_PLUGIN_ROOT",
        "CLAUDE_PROJECT_DIR",
    }
)

_DEFAULTS = {
    # Without updates in the middle of a run, each iteration runs the same program.
    "DISABLE_AUTOUPDATER": "1",
    # Sub-agents then report before the turn continues: since 2.1.198 they run in the background by default, and an
    # agent that ended its turn to wait for them signaled without their findings.
    "CLAUDE_CODE_DISABLE_BACKGROUND_TASKS": "1",
    # “Commit or push only when the user asks. If on the default branch, branch first” is the contrary of our rules.
    "CLAUDE_CODE_DISABLE_GIT_INSTRUCTIONS": "1",
    # The CLI's own skills are for a user at the keyboard; their list is as long as all that a phase is given by us.
    "CLAUDE_CODE_DISABLE_BUNDLED_SKILLS": "1",
}
"""What the user may set otherwise in the environment."""

_PERMISSION_MODE = "--permission-mode"

_LEAST_BUDGET = 0.01

# What a Codex that the agent starts would log in with: it would work outside of every budget.
_CODEX_LOGIN = ("CODEX_API_KEY",)

# `-p` does not ask whether a project is trusted: its settings could send the key elsewhere and run programs. Without
# them the CLI leaves out CLAUDE.md as well, but for additional folders with this variable.
_USER_SETTINGS_ONLY = ("--setting-sources", "user", "--strict-mcp-config")
_LOAD_CLAUDE_MD = {"CLAUDE_CODE_ADDITIONAL_DIRECTORIES_CLAUDE_MD": "1"}

# The CLI asks about a command without its folder: after a `cd` of an earlier one, what is allowed would do something else.
FIXED_FOLDER = {"CLAUDE_BASH_MAINTAIN_PROJECT_WORKING_DIR": "1"}


UNHOOKING = ("CLAUDE_CODE_SAFE_MODE", "CLAUDE_CODE_SIMPLE")
"""Variables with which the CLI leaves out hooks and skills, also samobot's."""

# They win over the settings of the user and of the project. The user's output style would be added to the agent's role:
# “Learning” has the model ask the user to write code. Without hooks samobot's own, which guard the budget, do not run.
# The variable of the effort goes before `--effort`, and settings may set variables as the environment does.
_SETTINGS = (
    "--settings",
    json.dumps(
        {
            "outputStyle": "default",
            "disableAllHooks": False,
            "env": dict.fromkeys(("CLAUDE_CODE_EFFORT_LEVEL", *UNHOOKING), ""),
        }
    ),
)


@frozen
class ClaudeOptions:
    """Settings of the CLI.

    Attributes:
        path: The program: a name looked for on PATH, or a path.
        model: Model name or alias.
        effort: The CLI's `--effort`; empty leaves it to the CLI.
        fallback_model: Models for when the first is overloaded, separated by commas; none if empty.
        max_turns: Turns of one iteration.
        permission_mode: The CLI's `--permission-mode`.
        asks: Whether the CLI asks the worker where it would prompt the user.
        args: More flags, added at the end.
    """

    path: str = "claude"
    model: str = "opus"
    max_turns: int = 300
    permission_mode: str = "bypassPermissions"
    args: tuple[str, ...] = ()
    effort: str = ""
    fallback_model: str = ""
    asks: bool = False


@frozen
class Invocation:
    """One call of the CLI, complete.

    Attributes:
        argv: Program and arguments.
        cwd: Folder it works in.
        env: The whole environment.
        stdin: The prompt, or if `steerable` the line that holds it.
        log: File that its stdout becomes.
        session_id: UUID of the CLI's own session.
        fenced: Whether `argv` starts bubblewrap, which starts the CLI.
        copy: File that is a copy of the log while the CLI runs; None makes none.
        steerable: Whether it reads further messages while it runs.
        inherited: Descriptors that it inherits.
        file_limit: Bytes that no file may outgrow; None for no limit.
        provider: The program that is called.
    """

    argv: tuple[str, ...]
    cwd: Path
    env: Mapping[str, str]
    stdin: bytes
    log: Path
    session_id: str
    fenced: bool = False
    copy: Path | None = None
    steerable: bool = False
    inherited: tuple[int, ...] = ()
    file_limit: int | None = None
    provider: Provider = Provider.CLAUDE


def build(
    options: ClaudeOptions,
    *,
    plugin: Path,
    agent: str,
    session_id: str,
    context_file: Path,
    prompt: str,
    cwd: Path,
    session_dir: Path,
    log: Path,
    budget_left: float | None,
    signal_file: Path,
    environ: Mapping[str, str],
    python: str,
    trust_project: bool = False,
    steerable: bool = False,
) -> Invocation:
    """Build the call of one iteration.

    Args:
        options: Settings of the CLI.
        plugin: Folder of the samocode plugin.
        agent: Name of the phase's agent in the plugin.
        session_id: A new UUID; the CLI refuses one that was used before.
        context_file: File appended to the agent's system prompt.
        prompt: The user message.
        cwd: Working directory.
        session_dir: The session's folder, which it may write to as well.
        log: File that its stdout becomes.
        budget_left: US dollars it may spend; None for no limit.
        signal_file: The session's signal file, for the Stop hook.
        environ: The environment to derive its own from.
        python: Interpreter for the plugin's hooks.
        trust_project: Whether settings, hooks and MCP servers of the project's own files count.
        steerable: Whether it is to read further messages while it runs.

    Raises:
        UsageError: `options.args` holds a flag that samobot itself has to set.
    """
    check_args(options.args, asks=options.asks)
    budget = () if budget_left is None else ("--max-budget-usd", f"{max(budget_left, _LEAST_BUDGET):.4f}")
    argv = (
        options.path,
        "--print",
        "--output-format",
        "stream-json",
        "--verbose",
        *(STEERABLE if steerable else ()),
        *(ASKS if options.asks else ()),
        "--plugin-dir",
        str(plugin),
        "--agent",
        f"samocode:{agent}",
        "--session-id",
        session_id,
        "--add-dir",
        str(session_dir),
        "--append-system-prompt-file",
        str(context_file),
        "--model",
        options.model,
        *(("--effort", options.effort) if options.effort else ()),
        *(("--fallback-model", options.fallback_model) if options.fallback_model else ()),
        "--max-turns",
        str(options.max_turns),
        *budget,
        _PERMISSION_MODE,
        options.permission_mode,
        *_SETTINGS,
        *(() if trust_project else (*_USER_SETTINGS_ONLY, *_add_dirs(cwd))),
        *options.args,
    )
    if options.asks:
        argv = with_settings(argv, hooks=asking_hooks(options.permission_mode))
    marks = {
        SESSION_VARIABLE: str(session_dir),
        SIGNAL_VARIABLE: str(signal_file),
        PYTHON_VARIABLE: python,
        ITERATION_VARIABLE: session_id,
    }
    env = child_environment(environ, _CODEX_LOGIN) | marks | ({} if trust_project else _LOAD_CLAUDE_MD)
    env |= FIXED_FOLDER if options.asks else {}
    stdin = user_line(prompt) if steerable else prompt.encode("utf-8", "replace")
    return Invocation(argv, cwd, env, stdin, log, session_id, steerable=steerable)


def with_settings(argv: Sequence[str], **values: object) -> tuple[str, ...]:
    """Add to the settings that a call passes to the CLI; the call of another program stays as it is."""
    if _SETTINGS[0] not in argv:
        return tuple(argv)
    place = argv.index(_SETTINGS[0]) + 1
    return (*argv[:place], json.dumps(json.loads(argv[place]) | values), *argv[place + 1 :])


def _add_dirs(cwd: Path) -> Iterator[str]:
    """The folders whose CLAUDE.md counts: the working directory and those above it, up to the repository's top."""
    above = [cwd, *cwd.parents]
    top = next((index for index, folder in enumerate(above) if os.path.lexists(folder / ".git")), 0)
    for folder in reversed(above[: top + 1]):
        yield from ("--add-dir", str(folder))


def child_environment(environ: Mapping[str, str], withheld: Collection[str] = ()) -> dict[str, str]:
    """The environment of an agent: without samobot's secrets, the user's logins at forges, and an outer Claude.

    Args:
        environ: The environment to start from.
        withheld: Names of further variables to leave out.
    """
    left_out = {*_OUTER_CLAUDE, *UNHOOKING, *withheld}
    env = {
        name: value for name, value in environ.items() if not name.startswith(_OURS) and name not in left_out
    }
    for name, value in _DEFAULTS.items():
        env.setdefault(name, value)
    withhold_logins(env)
    if not env.get("HOME"):
        env["HOME"] = pwd.getpwuid(os.getuid()).pw_dir
    return env
