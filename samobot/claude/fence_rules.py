"""What the agent reaches inside the fence: its worktree, its session, tools and caches; not keys, gates or other work."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from samobot import assets
from samobot.claude.fence import EMPTIED, Access, Rule
from samobot.errors import UsageError

# Below the home. Toolchains are read-only: what an agent plants there would run outside later.
_TOOLS = (
    ".asdf", ".bun", ".cargo/bin", ".cargo/config.toml", ".cargo/env", ".config/git", ".deno", ".dotnet",
    ".editorconfig", ".ghcup", ".gitconfig", ".gitignore", ".local/bin", ".local/lib", ".local/share/claude",
    ".local/share/fnm", ".local/share/mise", ".local/share/pipx", ".local/share/uv", ".nix-profile",
    ".npm-global", ".nvm", ".opam", ".pyenv", ".rbenv", ".rustup", ".sdkman", ".volta",
)  # fmt: skip

# Below the home. Each project has caches of its own, for the same reason.
_CACHES = (
    ".bundle", ".cache", ".cargo/git", ".cargo/registry", ".gradle", ".ivy2", ".local/share/pnpm", ".m2", ".npm",
    ".nuget", ".sbt", "go",
)  # fmt: skip

# Below the CLI's configuration folder: what it records of itself. The rest is settings, read-only.
_CLI_RECORDS = frozenset(
    {
        ".claude.json", ".credentials.json", "backups", "cache", "debug", "file-history", "history.jsonl", "ide",
        "paste-cache", "plans", "projects", "session-env", "shell-snapshots", "statsig", "tasks", "telemetry", "todos",
    }
)  # fmt: skip

# In a repository's common folder: what a commit in a linked worktree writes, and what it only reads. Configuration and
# hooks would run programs outside the fence.
_GIT_WRITTEN = ("lfs", "logs", "objects", "refs", "reftable")
_GIT_READ = ("HEAD", "config", "hooks", "info", "modules", "shallow")
_ADMIN_READ = ("commondir", "config.worktree", "gitdir")

_SESSION_READ = ("_decisions.jsonl", "_guidance.md", "_logs")


@dataclass(frozen=True, slots=True)
class Reach:
    """The places that an iteration's rules are made from; all absolute.

    Attributes:
        home: The user's home.
        main_repo: The project's repository, or its folder where there is none.
        work_dir: Where the agent works: a linked worktree, a folder in one, or `main_repo`.
        worktrees: The project's folder of worktrees.
        session: The session's folder.
        scratch: A private, empty folder for the home inside.
        caches: Folder of the project's caches, kept from iteration to iteration.
        secrets: Files and folders of samobot itself: state, configuration, `.env`.
        others: Session folders of other projects.
        program: Path of the CLI.
        allowed: What the user lets the agent reach besides, from `SAMOBOT_FENCE_ALLOW`.
    """

    home: Path
    main_repo: Path
    work_dir: Path
    worktrees: Path
    session: Path
    scratch: Path
    caches: Path
    secrets: tuple[Path, ...]
    others: tuple[Path, ...]
    program: str
    allowed: tuple[Path, ...] = ()

    @property
    def inner_home(self) -> Path:
        """What becomes the home inside."""
        return self.scratch / "home"

    @property
    def empty_file(self) -> Path:
        """What stands for a file that git shall find empty and not replace."""
        return self.scratch / "empty"


def fence_rules(reach: Reach, environ: Mapping[str, str]) -> tuple[Rule, ...]:
    """List what an iteration reaches. Makes the folders of caches and of the CLI's records that are missing.

    Args:
        reach: The places.
        environ: The environment of the CLI.

    Raises:
        UsageError: The working directory is not the project's.
        OSError: A folder cannot be made.
    """
    return (
        *_home(reach, environ),
        *_programs(reach, environ),
        *_claude(reach, environ),
        *_repository(reach),
        Rule(reach.session, Access.WRITE),
        *(Rule(reach.session / name, Access.READ) for name in _SESSION_READ),
        *(Rule(path, Access.WRITE) for path in reach.allowed),
        *(Rule(path, Access.HIDDEN) for path in (*reach.secrets, *reach.others)),
        *_name_servers(),
    )


def _home(reach: Reach, environ: Mapping[str, str]) -> Iterator[Rule]:
    reach.inner_home.mkdir(exist_ok=True)
    yield Rule(reach.home, Access.WRITE, reach.inner_home)
    for name in _TOOLS:
        yield Rule(reach.home / name, Access.READ)
    for name in _CACHES:
        cache = reach.caches / name
        cache.mkdir(parents=True, exist_ok=True)
        yield Rule(reach.home / name, Access.WRITE, cache)


def _programs(reach: Reach, environ: Mapping[str, str]) -> Iterator[Rule]:
    """Folders of programs that lie where the fence would hide them: on PATH, the CLI's own, Python's and ours."""
    found = [Path(part) for part in environ.get("PATH", "").split(os.pathsep) if part.startswith(os.sep)]
    for path in map(Path, (reach.program, sys.executable)):
        found += [path.parent, Path(os.path.realpath(path)).parent]
    found += [Path(sys.prefix), Path(sys.base_prefix), assets.plugin_dir(), Path(assets.__file__).parent]
    own = (reach.work_dir, reach.session)
    hidden = tuple(Path(os.path.realpath(path)) for path in (reach.home, *EMPTIED))
    for path in dict.fromkeys(map(Path.resolve, found)):
        is_below = any(path != top and path.is_relative_to(top) for top in hidden)
        is_above = any(each.is_relative_to(path) for each in (reach.home.resolve(), *own))
        if is_below and not is_above and path.is_dir() and not any(path.is_relative_to(each) for each in own):
            yield Rule(path, Access.READ)


def _claude(reach: Reach, environ: Mapping[str, str]) -> Iterator[Rule]:
    """The CLI's settings read-only, its login, and its record of this project's conversations."""
    named = environ.get("CLAUDE_CONFIG_DIR")
    folder = Path(named) if named else reach.home / ".claude"
    inside = reach.inner_home / ".claude"
    inside.mkdir(exist_ok=True)
    yield Rule(folder, Access.WRITE, inside)
    for entry in sorted(folder.iterdir()) if folder.is_dir() else ():
        if entry.name not in _CLI_RECORDS:
            yield Rule(entry, Access.READ)
    # A login that the CLI renews has to be kept. The file with MCP servers is a copy: what an agent adds is gone.
    yield Rule(folder / ".credentials.json", Access.WRITE)
    state = (folder if named else reach.home) / ".claude.json"
    if state.is_file():
        (inside if named else reach.inner_home).joinpath(".claude.json").write_bytes(state.read_bytes())
    slug = "".join(sign if sign.isascii() and sign.isalnum() else "-" for sign in str(reach.work_dir))
    conversations = folder / "projects" / slug
    conversations.mkdir(parents=True, exist_ok=True)
    yield Rule(conversations, Access.WRITE)


def _repository(reach: Reach) -> Iterator[Rule]:
    """The working directory, and of git's folder what a commit there needs."""
    repository = _top(reach.main_repo) or reach.main_repo.resolve()
    top = _top(reach.work_dir)
    if repository not in (top, reach.work_dir.resolve()):
        yield Rule(repository, Access.READ)
    common = _common_folder(reach.main_repo)
    if common is None or top is None:
        _require_inside(reach.work_dir, (reach.main_repo, reach.worktrees))
        yield Rule(reach.work_dir, Access.WRITE)
        return
    yield Rule(top, Access.WRITE)
    if top == common.parent:
        # Git replaces files by renaming, which a read-only file in a place of its own withstands.
        yield Rule(common, Access.WRITE)
        for name in ("config", "hooks", "info"):
            yield Rule(common / name, Access.READ)
        return
    admin = _admin_folder(common, top)
    if admin is None:
        raise UsageError(
            f"{top} is not a worktree of {reach.main_repo}: inside the fence an agent works only in its project. "
            "Correct “Working Dir:” in the session's overview, or set SAMOBOT_FENCE=off."
        )
    yield Rule(top / ".git", Access.READ)
    # An empty folder of their own keeps git's lock files from failing; what is to last is let in one by one.
    yield Rule(common, Access.EMPTY)
    for name in _GIT_WRITTEN:
        yield Rule(common / name, Access.WRITE)
    for name in _GIT_READ:
        yield Rule(common / name, Access.READ)
    packed = common / "packed-refs"
    reach.empty_file.touch()
    yield Rule(packed, Access.READ, packed if packed.exists() else reach.empty_file)
    yield Rule(admin, Access.WRITE)
    for name in _ADMIN_READ:
        yield Rule(admin / name, Access.READ)


def _top(work_dir: Path) -> Path | None:
    """The top of the working tree that a folder is in."""
    resolved = work_dir.resolve()
    return next((path for path in (resolved, *resolved.parents) if os.path.lexists(path / ".git")), None)


def _common_folder(main_repo: Path) -> Path | None:
    """The `.git` folder of the repository that the project names; from there, as an agent may write the worktree's."""
    top = _top(main_repo)
    if top is None:
        return None
    if (top / ".git").is_dir():
        return top / ".git"
    admin = _named(top / ".git", "gitdir: ", top)
    common = None if admin is None else _named(admin / "commondir", "", admin)
    return common or admin


def _admin_folder(common: Path, top: Path) -> Path | None:
    """The folder of a linked worktree in the common one: the one that leads back to it."""
    folder = common / "worktrees"
    for entry in sorted(folder.iterdir()) if folder.is_dir() else ():
        if not entry.is_symlink() and _named(entry / "gitdir", "", entry) == top / ".git":
            return entry
    return None


def _named(file: Path, key: str, relative_to: Path) -> Path | None:
    """The path that a small file of git's holds."""
    try:
        line = file.read_text("utf-8", "surrogateescape").strip()
    except OSError:
        return None
    found = Path(relative_to, line.removeprefix(key))
    return found.parent.resolve() / found.name if found.name == ".git" else found.resolve()


def _require_inside(path: Path, folders: Iterable[Path]) -> None:
    resolved = path.resolve()
    if not any(resolved.is_relative_to(folder.resolve()) for folder in folders):
        raise UsageError(
            f"{path} is outside the project: inside the fence an agent works only in its project. "
            "Correct “Working Dir:” in the session's overview, or set SAMOBOT_FENCE=off."
        )


def _name_servers() -> Iterator[Rule]:
    """The file of name servers where it is kept among sockets, as systemd-resolved does."""
    real = Path(os.path.realpath("/etc/resolv.conf"))
    if real.is_relative_to(Path(os.path.realpath("/run"))):
        yield Rule(real, Access.READ)
