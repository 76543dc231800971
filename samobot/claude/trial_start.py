"""Starts the Claude CLI as an iteration does, to find out what this version makes of it; no model is called."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from samobot.claude.invocation import ClaudeOptions, build, with_settings
from samobot.claude.record_parser import parse
from samobot.claude.records import Init
from samobot.errors import UsageError
from samobot.frozen import frozen
from samobot.phases import Phase
from samobot.session.search_path import own_environment
from samobot.text import one_line

_TOOLS = ("Bash", "Edit", "Read", "Skill", "Write")
_SUB_AGENTS = {"Agent", "Task"}
"""What the tool that starts a sub-agent is called, by version."""

_SECONDS = 30.0
_NO_PROVIDER = dict.fromkeys(
    ("CLAUDE_CODE_USE_BEDROCK", "CLAUDE_CODE_USE_FOUNDRY", "CLAUDE_CODE_USE_VERTEX", "NO_PROXY", "no_proxy"),
    "",
)


@frozen
class TrialStart:
    """What came of a start.

    Attributes:
        init: What the CLI reported before it would have asked the model; None if it ended before.
        error: What it said in that case.
    """

    init: Init | None
    error: str = ""


def trial_start(path: str, options: ClaudeOptions, environ: Mapping[str, str], plugin: Path) -> TrialStart:
    """Start the CLI with every flag of an iteration, and end it when it has reported what it has loaded.

    Takes about a second. The user's hooks do not run, nothing is saved, and requests reach only a port of this machine
    that refuses them.

    Args:
        path: The CLI.
        options: How it is run.
        environ: The environment it would get.
        plugin: Folder of the samocode plugin.

    Raises:
        UsageError: It cannot be started, or has not answered within half a minute.
    """
    with tempfile.TemporaryDirectory(prefix="samobot-doctor-") as name, _closed_port() as port:
        folder = Path(name)
        (folder / "context.md").write_text("")
        call = build(
            options,
            plugin=plugin,
            agent=f"{Phase.IMPLEMENTATION}-agent",
            session_id=str(uuid.uuid4()),
            context_file=folder / "context.md",
            prompt="Nothing is to be done.",
            cwd=folder,
            session_dir=folder,
            log=folder / "log",
            budget_left=1.0,
            signal_file=folder / "signal",
            environ=own_environment(environ),
            python=sys.executable,
        )
        nowhere = f"http://127.0.0.1:{port}"
        variables = _NO_PROVIDER | {
            "ANTHROPIC_API_KEY": "none",
            "ANTHROPIC_BASE_URL": nowhere,
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "CLAUDE_CODE_MAX_RETRIES": "0",
            "HTTPS_PROXY": nowhere,
            "HTTP_PROXY": nowhere,
        }
        # As settings, too: those of the user may set variables, and go before the environment.
        settings = json.loads(call.argv[call.argv.index("--settings") + 1])["env"] | variables
        argv = (
            path,
            *with_settings(call.argv, disableAllHooks=True, env=settings)[1:],
            "--no-session-persistence",
        )
        return _started(argv, {**call.env, **variables}, folder, call.stdin)


def missing_parts(init: Init, options: ClaudeOptions, plugin: Path) -> list[str]:
    """Name what an iteration needs and a start did not load.

    Args:
        init: What the CLI reported.
        options: How it was run.
        plugin: Folder of the samocode plugin.
    """
    tools = [f"the tool {name}" for name in _TOOLS if name not in init.tools]
    if not _SUB_AGENTS & set(init.tools):
        tools.append("a tool for sub-agents")
    agents = [
        f"the agent {name}"
        for name in _of_plugin(plugin, "agents/*.md")
        if f"samocode:{name}" not in init.agents
    ]
    commands = [
        f"/samocode:{name}"
        for name in _of_plugin(plugin, "commands/*.md")
        if f"samocode:{name}" not in init.commands
    ]
    mode = options.permission_mode
    return [
        *tools,
        *agents,
        *commands,
        *(
            [f"the permission mode {mode} (it is {init.permission_mode})"]
            if init.permission_mode != mode
            else []
        ),
    ]


def _of_plugin(plugin: Path, pattern: str) -> Iterator[str]:
    return (path.stem for path in sorted(plugin.glob(pattern)))


@contextlib.contextmanager
def _closed_port() -> Iterator[int]:
    """A port of this machine that refuses each connection: it is taken, and no program listens there."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def _started(argv: Sequence[str], env: Mapping[str, str], folder: Path, prompt: bytes) -> TrialStart:
    errors, given = folder / "errors", folder / "prompt"
    given.write_bytes(prompt)
    try:
        with errors.open("wb") as stderr, given.open("rb") as stdin:
            process = subprocess.Popen(
                argv, cwd=folder, env=dict(env), stdin=stdin, stdout=subprocess.PIPE, stderr=stderr
            )
    except OSError as error:
        raise UsageError(f"{argv[0]} cannot be started: {error.strerror}.") from error
    timer = threading.Timer(_SECONDS, process.kill)
    timer.start()
    with process:
        init = _first_init(process.stdout or ())
        process.terminate()  # not killed: it removes what it keeps about itself
    timer.cancel()
    if init is None and process.returncode == -signal.SIGKILL:
        raise UsageError(f"{argv[0]} has reported nothing within {_SECONDS:.0f} s after its start.")
    return TrialStart(init, "" if init else one_line(errors.read_text(errors="replace"), 200) or "nothing")


def _first_init(lines: Iterable[bytes]) -> Init | None:
    for line in lines:
        with contextlib.suppress(ValueError, RecursionError):
            record = json.loads(line)
            if isinstance(record, dict) and isinstance(found := parse(record), Init):
                return found
    return None
