"""What the agent reaches inside the fence: its worktree, its session, tools and caches; not keys, gates or other work."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from samobot.claude.codex_program import codex_home
from samobot.claude.fence import EMPTIED, FenceRule, Reachable, RealPaths, unfollowed
from samobot.claude.fence_places import FencePlaces
from samobot.claude.fence_repository import pinned, repository_rules
from samobot.claude.kept_login import KeptLogin
from samobot.claude.user_settings import config_folder
from samobot.errors import UsageError
from samobot.session.git_seal import top_of
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

_CACHES_INSIDE = ".samobot-caches"

# Below the CLI's configuration folder: what it records of itself. The rest is settings, read-only.
_CLI_RECORDS = frozenset(
    {
        ".claude.json", ".credentials.json", "backups", "cache", "debug", "file-history", "history.jsonl", "ide",
        "paste-cache", "plans", "projects", "session-env", "shell-snapshots", "statsig", "tasks", "telemetry", "todos",
    }
)  # fmt: skip

# Below Codex's folder: the user's settings. What it records is private to an iteration, and gone afterwards.
_CODEX_SETTINGS = ("AGENTS*.md", "*.toml", "hooks.json", "prompts", "rules", "skills")

_NO_FENCE = (Path("/"), Path("/dev"))
"""Over these lies what bubblewrap itself mounts, which a folder of the machine would cover."""

_LISTENS = 0x10000
"""Flag of a socket that accepts connections, in `/proc/net/unix`."""
_DATAGRAM = 2
"""Type of a socket that takes messages without a connection, there."""
_UNIX_SOCKETS = Path("/proc/net/unix")

_SESSION_READ = ("_decisions.jsonl", "_guidance.md", "_logs")


def fence_rules(places: FencePlaces, environ: Mapping[str, str]) -> tuple[FenceRule, ...]:
    """List what an iteration reaches. Makes the folders of caches and of the CLI's records that are missing.

    Args:
        places: The places.
        environ: The environment of the CLI.

    Raises:
        UsageError: The working directory is not the project's, or what the user allows would be no fence.
        OSError: A folder cannot be made.
        StorageError: A login cannot be copied.
    """
    return (
        *_allowed(places),
        *_home(places),
        *_programs(places, environ),
        *(_codex if places.provider is Provider.CODEX else _claude)(places, environ),
        *repository_rules(places),
        *_sessions(places),
        *(FenceRule(path, Reachable.HIDDEN) for path in (*places.secrets, *places.others)),
        *_name_servers(),
        *(FenceRule(path, Reachable.HIDDEN) for path in _sockets_of_others(places)),
    )


def _sessions(places: FencePlaces) -> Iterator[FenceRule]:
    """The session's own files; those of the project's other sessions, and their worktrees, wherever they are."""
    session = places.session.resolve()
    yield FenceRule(places.session, Reachable.WRITE, session)
    for name in _SESSION_READ:
        path = session / name
        if not os.path.lexists(path):
            path.touch()  # or the agent could make it
        yield unfollowed(path, Reachable.READ)
    work_dir = places.work_dir.resolve()
    for folder in map(Path.resolve, (places.session.parent, places.worktrees)):
        for outer in map(Path.resolve, (top_of(work_dir) or work_dir, *places.allowed)):
            is_inside = folder != outer and folder.is_relative_to(outer) and folder.is_dir()
            if is_inside and not work_dir.is_relative_to(folder):
                yield from pinned(folder.parent, outer)
                yield FenceRule(folder, Reachable.EMPTY)


def _allowed(places: FencePlaces) -> Iterator[FenceRule]:
    """What the user allows; never samobot's own, also not through a link."""
    closed = [Path(os.path.realpath(path)) for path in places.secrets]
    written = (places.main_repo, places.worktrees, places.session.parent, *places.allowed)
    for path in places.allowed:
        is_of_kernel = Path(os.path.normpath(path)).is_relative_to("/proc")  # links there may not be read
        real = path if is_of_kernel else Path(os.path.realpath(path))
        if is_of_kernel or real in _NO_FENCE:
            raise UsageError(
                f"SAMOBOT_FENCE_ALLOW={path} would leave no fence: name the folders that agents need, or set "
                "SAMOBOT_FENCE=off."
            )
        for folder in written:
            is_below = path != folder and path.is_relative_to(folder)
            if is_below and real != Path(os.path.realpath(folder), path.relative_to(folder)):
                raise UsageError(
                    f"SAMOBOT_FENCE_ALLOW={path} is a link, or leads through one, and an agent could have made it: name what "
                    "it leads to."
                )
        if not any(real.is_relative_to(each) for each in closed):
            yield FenceRule(path, Reachable.WRITE, real)


def _sockets_of_others(places: FencePlaces) -> Iterator[Path]:
    own = tuple(map(Path.resolve, (places.work_dir, places.session, *places.allowed)))
    for path in reachable_sockets(_UNIX_SOCKETS):
        if not any(path.is_relative_to(each) for each in own):
            yield path


def reachable_sockets(table: Path) -> Iterator[Path]:
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
        if len(fields) < 8 or not fields[7].startswith("/"):
            continue
        if int(fields[3], 16) & _LISTENS or int(fields[4], 16) == _DATAGRAM:
            path = Path(os.path.realpath(fields[7]))
            if not any(path.is_relative_to(each) for each in hidden):
                yield path


def _home(places: FencePlaces) -> Iterator[FenceRule]:
    # Before each iteration, and most of the tools are missing: texts take a third of the time of paths.
    home, inner = os.fspath(places.home), os.fspath(places.inner_home)
    os.makedirs(inner, exist_ok=True)
    yield FenceRule(places.home, Reachable.WRITE, places.inner_home)
    for name in _TOOLS:
        if os.path.exists(tool := os.path.join(home, name)):
            yield FenceRule(Path(tool), Reachable.READ)
    # One mount and links to what is in it: each mount takes time.
    yield FenceRule(places.home / _CACHES_INSIDE, Reachable.WRITE, places.caches)
    for above in dict.fromkeys(map(os.path.dirname, _CACHES)):
        os.makedirs(os.path.join(inner, above), exist_ok=True)
    for name in _CACHES:
        flat = name.replace("/", "-")
        os.symlink(os.path.join(home, _CACHES_INSIDE, flat), os.path.join(inner, name))
        cache = os.path.join(places.caches, flat)
        if os.path.islink(cache) or not os.path.isdir(cache):  # as an agent left it
            Path(cache).unlink(missing_ok=True)
            os.mkdir(cache)


def _programs(places: FencePlaces, environ: Mapping[str, str]) -> Iterator[FenceRule]:
    """Folders of programs that lie where the fence would hide them: on PATH, the CLI's own, Python's and ours."""
    found = [part for part in environ.get("PATH", "").split(os.pathsep) if part.startswith(os.sep)]
    for program in (places.program, sys.executable):
        found += [os.path.dirname(program), os.path.dirname(os.path.realpath(program))]
    found += [sys.prefix, sys.base_prefix, *map(os.fspath, places.packages)]
    own, home, real = (places.work_dir, places.session), places.home.resolve(), RealPaths().real
    hidden = tuple(os.path.join(real(path), "") for path in (places.home, *EMPTIED))
    for path in (Path(each) for each in dict.fromkeys(map(real, found)) if each.startswith(hidden)):
        is_above = any(each.is_relative_to(path) for each in (home, *own))
        # Folders on PATH may be closed to this user: after `su`, the home of another.
        if not is_above and os.path.isdir(path) and not any(path.is_relative_to(each) for each in own):
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
    # The CLI reads its settings again when they change: with some of its own the agent would not have to ask.
    if not (folder / "settings.json").is_file():
        places.empty_file.touch()
        yield FenceRule(folder / "settings.json", Reachable.READ, places.empty_file)
    # A login that the CLI renews has to be kept. The file with MCP servers is a copy: what an agent adds is gone.
    yield FenceRule(folder / ".credentials.json", Reachable.WRITE)
    state = (folder if is_named else places.home) / ".claude.json"
    if state.is_file():
        (inside if is_named else places.inner_home).joinpath(".claude.json").write_bytes(state.read_bytes())
    slug = "".join(sign if sign.isascii() and sign.isalnum() else "-" for sign in str(places.work_dir))
    conversations = folder / "projects" / slug
    conversations.mkdir(parents=True, exist_ok=True)
    yield FenceRule(conversations, Reachable.WRITE)


def codex_login(places: FencePlaces, environ: Mapping[str, str]) -> KeptLogin:
    """The login of Codex, which `fence_rules` copies in and its caller keeps."""
    # Not in the home inside, where the agent could put a link in the folder's place.
    return KeptLogin(codex_home(environ) / "auth.json", places.scratch / "codex" / "auth.json")


def _codex(places: FencePlaces, environ: Mapping[str, str]) -> Iterator[FenceRule]:
    """Codex's settings read-only, a copy of its login, and npm's packages of it: the script starts a program in another one."""
    folder, login = codex_home(environ), codex_login(places, environ)
    login.inside.parent.mkdir(exist_ok=True)
    yield FenceRule(folder, Reachable.WRITE, login.inside.parent)
    for pattern in _CODEX_SETTINGS:
        for entry in sorted(folder.glob(pattern)):
            yield FenceRule(entry, Reachable.READ)
    login.exchange()
    for above in Path(os.path.realpath(places.program)).parents:
        if above.name == "@openai":
            yield FenceRule(above, Reachable.READ)


def _name_servers() -> Iterator[FenceRule]:
    """The file of name servers where it is kept among sockets, as systemd-resolved does."""
    real = Path(os.path.realpath("/etc/resolv.conf"))
    if real.is_relative_to(Path(os.path.realpath("/run"))):
        yield FenceRule(real, Reachable.READ)
