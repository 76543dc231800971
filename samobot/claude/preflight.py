"""Checks that the Claude CLI can run, before anything is changed."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping

from samobot.claude.extra_flags import check_args
from samobot.claude.invocation import ClaudeOptions, child_environment
from samobot.errors import UsageError
from samobot.frozen import frozen
from samobot.session.search_path import find_program, own_environment
from samobot.system.commands import CommandResult, run_command

OLDEST = (2, 1, 0)
"""The oldest version that is accepted; everything here was measured on 2.1.197."""

_KEYS = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN")
"""With one of these the CLI reports a login, whatever the key is worth: the first iteration finds that out."""

_SECONDS = 30.0
_INSTALL = (
    "Install Claude Code (npm install -g @anthropic-ai/claude-code), or set CLAUDE_PATH to where it is."
)


@frozen
class Cli:
    """A Claude CLI that can be run: its absolute path and its version."""

    path: str
    version: str


def preflight(options: ClaudeOptions, environ: Mapping[str, str], *, login: bool = False) -> Cli:
    """Check that the CLI exists, is new enough, and may do what is configured.

    Takes about 0.2 s; with `login`, and no key in the environment, up to 2 s more.

    Args:
        options: How the CLI is to be run.
        environ: The environment it would get.
        login: Whether to check the login as well.

    Raises:
        UsageError: It cannot work; the message explains why and what to do.
    """
    check_args(options.args, asks=options.asks)
    check_root(options, environ)
    env = child_environment(own_environment(environ))
    path = find(options.path, env)
    version = _version(path, env)
    if login and not any(env.get(key) for key in _KEYS) and _logged_out(path, env):
        raise UsageError(f"Claude Code is not logged in: run `{path} auth login`, or set ANTHROPIC_API_KEY.")
    return Cli(path, version)


def find(name: str, environ: Mapping[str, str]) -> str:
    """Resolve `CLAUDE_PATH` to an absolute path.

    Raises:
        UsageError: There is no such program, or it may not be executed.
    """
    wanted = os.path.expanduser(name)
    found = find_program(wanted, environ)
    if found is not None:
        return found
    if os.sep in wanted and os.path.exists(wanted):
        raise UsageError(
            f"CLAUDE_PATH names {wanted}, which is not an executable file: make it one (chmod +x)."
        )
    inside = shutil.which(wanted, path=environ.get("PATH"))
    if inside is not None:
        raise UsageError(
            f"The Claude CLI on PATH, {inside}, is in a folder of a project, where agents write: install one outside, or set "
            "CLAUDE_PATH to the one that is to be used."
        )
    where = f"at {wanted}" if os.sep in wanted else f"named “{wanted}” on PATH"
    raise UsageError(f"There is no Claude CLI {where}. {_INSTALL}")


def is_wrapper(path: str) -> bool:
    """Whether a program is a script that wraps the CLI; npm's own entry is a link to the CLI.

    Such a script may do anything when it is called with `--version`.
    """
    try:
        resolved = os.path.realpath(path)
        if "claude-code" in resolved:
            return False
        with open(resolved, "rb") as program:
            return program.read(2) == b"#!"
    except OSError:
        return False


def check_root(options: ClaudeOptions, environ: Mapping[str, str]) -> None:
    """Refuse what the CLI refuses: bypassing permissions as root outside a sandbox.

    Raises:
        UsageError: With the ways out.
    """
    free = options.permission_mode == "bypassPermissions"
    if free and os.geteuid() == 0 and not environ.get("IS_SANDBOX"):
        raise UsageError(
            "As root, Claude Code refuses to work without asking for permissions: run samobot as another user, "
            "set CLAUDE_PERMISSION_MODE=acceptEdits, or, in a container or virtual machine of its own, IS_SANDBOX=1."
        )


def _version(path: str, env: Mapping[str, str]) -> str:
    done = _ask(path, env, "--version")
    if done is None:
        raise UsageError(
            f"{path} --version did not answer within {_SECONDS:.0f} s: it does not seem to be a working Claude CLI."
        )
    found = re.search(r"\b(\d+)\.(\d+)\.(\d+)\b", done.out)
    if not done.succeeded or found is None:
        said = " ".join((done.err or done.out).split())[:200] or "nothing"
        raise UsageError(
            f"{path} does not seem to be a working Claude CLI: asked for its version, it said: {said}"
        )
    if tuple(map(int, found.groups())) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise UsageError(
            f"Claude Code at {path} is version {found[0]}, older than {oldest}: update it (claude update)."
        )
    return found[0]


def _logged_out(path: str, env: Mapping[str, str]) -> bool:
    """Whether the CLI reports it; on any other answer the first iteration finds out."""
    done = _ask(path, env, "auth", "status")
    if done is None or done.succeeded:
        return False
    try:
        answer = json.loads(done.out)
    except ValueError:
        return False
    return isinstance(answer, dict) and answer.get("loggedIn") is False


def _ask(path: str, env: Mapping[str, str], *args: str) -> CommandResult | None:
    """Run the CLI; None if it does not end in time."""
    try:
        return run_command([path, *args], seconds=_SECONDS, environ=env)
    except TimeoutError:
        return None
    except OSError as error:
        raise UsageError(f"{path} cannot be started: {error.strerror}. {_INSTALL}") from error
