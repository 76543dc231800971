"""Running git: never asking, never waiting for ever, with no hooks, and in English."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from samobot.errors import UsageError
from samobot.text import one_line

_OPTIONS = ("-c", "core.hooksPath=/dev/null", "-c", "gc.auto=0", "-c", "maintenance.auto=false")
# Set by git for its hooks and by some editors: they would lead our git to another repository.
_MISLEADING = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_COMMON_DIR",
    "GIT_OBJECT_DIRECTORY",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
    "GIT_CEILING_DIRECTORIES",
)


class GitError(Exception):
    """git ended with an error or did not end in time.

    Args:
        words: What git said, in one line.
    """

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words


@dataclass(frozen=True, slots=True)
class Git:
    """git in one folder.

    Attributes:
        folder: Where it runs.
    """

    folder: Path

    def run(self, *arguments: str, timeout: float = 60.0) -> str:
        """Run git and return what it printed, surrogate escapes for what is not UTF-8.

        Args:
            *arguments: The subcommand and its arguments.
            timeout: Seconds after which it is ended with all that it started.

        Raises:
            GitError: It ended with an error, or not in time.
            UsageError: git is not installed.
        """
        return self._communicate(arguments, subprocess.PIPE, timeout).decode("utf-8", "surrogateescape")

    def run_into(
        self, output: IO[bytes], *arguments: str, timeout: float = 60.0, limit: int | None = None
    ) -> None:
        """Run git with its output going to a file, as `run` otherwise.

        Args:
            output: The file.
            *arguments: The subcommand and its arguments.
            timeout: Seconds after which it is ended with all that it started.
            limit: Bytes at which the file is full and git is ended, which is no error; None is no limit.
        """
        self._communicate(arguments, output, timeout, limit)

    def attempt(self, *arguments: str) -> str | None:
        """Run git and return what it printed, None if it ended with an error."""
        try:
            return self.run(*arguments)
        except GitError:
            return None

    def ok(self, *arguments: str) -> bool:
        """Run git and say whether it ended well."""
        return self.attempt(*arguments) is not None

    def _communicate(
        self, arguments: tuple[str, ...], output: int | IO[bytes], timeout: float, limit: int | None = None
    ) -> bytes:
        process = self._start(arguments, output, limited=limit is not None)
        try:
            if limit is not None:
                with contextlib.suppress(ProcessLookupError):
                    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (limit, limit))
            out, error = process.communicate(timeout=timeout)
        except BaseException as problem:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            if isinstance(problem, subprocess.TimeoutExpired):
                words = f"git {arguments[0]} did not end within {timeout:.0f} s."
                raise GitError(words) from None
            raise
        finally:
            for pipe in (process.stdout, process.stderr):
                if pipe is not None:
                    pipe.close()
        if process.returncode != 0 and not (limit is not None and _size(output) >= limit):
            said = one_line(error.decode("utf-8", "replace"), 400)
            raise GitError(said or f"git {arguments[0]} ended with code {process.returncode}.")
        return out or b""

    def _start(
        self, arguments: tuple[str, ...], output: int | IO[bytes], *, limited: bool
    ) -> subprocess.Popen[Any]:
        try:
            return subprocess.Popen(
                ["git", *_OPTIONS, *arguments],
                cwd=self.folder,
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.PIPE,
                start_new_session=True,
                # As in Python itself SIGXFSZ is ignored then: a full file is git's error, without a core dump.
                restore_signals=not limited,
            )
        except FileNotFoundError as error:
            if not self.folder.is_dir():
                raise GitError(f"The folder {self.folder} does not exist.") from error
            raise UsageError("git is not installed or not on the PATH; install it and try again.") from error
        except OSError as error:
            raise GitError(f"git could not be started in {self.folder}: {error.strerror}.") from error


def _size(output: int | IO[bytes]) -> int:
    return os.fstat(output if isinstance(output, int) else output.fileno()).st_size


def _environment() -> dict[str, str]:
    environment = {key: value for key, value in os.environ.items() if key not in _MISLEADING}
    environment |= {"GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
    environment.setdefault("GIT_SSH_COMMAND", "ssh -oBatchMode=yes -oConnectTimeout=15")
    # Without these, a helper could open a window and ask for a password.
    environment |= {"GIT_ASKPASS": "true", "SSH_ASKPASS": "true", "SSH_ASKPASS_REQUIRE": "never"}
    return environment
