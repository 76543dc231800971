"""The findings of `samobot doctor`, each with its remedy, from facts that `checks` gathers. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from pathlib import Path

from samobot.claude.user_settings import SettingsProblem
from samobot.frozen import frozen
from samobot.system.service import Service, ServiceHints, ServiceState
from samobot.text import human_duration, human_size

OLDEST_PYTHON = (3, 11)
LITTLE_SPACE = 2_000_000_000
"""Bytes; below it a build or a few worktrees may fill the disk."""

NO_SPACE = 200_000_000
SKEW_WARNING = 30.0
"""Seconds by which the clock may differ: wake times after a usage limit and the age of commands depend on it."""

SKEW_ERROR = 300.0


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"

    @property
    def mark(self) -> str:
        """The sign that people see."""
        return {Level.OK: "✅", Level.WARNING: "⚠️", Level.ERROR: "❌"}[self]


@frozen
class Finding:
    """One line of the doctor's.

    Attributes:
        check: What was looked at; the same name every time.
        level: How bad it is.
        text: What is so.
        remedy: What to do; empty if nothing.
    """

    check: str
    level: Level
    text: str
    remedy: str = ""


def exit_code(findings: Iterable[Finding]) -> int:
    """0 if samobot can work, 1 if something has to be fixed first."""
    return int(any(finding.level is Level.ERROR for finding in findings))


def python(version: tuple[int, int, int]) -> Finding:
    """The Python that runs us."""
    shown = ".".join(map(str, version))
    if version[:2] < OLDEST_PYTHON:
        wanted = ".".join(map(str, OLDEST_PYTHON))
        return Finding(
            "Python", Level.ERROR, f"{shown} is too old", f"Install samobot with Python {wanted} or newer."
        )
    return Finding("Python", Level.OK, shown)


def subreaper(works: bool) -> Finding:
    """Whether what an agent leaves behind comes back to the worker."""
    if works:
        return Finding("Clean-up", Level.OK, "workers inherit and end whatever an agent leaves behind")
    return Finding(
        "Clean-up",
        Level.WARNING,
        "this system has no child subreapers, so leftovers are found by their environment or process session only",
        "Use Linux for unattended runs.",
    )


def portable(weaknesses: Sequence[str]) -> list[Finding]:
    """What is weaker on a system without what Linux has; nothing on Linux."""
    if not weaknesses:
        return []
    first = "not Linux, or SAMOBOT_PORTABLE is set: what follows is weaker here"
    remedy = "Use Linux for unattended runs; see docs/reference/platforms.md."
    return [
        Finding("System", Level.WARNING, first, remedy),
        *(Finding("System", Level.WARNING, each) for each in weaknesses),
    ]


def claude_settings(problems: Sequence[SettingsProblem], *, wrapper: bool) -> list[Finding]:
    """What in the user's own Claude Code settings an unattended run suffers from.

    Args:
        problems: What was found.
        wrapper: Whether the CLI is behind a script of the user's own, which may use other settings: then it runs.
    """
    check = "Claude's settings"
    if not problems:
        return [Finding(check, Level.OK, "nothing in them stops an iteration")]
    return [
        Finding(
            check,
            Level.ERROR if problem.fatal and not wrapper else Level.WARNING,
            problem.text,
            problem.remedy,
        )
        for problem in problems
    ]


def git(version: str | None, identity: bool) -> Finding:
    """Whether commits can be made.

    Args:
        version: The output of `git --version`; None without git.
        identity: Whether a name and an address for commits are configured.
    """
    if version is None:
        return Finding("git", Level.ERROR, "not found", "Install git: worktrees and commits need it.")
    if not identity:
        return Finding(
            "git",
            Level.WARNING,
            f"{version}, but it does not know whose commits these are",
            'Run: git config --global user.name "…" and git config --global user.email …',
        )
    return Finding("git", Level.OK, version)


def clock(skew: float | None) -> Finding:
    """How far our clock is from Telegram's, in seconds; positive is ahead."""
    if skew is None:
        return Finding(
            "Clock", Level.WARNING, "could not be compared with Telegram's", "See the line about the token."
        )
    off = f"{human_duration(abs(skew))} {'ahead' if skew > 0 else 'behind'}"
    remedy = "Set it by network time: timedatectl set-ntp true"
    if abs(skew) >= SKEW_ERROR:
        return Finding("Clock", Level.ERROR, f"{off} of Telegram's", remedy)
    if abs(skew) >= SKEW_WARNING:
        return Finding("Clock", Level.WARNING, f"{off} of Telegram's", remedy)
    return Finding("Clock", Level.OK, "agrees with Telegram's")


def disk(free: int, path: Path) -> Finding:
    """The space that is left where something is written."""
    text = f"{human_size(free)} free at {path}"
    remedy = "Free some space: samobot archive, old worktrees (git worktree remove), caches."
    if free < NO_SPACE:
        return Finding("Disk", Level.ERROR, text, remedy)
    if free < LITTLE_SPACE:
        return Finding("Disk", Level.WARNING, text, remedy)
    return Finding("Disk", Level.OK, text)


def modes(open_to_others: Iterable[tuple[Path, int]], private: int) -> Finding:
    """Whether secrets are their owner's alone.

    Args:
        open_to_others: Files and folders that others may read or write, with their permission bits.
        private: How many are as they should be.
    """
    bad = sorted(open_to_others)
    if not bad:
        return Finding("Private files", Level.OK, f"{private} files and folders are yours alone")
    shown = ", ".join(f"{path} ({mode:04o})" for path, mode in bad[:3])
    more = f" and {len(bad) - 3} more" if len(bad) > 3 else ""
    words = " ".join(_shell(path) for path, _ in bad[:3])
    return Finding(
        "Private files", Level.ERROR, f"others may read {shown}{more}", f"Run: chmod -R go-rwx {words}"
    )


def people(allowed: frozenset[int], paired: int) -> Finding:
    """Who may use the bot.

    Args:
        allowed: Numeric ids from the configuration.
        paired: How many came in by a code.
    """
    if not allowed and not paired:
        return Finding(
            "People",
            Level.ERROR,
            "nobody may use the bot",
            "Run samobot init, or set TELEGRAM_CHAT_ID to your id.",
        )
    parts = [f"{len(allowed)} by configuration"] + ([f"{paired} by a code"] if paired else [])
    return Finding("People", Level.OK, f"allowed: {', '.join(parts)}")


def service(
    state: ServiceState,
    lingers: bool | None,
    current: bool,
    hints: ServiceHints,
    which: Service = Service.BOT,
) -> Finding:
    """How a service of this machine stands.

    Args:
        state: As the service manager reports it.
        lingers: Whether it keeps running after the last logout; None if unknown.
        current: Whether the installed file is what `install-service` would write now.
        hints: What a user runs by hand.
        which: The service.
    """
    name = which.name.lower()
    check = "Service" if which is Service.BOT else f"{name.capitalize()}'s service"
    install = which.install_command
    logs = f"Look: {hints.logs}"
    match state:
        case ServiceState.NO_MANAGER:
            start = " ".join(which.command()[3:])
            return Finding(check, Level.OK, f"no {hints.manager} here; start the {name} with {start}")
        case ServiceState.ABSENT:
            return Finding(check, Level.OK, f"not installed ({install} starts the {name} automatically)")
        case ServiceState.FAILED:
            return Finding(check, Level.ERROR, f"the {name} has failed and is down", logs)
        case ServiceState.STARTING:
            return Finding(check, Level.WARNING, f"the {name} is starting, perhaps again and again", logs)
        case ServiceState.STOPPED:
            return Finding(check, Level.WARNING, "installed, but stopped", f"Run: {hints.start}")
        case ServiceState.RUNNING if not current:
            return Finding(check, Level.WARNING, "running from an older definition", f"Run: {install}")
        case ServiceState.RUNNING if lingers is False:
            return Finding(check, Level.WARNING, "running, but it ends when you log out", hints.outlive)
        case ServiceState.RUNNING:
            return Finding(check, Level.OK, "running")


def locks(lost: Iterable[str], git_locks: Iterable[Path], seen: int) -> Finding:
    """What a crash left behind.

    Args:
        lost: Sessions whose worker ended without saying so.
        git_locks: git's locks that are too old to be in use.
        seen: How many sessions were looked at.
    """
    names, old = list(lost), list(git_locks)
    if old:
        return Finding(
            "Left over",
            Level.WARNING,
            f"git's lock {old[0]} is old, and no commit works while it is there",
            f"See that no git command runs there, then: rm {_shell(old[0])}",
        )
    if names:
        return Finding(
            "Left over",
            Level.WARNING,
            f"{', '.join(names[:5])}: its worker crashed without an error message",
            f"Continue with: samobot resume {names[0]}",
        )
    return Finding("Left over", Level.OK, f"no stale locks ({seen} sessions)")


def _shell(path: Path) -> str:
    import shlex

    return shlex.quote(str(path))
