"""What the agent reaches inside the fence: its worktree, its session, tools and caches; not keys, gates or other work."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from samobot.claude.codex_program import codex_home
from samobot.claude.fence import EMPTIED, FenceRule, Reachable
from samobot.claude.user_settings import config_folder
from samobot.errors import UsageError
from samobot.session.provider import Provider

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

# Below Codex's folder: the user's settings. What it records is private to an iteration, and gone afterwards.
_CODEX_SETTINGS = ("AGENTS*.md", "*.toml", "hooks.json", "prompts", "rules", "skills")

# In a repository's common folder: what a commit in a linked worktree writes, and what it only reads. Configuration and
# hooks would run programs outside the fence.
_GIT_WRITTEN = ("lfs", "logs", "objects", "refs", "reftable")
_GIT_READ = ("HEAD", "config", "hooks", "info", "modules", "shallow")
_OWN_CONFIG = "config.worktree"
"""Counts if the repository has `extensions.worktreeConfig`, and names programs as well as `config` does."""

_ADMIN_READ = ("commondir", _OWN_CONFIG, "gitdir", "samobot-prepared", "samobot-setup-done")

_LISTENS = 0x10000
"""Flag of a socket that accepts connections, in `/proc/net/unix`."""
_UNIX_SOCKETS = Path("/proc/net/unix")

_SESSION_READ = ("_decisions.jsonl", "_guidance.md", "_logs")


@dataclass(frozen=True, slots=True)
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
        """What stands for a file that git shall find empty and not replace."""
        return self.scratch / "empty"


def fence_rules(places: FencePlaces, environ: Mapping[str, str]) -> tuple[FenceRule, ...]:
    """List what an iteration reaches. Makes the folders of caches and of the CLI's records that are missing.

    Args:
        places: The places.
        environ: The environment of the CLI.

    Raises:
        UsageError: The working directory is not the project's.
        OSError: A folder cannot be made.
    """
    return (
        *_home(places),
        *_programs(places, environ),
        *(_codex if places.provider is Provider.CODEX else _claude)(places, environ),
        *_repository(places),
        FenceRule(places.session, Reachable.WRITE),
        *(FenceRule(places.session / name, Reachable.READ) for name in _SESSION_READ),
        *(FenceRule(path, Reachable.WRITE) for path in places.allowed),
        *(FenceRule(path, Reachable.HIDDEN) for path in (*places.secrets, *places.others)),
        *_name_servers(),
        *(FenceRule(path, Reachable.HIDDEN) for path in _sockets_of_others(places)),
    )


def _sockets_of_others(places: FencePlaces) -> Iterator[Path]:
    own = tuple(map(Path.resolve, (places.work_dir, places.session, *places.allowed)))
    for path in listening_sockets(_UNIX_SOCKETS):
        if not any(path.is_relative_to(each) for each in own):
            yield path


def listening_sockets(table: Path) -> Iterator[Path]:
    """Sockets of other programs outside the emptied folders: also on a read-only disk, whoever may write to one connects.

    Args:
        table: The kernel's list of them (proc(5), `/proc/net/unix`).
    """
    try:
        lines = table.read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return
    hidden = tuple(Path(os.path.realpath(path)) for path in EMPTIED)
    for line in lines[1:]:
        fields = line.split(maxsplit=7)
        if len(fields) == 8 and fields[7].startswith("/") and int(fields[3], 16) & _LISTENS:
            path = Path(os.path.realpath(fields[7]))
            if not any(path.is_relative_to(each) for each in hidden):
                yield path


def _home(places: FencePlaces) -> Iterator[FenceRule]:
    places.inner_home.mkdir(exist_ok=True)
    yield FenceRule(places.home, Reachable.WRITE, places.inner_home)
    for name in _TOOLS:
        yield FenceRule(places.home / name, Reachable.READ)
    for name in _CACHES:
        cache = places.caches / name
        cache.mkdir(parents=True, exist_ok=True)
        yield FenceRule(places.home / name, Reachable.WRITE, cache)


def _programs(places: FencePlaces, environ: Mapping[str, str]) -> Iterator[FenceRule]:
    """Folders of programs that lie where the fence would hide them: on PATH, the CLI's own, Python's and ours."""
    found = [Path(part) for part in environ.get("PATH", "").split(os.pathsep) if part.startswith(os.sep)]
    for path in map(Path, (places.program, sys.executable)):
        found += [path.parent, Path(os.path.realpath(path)).parent]
    found += [Path(sys.prefix), Path(sys.base_prefix), *places.packages]
    own = (places.work_dir, places.session)
    hidden = tuple(Path(os.path.realpath(path)) for path in (places.home, *EMPTIED))
    for path in dict.fromkeys(map(Path.resolve, found)):
        is_below = any(path != top and path.is_relative_to(top) for top in hidden)
        is_above = any(each.is_relative_to(path) for each in (places.home.resolve(), *own))
        if is_below and not is_above and path.is_dir() and not any(path.is_relative_to(each) for each in own):
            yield FenceRule(path, Reachable.READ)


def _claude(places: FencePlaces, environ: Mapping[str, str]) -> Iterator[FenceRule]:
    """The CLI's settings read-only, its login, and its record of this project's conversations."""
    folder = config_folder(environ)
    is_named = bool(environ.get("CLAUDE_CONFIG_DIR"))  # then it holds `.claude.json` as well
    inside = places.inner_home / ".claude"
    inside.mkdir(exist_ok=True)
    yield FenceRule(folder, Reachable.WRITE, inside)
    for entry in sorted(folder.iterdir()) if folder.is_dir() else ():
        if entry.name not in _CLI_RECORDS:
            yield FenceRule(entry, Reachable.READ)
    # A login that the CLI renews has to be kept. The file with MCP servers is a copy: what an agent adds is gone.
    yield FenceRule(folder / ".credentials.json", Reachable.WRITE)
    state = (folder if is_named else places.home) / ".claude.json"
    if state.is_file():
        (inside if is_named else places.inner_home).joinpath(".claude.json").write_bytes(state.read_bytes())
    slug = "".join(sign if sign.isascii() and sign.isalnum() else "-" for sign in str(places.work_dir))
    conversations = folder / "projects" / slug
    conversations.mkdir(parents=True, exist_ok=True)
    yield FenceRule(conversations, Reachable.WRITE)


def _codex(places: FencePlaces, environ: Mapping[str, str]) -> Iterator[FenceRule]:
    """Codex's settings read-only, its login, and npm's packages of it: the script starts a program in another one."""
    folder = codex_home(environ)
    inside = places.inner_home / ".codex"
    inside.mkdir(exist_ok=True)
    yield FenceRule(folder, Reachable.WRITE, inside)
    for pattern in _CODEX_SETTINGS:
        for entry in sorted(folder.glob(pattern)):
            yield FenceRule(entry, Reachable.READ)
    yield FenceRule(folder / "auth.json", Reachable.WRITE)
    for above in Path(os.path.realpath(places.program)).parents:
        if above.name == "@openai":
            yield FenceRule(above, Reachable.READ)


def _repository(places: FencePlaces) -> Iterator[FenceRule]:
    """The working directory, and of git's folder what a commit there needs."""
    top = _top(places.work_dir)
    if places.repository is None or top is None:
        _require_inside(places.work_dir, (places.main_repo, places.worktrees))
        if places.main_repo.resolve() != places.work_dir.resolve():
            yield FenceRule(places.main_repo, Reachable.READ)
        yield FenceRule(places.work_dir, Reachable.WRITE)
        return
    repository, common = map(Path.resolve, places.repository)
    if repository != top:
        yield FenceRule(repository, Reachable.READ)
    yield FenceRule(top, Reachable.WRITE)
    if top == common.parent:
        # Git replaces files by renaming, which a read-only file in a place of its own withstands.
        yield FenceRule(common, Reachable.WRITE)
        for name in ("hooks", "info"):
            (common / name).mkdir(exist_ok=True)
            yield FenceRule(common / name, Reachable.READ)
        yield FenceRule(common / "config", Reachable.READ)
        places.empty_file.touch()
        own = common / _OWN_CONFIG
        yield FenceRule(own, Reachable.READ, own if own.exists() else places.empty_file)
        return
    admin = _admin_folder(common, top)
    if admin is None:
        raise UsageError(
            f"{top} is not a worktree of {places.main_repo}: inside the fence an agent works only in its project. "
            "Correct “Working Dir:” in the session's overview, or set SAMOBOT_FENCE=off."
        )
    yield FenceRule(top / ".git", Reachable.READ)
    # An empty folder of their own keeps git's lock files from failing; what is to last is let in one by one.
    yield FenceRule(common, Reachable.EMPTY)
    for name in _GIT_WRITTEN:
        yield FenceRule(common / name, Reachable.WRITE)
    for name in _GIT_READ:
        yield FenceRule(common / name, Reachable.READ)
    packed = common / "packed-refs"
    places.empty_file.touch()
    yield FenceRule(packed, Reachable.READ, packed if packed.exists() else places.empty_file)
    yield FenceRule(admin, Reachable.WRITE)
    for name in _ADMIN_READ:
        is_missing = name == _OWN_CONFIG and not (admin / name).exists()
        yield FenceRule(admin / name, Reachable.READ, places.empty_file if is_missing else None)


def _top(work_dir: Path) -> Path | None:
    """The top of the working tree that a folder is in."""
    resolved = work_dir.resolve()
    return next((path for path in (resolved, *resolved.parents) if os.path.lexists(path / ".git")), None)


def _admin_folder(common: Path, top: Path) -> Path | None:
    """The folder of a linked worktree in git's: the one that leads back to it. The way there is the agent's to write."""
    folder = common / "worktrees"
    for entry in sorted(folder.iterdir()) if folder.is_dir() else ():
        with contextlib.suppress(OSError):
            back = Path(entry, (entry / "gitdir").read_text("utf-8", "surrogateescape").strip())
            if not entry.is_symlink() and back.name == ".git" and back.parent.resolve() == top:
                return entry
    return None


def _require_inside(path: Path, folders: Iterable[Path]) -> None:
    resolved = path.resolve()
    if not any(resolved.is_relative_to(folder.resolve()) for folder in folders):
        raise UsageError(
            f"{path} is outside the project: inside the fence an agent works only in its project. "
            "Correct “Working Dir:” in the session's overview, or set SAMOBOT_FENCE=off."
        )


def _name_servers() -> Iterator[FenceRule]:
    """The file of name servers where it is kept among sockets, as systemd-resolved does."""
    real = Path(os.path.realpath("/etc/resolv.conf"))
    if real.is_relative_to(Path(os.path.realpath("/run"))):
        yield FenceRule(real, Reachable.READ)
