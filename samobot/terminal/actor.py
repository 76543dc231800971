"""Who decides in a terminal: its user, and never an agent."""

from __future__ import annotations

import getpass
import os
from pathlib import Path
from typing import TYPE_CHECKING

from samobot.config.address import LocatedSession, known_projects, locate
from samobot.config.environment import configured_projects, find_whereabouts
from samobot.config.project import ReadFunction
from samobot.config.project_guard import ProjectGuard
from samobot.errors import SamobotError
from samobot.session.folder import SessionFolder
from samobot.session.lock import holder, lock_files
from samobot.system.clock import utc_now

if TYPE_CHECKING:
    from samobot.session.gate import Person

VIA = "terminal"

_FROM_INSIDE = "This was called from inside an iteration."


def find(name: str, config: Path | None) -> LocatedSession:
    """Find the session that a command names, in the project here or a configured one."""
    projects, _ = known_projects(config, Path.cwd(), configured_projects(), project_reader())
    return locate(name, projects)


def project_reader() -> ReadFunction:
    """Return what reads `.samocode` files as they were before the iterations that run now."""
    return ProjectGuard(find_whereabouts().state_dir, utc_now).read


def person_at(folder: SessionFolder) -> Person:
    """The user who decides about a session here.

    Raises:
        SamobotError: It is the session's own agent: an agent cannot pass its own gate.
    """
    # Here, for `samobot status` needs none of it and is to be quick.
    from samobot.session.gate import Person

    refuse_an_agent(folder, "An agent may not answer or approve; signal “waiting” and end the iteration.")
    return Person(user_name(), VIA)


def refuse_an_agent(folder: SessionFolder, instead: str) -> None:
    """Refuse a command that an agent's iteration runs in the user's name.

    Args:
        folder: The session that it is about.
        instead: Whose that is, and what an agent does instead, as sentences.

    Raises:
        SamobotError: This process belongs to an iteration.
    """
    refuse_an_iteration(instead)
    if _below_the_worker(folder):
        raise SamobotError(f"{_FROM_INSIDE} {instead}")


def refuse_an_iteration(instead: str) -> None:
    """Refuse a command that is about no one session, if an agent's iteration runs it.

    Args:
        instead: Why, as a sentence.

    Raises:
        SamobotError: This process is marked as one of an iteration's.
    """
    # Here, for `samobot status` needs none of it and is to be quick.
    from samobot.claude.invocation import ITERATION_VARIABLE
    from samobot.claude.reaper import SESSION_VARIABLE

    # Inside the fence the worker is not among the ancestors: it is in another namespace of processes.
    if any(os.environ.get(name) for name in (ITERATION_VARIABLE, SESSION_VARIABLE)):
        raise SamobotError(f"{_FROM_INSIDE} {instead}")


def user_name() -> str:
    """The name of this terminal's user in the records."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"


def _below_the_worker(folder: SessionFolder) -> bool:
    """Whether a worker of this session is among our ancestors, as it is for all that its agent starts."""
    if holder(folder) is None:
        return False
    # Here, for `samobot status` needs none of it and is to be quick.
    from samobot.system.platform.current import platform
    from samobot.system.processes import own_line

    ancestors = own_line() - {os.getpid()}
    return any(platform().lock_owner(path, ancestors) in ancestors for path in lock_files(folder))
