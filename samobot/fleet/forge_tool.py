"""Running a forge's command-line tool with the user's login: never asking, never forever, nowhere near a repository.

The tools run git in their working directory, under that repository's configuration. So they run in an empty folder,
and the repository is an argument.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from typing import Any

from samobot.fleet.forge import ForgeError
from samobot.session.search_path import find_program, own_environment
from samobot.text import one_line

_TIMEOUT_S = 60.0
_ANSWER_LIMIT = 4 * 1024 * 1024
_REFUSED = re.compile(rb"^glab: (?:.*\()?HTTP [45]\d\d\)?\s*$", re.MULTILINE)
"""What `glab api` writes about a refusal; older versions (1.33, not 1.53) end with code 0 all the same."""

_QUIET = {
    "GH_PROMPT_DISABLED": "1",
    "GH_NO_UPDATE_NOTIFIER": "1",
    "GH_SPINNER_DISABLED": "1",
    "NO_PROMPT": "1",
    "GLAB_CHECK_UPDATE": "false",
    "NO_COLOR": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "BROWSER": "false",
    "EDITOR": "false",
    "VISUAL": "false",
    "PAGER": "cat",
}
_DROPPED = (
    *("TELEGRAM_", "SAMOBOT_", "ANTHROPIC_", "CLAUDE_", "OPENAI_", "CODEX_"),  # none of its business
    *("GIT_DIR", "GIT_WORK_TREE", "GH_REPO", "GH_HOST", "GH_DEBUG", "DEBUG", "GITLAB_REPO"),
)


def run_tool(
    tool: str,
    arguments: Sequence[str],
    *,
    text: str = "",
    keep_end: bool = False,
) -> str:
    """Run a forge's tool and return its output.

    Args:
        tool: `gh` or `glab`.
        arguments: Its arguments; no secrets, as everybody sees them in the list of processes.
        text: Its input.
        keep_end: Whether the end of an output beyond 4 MB is returned instead of its beginning.

    Raises:
        ForgeError: It is not installed, failed, or did not end in time.
    """
    program = find_program(tool, os.environ)
    if program is None:
        raise ForgeError(f"{tool} is not installed.")
    environment = own_environment(os.environ)  # it runs git
    environment = {key: value for key, value in environment.items() if not key.startswith(_DROPPED)} | _QUIET
    with tempfile.TemporaryDirectory(prefix="samobot-forge-") as nowhere:
        # Anybody could make a repository of the folder above.
        environment["GIT_CEILING_DIRECTORIES"] = os.path.dirname(os.path.realpath(nowhere))
        try:
            process = subprocess.Popen(
                [program, *arguments],
                cwd=nowhere,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            raise ForgeError(f"{tool} could not be started: {error.strerror}.") from error
        try:
            output, errors = process.communicate(text.encode("utf-8", "replace"), _TIMEOUT_S)
        except subprocess.TimeoutExpired:
            raise ForgeError(f"{tool} did not answer within {_TIMEOUT_S:.0f} s.") from None
        finally:
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()
    if process.returncode != 0 or _REFUSED.search(errors):
        said = one_line(errors.decode("utf-8", "replace"), 300).removeprefix(f"{tool}: ")
        raise ForgeError(f"{tool}: {said or f'it ended with code {process.returncode}'}")
    kept = output[-_ANSWER_LIMIT:] if keep_end else output[:_ANSWER_LIMIT]
    return kept.decode("utf-8", "replace")


def read_json(tool: str, arguments: Sequence[str]) -> Any:
    """Run a forge's tool and parse its output as JSON.

    Raises:
        ForgeError: As for `run_tool`, or the output is not JSON.
    """
    pages = read_json_pages(tool, arguments)
    if len(pages) != 1:
        raise ForgeError(f"{tool} answered something that is not JSON.")
    return pages[0]


def read_json_pages(tool: str, arguments: Sequence[str]) -> list[Any]:
    """Run a forge's tool and parse its output as JSON values, one for each page of a long answer.

    Raises:
        ForgeError: As for `run_tool`, or the output is not JSON.
    """
    output = run_tool(tool, arguments).strip()
    decoder, pages, at = json.JSONDecoder(), [], 0
    try:
        while at < len(output):
            page, at = decoder.raw_decode(output, at)
            pages.append(page)
            while output[at : at + 1].isspace():
                at += 1
    except (ValueError, RecursionError):
        raise ForgeError(f"{tool} answered something that is not JSON.") from None
    return pages
