"""The places that the fence of an iteration is made from."""

from __future__ import annotations

from pathlib import Path

from samobot.frozen import frozen
from samobot.session.provider import Provider


@frozen
class FencePlaces:
    """The places that an iteration's rules are made from; all absolute.

    Attributes:
        home: The user's home.
        main_repo: The project's folder.
        repository: Top of the repository that this is in, and git's folder of it; None if there is none.
        work_dir: Where the agent works: a linked worktree, a folder in one, or `main_repo`.
        worktrees: The project's folder of worktrees.
        session: The session's folder.
        scratch: A private, empty folder for the home inside.
        caches: Folder of the project's caches, kept from iteration to iteration.
        secrets: Files and folders of samobot itself: state, configuration, `.env`.
        others: Session folders of other projects.
        program: Path of the CLI.
        packages: Folders of samobot itself that the CLI's plugin and hooks are in.
        allowed: What the user lets the agent reach besides, from `SAMOBOT_FENCE_ALLOW`.
        provider: Which program the CLI is: each gets its own login and settings only.
    """

    home: Path
    main_repo: Path
    repository: tuple[Path, Path] | None
    work_dir: Path
    worktrees: Path
    session: Path
    scratch: Path
    caches: Path
    secrets: tuple[Path, ...]
    others: tuple[Path, ...]
    program: str
    packages: tuple[Path, ...] = ()
    allowed: tuple[Path, ...] = ()
    provider: Provider = Provider.CLAUDE

    @property
    def inner_home(self) -> Path:
        """What becomes the home inside."""
        return self.scratch / "home"

    @property
    def empty_file(self) -> Path:
        """What stands for a file that must be empty and must not be replaced."""
        return self.scratch / "empty"
