"""Running git: the only place that does. It never asks, never waits forever, and runs no program of the repository.

A repository is written by an agent, or by a stranger. So git gets its programs from the user's own configuration
alone (see `git_config`), an environment without secrets, and its output in one plain form.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from samobot.errors import UsageError
from samobot.frozen import frozen
from samobot.session.git_config import (
    LISTING_LIMIT,
    Entry,
    diversion,
    diverting_keys,
    parse_listing,
)
from samobot.session.git_environment import configuration_overrides, git_environment
from samobot.session.git_seal import common_folder, sealed
from samobot.text import one_line

_LISTING = ("config", "--list", "--show-scope", "--includes", "-z")
_LISTING_S = 20.0
_MAX_OUTPUT = 64 * 1024 * 1024
_BLOCK = 64 * 1024
_END_S = 10.0  # after its output has ended

# Flags by which a command starts no program and prints the plain form. Changes inside a submodule are left out:
# to see them, git would run in there, under that submodule's configuration.
_FLAGS = {
    "diff": (
        *("--no-ext-diff", "--no-textconv", "--no-color", "--no-relative"),
        *("--ignore-submodules=dirty", "--submodule=short"),
    ),
    "status": ("--ignore-submodules=dirty",),
    "ls-remote": ("--upload-pack=git-upload-pack",),
    "fetch": ("--upload-pack=git-upload-pack", "--recurse-submodules=no"),
    "push": (
        *("--receive-pack=git-receive-pack", "--recurse-submodules=no", "--no-verify", "--no-signed"),
        *("--no-follow-tags", "--no-force-with-lease", "--porcelain"),
    ),
    "merge": ("--no-verify", "--no-verify-signatures", "--no-autostash", "--no-stat", "--quiet"),
}

# Commands that take revisions and files: of a file named HEAD, or like a commit, they would ask which is meant.
_TAKES_FILES = frozenset(["diff", "log", "rev-list"])

# Commands that can start a program which a configuration names. The others are `worktree`, which writes the folder's
# place into the worktree, and those that only look names up.
_SEALED = frozenset(
    [
        "commit-tree",
        "diff",
        "fetch",
        "grep",
        "log",
        "ls-files",
        "ls-remote",
        "merge",
        "merge-tree",
        "push",
        "read-tree",
        "status",
        "update-index",
    ]
)

# Commands that contact a remote, with the user's credentials. Others do so for objects that a partial clone lacks.
_REMOTE = frozenset(["fetch", "ls-remote", "push"])

# Runs such a command, which may wait for a network forever, and ends it with all its children (ssh, `git-remote-https`)
# once its stdin does: that ends with the process that started it, also if that is killed. A `preexec_fn` that asks the
# kernel for a signal may deadlock in a program with threads, and git's children would not get it.
_FOLLOWING = """
exec 3<&0 </dev/null
(trap "" TERM; read -r _ <&3; kill 0; sleep 1; kill -9 0) >/dev/null 2>&1 &
"$@" 3<&-
code=$?
kill -9 $!
exit $code
"""


class GitError(Exception):
    """git ended with an error or did not end in time.

    Args:
        message: git's error message, in one line.
        output: What it printed before, which for some commands is the result.
    """

    def __init__(self, message: str, output: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.output = output


@dataclass(slots=True)
class _Kept:
    """The configuration, and the environment of each folder, as they were when they were looked at."""

    entries: list[Entry] | None = None
    environments: dict[Path, dict[str, str]] = field(default_factory=dict)


@frozen
class Git:
    """git in one folder.

    Attributes:
        folder: The working directory.
        index: A file that is used in place of the repository's index.
        skips_lfs: Whether files in Git LFS are left as pointers.
        kept: What is kept for further calls; None if each call looks at everything again.
    """

    folder: Path
    index: Path | None = None
    skips_lfs: bool = False
    kept: _Kept | None = field(default=None, compare=False, repr=False)

    def for_several(self) -> Git:
        """Return the same for several calls right after one another, of which only the first looks at the configuration.

        What is sealed takes it as it was looked at anyway. Not for calls that change the configuration.
        """
        return replace(self, kept=_Kept())

    def run(self, *arguments: str, timeout: float = 60.0) -> str:
        """Run git and return its output, with surrogate escapes for what is not UTF-8.

        Args:
            *arguments: The subcommand and its arguments.
            timeout: Seconds after which it is ended with all its children.

        Raises:
            GitError: It ended with an error, not in time, or with more output than fits in memory.
            UsageError: git is not installed.
        """
        output = self.read(*arguments, timeout=timeout, limit=_MAX_OUTPUT)
        if len(output) >= _MAX_OUTPUT:
            raise GitError(f"git {arguments[0]} printed more than {_MAX_OUTPUT} bytes.")
        return output.decode("utf-8", "surrogateescape")

    def read(self, *arguments: str, limit: int, timeout: float = 60.0) -> bytes:
        """Run git and return the first bytes of its output, as `run` otherwise.

        Args:
            *arguments: The subcommand and its arguments.
            limit: Bytes after which git is ended, which is no error.
            timeout: Seconds after which it is ended with all its children.
        """
        looked = self if self.kept is not None else self.for_several()
        environment, entries = dict(looked._environment()), looked.configuration()
        diverting = diverting_keys(entries)
        if diverting and arguments[0] in _REMOTE:
            raise GitError(diversion(diverting[0]))
        environment |= configuration_overrides(environment, entries)
        if diverting:
            environment["GIT_NO_LAZY_FETCH"] = "1"
        if self.index is not None:
            environment["GIT_INDEX_FILE"] = str(self.index)
        if self.skips_lfs:
            environment["GIT_LFS_SKIP_SMUDGE"] = "1"
        if arguments[0] not in _SEALED:
            return self._read(arguments, environment, limit, timeout)
        try:
            with sealed(self.folder, entries) as seal:
                try:
                    return self._read(arguments, environment | seal, limit, timeout)
                except GitError as failure:
                    place, real = seal.get("GIT_COMMON_DIR", ""), common_folder(self.folder)
                    if not place or place not in failure.message:
                        raise
                    raise GitError(failure.message.replace(place, str(real)), failure.output) from failure
        except OSError as error:
            raise GitError(f"git could not be prepared: {error.strerror}.") from error

    def attempt(self, *arguments: str, timeout: float = 60.0) -> str | None:
        """Run git and return its output, None if it ended with an error."""
        try:
            return self.run(*arguments, timeout=timeout)
        except GitError:
            return None

    def ok(self, *arguments: str) -> bool:
        """Run git and return whether it succeeded."""
        return self.attempt(*arguments) is not None

    def configuration(self) -> list[Entry]:
        """Return the configuration that git has in this folder, with what the repository's own files add.

        Raises:
            GitError: It cannot be read, or is larger than any real one.
            UsageError: git is not installed.
        """
        if self.kept is not None and self.kept.entries is not None:
            return self.kept.entries
        listing = self._read(_LISTING, self._environment(), LISTING_LIMIT, _LISTING_S)
        try:
            entries = parse_listing(listing.decode("utf-8", "surrogateescape"))
        except ValueError:
            raise GitError(
                f"The git configuration of {self.folder} is larger than {LISTING_LIMIT} bytes."
            ) from None
        if self.kept is not None:
            self.kept.entries = entries
        return entries

    def _environment(self) -> dict[str, str]:
        if self.kept is None:
            return git_environment(os.environ, self.folder)
        if self.folder not in self.kept.environments:
            self.kept.environments[self.folder] = git_environment(os.environ, self.folder)
        return self.kept.environments[self.folder]

    def _read(
        self, arguments: tuple[str, ...], environment: dict[str, str], limit: int, timeout: float
    ) -> bytes:
        process = self._start(arguments, environment)
        try:
            output, error = _read_pipes(process, limit, time.monotonic() + timeout)
            if len(output) < limit and process.wait(_END_S) != 0:
                message = one_line(error.decode("utf-8", "replace"), 400)
                printed = output[:_BLOCK].decode("utf-8", "surrogateescape")
                raise GitError(
                    message or f"git {arguments[0]} ended with code {process.returncode}.", printed
                )
            return output
        except (TimeoutError, subprocess.TimeoutExpired):
            raise GitError(f"git {arguments[0]} did not end within {timeout:.0f} s.") from None
        finally:
            if process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            for pipe in (process.stdin, process.stdout, process.stderr):
                if pipe is not None:
                    pipe.close()

    def _start(self, arguments: tuple[str, ...], environment: dict[str, str]) -> subprocess.Popen[bytes]:
        command = ["git", "--no-pager", arguments[0], *_FLAGS.get(arguments[0], ()), *arguments[1:]]
        if arguments[0] in _TAKES_FILES and "--" not in arguments:
            command.append("--")
        follows = arguments[0] in _REMOTE
        if follows:
            command = ["/bin/sh", "-c", _FOLLOWING, "sh", *command]
        try:
            return subprocess.Popen(
                command,
                cwd=self.folder,
                env=environment,
                stdin=subprocess.PIPE if follows else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except FileNotFoundError as error:
            if not self.folder.is_dir():
                raise GitError(f"The folder {self.folder} does not exist.") from error
            raise UsageError("git is not installed or not on the PATH; install it and try again.") from error
        except OSError as error:
            raise GitError(f"git could not be started in {self.folder}: {error.strerror}.") from error


def _read_pipes(process: subprocess.Popen[bytes], limit: int, deadline: float) -> tuple[bytes, bytes]:
    """Read both outputs to their ends, the first up to a limit; of the errors only the first are kept.

    Raises:
        TimeoutError: They did not end in time.
    """
    assert process.stdout is not None
    assert process.stderr is not None
    output, error = bytearray(), bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ, output)
        selector.register(process.stderr, selectors.EVENT_READ, error)
        while selector.get_map():
            ready = selector.select(max(0.0, deadline - time.monotonic()))
            if not ready:
                raise TimeoutError
            for key, _ in ready:
                block = os.read(key.fd, _BLOCK)
                if not block:
                    selector.unregister(key.fileobj)
                elif key.data is output:
                    output += block[: limit - len(output)]
                    if len(output) == limit:
                        return bytes(output), bytes(error)
                elif len(error) < _BLOCK:
                    error += block
    return bytes(output), bytes(error)
